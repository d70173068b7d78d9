"""Every form in which code arrives becomes the same job, and what is wrong is said."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.api.intake import Part, Submission, known_lang, make_job, read_body, with_query
from audit8.api.schemas import CODE_FIELDS
from audit8.errors import Audit8Error, BadRequest, EmptyCode, Undecodable
from audit8.types import LineRange
from tests.audit.test_archive import packed

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def submitted(value: Any, content_type: str = JSON) -> Submission:
    return read_body(json.dumps(value).encode(), content_type)


@pytest.mark.parametrize("name", CODE_FIELDS)
def test_the_code_may_be_called_what_front_ends_call_it(name: str) -> None:
    assert submitted({name: "x = 1"}) == Submission((Part("", "x = 1"),))


def test_all_fields_of_a_json_request() -> None:
    said = submitted({"code": "x", "filename": "a.py", "language": "python", "lang": "zh", "temperature": 0.2})
    assert said == Submission((Part("a.py", "x", "python"),), "zh", ("temperature",))


def test_several_files_with_either_names() -> None:
    files = [{"name": "a.py", "code": "a"}, {"filename": "b.js", "content": "b", "language": "js", "size": 1}]
    said = submitted({"files": files, "language": "python"})
    assert said.parts == (Part("a.py", "a", "python"), Part("b.js", "b", "js"))
    assert said.unknown == ("files.size",)


def test_the_first_filled_code_field_is_taken() -> None:
    assert submitted({"code": "", "text": None, "input": "x"}).parts[0].data == "x"


@pytest.mark.parametrize(
    "value",
    [{"code": 1}, {"code": ["x"]}, {"code": "x", "filename": 3}, {"files": "x"}, {"files": ["x"]}, ["x"], "x", 7, None],
)
def test_wrong_types_are_bad_requests(value: Any) -> None:
    with pytest.raises(BadRequest):
        submitted(value)


@pytest.mark.parametrize("body", [b"{", b'{"code": }', b"x = 1", b"[" * 100_000, b'{"n": ' + b"1" * 5000 + b"}"])
def test_broken_json_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_body(body, JSON)


@pytest.mark.parametrize("value", [{}, {"code": ""}, {"code": None}, {"filename": "a.py"}, {"files": []}])
def test_no_code_is_said_so(value: dict[str, Any]) -> None:
    with pytest.raises(EmptyCode):
        submitted(value)


def test_json_is_read_in_any_encoding_and_with_raw_line_ends() -> None:
    body = '{"code": "第一行\n第二行"}'
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "gb18030"):
        assert read_body(body.encode(encoding), JSON).parts[0].data == "第一行\n第二行"


def test_what_curl_d_sends_is_json_if_it_parses_else_source() -> None:
    assert submitted({"code": "x"}, FORM).parts == (Part("", "x"),)
    for source in (b"import os\nos.system(cmd)", b"{ broken", b'["a list"]', b"42", b"code=1", b"a=b&c=d"):
        assert read_body(source, FORM).parts == (Part("", source),)


def test_a_real_form_is_read_as_one() -> None:
    code = "import os\nos.system(a & b)  # 删除\n"
    body = urlencode({"code": code, "filename": "a.py", "lang": "zh"}).encode()
    said = read_body(body, FORM)
    assert said == Submission((Part("a.py", code.encode()),), "zh")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_form_keeps_every_character(code: str) -> None:
    body = urlencode({"code": code, "language": "c++"}).encode()
    if code:
        assert read_body(body, FORM).parts == (Part("", code.encode(), "c++"),)


@pytest.mark.parametrize("content_type", ["text/plain", "text/x-rust", "application/octet-stream", ""])
def test_any_other_type_is_the_source_itself(content_type: str) -> None:
    assert read_body(b'{"code": "x"}', content_type).parts == (Part("", b'{"code": "x"}'),)


def test_the_query_fills_in_what_the_body_does_not_say() -> None:
    query = {"filename": "q.rs", "language": "rust", "lang": "zh", "debug": "1"}
    assert with_query(read_body(b"x", "text/plain"), query) == Submission(
        (Part("q.rs", b"x", "rust"),), "zh", ("debug",)
    )
    said = submitted({"code": "x", "filename": "b.py", "language": "python", "lang": "en"})
    assert with_query(said, {**query, "debug": "1"}).parts == said.parts


def test_unknown_things_become_warnings() -> None:
    submission = Submission((Part("a.py", "x = 1", "klingon"),), "fr", ("mode", "a\nb"))
    job = make_job(submission, "en")
    assert job.lang == "en"
    assert job.sources[0].language == "python"
    said = " ".join(job.warnings)
    for word in ("klingon", "fr", "mode"):
        assert word in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("value", "lang"),
    [
        ("zh", "zh"),
        ("zh-CN", "zh"),
        ("ZH_tw", "zh"),
        ("en", "en"),
        ("en-US", "en"),
        ("fr", None),
        ("", None),
        ("english", None),
    ],
)
def test_report_languages(value: str, lang: str | None) -> None:
    assert known_lang(value) == lang


def test_files_have_different_names() -> None:
    parts = [Part("a.py", "a"), Part("a.py", "b"), Part("", "c"), Part("", "d"), Part("a.py (2)", "e")]
    job = make_job(Submission(tuple(parts)), "en")
    names = [source.name for source in job.sources]
    assert len(set(names)) == 5
    assert all(names)


def test_empty_files_among_others_are_left_out_with_a_warning() -> None:
    job = make_job(Submission((Part("a.py", " \n"), Part("b.py", "x = 1"))), "en")
    assert [source.name for source in job.sources] == ["b.py"]
    assert "a.py" in job.warnings[0]
    with pytest.raises(EmptyCode):
        make_job(Submission((Part("a.py", ""), Part("b.py", b"\n"))), "en")


def test_binary_is_refused() -> None:
    with pytest.raises(Undecodable):
        make_job(Submission((Part("a.png", b"\x89PNG\r\n\x1a\n\x00\x00"),)), "en")


@given(st.binary(max_size=200), st.sampled_from([JSON, FORM, "text/plain"]))
def test_any_bytes_become_a_job_or_one_of_our_errors(body: bytes, content_type: str) -> None:
    try:
        job = make_job(read_body(body, content_type), "zh")
    except Audit8Error:
        return
    assert job.sources[0].text.strip()


DIFF = "--- a/src/a.py\n+++ b/src/a.py\n@@ -4,2 +4,2 @@\n x = 1\n-y = 1\n+eval(y)\n"


@pytest.mark.parametrize(
    "content_type", ["application/zip", "application/x-zip-compressed", "application/octet-stream"]
)
def test_an_archive_is_its_files(content_type: str) -> None:
    data = packed(("src/a.py", b"x = 1\n"), ("../b.py", b"x"), ("logo.png", b"x"))
    job = make_job(read_body(data, content_type), "en")
    assert [source.name for source in job.sources] == ["src/a.py"]
    assert [(one.file, one.code) for one in job.skipped] == [("../b.py", "outside"), ("logo.png", "binary")]


def test_an_uploaded_archive_is_told_by_name_and_content() -> None:
    data = packed(("a.py", b"x = 1\n"))
    job = make_job(Submission((Part("a.py", b"y = 2\n"), Part("all.ZIP", data), Part("lib.jar", data))), "en")
    assert [source.name for source in job.sources] == ["a.py", "a.py (2)"]
    assert [(one.file, one.code) for one in job.skipped] == [("lib.jar", "undecodable")]
    with pytest.raises(Undecodable):
        make_job(Submission((Part("lib.jar", data),)), "en")


@pytest.mark.parametrize(
    "submission",
    [
        read_body(DIFF.encode(), "text/x-diff"),
        read_body(DIFF.replace("\n", "\r\n").encode(), "text/x-patch"),
        read_body(DIFF.encode(), "text/plain"),
        submitted({"code": DIFF}),
        submitted({"code": DIFF, "language": "diff"}),
        submitted({"code": DIFF, "filename": "my.patch"}),
        read_body(urlencode({"code": DIFF}).encode(), FORM),
    ],
)
def test_a_diff_is_the_files_that_it_changes(submission: Submission) -> None:
    (source,) = make_job(submission, "en").sources
    assert (source.name, source.text, source.focus) == ("src/a.py", "\n\n\nx = 1\neval(y)\n", (LineRange(5, 5),))


@pytest.mark.parametrize("said", [{"filename": "a.py"}, {"language": "python"}])
def test_what_is_said_to_be_code_is_no_diff(said: dict[str, str]) -> None:
    (source,) = make_job(submitted({"code": DIFF, **said}), "en").sources
    assert (source.text, source.focus) == (DIFF, ())


def test_a_binary_file_among_others_is_listed() -> None:
    job = make_job(Submission((Part("a.png", b"\x89\0"), Part("b.py", "x = 1"))), "zh")
    assert [(one.file, one.code) for one in job.skipped] == [("a.png", "undecodable")]


@pytest.mark.parametrize("files", ["", 0, False, {}, "x", [None]])
def test_files_are_a_list_or_nothing(files: Any) -> None:
    assert submitted({"code": "x = 1", "files": None}).parts == (Part("", "x = 1"),)
    with pytest.raises(BadRequest, match="files"):
        submitted({"code": "x = 1", "files": files})
