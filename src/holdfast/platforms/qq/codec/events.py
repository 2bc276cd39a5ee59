"""Events of the platform to messages: guilds, groups and persons, old payloads and new."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from ....bot.event import Attachment, Inbound, Notice, NoticeKind, Person, Place, Scene
from .reading import Json, moment, number, table, tables, text
from .words import readable

PLATFORM = "qq"

_NEW_CONVERSATION = "/new"
_BUTTONS = frozenset({11, 12})  # interactions that must be acknowledged within seconds
_CLEARED = 14
_CARD, _RECORD, _QUOTE = 3, 102, 103
_DEPTH = 3  # of records within records
_ADMIN_ROLES = frozenset({"2", "4"})  # of guilds: administrator, owner

_NOTICES: Mapping[str, NoticeKind] = {
    "FRIEND_ADD": NoticeKind.JOINED,
    "FRIEND_DEL": NoticeKind.LEFT,
    "C2C_MSG_RECEIVE": NoticeKind.OPENED,
    "C2C_MSG_REJECT": NoticeKind.CLOSED,
    "GROUP_ADD_ROBOT": NoticeKind.JOINED,
    "GROUP_DEL_ROBOT": NoticeKind.LEFT,
    "GROUP_MSG_RECEIVE": NoticeKind.OPENED,
    "GROUP_MSG_REJECT": NoticeKind.CLOSED,
}

_ANSWERABLE = frozenset({NoticeKind.JOINED, NoticeKind.OPENED})

Quotes = Mapping[str, str]  # what is known of messages that may be quoted: their REFIDX to text


class Reader:
    """Reads the events of one bot. `quotes` is asked where an event tells only what is quoted.

    `self_id` is the bot's own id in guilds; READY tells it.
    """

    def __init__(self, bot: str, quotes: Quotes) -> None:
        self.self_id = ""
        self._bot = bot
        self._quotes = quotes
        self._decoders: Mapping[str, Callable[[Json, Json, float], Inbound | Notice | None]] = {
            "C2C_MESSAGE_CREATE": self._c2c,
            "GROUP_AT_MESSAGE_CREATE": self._group_mention,
            "GROUP_MESSAGE_CREATE": self._group,
            "AT_MESSAGE_CREATE": self._channel_mention,
            "MESSAGE_CREATE": self._channel,
            "DIRECT_MESSAGE_CREATE": self._guild_dm,
            "INTERACTION_CREATE": self._interaction,
            **dict.fromkeys(_NOTICES, self._notice),
        }

    def decode(self, frame: Json, received_at: float) -> Inbound | Notice | None:
        """`frame` is a whole dispatch. None: nothing for a bot, or nothing that can be read.

        `received_at` (Unix seconds) stands in for a time that is missing.
        """
        decoder = self._decoders.get(text(frame, "t"))
        return decoder(frame, table(frame, "d"), received_at) if decoder else None

    def _c2c(self, frame: Json, data: Json, received_at: float) -> Inbound | None:
        author = table(data, "author")
        openid = text(author, "user_openid", "id")
        return self._message(data, received_at, f"c2c:{openid}", Scene.DIRECT, openid)

    def _group_mention(self, frame: Json, data: Json, received_at: float) -> Inbound | None:
        return self._group_message(data, received_at, addressed=True)

    def _group(self, frame: Json, data: Json, received_at: float) -> Inbound | None:
        """All messages of a group; those that mention the bot may come as this type too."""
        addressed = any(mention.get("is_you") is True for mention in tables(data, "mentions"))
        return self._group_message(data, received_at, addressed=addressed)

    def _group_message(self, data: Json, received_at: float, *, addressed: bool) -> Inbound | None:
        author = table(data, "author")
        group = text(data, "group_openid", "group_id")
        return self._message(
            data,
            received_at,
            f"group:{group}",
            Scene.GROUP,
            text(author, "member_openid", "id") if group else "",
            addressed=addressed,
            from_owner=text(author, "member_role") in ("owner", "admin"),
        )

    def _channel_mention(self, frame: Json, data: Json, received_at: float) -> Inbound | None:
        return self._guild_message(data, received_at, addressed=True)

    def _channel(self, frame: Json, data: Json, received_at: float) -> Inbound | None:
        mentioned = {text(mention, "id") for mention in tables(data, "mentions")}
        addressed = bool(self.self_id) and self.self_id in mentioned
        return self._guild_message(data, received_at, addressed=addressed)

    def _guild_message(self, data: Json, received_at: float, *, addressed: bool) -> Inbound | None:
        channel = text(data, "channel_id")
        roles = table(data, "member").get("roles")
        return self._message(
            data,
            received_at,
            f"channel:{channel}",
            Scene.GROUP,
            text(table(data, "author"), "id") if channel else "",
            addressed=addressed,
            from_owner=isinstance(roles, list) and not _ADMIN_ROLES.isdisjoint(map(str, roles)),
            escaped=True,
        )

    def _guild_dm(self, frame: Json, data: Json, received_at: float) -> Inbound | None:
        guild = text(data, "guild_id")
        sender = text(table(data, "author"), "id") if guild else ""
        return self._message(data, received_at, f"dm:{guild}", Scene.DIRECT, sender, escaped=True)

    def _message(
        self,
        data: Json,
        received_at: float,
        where: str,
        scene: Scene,
        sender: str,
        *,
        addressed: bool = True,
        from_owner: bool = False,
        escaped: bool = False,
    ) -> Inbound | None:
        message_id = text(data, "id")
        if not (message_id and sender):
            return None
        author, member = table(data, "author"), table(data, "member")
        quote, quoted_files = self._quote(data, escaped=escaped)
        anchor = {"msg_id": message_id}
        if index := _mark(data, "msg_idx"):
            anchor["ref"] = index
        return Inbound(
            bot=self._bot,
            platform=PLATFORM,
            id=message_id,
            place=Place(f"{PLATFORM}:{where}", scene, anchor),
            sender=Person(
                sender, text(member, "nick") or text(author, "username"), author.get("bot") is True
            ),
            text=self._text(data, escaped=escaped),
            at=moment(data, "timestamp", received_at),
            addressed=addressed,
            attachments=(*_attachments(data), *quoted_files),
            quote=quote,
            from_owner=from_owner,
        )

    def _text(self, data: Json, *, escaped: bool = False) -> str:
        """The message in words: text, a card's headline, the lines of a forwarded record."""
        names = {}
        for mention in tables(data, "mentions"):
            own = mention.get("is_you") is True or (
                text(mention, "id") == self.self_id
                if self.self_id
                else escaped and mention.get("bot") is True
            )
            name = "" if own else f"@{text(mention, 'nick', 'username', 'id')}"
            for key in {text(mention, "id"), text(mention, "member_openid")}:
                names[key] = name

        def named(mentioned: str) -> str:
            otherwise = "" if mentioned == self.self_id else f"@{mentioned}"
            return names.get(mentioned, otherwise)

        parts = [readable(text(data, "content"), named, escaped=escaped)]
        kind = number(data, "message_type")
        if kind == _CARD or "ark_data" in data:
            parts.append(_card(table(data, "ark_data")))
        if kind != _QUOTE:
            parts += _record(data, _DEPTH)
        return "\n".join(part for part in parts if part)

    def _quote(self, data: Json, *, escaped: bool) -> tuple[str, tuple[Attachment, ...]]:
        """What the message answers: told by newer events, else what is remembered of it."""
        wanted = _mark(data, "ref_msg_idx") or text(table(data, "message_reference"), "message_id")
        told = [
            element
            for element in tables(data, "msg_elements")
            if number(data, "message_type") == _QUOTE
        ]
        if not told:
            return self._quotes.get(wanted, "") if wanted else "", ()
        element = next((one for one in told if text(one, "msg_idx") == wanted), told[0])
        files = tuple(_attachments(element))
        words = self._text(element, escaped=escaped)
        return words or " ".join(f"[{file.kind} {file.name}]" for file in files), files

    def _interaction(self, frame: Json, data: Json, received_at: float) -> Inbound | None:
        """A pressed button says what it stands for; a cleared session begins a new one."""
        resolved = table(table(data, "data"), "resolved")
        kind = number(data, "type")
        said = _NEW_CONVERSATION if kind == _CLEARED else text(resolved, "button_data")
        where, scene, sender = _interaction_place(data, resolved)
        event_id, interaction_id = text(frame, "id"), text(data, "id")
        known = kind in _BUTTONS or kind == _CLEARED
        if not (known and said and sender and event_id and interaction_id):
            return None
        return Inbound(
            bot=self._bot,
            platform=PLATFORM,
            id=interaction_id,
            place=Place(f"{PLATFORM}:{where}", scene, {"event_id": event_id}),
            sender=Person(sender),
            text=said,
            at=moment(data, "timestamp", received_at),
        )

    def _notice(self, frame: Json, data: Json, received_at: float) -> Notice | None:
        group, openid = text(data, "group_openid"), text(data, "openid")
        event_id = text(frame, "id")
        if not event_id or not (group or openid):
            return None
        where = f"group:{group}" if group else f"c2c:{openid}"
        kind = _NOTICES[text(frame, "t")]
        place = Place(
            f"{PLATFORM}:{where}",
            Scene.GROUP if group else Scene.DIRECT,
            {"event_id": event_id} if kind in _ANSWERABLE else {},
        )
        at = moment(data, "timestamp", received_at)
        return Notice(self._bot, PLATFORM, event_id, kind, place, at)


