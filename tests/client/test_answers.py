"""What a server sends is read with doubt: whatever it does, there are events of ours or one error in words."""

import json
from collections.abc import Iterator

import pytest

from audit8 import errors
from audit8.audit.report_json import to_json
from audit8.client import Client, client, error_of
from audit8.client.answers import engine_of
from audit8.errors import Audit8Error, BadRequest, NotReady, QueueFull
from audit8.events import Accepted, Event, Failed, Found, Progress, Reported, Token, Withdrawn
from audit8.remote import address
from audit8.types import EngineInfo, Job, Skipped, Source
from tests.audit.test_report import FINDING, report
from tests.remote.scripted import Reply, Server, as_json, scripted, stream_of

JOB = Job("j", (Source("a.py", "x = 1\n", "python"),), "en", ("w",), (Skipped("b.png", "binary", "no text"),))
NOTHING = to_json(report([], warnings=("w",)))


@pytest.fixture
def odd() -> Iterator[Server]:
    with scripted() as one:
        yield one


def frame(name: str, data: object) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    return f"event: {name}\ndata: {text}\n\n".encode()


def url_of(server: Server) -> str:
    return server.url.removesuffix("/v1")


def asked(server: Server, reply: Reply) -> list[Event]:
    server.others["/audit?lang=en"] = reply
    with Client(url_of(server), silence_s=0.3) as one:
        return list(one.run(JOB))


# ---- events ------------------------------------------------------------------------------------------------------


def test_every_event_is_understood_and_unknown_ones_are_passed_over(odd: Server) -> None:
    finding = {**json.loads(to_json(report([FINDING])))["findings"][0], "fingerprint": "f"}
    reply = stream_of(
        b": keep-alive\n\n",
        frame("accepted", {"id": "x", "files": 1, "queue_position": 0}),
        frame("progress", {"stage": "model", "done": 1, "total": 2, "file": "a.py", "spent_s": 1.5}),
        frame("progress", {"stage": "a later stage", "done": 1, "total": 2}),
        frame("token", {"text": "x", "reasoning": False}),
        frame("token", 5),
        frame("a later event", {}),
        frame("finding", finding),
        frame("withdrawn", {"file": "a.py", "fingerprint": "f", "start_line": 5, "reason": "safe"}),
        frame("report", NOTHING),
        frame("token", {"text": "after the end"}),
    )
    assert [type(event) for event in asked(odd, reply)] == [Accepted, Progress, Token, Found, Withdrawn, Reported]


def test_an_error_event_ends_it(odd: Server) -> None:
    said = {"code": "queue_full", "message": "stopped", "hint": "h", "type": "x"}
    reply = stream_of(frame("error", said), frame("report", NOTHING))
    assert asked(odd, reply) == [Failed("queue_full", "stopped", "h")]
    odd.others["/audit"] = reply
    with Client(url_of(odd)) as one, pytest.raises(QueueFull, match="stopped"):
        one.audit("x = 1\n")


@pytest.mark.parametrize(
    "portions",
    [
        (),
        (b"event: report\ndata: {}",),
        (b": keep-alive\n\n",),
        (frame("token", {"text": "x"}),),
        (b"\xff\xfe\n\n",),
        (b"<html>",),
        (frame("error", []),),
        (frame("token", {"text": "x"}), None),
        (b"event: report\ndata: {", None),
        (b": keep-alive\n\n", 5.0),
    ],
)
def test_a_stream_without_an_end_is_an_error(odd: Server, portions: tuple[bytes | float | None, ...]) -> None:
    with pytest.raises(Audit8Error, match="broke off before the report was there"):
        asked(odd, stream_of(*portions))


@pytest.mark.parametrize("name", ["report", "finding"])
@pytest.mark.parametrize("data", ["{}", "[]", "{", '"x"', NOTHING.replace('"lang":"en"', '"lang":"xx"') + "\n"])
def test_a_report_or_finding_that_is_none_is_refused(odd: Server, name: str, data: str) -> None:
    with pytest.raises(Audit8Error, match="sent what is no report") as refused:
        asked(odd, stream_of(frame(name, data)))
    assert type(refused.value) is Audit8Error  # the user's request is not at fault


def test_a_reports_own_text_is_not_believed(odd: Server) -> None:
    reply = stream_of(frame("report", json.dumps({**json.loads(NOTHING), "result": "<script>"})))
    [event] = asked(odd, reply)
    assert isinstance(event, Reported)
    assert "script" not in event.report.result
    assert "b.png" in event.report.result


@pytest.mark.parametrize("portion", [b"data: " + b"x" * 100_000 + b"\n\n", b"x" * 100_000])
def test_a_line_without_end_is_not_read_for_ever(odd: Server, monkeypatch: pytest.MonkeyPatch, portion: bytes) -> None:
    monkeypatch.setattr(client, "MAX_EVENT_BYTES", 1000)
    with pytest.raises(Audit8Error, match="too large"):
        asked(odd, stream_of(portion))


