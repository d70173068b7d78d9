"""A byte-level BPE of a few hundred tokens, trained here: merges over JSON's punctuation, tokens that are no text."""

import functools
import json

from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

END, PAD, TOOL = "<|end|>", "<|pad|>", "<tool_call>"
SPARE = 45  # logits that no token of the tokenizer has
_NAMES = ["title", "severity", "line", "why", "fix", "value", "children", "next", "name", "审计", "é"]
_VALUE: dict[str, object] = {
    name: [{name: "critical high low"}, [[1, 2], [-3.5, 1e9]], True, None, {"a": {}}] for name in _NAMES
}


@functools.cache
def make_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=False
    )  # so that brackets and quotes merge
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=700, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    texts = [json.dumps({name: value}, ensure_ascii=False) for name, value in _VALUE.items()]
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=PAD)
    fast.add_tokens([TOOL])
    return fast


def vocabulary() -> int:
    return len(make_tokenizer()) + SPARE
