"""The exception tree. Errors know a stable `code` and words a user can act on; they know nothing of HTTP.

Audit8Error
├── BadInput                    the request is at fault
│   ├── EmptyCode               nothing to audit
│   ├── TooLarge                over a size limit
│   ├── Undecodable             not text in an encoding we read
│   ├── BadRequest              malformed, or a value out of range
│   ├── SlowBody                the body did not arrive in time
│   └── PromptTooLong           does not fit the model's context
├── NotFound                    what was named is not here
│   └── HistoryOff              ... because this server keeps no history
├── Unavailable                 try again later
│   ├── NotReady                the model is still loading
│   ├── QueueFull               too many jobs wait
│   └── Stopping                the server is being stopped
├── Cancelled                   the client or an operator stopped the job
├── DeadlineExceeded            the job took longer than it may
├── EngineFailure               the model could not answer
│   ├── OutOfMemory             ... because the device's memory ran out
│   ├── OffSchema               ... in the form that was asked for
│   └── EngineLost              ... and will not answer again: it has to be loaded anew
│       └── DeviceLost          ... by a new process, as this one can no longer use the device
└── StartupError                the server cannot start as asked
    ├── ModelNotFound           no such folder, or no source could be reached
    ├── DoesNotFit              the model needs more memory than is free
    ├── MissingDependency       a package is absent or broken
    └── Offloaded               part of the model is not where it was told to be
"""


class Audit8Error(Exception):
    """`message` says what happened, `hint` what to do about it, `details` holds numbers for programs."""

    code = "internal"

    def __init__(self, message: str, *, hint: str = "", **details: str | int) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class BadInput(Audit8Error):
    code = "bad_input"


class EmptyCode(BadInput):
    code = "empty_code"


class TooLarge(BadInput):
    code = "too_large"


class Undecodable(BadInput):
    code = "undecodable"


class BadRequest(BadInput):
    code = "bad_request"


class SlowBody(BadInput):
    code = "slow_body"


class PromptTooLong(BadInput):
    code = "prompt_too_long"


class NotFound(Audit8Error):
    code = "not_found"


class HistoryOff(NotFound):
    code = "history_off"


class Unavailable(Audit8Error):
    """`retry_after_s` is a guess of when trying again makes sense."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after_s: int, hint: str = "", **details: str | int) -> None:
        super().__init__(message, hint=hint, **details)
        self.retry_after_s = retry_after_s


class NotReady(Unavailable):
    code = "not_ready"


class QueueFull(Unavailable):
    code = "queue_full"


class Stopping(Unavailable):
    code = "stopping"


class Cancelled(Audit8Error):
    code = "cancelled"


class DeadlineExceeded(Audit8Error):
    code = "deadline_exceeded"


class EngineFailure(Audit8Error):
    code = "engine_failure"


class OutOfMemory(EngineFailure):
    code = "out_of_memory"


class OffSchema(EngineFailure):
    code = "off_schema"


class EngineLost(EngineFailure):
    code = "engine_lost"


class DeviceLost(EngineLost):
    code = "device_lost"


class StartupError(Audit8Error):
    code = "startup"


class ModelNotFound(StartupError):
    code = "model_not_found"


class DoesNotFit(StartupError):
    code = "does_not_fit"


class MissingDependency(StartupError):
    code = "missing_dependency"


class Offloaded(StartupError):
    code = "offloaded"