def to_acknowledge(frame: Json) -> str:
    """The id of the interaction that `frame` is and that waits for an answer; "" otherwise."""
    data = table(frame, "d")
    waits = text(frame, "t") == "INTERACTION_CREATE" and number(data, "type") in _BUTTONS
    return text(data, "id") if waits else ""


def _interaction_place(data: Json, resolved: Json) -> tuple[str, Scene, str]:
    """Where it happened, and who did it; "" where the event does not say."""
    if group := text(data, "group_openid"):
        return f"group:{group}", Scene.GROUP, text(data, "group_member_openid")
    if openid := text(data, "user_openid"):
        return f"c2c:{openid}", Scene.DIRECT, openid
    channel = text(data, "channel_id")
    return f"channel:{channel}", Scene.GROUP, text(resolved, "user_id") if channel else ""


def _mark(data: Json, name: str) -> str:
    """One of the "name=value" notes of the message's scene."""
    notes = table(data, "message_scene").get("ext")
    for note in notes if isinstance(notes, list) else ():
        key, _, value = str(note).partition("=")
        if key == name:
            return value
    return ""


def _attachments(data: Json) -> Iterator[Attachment]:
    for file in tables(data, "attachments"):
        kind = text(file, "content_type").lower()
        url = text(file, "url")
        name, size = text(file, "filename"), number(file, "size")
        if wav := text(file, "voice_wav_url"):
            url, media_type = wav, "audio/wav"
        else:
            media_type = kind if "/" in kind else ""
        if not url:
            continue
        heard = text(file, "asr_refer_text")
        yield Attachment(_kind(kind), _absolute(url), name, media_type, size, heard)


