"""A simulated platform and the person at it: what was sent, and what they see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from holdfast.agent.events import TurnEvent
from holdfast.bot.adapter import Capabilities
from holdfast.bot.delivery import Delivery
from holdfast.bot.event import Frame, Media, Outbound, Place, Receipt, Scene, Typing, Whole
from holdfast.bot.moves import Over, Reply, Send, Wait
from holdfast.bot.parts import Part
from holdfast.bot.script import Script
from holdfast.core.failure import Failure, Hop, Kind, Phase, StreamFailed
from holdfast.core.request import Surface

Fault = Literal[
    "ok",
    "lost",
    "dropped",
    "busy",
    "later",
    "tomorrow",
    "unreachable",
    "broken",
    "no_file",
    "no_upload",
    "expired",
    "hangs",
    "rejected",
    "diverged",
    "crash",
    "crash_after",
]

PLACE = Place("sim:1", Scene.DIRECT, {"msg_id": "m1"})
REPLY = Reply("bot:m1", PLACE, 0.0)
C2C = Capabilities(
    Surface.APPEND_ONLY,
    replies=4,
    window=3600,
    typing=True,
    typing_takes_reply=True,
    media=frozenset({"image", "file"}),
    recognises_repeats=True,
)
GROUP = Capabilities(
    Surface.NONE,
    replies=5,
    window=300,
    media=frozenset({"image", "file"}),
    recognises_repeats=True,
)


def failure(
    kind: Kind, phase: Phase, status: int | None = None, code: str | None = None
) -> Failure:
    return Failure(kind, phase, Hop.PLATFORM, status=status, code=code)


HANGS = 120.0  # seconds in which an upload that hangs is given up

FAILURES = {
    "lost": failure(Kind.TIMEOUT, Phase.HEADERS),
    "dropped": failure(Kind.RESET, Phase.WRITE),
    "busy": failure(Kind.RATE_LIMITED, Phase.HEADERS, 429, "50002"),
    "later": replace(failure(Kind.RATE_LIMITED, Phase.HEADERS, 429), retry_after=20.0),
    "tomorrow": replace(failure(Kind.RATE_LIMITED, Phase.HEADERS, 429), retry_after=86_400.0),
    "unreachable": failure(Kind.REFUSED, Phase.CONNECT),
    "rejected": replace(failure(Kind.FORBIDDEN, Phase.FIRST, 400, "40054013"), param="chat"),
    "diverged": failure(Kind.DIVERGED, Phase.HEADERS, 404, "40007"),
    "broken": failure(Kind.INVALID, Phase.HEADERS, 400, "40007"),
    "expired": replace(failure(Kind.NOT_FOUND, Phase.FIRST, 400, "40034005"), param="anchor"),
    "no_upload": failure(Kind.RATE_LIMITED, Phase.ADMIT, 429, "50002"),
    "hangs": failure(Kind.TIMEOUT, Phase.ADMIT),
    "no_file": replace(failure(Kind.INVALID, Phase.ADMIT, 400, "850019"), param="file"),
}


@dataclass
class Seen:
    """A message on the person's screen."""

    text: str
    final: bool
    index: int = 0


