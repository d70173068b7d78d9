"""What happens to one job between its sources and its report."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit8.audit.chunks import MIN_BUDGET_TOKENS
from audit8.engine.fake import FAKE_INFO, FakeEngine
from audit8.errors import PromptTooLong
from audit8.events import Found, Progress, Reported, Token
from audit8.findings import RiskLevel
from audit8.pipeline import TEMPLATE_TOKENS
from audit8.pipeline.sizes import ANSWER_TOKENS, REASONING_TOKENS, sizes_for
from audit8.types import LineRange, Skipped, Source
from tests.api.serving import ANSWER, SQL
from tests.pipeline.jobs import POCKET, THINKING, believing, events_of, job_of, report_of


def long_source(lines: int, name: str = "long.py") -> Source:
    numbers = random.Random(lines)
    text = "".join(f"value_{numbers.randrange(10**6)} = compute({number})\n" for number in range(lines))
    return Source(name, text, "python")


async def test_rules_come_first_then_the_model_then_the_report() -> None:
    engine = FakeEngine()
    engine.enqueue(ANSWER)
    events = await events_of(job_of(Source("app.py", SQL, "python")), engine)
    stages = [event.stage for event in events if isinstance(event, Progress)]
    assert stages == ["rules", "queued", "model", "judge", "texts", "report"]
    found = [index for index, event in enumerate(events) if isinstance(event, Found)]
    first_token = next(index for index, event in enumerate(events) if isinstance(event, Token))
    assert found[0] < first_token
    assert isinstance(events[-1], Reported)


async def test_a_rule_finding_counts_and_the_models_repetition_adds_nothing() -> None:
    engine = FakeEngine()
    engine.enqueue(ANSWER)
    report = await report_of(job_of(Source("app.py", SQL, "python")), engine)
    assert [(finding.origin, finding.start_line) for finding in report.findings] == [("rule", 2)]
    assert report.risk_level != RiskLevel.NONE
    assert report.findings[0].quote == SQL.splitlines()[1]


async def test_what_only_the_model_says_counts_unless_it_is_the_pocket_model() -> None:
    text = "import requests\nrequests.get(url)\n"
    answer = '[{"line": 2, "class": "ssrf", "why": "url comes from the user", "fix": "check it"}]'
    for info, level in ((FAKE_INFO, False), (POCKET, True)):
        engine = FakeEngine(info)
        engine.enqueue(answer)
        engine.opinion = believing("SSRF", "Server-side request forgery")
        report = await report_of(job_of(Source("a.py", text, "python")), engine)
        model = [finding for finding in report.findings if finding.origin == "model"]
        assert [finding.counts for finding in model] == [not level]
        assert (report.risk_level == RiskLevel.NONE) is level


async def test_a_claim_about_a_line_that_is_not_there_is_kept_apart() -> None:
    engine = FakeEngine()
    engine.enqueue(ANSWER.replace('"line": 2', '"line": 99'))
    report = await report_of(job_of(Source("a.py", "x = 1\n", "python")), engine)
    assert report.findings == ()
    assert [(item.line, item.origin) for item in report.filtered] == [(99, "model")]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=4))
async def test_every_line_of_every_file_is_read_exactly_once(sizes: list[int]) -> None:
    sources = [long_source(size, f"file{number}.py") for number, size in enumerate(sizes)]
    engine = FakeEngine()
    events = await events_of(job_of(*sources), engine)
    steps = [event for event in events if isinstance(event, Progress) and event.stage == "model"]
    assert [step.done for step in steps] == list(range(len(steps)))
    assert {step.total for step in steps} == {len(steps)}
    for source in sources:
        ranges = [(step.start_line, step.end_line) for step in steps if step.file == source.name]
        covered = [line for first, last in ranges for line in range(first, last + 1)]
        assert covered == list(range(1, len(source.lines) + 1))
    report = events[-1]
    assert isinstance(report, Reported)
    assert [item.read for item in report.report.coverage] == [(LineRange(1, size),) for size in sizes]
    # What the model was given really holds these lines, and each call left room for its answer.
    shown = "\n".join(call.messages[-1].content for call in engine.calls)
    assert all(line in shown for source in sources for line in source.lines)
    for call in engine.calls:
        tokens = sum(engine.count_tokens(message.content) for message in call.messages)
        assert tokens + TEMPLATE_TOKENS + call.sampling.max_tokens <= FAKE_INFO.context_tokens


async def test_usage_and_times_are_summed_over_the_calls() -> None:
    engine = FakeEngine()
    for _ in range(3):
        engine.enqueue("[1, 2, 3, 4]")
    report = await report_of(job_of(*(Source(f"{n}.py", "x = 1\n", "python") for n in range(3))), engine)
    assert report.usage.completion_tokens == 12
    assert report.usage.prompt_tokens > 300
    assert report.timings.decode_s == pytest.approx(0.12)
    assert report.timings.prefill_s >= 0.03
    assert report.timings.tokens_per_s == pytest.approx(100)
    assert report.timings.total_s > 0


async def test_thoughts_are_kept_apart_and_never_parsed() -> None:
    engine = FakeEngine(THINKING)
    engine.enqueue(f"<think>maybe {ANSWER.replace('sql-injection', 'xss')}</think>")
    engine.enqueue("[]")
    events = await events_of(job_of(Source("a.py", "\nx = request\n", "python")), engine)
    report = events[-1]
    assert isinstance(report, Reported)
    assert report.report.findings == ()
    assert report.report.reasoning.startswith("maybe")
    assert {event.reasoning for event in events if isinstance(event, Token)} == {True, False}


async def test_a_reasoning_model_thinks_first_and_its_answer_goes_on_from_its_closed_thoughts() -> None:
    engine = FakeEngine(THINKING)
    engine.enqueue(f"<think>{'hm ' * (REASONING_TOKENS + 500)}</think>")
    engine.enqueue(ANSWER)
    engine.opinion = believing("SQL injection")
    text = SQL.replace('" + name + "', "x")
    report = await report_of(job_of(Source("app.py", text, "python")), engine)
    thinking, listing = engine.calls[:2]
    assert (thinking.sampling.max_tokens, thinking.sampling.schema) == (REASONING_TOKENS, None)
    assert listing.sampling.schema is not None
    assert listing.messages[:-1] == thinking.messages
    assert listing.messages[-1].role == "assistant"
    assert listing.messages[-1].content.startswith("<think>")
    assert listing.messages[-1].content.endswith("</think>\n\n")
    assert [finding.start_line for finding in report.findings] == [2]


async def test_an_answer_that_does_not_end_is_stopped_and_said_so() -> None:
    engine = FakeEngine()
    engine.enqueue("on and", endless=True)
    report = await report_of(job_of(Source("a.py", "x = 1\n", "python")), engine)
    assert report.usage.completion_tokens == ANSWER_TOKENS
    assert any("a.py:1-1" in warning for warning in report.warnings)


async def test_a_line_too_long_to_show_is_named_and_not_called_read() -> None:
    text = "x = 1\ny = '" + "z" * 60_000 + "'\nw = 2\n"
    report = await report_of(job_of(Source("a.py", text, "python")), FakeEngine())
    assert report.coverage[0].read == (LineRange(1, 1), LineRange(3, 3))
    assert any("2" in warning and "a.py" in warning for warning in report.warnings)


@given(st.integers(256, 200_000), st.integers(0, 3000), st.booleans())
def test_a_budget_fits_its_context_or_is_refused(context_tokens: int, overhead_tokens: int, pocket: bool) -> None:
    info = replace(FAKE_INFO, context_tokens=context_tokens, pocket=pocket)
    try:
        budget = sizes_for(info, overhead_tokens)
    except PromptTooLong:
        assert context_tokens < 2.5 * (overhead_tokens + 400)
        return
    assert budget.chunk_tokens >= MIN_BUDGET_TOKENS
    assert budget.answer_tokens > 0
    parts = budget.chunk_tokens + budget.reasoning_tokens + budget.answer_tokens
    assert parts + overhead_tokens + TEMPLATE_TOKENS <= context_tokens


async def test_of_a_change_only_the_changed_lines_are_judged_and_only_what_is_around_them_is_read() -> None:
    body = 'def f{n}(name):\n    run(name)\n    cursor.execute("SELECT * FROM t WHERE n = \'" + name + "\'")\n\n\n'
    text = "import os\n\n\n" + "".join(body.format(n=number) for number in range(20))
    source = Source("a.py", text, "python", focus=(LineRange(16, 16),))
    engine = FakeEngine()
    engine.enqueue(ANSWER.replace('"line": 2', '"line": 15'))
    report = await report_of(job_of(source), engine)
    assert [(finding.start_line, finding.origin) for finding in report.findings] == [(16, "rule")]
    assert len(report.filtered) == 20
    assert {item.reason for item in report.filtered} == {"outside the change"}
    assert report.coverage[0].read == (LineRange(14, 16),)
    assert not any("too long" in warning for warning in report.warnings)
    assert "1| import os" in engine.calls[0].messages[-1].content
    assert "run(name)" not in engine.calls[0].messages[-1].content.partition("<code-")[0]


async def test_what_was_skipped_is_in_the_report() -> None:
    skipped = (Skipped("a.png", "binary", "binary, not text"),)
    report = await report_of(replace(job_of(Source("a.py", "x = 1\n", "python")), skipped=skipped), FakeEngine())
    assert report.skipped == skipped
    assert "a.png" in report.result


async def test_lines_of_a_context_are_neither_read_nor_judged() -> None:
    text = "import os\n" + "".join(f"def f{n}(a):\n    return os.x(f{n - 1}(a))\n\n" for n in range(700))
    engine = FakeEngine()
    engine.enqueue("[]")
    engine.enqueue('[{"line": 1, "class": "command-injection", "why": "x", "fix": "y"}]')
    report = await report_of(job_of(Source("a.py", text, "python")), engine)
    assert len(engine.calls) > 1
    assert "1| import os" in engine.calls[1].messages[-1].content
    assert report.findings == ()
    assert [item.line for item in report.filtered] == [1]


async def test_ten_thousand_lines_are_read_to_the_last() -> None:
    text = "import os\n" + "".join(f"def f{n}(a):\n    b = a\n    return f{n - 1}(b)\n\n" for n in range(2500))
    report = await report_of(job_of(Source("a.py", text, "python")), FakeEngine())
    assert (report.coverage[0].read, report.coverage[0].total_lines) == ((LineRange(1, 10_001),), 10_001)
