"""Where the other servers are and the key that they ask for: read, checked, and never shown with what is secret.

Knows URLs and a key file. A server on this machine is told apart, for the code does not leave the machine to it.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from audit8.errors import StartupError

MAX_KEY_CHARS = 4096
_KEY_HINT = "--engine-key-file names a file of one line: the key, without quotes or Bearer."
_HINT = "Give it as --engine-url http://host:8000/v1; several are separated by commas."


@dataclass(frozen=True, slots=True)
class Address:
    """`url`: the base of the API without a slash at its end, `host`: with the port where one is given."""

    url: str
    host: str
    local: bool
    encrypted: bool

    @property
    def root(self) -> str:
        """The address without the version: where /health, /props and /tokenize are."""
        return self.url.removesuffix("/v1")


def read_addresses(urls: Sequence[str]) -> tuple[Address, ...]:
    """The servers' addresses; raises StartupError for what is none, or comes twice."""
    addresses = tuple(_address(url) for url in urls)
    seen: set[str] = set()
    for address in addresses:
        if address.url in seen:
            raise StartupError(f"{address.url} is given twice.", hint=_HINT)
        seen.add(address.url)
    return addresses


def _address(url: str) -> Address:
    try:
        parts = urlsplit(url)
        port, name = parts.port, parts.hostname
    except ValueError:
        raise StartupError(f"{_shown(url)} is not an address.", hint=_HINT) from None
    if parts.username is not None or parts.password is not None:
        raise StartupError(f"The address of {name} holds a password.", hint="Put the key into --engine-key-file F.")
    if parts.scheme not in {"http", "https"} or not name or parts.query or parts.fragment:
        raise StartupError(f"{_shown(url)} is not the address of an OpenAI-compatible server.", hint=_HINT)
    shown = f"[{name}]" if ":" in name else name
    host = f"{shown}:{port}" if port else shown
    path = parts.path.rstrip("/") or "/v1"
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


def read_key(file: Path | None) -> str:
    """The first line of the key's file, "" without a file. Raises StartupError, which never quotes the file."""
    if file is None:
        return ""
    try:
        text = file.expanduser().read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise StartupError(f"The key file {file} cannot be read: {error.strerror}.", hint=_KEY_HINT) from None
    except UnicodeDecodeError:
        raise StartupError(f"The key file {file} is not text.", hint=_KEY_HINT) from None
    if not text or len(text) > MAX_KEY_CHARS or not text.isascii() or not text.isprintable() or " " in text:
        raise StartupError(f"The key file {file} holds no key.", hint=_KEY_HINT)
    return text
