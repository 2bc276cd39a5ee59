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
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Literal, Self

from .desk import Asked, Desk, Interaction
from .events import (
    Event,
    Quoted,
    Said,
    aged,
    c2c_message,
    group_message,
    guild_message,
    member,
)
from .faults import Fault, Faults, What
from .gateway import GatewaySide
from .rules import Place, Rules
from .seen import Conversation, Shown
from .server import HttpSide
from .tokens import TokenDesk
from .webhook import WebhookSender
from .world import Anchor, World

Json = dict[str, Any]

APP_ID = "102000000"
APP_SECRET = "sim-qq-secret-7f31"  # noqa: S105 - of a bot that does not exist
_SELF = "42F7000000000000000000000000B0B0"
_BOT: Json = {
    "id": "6158788878435714165",
    "username": "holdfast",
    "avatar": "",
    "bot": True,
    "union_openid": "",
    "union_user_account": "",
}
_PATIENCE = 10.0  # real seconds


class Chat:
    """A conversation with the bot, as people see it."""

    def __init__(self, qq: SimulatedQQ, conversation: Conversation) -> None:
        self._qq = qq
        self.conversation = conversation

    @property
    def id(self) -> str:
        return self.conversation.id

    @property
    def shown(self) -> list[Shown]:
        """Everything but the typing notice, oldest first."""
        return [shown for shown in self.conversation.shown if shown.kind != "typing"]

    @property
    def reads(self) -> list[str]:
        """The texts on the screen, also of unfinished and rolled back streams."""
        return [text for shown in self.shown if (text := shown.text(self._qq.now()))]

    @property
    def generating(self) -> list[Shown]:
        """Streams that have not ended, or never did."""
        return [shown for shown in self.shown if not shown.finished]

    @property
    def typing(self) -> list[Shown]:
        return [shown for shown in self.conversation.shown if shown.kind == "typing"]

    def _emit(self, type_: str, data: Json, anchor: bool = True) -> str:
        return self._qq.emit(type_, data, self.conversation if anchor else None)


class Person(Chat):
    """A friend of the bot, who also may be in groups and guilds."""

    def __init__(self, qq: SimulatedQQ, conversation: Conversation, name: str) -> None:
        super().__init__(qq, conversation)
        self.name = name

    def says(
        self, text: str, attachments: Sequence[Json] = (), quoted: Quoted | None = None
    ) -> str:
        """Sends a private message; its id."""
        world = self._qq.world
        said = Said(world.message_id(), text, world.now(), world.index(), attachments, quoted)
        data = c2c_message(said, self.id)
        self._emit("C2C_MESSAGE_CREATE", data)
        return str(data["id"])

    def befriends(self) -> str:
        return self._relation("FRIEND_ADD", friend=True)

    def unfriends(self) -> str:
        return self._relation("FRIEND_DEL", friend=False)

    def rejects(self) -> str:
        """Wants no message that answers nothing."""
        self.conversation.rejects = True
        return self._relation("C2C_MSG_REJECT")

    def permits(self) -> str:
        self.conversation.rejects = False
        return self._relation("C2C_MSG_RECEIVE")

    def presses(self, data: str, kind: int = 11) -> str:
        """A button of a keyboard; the interaction's id."""
        return self._qq.interact(self.conversation, {"user_openid": self.id}, data, kind)

    def _relation(self, type_: str, friend: bool | None = None) -> str:
        if friend is not None:
            self.conversation.friend = friend
        at = int(self._qq.now())
        return self._emit(type_, {"openid": self.id, "timestamp": at, "author": {}})


