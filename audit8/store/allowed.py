"""Whether a server may keep a history, in words. Knows the settings; nothing of files."""

import ipaddress

from audit8.settings import Settings


def history_refusal(settings: Settings, *, has_keys: bool = False) -> str:
    """Why no history is kept, "" if it may be.

    A server that other machines can reach would show everybody what anybody has audited, unless API keys tell its
    clients apart (`has_keys`).
    """
    if not settings.history:
        return "It was switched off (--no-history)."
    if not has_keys and not is_loopback(settings.host):
        return "Other machines can reach this server and nothing tells its clients apart."
    return ""


def history_allowed(settings: Settings, *, has_keys: bool = False) -> bool:
    return not history_refusal(settings, has_keys=has_keys)


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine can reach a server bound to `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
