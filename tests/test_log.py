"""Log lines: scrubbed, one JSON object each for machines, colour only where it is wanted."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
from tests.serving import logging_put_back

from holdfast import log

SECRET = "sk-canary-0123456789abcdef"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    with logging_put_back():
        yield


def logged(monkeypatch: pytest.MonkeyPatch, page: io.StringIO, **env: str) -> str:
    """What one line of ours and one of somebody else's library look like."""
    monkeypatch.setattr(sys, "stderr", page)
    log.configure(env)
    structlog.get_logger("holdfast.test").warning("failed", cause=f"key {SECRET}", why="因为")
    try:
        raise ValueError(f"refused {SECRET}\nsecond line")
    except ValueError:
        logging.getLogger("library").exception("Bearer %s", SECRET)
    return page.getvalue()


def test_machines_get_one_object_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = map(json.loads, logged(monkeypatch, io.StringIO()).splitlines())
    assert (ours["event"], ours["level"], ours["logger"]) == ("failed", "warning", "holdfast.test")
    assert ours["why"] == "因为"
    assert (theirs["level"], theirs["logger"]) == ("error", "library")
    assert "\n" in theirs["exception"], "a traceback keeps its lines"


@pytest.mark.parametrize("page", [io.StringIO(), Terminal()])
def test_no_secret_leaves_in_a_line_or_a_traceback(
    monkeypatch: pytest.MonkeyPatch, page: io.StringIO
) -> None:
    text = logged(monkeypatch, page)
    assert "failed" in text
    assert "ValueError" in text
    assert SECRET not in text


def test_chinese_stays_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "因为" in logged(monkeypatch, io.StringIO())


def test_colour_goes_to_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in logged(monkeypatch, Terminal())
    assert "\x1b[" not in logged(monkeypatch, Terminal(), NO_COLOR="1")
    assert "\x1b[" not in logged(monkeypatch, io.StringIO())
