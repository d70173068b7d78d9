"""Downloads from the Hub and from ModelScope: whole, in order, resumable, and with the token only where it belongs."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from audit8.errors import DoesNotFit, ModelNotFound
from audit8.models import disk
from audit8.models.checkpoint import is_complete
from audit8.models.hub import HubOrigin
from audit8.models.modelscope import ModelScopeOrigin
from audit8.models.origin import Origin, Unreachable, download, within
from audit8.types import LoadProgress
from tests.models.standin import COMMIT, StandIn, tiny_model

ID = "someone/Tiny-1.5B"
SHARD = "model-00001-of-00002.safetensors"
DOWNLOADED = {name for name in tiny_model() if name.endswith((".json", ".safetensors"))}


class Stop(Exception):
    """What a listener raises to end a download."""


def run(origin: Origin, progress: Callable[[LoadProgress], None] = lambda _: None, **options: bool) -> Path:
    return download(
        origin,
        ID,
        check=lambda _: None,
        progress=progress,
        with_code=options.get("with_code", False),
        timeout_s=5,
    )


def stop_at(limit_bytes: int) -> Callable[[LoadProgress], None]:
    def progress(report: LoadProgress) -> None:
        if report.done >= limit_bytes:
            raise Stop

    return progress


@pytest.fixture(params=["hub", "modelscope"])
def origin(request: pytest.FixtureRequest, places: StandIn) -> Origin:
    places.repos[ID] = tiny_model()
    return HubOrigin() if request.param == "hub" else ModelScopeOrigin()


def test_download_brings_what_is_needed_and_nothing_that_can_run(origin: Origin) -> None:
    assert origin.cached(ID) is None
    folder = run(origin)
    assert is_complete(folder)
    assert {path.name for path in folder.iterdir() if path.is_file()} == DOWNLOADED
    for name in DOWNLOADED:
        assert (folder / name).read_bytes() == tiny_model()[name]
    assert origin.cached(ID) == folder


def test_code_comes_along_only_when_it_is_trusted(origin: Origin) -> None:
    assert (run(origin, with_code=True) / "modeling_tiny.py").exists()


def test_progress_never_falls_and_ends_at_the_total(origin: Origin) -> None:
    reports: list[LoadProgress] = []
    run(origin, reports.append)
    done = [report.done for report in reports]
    total = sum(len(tiny_model()[name]) for name in DOWNLOADED)
    assert done == sorted(done)
    assert reports[-1].done == reports[-1].total == total
    assert {report.stage for report in reports} == {"downloading"}
    assert len(set(done)) > 5


def test_interrupted_download_continues_where_it_stopped(places: StandIn, origin: Origin) -> None:
    with pytest.raises(Stop):
        run(origin, stop_at(100_000))
    assert not is_complete(origin.cached(ID) or Path("nowhere"))
    before = len(places.seen)
    folder = run(origin)
    assert is_complete(folder)
    again = [seen for seen in places.seen[before:] if seen.method == "GET" and SHARD in seen.path]
    assert again
    assert all(seen.start is not None and seen.start > 0 for seen in again)
    assert (folder / SHARD).read_bytes() == tiny_model()[SHARD]
    small = [seen for seen in places.seen[before:] if seen.method == "GET" and "tokenizer.json" in seen.path]
    assert small == []


def test_broken_connection_is_continued_within_one_download(places: StandIn, origin: Origin) -> None:
    places.cut[SHARD] = 50_000
    assert is_complete(run(origin))
    starts = [seen.start for seen in places.seen if seen.method == "GET" and SHARD in seen.path and seen.place != "hub"]
    assert starts[0] is None
    assert starts[-1] is not None
    assert 0 < starts[-1] <= 50_000


def test_second_download_sends_no_file_again(places: StandIn, origin: Origin) -> None:
    folder = run(origin)
    before = len(places.seen)
    assert run(origin) == folder
    assert [seen.path for seen in places.seen[before:] if ".safetensors" in seen.path] == []


def test_unknown_model_is_refused_in_words(origin: Origin) -> None:
    with pytest.raises(ModelNotFound, match="nobody/nothing") as caught:
        origin.list_files("nobody/nothing", 5)
    assert "spelling" in caught.value.hint


def test_pickles_only_are_refused_before_they_are_downloaded(places: StandIn, origin: Origin) -> None:
    places.repos[ID] = {name: body for name, body in tiny_model().items() if "safetensors" not in name}
    with pytest.raises(ModelNotFound, match="safetensors") as caught:
        run(origin)
    assert "pickle" in caught.value.hint
    assert not [seen for seen in places.seen if seen.method == "GET" and "pytorch_model.bin" in seen.path]


def test_too_little_disk_is_said_before_the_weights(
    places: StandIn, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "SPARE_BYTES", 1 << 60)
    with pytest.raises(DoesNotFit, match=r"disk space.* GiB are missing"):
        run(origin)
    assert not [seen for seen in places.seen if ".safetensors" in seen.path and "index" not in seen.path]


def test_check_speaks_before_the_weights(places: StandIn, origin: Origin) -> None:
    def check(folder: Path) -> None:
        assert (folder / "config.json").exists()
        raise Stop

    with pytest.raises(Stop):
        download(origin, ID, check=check, progress=lambda _: None, with_code=False, timeout_s=5)
    assert not [seen for seen in places.seen if ".safetensors" in seen.path and "index" not in seen.path]


def test_damaged_weights_are_not_kept(places: StandIn, origin: Origin) -> None:
    """What lay on this disk is not the beginning of the promised file: the place's SHA-256 says so."""
    with pytest.raises(Stop):
        run(origin, stop_at(100_000))
    for part in (path for path in Path.cwd().parent.rglob("*") if path.is_file()):
        if part.name.endswith((".audit8-part", ".incomplete")):
            part.write_bytes(b"\0" * part.stat().st_size)
    if isinstance(origin, HubOrigin):
        with pytest.raises(ModelNotFound, match="SHA-256"):
            run(origin)
    assert is_complete(run(origin))


