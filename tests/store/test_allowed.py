"""Where a history may be kept."""

from typing import Any

import pytest

from audit8.settings import Settings
from audit8.store.allowed import history_allowed, history_refusal


@pytest.mark.parametrize(
    ("changed", "has_keys", "allowed"),
    [
        ({}, False, True),
        ({"history": False}, False, False),
        ({"host": "127.0.0.1"}, False, True),
        ({"host": "127.8.9.1"}, False, True),
        ({"host": "::1"}, False, True),
        ({"host": "0.0.0.0"}, False, False),
        ({"host": "::"}, False, False),
        ({"host": ""}, False, False),
        ({"host": "192.168.1.5"}, False, False),
        ({"host": "box.lan"}, False, False),
        ({"host": "0.0.0.0"}, True, True),
        ({"host": "0.0.0.0", "history": False}, True, False),
    ],
)
def test_only_where_clients_are_told_apart_or_are_one(changed: dict[str, Any], has_keys: bool, allowed: bool) -> None:
    settings = Settings(**{"history": True, **changed})
    assert history_allowed(settings, has_keys=has_keys) is allowed
    assert bool(history_refusal(settings, has_keys=has_keys)) is not allowed
