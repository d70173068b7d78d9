"""A zip archive read in memory: its files one after the other, and what of it is not read and why.

Nothing is ever written, so a path in the archive is only a name; one that points outside it is refused all the same,
since whoever packed it meant harm or made a mistake. Sizes are checked before
anything is unpacked, and zipfile gives no more bytes of an entry than its directory says.
"""

import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from audit8.audit.skips import judge_name, judge_size
from audit8.errors import Undecodable

MAX_ENTRIES = 5000
MAX_TOTAL_BYTES = 64 * 1024 * 1024
MAX_RATIO = 200  # source text packs 3 to 10 times smaller
_RATIO_FROM_BYTES = 256 * 1024
_ENCRYPTED = 0x1
_UTF8 = 0x800
_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an archive: its bytes, or the code (skips.py) for why they were not read."""

    name: str
    data: bytes = b""
    code: str = ""


def is_zip(data: bytes) -> bool:
    return data.startswith(_MAGIC)


def read_zip(data: bytes, *, max_total_bytes: int = MAX_TOTAL_BYTES, max_entries: int = MAX_ENTRIES) -> Iterator[Entry]:
    """The files of a zip archive in its own order, each once, folders left out.

    At most `max_total_bytes` are unpacked in all and `max_entries` entries looked at; what is left is one last entry.

    Raises:
        Undecodable: this is no zip archive, or its directory is damaged.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        raise Undecodable(
            "This is not a zip archive that can be read.", hint="Pack the files again as .zip."
        ) from error
    seen: set[str] = set()
    left_bytes = max_total_bytes
    with archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
        for info in files[:max_entries]:
            name = _name(info)
            code = _judge(name, info) or ("duplicate" if name in seen else "")
            seen.add(name)
            if not code and info.file_size > left_bytes:
                code = "total"
            if code:
                yield Entry(name, code=code)
            else:
                left_bytes -= info.file_size  # what is unpacked counts, whether it is whole or not
                yield _unpack(archive, name, info)
        if len(files) > max_entries:
            yield Entry(_name(files[max_entries]), code="too_many")


def _unpack(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> Entry:
    try:
        with archive.open(info) as stream:  # gives no more than `file_size` bytes, and checks their CRC
            return Entry(name, stream.read())
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError):
        return Entry(name, code="damaged")


def _judge(name: str, info: zipfile.ZipInfo) -> str:
    """What the directory says: enough to leave an entry unopened."""
    mode = info.external_attr >> 16
    if _leads_out(name):
        return "outside"
    if stat.S_IFMT(mode) and not stat.S_ISREG(mode):
        return "symlink" if stat.S_ISLNK(mode) else "special"
    if info.flag_bits & _ENCRYPTED:
        return "encrypted"
    if code := judge_name(name.replace("\\", "/")):
        return code
    if info.file_size > max(_RATIO_FROM_BYTES, MAX_RATIO * info.compress_size):
        return "bomb"
    return judge_size(info.file_size)


def _name(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: without the UTF-8 flag zipfile takes it for cp437, but much of it is UTF-8 or GBK."""
    if info.flag_bits & _UTF8 or info.filename.isascii():
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return info.filename.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return info.filename


def _leads_out(name: str) -> bool:
    """Whether a path is absolute, has a drive, or climbs with `..`."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or name[1:2] == ":"