class Group(Chat):
    def says(
        self,
        person: Person,
        text: str,
        *,
        to_bot: bool = True,
        attachments: Sequence[Json] = (),
        quoted: Quoted | None = None,
        by_bot: bool = False,
        everyone: bool = False,
    ) -> str:
        """A message in the group; its id. What does not mention the bot is only sent where the
        group sends all its messages (`rules.full_messages`).
        """
        world, rules = self._qq.world, self._qq.rules
        mentions: list[Json] = []
        if to_bot:
            mentions.append(_mention_of_bot())
        if everyone:
            mentions.append({"scope": "all", "is_you": False, "bot": False})
        full = rules.full_messages or rules.both_group_events
        said = Said(
            world.message_id(),
            f" {text} " if to_bot else text,
            world.now(),
            world.index(),
            attachments,
            quoted,
        )
        author = member(person.id, person.name, bot=by_bot)
        data = group_message(said, self.id, author, mentions if full else None)
        if to_bot and (rules.both_group_events or not rules.full_messages):
            at_only = {k: v for k, v in data.items() if k != "mentions"}
            self._emit("GROUP_AT_MESSAGE_CREATE", at_only)
        if full:
            self._emit("GROUP_MESSAGE_CREATE", data)
        return str(data["id"])

    def adds_bot(self) -> str:
        self.conversation.friend = True
        return self._relation("GROUP_ADD_ROBOT")

    def removes_bot(self) -> str:
        self.conversation.friend = False
        return self._relation("GROUP_DEL_ROBOT")

    def rejects(self) -> str:
        self.conversation.rejects = True
        return self._relation("GROUP_MSG_REJECT")

    def permits(self) -> str:
        self.conversation.rejects = False
        return self._relation("GROUP_MSG_RECEIVE")

    def presses(self, person: Person, data: str, kind: int = 11) -> str:
        whom = {"group_openid": self.id, "group_member_openid": person.id}
        return self._qq.interact(self.conversation, whom, data, kind)

    def _relation(self, type_: str) -> str:
        at = int(self._qq.now())
        data = {"group_openid": self.id, "op_member_openid": "A" * 32, "timestamp": at}
        return self._emit(type_, data)


class GuildChat(Chat):
    """A channel, where the bot is mentioned, or a guild's private chat."""

    def says(
        self, person: Person, text: str, *, attachments: Sequence[Json] = (), mention: bool = True
    ) -> str:
        """`text` is escaped as the platform does."""
        qq = self._qq
        direct = self.conversation.place == "dm"
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        at_bot = mention and not direct
        bot = {"id": _BOT["id"], "username": _BOT["username"], "bot": True, "avatar": ""}
        serial = qq.world.serial()
        said = Said(
            f"08sim{serial:012x}",
            f"<@!{_BOT['id']}> {escaped}" if at_bot else escaped,
            qq.now(),
            attachments=attachments,
        )
        data = guild_message(
            said,
            self.id if direct else "18700000000001",
            f"c-{self.id}" if direct else self.id,
            {"avatar": "", "bot": False, "id": person.id[-8:], "username": person.name},
            serial,
            [bot] if at_bot else (),
        )
        if direct:
            data |= {"src_guild_id": "18700000000099", "direct_message": True}
        kind = "DIRECT_MESSAGE_CREATE" if direct else "AT_MESSAGE_CREATE"
        self._emit(kind if direct or mention else "MESSAGE_CREATE", data)
        return str(data["id"])


def _mention_of_bot() -> Json:
    return {
        "bot": True,
        "id": _SELF,
        "is_you": True,
        "member_openid": _SELF,
        "scope": "single",
        "username": _BOT["username"],
    }


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
        self.gateway = GatewaySide(self.rules, _BOT, self.tokens.good, self.now, self.changed, host)
        self.webhook = WebhookSender(APP_ID, APP_SECRET, self.rules, self.now, self.changed)
        self.desk = Desk(
            self.world,
            self.tokens,
            _BOT,
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
        self._news.set()

    async def until(self, condition: Callable[[], bool], patience: float = _PATIENCE) -> None:
        """Returns once `condition` holds. Raises TimeoutError after `patience` real seconds."""
        async with asyncio.timeout(patience):
            while not condition():
                self._news.clear()
                await self._news.wait()

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
