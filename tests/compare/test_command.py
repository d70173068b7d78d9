"""The whole command on a tiny model, in real processes, and what it says where one side cannot be had."""

import asyncio
import io
import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from audit8 import cli
from audit8.compare import side
from audit8.compare.bar import Bar
from audit8.compare.lines import SideOrder, Speaker
from audit8.compare.measures import Chosen
from audit8.errors import DoesNotFit, OutOfMemory
from audit8.models.machine import Machine
from audit8.types import Source

SOURCE = Source("a.py", "import os\n\n\ndef run(name):\n    os.system('ls ' + name)\n", "python")


@pytest.fixture
def order(tiny_folder: Path, tmp_path: Path) -> SideOrder:
    chosen = Chosen(str(tiny_folder), "tiny", False, "CPU", 64)
    settings = {"model": str(tiny_folder), "lang": "en"}
    return SideOrder("original", settings, asdict(SOURCE), 64, 1, str(tmp_path / "kept"), chosen)


def test_both_sides_are_measured_and_nothing_is_left(
    tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    sample = tmp_path / "a.py"
    sample.write_text(SOURCE.text)
    flags = ["--model", str(tiny_folder), "--sample", str(sample), "--tokens", "64", "--json", "--lang", "en"]
    assert cli.main(["compare", *flags]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert list((tmp_path / "temporary").iterdir()) == []
    for name in ("original", "optimised"):
        measured = found[name]
        assert measured["failed"] == ""
        assert measured["audit_s"] > 0
        assert measured["peak_bytes"] >= measured["weights_bytes"] * 0.9 > 0
        assert "no CUDA GPU" in measured["missed"]["gpu_percent"]
        assert [claim["line"] for claim in measured["findings"]] == [5]
        assert f"{name}: loading" in said.err
    assert "int8" in found["optimised"]["arithmetic"]
    assert "16 bit" in found["original"]["arithmetic"]
    close = found["closeness"]
    assert close["places"] == 64
    assert 0 < close["kl"] < 0.01
    assert close["perplexity"] == pytest.approx(found["optimised"]["perplexity"])
    change = 100 * (found["optimised"]["perplexity"] / found["original"]["perplexity"] - 1)
    assert close["perplexity_change_percent"] == pytest.approx(change, abs=1e-3)
    assert found["agreement"]["same"] == found["agreement"]["all"] == 1


def test_an_original_that_fits_nowhere_is_refused_with_both_numbers(
    order: SideOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side, "probe", lambda: (Machine("", 0, 0, 64 * 1024**2), "cpu"))
    with pytest.raises(DoesNotFit, match=r"needs \d\.\d\d GiB.*0\.06 GiB free"):
        side.Run(order, Speaker(io.StringIO())).measure()


def test_memory_that_runs_out_while_loading_is_said_so(order: SideOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(side, "build_model", full)
    with pytest.raises(OutOfMemory, match="while the model was loaded"):
        side.Run(order, Speaker(io.StringIO())).measure()


@pytest.mark.parametrize(("gpu_mib", "offloaded"), [(8000, False), (100, True)])
def test_what_the_gpu_has_no_room_for_is_offloaded(
    order: SideOrder, monkeypatch: pytest.MonkeyPatch, gpu_mib: int, offloaded: bool
) -> None:
    class Stop(Exception):
        pass

    seen: list[int | None] = []

    def build(*_: object, gpu_bytes: int | None) -> None:
        seen.append(gpu_bytes)
        raise Stop

    machine = Machine("GPU", gpu_mib * 1024**2, 8 * 1024**3, 8 * 1024**3)
    monkeypatch.setattr(side, "probe", lambda: (machine, "cuda:0"))
    monkeypatch.setattr(side, "build_model", build)
    with pytest.raises(Stop):
        side.Run(order, Speaker(io.StringIO())).measure()
    assert (seen[0] is not None) is offloaded
    assert seen[0] is None or 0 <= seen[0] < gpu_mib * 1024**2


def test_an_audit_that_takes_too_long_is_given_up(order: SideOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(side.Run, "_events", endless)
    out = io.StringIO()
    side.Run(replace(order, minutes=0), Speaker(out)).measure()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    missed = {name: line["why"] for line in lines if line["say"] == "missed" for name in line["names"]}
    assert "--minutes" in missed["audit_s"]
    assert "findings" in missed
    assert any("perplexity" in line for line in lines)  # the rest goes on


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--tokens", "3"], "--tokens"),
        (["--tokens", "many"], "--tokens"),
        (["--minutes", "0"], "--minutes"),
        (["--port", "1"], "--port"),
        (["--quant", "2bit"], "--quant"),
        (["--engine", "openai"], "a model of this machine"),
    ],
)
def test_a_wrong_flag_is_named(flags: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["compare", *flags])
    assert ended.value.code == 2
    assert named in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--quant", "none"], "nothing to compare"),
        (["--sample", "no-such-file.py"], "no-such-file.py cannot be read"),
        (["--sample", "{binary}"], "audit8: "),
        (["--model", "/no/such/model"], "there is no folder /no/such/model"),
    ],
)
def test_what_cannot_be_compared_ends_with_one_line(
    flags: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 4)
    flags = [flag.replace("{binary}", str(tmp_path / "binary")) for flag in flags]
    assert cli.main(["compare", "--lang", "en", *flags]) == 1
    captured = capsys.readouterr()
    assert said in captured.err.splitlines()[-1]
    assert captured.out == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_one_line_that_is_redrawn_and_wiped() -> None:
    out = Terminal()
    bar = Bar(out, "zh")
    bar.show("original", "loading", 1, 2)
    bar.show("original", "auditing", 0, 0)
    bar.clear()
    drawn = out.getvalue().split("\r")
    assert "\n" not in out.getvalue()
    assert "############............" in drawn[1]
    assert "50 %" in drawn[1]
    assert "审计" in drawn[2]
    assert drawn[-2].strip() == "" == drawn[-1]


def test_elsewhere_a_stage_is_one_line() -> None:
    out = io.StringIO()
    bar = Bar(out, "en")
    for done in range(4):
        bar.show("optimised", "loading", done, 4)
    bar.show("optimised", "reading", 0, 4)
    bar.clear()
    assert out.getvalue() == "optimised: loading\noptimised: reference text\n"
