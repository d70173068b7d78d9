"""Measures the kernels of the int8 engine on this machine's GPU: right, the same bits in any batch, and how fast.

    python bench/kernels.py [--json results.json]

The shapes are those of a 7B Qwen2.5; weights are random, each layer has its own, so nothing is read from a cache twice.
"""

import argparse
import itertools
import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from audit8.engine import kernels as k
from audit8.engine.kernels import reference

HIDDEN, FFN, HEADS, KV_HEADS, HEAD_DIM, VOCAB, LAYERS = 3584, 18944, 28, 4, 128, 152064, 28
QKV = (HEADS + 2 * KV_HEADS) * HEAD_DIM
EPS = 1e-6
DEVICE = torch.device("cuda")
MATRIX_BYTES = LAYERS * (QKV * HIDDEN + HIDDEN * HIDDEN + 3 * FFN * HIDDEN) + VOCAB * HIDDEN


def weight(n_out: int, n_in: int) -> k.Int8Weight:
    """Random codes, scaled so that the product of unit inputs has unit size."""
    codes = torch.randint(-127, 128, (n_out, n_in), dtype=torch.int8, device=DEVICE)
    return k.Int8Weight(codes, (1 + torch.rand(n_out, device=DEVICE)) * (1.2 * n_in**-0.5))


def half(*shape: int) -> Tensor:
    return torch.randn(*shape, device=DEVICE).half()


@dataclass
class Layer:
    qkv: k.Int8Weight
    o: k.Int8Weight
    gate_up: k.Int8Weight
    down: k.Int8Weight
    norms: tuple[Tensor, Tensor]
    extras: k.QkvExtras


def layer() -> Layer:
    norms = (1 + half(HIDDEN) / 10, 1 + half(HIDDEN) / 10)
    extras = k.QkvExtras(bias=half(QKV))
    shapes = ((QKV, HIDDEN), (HIDDEN, HIDDEN), (2 * FFN, HIDDEN), (HIDDEN, FFN))
    qkv, o, gate_up, down = (weight(*shape) for shape in shapes)
    return Layer(qkv, o, gate_up, down, norms, extras)


def rotary(positions: int) -> k.Rotary:
    angles = torch.outer(torch.arange(positions), 1e6 ** (-torch.arange(0, HEAD_DIM, 2) / HEAD_DIM)).to(DEVICE)
    return k.Rotary(angles.cos().float().contiguous(), angles.sin().float().contiguous())


class Model:
    """A whole model of random weights; `step` is one decode step, every kernel in its order."""

    def __init__(self, layers: int = LAYERS) -> None:
        torch.manual_seed(0)
        self.layers = [layer() for _ in range(layers)]
        self.head, self.table = weight(VOCAB, HIDDEN), weight(VOCAB, HIDDEN)
        self.rotary = rotary(40960)

    def step(self, state: "State", skip: frozenset[str] = frozenset()) -> Tensor:
        residual = k.embed(state.tokens, self.table)
        delta, scale = None, 1.0
        for layer, pages in zip(self.layers, state.pages, strict=True):
            h = k.norm(residual, layer.norms[0], EPS, delta, scale)
            qkv = k.linear(h, layer.qkv) if "qkv" not in skip else state.spare["qkv"]
            q = state.spare["q"]
            if "rope" not in skip:
                q = k.rope(qkv, layer.extras, self.rotary, pages, state.positions, state.blocks)
            a = state.spare["a"]
            if "attention" not in skip:
                a = k.attend_decode(q, pages, state.blocks, state.lengths, state.scratch)
            o = k.linear(a, layer.o) if "o" not in skip else state.spare["o"]
            h = k.norm(residual, layer.norms[1], EPS, o)
            p = k.gated(h, layer.gate_up) if "gated" not in skip else state.spare["p"]
            delta = k.linear(p, layer.down) if "down" not in skip else state.spare["o"]
            scale = 1 / k.PRODUCT_SCALE
        h = k.norm(residual, self.layers[0].norms[0], EPS, delta, scale)
        return k.logits(h, self.head)


