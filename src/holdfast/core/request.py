"""A model request as it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from .message import Prompt


class Surface(Enum):
    """How the reader takes output."""

    APPEND_ONLY = "append_only"
    REPLACE = "replace"  # what was given may still be changed
    NONE = "none"  # the whole message at once; nothing is released before the end


@dataclass(frozen=True, slots=True)
class Request:
    """The client's body, untouched, and the facts about it that decisions need.

    Keeping the body lets a target of the same dialect receive every field, known or not. Who
    asks by a `prompt` has neither dialect nor body: those are each target's.
    """

    dialect: str
    model: str
    body: Mapping[str, Any] = field(default_factory=dict)
    surface: Surface = Surface.APPEND_ONLY
    choices: int = 1
    tools: bool = False
    structured: bool = False  # JSON mode or a schema: a cut answer cannot be continued
    include_usage: bool = False
    language: Literal["zh", "en"] = "en"  # of the conversation
    via: str = ""  # the gateways it came through, as in the Via header (RFC 9110, 7.6.3)
    headers: tuple[tuple[str, str], ...] = ()  # of the client, that belong to its dialect
    prompt: Prompt | None = None
    free_text: frozenset[str] = frozenset()  # tools that take it, which a target knows as functions

    @property
    def continuable(self) -> bool:
        """Whether an answer cut after release may be continued at all (DESIGN section 5)."""
        return self.choices == 1 and not self.structured
