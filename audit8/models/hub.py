"""The Hugging Face Hub (or a mirror of it: HF_ENDPOINT), through its own client and into its own cache.

One thing the client does not do is done here: it drops a file that is interrupted, however large. Weight files are
therefore fetched with the client's `http_get` into a part file named by its SHA-256, which the next start continues,
and put where the client's cache would have put them; everything else is the client's.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audit8.errors import ModelNotFound
from audit8.models.meter import Meter
from audit8.models.origin import Listing, RemoteFile, Unreachable, within


class HubOrigin:
    """HF_ENDPOINT, HF_TOKEN (or a stored login), HF_HOME and HF_HUB_OFFLINE mean what they mean to the client."""

    label = "Hugging Face Hub"

    def __init__(self, cache_dir: Path | None = None) -> None:
        from huggingface_hub import constants  # noqa: PLC0415 - a second of imports that a local folder never needs

        self._endpoint = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
        self._cache_dir = cache_dir or Path(constants.HF_HUB_CACHE)

    def cached(self, model_id: str) -> Path | None:
        from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415
        from huggingface_hub.errors import HFValidationError  # noqa: PLC0415

        try:
            config = try_to_load_from_cache(model_id, "config.json", cache_dir=self._cache_dir)
        except HFValidationError:
            return None
        return Path(config).parent if isinstance(config, str) else None

    def list_files(self, model_id: str, timeout_s: float) -> Listing:
        from huggingface_hub import HfApi  # noqa: PLC0415
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError  # noqa: PLC0415

        api = HfApi(endpoint=self._endpoint)
        no_answer: tuple[type[Exception], ...] = (*_transport_errors(), ValueError)  # or not JSON
        try:
            info = within(timeout_s, lambda: api.model_info(model_id, files_metadata=True, timeout=timeout_s))
        except HFValidationError as error:
            raise ModelNotFound(
                f"{model_id!r} is neither a folder nor a model id",
                hint="an id looks like Qwen/Qwen2.5-Coder-7B-Instruct",
            ) from error
        except HfHubHTTPError as error:
            raise self._refusal(model_id, error) from error
        except no_answer as error:
            raise Unreachable(_short(error)) from error
        files = tuple(
            RemoteFile(file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else "")
            for file in info.siblings or ()
        )
        if not info.sha:
            raise Unreachable("its answer names no revision")
        return Listing(model_id, info.sha, files, self._snapshot(model_id, info.sha))

    def held_bytes(self, listing: Listing, file: RemoteFile) -> int:
        for path in (listing.folder / file.name, *self._blob_and_part(listing, file)):
            if path.exists():
                return min(path.stat().st_size, file.size_bytes)
        return 0

    def fetch(self, listing: Listing, files: Sequence[RemoteFile], meter: Meter) -> Path:
        try:
            by_client = [file for file in files if not file.sha256]
            if by_client:
                self._fetch_by_client(listing, by_client)
                meter.add(sum(file.size_bytes for file in by_client))
            for file in files:
                if file.sha256:
                    self._fetch_resumable(listing, file, meter)
        except _transport_errors() as error:
            raise ModelNotFound(
                f"the download of {listing.model_id} from {self.label} broke: {_short(error)}",
                hint="start again: it continues where it stopped (or --source modelscope, or HF_ENDPOINT=a mirror)",
            ) from error
        return listing.folder

    def _fetch_by_client(self, listing: Listing, files: Sequence[RemoteFile]) -> None:
        from huggingface_hub import snapshot_download  # noqa: PLC0415
        from tqdm import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415

        class Silent(tqdm):  # type: ignore[misc]
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **{**kwargs, "disable": True})

        # By branch, not by commit, so that the client's cache knows which commit `main` is.
        folder = snapshot_download(
            listing.model_id,
            endpoint=self._endpoint,
            cache_dir=self._cache_dir,
            allow_patterns=[file.name for file in files],
            tqdm_class=Silent,
        )
        if Path(folder).name != listing.revision:
            raise ModelNotFound(f"{listing.model_id} was changed while it was being downloaded", hint="start again")

    def _fetch_resumable(self, listing: Listing, file: RemoteFile, meter: Meter) -> None:
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # noqa: PLC0415

        target = listing.folder / file.name
        blob, part = self._blob_and_part(listing, file)
        # The client's own lock for this blob.
        lock = self._cache_dir / ".locks" / blob.parent.parent.name / f"{file.sha256}.lock"
        for folder in (blob.parent, lock.parent, target.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):
            if target.exists():
                meter.add(file.size_bytes)
                return
            if blob.exists():
                meter.add(file.size_bytes)
            else:
                self._continue_part(listing, file, part, meter)
                part.replace(blob)
            _place(blob, target)

    def _continue_part(self, listing: Listing, file: RemoteFile, part: Path, meter: Meter) -> None:
        from huggingface_hub import hf_hub_url  # noqa: PLC0415
        from huggingface_hub.file_download import http_get  # noqa: PLC0415
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # noqa: PLC0415

        if part.exists() and part.stat().st_size > file.size_bytes:
            part.unlink()
        with part.open("ab") as out:
            here_bytes = out.tell()
            meter.add(here_bytes)
            http_get(
                hf_hub_url(listing.model_id, file.name, revision=listing.revision, endpoint=self._endpoint),
                out,
                resume_size=here_bytes,
                headers=build_hf_headers(),
                expected_size=file.size_bytes,
                tqdm_class=_bar_class(meter),
            )
        if _sha256(part) != file.sha256:
            part.unlink()
            raise ModelNotFound(
                f"{file.name} of {listing.model_id} arrived damaged (wrong SHA-256); it was deleted",
                hint="start again; if it happens twice, the mirror or proxy in between changes the file",
            )

    def _blob_and_part(self, listing: Listing, file: RemoteFile) -> tuple[Path, Path]:
        blobs = listing.folder.parent.parent / "blobs"
        return blobs / (file.sha256 or "none"), blobs / f"{file.sha256}.audit8-part"

    def _snapshot(self, model_id: str, revision: str) -> Path:
        return self._cache_dir / ("models--" + model_id.replace("/", "--")) / "snapshots" / revision

    def _refusal(self, model_id: str, error: Any) -> Exception:
        """What an HTTP error means: no such model, no right to it, or a Hub that is not well."""
        status = error.response.status_code
        if status in (401, 403, 404):
            return ModelNotFound(
                f"{model_id} is not on {self.label}, or it is private or gated",
                hint="check the spelling; for a gated model accept its terms on its page and set HF_TOKEN",
            )
        return Unreachable(f"HTTP {status}")


def _transport_errors() -> tuple[type[Exception], ...]:
    """OSError, and what the client's HTTP library raises: httpx for client 1.x, httpx2 for 2.x."""
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    return (OSError, *(base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError"))


def _bar_class(meter: Meter) -> Any:
    """What `http_get` takes for a progress bar: a class, made with the bar's options, that hears of each block."""

    class Bar:
        def __init__(self, **_: Any) -> None:
            return None

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def update(self, size_bytes: int) -> None:
            meter.add(size_bytes)

    return Bar


def _place(blob: Path, target: Path) -> None:
    """As the client does: a link to the blob, or, where links need rights (Windows), the blob itself."""
    try:
        target.symlink_to(os.path.relpath(blob, target.parent))
    except OSError:
        blob.replace(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
