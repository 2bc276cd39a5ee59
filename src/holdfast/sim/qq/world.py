"""The state of the simulated platform: conversations, what may be answered, and what was said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .events import beijing
from .refusal import Refused
from .rules import Place, Rules
from .seen import Conversation, Shown

Key = tuple[Place, str]
Json = Mapping[str, Any]

_ANSWERABLE: Mapping[Place, frozenset[str]] = {
    "c2c": frozenset({"INTERACTION_CREATE", "C2C_MSG_RECEIVE", "FRIEND_ADD"}),
    "group": frozenset(
        {"INTERACTION_CREATE", "GROUP_ADD_ROBOT", "GROUP_MSG_RECEIVE", "GROUP_MEMBER_ADD"}
    ),
    "channel": frozenset({"INTERACTION_CREATE", "AT_MESSAGE_CREATE", "MESSAGE_CREATE"}),
    "dm": frozenset({"INTERACTION_CREATE", "DIRECT_MESSAGE_CREATE"}),
}


@dataclass(slots=True)
class Anchor:
    """Something that may be answered: a message, or the event `type`."""

    conversation: Key
    at: float
    type: str = ""
    used: int = 0


@dataclass(slots=True)
class World:
    """`now` is Unix seconds by the simulator's clock; `changed` is called when people see more.

    `complaints` holds every rule that a bot broke, in words.
    """

    rules: Rules
    now: Callable[[], float]
    changed: Callable[[], None]
    conversations: dict[Key, Conversation] = field(default_factory=dict)
    messages: dict[str, Anchor] = field(default_factory=dict)
    events: dict[str, Anchor] = field(default_factory=dict)
    quotable: dict[str, tuple[Key, str]] = field(default_factory=dict)  # words by REFIDX or id
    taken: set[tuple[Key, str, int]] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    proactive_at: dict[Key, list[float]] = field(default_factory=dict)
    _serial: int = 0

    def serial(self) -> int:
        self._serial += 1
        return self._serial

    def message_id(self) -> str:
        return f"ROBOT1.0_sim.{self.serial():06d}-_!!"

    def index(self) -> str:
        return f"REFIDX_{self.serial():06d}=="

    def quoted(self, conversation: Conversation, name: str) -> str:
        """The words that people see quoted. Raises Refused."""
        known = self.quotable.get(name)
        if known and known[0] == conversation.key:
            return known[1]
        self.complaints.append(f"a quote of {name!r}, which nobody said there")
        if self.rules.unknown_quotes == "refused":
            raise Refused(50059)
        return ""

    def conversation(self, place: Place, target: str) -> Conversation:
        """Raises Refused where the bot has no business."""
        found = self.conversations.get((place, target))
        if found is None or not found.friend:
            raise Refused(40054004 if place == "c2c" else 40034101)
        if found.muted:
            raise Refused(40054002)
        return found

    def anchor(self, conversation: Conversation, body: Json) -> Anchor | None:
        """What `body` answers, None for nothing, looked up and in time. Raises Refused."""
        message, event = body.get("msg_id"), body.get("event_id")
        if message:
            return self._in_time(self.messages.get(str(message)), conversation, 40034024, 40034005)
        if not event:
            return None
        anchor = self.events.get(str(event))
        if anchor and anchor.type not in _ANSWERABLE[conversation.place]:
            raise Refused(40034027)
        return self._in_time(anchor, conversation, 40034025, 40034026)

    def _in_time(
        self, anchor: Anchor | None, conversation: Conversation, unknown: int, late: int
    ) -> Anchor:
        if anchor is None or anchor.conversation != conversation.key:
            raise Refused(unknown)
        window = (
            self.rules.event_window
            if anchor.type
            else self.rules.c2c_window
            if conversation.place == "c2c"
            else self.rules.group_window
        )
        if self.now() - anchor.at > window:
            raise Refused(late)
        return anchor

    def slot(self, conversation: Conversation, body: Json) -> tuple[Key, str, int]:
        """What makes a message the same as an earlier one. Raises Refused if there was one."""
        named = str(body.get("msg_id") or body.get("event_id") or "")
        seq = body.get("msg_seq", 1)
        if not isinstance(seq, int) or isinstance(seq, bool):
            raise Refused(50059)
        slot = (conversation.key, named, seq)
        if named and slot in self.taken:
            raise Refused(40054005)
        return slot

    def spend(
        self, conversation: Conversation, anchor: Anchor | None, *, counts: bool = True
    ) -> None:
        """Takes one reply of the anchor's budget, or one proactive message. Raises Refused."""
        if anchor is None:
            self._proactive(conversation)
            return
        limits = {"c2c": self.rules.c2c_replies, "group": self.rules.group_replies}
        limit = limits.get(conversation.place)
        if limit is not None and counts and anchor.used >= limit:
            raise Refused(40034128)
        anchor.used += counts

    def _proactive(self, conversation: Conversation) -> None:
        if conversation.rejects:
            raise Refused(40054013 if conversation.place == "c2c" else 40034105)
        if not self.rules.proactive:
            raise Refused(40034105)
        recent = [
            at for at in self.proactive_at.get(conversation.key, []) if self.now() - at < 60.0
        ]
        if len(recent) >= self.rules.proactive_per_minute:
            raise Refused(40034100)
        self.proactive_at[conversation.key] = [*recent, self.now()]

    def show(self, conversation: Conversation, shown: Shown) -> dict[str, Any]:
        """Puts it before people's eyes; the answer to the bot."""
        conversation.shown.append(shown)
        self.changed()
        return self.receipt(shown)

    def receipt(self, shown: Shown) -> dict[str, Any]:
        return {
            "id": shown.id,
            "timestamp": beijing(self.now()),
            "ext_info": {"ref_idx": f"REFIDX_own_{shown.id[-9:]}"},
        }
