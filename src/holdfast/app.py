"""The composition root: settings to objects. The only file that knows everything."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import (
    AsyncExitStack,
    asynccontextmanager,
    closing,
    contextmanager,
    suppress,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from .assembly import Ground, assemble, with_page
from .config import WILDCARD, Role, ServerSettings, Settings
from .console import pages
from .core.ids import ulid
from .core.verdict import Language
from .engine.journal import Park
from .engine.lives import LastWord
from .engine.parked import recorded
from .engine.ports import Engine, Handler, Journal, Turn
from .gateway.app import build, build_silent
from .gateway.durable import KIND as CALL
from .gateway.durable import CallRunner, give_up
from .gateway.keeper import Keeper
from .gateway.kept import questions
from .gateway.limits import Gate
from .gateway.metrics import Metrics
from .gateway.retention import keep_house
from .gateway.services import Drain, Services
from .node import check_role, node, works
from .problems import ConfigError, Problem
from .serving import Farewell, Server, listen
from .sim.upstream import SimulatedUpstream
from .store.alone import InUse
from .store.conversations import SqlPairings
from .store.database import Database
from .store.incidents import SqlIncidents
from .store.memory import MemoryIncidents
from .store.ports import IncidentStore, Pairings, StoreFailed
from .store.turns import SqlTurns
from .upstream.cancel import Canceller
from .upstream.catalog import Routes, routes
from .upstream.connector import Connector
from .upstream.executor import Executor, Observer
from .upstream.probe import Finding, probe
from .upstream.transport import Transports
from .wire import DIALECTS

DATABASE = "holdfast.db"
LAST_WORDS = 1.0  # seconds in which answers that have ended are told to their end


class SystemClock:
    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()  # noqa: TID251 - this is the one clock


def new_ref() -> str:
    return ulid(time.time_ns() // 1_000_000, os.urandom(10))


def pepper(data_dir: Path) -> bytes:
    """This installation's secret for naming keys; made at the first start. Raises OSError."""
    file = data_dir / "pepper"
    data_dir.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        handle, name = tempfile.mkstemp(dir=data_dir)  # for this user alone
        with os.fdopen(handle, "wb") as new:
            new.write(secrets.token_bytes(32))
        _first(Path(name), file)
    return file.read_bytes()


def _first(made: Path, place: Path) -> None:
    """Puts it there unless another process was faster; nobody ever sees half of it."""
    try:
        place.hardlink_to(made)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        made.replace(place)
    finally:
        made.unlink(missing_ok=True)


def database(server: ServerSettings) -> Database:
    """The database of these settings, brought up to date. Raises ConfigError."""
    try:
        return Database(server.database_url.get_secret_value() or server.data_dir / DATABASE)
    except StoreFailed as error:
        raise _unusable(server, str(error)) from None


def routes_of(settings: Settings) -> Routes:
    """The routes, with keys named as this installation names them. Raises ConfigError."""
    server = settings.server
    try:
        return routes(settings, pepper(server.data_dir))
    except OSError as error:
        raise _unusable(server, error.strerror or type(error).__name__) from None


@contextmanager
def stored(server: ServerSettings) -> Iterator[IncidentStore]:
    """The incidents that were kept, to read; nothing is created where none are.

    Raises ConfigError if the database cannot be used.
    """
    if not (server.database_url or (server.data_dir / DATABASE).exists()):
        yield MemoryIncidents()
        return
    with closing(database(server)) as opened:
        try:
            yield SqlIncidents(opened, server.max_incidents)
        except StoreFailed as error:
            raise _unusable(server, str(error)) from None


@contextmanager
def pairings(server: ServerSettings) -> Iterator[Pairings]:
    """Who asked to talk to bots, and who may. A server that runs sees changes at once.

    Raises ConfigError if the database cannot be used.
    """
    with closing(database(server)) as opened:
        try:
            yield SqlPairings(opened)
        except StoreFailed as error:
            raise _unusable(server, str(error)) from None


