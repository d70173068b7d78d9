"""The engine's seam: what the rest of the program may ask of a model, whoever runs it."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from audit8.types import EngineInfo, Finish, Memory, Message, Piece, Sampling


class Engine(Protocol):
    """A loaded model. All methods may be called from the event loop; none blocks it."""

    @property
    def info(self) -> EngineInfo: ...

    def memory(self) -> Memory:
        """Memory in use on the model's device, as measured now."""
        ...

    def count_tokens(self, text: str) -> int:
        """How many tokens `text` is, without special tokens or a chat template."""
        ...

    async def check(self, sampling: Sampling) -> None:
        """Raises BadRequest where `stream` would, for what can be told without the messages: numbers, the schema."""
        ...

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece | Finish]:
        """Answer `messages`: pieces of text, then exactly one `Finish`.

        Where the last message is the assistant's, the answer goes on from it.

        Closing the generator (`aclose`, or leaving `contextlib.aclosing`) cancels: the model stops within one step.

        Raises:
            PromptTooLong, BadRequest: before anything is generated.
            EngineFailure, OutOfMemory: at any step; the engine itself goes on.
        """
        ...

    async def score(self, messages: Sequence[Message], candidates: Sequence[str]) -> list[float]:
        """The probability that the answer's first token is the first token of each candidate, in their order.

        Raises as `stream` does; BadRequest if two candidates begin with the same token.
        """
        ...

    async def aclose(self) -> None:
        """Stop the owner thread and free the model; requests still running end with `EngineFailure`."""
        ...
