"""Random calls in virtual time: no answer is cut in silence, no text twice, one end, no leak.

HOLDFAST_RUNS=100000 scripts/test tests/scenarios/test_virtual_calls.py runs as many seeds.
"""

from __future__ import annotations

import os
from collections import Counter

from tests.scenarios.virtual_call import Broken, VirtualCall, explained

RUNS = int(os.environ.get("HOLDFAST_RUNS", "1500"))
FIRST = int(os.environ.get("HOLDFAST_FIRST_SEED", "0"))


def test_what_must_hold_holds_in_every_run() -> None:
    ends: Counter[str] = Counter()
    broken: list[str] = []
    for seed in range(FIRST, FIRST + RUNS):
        call = VirtualCall(seed)
        try:
            call.play()
        except Broken as what:
            broken.append(f"{what}\n{explained(seed)}")
            continue
        assert call.done
        outcome = call.done.outcome
        word = "recovered" if outcome.recovered else "whole" if not outcome.failure else "failed"
        ends[word] += 1
    assert broken == []
    # The runs must be of all sorts, or they prove nothing.
    assert min(ends["whole"], ends["recovered"], ends["failed"]) > RUNS / 6, ends
