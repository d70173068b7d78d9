"""A tiny random model as a folder that the command line takes: weights, a tokenizer of one token a byte, an end."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import AutoModelForCausalLM, GenerationConfig, LlamaConfig, PreTrainedTokenizerFast

from tests.engine.tiny import SIZES

ENDS = 128  # so many of the ids end an answer: a random model would else write until it is stopped


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare") / "tiny"
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE(vocab={character: index for index, character in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    torch.manual_seed(8)
    model = AutoModelForCausalLM.from_config(LlamaConfig(**SIZES | {"max_position_embeddings": 16384}))
    model.save_pretrained(folder)
    GenerationConfig(eos_token_id=list(range(ENDS))).save_pretrained(folder)
    return folder
