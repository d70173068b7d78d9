"""Where a setting may come from, and where it may not."""

from typing import Any

import pytest
from pydantic import ValidationError

from audit8.settings import Settings


@pytest.mark.parametrize("name", ["AUDIT8_MODEL", "MODEL_PATH"])
def test_the_model_comes_from_its_two_variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "somewhere")
    assert Settings().model == "somewhere"
    assert Settings(model="given").model == "given"


def test_a_variable_of_somebody_else_chooses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUDIT8_MODEL", "MODEL_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MODEL", "gpt-5")
    monkeypatch.setenv("PORT", "1")
    assert Settings().model is None
    assert Settings().port == 8000


URL = ("http://gpu:8000/v1",)


def test_a_remote_engine_has_its_own_settings() -> None:
    settings = Settings(
        engine="openai", engine_url="http://a:1/v1, http://b:2/v1", engine_model="m", context_tokens=4096
    )
    assert settings.engine_url == ("http://a:1/v1", "http://b:2/v1")
    assert Settings(engine="openai", engine_url=URL).engine_model is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"engine": "openai"}, "--engine openai needs --engine-url"),
        ({"engine": "openai", "engine_url": ""}, "--engine openai needs --engine-url"),
        ({"engine_url": URL}, "--engine-url is for --engine openai only"),
        ({"engine": "fused", "engine_model": "m"}, "--engine-model is for --engine openai only"),
        ({"engine_key_file": "f"}, "--engine-key-file is for --engine openai only"),
        ({"engine": "openai", "engine_url": URL, "model": "m"}, "--model is for a model of this machine only"),
        ({"engine": "openai", "engine_url": URL, "quant": "8bit"}, "--quant is for a model of this machine only"),
        ({"engine": "openai", "engine_url": URL, "cache_tokens": 5}, "--cache-tokens is for a model"),
        ({"engine": "openai", "engine_url": URL, "head": "fp16"}, "--head is for a model"),
    ],
)
def test_a_setting_that_would_say_nothing_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings(**given)
