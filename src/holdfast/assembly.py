"""Bots out of settings: adapters, agent, tools and their stores, put together. For `app` only."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.routing import BaseRoute

from .agent import tools
from .agent.abilities import AbilitiesOf
from .agent.asking import Models
from .agent.builtins import builtins
from .agent.fetching import Fetcher
from .agent.framing import Framer
from .agent.memory import Memory
from .agent.runner import Runner
from .agent.tools import Toolbox, ToolServer
from .bot import pipeline
from .bot.adapter import Adapter
from .bot.fetch import HttpFetch
from .bot.ledger import StoredLedger
from .bot.pipeline import Services
from .bot.service import Bots, Extras, bots
from .config import BotSettings, McpSettings, Settings
from .core.clock import Clock
from .engine.ports import Engine
from .platforms.qq.adapter import QQAdapter
from .platforms.webchat.adapter import PLATFORM as WEBCHAT
from .platforms.webchat.adapter import WebChat
from .platforms.webchat.routes import Guard, WebChatService
from .platforms.webchat.routes import routes as webchat_routes
from .store.conversations import SqlConversations, SqlNotes, SqlPairings
from .store.database import Database
from .store.deliveries import SqlDeliveries
from .store.ports import Fence, IncidentStore, Turns
from .upstream.catalog import Routes
from .upstream.executor import Executor
from .upstream.transport import Transports

_SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that is taken for another


@dataclass(frozen=True, slots=True)
class Ground:
    """What bots stand on. `fences` is the engine's own table of who may write."""

    settings: Settings
    database: Database
    turns: Turns
    engine: Engine
    fences: dict[str, Fence]
    executor: Executor
    routes: Routes
    incidents: IncidentStore
    clock: Clock
    new_ref: Callable[[], str]
    abilities: AbilitiesOf
    guard: Guard
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Assembled:
    """The bots, and the HTTP routes that some of them need."""

    bots: Bots
    routes: list[BaseRoute] = field(default_factory=list)


async def assemble(ground: Ground, stack: AsyncExitStack) -> Assembled:
    """What has to be closed again is given to `stack`."""
    transports = Transports()
    stack.push_async_callback(transports.aclose)
    rules = ground.settings.bots
    adapters = {name: _adapter(name, rule, ground, transports) for name, rule in rules.items()}
    conversations = SqlConversations(ground.database)
    services = Services(
        engine=ground.engine,
        conversations=conversations,
        pairings=SqlPairings(ground.database),
        incidents=ground.incidents,
        ledger=StoredLedger(SqlDeliveries(ground.database, ground.fences)),
        clock=ground.clock,
        routes=ground.routes.names(),
        fetch=HttpFetch(transports()),
        new_code=lambda: "".join(secrets.choice(_SIGNS) for _ in range(8)),
        hour=lambda: (
            datetime.fromtimestamp(ground.clock.wall(), UTC).astimezone().strftime("%H:%M")
        ),
    )
    models = Models(ground.executor, ground.routes.find, ground.new_ref, ground.clock)
    framer = Framer(models, ground.abilities, Memory())
    toolbox = await _toolbox(ground, stack)
    made = bots(
        rules,
        adapters,
        ground.engine,
        services.ledger,
        services,
        Runner(models, framer, toolbox),
        random.random,
        Extras(*pipeline.plugins()),
    )
    stack.push_async_callback(made.aclose)
    return Assembled(made, _routes(ground, adapters, rules, conversations))


def _hour(clock: Clock) -> str:
    return datetime.fromtimestamp(clock.wall(), UTC).astimezone().strftime("%H:%M")


def _adapter(name: str, rules: BotSettings, ground: Ground, transports: Transports) -> Adapter:
    match rules.platform:
        case "qq":
            notes = SqlNotes(ground.database)
            return QQAdapter(name, rules, transports(), ground.clock, random.random, notes)
        case "webchat":
            return WebChat(name)


async def _toolbox(ground: Ground, stack: AsyncExitStack) -> Toolbox:
    fetcher = Fetcher()
    stack.push_async_callback(fetcher.aclose)
    known = [*builtins(ground.clock, fetcher), *tools.plugins()]
    return Toolbox(known, _servers(ground.settings.mcp, ground.clock, stack))


def _servers(
    settings: Mapping[str, McpSettings], clock: Clock, stack: AsyncExitStack
) -> dict[str, ToolServer]:
    if not settings:
        return {}
    from .agent.mcp import McpServer  # noqa: PLC0415 - heavy; only who has such servers pays for it

    made = {name: McpServer(name, given, clock) for name, given in settings.items()}
    for server in made.values():
        stack.push_async_callback(server.aclose)
    return dict(made)


def _routes(
    ground: Ground,
    adapters: Mapping[str, Adapter],
    rules: Mapping[str, BotSettings],
    conversations: SqlConversations,
) -> list[BaseRoute]:
    found: list[BaseRoute] = []
    for name, adapter in adapters.items():
        if isinstance(adapter, QQAdapter):
            found += adapter.routes
        elif isinstance(adapter, WebChat):
            service = WebChatService(
                adapter=adapter,
                engine=ground.engine,
                turns=ground.turns,
                conversations=conversations,
                guard=ground.guard,
                clock=ground.clock,
                reasoning=rules[name].show_reasoning,
                simulated=ground.simulated,
            )
            found += webchat_routes(service)
    return found


def with_page(settings: Settings) -> Settings:
    """Settings with a bot for the web page: the configured one, else one on the first route.

    Whoever may use the gateway may use the page, so it asks nobody for a pairing.
    """
    if any(bot.platform == WEBCHAT for bot in settings.bots.values()):
        return settings
    name = next(name for name in ("web", "web-page", "holdfast-web") if name not in settings.bots)
    route = next((route for route in settings.routes if route != "*"), "gpt-5.5")
    rules = {
        "platform": WEBCHAT,
        "route": route,
        "access": {"direct": "open"},
        "tools": ("time", "calculator"),
    }
    page = BotSettings.model_validate(rules)
    return settings.model_copy(update={"bots": {**settings.bots, name: page}})
