"""Text, reasoning and refusal out of a delta, in whichever shape a vendor gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Channel(Enum):
    TEXT = "text"
    REASONING = "reasoning"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text, never empty, and the channel that it belongs to."""

    channel: Channel
    text: str


# One of them counts: vendors that send two send the same text in both.
REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_text", "thinking")

# The types of content parts, and where each keeps its text.
_PARTS: Mapping[str, tuple[Channel, str]] = {
    "text": (Channel.TEXT, "text"),
    "output_text": (Channel.TEXT, "text"),
    "thinking": (Channel.REASONING, "thinking"),  # Mistral: a list of parts
    "reasoning": (Channel.REASONING, "text"),
    "refusal": (Channel.REFUSAL, "refusal"),
}


def pieces(delta: Mapping[str, Any]) -> list[Piece]:
    """All that the delta says, in the order in which it was meant: reasoning comes first."""
    found = _as_pieces(Channel.REASONING, _reasoning(delta))
    found += _content(delta.get("content"))
    found += _as_pieces(Channel.REFUSAL, _text(delta.get("refusal")))
    return found


def other_parts(content: object) -> list[Any]:
    """The parts of a content list that are no text of any kind: references, images."""
    if not isinstance(content, list):
        return []
    return [part for part in content if isinstance(part, dict) and _known(part) is None]


def says_something(value: object) -> bool:
    return value is not None and value not in ("", [], {})


def _content(content: object) -> list[Piece]:
    if isinstance(content, str):
        return _as_pieces(Channel.TEXT, content)
    if isinstance(content, int | float) and not isinstance(content, bool):
        return _as_pieces(Channel.TEXT, str(content))  # a serializer that makes numbers of digits
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return []
    return [piece for part in content for piece in _part(part)]


def _part(part: object) -> list[Piece]:
    if isinstance(part, str):
        return _as_pieces(Channel.TEXT, part)
    known = _known(part) if isinstance(part, dict) else None
    if known is None:
        return []
    channel, text = known
    return _as_pieces(channel, text)


def _known(part: Mapping[str, Any]) -> tuple[Channel, str] | None:
    kind = part.get("type", "text")
    if not isinstance(kind, str) or kind not in _PARTS:
        return None
    channel, field = _PARTS[kind]
    return channel, _text(part.get(field))


def _reasoning(delta: Mapping[str, Any]) -> str:
    for field in REASONING_FIELDS:
        text = _text(delta.get(field))
        if text:
            return text
    return _text(delta.get("reasoning_details"))


def _text(value: object) -> str:
    """The text of a string, of a part, or of a list of either; "" of anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_text(item) for item in value if isinstance(item, str | dict))
    if isinstance(value, dict):
        fields = (value.get(name) for name in ("text", "summary", "content"))
        return next((field for field in fields if isinstance(field, str)), "")
    return ""


def _as_pieces(channel: Channel, text: str) -> list[Piece]:
    return [Piece(channel, text)] if text else []
