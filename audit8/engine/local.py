"""The engine in this process: an owner thread that alone touches the model, behind the async seam of protocol.py.

Knows the tokenizer and the chat template; does not know how tokens are chosen (that is the executor's).
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from audit8.engine.constraint import Constraint
from audit8.engine.drafts import as_quoted
from audit8.engine.generation import Executor, Generation, Guessed, Item, Scores
from audit8.engine.grammar import Grammars
from audit8.engine.limits import check_candidates, check_prompt, check_sampling
from audit8.engine.sampling import is_plain
from audit8.engine.text import THINK_OPEN
from audit8.errors import Audit8Error, EngineFailure, EngineLost
from audit8.types import EngineInfo, Finish, Memory, Message, Piece, Sampling


class _Outbox:
    """Carries items from the owner thread to queues of one event loop, waking it once for many items."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: deque[tuple[asyncio.Queue[Item], Item]] = deque()
        self._awake = False

    def put(self, target: asyncio.Queue[Item], item: Item) -> None:
        self._items.append((target, item))
        if not self._awake:
            self._awake = True
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError:  # the loop is closed: nobody waits any more
                self._items.clear()

    def _drain(self) -> None:
        self._awake = False
        while self._items:
            target, item = self._items.popleft()
            target.put_nowait(item)


