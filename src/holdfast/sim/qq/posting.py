"""Messages of a bot: `POST /v2/users|groups/{id}/messages` and those of guilds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .media import IMAGES, MediaDesk
from .refusal import Refused
from .rules import Place
from .seen import Conversation, Shown
from .world import Json, World

# What the platform's filter takes for an address, "crawler.py" and "v1.md" among them.
_ADDRESS = re.compile(r"(?:https?://)?[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z][A-Za-z0-9]{1,})+\S*")
_EVERYONE = "<qqbot-at-everyone"

CONTENT = " content"  # behind the name of a form's file

_TEXT, _MARKDOWN, _ARK, _TYPING, _MEDIA = 0, 2, 3, 6, 7
_KINDS = {_TEXT, _MARKDOWN, _ARK, _TYPING, _MEDIA}
_ROWS = 5
_LONGEST_TYPING = 60  # seconds


def address_in(text: str) -> str:
    found = _ADDRESS.search(text)
    return found.group() if found else ""


def post(world: World, media: MediaDesk, place: Place, target: str, body: Json) -> dict[str, Any]:
    """A message to a person or a group. Raises Refused."""
    conversation = world.conversation(place, target)
    kind = body.get("msg_type", _TEXT)
    if kind not in _KINDS or (kind == _TYPING and place != "c2c"):
        raise Refused(22006)
    if body.get("msg_id") and body.get("event_id"):
        raise Refused(50059)
    slot = world.slot(conversation, body)
    anchor = world.anchor(conversation, body)
    try:
        shown = _composed(world, media, conversation, kind, body)
        counts = kind != _TYPING or world.rules.typing_counts
        world.spend(conversation, anchor, counts=counts)
    except Refused:
        if world.rules.refusal_takes_slot:
            world.taken.add(slot)
        raise
    world.taken.add(slot)
    return world.show(conversation, shown)


def _composed(
    world: World, media: MediaDesk, conversation: Conversation, kind: int, body: Json
) -> Shown:
    shown = Shown(
        id=world.message_id(),
        kind="text",
        body=str(body.get("content") or ""),
        at=world.now(),
        answers=str(body.get("msg_id") or body.get("event_id") or ""),
        seq=body.get("msg_seq", 1),
        quotes=_quoted(world, conversation, body),
        keyboard=bool(body.get("keyboard")),
    )
    if kind == _TYPING:
        shown.kind, shown.body = "typing", str(_seconds(body))
        return shown
    if kind == _MARKDOWN:
        _markdown(world, conversation, shown, body)
    elif kind == _MEDIA:
        shown.kind = "media"
        stored = media.shown(conversation.place, body.get("media"))
        shown.files, shown.contents = (stored.told,), (stored.data or b"",)
    elif kind == _ARK:
        raise Refused(304004)
    elif not shown.body.strip():
        raise Refused(50006)
    _check_keyboard(body.get("keyboard"))
    check_text(world, conversation, shown.body, shown.format)
    return shown


def _seconds(body: Json) -> int:
    notify = body.get("input_notify")
    seconds = notify.get("input_second") if isinstance(notify, Mapping) else None
    if not isinstance(seconds, int) or not 0 < seconds <= _LONGEST_TYPING:
        raise Refused(50059)
    return seconds


def _markdown(world: World, conversation: Conversation, shown: Shown, body: Json) -> None:
    markdown = body.get("markdown")
    content = markdown.get("content") if isinstance(markdown, Mapping) else None
    if not isinstance(content, str) or not content.strip():
        raise Refused(40034011)
    if conversation.place not in world.rules.markdown:
        raise Refused(40034012)
    if shown.body.strip() and world.rules.markdown_beside_content == "refused":
        raise Refused(22006)
    shown.kind, shown.format, shown.body = "markdown", "markdown", content


def check_text(world: World, conversation: Conversation, text: str, form: str) -> None:
    """Raises Refused for what is too long or holds an address where none may be."""
    rules = world.rules
    guild = conversation.place in ("channel", "dm")
    limit = (
        rules.guild_chars
        if guild
        else rules.markdown_chars
        if form == "markdown"
        else rules.text_chars
    )
    if len(text) > limit:
        raise Refused(40054007)
    if _EVERYONE in text:
        world.complaints.append("a message called everyone")
    found = address_in(text) if conversation.place in rules.filtered else ""
    if found and guild:
        raise Refused(304003)
    if found:
        raise Refused(40054010, words=f"消息发送失败, 不允许发送url {found}")


def _check_keyboard(keyboard: object) -> None:
    content = keyboard.get("content") if isinstance(keyboard, Mapping) else None
    rows = content.get("rows") if isinstance(content, Mapping) else None
    if not isinstance(rows, list):
        return
    if len(rows) > _ROWS or any(len(row.get("buttons", ())) > _ROWS for row in rows):
        raise Refused(40034029)


def _quoted(world: World, conversation: Conversation, body: Json) -> str:
    reference = body.get("message_reference")
    if not isinstance(reference, Mapping):
        return ""
    return world.quoted(conversation, str(reference.get("message_id", "")))


def post_guild(
    world: World, place: Place, target: str, body: Json, bot: Json, *, live: bool
) -> dict[str, Any]:
    """A message to a channel or a guild's private chat; answers with the message itself."""
    if not live:
        raise Refused(304018)
    conversation = world.conversation(place, target)
    anchor = world.anchor(conversation, body)
    text = str(body.get("content") or "")
    markdown = body.get("markdown")
    if isinstance(markdown, Mapping):
        if place not in world.rules.markdown:
            raise Refused(304036)
        text = str(markdown.get("content") or "")
    files = tuple(str(body[name]) for name in ("image", "file_image") if body.get(name))
    sent = body.get(f"file_image{CONTENT}", b"")
    if body.get("file_image") and not sent.startswith(IMAGES):
        raise Refused(850019)
    if not text.strip() and not files:
        raise Refused(50006)
    check_text(world, conversation, text, "text")
    world.spend(conversation, anchor)
    shown = Shown(
        id=f"08{world.serial():018x}",
        kind="media" if files else "text",
        body=text,
        at=world.now(),
        answers=str(body.get("msg_id") or body.get("event_id") or ""),
        quotes=_quoted(world, conversation, body),
        files=files,
        contents=(sent,) if files else (),
    )
    receipt = world.show(conversation, shown)
    return {
        "id": shown.id,
        "channel_id": target,
        "guild_id": target,
        "content": text,
        "timestamp": receipt["timestamp"],
        "author": {"id": bot["id"], "username": bot["username"], "bot": True, "avatar": ""},
    }


def recall(world: World, place: Place, target: str, message_id: str) -> None:
    """Raises Refused after two minutes, and for what is not there."""
    conversation = world.conversation(place, target)
    for shown in conversation.shown:
        if shown.id == message_id:
            if world.now() - shown.at > 120.0:
                raise Refused(40064004)
            shown.recalled = True
            world.changed()
            return
    raise Refused(40061001, 404)
