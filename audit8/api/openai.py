"""The OpenAI chat form: POST /v1/chat/completions and GET /v1/models, for front ends that already speak it.

The model name `audit8` runs a whole audit on the last user message; any other name is plain chat with the one model
that this server holds. Both are a stream of tokens that ends with a Finish or a Failed.
"""

import re
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from audit8.api import sse
from audit8.api.answer_format import check_body, schema_of
from audit8.api.answers import ChatCompletion, Model, Models, as_json
from audit8.api.callers import caller_of
from audit8.api.chat_fields import check_fields
from audit8.api.completion import Completion
from audit8.api.history import owner_of
from audit8.api.intake import Part, Submission, load_object, make_job
from audit8.api.problems import INTERNAL, never_raising, problem, problem_body, request_id_of
from audit8.api.readiness import Readiness
from audit8.api.schemas import CHAT_BODY, CHAT_RESPONSES, ChatMessage, ChatRequest, problem_response, timeout_parameters
from audit8.errors import BadRequest
from audit8.events import Event, Failed, Reported, Token
from audit8.live import Caller
from audit8.service import AuditService
from audit8.settings import Settings
from audit8.store.history import History
from audit8.types import Finish, Lang, Message, Role, Sampling, TokenLogprob

AUDIT_MODEL = "audit8"
DEFAULT_MAX_TOKENS = 2048
DEFAULT_TEMPERATURE = 0.6
DEFAULT_TOP_P = 0.95
UNKNOWN_MODEL: dict[int | str, dict[str, Any]] = {404: problem_response("No such model here.")}
_FENCE = re.compile(
    r"\s*(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w+#.-]*)[^\n`]*\n(?P<code>.*?)\n?(?P=mark)\s*", re.DOTALL
)
_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


