"""The converted model is the model: the same weights as transformers reads, and a tokenizer that splits as SmolLM's."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from audit8.errors import ModelNotFound
from audit8.models.checkpoint import check_folder
from audit8.models.convert import convert, needs_remote_code
from tests.models.tiny_gguf import SPECIAL, write_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the tiny GGUF file becomes; the file lies beside it."""
    work = tmp_path_factory.mktemp("convert")
    convert(write_gguf(work / "tiny.gguf"), work / "made", lambda _: None)
    return work / "made"


def test_weights_are_those_that_transformers_reads(tiny: Path) -> None:
    theirs = AutoModelForCausalLM.from_pretrained(tiny.parent, gguf_file="tiny.gguf", dtype=torch.float32).state_dict()
    for name, values in load_file(tiny / "model.safetensors").items():
        torch.testing.assert_close(values.float(), theirs[name].float(), rtol=2**-8, atol=0)


def test_folder_loads_like_any_other(tiny: Path) -> None:
    check_folder(tiny)
    model = AutoModelForCausalLM.from_pretrained(tiny)
    assert model.dtype == torch.bfloat16
    assert model.config.tie_word_embeddings
    assert model.generation_config.eos_token_id == 2
    assert torch.isfinite(model(torch.tensor([[1, 5, 9]])).logits).all()


@pytest.mark.parametrize("text", ["int i = 12;", "  tab\tand\nline  ", "漢字 and ñ", "don 't , .", ""])
def test_tokenizer_gives_back_every_text(tiny: Path, text: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_numbers_are_split_into_digits_and_words_are_merged(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    assert tokenizer.tokenize("int12") == ["int", "1", "2"]


def test_control_tokens_are_one_token_and_template_is_kept(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    assert [tokenizer.encode(token, add_special_tokens=False) for token in SPECIAL] == [[0], [1], [2]]
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (SPECIAL[1], SPECIAL[2], SPECIAL[2])
    text = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    assert text == "<|im_start|>user\nhi<|im_end|>\n"


def test_nothing_is_drawn_on_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    convert(write_gguf(tmp_path / "tiny.gguf"), tmp_path / "made", lambda _: None)
    assert capfd.readouterr() == ("", "")


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="not a Llama-shaped"):
        convert(write_gguf(tmp_path / "x.gguf", architecture="mamba"), tmp_path / "made", lambda _: None)
    assert not (tmp_path / "made").exists()


def test_the_real_one_answers(pocket_folder: Path) -> None:
    """A wrong permutation or tokenizer makes babble of this."""
    tokenizer = AutoTokenizer.from_pretrained(pocket_folder)
    model = AutoModelForCausalLM.from_pretrained(pocket_folder, dtype=torch.float32)
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    answer = model.generate(**prompt, max_new_tokens=12, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(answer)


def test_types_that_transformers_knows_need_no_code_of_their_own() -> None:
    assert not needs_remote_code("qwen2")
    assert needs_remote_code("tiny_of_its_own")
