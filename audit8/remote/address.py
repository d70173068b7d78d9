"""Where the other servers are and the key that they ask for: read, checked, and never shown with what is secret.

Knows URLs and a key file. A server on this machine is told apart, for the code does not leave the machine to it.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from audit8.errors import Audit8Error, BadRequest, StartupError

MAX_KEY_CHARS = 4096
_KEY_HINT = "{flag} names a file of one line: the key, without quotes or Bearer."


@dataclass(frozen=True, slots=True)
class Address:
    """`url`: the base of the API without a slash at its end, `host`: with the port where one is given.

    `local`: it is this machine, so that no code leaves it.
    """

    url: str
    host: str
    local: bool
    encrypted: bool

    @property
    def root(self) -> str:
        """The address without the version: where /health, /props and /tokenize are."""
        return self.url.removesuffix("/v1")

    @property
    def exposed(self) -> bool:
        """Whether code, and a key, go over a network on which others may read them."""
        return not self.local and not self.encrypted


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is to be at an address: `path` is where its API begins if nothing is said."""

    name: str
    path: str
    error: type[Audit8Error]
    hint: str
    key_hint: str


_MODEL = _Kind(
    "an OpenAI-compatible server",
    "/v1",
    StartupError,
    "Give it as --engine-url http://host:8000/v1; several are separated by commas.",
    "Put the key into --engine-key-file F.",
)
_AUDIT8 = _Kind("a server", "", BadRequest, "For example http://localhost:8000.", "Give the key apart from it.")


def read_addresses(urls: Sequence[str]) -> tuple[Address, ...]:
    """The servers' addresses; raises StartupError for what is none, or comes twice."""
    addresses = tuple(_address(url, _MODEL) for url in urls)
    seen: set[str] = set()
    for address in addresses:
        if address.url in seen:
            raise StartupError(f"{address.url} is given twice.", hint=_MODEL.hint)
        seen.add(address.url)
    return addresses


def read_server(url: str) -> Address:
    """The address of a server of this program. Raises BadRequest for what is none."""
    return _address(url, _AUDIT8)


def _address(url: str, kind: _Kind) -> Address:
    try:
        parts = urlsplit(url)
        port, name = parts.port, parts.hostname
        (name or "").encode("idna")  # as the resolver will; a UnicodeError is a ValueError
    except ValueError:
        raise kind.error(f"{_shown(url)} is not an address.", hint=kind.hint) from None
    if parts.username is not None or parts.password is not None:
        raise kind.error(f"The address of {name} holds a password.", hint=kind.key_hint)
    if parts.scheme not in {"http", "https"} or not name or parts.query or parts.fragment:
        raise kind.error(f"{_shown(url)} is not the address of {kind.name}.", hint=kind.hint)
    shown = f"[{name}]" if ":" in name else name
    host = f"{shown}:{port}" if port else shown
    path = parts.path.rstrip("/") or kind.path
    return Address(f"{parts.scheme}://{host}{path}", host, is_loopback(name), parts.scheme == "https")


def _shown(url: str) -> str:
    """What was given, without what may be a key."""
    return repr(url.split("?", maxsplit=1)[0].rsplit("@", maxsplit=1)[-1][:200])


def is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def sends_to(addresses: Sequence[Address]) -> str:
    """The hosts of other machines, "" when all servers are on this one."""
    return ", ".join(dict.fromkeys(address.host for address in addresses if not address.local))


def read_key(file: Path | None, flag: str = "--engine-key-file") -> str:
    """The first line of the key's file, "" without a file. Raises StartupError, which never quotes the file.

    `flag`: what names the file, for the error.
    """
    if file is None:
        return ""
    hint = _KEY_HINT.format(flag=flag)
    try:
        text = file.expanduser().read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise StartupError(f"The key file {file} cannot be read: {error.strerror}.", hint=hint) from None
    except UnicodeDecodeError:
        raise StartupError(f"The key file {file} is not text.", hint=hint) from None
    if not text or len(text) > MAX_KEY_CHARS or not text.isascii() or not text.isprintable() or " " in text:
        raise StartupError(f"The key file {file} holds no key.", hint=hint)
    return text
