"""However many messages grow at once, the platform is not asked too often."""

from __future__ import annotations

from collections import Counter
from heapq import heapify, heappop, heappush

import pytest

from holdfast.platforms.qq.limits import FRAME_INTERVAL
from holdfast.platforms.qq.pacing import FRAMES_PER_SECOND, Pacing


def frames(messages: int, seconds: float, within: float) -> Counter[int]:
    """How many frames go within each second, of messages that all begin `within` so many."""
    pacing, sent = Pacing(), Counter[int]()
    due = [(within * number / messages, True) for number in range(messages)]
    heapify(due)
    while due[0][0] < seconds:
        now, first = heappop(due)
        sent[int(now)] += 1
        if first:
            pacing.spend(now)
        heappush(due, (now + pacing.pause(now, FRAME_INTERVAL), False))
    return sent


@pytest.mark.parametrize("messages", [1, 10])
def test_few_messages_grow_as_fast_as_they_like(messages: int) -> None:
    sent = frames(messages, 20, within=0.1)
    assert sent[10] == pytest.approx(messages / FRAME_INTERVAL, abs=1)


@pytest.mark.parametrize("messages", [30, 100, 1000])
def test_many_share_what_the_platform_takes(messages: int) -> None:
    """Twenty more begin in every second."""
    sent = frames(messages, 60, within=messages / 20)
    assert max(sent.values()) <= 51
    assert min(sent[second] for second in range(5, 59)) >= FRAMES_PER_SECOND / 2


def test_what_nobody_used_is_not_saved_up() -> None:
    pacing = Pacing(10.0)
    assert [pacing.pause(100.0, 0.5) for _ in range(3)] == pytest.approx([0.5, 0.6, 0.7])
    assert [pacing.pause(200.0, 0.5) for _ in range(3)] == pytest.approx([0.5, 0.6, 0.7])
    pacing.spend(200.0)
    assert pacing.pause(200.0, 0.5) == pytest.approx(0.9)
