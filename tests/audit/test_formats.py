"""One table of formats: each writes text that UTF-8 can hold, and each media type asks for one of them."""

import json
from dataclasses import replace

import pytest

from audit8.audit.formats import FORMATS, FORMS, Format, render
from audit8.audit.report_json import to_json
from tests.audit.test_report import FINDING, report


@pytest.mark.parametrize("form", FORMATS)
def test_half_a_character_does_not_stop_a_format(form: Format) -> None:
    made = report([replace(FINDING, title="half \ud83d", why="中文", quote="\udc80 x")])
    text = render(made, form)
    assert text.encode("utf-8").decode() == text
    assert "中文" in text
    assert text.endswith("\n")


def test_json_and_markdown_are_the_reports_own() -> None:
    made = report([FINDING])
    assert json.loads(render(made, "json")) == json.loads(to_json(made))
    assert render(made, "markdown") == made.result


def test_a_media_type_asks_for_one_format() -> None:
    types = [media for form in FORMS.values() for media in form.accepts]
    assert len(types) == len(set(types))
    assert list(FORMS) == list(FORMATS)
