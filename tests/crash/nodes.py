"""The engine of a process that is to be killed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.engines import WallClock

from holdfast.engine.local import LocalEngine
from holdfast.engine.ports import Engine, Handler
from holdfast.store.alone import alone
from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.ports import Fence
from holdfast.store.turns import SqlTurns

Works = Callable[[Handler], Sequence[Coroutine[Any, Any, None]]]


@dataclass(frozen=True, slots=True)
class Node:
    engine: Engine
    outbox: SqlDeliveries
    works: Works


@asynccontextmanager
async def node(arguments: list[str]) -> AsyncIterator[Node]:
    """`arguments`: "local", a data folder, and the URL of a database or ""."""
    match arguments:
        case ["local", folder, url]:
            database = Database(url or Path(folder) / "holdfast.db")
            fences: dict[str, Fence] = {}
            with alone(Path(folder), database):
                engine = LocalEngine(SqlTurns(database), WallClock(), fences)
                yield Node(
                    engine, SqlDeliveries(database, fences), lambda handler: [engine.run(handler)]
                )
        case _:
            raise ValueError(arguments)
