"""A turn's journal as the page is told it: no more than a person may know. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, assert_never

from ...agent import media
from ...agent.codec import read_event
from ...agent.events import (
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
)
from ...bot import texts
from ...core.mediatype import kind_of
from ...core.message import Message
from ...core.verdict import Language
from ...engine.ports import Entry

SHOWN = 4000  # characters of a tool's input or result

# Notes that the page tells the person of; others are for the bot and the operator.
_NOTES = frozenset({"rescued", "compacted", "tool_unknown", "image_unseen", "media_left_out"})


class View:
    """One reader of one turn. All entries must be given, from the first; media need not be."""

    def __init__(self, language: Language, *, reasoning: bool) -> None:
        self._language = language
        self._reasoning = reasoning
        self._has_text = False

    def shown(self, entry: Entry) -> dict[str, Any]:
        """The entry under its sequence. What is not for the page says nothing."""
        event = read_event(entry.event)
        told = self._event(event, entry.sequence) if event else None
        return {"sequence": entry.sequence, "event": told or {"type": "hidden"}}

    def told(self, entries: Iterable[Entry]) -> list[dict[str, Any]]:
        """Entries that were read without media. What a tool brought stands just before its answer,
        which names it.
        """
        told, last = list[dict[str, Any]](), 0
        for entry in entries:
            event = read_event(entry.event)
            if isinstance(event, ToolAnswered) and entry.sequence - 1 > last:
                told.append(self._left_out(event, entry.sequence - 1))
            told.append(self.shown(entry))
            last = entry.sequence
        return told

    def _left_out(self, event: ToolAnswered, sequence: int) -> dict[str, Any]:
        exhibits = _media(event.message, event.sizes, sequence)
        self._has_text = self._has_text or bool(exhibits)
        added = {"type": "media_added", "call_id": event.call_id, "media": exhibits}
        return {"sequence": sequence, "event": added}

    def _event(self, event: TurnEvent, sequence: int) -> dict[str, Any] | None:
        match event:
            case StepBegan(step):
                return {"type": "step_began", "step": step}
            case TextAdded(text):
                self._has_text = True
                return {"type": "text_added", "text": text}
            case ReasoningAdded(text) if self._reasoning:
                return {"type": "reasoning_added", "text": text}
            case Replaced():
                return {"type": "replaced"}
            case ToolAsked(call_id, name, arguments):
                return {
                    "type": "tool_asked",
                    "call_id": call_id,
                    "name": name,
                    "arguments": arguments[:SHOWN],
                }
            case MediaAdded(call_id) if call_id:
                exhibits = _media(event.message, media.sizes(event.message), sequence)
                self._has_text = self._has_text or bool(exhibits)
                return {"type": "media_added", "call_id": call_id, "media": exhibits}
            case ToolAnswered():
                return {
                    "type": "tool_answered",
                    "call_id": event.call_id,
                    "name": event.name,
                    "outcome": event.outcome,
                    "text": event.message.text[:SHOWN],
                    "ms": event.ms,
                }
            case Noted(key, values) if key in _NOTES:
                return {"type": "noted", "sentence": texts.say(key, self._language, **values)}
            case Said(text):
                return {"type": "said", "text": text}
            case Ended(outcome):
                sentence = texts.ending(event, self._language, self._has_text)
                return {"type": "ended", "outcome": outcome, "sentence": sentence, "ref": event.ref}
            case Asked() | MediaAdded() | StepEnded() | ReasoningAdded() | Noted():
                return None
            case _:
                assert_never(event)


def _media(message: Message, sizes: Sequence[int], sequence: int) -> list[dict[str, Any]]:
    """What the page shows at the step of the tool; `path` is behind the turn's own. Of old entries
    the size is not known.
    """
    return [
        {
            "path": f"media/{sequence}/{number}",
            "kind": kind_of(file.media_type),
            "name": file.name,
            "size": sizes[number] if number < len(sizes) else None,
        }
        for number, file in enumerate(media.shown(message))
    ]
