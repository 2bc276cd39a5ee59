"""What the machine asks of its driver."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.attempt import Attempt, How, Outcome, Target
from ..core.events import StreamEvent


@dataclass(frozen=True, slots=True)
class Open:
    """Start attempt `attempt`; `released` is the text the reader already has."""

    attempt: int
    target: Target
    how: How
    released: str


@dataclass(frozen=True, slots=True)
class Close:
    """Stop attempt `attempt` at once; what it still says is of no use."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Emit:
    """Release these events to the reader."""

    events: tuple[StreamEvent, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """Keep this attempt now: it is over, and the decision about it is taken."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Wake:
    """Call `tick` at this time. Replaces any earlier Wake."""

    at: float


@dataclass(frozen=True, slots=True)
class Done:
    outcome: Outcome


Command = Open | Close | Emit | Record | Wake | Done
