"""People, groups and channels to speak as, and what is on their screens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from .events import Quoted, Said, c2c_message, group_message, guild_message, member
from .rules import Rules
from .seen import Conversation, Shown
from .world import World

Json = dict[str, Any]

BOT: Json = {
    "id": "6158788878435714165",
    "username": "holdfast",
    "avatar": "",
    "bot": True,
    "union_openid": "",
    "union_user_account": "",
}
_SELF = "42F7000000000000000000000000B0B0"  # the bot as a member of groups


class Stage(Protocol):
    """What happens is told to it."""

    world: World
    rules: Rules

    def now(self) -> float: ...

    def emit(self, type_: str, data: Json, answerable: Conversation | None = None) -> str: ...

    def interact(self, conversation: Conversation, whom: Json, data: str, kind: int) -> str: ...


class Chat:
    """A conversation with the bot, as people see it."""

    def __init__(self, qq: Stage, conversation: Conversation) -> None:
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
        texts = [shown.text(self._qq.now()) for shown in self.shown]
        return [text for text in texts if text.strip()]

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

    def __init__(self, qq: Stage, conversation: Conversation, name: str) -> None:
        super().__init__(qq, conversation)
        self.name = name

    def says(
        self, text: str, attachments: Sequence[Json] = (), quoted: Quoted | None = None
    ) -> str:
        """Sends a private message; its id."""
        world = self._qq.world
        said = Said(world.message_id(), text, world.now(), world.index(), attachments, quoted)
        world.quotable[said.index] = (self.conversation.key, text)
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
        known_as = person.id if rules.one_id else f"{person.id[1:]}F"
        author = member(known_as, person.name, bot=by_bot)
        world.quotable[said.index] = (self.conversation.key, text)
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
        bot = {"id": BOT["id"], "username": BOT["username"], "bot": True, "avatar": ""}
        serial = qq.world.serial()
        said = Said(
            f"08sim{serial:012x}",
            f"<@!{BOT['id']}> {escaped}" if at_bot else escaped,
            qq.now(),
            attachments=attachments,
        )
        qq.world.quotable[said.id] = (self.conversation.key, text)
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
        "username": BOT["username"],
    }