class LocalEngine:
    """See protocol.Engine. `classify` turns any exception of a step into one of ours (out of memory, failure).

    `vocabulary`: how many logits the model has, for answers under a schema; 0 if there can be none.
    """

    def __init__(
        self,
        *,
        tokenizer: Any,
        executor: Executor,
        info: EngineInfo,
        eos_ids: frozenset[int],
        memory: Callable[[], Memory],
        classify: Callable[[BaseException], Audit8Error],
        vocabulary: int = 0,
    ) -> None:
        self._tokenizer = tokenizer
        self._executor = executor
        self._info = info
        self._eos_ids = eos_ids
        self._memory = memory
        self._classify = classify
        self._grammars = Grammars(tokenizer, vocabulary, eos_ids)
        self._inbox: queue.SimpleQueue[Generation | None] = queue.SimpleQueue()
        self._outboxes: dict[asyncio.AbstractEventLoop, _Outbox] = {}
        self._end: EngineFailure | None = None  # what ended the owner thread; None while it lives
        self._door = threading.Lock()  # between the last look into the inbox and the next request
        self._thread = threading.Thread(target=self._own, name="audit8-model", daemon=True)
        self._thread.start()

    @property
    def info(self) -> EngineInfo:
        return self._info

    def memory(self) -> Memory:
        return self._memory()

    @property
    def guessed(self) -> Guessed:
        """What came of speculation so far."""
        return self._executor.guessed

    def figures(self) -> dict[str, float]:
        """What the executor counts, under the names of metrics.py."""
        counted: Callable[[], dict[str, float]] = getattr(self._executor, "figures", dict)
        return counted()

    def count_tokens(self, text: str) -> int:
        return len(self._encode(text))

    async def check(self, sampling: Sampling) -> None:
        check_sampling(sampling)
        await asyncio.to_thread(self._constrain, sampling)

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece | Finish]:
        prompt = await asyncio.to_thread(self._render, messages)
        ids = await asyncio.to_thread(self._encode, prompt)
        check_sampling(sampling)
        check_prompt(len(ids), sampling.max_tokens, self._info.context_tokens)
        constraint, echoes = await asyncio.gather(
            asyncio.to_thread(self._constrain, sampling), asyncio.to_thread(self._echoes, messages, sampling)
        )
        thinking = constraint is None and prompt.rstrip().endswith(THINK_OPEN)
        generation, items = self._submit(ids, sampling, thinking=thinking, constraint=constraint, echoes=echoes)
        try:
            while True:
                item = await items.get()
                if isinstance(item, Audit8Error):
                    raise item
                if isinstance(item, (Piece, Finish)):
                    yield item
                if isinstance(item, Finish):
                    return
        finally:
            generation.cancelled = True

    async def score(self, messages: Sequence[Message], candidates: Sequence[str]) -> list[float]:
        ids = await asyncio.to_thread(lambda: self._encode(self._render(messages)))
        firsts = [(self._encode(candidate) or [-1])[0] for candidate in candidates]
        check_candidates(candidates, firsts)
        check_prompt(len(ids), 1, self._info.context_tokens)
        generation, items = self._submit(ids, Sampling(max_tokens=1), candidates=firsts)
        try:
            item = await items.get()
        finally:
            generation.cancelled = True
        if isinstance(item, Audit8Error):
            raise item
        assert isinstance(item, Scores)
        return item.probabilities

    async def aclose(self) -> None:
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join)

    # ---- the caller's side -------------------------------------------------------------------------------------

    def _render(self, messages: Sequence[Message]) -> str:
        """The prompt. A last message of the assistant is the beginning of the answer, as it stands."""
        begun = messages[-1].content if messages and messages[-1].role == "assistant" else ""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        turns = turns[:-1] if begun else turns
        if not self._tokenizer.chat_template:
            return "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in turns) + f"\n\nassistant:{begun}"
        prompt = str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
        if begun.startswith(THINK_OPEN) and prompt.rstrip().endswith(THINK_OPEN):  # the template has opened the block
            prompt = prompt.rstrip().removesuffix(THINK_OPEN)
        return prompt + begun

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _echoes(self, messages: Sequence[Message], sampling: Sampling) -> list[int]:
        """What the messages are where a document quotes them; [] where no document is asked for, or none is guessed."""
        if sampling.schema is None or not is_plain(sampling):
            return []
        return self._encode(as_quoted("\n".join(message.content for message in messages)))

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def _constrain(self, sampling: Sampling) -> Constraint | None:
        if sampling.schema is None:
            return None
        return self._grammars.compile(sampling.schema).start(sampling.max_tokens)

    def _submit(
        self,
        ids: list[int],
        sampling: Sampling,
        *,
        thinking: bool = False,
        candidates: Sequence[int] = (),
        constraint: Constraint | None = None,
        echoes: Sequence[int] = (),
    ) -> tuple[Generation, asyncio.Queue[Item]]:
        loop = asyncio.get_running_loop()
        outbox = self._outboxes.setdefault(loop, _Outbox(loop))
        items: asyncio.Queue[Item] = asyncio.Queue()
        generation = Generation(
            ids,
            sampling,
            deliver=lambda item: outbox.put(items, item),
            decode=self._decode,
            eos_ids=self._eos_ids,
            thinking=thinking,
            candidates=candidates,
            constraint=constraint,
            echoes=echoes,
        )
        with self._door:
            if self._end:
                raise self._end
            self._inbox.put(generation)
        return generation, items

    # ---- the owner thread --------------------------------------------------------------------------------------

    def _own(self) -> None:
        end: EngineFailure = EngineLost("the engine has stopped unexpectedly", hint="send it again in a moment")
        try:
            while self._take_new():
                try:
                    self._executor.step()
                except Exception as error:  # noqa: BLE001 - the one place where any failure of a model ends
                    failure = self._classify(error)
                    self._executor.drop_all(failure)
                    if isinstance(failure, EngineLost):
                        end = failure
                        return
            end = EngineFailure("the engine has stopped", hint="start the server again")
            self._executor.drop_all(end)
        finally:  # also where the device is gone and dropping failed: whoever waits is told, and nobody comes in
            with self._door:
                self._end = end
                while not self._inbox.empty():
                    if left := self._inbox.get():
                        left.fail(end)

    def _take_new(self) -> bool:
        """Move what arrived to the executor, waiting when there is nothing else to do; False means stop."""
        while not self._executor.busy or not self._inbox.empty():
            arrived = self._inbox.get()
            if arrived is None:
                return False
            self._executor.add(arrived)
        return True
