"""QQ's bot platform in one object: people to speak as, and what they see.

    async with SimulatedQQ() as qq:
        settings = BotSettings(platform="qq", route="...", **qq.settings())
        ...                                   # the bot connects
        await qq.connected()                  # WebSocket; or qq.webhook.url = "http://..."
        anna = qq.person("Anna")
        anna.says("hello")
        await qq.until(lambda: anna.reads == ["Hi!"])
        assert anna.generating == [] and qq.complaints == []

Groups: `group = qq.group(); group.says(anna, "hi")` mentions the bot; `to_bot=False` does not.
Guilds: `qq.channel()`, `qq.guild_dm(person)`. Faults: `qq.fail(Refuse(50001), "stream_messages")`,
`qq.fail(Cut(), done=True)` (answer lost after the effect), `qq.gateway.kick(4009)`, `.drop()`,
`.ask_to_reconnect()`, `.invalidate(resumable=False)`, `qq.rules.repeats = 1`. Time:
`qq.advance(301)` moves windows, tokens and rates. `qq.asked` holds every request as it came.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Literal, Self

from .desk import Asked, Desk, Interaction
from .events import Event, aged
from .faults import Fault, Faults, What
from .gateway import GatewaySide
from .people import BOT, Group, GuildChat, Person
from .rules import Place, Rules
from .seen import Conversation
from .server import HttpSide
from .tokens import TokenDesk
from .webhook import WebhookSender
from .world import Anchor, World

Json = dict[str, Any]

APP_ID = "102000000"
APP_SECRET = "sim-qq-secret-7f31"  # noqa: S105 - of a bot that does not exist
_PATIENCE = 300.0  # real seconds; only a hang reaches it, however slow the machine is


class SimulatedQQ:
    """An async context manager; see the module's text."""

    app_id = APP_ID
    app_secret = APP_SECRET

    def __init__(self, rules: Rules | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.rules = rules or Rules()
        self._ahead = 0.0
        self._news = asyncio.Event()
        self._faults = Faults()
        self._stack = AsyncExitStack()
        self.world = World(self.rules, self.now, self.changed)
        self.tokens = TokenDesk(APP_ID, APP_SECRET, self.rules, self.now)
        self.gateway = GatewaySide(self.rules, BOT, self.tokens.good, self.now, self.changed, host)
        self.webhook = WebhookSender(APP_ID, APP_SECRET, self.rules, self.now, self.changed)
        self.desk = Desk(
            self.world,
            self.tokens,
            BOT,
            lambda: self.gateway.live or bool(self.webhook.url),
            self.gateway.address,
        )
        self.http = HttpSide(self._answer, self._faults, host, port)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.http)
            await stack.enter_async_context(self.gateway)
            stack.push_async_callback(self.webhook.aclose)
            self.desk.origin = self.http.origin
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    # Where it is.

    @property
    def api_base(self) -> str:
        return self.http.origin

    @property
    def token_url(self) -> str:
        return f"{self.http.origin}/app/getAppAccessToken"

    def settings(self, transport: Literal["websocket", "webhook"] = "websocket") -> Json:
        """The keys of a bot's settings that lead here."""
        return {
            "app_id": APP_ID,
            "app_secret": APP_SECRET,
            "transport": transport,
            "api_base": self.api_base,
            "token_url": self.token_url,
        }

    # Its clock and its news.

    def now(self) -> float:
        return time.time() + self._ahead  # noqa: TID251 - the platform's own clock

    def advance(self, seconds: float) -> None:
        self._ahead += seconds
        self.changed()

    def changed(self) -> None:
        """Wakes everybody who waits for news."""
        self._news.set()
        self._news = asyncio.Event()

    async def until(self, condition: Callable[[], bool], patience: float = _PATIENCE) -> None:
        """Returns once `condition` holds. Raises TimeoutError after `patience` real seconds."""
        async with asyncio.timeout(patience):
            while not condition():
                await self.news()

    async def news(self) -> None:
        """Returns when something has happened, or may have."""
        news = self._news
        await news.wait()

    async def connected(self, sessions: int = 1) -> None:
        """Returns once that many sessions are on the gateway."""
        await self.until(
            lambda: sum(1 for s in self.gateway.sessions.values() if s.connection) >= sessions
        )

    # Who is there.

    def person(self, name: str = "") -> Person:
        """A new friend of the bot."""
        return Person(self, self._conversation("c2c", self._openid()), name)

    def group(self) -> Group:
        return Group(self, self._conversation("group", self._openid()))

    def channel(self) -> GuildChat:
        return GuildChat(self, self._conversation("channel", f"1{self.world.serial():05d}"))

    def guild_dm(self) -> GuildChat:
        return GuildChat(self, self._conversation("dm", f"187{self.world.serial():011d}"))

    def _openid(self) -> str:
        return f"{self.world.serial():032X}"

    def _conversation(self, place: Place, target: str) -> Conversation:
        conversation = Conversation(place, target)
        self.world.conversations[conversation.key] = conversation
        return conversation

    # What happens.

    def emit(self, type_: str, data: Json, answerable: Conversation | None = None) -> str:
        """Sends an event; its top-level id. `answerable`: replies may name it."""
        event = Event(type_, f"{type_}:sim{self.world.serial():08d}", data)
        if self.rules.old_payloads:
            event = Event(type_, event.id, aged(data))
        if answerable:
            at = self.now()
            if "content" in data:
                self.world.messages.setdefault(data["id"], Anchor(answerable.key, at))
            self.world.events[event.id] = Anchor(answerable.key, at, type_)
        self.dispatch(event)
        return event.id

    def dispatch(self, event: Event) -> None:
        """Pushes `event` as often as the rules repeat it."""
        for _ in range(1 + self.rules.repeats):
            if self.webhook.url:
                self.webhook.dispatch(event)
            else:
                self.gateway.dispatch(event)

    def interact(self, conversation: Conversation, whom: Json, data: str, kind: int) -> str:
        serial = self.world.serial()
        interaction_id = f"1b13d569-0000-4000-8000-{serial:012x}"
        self.desk.interactions[interaction_id] = Interaction(self.now())
        self.emit(
            "INTERACTION_CREATE",
            {
                "id": interaction_id,
                "application_id": APP_ID,
                "type": kind,
                "scene": conversation.place,
                "chat_type": 2 if conversation.place == "c2c" else 1,
                "timestamp": "2026-07-20T21:53:54+08:00",
                "version": 1,
                **whom,
                "data": {"type": kind, "resolved": {"button_data": data, "button_id": "b"}},
            },
            conversation,
        )
        return interaction_id

    def fail(self, what: What, where: str = "messages", times: int = 1, done: bool = False) -> None:
        """The next `times` requests whose path holds `where` meet with `what`."""
        self._faults.waiting.append(Fault(what, where, times, done))

    # What was seen of the bot.

    @property
    def asked(self) -> list[Asked]:
        return self.desk.asked

    @property
    def complaints(self) -> list[str]:
        return self.world.complaints

    def _answer(self, request: Any) -> Any:
        answer = self.desk.answer(request)
        self.changed()
        return answer


def file_of(name: str, kind: str, url: str, size: int = 100, **more: str) -> Json:
    """An attachment as events carry it."""
    return {"content_type": kind, "filename": name, "size": size, "url": url, **more}


def face(number: int, text: str) -> str:
    """A QQ emoji as it stands in a message's content."""
    ext = base64.b64encode(json.dumps({"text": text}).encode()).decode()
    return f'<faceType=1,faceId="{number}",ext="{ext}">'
