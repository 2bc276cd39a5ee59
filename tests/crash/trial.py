"""What every crash test starts, and what must be true in the end."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

from tests.crash.platform import Platform, answer
from tests.launching import Forked
from tests.upstream.leaks import HANG

from holdfast.store.ports import TurnState
from holdfast.store.turns import SqlTurns

ROOT = Path(__file__).parents[2]
CRASHES = int(os.environ.get("HOLDFAST_CRASHES", "3"))
PER_CRASH = 12  # turns
LANES = 6
PATIENCE = HANG  # without any progress


def start(platform: Platform, *arguments: str) -> Forked:
    return Forked(
        ROOT,
        os.environ,
        str(platform.port),
        *arguments,
        errors=sys.stderr,
        module="tests.crash.victim",
    )


def kill(victim: Forked) -> None:
    """It must not have ended by itself."""
    assert victim.poll() is None, "it died by itself"
    with victim:
        victim.kill()


def judge(platform: Platform, turns: SqlTurns) -> None:
    said = [turn for lane in platform.lanes.values() for turn in lane]
    assert {f"{turn}:answer": "".join(answer(turn)) for turn in said} == platform.shown
    for lane, expected in platform.lanes.items():
        assert [turn for where, turn in platform.order if where == lane] == expected
    assert all(times == 1 for times in platform.tools.values())
    for turn in said:
        found = turns.find(turn)
        assert found
        assert found[1] is not TurnState.PARKED
        texts = [e.event["text"] for e in turns.events(turn) if e.event["type"] == "text_added"]
        assert texts == answer(turn)
        numbers = [entry.sequence for entry in turns.events(turn)]
        assert numbers == list(range(1, len(numbers) + 1))


def lanes(count: int) -> dict[str, list[str]]:
    return {f"lane{lane}": [f"t{lane}-{n}" for n in range(count // LANES)] for lane in range(LANES)}


async def some_work(platform: Platform, dice: random.Random) -> None:
    """Returns a random moment after the next turn began to live, if one does."""
    try:
        async with asyncio.timeout(1.0):
            await platform.life(len(platform.lives) + 1)
        async with asyncio.timeout(dice.uniform(0.0, 0.4)):
            await platform.until_shown(len(platform.shown) + PER_CRASH)
    except TimeoutError:
        pass


async def until_all_shown(platform: Platform) -> None:
    total = sum(len(turns) for turns in platform.lanes.values())
    while len(platform.shown) < total:
        async with asyncio.timeout(PATIENCE):
            await platform.until_shown(len(platform.shown) + 1)
