"""From a message to what is to be done with it: an onion of small functions.

    async def polite(visit: Visit, onward: Onward) -> Result:
        if "please" not in visit.text:
            return Say("Say please.")
        return await onward(visit)

    POLITE = Middleware("polite", polite)

A plugin offers such a Middleware, or a Command, under the entry point group `holdfast.plugins`.
What Holdfast does itself is made of the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import Any, Protocol

from ..agent.task import Task
from ..agent.tools import installed
from ..config import BotSettings
from ..core.clock import Clock
from ..core.message import Message, Part
from ..core.verdict import Language
from ..engine.ports import Engine
from ..store.ports import Conversations, IncidentStore, Pairings
from . import texts
from .event import Attachment, Inbound, Scene
from .ledger import Ledger


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is answered."""


@dataclass(frozen=True, slots=True)
class Say:
    """Answered at once, in Markdown, without a model. `refused`: no answer, but a reason.

    `note` is written into the journal beside it.
    """

    text: str
    refused: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A model is asked. `plain`: by a message of the person's own, no command."""

    task: Task
    plain: bool = False


Result = Silence | Say | Ask


class Fetch(Protocol):
    """Gets what people attach. Raises StreamFailed."""

    async def __call__(self, attachment: Attachment, limit: int) -> bytes:
        """At most `limit` bytes; longer ones raise StreamFailed of kind TOO_LONG."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What middlewares and commands may use. Shared by all turns."""

    engine: Engine
    conversations: Conversations
    pairings: Pairings
    incidents: IncidentStore
    ledger: Ledger
    clock: Clock
    routes: Sequence[str]  # that people may choose from
    fetch: Fetch
    new_code: Callable[[], str]
    hour: Callable[[], str]  # local time as "HH:MM"


@dataclass(slots=True)
class Visit:
    """A message on its way in. Middlewares may change `text`, `parts` and `notes`.

    `settings` is what was chosen in this conversation; `values` what middlewares tell each other.
    `history` is what was said in it, as it was when the turn began; whoever changes that sets None.
    `stopped` is set once the answer is not wanted any more: nothing is to be waited for then.
    """

    bot: str
    rules: BotSettings
    inbound: Inbound
    turn: str
    lane: str
    language: Language
    services: Services
    text: str = ""
    parts: list[Part] = field(default_factory=list)
    settings: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Message] | None = None
    resumed: bool = False  # it was let in by an earlier life of the turn
    always: bool = False  # it is a command that no limit holds back
    values: dict[str, Any] = field(default_factory=dict)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, key: str, /, **values: Any) -> Say:
        return Say(texts.say(key, self.language, **values))

    def refuse(self, key: str, /, **values: Any) -> Say:
        return Say(texts.say(key, self.language, **values), refused=True)

    @property
    def owner(self) -> bool:
        """An administrator of this bot."""
        return self.inbound.sender.id in self.rules.access.owners or (
            self.inbound.from_owner and self.direct
        )

    @property
    def direct(self) -> bool:
        return self.inbound.place.scene is Scene.DIRECT

    @property
    def route(self) -> str:
        """As chosen in this conversation; the bot's own where that is no more."""
        chosen = self.settings.get("route")
        return str(chosen) if chosen in self.services.routes else self.rules.route

    @property
    def persona(self) -> str:
        return str(self.settings.get("persona") or self.rules.persona)


Onward = Callable[[Visit], Awaitable[Result]]
Run = Callable[[Visit, Onward], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Middleware:
    """`gate`: it decides who is let in, and is not asked again when a turn is resumed."""

    name: str
    run: Run
    gate: bool = False


Obey = Callable[[Visit, str, Onward], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Command:
    """What people ask for by "/name", by another of its `words` after a slash, or by one of the
    `bare` words alone.

    `obey` is given what follows the name, and `onward` to a model. `help` is what it does, in
    English and Chinese; a command without is not listed. `urgent`: it is not kept waiting by
    the turn that runs. `always`: neither is it refused for how much or when somebody writes.
    """

    name: str
    obey: Obey
    help: tuple[str, str] = ("", "")
    words: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    urgent: bool = False
    always: bool = False


def onion(layers: Sequence[Middleware], core: Onward) -> Onward:
    """`core` inside of all layers, the first outermost."""
    inner = core
    for layer in reversed(layers):
        inner = _wrapped(layer, inner)
    return inner


def _wrapped(layer: Middleware, inner: Onward) -> Onward:
    async def call(visit: Visit) -> Result:
        if layer.gate and visit.resumed:
            return await inner(visit)
        return await layer.run(visit, inner)

    return call


def plugins(found: Iterable[EntryPoint] | None = None) -> tuple[list[Middleware], list[Command]]:
    """What installed packages offer. Raises whatever a plugin raises when it is imported: a bot
    must not start without it unnoticed.
    """
    offered = installed() if found is None else found
    loaded = [entry.load() for entry in offered]
    return (
        [made for made in loaded if isinstance(made, Middleware)],
        [made for made in loaded if isinstance(made, Command)],
    )
