"""A folder gives its files in order; links, pipes and what cannot be read are lines, and nothing outside is opened."""

import os
import sys
from pathlib import Path

import pytest

from audit8.audit.skips import judge_name
from audit8.errors import BadRequest
from audit8.files.walk import read_file, read_paths

SYMLINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")


def files(root: Path, **contents: str) -> None:
    for name, text in contents.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def codes(*paths: Path) -> dict[str, str]:
    return {read.name: read.code for read in read_paths(paths)}


def test_the_order_is_the_same_everywhere_and_vendored_folders_are_named_once(tmp_path: Path) -> None:
    files(tmp_path, b_dot_py="b", a_dot_py="a", z__c_dot_py="c", node_modules__x__y_dot_js="y", a__q_dot_py="q")
    assert [(read.name, read.data, read.code) for read in read_paths([tmp_path])] == [
        ("a.py", b"a", ""),
        ("b.py", b"b", ""),
        ("node_modules/", b"", "vendored"),
        ("a/q.py", b"q", ""),
        ("z/c.py", b"c", ""),
    ]


def test_what_gitignore_names_is_not_read(tmp_path: Path) -> None:
    files(tmp_path, a_dot_py="a", secret__x_dot_py="x", b__c_dot_log="l", b__keep_dot_log="k")
    (tmp_path / ".gitignore").write_text("secret/\n*.log\n")
    (tmp_path / "b" / ".gitignore").write_text("!keep.log\n")
    found = codes(tmp_path)
    assert found["secret/"] == found["b/c.log"] == "ignored"
    assert found["b/keep.log"] == found["a.py"] == ""
    assert "secret/x.py" not in found


@SYMLINKS
def test_links_are_not_followed_so_there_is_no_loop_and_no_way_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    inside = tmp_path / "inside"
    files(outside, x_dot_py="secret")
    files(inside, a_dot_py="a", d__b_dot_py="b")
    (inside / "loop").symlink_to(inside)
    (inside / "d" / "up").symlink_to("..")
    (inside / "out").symlink_to(outside)
    (inside / "out.py").symlink_to(outside / "x.py")
    (inside / "dead.py").symlink_to("nowhere")
    reads = list(read_paths([inside]))
    assert {read.name: read.code for read in reads} == {
        "a.py": "",
        "dead.py": "symlink",
        "loop": "symlink",
        "out": "symlink",
        "out.py": "symlink",
        "d/b.py": "",
        "d/up": "symlink",
    }
    assert not any(b"secret" in read.data for read in reads)


@SYMLINKS
def test_a_link_that_takes_a_files_place_meanwhile_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, secret_dot_py="secret", a_dot_py="a")
    about = (tmp_path / "a.py").lstat()
    (tmp_path / "b.py").symlink_to(tmp_path / "secret.py")
    monkeypatch.setattr(Path, "lstat", lambda self: about)
    read = read_file(tmp_path / "b.py", "b.py")
    assert (read.code, read.data) == ("unreadable", b"")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert codes(tmp_path) == {"pipe.py": "special"}
    assert codes(tmp_path / "pipe.py") == {"pipe.py": "special"}


def test_what_the_system_refuses_is_named_with_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path, a_dot_py="a", b_dot_py="b", c__d_dot_py="d")
    real_open, real_scan = os.open, os.scandir

    def refuse_open(path: Path, flags: int) -> int:
        if Path(path).name == "a.py":
            raise PermissionError(13, "Permission denied")
        return real_open(path, flags)

    def refuse_scan(path: Path) -> object:
        if Path(path).name == "c":
            raise PermissionError(13, "Permission denied")
        return real_scan(path)

    monkeypatch.setattr(os, "open", refuse_open)
    monkeypatch.setattr(os, "scandir", refuse_scan)
    found = {read.name: (read.code, read.why) for read in read_paths([tmp_path])}
    denied = ("unreadable", "Permission denied")
    assert found == {"a.py": denied, "b.py": ("", ""), "c/": denied}


def test_large_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "big.py").write_bytes(b"x" * (3 * 1024 * 1024))
    (read,) = read_paths([tmp_path])
    assert (read.code, read.data) == ("oversize", b"")


def test_several_paths_and_files_keep_their_names_apart(tmp_path: Path) -> None:
    files(tmp_path, one__a_dot_py="1", two__a_dot_py="2", c_dot_py="3")
    reads = list(read_paths([tmp_path / "one", tmp_path / "two", tmp_path / "c.py"]))
    assert [(read.name, read.named) for read in reads] == [("one/a.py", False), ("two/a.py", False), ("c.py", True)]


def test_a_path_that_is_not_there_is_said_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="nowhere"):
        read_paths([tmp_path, tmp_path / "nowhere"])


def test_a_deep_folder_ends(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 110)
    deep.mkdir(parents=True)
    (deep / "a.py").write_text("a")
    assert list(codes(tmp_path).values()) == ["too_deep"]


def test_what_is_gone_when_it_is_opened_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path, a_dot_py="a", b_dot_py="b")
    reads = read_paths([tmp_path])
    real = judge_name

    def meanwhile(path: str) -> str:
        (tmp_path / "a.py").unlink(missing_ok=True)
        return real(path)

    monkeypatch.setattr("audit8.files.walk.judge_name", meanwhile)
    assert [(read.name, read.code) for read in reads] == [("a.py", "unreadable"), ("b.py", "")]
