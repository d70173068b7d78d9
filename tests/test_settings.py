"""Where a setting may come from, and where it may not."""

import pytest

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
