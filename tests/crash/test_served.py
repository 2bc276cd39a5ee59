"""`holdfast serve`, whole, killed with SIGKILL at random moments: nobody notices.

HOLDFAST_CRASH_RUNS sets how often it is killed on each database, HOLDFAST_CRASH_SEED when.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
from tests.conformance.databases import postgres_schema
from tests.crash.served import Launcher, Lives
from tests.crash.town import Town, kill_at_random, settings

from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream

RUNS = int(os.environ.get("HOLDFAST_CRASH_RUNS", "6"))
SEED = int(os.environ.get("HOLDFAST_CRASH_SEED", "1"))
A_ROUND = 3  # deaths at most while the same people wait

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfds of Linux"),
]


async def rampage(folder: Path, seed: int, more: str = "") -> None:
    ledger = folder / "ledger.txt"
    ledger.touch()
    dice = random.Random(seed)
    async with SimulatedUpstream() as upstream, SimulatedQQ() as qq:
        (folder / "holdfast.toml").write_text(settings(upstream, qq, more), encoding="utf-8")
        with Launcher() as forks:
            lives = Lives(forks, folder, {"HOLDFAST_CRASH_LEDGER": str(ledger)})
            lives.begin()
            town = Town(lives, qq, ledger, seed)
            await qq.connected()
            await town.round()
            left = RUNS
            while left:
                kills = min(left, dice.randint(1, A_ROUND))
                left -= kills
                async with asyncio.TaskGroup() as group:
                    group.create_task(town.round())
                    group.create_task(kill_at_random(lives, dice, kills))
            await lives.life.stop()
            problems = town.judge()
            print(f"{RUNS} killed, answered: {dict(town.answered)}, {town.orphans} streams lost")
            assert not problems, "\n".join(problems)


def test_killed_on_sqlite(tmp_path: Path) -> None:
    asyncio.run(rampage(tmp_path, SEED))


def test_killed_on_postgres(tmp_path: Path) -> None:
    with postgres_schema() as url:
        asyncio.run(rampage(tmp_path, SEED + 1, f'[server]\ndatabase_url = "{url}"\n'))
