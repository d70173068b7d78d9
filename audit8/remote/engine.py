"""The engine on other machines: protocol.Engine over OpenAI-compatible servers.

Knows what the servers can do (probing.py) and makes up for what they cannot. Chat templates, tokens and caches are
theirs. Nothing here imports torch.
"""

import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import httpx2
import psutil

from audit8.engine.limits import check_sampling
from audit8.engine.schema import read_schema
from audit8.errors import Audit8Error, BadRequest, EngineFailure, OffSchema
from audit8.remote import scoring
from audit8.remote.answer import Answer, BrokenAnswer, read_logprobs
from audit8.remote.body import asking_for, chat_body, first_token_body, whole, with_schema
from audit8.remote.counting import Counter
from audit8.remote.documents import check_schema, document_in, satisfies
from audit8.remote.pool import Patience, Pool, Replica
from audit8.remote.probing import Abilities, count_request, read_count
from audit8.remote.refusals import Broken, Busy
from audit8.remote.wire import Wire
from audit8.types import EngineInfo, Finish, Memory, Message, Piece, Sampling, Usage

log = logging.getLogger("audit8")
DOCUMENT_TRIES = 3  # for a document, at a server that holds no answer to a schema
VOTE_TOKENS = 8
THINKING_VOTE_TOKENS = 2048
SPARE_TEXTS = 64  # a server may send more portions of text than tokens, but not many more


