"""A prompt in this dialect's words: the body of a chat completion request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

from ...core.attempt import Target
from ...core.message import (
    Audio,
    File,
    Image,
    Message,
    Part,
    Prompt,
    Role,
    Structure,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from .. import dataurl
from ..dialect import ANY
from ..effort import effort
from ..freetext import as_functions
from .native import put_back

_BELOW = Text("The result is shown below.")
_SHOWN = Text("From the results of the tools:")


def write_prompt(prompt: Prompt, target: Target = ANY) -> dict[str, Any]:
    """Everything that a `Prompt` can say has a place in this dialect.

    Tools that take free text are functions here: few of the vendors who speak it know others.
    """
    prompt = as_functions(prompt)
    messages = _apart(_joined(prompt.messages))
    body: dict[str, Any] = {"messages": [_message(message, target) for message in messages]}
    if prompt.tools:
        body["tools"] = [_tool(tool) for tool in prompt.tools]
    if prompt.tool_choice:
        body["tool_choice"] = _choice(prompt.tool_choice)
    if prompt.structure:
        body["response_format"] = _format(prompt.structure)
    if prompt.stop:
        body["stop"] = list(prompt.stop)
    plain = {
        "parallel_tool_calls": prompt.parallel_tool_calls,
        _length(target): prompt.max_tokens,
        "temperature": prompt.temperature,
        "top_p": prompt.top_p,
        "seed": prompt.seed,
        "reasoning_effort": effort(prompt),
        "verbosity": prompt.verbosity,
        "user": prompt.user,
        "metadata": prompt.metadata,
    }
    return body | {name: value for name, value in plain.items() if value is not None}


def _length(target: Target) -> str:
    """Some know the newer name only, some the older one, and a few let the other pass unheeded."""
    return "max_tokens" if "max_tokens" in target.quirks else "max_completion_tokens"


def _joined(messages: Iterable[Message]) -> list[Message]:
    """After calls only their results may come: what is said or called beside them joins them."""
    joined: list[Message] = []
    for message in messages:
        before = joined[-1] if joined else None
        if message.role is Role.ASSISTANT and before and before.calls:
            parts, calls = before.parts + message.parts, before.calls + message.calls
            refusal = before.refusal + message.refusal
            native = before.native or message.native
            joined[-1] = replace(before, parts=parts, calls=calls, refusal=refusal, native=native)
        else:
            joined.append(message)
    return joined


def _apart(messages: Iterable[Message]) -> list[Message]:
    """Results of tools are words here: what else they hold is told as the user's, behind them."""
    apart: list[Message] = []
    shown: list[Part] = []
    for message in messages:
        if message.role is Role.TOOL:
            words = tuple(part for part in message.parts if isinstance(part, Text))
            shown += [part for part in message.parts if not isinstance(part, Text)]
            apart.append(replace(message, parts=words or (_BELOW,) if message.parts else ()))
            continue
        if shown and message.role is Role.USER:
            apart.append(replace(message, parts=(_SHOWN, *shown, *message.parts)))
        else:
            apart += [*_told(shown), message]
        shown = []
    return [*apart, *_told(shown)]


def _told(shown: Sequence[Part]) -> list[Message]:
    return [Message(Role.USER, (_SHOWN, *shown))] if shown else []


def _message(message: Message, target: Target) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role.value, "content": _content(message)}
    if message.calls:
        written["tool_calls"] = [_call(call) for call in message.calls]
        put_back(written, target, message.native.body if message.native else {})
    if message.role is Role.TOOL:
        written["tool_call_id"] = message.answers
    if message.refusal:
        written["refusal"] = message.refusal
    if message.name:
        written["name"] = message.name
    return written


def _content(message: Message) -> str | list[dict[str, Any]] | None:
    """Text alone is a string: many a server takes nothing else."""
    if all(isinstance(part, Text) for part in message.parts):
        return message.text if message.parts or not message.calls else None
    return [_part(part) for part in message.parts]


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image():
            url = dataurl.image_url(part)
            detail = {"detail": part.detail} if part.detail else {}
            return {"type": "image_url", "image_url": {"url": url, **detail}}
        case Audio(data, format):
            return {"type": "input_audio", "input_audio": {"data": data, "format": format}}
        case File():
            return {"type": "file", "file": _file(part)}
        case _:
            assert_never(part)


def _file(file: File) -> Mapping[str, Any]:
    if file.file_id:
        return {"file_id": file.file_id, **({"filename": file.name} if file.name else {})}
    data = dataurl.file_url(file) if file.media_type or file.url else file.data
    return {"filename": file.name, "file_data": data}


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.mode != "named":
        return choice.mode
    return {"type": "function", "function": {"name": choice.name}}


def _format(structure: Structure) -> dict[str, Any]:
    if structure.schema is None:
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": structure.name, "schema": structure.schema}
    if structure.strict is not None:
        schema["strict"] = structure.strict
    if structure.description:
        schema["description"] = structure.description
    return {"type": "json_schema", "json_schema": schema}