def _kind(content_type: str) -> Literal["image", "video", "voice", "file"]:
    match content_type.partition("/")[0]:
        case "image":
            return "image"
        case "video":
            return "video"
        case "voice" | "audio":
            return "voice"
        case _:
            return "file"


def _absolute(url: str) -> str:
    """Older events leave the scheme out."""
    return url if "://" in url else f"https://{url.removeprefix('//')}"


def _card(ark: Json) -> str:
    headline = text(ark, "prompt", "ark_name")
    fields = ark.get("fields")
    details = (
        [text(field, "value") for field in tables(ark, "fields")]
        if isinstance(fields, list)
        else [text(table(ark, "fields"), name) for name in table(ark, "fields")]
    )
    return "\n".join(line for line in (headline, *details) if line)


def _record(data: Json, depth: int) -> list[str]:
    """The lines of a forwarded conversation, one level deeper indented."""
    lines: list[str] = []
    for element in tables(data, "msg_elements") if depth else ():
        author = table(element, "author")
        who = text(author, "username", "nick") or text(element, "username")
        said = readable(text(element, "content"), lambda mentioned: f"@{mentioned}")
        files = " ".join(f"[{file.kind} {file.name}]" for file in _attachments(element))
        words = " ".join(part for part in (said, files) if part)
        if words:
            lines.append(f"{who}: {words}" if who else words)
        lines += [f"  {line}" for line in _record(element, depth - 1)]
    return lines
