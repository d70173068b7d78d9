"""Laws of answers under a schema: every document is whole and valid, however tight the limit and whatever is drawn."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch

from audit8.engine.constraint import Constraint
from audit8.engine.grammar import KEPT, Grammars
from audit8.errors import BadRequest
from tests.engine.tiny_tokenizer import TOOL, make_tokenizer, vocabulary

SCHEMAS: dict[str, Any] = json.loads((Path(__file__).parent / "schemas.json").read_text(encoding="utf-8"))
END = int(make_tokenizer().eos_token_id)
Choose = Callable[[list[int]], int]


@pytest.fixture(scope="module")
def grammars() -> Grammars:
    return Grammars(make_tokenizer(), vocabulary(), frozenset({END}))


def new_row(rows: int = 1) -> torch.Tensor:
    return torch.empty(rows, (vocabulary() + 31) // 32, dtype=torch.int32)


def allowed(row: torch.Tensor) -> list[int]:
    return np.flatnonzero(np.unpackbits(row.numpy().view(np.uint8), bitorder="little")).tolist()


def options(constraint: Constraint) -> list[int]:
    row = new_row()
    constraint.fill_mask(row[0])
    return allowed(row[0])


def ids_of(text: str) -> list[int]:
    return list(make_tokenizer()(text, add_special_tokens=False)["input_ids"])


def write(constraint: Constraint, max_tokens: int, choose: Choose) -> tuple[str, bool]:
    """The text of an answer, and whether it ended with the end token."""
    ids: list[int] = []
    for _ in range(max_tokens):
        token = choose(options(constraint))
        assert constraint.accept(token)
        if token == END:
            return make_tokenizer().decode(ids), True
        ids.append(token)
    return make_tokenizer().decode(ids), False


def drawn(seed: int) -> Choose:
    generator = np.random.default_rng(seed)
    return lambda ids: int(generator.choice(ids))


def least_tokens(grammars: Grammars, schema: Any) -> int:
    with pytest.raises(BadRequest, match="max_tokens is 0") as refused:
        grammars.compile(json.dumps(schema)).start(0)
    return int(refused.value.message.split(" has ")[1].split()[0])


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_document_is_whole_and_valid_however_tight_the_limit(grammars: Grammars, name: str) -> None:
    schema = SCHEMAS[name]
    grammar = grammars.compile(json.dumps(schema))
    validator = jsonschema.Draft202012Validator(schema)
    least = least_tokens(grammars, schema)
    for seed, spare in enumerate([0, 1, 7, 30, 150]):
        text, ended = write(grammar.start(least + spare), least + spare, drawn(seed))
        assert ended, (spare, text)
        validator.validate(json.loads(text))


@pytest.mark.parametrize("name", ["audit findings", "anything", "tree", "any object"])
def test_who_never_wants_to_end_is_led_to_a_valid_end(grammars: Grammars, name: str) -> None:
    """The last token of all that are allowed, or the longest text: strings and brackets that go on for ever."""
    tokenizer = make_tokenizer()
    for choose in (
        lambda ids: ids[-1],
        lambda ids: max(ids, key=lambda one: (one != END, len(tokenizer.decode([one])))),
    ):
        text, ended = write(grammars.compile(json.dumps(SCHEMAS[name])).start(300), 300, choose)
        assert ended
        jsonschema.Draft202012Validator(SCHEMAS[name]).validate(json.loads(text))


def test_there_is_no_whitespace_to_get_lost_in(grammars: Grammars) -> None:
    """Outside strings a space follows a comma or a colon, and nothing else is blank, even for who wants only blanks."""

    def blank_first(ids: list[int]) -> int:
        return min(ids, key=lambda one: (len(make_tokenizer().decode([one]).strip()), one == END))

    text, ended = write(grammars.compile(json.dumps(SCHEMAS["refs"])).start(400), 400, blank_first)
    assert ended
    bare = re.sub(r'"([^"\\]|\\.)*"', "", text)
    assert not re.search(r"\s{2}|(?<![,:])\s", bare)


def test_an_end_is_allowed_exactly_where_the_document_is_valid(grammars: Grammars) -> None:
    constraint = grammars.compile('{"type": "integer"}').start(50)
    assert not constraint.valid
    assert END not in options(constraint)
    constraint.accept(ids_of("7")[0])
    assert constraint.valid
    assert not constraint.complete
    assert END in options(constraint)
    constraint = grammars.compile('{"const": [1]}').start(50)
    for token in ids_of("[1]"):
        assert END not in options(constraint)
        assert constraint.accept(token)
    assert constraint.complete
    assert options(constraint) == [END]
    assert constraint.accept(END)
    assert options(constraint) == [END]


def test_tokens_that_are_not_text_are_never_allowed(grammars: Grammars) -> None:
    constraint = grammars.compile('{"type": "string"}').start(500)
    constraint.accept(ids_of('"')[0])
    ids = options(constraint)
    assert len(ids) > 100
    assert max(ids) < len(make_tokenizer())
    assert not {END, int(make_tokenizer().pad_token_id), int(make_tokenizer().convert_tokens_to_ids(TOOL))} & set(ids)


def test_what_is_not_allowed_is_not_accepted_and_only_an_end_follows(grammars: Grammars) -> None:
    constraint = grammars.compile('{"type": "integer"}').start(50)
    assert not constraint.accept(ids_of("x")[0])
    assert options(constraint) == [END]
    assert not constraint.accept(END)
    assert not constraint.valid


DRAFT = '{"name": "ab", "age": 12, "ok": true}'


@pytest.mark.parametrize("max_tokens", [30, 60, 100, 130, 160, 400])
@pytest.mark.parametrize("right", [0, 1, 3, 9, 99])
def test_exploring_a_draft_gives_the_masks_of_the_steps_and_leaves_their_state(
    grammars: Grammars, max_tokens: int, right: int
) -> None:
    """However little room there is, and however many of the draft's tokens were right: what follows is the same."""
    grammar = grammars.compile(json.dumps(SCHEMAS["flat object"]))
    constraint, stepped = grammar.start(max_tokens), grammar.start(max_tokens)
    draft = ids_of(DRAFT)
    rows = new_row(len(draft) + 1)
    count = constraint.explore(rows, draft)
    right = min(right, count)
    for row, token in zip(rows, draft[:right], strict=False):
        assert allowed(row) == options(stepped)
        assert token in allowed(row)
        stepped.accept(token)
    assert allowed(rows[right]) == options(stepped)
    constraint.settle(right)
    choose = drawn(max_tokens)
    token = choose(options(stepped))
    assert constraint.accept(token)
    assert stepped.accept(token)
    left = max_tokens - right - 1
    if token != END:
        assert write(constraint, left, drawn(right)) == write(stepped, left, drawn(right))
    if max_tokens == 400:
        assert count == len(draft)


