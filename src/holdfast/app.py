"""The composition root: settings to objects. The only file that knows everything."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp

from .config import ServerSettings, Settings
from .core.ids import ulid
from .gateway.app import build
from .gateway.keeper import Keeper
from .gateway.limits import Gate
from .gateway.metrics import Metrics
from .gateway.services import Drain, Services
from .problems import ConfigError, Problem
from .sim.upstream import SimulatedUpstream
from .store.database import Database
from .store.incidents import SqlIncidents
from .store.memory import MemoryIncidents
from .store.ports import IncidentStore, StoreFailed
from .upstream.catalog import Routes, routes
from .upstream.connector import Connector
from .upstream.executor import Executor, Observer
from .upstream.transport import Transports
from .wire import DIALECTS

DATABASE = "holdfast.db"
DRAIN = 8.0  # seconds in which answers under way may end after SIGTERM
STOP = 9.5  # seconds after which everything is cancelled

_LOG = structlog.get_logger("holdfast")


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
    try:
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_bytes()
    with os.fdopen(made, "wb") as new:
        new.write(secrets.token_bytes(32))
    return file.read_bytes()


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


@asynccontextmanager
async def calling(node: str, observers: Sequence[Observer]) -> AsyncIterator[Executor]:
    """An executor over real sockets; leaving closes every connection."""
    clock = SystemClock()
    transports = Transports()
    connector = Connector(transports, DIALECTS, node, clock)
    executor = Executor(connector, clock, random.random, observers)
    try:
        yield executor
    finally:
        await executor.aclose()
        await transports.aclose()


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway ready to be served."""

    app: ASGIApp
    services: Services


@asynccontextmanager
async def gateway(settings: Settings, served: Routes | None = None) -> AsyncIterator[Running]:
    """Everything that a gateway needs, opened, and closed again in order. Raises ConfigError."""
    clock = SystemClock()
    node = f"holdfast-{secrets.token_hex(6)}"
    server = settings.server
    known = served or routes_of(settings)
    async with AsyncExitStack() as stack:
        opened = database(server)
        stack.callback(opened.close)
        store = SqlIncidents(opened, server.max_incidents)
        keeper = Keeper(store, clock)
        stack.callback(keeper.close)
        metrics = Metrics(clock, known.names())
        executor = await stack.enter_async_context(calling(node, [keeper, metrics]))
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
            node=node,
        )
        yield Running(build(services), services)


async def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serves until SIGTERM or Ctrl-C, then ends within 10 s. `ready` is given the address.

    Raises ConfigError if the address or the data folder cannot be had.
    """
    with _listen(settings.server) as listener:
        async with gateway(settings) as running:
            await _Server(running, ready).serve(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn, telling when it is ready, and ending answers honestly before it ends itself."""

    def __init__(self, running: Running, ready: Callable[[str], None]) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().__init__(
            uvicorn.Config(
                running.app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=STOP,  # type: ignore[arg-type] # seconds, any number
                backlog=2048,
            )
        )
        self._services = running.services
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets:
            host, port = sockets[0].getsockname()[:2]
            self._ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._services.gate.draining = True
        _LOG.info("draining", answers_under_way=self._services.gate.inside)
        asyncio.get_running_loop().call_later(DRAIN, self._services.drain.finish)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A second signal does not wait for anybody."""
        self.force_exit = self.should_exit
        self.should_exit = True


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


def _listen(server: ServerSettings) -> socket.socket:
    host, port = server.host, server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        problem = Problem(
            "",
            f"cannot listen there: {reason}",
            f"无法在此监听：{reason}",
            "choose another --port or --host, or stop what uses it",
            "请换一个 --port 或 --host，或停止占用它的程序",
        )
        raise ConfigError(f"{host}:{port}", [problem], server.language) from None
