"""Audit8: a private code-security auditor on one machine. See docs/architecture.md for the map."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit8.client import Client

__version__ = "0.1.0"
__all__ = ["Client", "__version__"]


def __getattr__(name: str) -> object:
    """`audit8.Client` is imported when it is asked for: the package itself stays light."""
    if name == "Client":
        from audit8.client import Client  # noqa: PLC0415

        return Client
    raise AttributeError(f"module 'audit8' has no attribute {name!r}")
