"""Bots, made of their parts and kept running: the door by which the composition root enters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Protocol

import structlog

from ..agent.runner import Runner
from ..config import BotSettings
from ..core.failure import StreamFailed
from ..core.verdict import explain
from ..engine import ports as engine_ports
from ..engine.ports import Engine
from .adapter import Adapter
from .bus import Bus
from .handler import Bot, Handler, answer
from .ledger import Ledger
from .middleware.access import ACCESS
from .middleware.commands import COMMANDS, Commands, commands
from .middleware.media import MEDIA
from .middleware.quiet import QUIET
from .middleware.rate import rate
from .middleware.wake import WAKE
from .outbox import Channel, Outbox
from .pipeline import Command, Middleware, Services, onion

AGAIN = (60.0, 300.0, 900.0)  # seconds until a bot that cannot run is tried again

_LOG = structlog.get_logger("holdfast.bots")


@dataclass(frozen=True, slots=True)
class Extras:
    """What plugins add. Their middlewares stand behind the gates and before the commands."""

    middlewares: Iterable[Middleware] = ()
    commands: Iterable[Command] = ()


class Runs(Protocol):
    """As much of an engine as is needed here."""

    async def run(self, handler: engine_ports.Handler) -> None: ...


@dataclass(slots=True)
class Bots:
    """All bots of this process."""

    bus: Bus
    handler: Handler
    outbox: Outbox
    adapters: Mapping[str, Adapter]

    async def run(self, engine: Runs) -> None:
        """Until cancelled. Raises store.ports.StoreFailed if the outbox cannot be read."""
        await self.outbox.recover()
        async with asyncio.TaskGroup() as group:
            group.create_task(engine.run(self.handler))
            for name in self.adapters:
                group.create_task(self.receive(name))

    async def aclose(self) -> None:
        """What is being sent tells its outcome; the rest is the next process's."""
        await self.bus.aclose()
        await self.outbox.aclose()

    async def receive(self, name: str) -> None:
        """Takes what comes for one bot, until cancelled. One that cannot run leaves the others
        alone, and is tried again: what an operator has mended elsewhere needs no restart here.
        """
        for pause in chain(AGAIN, repeat(AGAIN[-1])):
            try:
                await self.adapters[name].run(self.bus.accept)
            except StreamFailed as failed:
                why = explain(failed.failure, "en")
                _LOG.error("a bot cannot run", bot=name, why=why, tried_again_in=pause)
            await asyncio.sleep(pause)


def bots(
    settings: Mapping[str, BotSettings],
    adapters: Mapping[str, Adapter],
    engine: Engine,
    ledger: Ledger,
    services: Services,
    runner: Runner,
    jitter: Callable[[], float],
    extras: Extras | None = None,
) -> Bots:
    """Makes bots of their settings and adapters (by the bot's name, every one of `settings`)."""
    extras = extras or Extras()
    table = Commands((*COMMANDS, *extras.commands))
    layers = (ACCESS, QUIET, rate(), WAKE, *extras.middlewares, commands(table), MEDIA)
    pipeline = onion(layers, answer)
    made = {name: Bot(name, rules, pipeline) for name, rules in settings.items()}
    channels = {
        name: Channel(adapters[name], rules.show_reasoning) for name, rules in settings.items()
    }
    outbox = Outbox(engine, ledger, channels, services.clock, jitter)
    handler = Handler(made, services, runner, outbox, table)
    bus = Bus(made, adapters, engine, outbox, table, services.clock, services.conversations)
    outbox.owing = bus.owing
    return Bots(bus, handler, outbox, adapters)
