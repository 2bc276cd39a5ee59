"""What a model is asked, in words of no dialect: messages, tools, and how to answer.

A client's request stays as it came as long as it is asked of its own dialect. `Prompt` is the
form in between where dialects differ, and the form in which an agent asks. A field that is None
was not said: nothing is sent for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal


class Role(Enum):
    SYSTEM = "system"
    DEVELOPER = "developer"  # a system message of OpenAI's newer models
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"  # the result of a call


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """Either `url`, or `data` in base64 with its `media_type`."""

    url: str = ""
    data: str = ""
    media_type: str = ""
    detail: str = ""  # low | high | auto


@dataclass(frozen=True, slots=True)
class File:
    """A document: by `url`, by the vendor's `file_id`, or `data` in base64."""

    name: str = ""
    url: str = ""
    data: str = ""
    media_type: str = ""
    file_id: str = ""


@dataclass(frozen=True, slots=True)
class Audio:
    data: str  # base64
    format: str  # wav | mp3


Part = Text | Image | File | Audio


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as the model made it. `arguments` is JSON text, or free text where `custom`."""

    id: str
    name: str
    arguments: str
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Native:
    """An answer with calls as its target said it, to be given back to that target.

    What a model has thought before it calls a tool is often signed, encrypted or asked for
    again, and of use to nobody else: `by` names target and key, and `body` is in the words of
    `dialect` (see `wire.keeping`).
    """

    by: str
    dialect: str
    body: Any


@dataclass(frozen=True, slots=True)
class Message:
    """`answers` is the id of the call whose result a TOOL message holds."""

    role: Role
    parts: tuple[Part, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    answers: str = ""
    failed: bool = False  # the tool's result is an error
    reasoning: str = ""
    refusal: str = ""
    name: str = ""
    native: Native | None = None

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))


def said(role: Role, text: str) -> Message:
    """A message of text alone."""
    return Message(role, (Text(text),) if text else ())


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; `parameters` is a JSON Schema.

    One that is `custom` takes free text instead, perhaps in a `format` such as a grammar.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None
    custom: bool = False
    format: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`name` is the one tool that must be called, for mode "named"."""

    mode: Literal["auto", "none", "required", "named"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Structure:
    """The answer is to be JSON, of this schema if there is one."""

    name: str = "answer"
    schema: Mapping[str, Any] | None = None
    strict: bool | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything that is asked of a model in one call."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    structure: Structure | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    effort: str | None = None  # none | minimal | low | medium | high | xhigh: how long to reason
    reasoning_tokens: int | None = None  # a budget for it, where one was given
    verbosity: str | None = None
    user: str | None = None
    metadata: Mapping[str, str] | None = None
