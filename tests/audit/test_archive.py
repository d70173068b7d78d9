"""A zip gives its files; everything strange about it is one entry with a code, and a bomb costs nothing."""

import io
import stat
import struct
import time
import warnings
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit8.audit.archive import Entry, is_zip, read_zip
from audit8.audit.skips import MAX_FILE_BYTES
from audit8.errors import Undecodable


def packed(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore", UserWarning)  # of a name that is there twice
        for name, data in files:
            archive.writestr(name, data)
    return buffer.getvalue()


def codes(data: bytes, **limits: int) -> dict[str, str]:
    return {entry.name: entry.code for entry in read_zip(data, **limits)}


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def test_the_files_come_in_order_without_folders() -> None:
    data = packed(("b/", b""), ("b/x.py", b"x = 1\n"), ("a.py", b""))
    assert is_zip(data)
    assert list(read_zip(data)) == [Entry("b/x.py", b"x = 1\n"), Entry("a.py", b"")]


@pytest.mark.parametrize("name", ["../x.py", "/etc/x.py", "a/../../x.py", "C:/x.py", "..\\x.py", "\\\\host\\x.py"])
def test_a_path_out_of_the_archive_is_refused(name: str) -> None:
    assert set(codes(packed((name, b"x"))).values()) == {"outside"}


def test_links_devices_and_what_is_not_worth_opening() -> None:
    data = packed(
        (special("link.py", stat.S_IFLNK | 0o777), b"/etc/passwd"),
        (special("pipe.py", stat.S_IFIFO), b""),
        (special("plain.py", stat.S_IFREG | 0o644), b"x"),
        ("in.zip", packed(("x.py", b"x"))),
        ("node_modules/x.js", b"x"),
        ("same.py", b"1"),
        ("same.py", b"2"),
    )
    assert [(entry.name, entry.code) for entry in read_zip(data)] == [
        ("link.py", "symlink"),
        ("pipe.py", "special"),
        ("plain.py", ""),
        ("in.zip", "nested"),
        ("node_modules/x.js", "vendored"),
        ("same.py", ""),
        ("same.py", "duplicate"),
    ]


def test_bombs_are_not_unpacked() -> None:
    zeros = bytes(50 * 1024 * 1024)
    data = packed(*((f"{number}.py", zeros) for number in range(3)), ("small.py", bytes(1024 * 1024)), ("ok.py", b"x"))
    started = time.perf_counter()
    assert codes(data) == {"0.py": "bomb", "1.py": "bomb", "2.py": "bomb", "small.py": "bomb", "ok.py": ""}
    assert time.perf_counter() - started < 0.5


def test_a_size_that_is_a_lie_gives_no_more_than_it_says() -> None:
    data = bytearray(packed(("a.py", bytes(1024 * 1024)), ("b.py", b"x = 1")))
    lie = struct.pack("<I", 100)
    true = struct.pack("<I", 1024 * 1024)
    assert bytes(data).count(true) == 2  # in the entry's head and in the directory
    assert codes(bytes(data).replace(true, lie)) == {"a.py": "damaged", "b.py": ""}


def test_limits_are_of_all_files_together() -> None:
    noise = bytes(range(256)) * 40
    files = [(f"{number}.py", noise) for number in range(5)]
    assert list(codes(packed(*files), max_total_bytes=2 * len(noise)).values()) == ["", "", "total", "total", "total"]
    assert list(codes(packed(*files), max_entries=2).values()) == ["", "", "too_many"]
    info = zipfile.ZipInfo("big.py")  # stored, so that it is no bomb
    assert codes(packed((info, bytes(MAX_FILE_BYTES + 1)))) == {"big.py": "oversize"}


def test_encrypted_and_damaged_entries_are_named() -> None:
    data = packed(("a.py", b"x = 1\n" * 50), ("b.py", b"y = 2\n"))
    flagged = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        flagged[data.index(mark) + offset] |= 1
    assert codes(bytes(flagged)) == {"a.py": "encrypted", "b.py": ""}
    broken = bytearray(data)
    broken[40] ^= 0xFF
    assert codes(bytes(broken)) == {"a.py": "damaged", "b.py": ""}
    unknown = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        unknown[data.index(mark) + offset] = 99  # a compression method that nobody has
    assert codes(bytes(unknown)) == {"a.py": "damaged", "b.py": ""}


def test_names_in_chinese_are_read_with_and_without_the_flag() -> None:
    name = "审计.py"
    assert codes(packed((name, b"x"))) == {name: ""}
    for encoding in ("gb18030", "utf-8"):
        raw = name.encode(encoding)
        data = packed(("x" * len(raw), b"x")).replace(b"x" * len(raw), raw)
        assert codes(data) == {name: ""}


@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_bytes_are_entries_or_a_refusal(junk: bytes, at: int) -> None:
    good = packed(("a.py", b"x = 1\n"), ("b/c.js", b"y" * 100))
    for data in (junk, good[:at] + junk + good[at:], good[:at] + junk + good[at + len(junk) :], good[:at]):
        try:
            entries = list(read_zip(data))
        except Undecodable:
            continue
        assert all(not entry.code or not entry.data for entry in entries)
