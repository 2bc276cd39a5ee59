"""When silence has lasted too long, in which phase, and what it is then."""

from __future__ import annotations

import pytest
from tests.resilience.actors import target

from holdfast.core.attempt import How
from holdfast.core.events import TextDelta
from holdfast.core.failure import Kind, Phase
from holdfast.resilience.leg import Leg
from holdfast.resilience.policy import Policy
from holdfast.resilience.timers import NEVER, deserted, expiry, hedge_at, outlasted, timeout

BEGAN = 100.0


def leg(phase: Phase, after: float = 1.0, patience: float | None = None) -> Leg:
    """An attempt that has reached `phase`."""
    made = Leg(1, target("a"), How.START, BEGAN, patience, last_bytes_at=BEGAN)
    if phase is Phase.STREAM:
        made.hear(TextDelta("Hel"), BEGAN + after)
    made.reach(phase, BEGAN + after)
    return made


@pytest.mark.parametrize(
    ("phase", "at", "code", "chinese"),
    [
        (Phase.RESOLVE, 5.0, "connect", "5 秒内没有建立连接"),
        (Phase.CONNECT, 5.0, "connect", "5 秒内没有建立连接"),
        (Phase.TLS, 6.0, "connect", "5 秒内没有建立连接"),
        (Phase.WRITE, 31.0, "write", "30 秒内请求没能发出去"),
        (Phase.HEADERS, 31.0, "headers", "30 秒内没有收到响应头"),
        (Phase.FIRST, 46.0, "first_event", "45 秒内没有收到内容"),
        (Phase.STREAM, 46.0, "bytes_idle", "45 秒内中途没有任何数据"),
    ],
)
def test_each_phase_has_its_limit_and_its_words(
    phase: Phase, at: float, code: str, chinese: str
) -> None:
    one = leg(phase)
    assert expiry(one) == BEGAN + at
    failure = timeout(one, BEGAN + at)
    assert (failure.phase, failure.code, failure.detail_zh) == (phase, code, chinese)
    assert failure.detail.isascii()


def test_a_line_that_is_kept_alive_is_not_silent() -> None:
    one = leg(Phase.FIRST)
    one.last_bytes_at = BEGAN + 40.0
    assert timeout(one, BEGAN + 46.0).code == "keep_alive_only"
    one = leg(Phase.STREAM)
    one.last_bytes_at = BEGAN + 60.0
    assert expiry(one) == BEGAN + 61.0
    assert timeout(one, BEGAN + 61.0).code == "content_idle"


@pytest.mark.parametrize(
    ("hedge", "patience", "at"),
    [(None, None, NEVER), (4.0, None, BEGAN + 4), (None, 9.0, BEGAN + 9), (4.0, 9.0, BEGAN + 4)],
)
def test_the_shorter_patience_counts(
    hedge: float | None, patience: float | None, at: float
) -> None:
    assert hedge_at(leg(Phase.HEADERS, patience=patience), Policy(hedge=hedge)) == at
    assert hedge_at(leg(Phase.STREAM, patience=patience), Policy(hedge=hedge)) == NEVER


def test_only_one_that_was_long_silent_is_deserted() -> None:
    assert deserted(leg(Phase.HEADERS), BEGAN + 8.0, 9.0) is None
    spoke = leg(Phase.STREAM)
    assert deserted(spoke, BEGAN + 40.0, 9.0) is None
    failure = deserted(leg(Phase.HEADERS), BEGAN + 9.5, 9.0)
    assert failure
    assert (failure.kind, failure.phase, failure.code) == (Kind.TIMEOUT, Phase.HEADERS, "deserted")


def test_only_one_in_doubt_that_had_its_time_is_outlasted() -> None:
    assert outlasted(leg(Phase.FIRST), BEGAN + 40.0) is None
    assert outlasted(leg(Phase.FIRST, patience=9.0), BEGAN + 8.0) is None
    assert outlasted(leg(Phase.STREAM, patience=9.0), BEGAN + 40.0) is None
    failure = outlasted(leg(Phase.FIRST, patience=9.0), BEGAN + 9.5)
    assert failure
    assert (failure.phase, failure.detail_zh) == (
        Phase.FIRST,
        "9.5 秒内没有内容，而另一个目标已经回答",
    )
