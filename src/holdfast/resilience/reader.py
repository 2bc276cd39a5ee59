"""What the reader of a call has been given, and what of an attempt may be given next.

What is given cannot be taken back, except from a reader who takes the whole answer anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from ..core.attempt import How
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
from ..core.failure import Failure
from ..core.request import Surface
from ..core.tokens import estimate_tokens
from .joint import Divergence, diverged
from .leg import Leg


class Reader:
    def __init__(self, surface: Surface, released: str = "") -> None:
        self.characters = len(released)
        self.refused = False  # words of a refusal were given
        self.tool_cut = False  # a tool call was being made when text that was given was cut
        self._surface = surface
        self._text: list[str] = [released] if released else []
        self._reasoning_from: int | None = None  # the attempt whose thoughts are shown

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def has_text(self) -> bool:
        return bool(self._text)

    def sort(self, leg: Leg, event: StreamEvent) -> Sequence[StreamEvent] | Failure:
        """What of `event` may be given; the rest waits in the leg. A failure if it does not fit."""
        match event:
            case TextDelta() if leg.splicer is not None:
                text = leg.splicer.feed(event.text)
                if isinstance(text, Failure):
                    return text
                # What else the event held was of a text that is no more.
                return leg.in_turn(replace(event, text=text, extra=None)) if text else ()
            case RefusalDelta() if leg.how not in (How.START, How.NATIVE):
                return diverged(Divergence.REFUSED)  # it goes on with no text
            case TextDelta() if not event.text:
                return leg.beside(event)
            case TextDelta() | RefusalDelta():
                return leg.in_turn(event)
            case ReasoningDelta():
                return self._reasoning(leg, event)
            case ToolCallDelta():
                leg.hold_tool(event)
            case Foreign():
                return leg.beside(event, open=event.open)
            case UsageReport() | Finished():
                pass
            case Restarted():
                raise ValueError("no upstream makes an answer void")
            case _:
                assert_never(event)
        return ()

    def _reasoning(self, leg: Leg, event: ReasoningDelta) -> Sequence[StreamEvent]:
        if self._reasoning_from not in (None, leg.number) or leg.how is not How.START:
            return ()
        if event.text:
            return leg.in_turn(event)
        leg.held.append(event)  # a signature: of use only beside the answer that it goes with
        return ()

    def give(self, leg: Leg, events: Sequence[StreamEvent]) -> Sequence[StreamEvent]:
        """What the reader is given of `events` at once: all, or nothing yet."""
        if not events or self._surface is Surface.NONE:
            leg.withheld.extend(events)
            return ()
        if any(isinstance(event, TextDelta | RefusalDelta) for event in events):
            events = [*self._restart(leg), *events]
        for event in events:
            if isinstance(event, TextDelta | RefusalDelta) and event.text:
                self._text.append(event.text)
                self.characters += len(event.text)
                leg.released += len(event.text)
                self.refused = self.refused or isinstance(event, RefusalDelta)
            elif isinstance(event, ReasoningDelta):
                self._reasoning_from = leg.number
        return events

    def end(self, leg: Leg, usage: UsageReport | None) -> tuple[StreamEvent, ...]:
        """All that was held back of a whole answer, its end last."""
        assert leg.finished is not None
        if self._surface is Surface.NONE:
            self.characters = leg.released = 0
        events = (*self._restart(leg), *leg.withheld, *leg.release())
        said = sum(len(e.text) for e in events if isinstance(e, TextDelta | RefusalDelta))
        self.characters += said
        leg.released += said
        return (*events, *([usage] if usage else ()), _as_it_ended(leg.finished, leg))

    def usage(self, leg: Leg) -> UsageReport | None:
        """Tokens of the logical answer: a continuation's own count lacks what came before it."""
        if leg.how in (How.START, How.NATIVE, How.ANEW) or leg.usage is None:
            return leg.usage
        before = estimate_tokens(self.text[: self.characters - leg.released])
        tokens = leg.usage.output_tokens + before
        return replace(leg.usage, output_tokens=tokens, estimated=True, extra=None)

    def _restart(self, leg: Leg) -> list[StreamEvent]:
        """Makes void what was given before an attempt that answers anew has something to give."""
        if leg.how is not How.START or leg.released or not self._text:
            return []
        self._text.clear()
        self.characters = 0
        self.refused = self.tool_cut = False
        return [Restarted()]


def _as_it_ended(finished: Finished, leg: Leg) -> Finished:
    """Where no call was told there is none to answer, whatever the vendor says.

    Its word stays beside what only its dialect knows: that may have been a call.
    """
    calling = {choice for choice, _ in leg.tools}

    def reason(choice: int, told: StopReason) -> StopReason:
        lost = told is StopReason.TOOL_CALLS and choice not in calling
        return StopReason.END if lost else told

    first = reason(0, finished.reason)
    reasons = tuple(reason(choice, told) for choice, told in enumerate(finished.reasons))
    word = finished.word if first is finished.reason or leg.foreign else ""
    return replace(finished, reason=first, reasons=reasons, word=word)