def test_exploring_stops_at_what_is_not_allowed_and_before_an_end(grammars: Grammars) -> None:
    constraint = grammars.compile(json.dumps(SCHEMAS["flat object"])).start(400)
    draft = ids_of(DRAFT)
    rows = new_row(len(draft) + 2)
    wrong = [*draft[:2], ids_of("}")[0], *draft[2:]]
    assert constraint.possible(wrong) == 2
    assert constraint.explore(rows, wrong) == 2
    constraint.settle(0)
    assert constraint.explore(rows, [*draft, END]) == len(draft)
    assert allowed(rows[len(draft)]) == [END]


def test_what_is_forced_is_what_the_masks_would_let_through(grammars: Grammars) -> None:
    constraint = grammars.compile(json.dumps(SCHEMAS["flat object"])).start(200)
    forced = constraint.forced()
    assert make_tokenizer().decode(forced).startswith('{"name')
    for token in forced:
        assert token in options(constraint)
        assert constraint.accept(token)
    tight = grammars.compile(json.dumps(SCHEMAS["flat object"])).start(least_tokens(grammars, SCHEMAS["flat object"]))
    assert tight.forced() == []
    assert tight.possible(ids_of(DRAFT)) == 0


# ---- what is refused --------------------------------------------------------------------------------------------

