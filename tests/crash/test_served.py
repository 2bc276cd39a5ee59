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
from tests.crash.served import Life, Lives
from tests.crash.town import Town, kill_at_random, settings, settled, worlds
from tests.launching import Launcher
from tests.pulse import Pulse
from tests.serving import environment

from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream

WORLDS = worlds(1, 25)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfds of Linux"),
]


async def rampage(launcher: Launcher, folder: Path, seed: int, kills: int, more: str = "") -> None:
    ledger = folder / "ledger.txt"
    ledger.touch()
    pulse = Pulse()
    async with SimulatedUpstream(sleep=pulse.sleep) as upstream, SimulatedQQ() as qq:
        (folder / "holdfast.toml").write_text(settings(upstream, qq, more), encoding="utf-8")
        async with Lives(launcher, folder, {"HOLDFAST_CRASH_LEDGER": str(ledger)}) as lives:
            lives.begin()
            town = Town(lives, qq, ledger, seed)
            await settled(qq)
            over = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(town.live(over))
                await kill_at_random(lives, pulse, random.Random(seed), kills)
                over.set()
            await lives.life.stop()
            problems = town.judge()
            print(f"{kills} killed, answered {dict(town.answered)}, {town.orphans} streams lost")
            assert not problems, "\n".join(problems)


@pytest.mark.parametrize(("seed", "kills"), WORLDS)
def test_killed_on_sqlite(launcher: Launcher, tmp_path: Path, seed: int, kills: int) -> None:
    asyncio.run(rampage(launcher, tmp_path, seed, kills))


@pytest.mark.parametrize(("seed", "kills"), WORLDS)
def test_killed_on_postgres(launcher: Launcher, tmp_path: Path, seed: int, kills: int) -> None:
    with postgres_schema() as url:
        more = f'[server]\ndatabase_url = "{url}"\n'
        asyncio.run(rampage(launcher, tmp_path, seed, kills, more))


def test_a_server_that_ends_by_itself_is_told_with_its_log(
    launcher: Launcher, tmp_path: Path
) -> None:
    (tmp_path / "holdfast.toml").write_text("[nonsense]")

    async def main() -> None:
        told = tmp_path / "stderr.txt"
        reading, writing = os.pipe()
        with told.open("w") as errors:
            launched = launcher.launch(
                tmp_path, environment(), "--port", "0", errors=errors, status=writing
            )
        os.close(writing)
        life = Life(*launched, told)
        with os.fdopen(reading, "rb") as status:
            assert status.read()  # it is gone; the event loop has not told that yet
        with pytest.raises(AssertionError, match="nonsense"):
            await life.kill()
        await life.over.wait()

    asyncio.run(main())