class State:
    """The sequences of a batch: `rows` of them, all of `context` keys."""

    def __init__(self, rows: int, context: int, layers: int = LAYERS) -> None:
        each = -(-context // k.PAGE_TOKENS)
        shape = (rows * each, KV_HEADS, k.PAGE_TOKENS, HEAD_DIM)
        self.pages = [k.Pages(half(*shape), half(*shape)) for _ in range(layers)]
        self.blocks = torch.randperm(rows * each, device=DEVICE).int().view(rows, each)
        self.tokens = torch.randint(VOCAB, (rows,), device=DEVICE)
        self.lengths = torch.full((rows,), context, dtype=torch.int32, device=DEVICE)
        self.positions = self.lengths - 1
        self.scratch = k.DecodeScratch(rows, HEADS, KV_HEADS, HEAD_DIM, each, DEVICE)
        self.spare = {
            "qkv": torch.randn(4, rows, QKV, device=DEVICE),
            "q": half(rows, HEADS, HEAD_DIM),
            "a": half(rows, HIDDEN),
            "o": torch.randn(4, rows, HIDDEN, device=DEVICE),
            "p": half(rows, FFN),
        }


def graph_ms(call: Callable[[], object], replays: int = 30) -> float:
    """Median time of one replay of `call` as a CUDA graph, in ms."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        call()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            call()
        events = [torch.cuda.Event(enable_timing=True) for _ in range(replays + 1)]
        graph.replay()
        for event in events:
            event.record(stream)
            graph.replay()
        stream.synchronize()
    return statistics.median(a.elapsed_time(b) for a, b in itertools.pairwise(events))


def bandwidth_gb_s() -> float:
    """A large copy on the device by a kernel, bytes read plus bytes written."""
    source = torch.empty(1 << 30, dtype=torch.int32, device=DEVICE).random_()
    target = torch.empty_like(source)
    return 8 * source.numel() / graph_ms(lambda: torch.neg(source, out=target), 10) / 1e6


def error(out: Tensor, expected: Tensor) -> float:
    return float((out.double() - expected.double()).norm() / expected.double().norm())


def check() -> None:
    """Each operation against the reference in float64, and the bits of a row alone against those among 16 and 64."""
    one = layer()
    double = torch.float64
    x, ffn_x = half(64, HIDDEN), half(64, FFN)
    for name, w, at in (("qkv", one.qkv, x), ("o", one.o, x), ("down", one.down, ffn_x)):
        report(name, lambda r, w=w, at=at: k.linear(at[r], w).sum(0), reference.linear(at, w, double)[0])
    report("gated", lambda r: k.gated(x[r], one.gate_up), reference.gated(x, one.gate_up, double))
    head = weight(VOCAB, HIDDEN)
    report("logits", lambda r: k.logits(x[r], head), reference.linear(x, head)[0])
    state = State(64, 1000, 1)
    pages, positions = state.pages[0], torch.randint(0, 1000, (64,), device=DEVICE).int()
    qkv, turns = torch.randn(4, 64, QKV, device=DEVICE), rotary(1000)
    expected = reference.rope(qkv.double(), one.extras, turns, pages, positions, state.blocks)
    report(
        "rope",
        lambda r: k.rope(qkv[:, r].contiguous(), one.extras, turns, pages, positions[r], state.blocks[r]),
        expected,
    )
    q = half(64, HEADS, HEAD_DIM)
    for window in (0, 300):
        expected = reference.attend_decode(q, pages, state.blocks, positions + 1, window, double)
        report(
            f"attend_decode, window {window}",
            lambda r, w=window: k.attend_decode(q[r], pages, state.blocks[r], positions[r] + 1, state.scratch, w),
            expected,
        )
    long = State(1, 4096, 1)
    q, at = half(4096, HEADS, HEAD_DIM), torch.arange(4096, device=DEVICE).int()
    for window in (0, 1000):
        whole = k.attend_prefill(q, long.pages[0], long.blocks[0], at, window)
        expected = reference.attend_prefill(q, long.pages[0], long.blocks[0], 0, window, double)
        ends = (64, 256, 320, 2048, 2112, 4096)
        cut = torch.cat(
            [
                k.attend_prefill(q[a:b], long.pages[0], long.blocks[0], at[a:b], window)
                for a, b in zip((0, *ends), ends, strict=False)
            ]
        )
        print(
            f"attend_prefill, window {window:<18} error {error(whole, expected):.1e}"
            f"  same bits in chunks {torch.equal(whole, cut)}"
        )


def report(name: str, call: Callable[[slice], Tensor], expected: Tensor) -> None:
    full = call(slice(0, 64)).clone()
    alike = {
        n: all(torch.equal(call(slice(a, a + n)), full[a : a + n]) for a in (0, 16, 48, 64 - n)) for n in (1, 7, 16, 32)
    }
    print(f"{name:<38} error {error(full, expected):.1e}  same bits in batches of {alike}")


def operations(model: Model) -> None:
    """Each operation alone, one call a layer, so that every call reads weights that are in no cache."""
    print(f"{'us a call':<16}" + "".join(f"{rows:>10} rows" for rows in (1, 16, 64)))
    states = {rows: State(rows, 1024) for rows in (1, 16, 64)}
    table: dict[str, list[float]] = {}
    for rows, state in states.items():
        x, product = half(rows, HIDDEN), half(rows, FFN)
        residual, delta = torch.randn(rows, HIDDEN, device=DEVICE), torch.randn(4, rows, HIDDEN, device=DEVICE)
        q, qkv = state.spare["q"], state.spare["qkv"]
        calls: dict[str, Callable[[Layer, k.Pages], object]] = {
            "qkv": lambda la, _, x=x: k.linear(x, la.qkv),
            "o": lambda la, _, x=x: k.linear(x, la.o),
            "gated": lambda la, _, x=x: k.gated(x, la.gate_up),
            "down": lambda la, _, p=product: k.linear(p, la.down),
            "norm": lambda la, _, r=residual, d=delta: k.norm(r, la.norms[0], EPS, d),
            "rope": lambda la, pages, v=qkv, s=state: k.rope(v, la.extras, model.rotary, pages, s.positions, s.blocks),
            "attention 1k": lambda _, pages, q=q, s=state: k.attend_decode(q, pages, s.blocks, s.lengths, s.scratch),
        }
        for name, call in calls.items():
            each = lambda call=call, s=state: [call(la, p) for la, p in zip(model.layers, s.pages, strict=True)]  # noqa: E731
            table.setdefault(name, []).append(graph_ms(each) / LAYERS * 1e3)
        table.setdefault("head", []).append(graph_ms(lambda x=x: k.logits(x, model.head)) * 1e3)
    for name, times in table.items():
        print(f"{name:<16}" + "".join(f"{time:>15.1f}" for time in times))


def prefill(model: Model, tokens: int = 4096) -> None:
    """The matrices of one layer for a chunk of a prompt, ours and as a 16-bit model multiplies them; attention too."""
    x, product, la = half(tokens, HIDDEN), half(tokens, FFN), model.layers[0]
    dense = [reference.dense(w).half() for w in (la.qkv, la.o, la.gate_up, la.down)]
    state = State(1, tokens, 1)
    q, at = half(tokens, HEADS, HEAD_DIM), torch.arange(tokens, device=DEVICE).int()
    ours = graph_ms(
        lambda: (k.linear(x, la.qkv), k.linear(x, la.o), k.gated(x, la.gate_up), k.linear(product, la.down))
    )
    plain = graph_ms(
        lambda: (x @ dense[0].T, x @ dense[1].T, reference.silu_product(x @ dense[2].T), product @ dense[3].T)
    )
    attention = graph_ms(lambda: k.attend_prefill(q, state.pages[0], state.blocks[0], at))
    print(f"prefill {tokens} tokens, ms a layer: ours {ours:.2f}, fp16 {plain:.2f}, attention {attention:.2f}")


def decode(model: Model, limit_ms: float) -> list[dict[str, float]]:
    results = []
    for rows in (1, 16, 64):
        state = State(rows, 1024)
        ms = graph_ms(lambda state=state: model.step(state))
        results.append({"rows": rows, "ms": ms, "tok_s": rows / ms * 1e3, "share_of_limit": limit_ms / ms})
        print(
            f"DECODE {rows:>2} rows, context 1024: {ms:.3f} ms, {rows / ms * 1e3:.0f} tokens/s,"
            f" {limit_ms / ms:.1%} of the limit"
        )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the results here")
    args = parser.parse_args()
    speed = bandwidth_gb_s()
    limit_ms = MATRIX_BYTES / speed / 1e6
    print(
        f"{torch.cuda.get_device_name()}: copy {speed:.0f} GB/s;"
        f" {MATRIX_BYTES / 1e9:.2f} GB of weights: {limit_ms:.3f} ms"
    )
    check()
    model = Model()
    operations(model)
    prefill(model)
    results = decode(model, limit_ms)
    if args.json:
        text = {"device": torch.cuda.get_device_name(), "copy_gb_s": speed, "limit_ms": limit_ms, "decode": results}
        args.json.write_text(json.dumps(text, indent=1) + "\n")


if __name__ == "__main__":
    main()
