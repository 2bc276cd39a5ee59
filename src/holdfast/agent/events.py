"""What happens in a turn, as it is journalled, watched and delivered.

The journal of a turn is the only record of it: a killed turn goes on from these events, a late
reader replays them, and the history of a conversation is made of their messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..core.message import Message

ToolOutcome = Literal["ok", "error", "timeout", "unknown", "refused"]
Why = Literal["ask", "length", "resumed", "compacted", "mended", "without_images", "without_tools"]
TurnOutcome = Literal["finished", "limited", "stopped", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person said, as it goes into the history."""

    message: Message


@dataclass(frozen=True, slots=True)
class StepBegan:
    """A model is asked. `ref` is the call's reference id.

    The same step may begin again, for the reason `why` gives: then the text that was added since
    it first began is gone on from, not told anew.
    """

    step: int
    route: str
    ref: str
    why: Why = "ask"


@dataclass(frozen=True, slots=True)
class TextAdded:
    """Text for the person. All that follows the last `Replaced` is the answer so far."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningAdded:
    text: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """The text since the step began is void; it is told anew."""


@dataclass(frozen=True, slots=True)
class StepEnded:
    """The model's message of this step is whole; it goes into the history.

    `stop` says why the model stopped, as core.events.StopReason: end, length, tool_calls,
    content_filter; or "cut_call" or "spoken_call" if it was calling a tool in a way that cannot be
    read, or that is none.
    """

    step: int
    message: Message
    usage: Mapping[str, int] = field(default_factory=dict)
    stop: str = "end"


@dataclass(frozen=True, slots=True)
class ToolAsked:
    """The intent, durable before the tool runs. A call without an answer is never run again."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class MediaAdded:
    """What the answer to a call brings beside words, just before it: a `File` for each picture,
    sound and file that the person is shown, an `Image` for what only the model is (agent.media).
    Or, with no call's id: before the question, what the person attached (role USER); in a turn that
    pays what is owed from an earlier one, what its tools brought.

    Apart from the message, because it is large: of a long conversation the newest few are read.
    """

    call_id: str
    message: Message


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """The result, which goes into the history. `ms` is how long it took. `left_out` names media
    that were too large or too many to be kept, `sizes` are the bytes of each that is shown.

    `rest` is what the message has no room for: the whole output, to be read page by page.
    `failure` is the record of what failed, if anything did.
    """

    call_id: str
    name: str
    outcome: ToolOutcome
    message: Message
    ms: int = 0
    rest: str = ""
    failure: Mapping[str, Any] | None = None
    left_out: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Noted:
    """Something the person or the operator may want to know: a key of the table of texts
    ("rescued", "compacted", "too_many_steps") and what to fill in.
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """A whole message that no model wrote: the reply to a command, a refusal. Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event of every turn. `key` names the sentence that the person is told, "" if the
    answer needs none; `failure` is the record of what failed (core.record.failure_record).
    """

    outcome: TurnOutcome
    key: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    ref: str = ""
    failure: Mapping[str, Any] | None = None


TurnEvent = (
    Asked
    | StepBegan
    | TextAdded
    | ReasoningAdded
    | Replaced
    | StepEnded
    | ToolAsked
    | MediaAdded
    | ToolAnswered
    | Noted
    | Said
    | Ended
)
