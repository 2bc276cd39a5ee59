"""How a turn stands, folded from its events.

A turn that was killed and one that runs are the same to this: both are their events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import assert_never

from ..core.message import Message, Role, Text, ToolCall
from .events import (
    Asked,
    Ended,
    MediaAdded,
    Noted,
    ReasoningAdded,
    Replaced,
    Said,
    StepBegan,
    StepEnded,
    TextAdded,
    ToolAnswered,
    ToolAsked,
    TurnEvent,
    Why,
)
from .media import joined, shown

# A step's `stop` beside those of a model:
CUT_CALL = "cut_call"  # it said something, and its call could not be read
SPOKEN_CALL = "spoken_call"  # it wrote a call out as text, once more

LEFT_OUT: tuple[Why, ...] = ("without_images", "without_tools")
"""Why a question is asked without what may be too much for a model, in the order of the trials."""

Identity = tuple[str, str]
"""Name and arguments: what makes two calls the same."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A turn as its events tell it."""

    messages: tuple[Message, ...] = ()  # of this turn alone, as they go into the history
    step: int = 0  # the last that was begun; 0 before the first
    open: bool = False  # a model was asked and its message is not whole
    text: str = ""  # of the open step, as the person has it
    prose: str = ""  # all text that the person has, of all steps
    whys: tuple[Why, ...] = ()  # of every beginning of every step
    continues: int = 0  # of the open step, after its length limit
    stop: str = ""  # why the last whole message ended
    intents: Mapping[str, ToolAsked] = field(default_factory=dict)  # of that message, by call id
    results: tuple[tuple[Identity, ToolAnswered], ...] = ()  # of all calls that were run
    media: Mapping[str, Message] = field(default_factory=dict)  # by call id, before its answer
    ended: Ended | None = None

    @property
    def asked(self) -> bool:
        return bool(self.messages)

    @property
    def last(self) -> Message | None:
        """The model's last whole message."""
        return next((m for m in reversed(self.messages) if m.role is Role.ASSISTANT), None)

    @property
    def pending(self) -> tuple[ToolCall, ...]:
        """Calls of the model's last message that have no answer, in order."""
        told = {m.answers for m in after_last(self.messages)}
        return tuple(call for call in (self.last.calls if self.last else ()) if call.id not in told)

    @property
    def pages(self) -> Mapping[str, str]:
        """Outputs that were longer than what the model was shown, by the id of their call."""
        return {answer.call_id: answer.rest for _, answer in self.results if answer.rest}

    @property
    def shows(self) -> bool:
        """Whether a tool brought what the person is shown."""
        return any(map(shown, self.messages))

    @property
    def squeezes(self) -> int:
        return squeezes(self.whys)

    def read(self, released: str) -> str:
        """What the person has of the open step; of the first, what an earlier turn told of it too,
        which is `released`.
        """
        return (released if self.last is None else "") + self.text


def squeezes(whys: Sequence[Why]) -> int:
    """How often the prompt was made shorter since something else was left out of it."""
    since = takewhile(lambda why: why not in LEFT_OUT, reversed(whys))
    return sum(why == "compacted" for why in since)


def standing(events: Iterable[TurnEvent]) -> Standing:
    now = Standing()
    for event in events:
        now = after(now, event)
    return now


def after(now: Standing, event: TurnEvent) -> Standing:
    match event:
        case Asked(message):
            asked = joined([*now.media.values(), message])[-1]
            return replace(now, messages=(*now.messages, asked), media={})
        case StepBegan(step, why=why):
            again = now.open and step == now.step
            return replace(
                now,
                step=step,
                open=True,
                text=now.text if again else "",
                continues=(now.continues if again else 0) + (why == "length"),
                whys=(*now.whys, why),
            )
        case TextAdded(text):
            own = now.text + text if now.open else now.text
            return replace(now, text=own, prose=now.prose + text)
        case Replaced():
            kept = now.prose.removesuffix(now.text) if now.open else now.prose
            return replace(now, text="", prose=kept)
        case StepEnded(message=message, stop=stop):
            messages = (*now.messages, message)
            return replace(now, messages=messages, open=False, text="", stop=stop, intents={})
        case ToolAsked(call_id):
            return replace(now, intents={**now.intents, call_id: event})
        case MediaAdded(call_id, message):
            return replace(now, media={call_id: message})
        case ToolAnswered(call_id, message=message):
            message = joined([*now.media.values(), message])[-1]
            event = replace(event, message=message)
            intent = now.intents.get(call_id)  # vendors use an id again, but not in one message
            ran = (((intent.name, intent.arguments.strip()), event),) if intent else ()
            messages = (*now.messages, message)
            return replace(now, messages=messages, results=(*now.results, *ran), media={})
        case Ended():
            return replace(now, ended=event)
        case ReasoningAdded() | Noted() | Said():
            return now
        case _:
            assert_never(event)


def remembered(events: Iterable[TurnEvent]) -> tuple[Message, ...]:
    """What goes into the history of the conversation: an answer that was cut is kept as far as
    the person has read it.
    """
    now = standing(events)
    cut = (Message(Role.ASSISTANT, (Text(now.text),)),) if now.open and now.text.strip() else ()
    return now.messages + cut


def identity(call: ToolCall) -> Identity:
    return call.name, call.arguments.strip()


def after_last(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The tool results that follow the model's last message."""
    count = 0
    for message in reversed(messages):
        if message.role is not Role.TOOL:
            break
        count += 1
    return tuple(messages[len(messages) - count :])
