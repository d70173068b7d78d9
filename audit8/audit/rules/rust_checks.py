"""The checks of Rust source on its syntax tree: which modules have them. The claims' words are in the rules' tables."""

from audit8.audit.rules import (
    contracts_auth,
    contracts_calls,
    contracts_errors,
    contracts_limits,
    contracts_money,
    contracts_records,
    rust_input,
    rust_memory,
    rust_outside,
    solana_anchor,
    solana_checks,
)
from audit8.audit.rules.rule import Hit
from audit8.audit.rules.rust_model import read_rust

_MODULES = (
    contracts_auth,
    contracts_money,
    contracts_calls,
    contracts_errors,
    contracts_limits,
    contracts_records,
    rust_input,
    rust_memory,
    rust_outside,
    solana_anchor,
    solana_checks,
)


def check_rust(text: str) -> list[Hit] | None:
    """Where the checks fire, or None when the text is too large for a tree."""
    file = read_rust(text)
    if file is None:
        return None
    return [hit for module in _MODULES for check in module.CHECKS for hit in check(file)]