def test_a_large_report_comes_whole(odd: Server) -> None:
    long = json.loads(NOTHING)
    long["warnings"] = ["x" * 1024] * (17 * 1024)
    data = frame("report", long)
    [event] = asked(odd, stream_of(*(data[at : at + 2**20] for at in range(0, len(data), 2**20))))
    assert isinstance(event, Reported)
    assert len(event.report.warnings) == 2  # that of the job, and the one that came so often


def test_a_report_says_what_was_left_out_here_and_where_the_code_went(
    odd: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = stream_of(frame("report", {**json.loads(NOTHING), "sent_to": "gpu:1"}))
    [here] = asked(odd, reply)
    monkeypatch.setattr(address, "is_loopback", lambda _: False)
    [away] = asked(odd, reply)
    assert isinstance(here, Reported)
    assert isinstance(away, Reported)
    assert (here.report.sent_to, away.report.sent_to) == ("gpu:1", f"{url_of(odd)}, gpu:1")
    assert away.report.warnings == ("w", "first warning")
    assert away.report.skipped == JOB.skipped


# ---- other answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 401, 404, 500, 503])
def test_no_redirect_is_followed_and_no_status_passed_over(odd: Server, status: int) -> None:
    reply = as_json({"error": {"message": "no \x1b[31m", "hint": "because\n"}}, status, location="/")
    with pytest.raises(Audit8Error, match=f"{url_of(odd)} answered {status}: no ") as refused:
        asked(odd, reply)
    assert refused.value.message.isprintable()
    assert refused.value.hint == "because"
    assert [path for path, _ in odd.seen] == ["/audit?lang=en"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(portions=[b"<html>"], kind="text/html"),
        as_json({"hello": 1}),
        Reply(404, portions=[b"<html>"]),
        Reply(500, portions=[b"x" * 50_000, b"x" * 50_000, 5.0]),
        as_json({"error": "no"}, 500),
        as_json({"error": {"code": "c", "message": ["\x1b[31m"]}}, 500),
        stream_of(5.0),
    ],
)
def test_what_is_no_such_server_is_one_error(odd: Server, reply: Reply) -> None:
    with pytest.raises(Audit8Error) as refused:
        asked(odd, reply)
    assert refused.value.message.isprintable()
    assert url_of(odd) in refused.value.message


@pytest.mark.parametrize("reply", [as_json([]), as_json({"status": "ok"}), Reply(portions=[b"<html>"] * 50_000)])
def test_what_is_no_server_of_ours_is_said(odd: Server, reply: Reply) -> None:
    odd.others["/health"] = reply
    with Client(url_of(odd)) as one, pytest.raises(Audit8Error, match="not Audit8"):
        one.engine()


def test_nobody_there(odd: Server) -> None:
    odd.stop()  # type: ignore[attr-defined]
    with Client(url_of(odd)) as one, pytest.raises(Audit8Error, match="does not answer"):
        one.audit("x = 1\n")


@pytest.mark.parametrize("key", ["two\nlines", "钥匙", "\x00"])
def test_a_key_that_is_none_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(BadRequest, match="no key has") as refused:
        Client(api_key=key)
    assert key not in refused.value.message + refused.value.hint


# ---- the engine --------------------------------------------------------------------------------------------------


def test_what_a_server_says_of_its_engine_is_taken_as_far_as_it_makes_sense() -> None:
    said = {"model": "m\x1b[31m\n", "device": "cuda:0", "quantisation": "4bit", "capabilities": ["a=b", 5, "c\nd"]}
    info = engine_of({**said, "context_tokens": 4096, "parallel": 8, "pocket": True, "sends_to": "gpu:1"})
    assert info == EngineInfo(
        "m [31m", "cuda:0", "4bit", "", 4096, True, 8, sends_to="gpu:1", capabilities=("a=b", "c d")
    )
    nothing = EngineInfo("", "", "none", "", 0)
    names = ("model", "device", "quantisation", "arithmetic", "context_tokens", "pocket", "parallel", "capabilities")
    values: tuple[object, ...] = (None, [], -1, 2.5, {"x": 1})
    for value in values:
        assert engine_of(dict.fromkeys(names, value)) == nothing


def test_a_server_whose_model_still_loads_goes_by_its_address(odd: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    odd.others["/health"] = as_json({"state": "loading", "model": None})
    with Client(url_of(odd)) as one:
        assert (one.engine().model, one.engine().sends_to) == (url_of(odd), "")
    monkeypatch.setattr(address, "is_loopback", lambda _: False)
    with Client(url_of(odd)) as one:
        assert one.engine().sends_to == url_of(odd)


# ---- errors ------------------------------------------------------------------------------------------------------


def test_every_error_of_the_program_has_its_class() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Audit8Error)]
    for kind in kinds:
        assert type(error_of(kind.code, "m", "h")) is kind
    assert isinstance(error_of("not_ready", "", ""), NotReady)
    assert type(error_of("of the future", "a\nb", "")) is Audit8Error
    assert error_of("of the future", "a\nb", "").message == "a b"
