"""The API keys: read once, kept as hashes, compared in constant time, and never shown again.

Knows the settings that name them and the headers that carry them; nothing of routes.
"""

import hashlib
import hmac
import logging
import re
from pathlib import Path

from starlette.datastructures import Headers

from audit8.errors import StartupError
from audit8.settings import Settings
from audit8.store.allowed import is_loopback

log = logging.getLogger("audit8.api")

SHORT_KEY = 16  # characters; below it, a warning
ID_LENGTH = 12
_KEY = re.compile(r"[\x21-\x7e]{1,512}")
_SALT = b"audit8 client "


class Keys:
    """Who may come in. Without any key everybody is the client ""."""

    def __init__(self, keys: dict[str, str]) -> None:
        """`keys`: key -> the name of its owner, or ""."""
        self._clients = [(_digest(key), client_id(key)) for key in keys]
        self.names = {client_id(key): name for key, name in keys.items() if name}

    def __len__(self) -> int:
        return len(self._clients)

    def client_of(self, headers: Headers) -> str | None:
        """The client whose key a request carries; None if it carries none, or a wrong one."""
        if not self._clients:
            return ""
        given = _digest(_given(headers))
        found: str | None = None
        for digest, client in self._clients:  # all of them, so that the time says nothing about which one it was
            if hmac.compare_digest(digest, given):
                found = client
        return found


def load_keys(settings: Settings) -> Keys:
    """The keys that the settings name.

    Raises StartupError if there are none and other machines can reach the server, or if the file cannot be used.
    """
    keys = {secret.get_secret_value(): "" for secret in settings.api_key}
    if settings.api_key_file:
        keys |= _read(settings.api_key_file)
    for key in keys:
        if not _KEY.fullmatch(key):
            raise StartupError(
                "An API key holds a space, a control character or a letter outside ASCII, or is too long.",
                hint="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'.",
            )
    if not is_loopback(settings.host):
        if not keys and not settings.allow_anonymous:
            raise StartupError(
                f"{settings.host} can be reached from other machines, and no API key is set.",
                hint="Set --api-key-file (or --api-key), or --allow-anonymous if everybody there may use the server.",
                host=settings.host,
            )
        if any(len(key) < SHORT_KEY for key in keys):
            log.warning("An API key has fewer than %d characters; it can be guessed.", SHORT_KEY)
    return Keys(keys)


def client_id(key: str) -> str:
    """A short name of a key that does not give it away; the same for the same key, at every start."""
    return hashlib.sha256(_SALT + key.encode()).hexdigest()[:ID_LENGTH]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()


def _given(headers: Headers) -> str:
    """What `X-API-Key` or `Authorization: Bearer` carries; the former wins, "" if there is neither."""
    if own := headers.get("x-api-key"):
        return own.strip()
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def _read(path: Path) -> dict[str, str]:
    """A key per line, and after a space the name of its owner; empty lines and those that begin with # are skipped."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise StartupError(f"The key file {path} cannot be read: {why}.", hint="Check --api-key-file.") from None
    split = [line.split(None, 1) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not split:
        raise StartupError(f"The key file {path} has no key in it.", hint="Write one key per line.")
    return {parts[0]: parts[1].strip() if len(parts) > 1 else "" for parts in split}
