"""PURE. What follows the end of a gateway connection: the platform's table of close codes.

Source: the gateway pages of API v2; 4000, 4003, 4004 and 4005 from the official SDK in Go. The
SDKs for Node begin a new session after 4009, which loses what is said meanwhile; we resume.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from ...core.failure import Failure, Hop, Kind, Phase
from .codec.errors import REPORTER

LOST = 1006  # no close frame came


class Then(Enum):
    """What to do after a connection ended."""

    RESUME = auto()
    IDENTIFY = auto()
    NARROW = auto()
    STOP = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """`pause` replaces the back-off. `hint` is for the operator."""

    then: Then
    pause: float | None = None
    fresh_token: bool = False
    kind: Kind = Kind.INTERNAL
    hint: str = ""


NEW_SESSION = Row(Then.IDENTIFY)
SAME_SESSION = Row(Then.RESUME)

CLOSE_CODES: Mapping[int, Row] = {
    1000: Row(Then.RESUME),
    1001: Row(Then.RESUME),
    1006: Row(Then.RESUME),
    4000: Row(Then.RESUME),
    4001: Row(Then.STOP, hint="the gateway does not know one of our opcodes"),
    4002: Row(Then.STOP, hint="the gateway cannot read one of our payloads"),
    4003: Row(Then.IDENTIFY),
    4004: Row(Then.IDENTIFY, fresh_token=True),
    4005: Row(Then.IDENTIFY),
    4006: Row(Then.IDENTIFY),
    4007: Row(Then.IDENTIFY),
    4008: Row(Then.RESUME, pause=60.0),
    4009: Row(Then.RESUME),
    4010: Row(Then.STOP, kind=Kind.CONFIG, hint="the gateway does not accept the bot's `shard`"),
    4011: Row(Then.STOP, kind=Kind.CONFIG, hint="too many guilds: run bots with `shard`s"),
    4012: Row(Then.STOP, hint="the gateway does not speak this version any more"),
    4013: Row(Then.STOP, hint="the gateway does not know the subscribed events"),
    4014: Row(
        Then.NARROW,
        kind=Kind.FORBIDDEN,
        hint="the bot may not receive messages of persons and groups: ask for the permission "
        "in its console (请在机器人管理端申请群聊和单聊消息的权限)",
    ),
    **dict.fromkeys(range(4900, 4914), NEW_SESSION),
    4914: Row(
        Then.STOP,
        kind=Kind.FORBIDDEN,
        hint="the bot is taken offline, only its sandbox may connect (机器人已下架，只能连接沙箱)",
    ),
    4915: Row(Then.STOP, kind=Kind.FORBIDDEN, hint="the bot is banned (机器人已被封禁)"),
}


def refusal(code: int | None, row: Row) -> Failure:
    """What an operator is told."""
    return Failure(
        row.kind,
        Phase.FIRST,
        Hop.PLATFORM,
        detail=row.hint,
        code=str(code) if code else None,
        param="bot",
        by=REPORTER,
    )
