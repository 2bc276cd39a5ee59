"""What an agent is given to do in one turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..core.message import Message


@dataclass(frozen=True, slots=True)
class Task:
    """One message to be answered in its conversation.

    `tools` are names as in a bot's settings: a tool, or "mcp:SERVER" for all of a server's.
    `context` is what tools may know of whom they work for: bot, conversation, person.
    """

    route: str
    asked: Message
    history: tuple[Message, ...] = ()
    persona: str = ""
    tools: tuple[str, ...] = ()
    language: Literal["zh", "en"] = "en"
    show_reasoning: bool = False
    max_steps: int = 12
    max_continues: int = 3  # times an answer that met its length limit is gone on with
    released: str = ""  # what the person has of this very answer, from a turn that was cut off
    replaceable: bool = False  # what the person was shown of it may be taken back
    context: Mapping[str, Any] = field(default_factory=dict)
    summary_route: str = ""  # which route shortens a long conversation; "" drops the oldest turns
    caption_route: str = ""  # which route describes images to a model that cannot see
