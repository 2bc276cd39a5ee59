"""kill -9 at any moment: nothing is lost, nothing comes twice, nothing changes places.

HOLDFAST_CRASHES sets how often the process is killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest
from tests.conformance.databases import postgres_schema
from tests.crash.platform import Platform, answer

from holdfast.store.database import Database
from holdfast.store.ports import Entry, TurnState
from holdfast.store.turns import SqlTurns

ROOT = Path(__file__).parents[2]
CRASHES = int(os.environ.get("HOLDFAST_CRASHES", "5"))
PER_CRASH = 12  # turns
LANES = 6
PATIENCE = 60.0  # seconds without any progress, after which a test has failed

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")


async def start(platform: Platform, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.crash.victim",
        str(platform.port),
        *arguments,
        cwd=ROOT,
    )


async def rampage(platform: Platform, arguments: list[str], seed: int) -> None:
    """Kills every process but the last, each after a random part of its work."""
    dice = random.Random(seed)
    for _ in range(CRASHES):
        greeted = platform.greeted
        victim = await start(platform, *arguments)
        async with asyncio.timeout(PATIENCE):
            await platform.until_greeted(greeted + 1)
        shown = len(platform.shown) + dice.randrange(PER_CRASH)
        try:
            async with asyncio.timeout(dice.choice([0.0, 0.01, 0.05, 0.2])):
                await platform.until_shown(shown)
        except TimeoutError:
            pass
        victim.kill()
        await victim.wait()
    last = await start(platform, *arguments)
    total = sum(len(turns) for turns in platform.lanes.values())
    while len(platform.shown) < total:
        async with asyncio.timeout(PATIENCE):
            await platform.until_shown(len(platform.shown) + 1)
    last.kill()
    await last.wait()


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
        assert _numbers(turns.events(turn)) == list(range(1, len(turns.events(turn)) + 1))


def _numbers(entries: object) -> list[int]:
    assert isinstance(entries, list)
    return [entry.sequence for entry in entries if isinstance(entry, Entry)]


def lanes(count: int) -> dict[str, list[str]]:
    return {f"lane{lane}": [f"t{lane}-{n}" for n in range(count // LANES)] for lane in range(LANES)}


def crash(arguments: list[str], place: Path | str, seed: int) -> None:
    async def main() -> None:
        async with Platform(lanes(CRASHES * PER_CRASH)) as platform:
            speaking = asyncio.create_task(platform.speak())
            await rampage(platform, arguments, seed)
            await speaking
        database = Database(place)
        judge(platform, SqlTurns(database))
        database.close()
        print(f"{CRASHES} killed, {len(platform.shown)} answered, {platform.repeats} sent again")

    asyncio.run(main())


def test_killed_on_sqlite(tmp_path: Path) -> None:
    crash(["local", str(tmp_path), ""], tmp_path / "holdfast.db", seed=1)


def test_killed_on_postgres(tmp_path: Path) -> None:
    with postgres_schema() as url:
        Database(url).close()
        crash(["local", str(tmp_path), url], url, seed=2)
