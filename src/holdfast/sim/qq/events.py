"""The platform's events as it words them (API v2, 2026-09)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from .rules import DIRECT_MESSAGES, GROUP_AND_C2C, INTERACTIONS, PUBLIC_GUILD_MESSAGES

Json = dict[str, Any]

_BEIJING = timezone(timedelta(hours=8))

# Which subscription brings a type, by how its name begins.
_INTENTS = (
    ("DIRECT_MESSAGE", DIRECT_MESSAGES),
    ("INTERACTION", INTERACTIONS),
    ("AT_MESSAGE", PUBLIC_GUILD_MESSAGES),
    ("PUBLIC_MESSAGE", PUBLIC_GUILD_MESSAGES),
    ("MESSAGE_AUDIT", 1 << 27),
    ("MESSAGE_REACTION", 1 << 10),
    ("MESSAGE_", 1 << 9),
    ("GUILD_MEMBER", 1 << 1),
    ("GUILD_", 1 << 0),
    ("CHANNEL_", 1 << 0),
    ("GROUP_MEMBER", 1 << 24),
)


@dataclass(frozen=True, slots=True)
class Event:
    """A dispatch without its sequence number. `id` is the one that answers may name."""

    type: str
    id: str
    data: Json

    @property
    def intent(self) -> int:
        return next((bit for name, bit in _INTENTS if self.type.startswith(name)), GROUP_AND_C2C)

    def frame(self, seq: int) -> Json:
        return {"op": 0, "s": seq, "t": self.type, "id": self.id, "d": self.data}


def beijing(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(_BEIJING).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a message answers."""

    index: str  # its REFIDX
    text: str
    attachments: Sequence[Json] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said; `index` is the name under which it can be quoted."""

    id: str
    text: str
    at: float
    index: str = ""
    attachments: Sequence[Json] = ()
    quoted: Quoted | None = None


def _body(said: Said) -> Json:
    """What messages of people and groups have in common."""
    quoted = said.quoted
    marks = [f"ref_msg_idx={quoted.index}"] if quoted else []
    body: Json = {
        "id": said.id,
        "content": said.text,
        "message_type": 103 if quoted else 0,
        "message_scene": {"source": "default", "ext": [*marks, f"msg_idx={said.index}"]},
        "timestamp": beijing(said.at),
    }
    if quoted:
        element = {
            "msg_idx": quoted.index,
            "message_type": 0,
            "content": quoted.text,
            "attachments": list(quoted.attachments),
        }
        body["msg_elements"] = [element]
    if said.attachments:
        body["attachments"] = list(said.attachments)
    return body


def c2c_message(said: Said, openid: str) -> Json:
    author = {
        "id": openid,
        "user_openid": openid,
        "union_openid": "",
        "username": "",
        "bot": False,
    }
    return {**_body(said), "author": author}


def group_message(
    said: Said, group: str, author: Json, mentions: Sequence[Json] | None = None
) -> Json:
    """`author` is a `member`; without `mentions` it is a message that was for the bot."""
    body = {**_body(said), "author": author, "group_id": group, "group_openid": group}
    return body if mentions is None else {**body, "mentions": list(mentions)}


def member(openid: str, name: str, *, bot: bool = False, role: str = "member") -> Json:
    return {
        "id": openid,
        "member_openid": openid,
        "member_role": role,
        "username": name,
        "union_openid": "",
        "bot": bot,
    }


def guild_message(
    said: Said, guild: str, channel: str, author: Json, seq: int, mentions: Sequence[Json] = ()
) -> Json:
    data: Json = {
        "id": said.id,
        "channel_id": channel,
        "guild_id": guild,
        "content": said.text,
        "author": author,
        "member": {"joined_at": "2021-04-12T16:34:42+08:00", "roles": ["1"]},
        "timestamp": beijing(said.at),
        "seq": seq,
        "seq_in_channel": str(seq),
    }
    if mentions:
        data["mentions"] = list(mentions)
    return {**data, "attachments": list(said.attachments)} if said.attachments else data


def aged(data: Json) -> Json:
    """A message as it looked in 2024: fewer fields, addresses without a scheme."""
    kept = {k: v for k, v in data.items() if k not in ("message_type", "msg_elements", "mentions")}
    if "attachments" in kept:
        kept["attachments"] = [
            {**file, "url": str(file.get("url", "")).removeprefix("https://")}
            for file in kept["attachments"]
        ]
    return kept
