"""One attempt under way, as the machine sees it: how far it has come, and what is held back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import assert_never

from ..core.attempt import Attempt, How, Target
from ..core.events import (
    Finished,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    Restarted,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ..core.failure import Failure, Phase
from ..core.reason import Reason
from .replay import Replay
from .splice import Splicer

_ORDER = tuple(Phase)


@dataclass(slots=True)
class Leg:
    """Mutable state of one attempt. All times are monotonic seconds."""

    number: int
    target: Target
    how: How
    started_at: float
    patience: float | None = None  # seconds of silence until another may be asked beside it
    splicer: Splicer | Replay | None = None
    phase: Phase = Phase.RESOLVE
    marks: dict[Phase, float] = field(default_factory=dict)
    first_event_at: float | None = None
    last_bytes_at: float = 0.0
    last_content_at: float = 0.0
    finished: Finished | None = None
    finished_at: float = 0.0
    usage: UsageReport | None = None
    tools: dict[tuple[int, int], list[ToolCallDelta]] = field(default_factory=dict)  # fragments
    withheld: list[StreamEvent] = field(default_factory=list)  # for a reader of whole messages
    held: list[StreamEvent] = field(default_factory=list)  # waits for what it goes with
    spoke: bool = False  # text or refusal came, released or held
    reasoned: bool = False
    foreign: bool = False  # among it was what only its dialect knows
    released: int = 0
    status: int | None = None
    upstream_ids: tuple[tuple[str, str], ...] = ()

    def reach(self, phase: Phase, now: float) -> None:
        if phase not in self.marks:
            self.marks[phase] = now
        if _ORDER.index(phase) > _ORDER.index(self.phase):
            self.phase = phase
        self.last_bytes_at = now

    def hear(self, event: StreamEvent, now: float) -> bool:
        """Notes what `event` says of the attempt; whether it is something of the answer itself."""
        match event:
            case TextDelta() | RefusalDelta() | Foreign(content=True):
                self.spoke = True
                self.foreign = self.foreign or isinstance(event, Foreign) or not event.text
            case ReasoningDelta():
                self.reasoned = True
            case ToolCallDelta():
                pass
            case UsageReport():
                self.usage = event
                return False
            case Finished():
                self.finished, self.finished_at = event, now
                return False
            case Foreign() | Restarted():
                return False
            case _:
                assert_never(event)
        if self.first_event_at is None:
            self.first_event_at = now
            self.reach(Phase.STREAM, now)
        self.last_content_at = now
        self.finished = None  # content after a finish reason: that was no proof
        return True

    def hold_tool(self, delta: ToolCallDelta) -> None:
        """Fragments are kept until the call is whole: half a call is of use to nobody.

        They are told in a row then, as one where nothing stands beside them.
        """
        fragments = self.tools.setdefault((delta.choice, delta.index), [])
        if not fragments:
            self.held.append(delta)
        fragments.append(delta)

    def beside(self, event: StreamEvent, *, open: bool = False) -> list[StreamEvent]:
        """`event`, which is no word, such as an image, where it may be told now.

        It must not be told twice, so it waits until this attempt is the one that tells: until words
        of it were given. From then on nobody else will tell it, and it waits for no more words; but
        what is `open` waits for the rest. A continuation has none: what is continued is text.
        """
        if self.how is not How.START:
            return []
        if self.released and not open:
            return self.in_turn(event)
        self.held.append(event)
        return []

    def in_turn(self, event: StreamEvent) -> list[StreamEvent]:
        """`event` after all that came before it; nothing if a call did, which is still held."""
        self.held.append(event)
        return [] if self.tools else self.release()

    def release(self) -> list[StreamEvent]:
        released, self.held = self.held, []
        if not self.tools:
            return released
        told: list[StreamEvent] = []
        for event in released:
            if isinstance(event, ToolCallDelta):
                told += _joined(self.tools[event.choice, event.index])
            else:
                told.append(event)
        return told

    @property
    def was_cut(self) -> bool:
        """It finished, but not where it wanted to: at a limit or by a filter."""
        cut = (StopReason.LENGTH, StopReason.CONTENT_FILTER)
        return self.finished is not None and self.finished.reason in cut

    def record(
        self, now: float, failure: Failure | None, decision: str = "", why: Reason | None = None
    ) -> Attempt:
        return Attempt(
            number=self.number,
            target=self.target,
            how=self.how,
            started_at=self.started_at,
            ended_at=now,
            phase=failure.phase if failure else Phase.END,
            marks=dict(self.marks),
            first_event_at=self.first_event_at,
            released=self.released,
            failure=failure,
            decision=decision,
            why=why,
            status=self.status or (failure.status if failure else None),
            upstream_ids=(failure.upstream_ids if failure else ()) or self.upstream_ids,
            seam=self.splicer.seam if self.splicer else None,
        )


def _joined(fragments: list[ToolCallDelta]) -> list[ToolCallDelta]:
    """One call: id and name at once, and arguments in as many pieces as have something beside."""
    id = next((fragment.id for fragment in fragments if fragment.id), "")
    name = "".join(fragment.name for fragment in fragments)
    pieces: list[tuple[ToolCallDelta, list[str]]] = []
    for fragment in fragments:
        if not pieces or fragment.extra:
            pieces.append((fragment, []))
        pieces[-1][1].append(fragment.arguments)
    first, *rest = (replace(f, id="", name="", arguments="".join(of)) for f, of in pieces)
    return [replace(first, id=id, name=name), *rest]


def says_nothing(event: StreamEvent) -> bool:
    """Vendors send empty deltas with the role, or to keep the line alive: that is no content."""
    match event:
        case TextDelta() | ReasoningDelta():
            return not (event.text or event.extra)
        case RefusalDelta():
            return not event.text
        case _:
            return False