@dataclass
class Platform:
    """Keeps to the rules of an append-only platform, and counts breaches of them."""

    can: Capabilities
    screen: dict[str, Seen] = field(default_factory=dict)  # by the platform's own id
    slots: dict[int, str] = field(default_factory=dict)
    typed: int = 0
    made: int = 0
    sends: list[Outbound] = field(default_factory=list)

    def receive(self, outbound: Outbound, fault: Fault = "ok") -> Receipt:
        self.sends.append(outbound)
        if fault in ("ok", "lost", "crash_after"):
            receipt = self._take(outbound)
            if fault == "ok":
                return receipt
        raise StreamFailed(FAILURES.get(fault, FAILURES["dropped"]))

    def texts(self) -> list[str]:
        return [seen.text for seen in self.screen.values()]

    def used(self) -> int:
        return self.made + (self.typed if self.can.typing_takes_reply else 0)

    def _take(self, outbound: Outbound) -> Receipt:
        content = outbound.content
        if isinstance(content, Typing):
            self.typed += 1
            return Receipt()
        if isinstance(content, Frame) and content.message_id:
            return self._grow(content)
        if self.can.recognises_repeats and outbound.slot in self.slots:
            return Receipt(repeated=True)
        if isinstance(content, Media):
            return self._show(outbound.slot, content)
        assert isinstance(content, Whole | Frame)
        assert len(content.text) <= self.can.max_chars
        assert content.text.strip()
        self.made += 1
        name = f"id{self.made}"
        self.slots[outbound.slot] = name
        final = isinstance(content, Whole) or content.final
        self.screen[name] = Seen(content.text, final)
        return Receipt(name)

    def _show(self, slot: int, media: Media) -> Receipt:
        assert media.kind in self.can.media
        self.made += 1
        name = f"id{self.made}"
        self.slots[slot] = name
        self.screen[name] = Seen(f"<{media.name}>", True)
        return Receipt(name)

    def _grow(self, frame: Frame) -> Receipt:
        seen = self.screen[frame.message_id]
        append_only = self.can.surface is Surface.APPEND_ONLY
        if append_only and (seen.final or not frame.text.startswith(seen.text)):
            raise StreamFailed(FAILURES["broken"])
        assert frame.index > seen.index, "indexes grow strictly"
        assert len(frame.text) <= (self.can.frame_chars or self.can.max_chars)
        seen.text, seen.final, seen.index = frame.text, frame.final, frame.index
        return Receipt(frame.message_id)


@dataclass
class Desk:
    """Works a delivery as its driver does, in virtual time, and survives crashes of itself."""

    can: Capabilities = C2C
    platform: Platform = field(init=False)
    delivery: Delivery = field(init=False)
    journal: list[TurnEvent] = field(default_factory=list)
    stored: dict[int, Part] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    sent_at: list[tuple[float, Outbound]] = field(default_factory=list)
    reasoning: bool = False
    now: float = 0.0

    def __post_init__(self) -> None:
        self.platform = Platform(self.can)
        self.start()

    def start(self) -> None:
        """A new life of the process: all it knows is what was stored."""
        script = Script(reasoning=self.reasoning)
        self.delivery = Delivery(REPLY, self.can, script, self.now, list(self.stored.values()))
        for event in self.journal:
            self.delivery.hear(event)

    def hear(self, *events: TurnEvent) -> None:
        for event in events:
            self.journal.append(event)
            self.delivery.hear(event)

    def run(self, until: float | None = None) -> Over | Wait:
        """Sends what is to be sent, until it waits past `until` (or for events), or is over."""
        for _ in range(500):
            move = self.delivery.next(self.now)
            match move:
                case Send():
                    self.send(move)
                case Wait(at):
                    if at is None or (until is not None and at > until):
                        self.now = max(self.now, until or 0.0)
                        return move
                    if until is None and at > self.now + 700:
                        return move
                    self.now = max(self.now, at)
                case Over():
                    return move
        raise AssertionError("it does not come to an end")

    def send(self, move: Send) -> None:
        self.stored[move.part.slot] = Part.from_json(move.part.to_json())
        fault = self.faults.pop(0) if self.faults else "ok"
        self.sent_at.append((self.now, move.outbound))
        self.now = self.now + 0.05 if fault != "hangs" else min(self.now + HANGS, move.until or 1e9)
        try:
            receipt = self.platform.receive(move.outbound, fault)
        except StreamFailed as failed:
            if fault in ("crash", "crash_after"):
                self.start()
                return
            part = self.delivery.failed(failed.failure, self.now, 0.5)
        else:
            part = self.delivery.taken(receipt, self.now)
        self.stored[part.slot] = Part.from_json(part.to_json())

    @property
    def screen(self) -> list[str]:
        return self.platform.texts()

    @property
    def frames(self) -> Sequence[tuple[int, str, bool]]:
        return [
            (o.content.index, o.content.text, o.content.final)
            for o in self.platform.sends
            if isinstance(o.content, Frame)
        ]
