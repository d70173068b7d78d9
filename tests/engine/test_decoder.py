"""The decoder computes what transformers' own modelling code computes over the same int8 weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from audit8.engine.decoder import Decoder
from audit8.engine.kernels.reference import dense
from audit8.engine.kernels.types import Int8Weight, Pages
from audit8.engine.runner import Runner
from audit8.engine.weights import DecoderWeights, HeadKind, unknown
from tests.engine import tiny

TOKENS = 150


def reference_model(folder: Path, weights: DecoderWeights) -> Any:
    """transformers' model in float32, its matrices replaced by the int8 ones written out."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, device_map={"": str(tiny.DEVICE)}).eval()
    if isinstance(weights.embedding, Int8Weight) and isinstance(weights.head, Int8Weight):
        model.model.embed_tokens.weight.data = dense(weights.embedding)
        model.lm_head.weight.data = dense(weights.head)
    for layer, taken in zip(model.model.layers, weights.layers, strict=True):
        attention, mlp = layer.self_attn, layer.mlp
        sizes = [linear.weight.shape[0] for linear in (attention.q_proj, attention.k_proj, attention.v_proj)]
        for linear, part in zip(
            (attention.q_proj, attention.k_proj, attention.v_proj), torch.split(dense(taken.qkv), sizes), strict=True
        ):
            linear.weight.data = part
        attention.o_proj.weight.data = dense(taken.o)
        mlp.gate_proj.weight.data, mlp.up_proj.weight.data = dense(taken.gate_up).chunk(2)
        mlp.down_proj.weight.data = dense(taken.down)
    return model


def make_cache(weights: DecoderWeights, pages: int) -> list[Pages]:
    shape = (pages, weights.kv_heads, 64, weights.head_dim)
    return [Pages(*(torch.zeros(shape, dtype=torch.float16, device=tiny.DEVICE) for _ in "kv")) for _ in weights.layers]


@pytest.mark.parametrize(("name", "head"), [*((name, "int8") for name in tiny.CONFIGS), ("llama-tied", "fp16")])
def test_prefill_in_chunks_and_decode_match_transformers(name: str, head: HeadKind, tmp_path: Path) -> None:
    folder = tiny.save(name, tmp_path)
    weights, plain = tiny.read_weights(folder, head), tiny.read_plain(folder, head)
    assert isinstance(weights.head, Int8Weight) == (head == "int8")
    tokens = torch.randint(0, 256, (TOKENS,), device=tiny.DEVICE)
    positions = torch.arange(TOKENS, dtype=torch.int32, device=tiny.DEVICE)
    table = torch.tensor([4, 1, 3, 0], dtype=torch.int32, device=tiny.DEVICE)
    decoder = Decoder(weights, tiny.OPS, make_cache(weights, 5))
    with torch.inference_mode():
        expected = reference_model(folder, plain)(tokens[None]).logits[0]
        decoder.prefill(tokens[:64], positions[:64], table, torch.tensor([63], device=tiny.DEVICE))
        ours = decoder.prefill(tokens[64:120], positions[64:120], table, torch.tensor([55], device=tiny.DEVICE))
        assert distance(ours[0], expected[119]) < 0.005  # only the head's input is rounded to bf16
        for at in range(120, TOKENS):
            ours = decoder.decode(
                tokens[at : at + 1], positions[at : at + 1], positions[at : at + 1] + 1, table[None], scratch(weights)
            )
            assert distance(ours[0], expected[at]) < 0.02, f"position {at}"  # bf16 activations everywhere


def distance(ours: torch.Tensor, expected: torch.Tensor) -> float:
    return float((ours - expected).norm() / expected.norm())


def scratch(weights: DecoderWeights) -> Any:
    from audit8.engine.kernels.types import DecodeScratch

    return DecodeScratch(1, weights.heads, weights.kv_heads, weights.head_dim, 8, tiny.DEVICE)


def test_the_codes_are_those_that_bitsandbytes_holds(tmp_path: Path) -> None:
    folder = tiny.save("qwen2", tmp_path)
    before = {
        name: (parameter.data, parameter.SCB)
        for name, parameter in tiny.load_8bit(folder).named_parameters()
        if parameter.dtype == torch.int8
    }
    weights = tiny.read_plain(folder)
    assert len(before) == 7 * len(weights.layers)
    for index, layer in enumerate(weights.layers):
        stacks = {
            ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"): layer.qkv,
            ("self_attn.o_proj",): layer.o,
            ("mlp.gate_proj", "mlp.up_proj"): layer.gate_up,
            ("mlp.down_proj",): layer.down,
        }
        for names, weight in stacks.items():
            parts = [before[f"model.layers.{index}.{name}.weight"] for name in names]
            assert torch.equal(weight.codes, torch.cat([codes for codes, _ in parts]))
            assert torch.equal(weight.absmax, torch.cat([absmax.float() for _, absmax in parts]))


def test_a_family_that_is_not_known_says_why() -> None:
    config = tiny.CONFIGS["llama"]
    assert unknown(config) == ""
    for field, value in {"model_type": "mamba", "hidden_act": "gelu", "mlp_bias": True, "head_dim": 96}.items():
        other = type(config)(**{**config.to_dict(), field: value}) if field != "model_type" else Foreign()
        assert unknown(other)


class Foreign:
    model_type = "mamba"


def test_idle_rows_change_nothing(tmp_path: Path) -> None:
    weights = tiny.read_weights(tiny.save("llama", tmp_path))
    runner = Runner(weights, tiny.OPS, tiny.DEVICE, max_rows=4, max_pages=8, page_count=4)
    runner.set_rows([])
    before = [page.keys.clone() for page in runner._decoder._cache]
    with torch.inference_mode():
        runner.advance()
        assert runner.land().wait() == []
    assert all(torch.equal(old, page.keys) for old, page in zip(before, runner._decoder._cache, strict=True))