@pytest.mark.parametrize("token", [None, "hf_secret"])
def test_token_goes_to_the_hub_only_and_only_if_set(
    places: StandIn, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    places.repos[ID] = tiny_model()
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    run(HubOrigin())
    hub = {seen.authorization for seen in places.seen if seen.place == "hub"}
    files = {seen.authorization for seen in places.seen if seen.place == "files"}
    assert hub == {f"Bearer {token}" if token else None}
    assert files == {None}


def test_hub_cache_is_the_one_other_programs_use(places: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import snapshot_download

    places.repos[ID] = tiny_model()
    folder = run(HubOrigin())
    assert folder.name == COMMIT
    theirs = snapshot_download(ID, local_files_only=True, allow_patterns=["*.json", "*.safetensors"])
    assert Path(theirs) == folder


def test_without_links_the_weights_are_moved_not_copied(places: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError("a required privilege is not held by the client")

    places.repos[ID] = tiny_model()
    monkeypatch.setattr(Path, "symlink_to", no_links)
    folder = run(HubOrigin())
    assert is_complete(folder)
    assert not (folder / SHARD).is_symlink()
    assert not [path for path in (folder.parent.parent / "blobs").iterdir() if path.stat().st_size > 100_000]


@pytest.mark.parametrize("status", [500, 503])
def test_a_hub_that_is_not_well_is_unreachable(places: StandIn, status: int) -> None:
    places.status = status
    with pytest.raises(Unreachable, match=str(status)):
        HubOrigin().list_files(ID, 5)


@pytest.mark.parametrize("place", [HubOrigin, ModelScopeOrigin])
def test_a_place_that_never_answers_is_given_up_in_time(places: StandIn, place: Callable[[], Origin]) -> None:
    places.silent = True
    started_s = time.monotonic()
    with pytest.raises(Unreachable):
        place().list_files(ID, 0.5)
    assert time.monotonic() - started_s < 3


def test_within_gives_the_result_or_the_error() -> None:
    assert within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)
