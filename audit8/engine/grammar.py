"""JSON schemas become grammars: compiled once, kept, and refused in words where they cannot be enforced.

`Grammars` belongs to a model's tokenizer; a `Grammar` is one schema; its `start` gives the `Constraint` of one answer.
"""

import threading
from collections import OrderedDict
from typing import Any

from llguidance import LLMatcher, LLParserLimits

from audit8.engine.closing import BYTES, TRIALS, find_closing
from audit8.engine.constraint import Constraint, Plan
from audit8.engine.schema import Schema, find_place, has_free_strings_only, read_schema, refused, step_size
from audit8.engine.vocabulary import Tokens
from audit8.errors import BadRequest

KEPT = 64  # compiled schemas
OPENED = 2  # a token begins at most this many values that need not be there, one inside the other
LAYOUT = {  # one fixed layout, the commonest: there is no choice of whitespace to get lost in
    "item_separator": ", ",
    "key_separator": ": ",
    "whitespace_flexible": False,
    "whitespace_pattern": None,
    "coerce_one_of": False,
    "lenient": False,
}
LIMITS = LLParserLimits(max_grammar_size=200_000, max_lexer_states=50_000, verbose_errors=False)


class Grammars:
    """`vocabulary`: how many logits the model has. Thread-safe; the tokenizer is read at the first use (a second)."""

    def __init__(self, tokenizer: Any, vocabulary: int, eos_ids: frozenset[int]) -> None:
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._eos_ids = eos_ids
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None
        self._compiled: OrderedDict[str, Grammar] = OrderedDict()

    def compile(self, schema_text: str) -> "Grammar":
        """Raises BadRequest (param "response_format") that names the place for what is not JSON Schema, cannot be
        satisfied, cannot be enforced, or is too large. Takes milliseconds, in the worst case some 0.5 s.
        """
        with self._lock:
            if schema_text in self._compiled:
                self._compiled.move_to_end(schema_text)
                return self._compiled[schema_text]
        schema = read_schema(schema_text)
        grammar = Grammar(self._read_tokens(), schema)
        with self._lock:
            self._compiled[schema_text] = grammar
            if len(self._compiled) > KEPT:
                self._compiled.popitem(last=False)
        return grammar

    def _read_tokens(self) -> "Tokens":
        with self._lock:
            if self._tokens is None:
                self._tokens = Tokens(self._tokenizer, self._vocabulary, self._eos_ids)
            return self._tokens


class Grammar:
    """A compiled schema; raises BadRequest as `Grammars.compile`."""

    def __init__(self, tokens: Tokens, schema: Schema) -> None:
        if error := _error(schema):
            raise refused(_in_words(error), find_place(schema, error, _error))
        source = LLMatcher.grammar_from_json_schema(schema, overrides=LAYOUT)  # type: ignore[arg-type]
        self._matcher = LLMatcher(tokens.library, source, log_level=0, limits=LIMITS)
        self._twin = LLMatcher(BYTES, source, log_level=0, limits=LIMITS)
        if self._matcher.is_error() or self._twin.is_error():
            raise refused(_in_words(self._matcher.get_error() or self._twin.get_error()))
        closing = find_closing(self._twin)
        wide = closing is None
        if wide:
            closing = find_closing(self._twin, trials=2 * TRIALS, wide=True)
        spelled = None if closing is None else tokens.spell(closing)
        if spelled is None:
            raise refused("no document that satisfies it was found; every one is too long, or there is none")
        step = OPENED * step_size(schema, tokens.size)
        self._plan = Plan(tokens, tuple(spelled), step, has_free_strings_only(schema), wide)

    def start(self, max_tokens: int) -> "Constraint":
        """For one answer of at most `max_tokens` tokens, the end token among them; BadRequest if none is so short."""
        least = len(self._plan.closing) + 1
        if max_tokens < least:
            raise BadRequest(
                f"A shortest document under the schema has {least} tokens; max_tokens is {max_tokens}.",
                hint="Raise max_tokens, or require less.",
                param="max_tokens",
            )
        return Constraint(self._plan, self._matcher.deep_copy(), self._twin.deep_copy(), max_tokens)


def _error(schema: Schema) -> str:
    source = LLMatcher.grammar_from_json_schema(schema, overrides=LAYOUT)  # type: ignore[arg-type]
    failed, messages = LLMatcher.validate_grammar_with_warnings(source, BYTES, limits=LIMITS)
    return messages[0] if failed else ""


def _in_words(error: str) -> str:
    told = " ".join(error.split()).partition(". Enable ")[0]  # our options are nobody's concern
    return told.removesuffix(".") or "the library gives no reason"
