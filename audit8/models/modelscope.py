"""ModelScope, through its own client (which resumes by itself) and into its own cache.

MODELSCOPE_ENDPOINT, MODELSCOPE_CACHE and MODELSCOPE_API_TOKEN mean what they mean to the client.
"""

import logging
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audit8.errors import ModelNotFound
from audit8.models.meter import Meter
from audit8.models.origin import Listing, RemoteFile, Unreachable, within

REVISION = "master"


class ModelScopeOrigin:
    label = "ModelScope"

    def cached(self, model_id: str) -> Path | None:
        from modelscope_hub import CacheNotFound  # noqa: PLC0415

        try:
            return Path(_client().download_repo(model_id, "model", local_files_only=True))
        except (CacheNotFound, OSError):
            return None

    def list_files(self, model_id: str, timeout_s: float) -> Listing:
        from modelscope_hub import AuthenticationError, HubError, NotExistError, PermissionDeniedError  # noqa: PLC0415

        def ask() -> Any:
            _knock(timeout_s)
            return _client().list_repo_files(model_id, "model", recursive=False)

        try:
            files = within(timeout_s, ask)
        except (NotExistError, AuthenticationError, PermissionDeniedError) as error:
            raise ModelNotFound(
                f"{model_id} is not on {self.label}, or it is private",
                hint="check the spelling; for a private model set MODELSCOPE_API_TOKEN",
            ) from error
        except (HubError, OSError, ValueError) as error:
            raise Unreachable(f"{type(error).__name__}: {str(error)[:200]}") from error
        return Listing(
            model_id,
            REVISION,
            tuple(RemoteFile(file.path, file.size, file.sha256 or "") for file in files if file.type != "tree"),
            self._folder(model_id),
        )

    def held_bytes(self, listing: Listing, file: RemoteFile) -> int:
        """Also what lies in the client's part files, which are named after the file."""
        held_bytes = sum(path.stat().st_size for path in listing.folder.glob(f"{file.name}*"))
        return min(held_bytes, file.size_bytes)

    def fetch(self, listing: Listing, files: Sequence[RemoteFile], meter: Meter) -> Path:
        from modelscope_hub import FileDownloadError, HubError  # noqa: PLC0415

        here = [file for file in files if _is_whole(listing.folder / file.name, file.size_bytes)]
        meter.add(sum(file.size_bytes for file in here))
        wanted = [file.name for file in files if file not in here]
        if not wanted:
            return listing.folder
        try:
            folder = _client().download_repo(
                listing.model_id, "model", allow_patterns=wanted, progress_callbacks=[_callback_class(meter)]
            )
        except (HubError, OSError, ValueError) as error:
            causes = list(error.failed_files.values()) if isinstance(error, FileDownloadError) else []
            raise ModelNotFound(
                f"the download of {listing.model_id} from {self.label} broke: {(causes or [error])[0]}",
                hint="start again: it continues where it stopped (or --source hub)",
            ) from error
        return Path(folder)

    def _folder(self, model_id: str) -> Path:
        """Where the client will put the model, as far as it can be known before: also the older caches' places."""
        return self.cached(model_id) or (
            Path(_config().cache_dir) / "models" / model_id.replace("/", "--") / "snapshots" / REVISION
        )


def _knock(timeout_s: float) -> None:
    """Raises OSError if nobody answers there: the client would go on trying for a minute, with a line for each try."""
    request = urllib.request.Request(str(_config().endpoint), method="HEAD")  # noqa: S310 - the client's own http(s) address
    try:
        urllib.request.urlopen(request, timeout=timeout_s).close()  # noqa: S310
    except urllib.error.HTTPError as answer:
        answer.close()


def _is_whole(path: Path, size_bytes: int) -> bool:
    return path.exists() and path.stat().st_size == size_bytes


def _config() -> Any:
    from modelscope_hub import HubConfig  # noqa: PLC0415

    return HubConfig()  # reads the environment now


def _client() -> Any:
    from modelscope_hub import HubApi  # noqa: PLC0415

    client = HubApi(_config())
    logging.getLogger("modelscope_hub").setLevel(logging.ERROR)  # it has a handler of its own and a line for each try
    return client


def _callback_class(meter: Meter) -> Any:
    """The client makes one for each file, with its name and size."""
    from modelscope_hub import ProgressCallback  # noqa: PLC0415

    class Callback(ProgressCallback):
        def update(self, size: int) -> None:
            meter.add(size)

    return Callback
