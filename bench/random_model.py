"""A checkpoint of the 7B shape (Qwen2.5-Coder-7B's) with random weights: real in size and speed, meaningless in words.

python bench/random_model.py FOLDER [--layers 28]

Needs torch and transformers; uses the GPU to draw the numbers if there is one. 15 GB on disk with 28 layers.
"""

import argparse
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen2Config

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SHAPE = {
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "max_position_embeddings": 32768,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
    "tie_word_embeddings": False,
}


def make_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte: any text goes in, any ids come out."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    model = BPE(vocab={character: index for index, character in enumerate(alphabet)}, merges=[])
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>")
    fast.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    fast.chat_template = TEMPLATE
    return fast


def make(folder: Path, layers: int) -> None:
    if (folder / "config.json").exists():
        return
    tokenizer = make_tokenizer()
    config = Qwen2Config(num_hidden_layers=layers, eos_token_id=tokenizer.eos_token_id, **SHAPE)
    torch.manual_seed(0)
    with torch.device("cuda:0" if torch.cuda.is_available() else "cpu"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int, default=28)
    options = parser.parse_args()
    make(options.folder, options.layers)
