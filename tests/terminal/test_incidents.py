"""What `holdfast incidents` draws, at 80 columns and in both languages."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.terminal.stories import FAILED, SAVED

from holdfast.core.failure import Kind
from holdfast.core.verdict import Language
from holdfast.store.ports import Incident
from holdfast.terminal.incidents import table, timeline


def drawn(what: Any, width: int = 80) -> list[str]:
    page = io.StringIO()
    Console(file=page, width=width, color_system=None).print(what)
    return [line.rstrip() for line in page.getvalue().splitlines()]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("outcome", ["open", "recovered", "failed", "cancelled"])
def test_at_80_columns_reference_outcome_and_kind_stay_whole_and_the_route_gives_way(
    language: Language, outcome: str
) -> None:
    longest = max((kind.value for kind in Kind), key=len)
    row = Incident(SAVED.ref, SAVED.at, SAVED.route, outcome, longest, {})
    head, line = drawn(table([row], language))
    assert line.startswith(SAVED.ref)
    assert f" {longest} {SAVED.route[:6]}" in line
    assert SAVED.route not in line
    assert SAVED.route in drawn(table([row], language), 140)[1]
    assert max(cell_len(head), cell_len(line)) <= 80


def test_the_timeline_tells_each_attempt_its_phases_its_cause_and_the_decision() -> None:
    assert drawn(timeline(SAVED.record, "en")) == [
        "01K0000000SAVED00000000000  recovered",
        "a-route-with-a-name-that-no-column-has-room-for  2026-11-25T19:06:00Z  2.50 s",
        "├── +0 ms #1 proxy/gpt-5.5 k_3f9a",
        "│   ├── connect 1 ms → headers 20 ms → stream 100 ms",
        "│   ├── ✗ connection_reset after 812 ms",
        "│   ├── proxy/gpt-5.5: the peer reset the connection (ECONNRESET), in the middle",
        "│   │   of the answer. The request was not at fault.",
        "│   ├── ReadError ← ConnectionResetError[ECONNRESET]",
        "│   ├── x-request-id: req_1",
        "│   └── → go on from what was given",
        "└── +812 ms #2 backup/gpt-5.4 (instruct)",
        "    ├── ✓ the answer is whole after 1.69 s",
        "    └── joined by anchor (proved), 24 repeated characters removed",
        "553 characters were given",
    ]


def test_the_timeline_says_whose_upstream_failed_in_chinese_too() -> None:
    lines = " ".join(line.strip("│├└─ ") for line in drawn(timeline(FAILED.record, "zh"), 200))
    assert "proxy/gpt-5.5 (sub2api) 回答了 502：是它自己的上游失败了" in lines
    assert "请求本身没有问题" in lines
    assert "已给出 0 个字符" in lines


def test_why_it_stopped_is_told_in_the_readers_language() -> None:
    lines = " ".join(drawn(timeline(FAILED.record, "zh"), 200))
    assert "→ 停止（5 次尝试都没有结果）" in lines
    assert "→ stop (5 attempts brought nothing)" in " ".join(drawn(timeline(FAILED.record, "en")))


def test_a_record_from_before_reasons_had_chinese_is_still_told() -> None:
    (attempt,) = FAILED.record["attempts"]
    old = {name: value for name, value in attempt.items() if not name.endswith("_zh")}
    lines = " ".join(drawn(timeline({**FAILED.record, "attempts": [old]}, "zh"), 200))
    assert "→ 停止（5 attempts brought nothing）" in lines


@pytest.mark.parametrize("incident", [SAVED, FAILED])
def test_no_secret_and_no_line_too_long(incident: Incident) -> None:
    for language in ("en", "zh"):
        lines = drawn(timeline(incident.record, language))
        assert max(cell_len(line) for line in lines) <= 80
        assert "sk-canary" not in "".join(lines)
