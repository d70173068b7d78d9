"""Everything that comes in is a source or a line that says why not."""

from collections.abc import Callable

import pytest

from audit8.audit import collect
from audit8.audit.collect import Collector
from audit8.errors import EmptyCode, Undecodable
from audit8.types import Job, LineRange
from tests.audit.test_archive import packed
from tests.audit.test_diff import GIT

NEW = "\n" * 9 + "one\nTWO\nthree\nfour\nfive\n"


def gathered(*steps: Callable[[Collector], None]) -> Job:
    collector = Collector("en", many=True)
    for step in steps:
        step(collector)
    return collector.job("job", ("first",))


def test_what_was_found_is_kept_or_listed_and_never_raises() -> None:
    files = {
        "a.py": b"x = 1\n",
        "empty.py": b" \n",
        "latin.py": b"x = '\xe9\xe8\xff'\n",
        "data.py": b"\0\1\2",
        "README.md": b"words\n",
        "big.py": b"x\n" * 2_000_000,
        "zh.py": "# 计算用户的余额，然后写入日志\nx = 1\n".encode("gb18030"),
    }
    job = gathered(*(lambda box, item=item: box.offer(*item) for item in files.items()))
    assert [source.name for source in job.sources] == ["a.py", "zh.py"]
    assert {one.file: one.code for one in job.skipped} == {
        "empty.py": "empty",
        "latin.py": "undecodable",
        "data.py": "binary",
        "README.md": "not_code",
        "big.py": "oversize",
    }
    assert job.warnings[0] == "first"
    assert "GB18030" in job.warnings[1]


def test_what_is_named_is_audited_or_refused() -> None:
    assert gathered(lambda box: box.add("vendor/README.md", "words")).sources[0].name == "vendor/README.md"
    with pytest.raises(Undecodable):
        Collector("en").add("a.png", b"\0\1")
    with pytest.raises(EmptyCode):
        Collector("en").add("a.py", b"")


def test_an_archive_of_nothing_to_audit_says_what_was_skipped() -> None:
    collector = Collector("en")
    collector.add_zip(packed(("a.png", b"x"), ("../b.py", b"x")))
    with pytest.raises(EmptyCode) as caught:
        collector.job("job")
    assert "../b.py: its path leads out of the archive" in caught.value.hint
    with pytest.raises(Undecodable):
        collector.add_zip(b"PK\x03\x04 but no more")


def test_a_bare_diff_is_a_source_of_its_lines() -> None:
    for data in (GIT, GIT.encode(), GIT.replace("\n", "\r\n").encode()):
        collector = Collector("en")
        collector.add_diff(data)
        job = collector.job("job", ("first",))
        (source,) = job.sources
        assert (source.name, source.language, source.text) == ("src/app.py", "python", NEW)
        assert source.focus == (LineRange(11, 12),)
        assert source.given == (LineRange(10, 14),)
        assert len(job.warnings) == 3  # the first, that it is a change, and that only the diff is known


def test_the_whole_new_file_is_taken_where_the_diff_leads_to_it() -> None:
    whole = NEW.replace("\n", "x = 1\n", 1) + "more\n"
    source = gathered(lambda box: box.add_diff(GIT, lambda name: whole.encode())).sources[0]
    assert (source.text, source.focus, source.given) == (whole, (LineRange(11, 12),), ())
    stale = gathered(lambda box: box.add_diff(GIT, lambda name: b"x = 1\n"))
    assert stale.sources[0].text == NEW
    assert any("src/app.py" in warning for warning in stale.warnings)
    assert gathered(lambda box: box.add_diff(GIT, lambda name: None)).sources[0].text == NEW


def test_what_a_diff_deletes_or_vendors_is_listed() -> None:
    gone = "diff --git a/x.py b/x.py\ndeleted file mode 100644\n--- a/x.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
    job = gathered(
        lambda box: box.add_diff(gone + GIT + GIT.replace("src/", "vendor/") + GIT.replace("app.py", "a.md"))
    )
    assert [(one.file, one.code) for one in job.skipped] == [
        ("x.py", "deleted"),
        ("vendor/app.py", "vendored"),
        ("src/a.md", "not_code"),
    ]


def test_blank_lines_that_stand_for_nothing_do_not_fill_the_memory() -> None:
    far = "".join(f"--- a/{n}.py\n+++ b/{n}.py\n@@ -299000 +299000 @@\n-a\n+x = {n}\n" for n in range(200))
    job = gathered(lambda box: box.add_diff(far))
    assert len(job.sources) == 3
    assert {one.code for one in job.skipped} == {"total"}


def test_lists_have_an_end_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "MAX_LISTED", 3)
    monkeypatch.setattr(collect, "MAX_SOURCES", 2)
    job = gathered(*(lambda box, n=n: box.offer(f"{n}.py", b"x = 1\n") for n in range(7)))
    assert len(job.sources) == 2
    assert [one.code for one in job.skipped] == ["too_many"] * 3 + ["more"]
    assert job.skipped[-1].reason == "2 more"
