"""Checks of contracts: who is asked counts where it is asked, tests are not code, and time stays in proportion."""

import time

import pytest

from audit8.audit.rules import run_rules
from audit8.types import Source

SOROBAN = "use soroban_sdk::{contractimpl, Address, Env};\n#[contractimpl]\nimpl Pot {\n%s\n}\n%s"
UPGRADE = "    pub fn upgrade(env: Env, hash: Hash) {\n        %s\n        swap(&env, hash);\n    }"
SWAP = "fn swap(env: &Env, hash: Hash) {\n    env.deployer().update_current_contract_wasm(hash);\n}\n"
ASK = "fn ask(env: &Env) {\n    stored(env).require_auth();\n}\n"
OWNED = "pragma solidity ^0.8.0;\ncontract A {\n    address owner;\n%s}\n"


def fired(text: str, language: str) -> set[str]:
    return {claim.rule_id for claim in run_rules(Source("a", text, language), "en")}


def test_a_check_in_a_called_function_counts_and_a_danger_there_is_found() -> None:
    assert "contract-code-without-auth" in fired(SOROBAN % (UPGRADE % "", SWAP), "rust")
    assert "contract-code-without-auth" not in fired(SOROBAN % (UPGRADE % "ask(&env);", SWAP + ASK), "rust")


def test_a_modifier_of_the_file_counts_only_when_it_asks() -> None:
    setter = "    function set(address next) external gate { require(next != address(0)); owner = next; }\n"
    asking = "    modifier gate() { require(msg.sender == owner); _; }\n"
    idle = "    modifier gate() { _; }\n"
    assert "solidity-unprotected" in fired(OWNED % (setter + idle), "solidity")
    assert "solidity-unprotected" not in fired(OWNED % (setter + asking), "solidity")
    assert "solidity-unprotected" not in fired(OWNED % setter, "solidity")  # Imported: benefit of the doubt.


@pytest.mark.parametrize("mark", ["#[cfg(test)]", "#[cfg(all(test, unix))]"])
def test_tests_are_not_judged(mark: str) -> None:
    text = f"{mark}\nmod tests {{\n    fn leak(x: Guard) {{\n        std::mem::forget(x);\n    }}\n}}\n"
    assert fired(text, "rust") == set()
    assert fired(text.replace(mark, ""), "rust") == {"rust-mem-forget"}


def test_the_arithmetic_of_solidity_depends_on_its_version() -> None:
    text = (
        "pragma solidity %s;\ncontract A {\n    uint256 total;\n    function f(uint256 n) external { total += n; }\n}\n"
    )
    assert "solidity-wrapping" in fired(text % "^0.7.6", "solidity")
    assert "solidity-wrapping" in fired(text % ">=0.6.0 <0.8.0", "solidity")
    assert "solidity-wrapping" not in fired(text % "^0.8.4", "solidity")


@pytest.mark.parametrize(
    ("unit", "language"),
    [
        (SOROBAN % (UPGRADE % "ask(&env);", SWAP + ASK), "rust"),
        (
            OWNED % "    function set(address next) external { require(next != address(0)); owner = next; }\n",
            "solidity",
        ),
    ],
)
def test_a_long_file_takes_seconds(unit: str, language: str) -> None:
    text = unit * (4000 // unit.count("\n"))
    began = time.process_time()
    run_rules(Source("a", text, language), "en")
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("fn f() { " + "(" * 5000, "rust"),
        ("use soroban_sdk::Env;\nfn f(a: u64) { a " + "/ b * c " * 3000 + "; }", "rust"),
        ("fn f() { " + "if a { " * 2000, "rust"),
        ("contract A { function f(uint a) public { " + "a / b * " * 3000, "solidity"),
        ("contract A { function f() public { " + "{" * 3000, "solidity"),
    ],
)
def test_text_made_to_exhaust_the_checks_is_answered(text: str, language: str) -> None:
    source = Source("a", text, language)
    assert all(1 <= claim.line <= len(source.lines) for claim in run_rules(source, "en"))
