"""The pure parts: addresses and keys, token estimates, scores, documents, refusals."""

import json
import math
import re
from email.utils import formatdate
from pathlib import Path
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.errors import BadRequest, StartupError
from audit8.remote import scoring
from audit8.remote.address import read_addresses, read_key, read_server, sends_to
from audit8.remote.counting import estimate
from audit8.remote.documents import check_schema, document_in, satisfies
from audit8.remote.refusals import MAX_WAIT_S, SHOWN_CHARS, one_line, read_error, wait_of
from audit8.types import TokenLogprob

ROOT = Path(__file__).resolve().parents[2]
NUMBER = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'

# ---- addresses and keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_url", "url", "host", "local"),
    [
        ("http://gpu:8000/v1", "http://gpu:8000/v1", "gpu:8000", False),
        ("http://gpu:8000/v1/", "http://gpu:8000/v1", "gpu:8000", False),
        ("https://gpu.example.org", "https://gpu.example.org/v1", "gpu.example.org", False),
        ("https://x.example.org/api/llm", "https://x.example.org/api/llm", "x.example.org", False),
        ("http://127.0.0.5:1/v1", "http://127.0.0.5:1/v1", "127.0.0.5:1", True),
        ("http://LOCALHOST:11434", "http://localhost:11434/v1", "localhost:11434", True),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1", "[::1]:8000", True),
        ("http://10.0.0.7:8000", "http://10.0.0.7:8000/v1", "10.0.0.7:8000", False),
    ],
)
def test_addresses(given_url: str, url: str, host: str, *, local: bool) -> None:
    (address,) = read_addresses([given_url])
    assert (address.url, address.host, address.local) == (url, host, local)
    assert sends_to([address]) == ("" if local else host)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gpu:8000",
        "ftp://gpu/v1",
        "http://",
        "http://gpu:port/v1",
        "http://gpu/v1?key=SECRET",
        "http://[::1",
        "http://a..b",
    ],
)
def test_what_is_no_address_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(StartupError, match="address") as refused:
        read_addresses([url])
    assert "SECRET" not in refused.value.message


def test_passwords_and_doubles_are_refused() -> None:
    with pytest.raises(StartupError, match="password") as refused:
        read_addresses(["http://me:SECRET@gpu:8000/v1"])
    assert "SECRET" not in refused.value.message
    with pytest.raises(StartupError, match="twice"):
        read_addresses(["http://gpu:8000/v1", "http://gpu:8000/v1/"])


@pytest.mark.parametrize(
    ("given_url", "url", "local", "exposed"),
    [
        ("http://localhost:8000/", "http://localhost:8000", True, False),
        ("http://127.0.0.2", "http://127.0.0.2", True, False),
        ("https://[::1]:81/x/", "https://[::1]:81/x", True, False),
        ("https://box.example", "https://box.example", False, False),
        ("http://192.168.1.2:8000", "http://192.168.1.2:8000", False, True),
        ("http://localhost.evil.example", "http://localhost.evil.example", False, True),
    ],
)
def test_a_server_of_our_own_is_here_or_elsewhere(given_url: str, url: str, *, local: bool, exposed: bool) -> None:
    address = read_server(given_url)
    assert (address.url, address.local, address.exposed) == (url, local, exposed)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://x",
        "http://",
        "http://x:99999",
        "http://u:p@x",
        "http://x?y",
        "http://x#y",
        "http://[::1",
        "http://a..b",
        f"http://{'a' * 64}.b",
    ],
)
def test_what_is_no_address_of_our_own_is_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        read_server(url)


