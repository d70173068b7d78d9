"""One settings object: every flag of the command line and every AUDIT8_* environment variable is a field here.

The README's table is compared with this file by a test. Knows nothing of what the values do.
"""

import locale
import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from audit8.types import Lang, Quant

MIB = 1024 * 1024
REMOTE_ENGINE = frozenset({"engine_url", "engine_model", "engine_key_file", "engine_parallel"})
LOCAL_ENGINE = frozenset(
    {"model", "source", "quant", "head", "trust_remote_code", "quantised_cache", "cache_tokens"}
)  # with --engine openai they would say nothing


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
    engine: Literal["auto", "fused", "stock", "openai"] = Field(
        "auto",
        description="fused: the int8 kernels of this project; stock: transformers with bitsandbytes; openai: a server.",
    )
    engine_url: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="OpenAI-compatible servers that are sent the prompts, comma-separated: http://host:8000/v1."
    )
    engine_model: str | None = Field(
        None, description="The model's name at those servers. Default: the only one they have."
    )
    engine_key_file: Path | None = Field(None, description="File with the key that those servers ask for.")
    engine_parallel: int = Field(
        0,
        ge=0,
        le=1024,
        description="Answers that those servers write at once, together; 0: as they say, else 16 each.",
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
    budget: float = Field(
        40, ge=0, le=86_400, description="Seconds that the model may spend on one audit; 0: as long as it takes."
    )
    max_body_bytes: int = Field(MIB, ge=1, description="Largest request body.")
    max_jobs: int = Field(32, ge=1, description="Jobs that may wait or run; the next one is refused with 429.")
    client_jobs: int = Field(
        0, ge=0, description="How many of them may be one client's; 0: half where there are several, else all."
    )
    max_queue_tokens: int = Field(
        4_000_000, ge=1, description="Tokens that the waiting and running jobs may have together."
    )
    job_timeout: float = Field(
        3600, gt=0, le=86400, description="Seconds that a job may take, waiting included; a client may ask for less."
    )
    grace: float = Field(5, ge=0, le=3600, description="Seconds that running jobs may go on when the server stops.")
    api_key: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Keys that requests must carry one of, comma-separated; better in a file, as others see flags."
    )
    api_key_file: Path | None = Field(
        None, description="File with one key per line, and after a space the name of whom it is for."
    )
    allow_anonymous: bool = Field(
        False, description="Let other machines in without any key, where --host lets them reach the server."
    )
    allow_origin: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Further web origins that may call this server, comma-separated."
    )
    allow_host: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Further Host names this server answers to, comma-separated."
    )
    history: bool = Field(True, description="Keep audits, with the code, in a file for the page's history.")
    history_file: Path = Field(
        Path.home() / ".local" / "share" / "audit8" / "history.db", description="The file that they are kept in."
    )
    history_days: int = Field(90, ge=0, description="Days after which an audit is deleted from it; 0: never.")
    history_max: int = Field(1000, ge=0, description="Audits of one client that it holds, the newest; 0: no limit.")
    open_page: bool = Field(False, description="Open the page in a browser, where there is a desktop.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What to log.")
    log_format: Literal["text", "json"] = Field("text", description="Log lines for people, or one JSON object each.")
    slow_request_s: float = Field(
        60, gt=0, description="Seconds after which a request is logged as slow, in a line of its own."
    )

    @field_validator("allow_origin", "allow_host", "api_key", "engine_url", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_engine(self) -> Self:
        """What only one kind of engine reads is refused with the other."""
        remote = self.engine == "openai"
        if remote and not self.engine_url:
            raise ValueError("--engine openai needs --engine-url http://host:8000/v1")
        given = sorted((LOCAL_ENGINE if remote else REMOTE_ENGINE) & self.model_fields_set)
        if given:
            other = "a model of this machine" if remote else "--engine openai"
            raise ValueError(f"--{given[0].replace('_', '-')} is for {other} only")
        return self
