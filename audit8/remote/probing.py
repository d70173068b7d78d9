"""What a server can do, found out by asking it: which models, how long a context, log-probabilities, schemas, tokens.

What a server claims is not believed where it can be tried: a field that it accepts and ignores is one that it does not
have. Waits for a server that says it is still loading, and for no other.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from audit8.errors import Audit8Error, BadRequest, EngineFailure, ModelNotFound, StartupError
from audit8.remote.address import Address
from audit8.remote.answer import Answer, BrokenAnswer, read_logprobs
from audit8.remote.body import FORMS, SchemaForm, chat_body, first_token_body, whole, with_schema
from audit8.remote.documents import satisfies
from audit8.remote.pool import Patience
from audit8.remote.refusals import Broken, Busy
from audit8.remote.wire import Wire
from audit8.types import Message, Sampling

AUDIT_MODEL = "audit8"  # an Audit8's own name for a whole audit
TOPS = (20, 5)  # how many alternatives to ask for: the most of the form, and the most of some servers
PARALLEL = 16  # answers at once, where the server does not say
LOADING_S = 1800.0
SAMPLE = "def f(x):\n    return x + 1\n"
SAMPLE_TOKENS = range(6, 25)
SCHEMA = json.dumps(
    {"type": "object", "properties": {"sea": {"enum": ["calm"]}}, "required": ["sea"], "additionalProperties": False}
)
MAX_NAMED = 8
Heard = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Abilities:
    """`context_tokens` 0: not said. `top`: alternatives with their probabilities, 0: none. `schema`: the form in which
    one is sent to a server that holds answers to it. `tokenize`: the path of the route that counts tokens, "" for none.
    The last four are said by another Audit8 only.
    """

    model: str
    context_tokens: int = 0
    parallel: int = 0
    top: int = 0
    schema: SchemaForm | None = None
    tokenize: str = ""
    pocket: bool = False
    quantisation: str = ""
    arithmetic: str = ""
    sends_to: str = ""


@dataclass(frozen=True, slots=True)
class Prober:
    """`model` "" means the only one that the server has. `heard` is told what is waited for."""

    wire: Wire
    patience: Patience
    model: str
    heard: Heard = lambda _: None
    loading_s: float = LOADING_S

    async def probe(self, address: Address) -> Abilities:
        """Raises StartupError or ModelNotFound in one line, Broken if the server cannot be reached."""
        own = await self._own(address)
        listed = await self._patiently(address, self._models)
        found = Abilities(self._choose(address, listed, own))
        found = replace(found, **_said_of(own)) if own else await self._props(address, found, listed)
        top = await self._patiently(address, lambda where: self._top(where, found.model))
        schema = await self._schema(address, found.model)
        return replace(found, top=top, schema=schema, tokenize=await self._tokenize(address, found.model))

    # ---- which model ----------------------------------------------------------------------------------------------

    async def _models(self, address: Address) -> list[dict[str, Any]]:
        answer = await self.wire.get(f"{address.url}/models", self.patience.check_s)
        entries = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise StartupError(f"{address.url} is not an OpenAI-compatible server.", hint="Check --engine-url.")
        return entries

    def _choose(self, address: Address, listed: list[dict[str, Any]], own: dict[str, Any]) -> str:
        names = [str(entry.get("id", "")) for entry in listed if entry.get("id") not in {"", AUDIT_MODEL, None}]
        if own and self.model == AUDIT_MODEL:
            raise StartupError(f"The model {AUDIT_MODEL} of {address.host} is a whole audit, not a model.")
        shown = ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
        if self.model and self.model not in names:
            raise ModelNotFound(
                f"{address.host} has no model {self.model!r}; it has: {shown or 'none'}.", hint="Check --engine-model."
            )
        if not self.model and len(names) != 1:
            raise ModelNotFound(
                f"{address.host} has {len(names)} models: {shown or 'none'}.", hint="Choose one: --engine-model NAME."
            )
        return self.model or names[0]

    async def _own(self, address: Address) -> dict[str, Any]:
        """What another Audit8 says of itself once it is ready; {} of any other server."""
        deadline = time.monotonic() + self.loading_s
        while True:
            health = await self._optional(self.wire.get(f"{address.root}/health", self.patience.check_s))
            state = health.get("state") if isinstance(health, dict) and "progress" in health else None
            if state == "failed":
                said = health.get("error") or {}
                raise StartupError(f"{address.host} could not load its model: {said.get('message', '')}")
            if state != "loading" or time.monotonic() > deadline:
                return health if state == "ready" else {}
            self.heard(address.host)
            await asyncio.sleep(self.patience.rest_s)

    async def _props(self, address: Address, found: Abilities, listed: list[dict[str, Any]]) -> Abilities:
        """Context and slots: in the list of models (vLLM, SGLang), or of llama.cpp's own route."""
        entry = next(entry for entry in listed if entry.get("id") == found.model)
        context = _positive(entry.get("max_model_len")) or _positive(entry.get("context_length"))
        props = await self._optional(self.wire.get(f"{address.root}/props", self.patience.check_s))
        if not isinstance(props, dict):
            return replace(found, context_tokens=context)
        settings = props.get("default_generation_settings")
        own = _positive(settings.get("n_ctx")) if isinstance(settings, dict) else 0
        return replace(found, context_tokens=own or context, parallel=_positive(props.get("total_slots")))

    # ---- what it can do -------------------------------------------------------------------------------------------

    async def _top(self, address: Address, model: str) -> int:
        """How many alternatives it gives with their probabilities; the first request that costs tokens."""
        question = [Message("user", "Is water wet? Answer yes or no.")]
        for top in TOPS:
            try:
                answer = await self._chat(address, first_token_body(model, question, top))
            except BadRequest:
                continue
            return top if _has_alternatives(answer) else 0
        plain = whole(chat_body(model, question, Sampling(max_tokens=1)))
        await self._chat(address, plain)  # not even this: raises what the server says
        return 0

    async def _schema(self, address: Address, model: str) -> SchemaForm | None:
        """In which form an answer is held to a schema, if in any."""
        for form in FORMS:
            if await self._held(address, model, form):
                return form
        return None

    async def _held(self, address: Address, model: str, form: SchemaForm) -> bool:
        """Nobody would write this document when asked for a song."""
        asked = [Message("user", "Write a song about mountains.")]
        body = with_schema(whole(chat_body(model, asked, Sampling(max_tokens=64))), SCHEMA, form)
        try:
            completion = await self._chat(address, body)
            answer = Answer(split=False)
            text = "".join(piece.text for piece in answer.take(completion) if not piece.reasoning)
        except (Audit8Error, Busy, Broken, BrokenAnswer):
            return False
        return satisfies(text, SCHEMA)

    async def _chat(self, address: Address, body: dict[str, Any]) -> Any:
        return await self.wire.post(f"{address.url}/chat/completions", body, self.patience.first_s)

    async def _tokenize(self, address: Address, model: str) -> str:
        """The route that counts tokens, if what it says of a sample can be true."""
        for path in ROUTES:
            url, body = count_request(address, path, model, SAMPLE)
            answer = await self._optional(self.wire.post(url, body, self.patience.check_s))
            if read_count(answer) in SAMPLE_TOKENS:
                return path
        return ""

    async def _optional(self, request: Any) -> Any:
        """The answer of a route that not every server has; None without it."""
        try:
            return await request
        except (Audit8Error, Busy, Broken):
            return None

    async def _patiently(self, address: Address, ask: Callable[[Address], Any]) -> Any:
        """What `ask` gives; a server that is busy is asked again, one that refuses ends the start in one line."""
        deadline = time.monotonic() + self.loading_s
        while True:
            try:
                return await ask(address)
            except Busy as busy:
                if time.monotonic() > deadline:
                    raise Broken(str(busy)) from None
                self.heard(address.host)
                await asyncio.sleep(self.patience.rest_s if busy.wait_s is None else min(busy.wait_s, 5))
            except StartupError:
                raise
            except (EngineFailure, BadRequest) as error:
                raise StartupError(error.message, hint=error.hint or "Check --engine-url and --engine-model.") from None


