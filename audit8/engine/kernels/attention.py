"""Triton kernels of attention over paged keys and values: one token a row (decode), and a chunk of a prompt (prefill).

Where the keys are cut into blocks and splits depends on positions alone. So a row's bits depend neither on the other
rows, nor on the longest of them, nor on the length of the chunk that a token came in.
"""

# ruff: noqa: PLR0917, PLR0915 - a kernel's arguments are its interface to the launch, and it is one piece of code

import triton.language as tl

from audit8.engine.kernels.device import jit, wait_for_inputs


@jit
def decode_kernel(
    q: tl.tensor,
    keys: tl.tensor,
    values: tl.tensor,
    table: tl.tensor,
    table_stride: tl.tensor,
    lengths: tl.tensor,
    sums: tl.tensor,
    stats: tl.tensor,
    counters: tl.tensor,
    out: tl.tensor,
    heads: tl.tensor,
    kv_heads: tl.tensor,
    max_splits: tl.tensor,
    scale: tl.tensor,
    window: tl.tensor,
    GROUP: tl.constexpr,
    GROUP_BLOCK: tl.constexpr,
    HEAD: tl.constexpr,
    PAGE: tl.constexpr,
    SPLIT: tl.constexpr,
    STAGES: tl.constexpr,
    OVERLAP: tl.constexpr,
) -> None:
    """Row (program 0), kv head (program 1): worker (program 2) takes every n-th split of SPLIT keys, a page at a time.

    Each split's sum goes to `sums`, its maximum and weight (base 2) to `stats`; the last worker to finish adds the
    splits up in their order and resets the counter.
    """
    wait_for_inputs(OVERLAP)
    row = tl.program_id(0).to(tl.int64)
    kv_head = tl.program_id(1)
    worker = tl.program_id(2)
    length = tl.load(lengths + row)
    oldest = tl.where(window > 0, tl.maximum(length - window, 0), 0)
    first = oldest // SPLIT
    last = tl.cdiv(length, SPLIT)
    workers = tl.minimum(tl.maximum(last - first, 1), tl.num_programs(2))
    if worker < workers:
        member = tl.arange(0, GROUP_BLOCK)
        at = tl.arange(0, HEAD)
        real = member < GROUP
        head = row * heads + kv_head * GROUP + member
        query = tl.load(q + head[:, None] * HEAD + at[None, :], mask=real[:, None], other=0.0)
        for split in range(first + worker, last, tl.num_programs(2)):
            top = tl.full((GROUP_BLOCK,), -1e30, tl.float32)
            weight = tl.zeros((GROUP_BLOCK,), tl.float32)
            total = tl.zeros((GROUP_BLOCK, HEAD), tl.float32)
            end = tl.minimum(split * SPLIT + SPLIT, length)
            for start in tl.range(split * SPLIT, end, PAGE, num_stages=STAGES):
                here = start + tl.arange(0, PAGE)
                seen = (here >= oldest) & (here < end)
                page = tl.load(table + row * table_stride + start // PAGE).to(tl.int64)
                base = ((page * kv_heads + kv_head) * PAGE + tl.arange(0, PAGE)) * HEAD
                key = tl.load(keys + base[None, :] + at[:, None], mask=seen[None, :], other=0.0)
                value = tl.load(values + base[:, None] + at[None, :], mask=seen[:, None], other=0.0)
                score = tl.where(seen[None, :], tl.dot(query, key) * scale, -1e30)
                new_top = tl.maximum(top, tl.max(score, 1))
                fade = tl.exp2(top - new_top)
                share = tl.where(seen[None, :], tl.exp2(score - new_top[:, None]), 0.0)
                weight = weight * fade + tl.sum(share, 1)
                total = tl.dot(share.to(tl.float16), value, total * fade[:, None])
                top = new_top
            place = head * max_splits + split
            tl.store(sums + place[:, None] * HEAD + at[None, :], total, mask=real[:, None])
            tl.store(stats + place * 2, top, mask=real)
            tl.store(stats + place * 2 + 1, weight, mask=real)
        tl.debug_barrier()
        counter = counters + row * kv_heads + kv_head
        if tl.atomic_add(counter, 1, sem="acq_rel") == workers - 1:
            tl.store(counter, 0)
            result = _add_splits(sums, stats, head, real, first, last, max_splits, GROUP_BLOCK, HEAD)
            tl.store(out + head[:, None] * HEAD + at[None, :], result.to(tl.float16), mask=real[:, None])


@jit
def _add_splits(
    sums: tl.tensor,
    stats: tl.tensor,
    head: tl.tensor,
    real: tl.tensor,
    first: tl.tensor,
    last: tl.tensor,
    max_splits: tl.tensor,
    GROUP_BLOCK: tl.constexpr,
    HEAD: tl.constexpr,
) -> tl.tensor:
    """The weighted mean of the splits `first` to `last`, in that order; four loads are under way at a time."""
    at = tl.arange(0, HEAD)
    top = tl.full((GROUP_BLOCK,), -1e30, tl.float32)
    weight = tl.zeros((GROUP_BLOCK,), tl.float32)
    total = tl.zeros((GROUP_BLOCK, HEAD), tl.float32)
    for start in range(first, last, 4):
        for ahead in tl.static_range(4):
            place = head * max_splits + start + ahead
            live = real & (place < head * max_splits + last)
            part = tl.load(sums + place[:, None] * HEAD + at[None, :], live[:, None], 0.0, cache_modifier=".cg")
            part_top = tl.load(stats + place * 2, live, -1e30, cache_modifier=".cg")
            part_weight = tl.load(stats + place * 2 + 1, live, 0.0, cache_modifier=".cg")
            new_top = tl.maximum(top, part_top)
            fade = tl.exp2(top - new_top)
            part_fade = tl.exp2(part_top - new_top)
            weight = weight * fade + part_weight * part_fade
            total = total * fade[:, None] + part * part_fade[:, None]
            top = new_top
    return total / tl.where(weight > 0, weight, 1.0)[:, None]


@jit
def _attend(
    query: tl.tensor,
    top: tl.tensor,
    weight: tl.tensor,
    total: tl.tensor,
    lo: tl.tensor,
    hi: tl.tensor,
    keys: tl.tensor_descriptor,
    values: tl.tensor_descriptor,
    table: tl.tensor,
    kv_head: tl.tensor,
    kv_heads: tl.tensor,
    positions: tl.tensor,
    window: tl.tensor,
    scale: tl.tensor,
    PAGE: tl.constexpr,
    MASKED: tl.constexpr,
    STAGES: tl.constexpr,
) -> tl.tensor:
    """The keys at positions lo..hi (lo a multiple of PAGE) added to the running softmax, a page at a time."""
    for start in tl.range(lo, hi, PAGE, num_stages=STAGES):
        at = (tl.load(table + start // PAGE) * kv_heads + kv_head) * PAGE
        score = tl.dot(query, keys.load([at, 0]).T) * scale
        value = values.load([at, 0])
        if MASKED:
            here = start + tl.arange(0, PAGE)
            behind = positions[:, None] - here[None, :]
            score = tl.where((behind >= 0) & ((window == 0) | (behind < window)), score, -float("inf"))
            value = tl.where((here < hi)[:, None], value, 0.0)  # beyond it nothing is stored yet: it may be NaN
        new_top = tl.maximum(top, tl.max(score, 1))
        safe_top = tl.where(new_top == -float("inf"), 0.0, new_top) if MASKED else new_top
        fade = tl.exp2(top - safe_top)
        share = tl.exp2(score - safe_top[:, None])
        weight = weight * fade + tl.sum(share, 1)
        total = tl.dot(share.to(tl.float16), value, total * fade[:, None])
        top = new_top
    return top, weight, total


@jit
def prefill_kernel(
    q: tl.tensor,
    keys: tl.tensor_descriptor,
    values: tl.tensor_descriptor,
    table: tl.tensor,
    out: tl.tensor,
    tokens: tl.tensor,
    chunk: tl.tensor,
    heads: tl.tensor,
    kv_heads: tl.tensor,
    scale: tl.tensor,
    window: tl.tensor,
    GROUP: tl.constexpr,
    HEAD: tl.constexpr,
    PAGE: tl.constexpr,
    BLOCK_Q: tl.constexpr,
    STAGES: tl.constexpr,
) -> None:
    """BLOCK_Q tokens (program 1, the last first: it has the most to do) of one head (program 0).

    `chunk` int32: the tokens' positions, of which the first is read: where a chunk starts is known on the device alone,
    so that a recorded step serves every place in a prompt. `keys`, `values`: the cache as [pages * kv_heads * PAGE,
    HEAD], in blocks of one page of one head.
    Tiles of tokens begin at positions that are multiples of BLOCK_Q, wherever the chunk starts.
    """
    head = tl.program_id(0)
    start = tl.load(chunk)
    tile = start // BLOCK_Q + tl.num_programs(1) - 1 - tl.program_id(1)
    positions = tile * BLOCK_Q + tl.arange(0, BLOCK_Q)
    token = positions - start
    real = (token[:, None] >= 0) & (token[:, None] < tokens)
    where = (token.to(tl.int64)[:, None] * heads + head) * HEAD + tl.arange(0, HEAD)[None, :]
    query = tl.load(q + where, mask=real, other=0.0)
    top = tl.full((BLOCK_Q,), -float("inf"), tl.float32)
    weight = tl.zeros((BLOCK_Q,), tl.float32)
    total = tl.zeros((BLOCK_Q, HEAD), tl.float32)
    oldest = tile * BLOCK_Q
    end = tl.minimum(start + tokens, oldest + BLOCK_Q)
    lo = 0
    middle = tl.where(oldest < end, oldest // PAGE * PAGE, 0)  # a tile past the chunk's end has nothing to do
    if window > 0:
        lo = tl.maximum(oldest - window + 1, 0) // PAGE * PAGE
        middle = lo
    top, weight, total = _attend(
        query, top, weight, total, lo, middle, keys, values, table, head // GROUP, kv_heads, positions, window, scale,
        PAGE, False, STAGES,
    )  # fmt: skip
    top, weight, total = _attend(
        query, top, weight, total, middle, end, keys, values, table, head // GROUP, kv_heads, positions, window, scale,
        PAGE, True, STAGES,
    )  # fmt: skip
    result = total / tl.where(weight > 0, weight, 1.0)[:, None]
    tl.store(out + where, result.to(tl.float16), mask=real)
