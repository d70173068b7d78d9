"""Audit8: a private code-security auditor on one machine. See docs/architecture.md for the map."""

__version__ = "0.1.0"
