"""What the server counts and times, under the names that the field uses, for Prometheus to read.

Knows numbers, codes and severities; never a text, a file name or a client. Knows nothing of HTTP.
"""

import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from audit8.engine.protocol import Engine
from audit8.findings import Report
from audit8.types import EngineInfo, Finish, Memory, Message, Piece, Sampling

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FIRST_TOKEN_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
PER_TOKEN_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
JOB_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 1800, 3600)
# Gauges that are read when somebody asks: name, what it is.
NOW = {
    "requests_running": "Jobs that have a turn at the model.",
    "requests_waiting": "Accepted jobs that wait for a turn.",
    "ready": "1 when jobs are taken, else 0.",
    "kv_cache_usage_ratio": "Used share of the key-value cache, 0 to 1.",
    "memory_used_bytes": "Bytes in use on the model's device.",
    "memory_total_bytes": "Bytes that the device has.",
    "tokens_per_second": "Tokens written in each of the last seconds.",
}
TOTAL = {
    "prompt_tokens": "Tokens read.",
    "generation_tokens": "Tokens written.",
    "spec_decode_draft_tokens": "Tokens that speculation proposed.",
    "spec_decode_accepted_tokens": "Proposed tokens that the model agreed with.",
}
ReadNow = Callable[[], dict[str, float]]


class Metrics:
    """One server's figures, in a registry of their own. `read_now`: values for names of NOW and TOTAL."""

    def __init__(self, read_now: ReadNow = dict) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(namespace="audit8", registry=registry)
        registry.register(_Now(read_now))

        def timed(name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
            return Histogram(f"audit8_{name}_seconds", text, labels, buckets=buckets, registry=registry)

        def counted(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"audit8_{name}", text, labels, registry=registry)

        self._first_token = timed("time_to_first_token", "From asking the model to its first text.", FIRST_TOKEN_S)
        self._per_token = timed("time_per_output_token", "Between tokens of one answer, its mean.", PER_TOKEN_S)
        self._queue = timed("request_queue_time", "From a job's acceptance to its first turn.", JOB_S)
        self._whole = timed("e2e_request_latency", "From a job's acceptance to its end.", JOB_S, "kind", "outcome")
        self._accepted = counted("jobs_accepted", "Jobs that got a place; each has one latency in the end.", "kind")
        self._findings = counted("findings", "Findings in reports, by severity.", "severity")
        self._refusals = counted(
            "refusals", "Requests that were refused or failed, by the code of the error.", "reason"
        )
        self._answers = counted("http_responses", "Answers, by method and status.", "method", "status")

    def job_accepted(self, kind: str) -> None:
        self._accepted.labels(kind).inc()

    def job_began(self, queued_s: float) -> None:
        self._queue.observe(queued_s)

    def job_ended(self, kind: str, outcome: str, seconds: float) -> None:
        """`outcome`: "ok", "client_gone" or the code of the error."""
        self._whole.labels(kind, outcome).observe(seconds)

    def reported(self, report: Report) -> None:
        for finding in report.findings:
            self._findings.labels(finding.severity.value).inc()

    def refused(self, reason: str) -> None:
        """`reason`: the code of the refusal."""
        self._refusals.labels(reason).inc()

    def answered(self, method: str, status: int) -> None:
        self._answers.labels(method if method in {"GET", "POST", "PUT", "DELETE"} else "other", str(status)).inc()

    def answer_timed(self, first_s: float, finish: Finish | None) -> None:
        """One answer of the model: seconds to its first text, and how it ended if it did."""
        self._first_token.observe(first_s)
        if finish and finish.usage.completion_tokens > 1:
            self._per_token.observe(finish.decode_s / (finish.usage.completion_tokens - 1))

    def text(self) -> bytes:
        """The text form that Prometheus reads, of type CONTENT_TYPE."""
        return generate_latest(self._registry)


class _Now(Collector):
    def __init__(self, read_now: ReadNow) -> None:
        self._read_now = read_now

    def collect(self) -> Iterable[Metric]:
        values = self._read_now()
        for name, text in NOW.items():
            if name in values:
                yield GaugeMetricFamily(f"audit8_{name}", text, values[name])
        for name, text in TOTAL.items():
            if name in values:
                yield CounterMetricFamily(f"audit8_{name}", text, values[name])


class TimedEngine:
    """See protocol.Engine: another engine, whose answers are timed as they pass."""

    def __init__(self, engine: Engine, metrics: Metrics) -> None:
        self._engine = engine
        self._metrics = metrics

    @property
    def info(self) -> EngineInfo:
        return self._engine.info

    def memory(self) -> Memory:
        return self._engine.memory()

    def count_tokens(self, text: str) -> int:
        return self._engine.count_tokens(text)

    async def check(self, sampling: Sampling) -> None:
        await self._engine.check(sampling)

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece | Finish]:
        asked_at = time.monotonic()
        first_s: float | None = None
        finish: Finish | None = None
        try:
            async with aclosing(self._engine.stream(messages, sampling)) as stream:
                async for item in stream:
                    if isinstance(item, Finish):
                        finish = item
                    elif first_s is None:
                        first_s = time.monotonic() - asked_at
                    yield item
        finally:
            if first_s is not None:
                self._metrics.answer_timed(first_s, finish)

    async def score(self, messages: Sequence[Message], candidates: Sequence[str]) -> list[float]:
        return await self._engine.score(messages, candidates)

    async def aclose(self) -> None:
        await self._engine.aclose()
