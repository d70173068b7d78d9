"""The model's tensors between steps: the page cache, the rows of the running batch, and the recorded steps.

Knows tokens, positions and pages; knows nothing of requests. Used by the owner thread only.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from audit8.engine.decoder import Decoder, Operations
from audit8.engine.kernels.types import CHUNK_UNIT, MAX_ROWS, PAGE_TOKENS, DecodeScratch, Pages
from audit8.engine.weights import DecoderWeights

ROW_COUNTS = (1, 2, 4, 8, 16, 32, 64)
CHUNK_SIZES = (16, 32, MAX_ROWS, CHUNK_UNIT)
"""Prefill chunks that are recorded too: the ends of prompts whose beginning is cached. A shorter chunk is filled up."""


@dataclass(frozen=True, slots=True)
class Row:
    """A sequence's part in the batch: its newest token, which stands at `position`, and its pages."""

    token: int
    position: int
    pages: list[int]


@dataclass(frozen=True, slots=True)
class Flight:
    """A launched step whose tokens have not been read yet."""

    tokens: Tensor
    landed: torch.cuda.Event | None

    def wait(self) -> list[int]:
        if self.landed is not None:
            self.landed.synchronize()
        return [int(token) for token in self.tokens.tolist()]


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Tokens of one prompt on the device: see Decoder.prefill."""

    tokens: Tensor
    positions: Tensor
    table: Tensor
    last: Tensor

    @property
    def parts(self) -> tuple[Tensor, ...]:
        return self.tokens, self.positions, self.table, self.last

    def first(self, size: int) -> "_Chunk":
        """The same places, as a chunk of `size` tokens."""
        return _Chunk(self.tokens[:size], self.positions[:size], self.table, self.last)


@dataclass(frozen=True, slots=True)
class _RowState:
    """What a decode step reads of its rows, in one piece of memory, so that one copy sends it. Idle rows: position -1.

    `tokens` int64, `positions` and `advance` int32, all [rows]; `tables` int32 [rows, pages].
    """

    packed: Tensor
    tokens: Tensor
    positions: Tensor
    advance: Tensor
    tables: Tensor

    @classmethod
    def empty(cls, rows: int, pages: int, device: torch.device) -> "_RowState":
        packed = torch.zeros(rows * (4 + pages), dtype=torch.int32, device=device)
        tokens, positions, advance, tables = torch.split(packed, [2 * rows, rows, rows, pages * rows])
        positions.fill_(-1)
        return cls(packed, tokens.view(torch.int64), positions, advance, tables.view(rows, pages))


def _record(body: Callable[[], Tensor], pool: Any) -> tuple[torch.cuda.CUDAGraph, Tensor]:
    """`body` as a graph, and the tensor that every replay writes its result to."""
    body()  # compiles what is not compiled yet, outside the recording
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    # Only this thread's calls count: a route that asks for the free memory must not spoil the recording. Nor may a
    # graph that is collected meanwhile: its end is a call of this thread.
    collecting = gc.isenabled()
    gc.disable()
    try:
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
            result = body()
    finally:
        if collecting:
            gc.enable()
    return graph, result


def cache_bytes_per_page(weights: DecoderWeights) -> int:
    return len(weights.layers) * 2 * weights.kv_heads * PAGE_TOKENS * weights.head_dim * 2


class Runner:
    """`max_rows` sequences at once, each of at most `max_pages` pages, over a cache of `page_count` pages."""

    def __init__(
        self,
        weights: DecoderWeights,
        ops: Operations,
        device: torch.device,
        *,
        max_rows: int,
        max_pages: int,
        page_count: int,
    ) -> None:
        shape = (page_count, weights.kv_heads, PAGE_TOKENS, weights.head_dim)
        cache = [
            Pages(*(torch.zeros(shape, dtype=torch.float16, device=device) for _ in range(2))) for _ in weights.layers
        ]
        self._ops = ops
        self._decoder = Decoder(weights, ops, cache)
        self._scratch = DecodeScratch(max_rows, weights.heads, weights.kv_heads, weights.head_dim, max_pages, device)
        self.weights = weights
        self.device = device
        self.max_rows = max_rows
        self.page_count = page_count
        self._state = _RowState.empty(max_rows, max_pages, device)
        self._tokens, self._positions = self._state.tokens, self._state.positions
        self._chunk = _Chunk(
            tokens=torch.zeros(CHUNK_UNIT, dtype=torch.int64, device=device),
            positions=torch.zeros(CHUNK_UNIT, dtype=torch.int32, device=device),
            # Idle tokens stand past the last page: what they read there is not used, but must be there.
            table=torch.zeros(max_pages + CHUNK_UNIT // PAGE_TOKENS, dtype=torch.int32, device=device),
            last=torch.zeros(1, dtype=torch.int64, device=device),
        )
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Tensor]] = {}
        self._chunk_graphs: dict[int, tuple[torch.cuda.CUDAGraph, Tensor]] = {}
        self._masks: Tensor | None = None
        self._masks_sent: torch.cuda.Event | None = None
        self._rows = 0

    def reset(self) -> None:
        """After a step that failed: what a kernel left half done is undone."""
        self._scratch.counters.zero_()

    # ---- prefill -----------------------------------------------------------------------------------------------

    def prefill(self, tokens: list[int], start: int, pages: list[int]) -> Tensor:
        """Compute tokens at positions start...; the last one's logits, float32 [vocab]."""
        count = len(tokens)
        recorded = next((size for size in CHUNK_SIZES if size >= count and size in self._chunk_graphs), 0)
        size = recorded or count
        table = torch.zeros(self._chunk.table.shape, dtype=torch.int32)
        table[: len(pages)] = torch.tensor(pages, dtype=torch.int32)
        positions = torch.full((size,), -1, dtype=torch.int32)
        positions[:count] = torch.arange(start, start + count, dtype=torch.int32)
        ids = torch.tensor(tokens + [0] * (size - count), dtype=torch.int64)
        chunk = _Chunk(*(self._send(part) for part in (ids, positions, table, torch.tensor([count - 1]))))
        if not recorded:
            return self._prefill(chunk)[0]
        for place, part in zip(self._chunk.first(size).parts, chunk.parts, strict=True):
            place.copy_(part, non_blocking=True)
        graph, logits = self._chunk_graphs[size]
        graph.replay()
        return logits[0]

    def _prefill(self, chunk: "_Chunk") -> Tensor:
        return self._decoder.prefill(chunk.tokens, chunk.positions, chunk.table, chunk.last)

    # ---- decode ------------------------------------------------------------------------------------------------

    def set_rows(self, rows: list[Row]) -> None:
        """The batch is now these, in this order, several of one sequence among them; the other rows are idle."""
        self._rows = len(rows)
        new = _RowState.empty(self.max_rows, self._state.tables.shape[1], torch.device("cpu"))
        for index, row in enumerate(rows):
            if index and row.pages is rows[index - 1].pages:
                new.tables[index] = new.tables[index - 1]
            else:
                new.tables[index, : len(row.pages)] = torch.tensor(row.pages, dtype=torch.int32)
        new.tokens[: len(rows)] = torch.tensor([row.token for row in rows])
        new.positions[: len(rows)] = torch.tensor([row.position for row in rows], dtype=torch.int32)
        new.advance[: len(rows)] = 1
        packed = new.packed if self.device.type == "cpu" else new.packed.pin_memory()
        self._state.packed.copy_(packed, non_blocking=True)

    def advance(self) -> Tensor:
        """Launch one step of every row: float32 [>= rows, vocab]. The argmax is each row's next token until `put`."""
        count = next((size for size in ROW_COUNTS if size >= self._rows), self.max_rows)
        return self._replay(count) if self._graphs else self._body(min(count, self.max_rows))

    def put(self, index: int, token: Tensor) -> None:
        """This row's next token, int64 [], in place of the argmax."""
        self._tokens[index] = token

    def mask_room(self, rows: int, vocab: int) -> Tensor:
        """Room on the host for one mask a row, int32 [rows, ceil(vocab / 32)]; what stood there has been sent."""
        words = -(-vocab // 32)
        if self._masks is None:
            self._masks = torch.empty(self.max_rows, words, dtype=torch.int32, pin_memory=self.device.type != "cpu")
        if self._masks_sent is not None:
            self._masks_sent.synchronize()
        return self._masks[:rows]

    def restricted(self, logits: Tensor, masks: Tensor) -> Tensor:
        """`logits` [rows, vocab] without the tokens whose bit is not set in `masks`: `mask_room`'s, filled."""
        if self.device.type == "cpu":
            return self._ops.restricted(logits, masks)
        sent = masks.to(self.device, non_blocking=True)
        self._masks_sent = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._masks_sent.record()
        return self._ops.restricted(logits, sent)

    def put_best(self, logits: Tensor) -> None:
        """The first rows' next tokens are the best of these logits, float32 [rows, vocab]."""
        torch.argmax(logits, dim=-1, out=self._tokens[: len(logits)])

    def capture(self, progress: Callable[[int, int], None]) -> None:
        """Record the decode step for each batch size, and short chunks (CUDA only); `progress(done, total)`."""
        sizes = [size for size in ROW_COUNTS if size <= self.max_rows]
        total = len(sizes) + len(CHUNK_SIZES)
        pool = torch.cuda.graph_pool_handle()
        for done, size in enumerate(reversed(CHUNK_SIZES)):  # the largest first: the smaller ones reuse its memory
            progress(done, total)
            self._chunk_graphs[size] = _record(partial(self._prefill, self._chunk.first(size)), pool)
        for done, size in enumerate(reversed(sizes), len(CHUNK_SIZES)):
            progress(done, total)
            self._graphs[size] = _record(partial(self._body, size), pool)
        progress(total, total)

    @property
    def has_graphs(self) -> bool:
        return bool(self._graphs)

    def drop_graphs(self) -> None:
        """Launch the kernels one by one from now on."""
        self._graphs.clear()
        self._chunk_graphs.clear()

    def _replay(self, size: int) -> Tensor:
        graph, logits = self._graphs[size]
        graph.replay()
        return logits

    def _body(self, size: int) -> Tensor:
        """One decode step over the first `size` rows, in place: what the graphs record."""
        positions = self._positions[:size]
        tables = self._state.tables[:size]
        logits = self._decoder.decode(self._tokens[:size], positions, positions + 1, tables, self._scratch)
        torch.argmax(logits, dim=-1, out=self._tokens[:size])
        positions += self._state.advance[:size]
        return logits

    def land(self) -> Flight:
        """The step's tokens on their way to the host."""
        tokens = self._tokens[: self._rows]
        if self.device.type == "cpu":
            return Flight(tokens.clone(), None)
        landed = torch.cuda.Event()  # type: ignore[no-untyped-call]
        host = torch.empty(tokens.shape, dtype=tokens.dtype, pin_memory=True)
        host.copy_(tokens, non_blocking=True)
        landed.record()
        return Flight(host, landed)

    def _send(self, tensor: Tensor) -> Tensor:
        return tensor if self.device.type == "cpu" else tensor.pin_memory().to(self.device, non_blocking=True)
