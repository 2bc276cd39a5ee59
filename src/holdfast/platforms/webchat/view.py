"""A turn's journal as the page is told it: no more than a person may know. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, assert_never

from ...agent.codec import read_event
from ...agent.events import (
    Asked,
    Ended,
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
)
from ...engine.ports import Entry

SHOWN = 4000  # characters of a tool's input or result

Sentence = Callable[[str, Mapping[str, Any]], str]
"""A key of the table of texts, filled in, in the conversation's language; "" for "" and for
what a person need not be told."""


def shown(entry: Entry, sentence: Sentence, *, reasoning: bool) -> dict[str, Any]:
    """The entry under its sequence. What is not for the page keeps its number and says nothing."""
    event = read_event(entry.event)
    told = _event(event, sentence, reasoning=reasoning) if event else {"type": "hidden"}
    return {"sequence": entry.sequence, "event": told}


def _event(event: TurnEvent, sentence: Sentence, *, reasoning: bool) -> dict[str, Any]:
    match event:
        case Asked():
            return {"type": "asked"}
        case StepBegan(step):
            return {"type": "step_began", "step": step}
        case StepEnded(step):
            return {"type": "step_ended", "step": step}
        case TextAdded(text):
            return {"type": "text_added", "text": text}
        case ReasoningAdded(text):
            return {"type": "reasoning_added", "text": text} if reasoning else {"type": "hidden"}
        case Replaced():
            return {"type": "replaced"}
        case ToolAsked(call_id, name, arguments):
            return {
                "type": "tool_asked",
                "call_id": call_id,
                "name": name,
                "arguments": arguments[:SHOWN],
            }
        case ToolAnswered():
            return {
                "type": "tool_answered",
                "call_id": event.call_id,
                "name": event.name,
                "outcome": event.outcome,
                "text": event.message.text[:SHOWN],
                "ms": event.ms,
            }
        case Noted(key, values):
            return {"type": "noted", "sentence": sentence(key, values)}
        case Said(text):
            return {"type": "said", "text": text}
        case Ended():
            told = sentence(event.key, {"ref": event.ref, **event.values})
            return {
                "type": "ended",
                "outcome": event.outcome,
                "sentence": told,
                "ref": event.ref,
            }
        case _:
            assert_never(event)