def _unusable(server: ServerSettings, reason: str) -> ConfigError:
    if server.database_url:
        problem = Problem(
            "server.database_url",
            f"the database cannot be used: {reason}",
            f"无法使用这个数据库：{reason}",
            "check that it runs, and that this user may create tables in it",
            "请检查它是否在运行，以及这个用户能否在其中建表",
        )
        return ConfigError("PostgreSQL", [problem], server.language)
    problem = Problem(
        "server.data_dir",
        f"the folder cannot be used: {reason}",
        f"无法使用这个目录：{reason}",
        "make it a writable folder, or name another",
        "请使其成为可写的目录，或换一个",
    )
    return ConfigError(str(server.data_dir), [problem], server.language)


def _in_use(server: ServerSettings, holder: str) -> ConfigError:
    """Two servers on the same data would answer everything twice."""
    en, zh = (f" (process {holder})", f"（进程 {holder}）") if holder else ("", "")
    problem = Problem(
        "server.database_url" if server.database_url else "server.data_dir",
        f"another holdfast serve works there{en}",
        f"另一个 holdfast serve 正在使用{zh}",
        "stop that one first, or name another place",
        "请先停止它，或换一个位置",
    )
    where = "PostgreSQL" if server.database_url else str(server.data_dir)
    return ConfigError(where, [problem], server.language)


@asynccontextmanager
async def calling(
    node: str, observers: Sequence[Observer], transports: Transports | None = None
) -> AsyncIterator[Executor]:
    """An executor over real sockets; leaving closes every connection."""
    clock = SystemClock()
    transports = transports or Transports()
    connector = Connector(transports, DIALECTS, node, clock)
    canceller = Canceller(connector)
    executor = Executor(connector, clock, random.random, [*observers, canceller])
    try:
        yield executor
    finally:
        await executor.aclose()
        await canceller.aclose()
        await transports.aclose()


