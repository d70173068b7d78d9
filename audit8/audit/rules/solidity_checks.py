"""The checks of Solidity on its syntax tree: which modules have them. The claims' words are in the rules' tables."""

from audit8.audit.rules import solidity_money, solidity_rights
from audit8.audit.rules.rule import Hit
from audit8.audit.rules.solidity_model import read_solidity

_MODULES = (solidity_rights, solidity_money)


def check_solidity(text: str) -> list[Hit] | None:
    """Where the checks fire, or None when the text is too large for a tree."""
    file = read_solidity(text)
    if file is None:
        return None
    return [hit for module in _MODULES for check in module.CHECKS for hit in check(file)]
