"""A post is held by one, and by another soon after it is left."""

from __future__ import annotations

import asyncio
from functools import partial

from tests.conformance.engines import WallClock, run

from holdfast.engine.post import hold
from holdfast.store.database import Database
from holdfast.store.ports import Fence
from holdfast.store.turns import SqlTurns


def test_others_stand_by_until_the_post_is_left(database: Database) -> None:
    turns = SqlTurns(database)
    inside: list[str] = []
    history: list[str] = []
    most = 0

    async def main() -> None:
        ends = {name: asyncio.Event() for name in "abc"}

        async def work(name: str, _: Fence) -> None:
            nonlocal most
            inside.append(name)
            history.append(name)
            most = max(most, len(inside))
            try:
                await ends[name].wait()
            finally:
                inside.remove(name)

        async with asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(hold(turns, "helper", name, partial(work, name), WallClock()))
            while len(history) < 3:
                await asyncio.sleep(0)
                if inside:
                    ends[inside[0]].set()
            ends[history[-1]].set()

    run(main())
    assert sorted(history) == ["a", "b", "c"]
    assert most == 1


def test_whoever_lost_the_post_stops_and_asks_again(database: Database) -> None:
    turns = SqlTurns(database)

    async def main() -> None:
        begun = asyncio.Queue[str]()
        stopped = asyncio.Event()

        async def work(_: Fence) -> None:
            begun.put_nowait("me")
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()

        holding = asyncio.create_task(hold(turns, "helper", "me", work, WallClock()))
        await begun.get()
        thief = await asyncio.wrap_future(turns.claim("post:helper", "thief", 60.0, force=True))
        assert thief
        await stopped.wait()
        assert begun.empty()
        await asyncio.wrap_future(turns.release(thief))
        await begun.get()
        holding.cancel()
        await asyncio.wait([holding])
        assert await asyncio.wrap_future(turns.claim("post:helper", "next", 60.0))

    run(main())
