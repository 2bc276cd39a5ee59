"""kill -9 at any moment: nothing is lost, nothing comes twice, nothing changes places.

HOLDFAST_CRASHES sets how often the process is killed.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
from tests.conformance.databases import postgres_schema
from tests.crash.platform import Platform
from tests.crash.trial import (
    CRASHES,
    PATIENCE,
    PER_CRASH,
    judge,
    kill,
    lanes,
    some_work,
    start,
    until_all_shown,
)

from holdfast.store.database import Database
from holdfast.store.turns import SqlTurns

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows"),
]


async def rampage(platform: Platform, arguments: list[str], seed: int) -> None:
    """Kills every process but the last, each after a random part of its work."""
    dice = random.Random(seed)
    for _ in range(CRASHES):
        greeted = platform.greeted
        victim = start(platform, *arguments)
        async with asyncio.timeout(PATIENCE):
            await platform.until_greeted(greeted + 1)
        await some_work(platform, dice)
        kill(victim)
    last = start(platform, *arguments)
    await until_all_shown(platform)
    kill(last)


def crash(arguments: list[str], place: Path | str, seed: int) -> None:
    async def main() -> None:
        async with Platform(lanes(CRASHES * PER_CRASH)) as platform:
            speaking = asyncio.create_task(platform.speak())
            await rampage(platform, arguments, seed)
            async with asyncio.timeout(PATIENCE):
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