def make_router(service: AuditService, readiness: Readiness, history: History, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/v1")
    started_at_s = int(time.time())

    @router.post(
        "/chat/completions",
        response_model=ChatCompletion,
        responses=CHAT_RESPONSES,
        openapi_extra={"requestBody": CHAT_BODY, "parameters": timeout_parameters(settings.job_timeout)},
    )
    async def chat(request: Request) -> Response:
        """Chat with the model at hand, or, as model `audit8`, the audit of the code in the last user message."""
        asked = _checked(await request.body())
        answer = _events(service, history, asked, settings.lang, caller_of(request), owner_of(request.scope))
        events = never_raising(answer, request_id_of(request.scope))
        await anext(events)  # Accepted; a refusal is raised here, before anything is sent
        name = AUDIT_MODEL if asked.model == AUDIT_MODEL else readiness.engine_now().info.model
        completion = Completion(f"chatcmpl-{secrets.token_hex(12)}", int(time.time()), name, bool(asked.logprobs))
        request_id = request_id_of(request.scope)
        if asked.stream:
            usage = bool(asked.stream_options and asked.stream_options.include_usage)
            return sse.EventStream(_frames(events, completion, request_id, include_usage=usage))
        return await sse.unless_gone(request.receive, _whole(events, completion, request_id))

    @router.get("/models", response_model=Models)
    async def models() -> Response:
        """The model at hand, and `audit8`."""
        return as_json({"object": "list", "data": [_model(name, started_at_s) for name in _names(readiness)]})

    @router.get("/models/{name:path}", response_model=Model, responses=UNKNOWN_MODEL)
    async def model(name: str, request: Request) -> Response:
        if name in _names(readiness):
            return as_json(_model(name, started_at_s))
        failed = Failed("not_found", f"There is no model called {name[:80]!r} here.", "GET /v1/models lists them.")
        return problem(failed, request_id_of(request.scope))

    return router


# ---- the request ------------------------------------------------------------------------------------------------


def _checked(body: bytes) -> ChatRequest:
    check_body(body)
    given = load_object(body)
    try:
        asked = ChatRequest.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{where}: {first['msg']}.", hint="See /docs for what is honoured.", param=where) from None
    check_fields(given)
    if asked.top_logprobs is not None and not asked.logprobs:
        raise BadRequest("top_logprobs needs logprobs to be true.", param="top_logprobs")
    if asked.logprobs and asked.model == AUDIT_MODEL:
        raise BadRequest(f"{AUDIT_MODEL} answers with a report, which has no log-probabilities.", param="logprobs")
    return asked


def _events(
    service: AuditService, history: History, asked: ChatRequest, lang: Lang, caller: Caller, owner: str
) -> AsyncGenerator[Event | Finish]:
    if asked.model == AUDIT_MODEL:
        if schema_of(asked.response_format) is not None:
            raise BadRequest(
                f"{AUDIT_MODEL} answers with a report in Markdown, not under a schema.",
                hint="POST /audit gives the report as JSON.",
                param="response_format",
            )
        job = make_job(Submission((unfenced(_last_user_text(asked.messages)),)), lang)
        return _as_chat(history.keep(service.run_audit(job, caller), job, owner))
    messages = [Message(_ROLES[message.role], message.content) for message in asked.messages]
    return service.run_chat(messages, _sampling(asked), caller)


def _last_user_text(messages: Sequence[ChatMessage]) -> str:
    return next((message.content for message in reversed(messages) if message.role == "user"), "")


def unfenced(text: str) -> Part:
    """The code of a message that is one Markdown fence; any other message is code as it stands."""
    match = _FENCE.fullmatch(text)
    if match and match["mark"] not in match["code"]:
        return Part("", match["code"], match["language"])
    return Part("", text)


def _sampling(asked: ChatRequest) -> Sampling:
    return Sampling(
        max_tokens=asked.max_completion_tokens or asked.max_tokens or DEFAULT_MAX_TOKENS,
        temperature=DEFAULT_TEMPERATURE if asked.temperature is None else asked.temperature,
        top_p=DEFAULT_TOP_P if asked.top_p is None else asked.top_p,
        top_k=max(0, asked.top_k or 0),
        repetition_penalty=asked.repetition_penalty or 1.0,
        seed=None if asked.seed is None else asked.seed % 2**63,
        stop=asked.stop,
        top_logprobs=(asked.top_logprobs or 0) if asked.logprobs else None,
        schema=schema_of(asked.response_format),
    )


# ---- the answer -------------------------------------------------------------------------------------------------


async def _as_chat(events: AsyncGenerator[Event]) -> AsyncGenerator[Event | Finish]:
    """An audit as a chat: what the model writes is its reasoning, the report's Markdown is the answer."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Token):
                yield Token(event.text, reasoning=True)
            elif isinstance(event, Reported):
                for line in event.report.result.splitlines(keepends=True):
                    yield Token(line)
                yield Finish("stop", event.report.usage)
            else:
                yield event


async def _frames(
    events: AsyncGenerator[Event | Finish], completion: Completion, request_id: str, *, include_usage: bool
) -> AsyncGenerator[bytes]:
    yield sse.frame(completion.chunk({"role": "assistant", "content": ""}))
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Token):
                name = "reasoning_content" if event.reasoning else "content"
                yield sse.frame(completion.chunk({name: event.text}, logprobs=event.logprobs))
            elif isinstance(event, Failed):
                yield sse.frame(problem_body(event, request_id))
            elif isinstance(event, Finish):
                yield sse.frame(completion.chunk({}, event.reason))
                if include_usage:
                    yield sse.frame(completion.usage_chunk(event.usage))
                yield b"data: [DONE]\n\n"


async def _whole(events: AsyncGenerator[Event | Finish], completion: Completion, request_id: str) -> Response:
    texts: dict[bool, list[str]] = {False: [], True: []}
    logprobs: list[TokenLogprob] = []
    last: Event | Finish = INTERNAL
    async with aclosing(events):
        async for event in events:
            last = event
            if isinstance(event, Token):
                texts[event.reasoning].append(event.text)
                logprobs += event.logprobs
    if isinstance(last, Finish):
        body = completion.whole("".join(texts[False]), "".join(texts[True]), last, logprobs)
        return as_json(body)
    return problem(last if isinstance(last, Failed) else INTERNAL, request_id)


def _names(readiness: Readiness) -> list[str]:
    return [*([readiness.engine.info.model] if readiness.engine else []), AUDIT_MODEL]


def _model(name: str, created_s: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created_s, "owned_by": "local"}
