"""What a model stream says, whichever dialect said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

# Fields of the source dialect that this vocabulary has no name for (logprobs, signatures).
# They travel beside the event and are given back to a client that speaks the same dialect.
Extra = Mapping[str, Any]


class StopReason(Enum):
    END = "end"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str
    choice: int = 0
    extra: Extra | None = None


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str
    choice: int = 0
    extra: Extra | None = None


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """The model declines in words of its own; a channel beside the text."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A fragment of a tool call. `id` and `name` are "" in all but the first of an `index`."""

    index: int
    id: str
    name: str
    arguments: str
    choice: int = 0
    extra: Extra | None = None


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Tokens as the upstream counts them, or our estimate, which says so."""

    input_tokens: int
    output_tokens: int
    estimated: bool = False
    extra: Extra | None = None  # the upstream's own usage object, whole


@dataclass(frozen=True, slots=True)
class Finished:
    """The only proof that a stream is whole. End of bytes is not.

    `reasons` holds one entry per choice (n > 1); `word` is the upstream's own word.
    """

    reason: StopReason
    reasons: tuple[StopReason, ...] = ()
    word: str = ""


StreamEvent = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | UsageReport | Finished
