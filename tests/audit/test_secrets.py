"""Secrets are known by their prefix, or by entropy beside a telling name; placeholders and look-ups are none.

The secrets are made up here from a seed: nothing in this file is one.
"""

import random
import string

import pytest

from audit8.audit.rules import run_rules
from audit8.types import Source

_RANDOM = random.Random(4)
_WORD = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + string.digits


def some(count: int, alphabet: str = _WORD) -> str:
    return "".join(_RANDOM.choice(alphabet) for _ in range(count))


KNOWN = {
    "AWS": "AKI" + "A" + some(16, _UPPER),
    "GitHub": "ghp" + "_" + some(36),
    "GitHub, fine-grained": "github" + "_pat_" + some(22) + "_" + some(59),
    "GitLab": "glpat" + "-" + some(20),
    "Slack": "xoxb" + "-" + some(12, string.digits) + "-" + some(24),
    "Slack hook": "https://hooks.slack" + ".com/services/T" + some(8, _UPPER) + "/B" + some(8, _UPPER) + "/" + some(24),
    "Stripe": "sk" + "_live_" + some(24),
    "Google": "AIz" + "a" + some(35),
    "Google client": "GOCS" + "PX-" + some(28),
    "OpenAI": "sk" + "-" + some(48),
    "OpenAI project": "sk" + "-proj-" + some(48),
    "Anthropic": "sk" + "-ant-api03-" + some(80),
    "DeepSeek": "sk" + "-" + some(32, _HEX),
    "Hugging Face": "hf" + "_" + some(34),
    "npm": "npm" + "_" + some(36),
    "SendGrid": "SG" + "." + some(22) + "." + some(43),
    "Shopify": "shpat" + "_" + some(32, _HEX),
    "Alibaba Cloud": "LTA" + "I" + some(20),
    "Tencent Cloud": "AKI" + "D" + some(32),
    "Telegram": some(9, string.digits) + ":A" + "A" + some(33),
    "Azure storage": "AccountKey" + "=" + some(86) + "==",
    "JWT": "eyJ" + some(20) + ".eyJ" + some(30) + "." + some(43),
    "URL": "postgres://app:" + some(9) + "@db.internal/app",
}
PLACEHOLDERS = [
    'password = "changeme"',
    'api_key = "YOUR_API_KEY"',
    'api_key = "xxxxxxxxxxxxxxxxxxxx"',
    'token = os.environ["TOKEN"]',
    'password = "<password>"',
    'aws = "AKI" + "AIOSFODNN7EXAMPLE"',
    'token = "test-token-1234"',
    'secret = "${SECRET}"',
    'api_key = "{{ api_key }}"',
    'PASSWORD_FIELD = "password"',
    'key = "sk-your-key-here"',
    'token = "aaaaaaaaaaaaaaaaaaaaaaaa"',
    'token_url = "https://auth.test/oauth/token"',
    'private_key_path = "/etc/ssl/private/server.key"',
    f'digest = "{some(40, _HEX)}"',
    f'integrity = "sha512-{some(86)}=="',
]


def fires(text: str) -> bool:
    return "secret-in-code" in {one.rule_id for one in run_rules(Source("a", f"{text}\n", "python"), "en")}


@pytest.mark.parametrize("kind", KNOWN)
def test_a_known_prefix_is_a_secret_whatever_it_is_called(kind: str) -> None:
    assert fires(f'x = "{KNOWN[kind]}"')


@pytest.mark.parametrize("name", ["secret_key", "API_KEY", "client_secret", "auth_token", "jwtSecret"])
def test_a_random_value_beside_a_telling_name_is_a_secret(name: str) -> None:
    assert fires(f'{name} = "{some(32)}"')
    assert not fires(f'unrelated = "{some(32)}"')


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_placeholders_are_no_secrets(text: str) -> None:
    assert not fires(text)


def test_a_private_key_is_a_secret_and_a_public_one_is_none() -> None:
    body = f"{some(64)}\n{some(64)}"
    for kind, found in (("RSA PRIVATE", True), ("OPENSSH PRIVATE", True), ("PUBLIC", False)):
        assert fires(f"-----BEGIN {kind} KEY-----\n{body}\n-----END {kind} KEY-----") is found
