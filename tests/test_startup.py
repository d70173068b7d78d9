"""The start as a user sees it: five lines in their order, and a server that says what it holds."""

import logging
import os
from pathlib import Path

import pytest

from audit8.errors import DoesNotFit
from audit8.settings import Settings
from audit8.startup import load_engine
from audit8.types import Lang, LoadProgress


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_log_has_the_lines_users_search_for(
    pocket_folder: Path, caplog: pytest.LogCaptureFixture, lang: Lang, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO, logger="audit8")
    seen: list[LoadProgress] = []
    settings = Settings(model=str(pocket_folder), lang=lang, context_tokens=1024, cache_dir=tmp_path)
    engine = load_engine(settings, seen.append)
    try:
        wanted = [
            "正在加载模型（8-bit 量化版本）...",
            "加载模型到 CPU（8-bit 量化）...",
            "模型加载完成！",
            "模型设备: cpu",
        ]
        assert [line for line in caplog.messages if line in wanted] == wanted
        assert any(line.startswith("内存占用: ") and " GB（常驻内存" in line for line in caplog.messages)
        assert any("kept on disk for a quick start" in line for line in caplog.messages)
        assert engine.info.context_tokens == 1024
        assert engine.memory().kind == "ram"
        assert seen[0].stage == "choosing"
        assert seen[-1].done == seen[-1].total > 0
    finally:
        await engine.aclose()


def test_a_model_that_does_not_fit_is_refused_with_both_numbers(
    pocket_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from audit8.engine import device

    small = device.DeviceState("cpu", "", 0, 0, ram_free_bytes=64 * 1024**2)
    monkeypatch.setattr(device, "probe", lambda: small)
    with pytest.raises(DoesNotFit, match=r"0\.06 GiB"):
        load_engine(Settings(model=str(pocket_folder)), lambda _: None)


async def test_no_quantised_cache_writes_nothing(pocket_folder: Path, tmp_path: Path) -> None:
    settings = Settings(model=str(pocket_folder), context_tokens=1024, cache_dir=tmp_path, quantised_cache=False)
    engine = load_engine(settings, lambda _: None)
    await engine.aclose()
    assert os.listdir(tmp_path) == []
