"""The engine of a process that is to be killed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.engines import WallClock

from holdfast.engine.bus import BusSettings
from holdfast.engine.cluster import ClusterEngine, ClusterSettings
from holdfast.engine.journal import Policy
from holdfast.engine.local import LocalEngine
from holdfast.engine.ports import Engine, Handler
from holdfast.store.alone import alone
from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.ports import Fence
from holdfast.store.turns import SqlTurns

# Whoever kills here is not the turn, and its messages are of 1970.
STUBBORN = Policy(killed=1000, lives=1000, oldest=float("inf"))

Works = Callable[[Handler], Sequence[Coroutine[Any, Any, None]]]


@dataclass(frozen=True, slots=True)
class Node:
    engine: Engine
    outbox: SqlDeliveries
    works: Works


@asynccontextmanager
async def node(arguments: list[str]) -> AsyncIterator[Node]:
    """`arguments`: "local", a data folder, and the URL of a database or ""; or "cluster", the
    URLs of a database and of NATS, and a prefix.
    """
    match arguments:
        case ["local", folder, url]:
            database = Database(url or Path(folder) / "holdfast.db")
            fences: dict[str, Fence] = {}
            with alone(Path(folder), database):
                engine = LocalEngine(SqlTurns(database), WallClock(), fences, policy=STUBBORN)
                yield Node(
                    engine, SqlDeliveries(database, fences), lambda handler: [engine.run(handler)]
                )
        case ["cluster", url, server, prefix]:
            database = Database(url)
            fences = {}
            settings = ClusterSettings(bus=BusSettings((server,), prefix), policy=STUBBORN)
            cluster = ClusterEngine(
                f"node {os.getpid()}", SqlTurns(database), WallClock(), fences, settings=settings
            )
            async with cluster.open():
                yield Node(
                    cluster,
                    SqlDeliveries(database, fences),
                    lambda handler: [cluster.run(handler)],
                )
        case _:
            raise ValueError(arguments)
