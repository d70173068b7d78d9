"""An engine whose answers are kept on disk by the hash of model and prompt, so that what was asked once costs nothing.

Used for measuring only: reruns and ablations of the audit ask the same questions. Greedy answers and scores are kept.
The model is loaded when the first answer is missing.
"""

import hashlib
import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from audit8.engine.protocol import Engine
from audit8.types import EngineInfo, Finish, Memory, Message, Piece, Sampling, Usage


class StoredEngine:
    """See protocol.Engine. `load` gives the real engine; `count` its tokenizer's counter.

    `name`: what to call the model, where it was asked under another one. `seconds` adds up what the answers took when
    they were made; `documents` counts answers under a schema, `valid` those that are JSON.
    """

    def __init__(self, path: Path, load: Callable[[], Engine], count: Callable[[str], int], name: str = "") -> None:
        self._path = path
        self._name = name
        self._load = load
        self._count = count
        self._engine: Engine | None = None
        self._answers: dict[str, dict[str, Any]] = {}
        self._info: EngineInfo | None = None
        self.seconds = 0.0
        self.asked = self.documents = self.valid = 0
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            record = json.loads(line)
            if "info" in record:
                info = record["info"]
                self._info = EngineInfo(**{**info, "capabilities": tuple(info.get("capabilities", ()))})
            else:
                self._answers[record.pop("key")] = record

    @property
    def info(self) -> EngineInfo:
        if self._info is None:
            self._info = self._real().info
            self._keep({"info": asdict(self._info)})
        return replace(self._info, model=self._name or self._info.model)

    def memory(self) -> Memory:
        return self._real().memory()

    def count_tokens(self, text: str) -> int:
        return self._count(text)

    async def check(self, sampling: Sampling) -> None:
        """Every schema of the audit is one that the engine keeps to."""

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece | Finish]:
        key = self._key("stream", messages, asdict(sampling))
        if key not in self._answers:
            began = time.monotonic()
            pieces: list[tuple[str, bool]] = []
            finish = Finish("length", Usage())
            async with aclosing(self._real().stream(messages, sampling)) as stream:
                async for item in stream:
                    if isinstance(item, Finish):
                        finish = item
                    else:
                        pieces.append((item.text, item.reasoning))
            usage = [finish.usage.prompt_tokens, finish.usage.completion_tokens]
            answer: dict[str, Any] = {"pieces": pieces, "reason": finish.reason, "usage": usage}
            answer["s"] = round(time.monotonic() - began, 4)
            self._answers[key] = answer
            self._keep({"key": key, **answer})
        answer = self._taken(key)
        if sampling.schema is not None:
            self.documents += 1
            self.valid += _is_json("".join(text for text, reasoning in answer["pieces"] if not reasoning))
        for text, reasoning in answer["pieces"]:
            yield Piece(text, reasoning)
        yield Finish(answer["reason"], Usage(*answer["usage"]), decode_s=answer["s"])

    async def score(self, messages: Sequence[Message], candidates: Sequence[str]) -> list[float]:
        key = self._key("score", messages, list(candidates))
        if key not in self._answers:
            began = time.monotonic()
            scores = await self._real().score(messages, candidates)
            self._answers[key] = {"scores": scores, "s": round(time.monotonic() - began, 4)}
            self._keep({"key": key, **self._answers[key]})
        return list(self._taken(key)["scores"])

    async def aclose(self) -> None:
        if self._engine is not None:
            await self._engine.aclose()

    def _real(self) -> Engine:
        if self._engine is None:
            self._engine = self._load()
        return self._engine

    def _taken(self, key: str) -> dict[str, Any]:
        self.asked += 1
        self.seconds += self._answers[key]["s"]
        return self._answers[key]

    def _key(self, kind: str, messages: Sequence[Message], rest: object) -> str:
        name, info = self._info.model if self._info else "", self.info
        said = [name or info.model, info.quantisation, info.arithmetic, kind, [asdict(one) for one in messages], rest]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def _keep(self, record: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def counter(folder: Path) -> Callable[[str], int]:
    """Counts the tokens of the model in `folder`, without loading the model."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def engine_from(folder: Path, answers: Path, context_tokens: int, name: str = "") -> StoredEngine:
    """The model in `folder`, 8 bit, with its answers kept in the file `answers`."""

    def load() -> Engine:
        from audit8.settings import Settings
        from audit8.startup import load_engine

        settings = Settings(model=str(folder), context_tokens=context_tokens, lang="en")
        return load_engine(settings, lambda _: None)

    return StoredEngine(answers, load, counter(folder), name)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