REFUSED = {
    "not JSON": ("{", "not JSON"),
    "no value of JSON": ('{"maximum": NaN}', "NaN"),
    "no schema": ("[1]", "object, not list"),
    "half a character": ('{"const": "\\ud800"}', "surrogate"),
    "false": ("false", "nothing satisfies"),
    "unknown type": ('{"properties": {"a": {"type": "strin"}}}', "/properties/a: Invalid type"),
    "bad keyword": ('{"items": {"minLength": "x"}}', "/items: Expected positive integer"),
    "bad pattern": ('{"items": {"pattern": "("}}', "/items: regex parse error"),
    "unsupported": (
        '{"properties": {"a/b": {"items": {"uniqueItems": true}}}}',
        "/properties/a~1b/items: .*uniqueItems",
    ),
    "unsupported not": ('{"not": {}}', "not"),
    "one of": ('{"oneOf": [{"type": "string"}, {"minLength": 2, "type": "string"}]}', "oneOf .* not supported.$"),
    "list of items": ('{"items": [{}]}', "prefixItems"),
    "least properties": ('{"minProperties": 3}', "minProperties"),
    "options of the library": ('{"items": {"x-guidance": {}}}', "/items: .*x-guidance"),
    "dangling ref": ('{"$ref": "#/$defs/x"}', "does not exist"),
    "far ref": ('{"$ref": "http://127.0.0.1/x"}', "not present"),
    "unsatisfiable": (
        '{"type": "object", "properties": {"a": {"type": "number", "minimum": 5, "maximum": 3}}, "required": ["a"]}',
        "/a: Uns",
    ),
    "empty enum": ('{"enum": []}', "Unsatisfiable"),
    "loop": ('{"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}', "no document"),
    "endless": ('{"type": "object", "properties": {"x": {"$ref": "#"}}, "required": ["x"]}', "no document"),
    "huge string": ('{"type": "string", "minLength": 1000000}', "no document"),
    "huge array": ('{"type": "array", "minItems": 1000000, "items": {"type": "string"}}', "no document"),
    "nested 10,000 deep": ('{"items":' * 10_000 + "{}" + "}" * 10_000, "nested more than 100 deep at character 901"),
    "long": (json.dumps({"enum": ["x" * 99] * 2000}), "characters"),
    "many": (json.dumps({"properties": {f"p{n}": {} for n in range(1000)}}), "/properties/p599"),
    "doubling": (
        json.dumps(
            {
                "$defs": {
                    **{
                        f"a{n}": {"prefixItems": [{"$ref": f"#/$defs/a{n + 1}"}] * 2, "minItems": 2, "type": "array"}
                        for n in range(40)
                    },
                    "a40": {},
                },
                "$ref": "#/$defs/a0",
            }
        ),
        "no document",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_enforced_is_refused_with_its_place_and_soon(grammars: Grammars, name: str) -> None:
    text, words = REFUSED[name]
    started = time.monotonic()
    with pytest.raises(BadRequest, match=words) as refused:
        grammars.compile(text)
    assert refused.value.details["param"] == "response_format"
    assert time.monotonic() - started < 10  # a second at most on an idle machine


def test_a_limit_below_the_shortest_document_is_refused(grammars: Grammars) -> None:
    grammar = grammars.compile('{"const": "a rather long constant text"}')
    with pytest.raises(BadRequest, match="max_tokens is 3") as refused:
        grammar.start(3)
    assert refused.value.details["param"] == "max_tokens"


def test_schemas_are_compiled_once_and_not_kept_for_ever(grammars: Grammars) -> None:
    first = grammars.compile('{"const": 1}')
    assert grammars.compile('{"const": 1}') is first
    for number in range(KEPT):
        grammars.compile(json.dumps({"const": number + 2}))
    assert grammars.compile('{"const": 1}') is not first


def test_a_model_without_such_a_tokenizer_says_so() -> None:
    for grammars in (Grammars(object(), 100, frozenset({1})), Grammars(make_tokenizer(), 10, frozenset({1}))):
        with pytest.raises(BadRequest, match="cannot be held"):
            grammars.compile("{}")