# ---- counting routes ----------------------------------------------------------------------------------------------

ROUTES = ("/tokenize", "/api/count", "/extras/tokenize/count")  # vLLM, SGLang, llama.cpp; Audit8; llama-cpp-python


def count_request(address: Address, path: str, model: str, text: str) -> tuple[str, dict[str, Any]]:
    bodies: dict[str, dict[str, Any]] = {
        "/tokenize": {"model": model, "prompt": text, "content": text, "add_special_tokens": False},
        "/api/count": {"code": text, "filename": ""},
        "/extras/tokenize/count": {"input": text},
    }
    return address.root + path, bodies[path]


def read_count(answer: object) -> int:
    """Tokens, or -1 if the answer holds no number of them."""
    if not isinstance(answer, dict):
        return -1
    tokens = answer.get("tokens")
    count = len(tokens) if isinstance(tokens, list) else answer.get("count", tokens)
    return count if isinstance(count, int) and not isinstance(count, bool) else -1


def _has_alternatives(completion: object) -> bool:
    choices = completion.get("choices") if isinstance(completion, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return False
    found = read_logprobs(choices[0])
    return bool(found) and len({value for _, value in found[0].top}) > 1


def _said_of(health: dict[str, Any]) -> dict[str, Any]:
    return {
        "context_tokens": _positive(health.get("context_tokens")),
        "parallel": _positive(health.get("parallel")),
        "pocket": health.get("pocket") is True,
        **{name: str(health.get(name) or "") for name in ("quantisation", "arithmetic", "sends_to")},
    }


def _positive(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
