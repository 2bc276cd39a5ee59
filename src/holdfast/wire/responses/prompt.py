"""A prompt in this dialect's words: the body of a request for a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from ...core.attempt import Target
from ...core.failure import Failure
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
from ..untold import Untold
from .native import INCLUDED, includes


def write_prompt(prompt: Prompt, target: Target = ANY) -> dict[str, Any] | Failure:
    try:
        body = _body(prompt)
    except Untold as untold:
        return untold.failure
    return body | ({"include": [INCLUDED]} if includes(target) else {})


def _body(prompt: Prompt) -> dict[str, Any]:
    if prompt.stop:
        raise Untold("stop", "the Responses API knows no stop sequences")
    customs = {call.id for m in prompt.messages for call in m.calls if call.custom}
    body: dict[str, Any] = {
        "input": [item for message in prompt.messages for item in _items(message, customs)],
        "store": False,  # nobody asked for it
    }
    if prompt.tools:
        body["tools"] = [_tool(tool) for tool in prompt.tools]
    if prompt.tool_choice:
        body["tool_choice"] = _choice(prompt.tool_choice, prompt.tools)
    reasoning = _reasoning(prompt)
    if reasoning:
        body["reasoning"] = reasoning
    text = _text(prompt)
    if text:
        body["text"] = text
    plain = {
        "parallel_tool_calls": prompt.parallel_tool_calls,
        "max_output_tokens": prompt.max_tokens,
        "temperature": prompt.temperature,
        "top_p": prompt.top_p,
        "user": prompt.user,
        "metadata": prompt.metadata,
    }
    return body | {name: value for name, value in plain.items() if value is not None}


def _reasoning(prompt: Prompt) -> dict[str, Any]:
    wanted = effort(prompt)
    summary = {"summary": "auto"} if prompt.reasoning_tokens is not None else {}
    return {**({"effort": wanted} if wanted else {}), **summary}


def _text(prompt: Prompt) -> dict[str, Any]:
    text: dict[str, Any] = {}
    if prompt.structure:
        text["format"] = _format(prompt.structure)
    if prompt.verbosity:
        text["verbosity"] = prompt.verbosity
    return text


def _items(message: Message, customs: set[str]) -> list[dict[str, Any]]:
    if message.role is Role.TOOL:
        custom = message.answers in customs
        kind = "custom_tool_call_output" if custom else "function_call_output"
        output = _output(message)
        return [{"type": kind, "call_id": message.answers, "output": output}]
    if message.native:
        return list(message.native.body)
    items = [_call(call) for call in message.calls]
    if message.parts or message.refusal or not message.calls:
        items.insert(0, _spoken(message))
    return items


def _spoken(message: Message) -> dict[str, Any]:
    assistant = message.role is Role.ASSISTANT
    content = [_part(part, assistant=assistant) for part in message.parts]
    if message.refusal:
        content.append({"type": "refusal", "refusal": message.refusal})
    return {"type": "message", "role": message.role.value, "content": content}


def _output(message: Message) -> str | list[dict[str, Any]]:
    if all(isinstance(part, Text) for part in message.parts):
        return message.text
    return [_part(part, assistant=False) for part in message.parts]


def _part(part: Part, *, assistant: bool) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "output_text" if assistant else "input_text", "text": text}
        case Image():
            detail = {"detail": part.detail} if part.detail else {}
            return {"type": "input_image", "image_url": dataurl.image_url(part), **detail}
        case Audio(data, format):
            return {"type": "input_audio", "input_audio": {"data": data, "format": format}}
        case File():
            return {"type": "input_file", **_file(part)}
        case _:
            assert_never(part)


def _file(file: File) -> dict[str, Any]:
    name = {"filename": file.name} if file.name else {}
    if file.file_id:
        return {**name, "file_id": file.file_id}
    if file.url:
        return {**name, "file_url": file.url}
    return {**name, "file_data": dataurl.file_url(file) if file.media_type else file.data}


def _call(call: ToolCall) -> dict[str, Any]:
    if call.custom:
        said = {"type": "custom_tool_call", "input": call.arguments}
    else:
        said = {"type": "function_call", "arguments": call.arguments}
    return {**said, "call_id": call.id, "name": call.name}


def _tool(tool: Tool) -> dict[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    if tool.custom:
        grammar = {"format": tool.format} if tool.format else {}
        return {"type": "custom", "name": tool.name, **described, **grammar}
    parameters = (
        {"type": "object", "properties": {}} if tool.parameters is None else tool.parameters
    )
    written = {"type": "function", "name": tool.name, **described, "parameters": parameters}
    # Here a tool is strict unless it says otherwise; elsewhere it is the other way round.
    return {**written, "strict": bool(tool.strict)}


def _choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> str | dict[str, Any]:
    if choice.mode != "named":
        return choice.mode
    custom = any(tool.custom for tool in tools if tool.name == choice.name)
    return {"type": "custom" if custom else "function", "name": choice.name}


def _format(structure: Structure) -> Mapping[str, Any]:
    if structure.schema is None:
        return {"type": "json_object"}
    schema: dict[str, Any] = {
        "type": "json_schema",
        "name": structure.name,
        "schema": structure.schema,
    }
    if structure.strict is not None:
        schema["strict"] = structure.strict
    if structure.description:
        schema["description"] = structure.description
    return schema
