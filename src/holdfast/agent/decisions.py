"""What can be decided to come next in a turn."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.message import ToolCall
from .events import Ended, Noted, ToolAnswered, Why


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the model. `text` is what the person has already read of this very step."""

    step: int
    why: Why
    text: str = ""
    tools: bool = True  # may it call any?


@dataclass(frozen=True, slots=True)
class Run:
    """Run these calls side by side, each with its intent written down before."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """These calls are answered without anything being run."""

    answers: tuple[ToolAnswered, ...]
    notes: tuple[Noted, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    ended: Ended


Decision = Ask | Run | Answer | End
