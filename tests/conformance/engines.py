"""Engines as tests want them: opened, given a handler, ended in order, opened again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from tests.conformance.databases import NATS, Place
from tests.upstream.leaks import HANG, watched

from holdfast.engine.bus import BusSettings
from holdfast.engine.cluster import ClusterEngine, ClusterSettings
from holdfast.engine.journal import Policy
from holdfast.engine.lives import LastWord, Patience, silence
from holdfast.engine.local import Limits, LocalEngine
from holdfast.engine.ports import Engine, Handler, Journal, Turn
from holdfast.engine.worker import WorkerSettings
from holdfast.store.database import Database
from holdfast.store.turns import SqlTurns

T = TypeVar("T")

HASTE = Patience(answer=HANG, mend=0.02, farewell=HANG)
POLICY = Policy(backoff=0.001, killed=5, oldest=float("inf"))
LIMITS = Limits()


class WallClock:
    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()  # noqa: TID251 - leases and ages are real here


@dataclass(frozen=True, slots=True)
class Setup:
    """What a test may choose."""

    handler: Handler
    last_word: LastWord = silence
    limits: Limits = LIMITS
    policy: Policy = POLICY
    patience: Patience = HASTE
    turns: Callable[[Database], SqlTurns] = SqlTurns


Open = Callable[[Setup], AbstractAsyncContextManager[Engine]]
"""A process that accepts and runs turns; leaving is an end in order."""


def local(place: Place) -> Open:
    @asynccontextmanager
    async def opened(setup: Setup) -> AsyncIterator[Engine]:
        database = await asyncio.to_thread(Database, place)
        engine = LocalEngine(
            setup.turns(database),
            WallClock(),
            {},
            setup.last_word,
            limits=setup.limits,
            policy=setup.policy,
            patience=setup.patience,
        )
        async with running(engine.run(setup.handler)):
            yield engine
        await asyncio.to_thread(database.close)

    return opened


def quick(prefix: str, setup: Setup) -> ClusterSettings:
    """A cluster that does not wait longer than a test needs. Its leases outlast a machine that
    stands still for a while: whoever needs one that has run out makes it so.
    """
    return ClusterSettings(
        bus=BusSettings((NATS,), prefix, ack_wait=2.0),
        worker=WorkerSettings(
            running=setup.limits.running,
            lease=30.0,
            beat=0.3,
            sweep=0.5,
            fetch=1.0,
            retry=0.3,
            keep=setup.limits.keep,
        ),
        patience=setup.patience,
        policy=setup.policy,
        waiting_in_lane=setup.limits.waiting_in_lane,
        look=0.5,
    )


def cluster(place: Place, prefix: str) -> Open:
    @asynccontextmanager
    async def opened(setup: Setup) -> AsyncIterator[Engine]:
        database = await asyncio.to_thread(Database, place)
        engine = ClusterEngine(
            uuid4().hex,
            setup.turns(database),
            WallClock(),
            {},
            setup.last_word,
            settings=quick(prefix, setup),
        )
        async with engine.open(), running(engine.run(setup.handler)):
            yield engine
        await asyncio.to_thread(database.close)

    return opened


@asynccontextmanager
async def running(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs `work` meanwhile, and cancels it in the end."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def run(main: Awaitable[T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(HANG):
            return await main

    return asyncio.run(watched(bounded()))


def turn(name: str, lane: str = "a") -> Turn:
    return Turn(name, lane, {"text": name}, 1.0)


async def watch(engine: Engine, turn_id: str, after: int = 0) -> list[Any]:
    return [entry.event["n"] async for entry in engine.watch(turn_id, after)]


def add(journal: Journal, *numbers: object) -> None:
    for number in numbers:
        journal.add({"type": "said", "n": number})


def past(journal: Journal) -> list[Any]:
    return [entry.event["n"] for entry in journal.past]
