"""One settings object: every flag of the command line and every AUDIT8_* environment variable is a field here.

The README's table is compared with this file by a test. Knows nothing of what the values do.
"""

import locale
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from audit8.types import Lang, Quant

MIB = 1024 * 1024


def locale_lang() -> Lang:
    """`zh` when the user's locale is Chinese, else `en`."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "zh" if (locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"


class Settings(BaseSettings):
    """Read from the command line first, then the environment, then the defaults below."""

    model_config = SettingsConfigDict(env_prefix="AUDIT8_", extra="forbid", populate_by_name=True, frozen=True)

    host: str = Field("localhost", description="Address to bind. localhost means 127.0.0.1 and ::1.")
    port: int = Field(8000, ge=0, le=65535, description="Port to bind; 0 lets the system choose.")
    model: str | None = Field(
        None,
        validation_alias=AliasChoices("AUDIT8_MODEL", "MODEL_PATH"),
        description="Model folder or Hub id. Default: a folder under ./model/, else what fits this machine.",
    )
    source: Literal["auto", "hub", "modelscope"] = Field(
        "auto", description="Where to download from. auto: the Hugging Face Hub, or ModelScope if it is unreachable."
    )
    quant: Quant = Field("8bit", description="8bit (LLM.int8 weights), 4bit (NF4) or none (the 16-bit original).")
    engine: Literal["auto", "fused", "stock"] = Field(
        "auto", description="fused: the int8 kernels of this project; stock: transformers with bitsandbytes."
    )
    head: Literal["int8", "fp16"] = Field(
        "int8", description="Embedding and head of the fused engine: int8 by row, or 16 bit at twice their size."
    )
    speculation: bool = Field(True, description="Guess tokens that were said before, where it is faster; same answers.")
    lang: Lang = Field(default_factory=locale_lang, description="Language of log and reports. Default: the locale's.")
    trust_remote_code: bool = Field(False, description="Run Python code that comes with the model. Off for a reason.")
    cache_dir: Path = Field(Path.home() / ".cache" / "audit8", description="Where converted models are kept.")
    quantised_cache: bool = Field(True, description="Keep the 8-bit weights in the cache folder, for a quick start.")
    context_tokens: int = Field(
        8192, ge=512, description="Longest prompt plus answer, in tokens; at most what the model was made for."
    )
    cache_tokens: int = Field(
        0, ge=0, description="Tokens of all answers at once that the fused engine has room for; 0: four contexts."
    )
    max_body_bytes: int = Field(MIB, ge=1, description="Largest request body.")
    max_jobs: int = Field(32, ge=1, description="Jobs that may wait or run; the next one is refused with 429.")
    allow_origin: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Further web origins that may call this server, comma-separated."
    )
    allow_host: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Further Host names this server answers to, comma-separated."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What to log.")

    @field_validator("allow_origin", "allow_host", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