class RemoteEngine:
    """See protocol.Engine. Where the protocol speaks of a step, here it is a chunk of a server's stream.

    `count_tokens` is exact on worker threads where a server counts, and an estimate from above elsewhere. `score`: see
    scoring.py. Under a schema an answer that ended is checked; one that `max_tokens` cut is not, and ends with the
    reason "length". `top_k` and `repetition_penalty` are sent only where they differ from their defaults.
    """

    def __init__(
        self, *, replicas: Sequence[Replica], abilities: Abilities, info: EngineInfo, wire: Wire, patience: Patience
    ) -> None:
        self._abilities = abilities
        self._info = info
        self._wire = wire
        self._patience = patience
        self._pool = Pool(replicas, patience, self._lives)
        self._opened = False  # whether the chat template opens the thoughts: learnt from an answer that closes them
        self._blocking = wire.blocking_client()
        self._counter = Counter(self._ask_tokens if abilities.tokenize else None)

    @property
    def info(self) -> EngineInfo:
        return self._info

    def memory(self) -> Memory:
        """Of this process: what the other machine uses is not known here."""
        return Memory("ram", int(psutil.Process().memory_info().rss), int(psutil.virtual_memory().total))

    def count_tokens(self, text: str) -> int:
        return self._counter.count(text)

    async def check(self, sampling: Sampling) -> None:
        check_sampling(sampling)
        if sampling.schema is not None:
            read_schema(sampling.schema)
            check_schema(sampling.schema)
        if sampling.top_logprobs is None:
            return
        most = self._abilities.top
        if not most or (sampling.schema is not None and not self._abilities.schema):
            raise BadRequest("The server of --engine-url gives no log-probabilities for this.", param="logprobs")
        if sampling.top_logprobs > most:
            raise BadRequest(f"The server of --engine-url gives {most} alternatives.", param="top_logprobs")

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece | Finish]:
        await self.check(sampling)
        if not any(message.content for message in messages):
            raise BadRequest("the prompt is empty", hint="send at least one message with some text")
        if sampling.schema is not None and not self._abilities.schema:
            answering = self._document(messages, sampling, sampling.schema)
        else:
            answering = self._answer(messages, sampling)
        async with aclosing(answering) as items:
            async for item in items:
                yield item

    async def score(self, messages: Sequence[Message], candidates: Sequence[str]) -> list[float]:
        scoring.check(candidates)
        if self._abilities.top:
            body = first_token_body(self._abilities.model, messages, self._abilities.top)
            choice = (await self._whole(body))["choices"][0]
            if logprobs := read_logprobs(choice):
                return scoring.probabilities(logprobs[0], candidates)
            if (choice.get("message") or {}).get("content"):  # an answer that ends at once has no token to tell of
                log.warning("the server gives no log-probabilities any more: an answer counts as a vote from now on")
                self._abilities = replace(self._abilities, top=0)
        return await self._vote(messages, candidates)

    async def aclose(self) -> None:
        self._blocking.close()
        await self._wire.aclose()

    # ---- an answer ------------------------------------------------------------------------------------------------

    async def _answer(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece | Finish]:
        body = chat_body(self._abilities.model, messages, sampling)
        if sampling.schema is not None:
            body = with_schema(body, sampling.schema, self._abilities.schema or "json_schema")
        asked_at = time.monotonic()
        first_at, written = 0.0, [""]
        answer = Answer()
        async with aclosing(self._pool.dispatch(lambda replica: self._try(replica, body, sampling))) as items:
            async for item in items:
                if isinstance(item, Answer):
                    answer = item
                    continue
                first_at = first_at or time.monotonic()
                written += [] if item.reasoning else [item.text]
                yield item
        if sampling.schema is not None and answer.reason == "stop" and not satisfies("".join(written), sampling.schema):
            raise OffSchema("the server's answer does not satisfy the schema", hint="Try again.")
        yield self._finish(answer, messages, asked_at, first_at or time.monotonic())

    async def _try(self, replica: Replica, body: dict[str, Any], sampling: Sampling) -> AsyncGenerator[Piece | Answer]:
        """The pieces of one server's answer, and last the answer itself. Raises as Pool.dispatch expects."""
        answer = Answer(opened=self._opened and sampling.schema is None, split=sampling.schema is None)
        most = 2 * sampling.max_tokens + SPARE_TEXTS
        host = replica.address.host
        async with aclosing(self._wire.chunks(f"{replica.address.url}/chat/completions", body)) as chunks:
            async for chunk in chunks:
                for piece in _taken(answer, chunk, host):
                    yield piece
                if answer.texts > most:
                    log.warning("%s writes more than it was asked for; it was stopped", host)
                    answer.reason = "length"
                    break
        if answer.filtered:
            raise EngineFailure(f"{host} has filtered its answer")
        if answer.reason is None:
            raise Broken(f"{host} broke off")
        self._opened = self._opened or answer.closed_unopened
        for piece in answer.finish():
            yield piece
        yield answer

    def _finish(self, answer: Answer, messages: Sequence[Message], asked_at: float, first_at: float) -> Finish:
        prompt_tokens = sum(self.count_tokens(message.content) for message in messages)
        usage = answer.usage or Usage(prompt_tokens, answer.texts)
        decode_s = time.monotonic() - first_at
        return Finish(answer.reason or "stop", usage, prefill_s=first_at - asked_at, decode_s=decode_s)

    async def _document(
        self, messages: Sequence[Message], sampling: Sampling, schema: str
    ) -> AsyncGenerator[Piece | Finish]:
        """A document from a server that holds no answer to a schema: asked for in words, looked for, asked again."""
        asked = asking_for(messages, schema)
        spent, usage = 0.0, Usage()
        for number in range(DOCUMENT_TRIES):
            free = replace(sampling, schema=None, temperature=sampling.temperature or 0.3 * number)
            texts: list[str] = []
            async with aclosing(self._answer(asked, free)) as items:
                async for item in items:
                    if isinstance(item, Finish):
                        usage, spent = usage + item.usage, spent + item.decode_s
                        finish = replace(item, reason="stop", usage=usage, decode_s=spent)
                    elif not item.reasoning:
                        texts.append(item.text)
            if (document := document_in("".join(texts), schema)) is not None:
                yield Piece(document)
                yield finish
                return
        raise OffSchema(
            f"the server wrote no document that satisfies the schema in {DOCUMENT_TRIES} tries",
            hint="It cannot hold an answer to a schema by itself; use a server that can (vLLM, SGLang, llama.cpp).",
        )

    # ---- a word ---------------------------------------------------------------------------------------------------

    async def _vote(self, messages: Sequence[Message], candidates: Sequence[str]) -> list[float]:
        sampling = Sampling(max_tokens=THINKING_VOTE_TOKENS if self._opened else VOTE_TOKENS)
        if self._abilities.schema:
            sampling = replace(sampling, max_tokens=64, schema=scoring.vote_schema(candidates))
        texts: list[str] = []
        async with aclosing(self._answer(messages, sampling)) as items:
            async for item in items:
                if isinstance(item, Piece) and not item.reasoning:
                    texts.append(item.text)
        return scoring.vote("".join(texts), candidates)

    async def _whole(self, body: dict[str, Any]) -> dict[str, Any]:
        """A whole completion with at least one choice."""

        async def send(replica: Replica) -> AsyncGenerator[dict[str, Any]]:
            url = f"{replica.address.url}/chat/completions"
            completion = await self._wire.post(url, whole(body), self._patience.first_s)
            choices = completion.get("choices") if isinstance(completion, dict) else None
            if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
                raise Broken(f"{replica.address.host} sent a completion without choices")
            yield completion

        async with aclosing(self._pool.dispatch(send)) as completions:
            return await anext(completions)

    # ---- short questions ------------------------------------------------------------------------------------------

    async def _lives(self, replica: Replica) -> bool:
        try:
            await self._wire.get(f"{replica.address.url}/models", self._patience.check_s)
        except (Audit8Error, Busy, Broken):
            return False
        return True

    def _ask_tokens(self, text: str) -> int | None:
        """Blocking. Asks the servers in turn, those that work first."""
        for replica in sorted(self._pool.replicas, key=lambda one: (one.suspect, one.running))[:2]:
            url, body = count_request(replica.address, self._abilities.tokenize, self._abilities.model, text)
            try:
                answer = self._blocking.post(url, json=body)
                count = read_count(answer.json()) if answer.status_code == 200 else -1
            except (httpx2.HTTPError, RuntimeError, ValueError):  # RuntimeError: the client is closed
                continue
            if count >= 0:
                return count
        return None


def _taken(answer: Answer, chunk: object, host: str) -> list[Piece]:
    try:
        return answer.take(chunk)
    except BrokenAnswer as error:
        raise Broken(f"{host} sent what is not of the chat form: {error}") from None
