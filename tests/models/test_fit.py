"""How much a model needs: the known shapes in numbers, files against configs, and the words of a refusal."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.errors import DoesNotFit, ModelNotFound
from audit8.models.fit import GIB, Need, check_fit, measure_need, need_of_config, shortfall_bytes
from audit8.models.known import CODER_1_5B, CODER_7B
from audit8.models.machine import Machine
from audit8.types import Quant
from tests.models.standin import safetensors

QUANTS: list[Quant] = ["8bit", "4bit", "none"]
LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 320,
    "tie_word_embeddings": False,
}
LAYER: dict[str, tuple[int, ...]] = {
    "self_attn.q_proj.weight": (64, 64),
    "self_attn.k_proj.weight": (32, 64),
    "self_attn.v_proj.weight": (32, 64),
    "self_attn.o_proj.weight": (64, 64),
    "mlp.gate_proj.weight": (96, 64),
    "mlp.up_proj.weight": (96, 64),
    "mlp.down_proj.weight": (64, 96),
    "input_layernorm.weight": (64,),
    "post_attention_layernorm.weight": (64,),
}
TENSORS: dict[str, tuple[int, ...]] = {
    "model.embed_tokens.weight": (320, 64),
    "lm_head.weight": (320, 64),
    "model.norm.weight": (64,),
    **{f"model.layers.{layer}.{name}": shape for layer in range(2) for name, shape in LAYER.items()},
}


def folder_of(path: Path, config: dict[str, object], tensors: dict[str, tuple[int, ...]], dtype: str = "BF16") -> Path:
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps(config))
    (path / "model.safetensors").write_bytes(safetensors(tensors, dtype=dtype))
    return path


@pytest.mark.parametrize(("quant", "gib"), [("8bit", 8.11), ("4bit", 5.16), ("none", 14.19)])
def test_weights_of_the_7b(quant: Quant, gib: float) -> None:
    assert need_of_config(CODER_7B.config, quant, 8192).weights_bytes / GIB == pytest.approx(gib, abs=0.005)


def test_the_known_models_have_the_published_parameter_counts() -> None:
    assert need_of_config(CODER_7B.config, "none", 1).weights_bytes == 2 * 7_615_616_512
    assert need_of_config(CODER_1_5B.config, "none", 1).weights_bytes == 2 * 1_543_714_304


def test_kv_cache_of_the_7b_at_8k() -> None:
    assert need_of_config(CODER_7B.config, "8bit", 8192).kv_bytes == 2 * 28 * 4 * 128 * 2 * 8192


@pytest.mark.parametrize("quant", QUANTS)
@pytest.mark.parametrize("on_gpu", [True, False])
def test_files_and_config_agree(tmp_path: Path, quant: Quant, on_gpu: bool) -> None:
    folder = folder_of(tmp_path / "m", LLAMA, TENSORS)
    assert measure_need(folder, quant, 512, on_gpu=on_gpu) == need_of_config(LLAMA, quant, 512, on_gpu=on_gpu)


def test_every_rule_of_counting(tmp_path: Path) -> None:
    linear = sum(shape[0] * shape[1] for shape in LAYER.values() if len(shape) == 2) * 2
    rows = sum(shape[0] for shape in LAYER.values() if len(shape) == 2) * 2
    rest = 2 * 320 * 64 + 64 + 2 * 2 * 64
    folder = folder_of(tmp_path / "m", LLAMA, TENSORS)
    assert measure_need(folder, "none", 1).weights_bytes == 2 * (linear + rest)
    assert measure_need(folder, "8bit", 1).weights_bytes == linear + 4 * rows + 2 * rest
    assert measure_need(folder, "4bit", 1).weights_bytes == linear * 33 // 64 + 2 * rest
    fp32 = folder_of(tmp_path / "f", LLAMA, TENSORS, "F32")
    assert measure_need(fp32, "8bit", 1).weights_bytes == measure_need(folder, "8bit", 1).weights_bytes
    tied = folder_of(tmp_path / "t", {**LLAMA, "tie_word_embeddings": True}, TENSORS)
    assert measure_need(tied, "none", 1).weights_bytes == 2 * (linear + rest - 320 * 64)
    stored = folder_of(tmp_path / "i", LLAMA, TENSORS, "I8")
    assert measure_need(stored, "8bit", 1).weights_bytes == linear + rest


def test_the_pocket_model_is_measured_from_its_files(pocket_folder: Path) -> None:
    assert measure_need(pocket_folder, "none", 1).weights_bytes == 2 * 134_515_008
    assert measure_need(pocket_folder, "8bit", 1).weights_bytes < 0.62 * 2 * 134_515_008


@given(st.sampled_from(QUANTS), st.integers(1, 100_000), st.booleans())
def test_more_context_never_needs_less(quant: Quant, tokens: int, on_gpu: bool) -> None:
    less = need_of_config(LLAMA, quant, tokens, on_gpu=on_gpu)
    more = need_of_config(LLAMA, quant, tokens + 1, on_gpu=on_gpu)
    assert more.kv_bytes > less.kv_bytes
    assert more.total_bytes > less.total_bytes
    assert less.total_bytes == less.weights_bytes + less.kv_bytes + less.workspace_bytes + less.desktop_bytes


def test_config_without_a_size_is_refused_in_words() -> None:
    with pytest.raises(ModelNotFound, match="num_hidden_layers"):
        need_of_config({key: value for key, value in LLAMA.items() if key != "num_hidden_layers"}, "8bit", 8)


def test_refusal_names_both_numbers_and_what_to_do() -> None:
    machine = Machine("GeForce Test", 7 * GIB, 8 * GIB, 16 * GIB)
    with pytest.raises(DoesNotFit, match=r"needs 9\.58 GiB, 7\.00 GiB are free on GeForce Test") as caught:
        check_fit(need_of_config(CODER_7B.config, "8bit", 8192), machine)
    for advice in ("--model", "--quant 4bit", "close other programs"):
        assert advice in caught.value.hint
    assert caught.value.details["free_bytes"] == 7 * GIB


@given(free=st.integers(1, 16 * GIB), used=st.integers(0, 16 * GIB), model=st.integers(0, 16 * GIB))
def test_what_is_in_use_counts_towards_the_desktop(free: int, used: int, model: int) -> None:
    """It fits exactly if the model fits into what is free, and leaves the desktop its share of the whole."""
    need = Need(model, 0, 0, GIB)
    fits = shortfall_bytes(need, Machine("g", free, free + used, 0)) <= 0
    assert fits == (model <= free and model + GIB <= max(free + used, model + min(used, GIB)))


def test_without_a_gpu_main_memory_counts() -> None:
    need = need_of_config(CODER_1_5B.config, "8bit", 8192, on_gpu=False)
    check_fit(need, Machine("", 0, 0, need.total_bytes))
    with pytest.raises(DoesNotFit, match="main memory"):
        check_fit(need, Machine("", 0, 0, need.total_bytes - 1))
