"""Every launch the product makes compiles for every generation of cards, and fits its shared memory. No GPU needed."""

import re
from typing import Any

import pytest
import torch

pytest.importorskip("triton")

from audit8.engine.kernels import configs, launch
from audit8.engine.kernels.types import MAX_ROWS, PAGE_TOKENS, DecodeScratch, Int8Weight, Pages, QkvExtras, Rotary
from tests.engine.kernels import cards

META = torch.device("meta")
HIDDEN, FFN, HEADS, KV_HEADS, HEAD_DIM = 3584, 18944, 28, 4, 128
MULTIPROCESSORS = {75: 40, 80: 108, 86: 84, 89: 128, 90: 132, 120: 170}


def tensor(*shape: int, dtype: torch.dtype = torch.float16) -> torch.Tensor:
    return torch.empty(*shape, dtype=dtype, device=META)


def weight(n_out: int, n_in: int) -> Int8Weight:
    return Int8Weight(tensor(n_out, n_in, dtype=torch.int8), tensor(n_out, dtype=torch.float32))


def matrices(rows: int) -> None:
    launch.gated(tensor(rows, HIDDEN), weight(2 * FFN, HIDDEN))
    launch.linear(tensor(rows, FFN), weight(HIDDEN, FFN))
    if rows <= MAX_ROWS:
        launch.logits(tensor(rows, HIDDEN), weight(152064, HIDDEN))


def the_rest() -> None:
    rows, f32, i32 = 16, torch.float32, torch.int32
    width = (HEADS + 2 * KV_HEADS) * HEAD_DIM
    pages = Pages(*(tensor(32, KV_HEADS, PAGE_TOKENS, HEAD_DIM) for _ in range(2)))
    rotary = Rotary(*(tensor(4096, HEAD_DIM // 2, dtype=f32) for _ in range(2)))
    norms = QkvExtras(tensor(width), tensor(HEAD_DIM), tensor(HEAD_DIM))
    blocks, lengths = tensor(rows, 16, dtype=i32), tensor(rows, dtype=i32)
    scratch = DecodeScratch(rows, HEADS, KV_HEADS, HEAD_DIM, 16, META)
    launch.embed(tensor(rows, dtype=torch.int64), weight(152064, HIDDEN))
    launch.norm(tensor(rows, HIDDEN, dtype=f32), tensor(HIDDEN), 1e-6, tensor(4, rows, HIDDEN, dtype=f32), 16.0)
    launch.norm(tensor(rows, HIDDEN, dtype=f32), tensor(HIDDEN, dtype=torch.bfloat16), 1e-6, None, 1.0)
    launch.rope(tensor(4, rows, width, dtype=f32), norms, rotary, pages, lengths, blocks)
    launch.attend_decode(tensor(rows, HEADS, HEAD_DIM), pages, blocks, lengths, scratch, 0)
    launch.restricted(tensor(rows, 152064, dtype=f32), tensor(rows, 4752, dtype=i32))
    launch.attend_prefill(tensor(512, HEADS, HEAD_DIM), pages, blocks[0], lengths, 4096)


def unfinished_products(built: Any) -> list[str]:
    """Waits that let products go on: see `settled`. Where both operands are in shared memory they are welcome."""
    return [wait for wait in re.findall(r"wgmma\.wait_group\.sync\.aligned (\d+)", built.asm["ptx"]) if int(wait)]


def compile_all(capability: int, launches: list[cards.Launch]) -> None:
    assert launches
    for kernel, args, kwargs in launches:
        built = cards.build(capability, kernel, args, kwargs)
        limit = configs.SHARED_KIB[capability] * 1024
        assert built.metadata.shared <= limit, f"{kernel.__name__} {kwargs} needs {built.metadata.shared} of {limit}"
        if kernel.__name__ == "dense_kernel":
            assert "wgmma" in built.asm["ptx"]
            assert "cp.async.bulk.tensor" in built.asm["ptx"]
        if kernel.__name__ in {"linear_kernel", "prefill_kernel"}:  # whose left operands are made in registers
            assert not unfinished_products(built), "an operand may be written while it is read"
        if kernel.__name__ == "linear_kernel":
            assert built.asm["ptx"].count("prmt.b32") > 0, "the conversion is the fast one"
            if kwargs["ROWS"] <= MAX_ROWS and not kwargs["GROUP"]:
                assert "wgmma" not in built.asm["ptx"], "all row blocks go through the same instruction"


@pytest.mark.parametrize("capability", configs.SHARED_KIB)
@pytest.mark.parametrize("rows", [*configs.ROW_BLOCKS, 100, 4096])
def test_matrices(capability: int, rows: int) -> None:
    compile_all(capability, cards.record(capability, MULTIPROCESSORS[capability], lambda: matrices(rows)))


@pytest.mark.parametrize("capability", configs.SHARED_KIB)
def test_the_rest(capability: int) -> None:
    compile_all(capability, cards.record(capability, MULTIPROCESSORS[capability], the_rest))


def test_the_card_that_is_too_small_is_noticed() -> None:
    """The test above can fail: Hopper's prefill tiles do not fit Turing."""
    launches = cards.record(90, 132, the_rest)
    (prefill,) = [entry for entry in launches if entry[0].__name__ == "prefill_kernel"]
    assert cards.build(90, *prefill).metadata.shared > configs.SHARED_KIB[75] * 1024


def test_splits_never_ask_the_rows_and_use_all_inputs() -> None:
    for capability, count in MULTIPROCESSORS.items():
        for n_out, n_in in ((3584, 18944), (4608, 3584), (576, 576), (64, 100)):
            parts = configs.splits(capability, n_out, n_in, count)
            assert 1 <= parts <= -(-n_in // configs.SPLIT_UNIT)
        for kind in ("gated", "split", "logits"):
            assert all(configs.SPLIT_UNIT % configs.linear_config(capability, kind, n)[1].in_ == 0 for n in (1, 17, 64))
