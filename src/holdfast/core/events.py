"""What a model stream says, whichever dialect said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .message import Native

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
    extra: Extra | None = None


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A fragment of a tool call. `id` is "" in all but the first of an `index`; `name` as well,
    unless the vendor gave it in pieces.
    """

    index: int
    id: str
    name: str
    arguments: str
    choice: int = 0
    extra: Extra | None = None
    custom: bool = False  # `arguments` is free text, not JSON


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Tokens as the upstream counts them, or our estimate, which says so.

    `input_tokens` counts those read from a cache and written to one as well, `output_tokens`
    those of the reasoning. None is not known.
    """

    input_tokens: int
    output_tokens: int
    estimated: bool = False
    extra: Extra | None = None  # the upstream's own usage object, whole
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Foreign:
    """What only its own dialect has words for: a hosted tool at work, an event of tomorrow.

    `extra` is the event as it came. A client of that dialect is given it back; another client
    is told nothing. `content` is whether it is part of the answer itself, `open` whether more has
    to follow before it is of use: a tool that has begun to work, a call without its result.
    """

    extra: Extra
    choice: int = 0
    content: bool = True
    open: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The only proof that a stream is whole. End of bytes is not.

    `reasons` holds one entry per choice (n > 1); `word` is the upstream's own word. `native` is
    what has to be given back with the answer's calls, for who asked by a `Prompt`.
    """

    reason: StopReason
    reasons: tuple[StopReason, ...] = ()
    word: str = ""
    extra: Extra | None = None
    native: Native | None = None


@dataclass(frozen=True, slots=True)
class Restarted:
    """What was given of the answer is void: it is given anew from here.

    No upstream says this. It is told before the first text of the new answer, and only to a
    reader whose surface is `request.Surface.REPLACE`.
    """


StreamEvent = (
    TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallDelta
    | Foreign
    | UsageReport
    | Restarted
    | Finished
)
