"""Bots out of settings: adapters, agent, tools and their stores, put together. For `app` only."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.routing import BaseRoute

from .agent import service, tools
from .agent.abilities import Abilities, AbilitiesOf
from .agent.asking import Models
from .agent.service import agent, known_abilities
from .bot import pipeline
from .bot.adapter import Adapter
from .bot.fetch import HttpFetch
from .bot.ledger import StoredLedger
from .bot.pipeline import Services
from .bot.service import Bots, Extras, bots
from .config import WILDCARD, BotSettings, Settings
from .core.clock import Clock
from .node import Node
from .platforms.webchat.adapter import PLATFORM as WEBCHAT
from .platforms.webchat.adapter import WebChat
from .platforms.webchat.routes import Guard, WebChatService
from .platforms.webchat.routes import routes as webchat_routes
from .problems import Problem
from .store.conversations import SqlConversations, SqlNotes, SqlPairings
from .store.database import Database
from .store.deliveries import SqlDeliveries
from .store.ports import IncidentStore, Turns
from .upstream.catalog import Routes
from .upstream.executor import Executor
from .upstream.transport import Transports

_SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that is taken for another


@dataclass(frozen=True, slots=True)
class Ground:
    """What bots stand on."""

    settings: Settings
    database: Database
    turns: Turns
    node: Node
    executor: Executor
    transports: Transports
    routes: Routes
    incidents: IncidentStore
    clock: Clock
    new_ref: Callable[[], str]
    guard: Guard
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Assembled:
    """The bots, and the HTTP routes that some of them need."""

    bots: Bots
    routes: list[BaseRoute] = field(default_factory=list)


async def assemble(ground: Ground, stack: AsyncExitStack) -> Assembled:
    """What has to be closed again is given to `stack`."""
    rules = ground.settings.bots
    plugs = {name: _plug(name, rule, ground) for name, rule in rules.items()}
    adapters = {name: plug.adapter for name, plug in plugs.items()}
    fetch = HttpFetch()
    stack.push_async_callback(fetch.aclose)
    services = Services(
        engine=ground.node.engine,
        conversations=SqlConversations(ground.database),
        pairings=SqlPairings(ground.database),
        incidents=ground.incidents,
        ledger=StoredLedger(SqlDeliveries(ground.database, ground.node.fences)),
        clock=ground.clock,
        routes=ground.routes.names(),
        fetch=fetch,
        new_code=lambda: "".join(secrets.choice(_SIGNS) for _ in range(8)),
        hour=lambda: _hour(ground.clock),
    )
    models = Models(ground.executor, ground.routes.find, ground.new_ref, ground.clock)
    abilities = abilities_of(ground.settings, ground.routes)
    making = agent(models, ground.settings.mcp, tools.plugins(), abilities)
    runner = await stack.enter_async_context(making)
    made = bots(
        rules,
        adapters,
        ground.node.engine,
        services.ledger,
        services,
        runner,
        random.random,
        Extras(*pipeline.plugins()),
    )
    made.outbox.speaks = ground.node.speaks
    stack.push_async_callback(made.aclose)
    return Assembled(made, [route for plug in plugs.values() for route in plug.routes])


def _hour(clock: Clock) -> str:
    return datetime.fromtimestamp(clock.wall(), UTC).astimezone().strftime("%H:%M")


@dataclass(frozen=True, slots=True)
class _Plug:
    """An adapter, and what the server must mount for it."""

    adapter: Adapter
    routes: Sequence[BaseRoute] = ()


def _plug(name: str, rules: BotSettings, ground: Ground) -> _Plug:
    match rules.platform:
        case "qq":
            return _qq(name, rules, ground)
        case "webchat":
            return _webchat(name, rules, ground)


def _qq(name: str, rules: BotSettings, ground: Ground) -> _Plug:
    # Its cryptography takes memory that a gateway alone has no use for.
    from .platforms.qq.adapter import QQAdapter  # noqa: PLC0415

    notes = SqlNotes(ground.database)
    adapter = QQAdapter(name, rules, ground.transports(), ground.clock, random.random, notes)
    return _Plug(adapter, adapter.routes)


def _webchat(name: str, rules: BotSettings, ground: Ground) -> _Plug:
    adapter = WebChat(name)
    service = WebChatService(
        adapter=adapter,
        engine=ground.node.engine,
        turns=ground.turns,
        conversations=SqlConversations(ground.database),
        guard=ground.guard,
        clock=ground.clock,
        reasoning=rules.show_reasoning,
        simulated=ground.simulated,
    )
    return _Plug(adapter, webchat_routes(service))


def bot_problems(settings: Settings) -> Iterable[Problem]:
    """What is wrong with the tools, servers and routes that bots name."""
    return service.problems(settings, tools.plugins())


def abilities_of(settings: Settings, routes: Routes) -> AbilitiesOf:
    """What a route's models can do: as configured, else what is known of all its targets."""
    known = known_abilities(routes.find)

    def of(name: str) -> Abilities:
        found = known(name)
        told = settings.routes.get(name) or settings.routes.get(WILDCARD)
        if told is None:
            return found
        vision = found.vision if told.vision is None else told.vision
        return Abilities(vision, told.context_tokens or found.context_tokens)

    return of


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
        "tools": ("time", "calculator", "fetch"),
    }
    page = BotSettings.model_validate(rules)
    return settings.model_copy(update={"bots": {**settings.bots, name: page}})