@pytest.mark.parametrize("content", [b"", b" \n", b"two words", b"a\nb", "钥匙".encode(), b"\xff\xfe", b"x" * 5000])
def test_a_file_without_a_key(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(StartupError, match="key file") as refused:
        read_key(file)
    assert "words" not in refused.value.message


def test_keys(tmp_path: Path) -> None:
    file = tmp_path / "key"
    with pytest.raises(StartupError, match="cannot be read"):
        read_key(file)
    file.write_bytes(b"\xef\xbb\xbfsk-1\r\n")
    assert read_key(file) == "sk-1"
    assert read_key(None) == ""


# ---- token estimates ---------------------------------------------------------------------------------------------


def test_an_estimate_is_above_what_a_real_tokenizer_counts(pocket_folder: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(pocket_folder / "tokenizer.json"))
    files = [*sorted(ROOT.glob("audit8/a*/**/*.py")), *sorted(ROOT.glob("static/*.js")), *sorted(ROOT.glob("*.md"))]
    files += sorted(path for path in ROOT.glob("tests/audit/rule_examples/*") if path.is_file())
    texts = [path.read_text(encoding="utf-8") for path in files]
    pairs = [(estimate(text), len(tokenizer.encode(text, add_special_tokens=False).ids)) for text in texts if text]
    assert len(pairs) > 40
    assert [pair for pair in pairs if pair[0] < pair[1]] == []
    assert sum(guess for guess, _ in pairs) < 1.6 * sum(count for _, count in pairs)


@given(st.text())
def test_an_estimate_is_additive_enough(text: str) -> None:
    assert 0 <= estimate(text) <= len(text.encode(errors="replace")) + 1
    assert estimate(text) <= estimate(text + "x") <= estimate(text) + 1


# ---- scores ------------------------------------------------------------------------------------------------------


def first(*pairs: tuple[str, float]) -> TokenLogprob:
    return TokenLogprob(*pairs[0], tuple(pairs))


def test_the_longest_token_that_a_candidate_begins_with_is_its_own() -> None:
    found = scoring.probabilities(first(("yes", -1.0), ("y", -2.0), ("n", -1.5), ("", -9.0)), ["yes", "no"])
    assert found == pytest.approx([math.exp(-1.0), math.exp(-1.5)])


def test_a_candidate_that_is_not_named_gets_the_bound() -> None:
    assert scoring.probabilities(first(("yes", math.log(0.9)), ("Yes", math.log(0.06))), ["yes", "no"]) == (
        pytest.approx([0.9, 0.04])
    )
    assert scoring.probabilities(first(("yes", math.log(0.3)), ("ok", math.log(0.1))), ["yes", "no"]) == (
        pytest.approx([0.3, 0.1])
    )
    assert scoring.probabilities(first(("yes", 0.0)), ["yes", "no"]) == [1.0, 0.0]


def test_candidates_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(BadRequest, match="same token"):
        scoring.probabilities(first(("y", -0.1)), ["yes", "yup"])
    for candidates in (["yes"], ["yes", "yes"], ["", "no"]):
        with pytest.raises(BadRequest):
            scoring.check(candidates)


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("yes", [1, 0]),
        ('"no"', [0, 1]),
        ("**Yes**, because", [1, 0]),
        (" no.\n", [0, 1]),
        ("nothing", [0.5, 0.5]),
        ("maybe", [0.5, 0.5]),
        ("", [0.5, 0.5]),
    ],
)
def test_votes(text: str, scores: list[float]) -> None:
    assert scoring.vote(text, ["yes", "no"]) == scores


def test_a_vote_in_chinese_needs_no_space() -> None:
    assert scoring.vote("是，因为", ["是", "否"]) == [1.0, 0.0]
    assert satisfies('{"answer": "否"}', scoring.vote_schema(["是", "否"]))
    assert scoring.vote('{"answer": "否"}', ["是", "否"]) == [0.0, 1.0]


# ---- documents ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"n": 1}', '{"n": 1}'),
        (' \n{"n": 1}\n', '{"n": 1}'),
        ('```json\n{"n": 1}\n```', '{"n": 1}'),
        ('Here {it} is: {"n": "x"} no, {"n": 2}.', '{"n": 2}'),
        ('{"n": 1', None),
        ("[" * 100_000, None),
        ("", None),
    ],
)
def test_documents_within_text(text: str, document: str | None) -> None:
    assert document_in(text, NUMBER) == document


def test_a_pattern_is_not_run() -> None:
    assert satisfies('"' + "a" * 40 + '!"', '{"type": "string", "pattern": "^(a+)+$"}')
    assert not satisfies("1", '{"type": "string", "pattern": "x"}')
    names = '{"patternProperties": {"^(a+)+$": {}}, "additionalProperties": false, "required": ["b"]}'
    assert satisfies('{"b": 1, "' + "a" * 40 + '!": 1}', names)
    assert not satisfies(
        '{"b": 1, "c": 1}', names.replace('"patternProperties": {"^(a+)+$": {}}, ', '"properties": {"b": {}}, ')
    )


def test_a_reference_to_nowhere_satisfies_nothing() -> None:
    assert not satisfies("1", '{"$ref": "#/$defs/none"}')
    assert not satisfies("1", '{"$ref": "http://localhost:1/schema.json"}')


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(BadRequest):
        check_schema('{"type": "integr"}')
    check_schema("true")


# ---- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "why not", "code": "c"}},
        {"error": "why not"},
        {"message": "why not", "code": 400},
        {"detail": "why not"},
        {"object": "error", "message": "why not", "type": "BadRequestError"},
    ],
)
def test_errors_of_all_servers_are_read(body: object) -> None:
    assert read_error(json.dumps(body).encode()).message == "why not"


@given(st.binary(max_size=200))
def test_any_body_is_read_and_is_one_line(body: bytes) -> None:
    said = read_error(body)
    assert len(said.message) <= SHOWN_CHARS
    assert not re.search(r"[\x00-\x1f\u2028\u202e]", said.message + said.code)


def test_long_lines_are_cut() -> None:
    assert len(one_line("x" * 10_000)) == SHOWN_CHARS


@pytest.mark.parametrize(
    ("header", "least", "most"), [("0", 0, 0), ("2.5", 2.5, 2.5), ("-3", 0, 0), ("1e9", MAX_WAIT_S, MAX_WAIT_S)]
)
def test_retry_after_in_seconds(header: str, least: float, most: float) -> None:
    wait_s = wait_of(header)
    assert wait_s is not None
    assert least <= wait_s <= most


def test_retry_after_as_a_date_or_as_nonsense() -> None:
    wait_s = wait_of(formatdate(time() + 20, usegmt=True))
    assert wait_s is not None
    assert 15 < wait_s <= 20
    assert [wait_of(text) for text in ("", "soon", "nan")] == [None, None, None]