async def probe_all(settings: Settings, language: Language) -> list[Finding]:
    """What every named target really does, one after the other; wildcards name none."""
    known = routes(settings, pepper(settings.server.data_dir))
    named = [route for name in known.names() if (route := known.find(name))]
    targets = {t.key: t for route in named for t in route.targets if t.model != WILDCARD}
    async with calling("holdfast-probe", []) as executor:
        return [await probe(executor.connector, t, language) for t in targets.values()]


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway ready to be served."""

    app: ASGIApp
    services: Services
    farewell: Farewell
    broken: asyncio.Event  # a part of it has failed, which leaving it raises


@asynccontextmanager
async def gateway(
    settings: Settings,
    served: Routes | None = None,
    *,
    simulated: bool = False,
    role: Role = Role.ALL,
) -> AsyncIterator[Running]:
    """Everything that a process needs, opened, and closed again in order. Raises ConfigError."""
    check_role(settings, role)
    clock = SystemClock()
    name = f"holdfast-{secrets.token_hex(6)}"
    server = settings.server
    known = served or routes_of(settings)
    async with AsyncExitStack() as stack:
        opened = database(server)
        stack.callback(opened.close)
        store = SqlIncidents(opened, server.max_incidents)
        keeper = Keeper(store, clock)
        stack.callback(keeper.close)
        metrics = Metrics(clock, known.names())
        transports = Transports()
        making = calling(name, [keeper, metrics], transports)
        executor = await stack.enter_async_context(making)
        turns = SqlTurns(opened)
        shared = Shared()
        try:
            parked = recorded(store, clock, new_ref)
            making_node = node(name, settings, opened, turns, clock, shared.last_word, parked)
            here = await stack.enter_async_context(making_node)
        except InUse as error:
            raise _in_use(server, error.holder) from None
        except StoreFailed as error:
            raise _unusable(server, str(error)) from None
        services = Services(
            settings=settings.gateway,
            language=server.language,
            executor=executor,
            routes=known,
            incidents=store,
            keeper=keeper,
            metrics=metrics,
            gate=Gate(settings.gateway.max_concurrent),
            drain=Drain(),
            clock=clock,
            new_ref=new_ref,
            node=name,
            engine=here.engine,
            turns=turns,
            standing=here.standing,
        )
        settings = with_page(settings)
        ground = Ground(
            settings=settings,
            database=opened,
            turns=turns,
            node=here,
            executor=executor,
            transports=transports,
            routes=known,
            incidents=store,
            clock=clock,
            new_ref=new_ref,
            guard=services.check_key,
            simulated=simulated,
        )
        made = await assemble(ground, stack)
        shared.engine = here.engine
        shared.calls = CallRunner(services, questions(services)), give_up
        shared.messages = made.bots.handler, made.bots.handler.last_word
        working = works(role, here, made.bots, settings.bots, shared)
        if here.joined is not None:
            working.append(_alone(here.joined(), server))
        if here.share is not None:
            working.append(here.share(executor.health, executor.budget))
        broken = asyncio.Event()
        for work in working:
            await stack.enter_async_context(_running(work, broken))
        if role in (Role.ALL, Role.GATEWAY):
            await stack.enter_async_context(_running(keep_house(services), broken))
            app = build(services, [*pages.routes(), *made.routes])
        else:
            app = build_silent(services)

        async def farewell(seconds: float) -> None:
            await here.engine.drain(seconds)
            await made.bots.outbox.tell_out(LAST_WORDS)

        yield Running(app, services, farewell, broken)


class Shared:
    """One engine for turns of several kinds: calls of the gateway, messages to bots."""

    def __init__(self) -> None:
        self.calls: tuple[Handler, LastWord] | None = None
        self.messages: tuple[Handler, LastWord] | None = None
        self.engine: Engine | None = None

    async def run(self, handler: Handler) -> None:
        """What bots take for the engine: their turns run, and those of the gateway."""
        assert self.engine is not None

        async def run(turn: Turn, journal: Journal) -> None:
            await self._of(turn)[0](turn, journal)

        await self.engine.run(run)

    async def last_word(self, turn: Turn, journal: Journal, park: Park, ref: str) -> None:
        """Nobody waits for ever: a turn that is given up has its end too."""
        await self._of(turn)[1](turn, journal, park, ref)

    def _of(self, turn: Turn) -> tuple[Handler, LastWord]:
        found = self.calls if turn.body.get("kind") == CALL else self.messages
        assert found is not None, "turns run once everything is in its place"
        return found


async def _alone(joined: Coroutine[Any, Any, None], server: ServerSettings) -> None:
    await joined
    raise _in_use(server, "")


@asynccontextmanager
async def _running(
    work: Coroutine[Any, Any, None], broken: asyncio.Event | None = None
) -> AsyncIterator[None]:
    """`work` runs as long as this is entered; its turns are put back for the next process. What it
    raises leaving raises, and `broken` tells of at once.
    """
    task = asyncio.create_task(work)

    def over(task: asyncio.Task[None]) -> None:
        if broken is not None and not task.cancelled() and task.exception() is not None:
            broken.set()

    task.add_done_callback(over)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def serve(
    settings: Settings,
    ready: Callable[[str], None],
    *,
    simulated: bool = False,
    role: Role = Role.ALL,
) -> None:
    """Serves until SIGTERM, SIGHUP or Ctrl-C, then ends within 10 s, or half a minute where the
    database hangs. `ready` is given the address.

    Raises ConfigError if the address or the data folder cannot be had, or another process has got
    the database while the server that it is on was started again. If a part of it fails by a fault
    of ours, it ends and raises that: it would listen on, and answer nobody.
    """
    with listen(settings.server) as listener:
        async with gateway(settings, simulated=simulated, role=role) as running:
            server = Server(running.app, running.services, ready, running.farewell)

            async def leave() -> None:
                await running.broken.wait()
                server.should_exit = True

            async with _running(leave()):
                await server.serve(sockets=[listener])


@asynccontextmanager
async def simulated() -> AsyncIterator[Settings]:
    """Settings for trying Holdfast without any key: every route asks the built-in simulator."""
    async with SimulatedUpstream() as upstream:
        raw = {
            "providers": {"simulated": {"base_url": upstream.base_url}},
            "routes": {
                name: {"targets": [f"simulated/{model}" for model in models]}
                for name, models in DEMO_ROUTES.items()
            },
        }
        yield Settings.model_validate(raw)


# What happens behind each; `demo` is the plain one.
DEMO_ROUTES = {
    "demo": ["ok;pace=0.02"],
    "demo-502": ["sub2api_502;pace=0.02", "ok;pace=0.02"],
    "demo-cut": ["reset@40;pace=0.02", "ok;pace=0.02"],
    "demo-outage": ["sub2api_502", "eof_before_headers"],
}
