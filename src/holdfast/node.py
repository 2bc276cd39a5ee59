"""One process, alone or in a cluster: which engine it has, and which work is its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import structlog

from .bot.connecting import Connecting, Spoken
from .bot.outbox import for_all
from .bot.service import Bots, Runs
from .config import BotSettings, Role, Settings
from .core.clock import Clock
from .engine.keeping import Keep
from .engine.lives import LastWord
from .engine.local import Limits, LocalEngine
from .engine.parked import Parked
from .engine.ports import Engine
from .problems import ConfigError, Problem
from .resilience.budget import RetryBudget
from .resilience.health import Health
from .store.alone import InUse, alone
from .store.database import Database
from .store.ports import Fence, StoreFailed, Turns

_LOG = structlog.get_logger("holdfast")

LOOK = 3.0  # seconds between looks whether another process works here


class Running(Engine, Protocol):
    """An engine that tells why what happens now is not durable; "" if it is."""

    @property
    def trouble(self) -> str: ...

    async def drain(self, seconds: float) -> bool:
        """Begins no more turns; whether those that run ended in so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Node:
    """`fences` is by what right deliveries are written, `speaks` for which bots there are any.
    `standing` is what an operator should know beside whether it is ready.
    """

    engine: Running
    fences: Mapping[str, Fence]
    speaks: Callable[[str], bool] = for_all
    standing: Callable[[], Mapping[str, str]] = dict
    connecting: Callable[[Bots], Connecting] | None = None  # None: there is no cluster
    # What must rest, and what was spent on retries, with all; None: there is no cluster.
    share: Callable[[Health, RetryBudget], Coroutine[Any, Any, None]] | None = None
    # Returns once another process works on what is for one; None: that cannot come to be.
    joined: Callable[[], Coroutine[Any, Any, None]] | None = None


def clustered(settings: Settings) -> bool:
    return bool(settings.cluster.nats.get_secret_value())


def check_role(settings: Settings, role: Role) -> None:
    """Raises ConfigError for a role that has no cluster to be played in."""
    if role is Role.ALL or clustered(settings):
        return
    problem = Problem(
        "cluster.nats",
        f'is missing, and a process of role "{role.value}" needs others',
        f"没有填写，而角色为 “{role.value}” 的进程需要别的进程配合",
        'set nats = "nats://host:4222" under [cluster], or leave out --role',
        '在 [cluster] 下写 nats = "nats://主机:4222"，或去掉 --role',
    )
    raise ConfigError("--role", [problem], settings.server.language)


@asynccontextmanager
async def node(
    name: str,
    settings: Settings,
    database: Database,
    turns: Turns,
    clock: Clock,
    last_word: LastWord,
    parked: Parked,
) -> AsyncIterator[Node]:
    """`name` is unique to this process. Raises ConfigError where the cluster's extra is missing,
    and store.ports.StoreFailed if another process works on data that are for one alone.
    """
    fences: dict[str, Fence] = {}
    keep = Keep(turns=settings.server.keep_messages)
    if not clustered(settings):
        with alone(settings.server.data_dir, database) as sure:
            limits = Limits(keep=keep)
            engine = LocalEngine(turns, clock, fences, last_word, limits, parked=parked)
            joined = partial(_until_joined, sure) if sure else None
            yield Node(engine, fences, standing=lambda: _trouble(engine), joined=joined)
        return
    try:
        from .engine.bus import BusSettings  # noqa: PLC0415 - an extra
        from .engine.cluster import ClusterEngine, ClusterSettings  # noqa: PLC0415
        from .engine.worker import WorkerSettings  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _missing(settings, error.name or "nats") from None
    table = settings.cluster
    servers = tuple(url.strip() for url in table.nats.get_secret_value().split(","))
    bus = BusSettings(servers, table.name, ack_wait=table.lease, replicas=table.replicas)
    beat = min(1.5, table.lease / 3)
    worker = WorkerSettings(lease=table.lease, beat=beat, keep=keep)
    cluster = ClusterEngine(
        name,
        turns,
        clock,
        fences,
        last_word,
        ClusterSettings(bus=bus, worker=worker),
        parked,
    )
    spoken = Spoken()

    def connecting(bots: Bots) -> Connecting:
        return Connecting(bots, turns, cluster.accepting, name, spoken, clock, table.lease)

    def standing() -> Mapping[str, str]:
        return {"nats": "away" if cluster.alone else "connected", **_trouble(cluster)}

    async with cluster.open():
        yield Node(cluster, spoken, spoken.bots.__contains__, standing, connecting, cluster.share)


async def _until_joined(alone: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(LOOK)
        try:
            await asyncio.to_thread(alone)
        except InUse:
            return
        except StoreFailed as failed:
            _LOG.warning("whether this process is alone is not known", reason=str(failed))


def works(
    role: Role, here: Node, bots: Bots, rules: Mapping[str, BotSettings], engine: Runs
) -> list[Coroutine[Any, Any, None]]:
    """What this process does besides HTTP, each until cancelled."""
    if here.connecting is None:
        return [bots.run(engine)]
    found: list[Coroutine[Any, Any, None]] = []
    if role in (Role.ALL, Role.WORKER):
        found.append(engine.run(bots.handler))
    if role in (Role.ALL, Role.GATEWAY):
        found += [bots.receive(name) for name, rule in rules.items() if not has_socket(rule)]
    if role in (Role.ALL, Role.CONNECTOR):
        sockets = {n: has_socket(rule) for n, rule in rules.items() if rule.platform != "webchat"}
        found.append(here.connecting(bots).run(sockets))
    return found


def has_socket(rules: BotSettings) -> bool:
    """Whether it receives on a connection of its own; otherwise it is called by HTTP."""
    return rules.platform == "qq" and rules.transport == "websocket"


def _trouble(engine: Running) -> Mapping[str, str]:
    return {"store": engine.trouble} if engine.trouble else {}


def _missing(settings: Settings, module: str) -> ConfigError:
    problem = Problem(
        "cluster.nats",
        f"the Python package {module} is missing",
        f"缺少 Python 包 {module}",
        "pip install holdfast[cluster]",
        "pip install holdfast[cluster]",
    )
    return ConfigError("[cluster]", [problem], settings.server.language)
