"""A prompt in this dialect's words: the body of a request for a message."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeGuard

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
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from ..dialect import ANY
from ..freetext import as_functions
from ..jsontext import loads
from ..untold import Untold
from .native import missing

MOST_TOKENS = 8192  # of an answer for which the client has set no limit; the dialect needs one
ROOM = 4096  # tokens for the answer itself beside a budget of reasoning
WARMEST = 1.0
# JSON of any shape can only be asked for in words: every schema here is a closed one.
JSON_ONLY = "Answer with one JSON object and nothing else: no words around it, no code fence."

_SYSTEM = frozenset({Role.SYSTEM, Role.DEVELOPER})
_EFFORTS = {"minimal": "low"}
_MODES = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}

_ODD_SIGN = re.compile(r"[^a-zA-Z0-9_-]")

Block = dict[str, Any]


def write_prompt(prompt: Prompt, target: Target = ANY) -> dict[str, Any] | Failure:
    try:
        return _body(as_functions(prompt), missing(target))
    except Untold as untold:
        return untold.failure


def _body(prompt: Prompt, unthought: Sequence[Block]) -> dict[str, Any]:
    opening = prompt.messages[: _opening(prompt.messages)]
    told = [part.text for message in opening for part in message.parts if _is_words(part)]
    rest = prompt.messages[_opening(prompt.messages) :]
    body: dict[str, Any] = {
        "max_tokens": _max_tokens(prompt),
        "messages": _merged(_message(message, unthought) for message in rest),
    }
    if prompt.structure and prompt.structure.schema is None:
        told.append(JSON_ONLY)
    if told:
        body["system"] = list(map(_text, told))
    if prompt.tools:
        body["tools"] = [_tool(tool) for tool in prompt.tools]
    choice = _choice(prompt)
    if choice:
        body["tool_choice"] = choice
    if prompt.temperature is not None:
        if prompt.temperature > WARMEST:
            raise Untold("temperature", f"the Messages API takes {WARMEST:g} at most")
        body["temperature"] = prompt.temperature
    if prompt.top_p is not None:
        body["top_p"] = prompt.top_p
    if prompt.stop:
        body["stop_sequences"] = list(prompt.stop)
    if prompt.user:
        body["metadata"] = {"user_id": prompt.user}
    return body | _reasoning(prompt) | _output(prompt)


def _opening(messages: tuple[Message, ...]) -> int:
    """How many messages at the beginning are the system's. One message must be left to ask."""
    count = next((i for i, m in enumerate(messages) if m.role not in _SYSTEM), len(messages))
    return max(0, min(count, len(messages) - 1))


def _is_words(part: Part) -> TypeGuard[Text]:
    if not isinstance(part, Text):
        raise Untold("messages", "in the Messages API the system has words only")
    return bool(part.text)


def _max_tokens(prompt: Prompt) -> int:
    if prompt.max_tokens is not None:
        return prompt.max_tokens
    return max(MOST_TOKENS, (prompt.reasoning_tokens or 0) + ROOM)


def _reasoning(prompt: Prompt) -> dict[str, Any]:
    if prompt.reasoning_tokens is None:
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": prompt.reasoning_tokens}}


def _output(prompt: Prompt) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if prompt.effort and prompt.effort != "none":
        config["effort"] = _EFFORTS.get(prompt.effort, prompt.effort)
    if prompt.structure and prompt.structure.schema is not None:
        config["format"] = {"type": "json_schema", "schema": prompt.structure.schema}
    return {"output_config": config} if config else {}


def _merged(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages of one role in a row become one: the results of all calls must stand together."""
    merged: list[dict[str, Any]] = []
    for message in messages:
        if not message["content"]:
            continue
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += message["content"]
        else:
            merged.append(message)
    return merged


def _message(message: Message, unthought: Sequence[Block]) -> dict[str, Any]:
    match message.role:
        case Role.ASSISTANT if message.native:
            return {"role": "assistant", "content": list(map(_sound, message.native.body))}
        case Role.ASSISTANT:
            refused = [_text(message.refusal)] if message.refusal else []
            thoughts = unthought if message.calls else ()
            blocks = [*thoughts, *_blocks(message.parts), *refused, *map(_call, message.calls)]
            return {"role": "assistant", "content": blocks}
        case Role.TOOL:
            return {"role": "user", "content": [_result(message)]}
        case _:  # a system message in mid-conversation as well
            return {"role": "user", "content": _blocks(message.parts)}


def _blocks(parts: Iterable[Part]) -> list[Block]:
    """An empty text is refused."""
    return [_part(part) for part in parts if not isinstance(part, Text) or part.text]


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _part(part: Part) -> Block:
    match part:
        case Text(text):
            return _text(text)
        case Image():
            return {"type": "image", "source": _source(part.url, part.data, part.media_type)}
        case File():
            return _document(part)
        case Audio():
            raise Untold("messages", "the Messages API takes no audio")


def _source(url: str, data: str, media_type: str) -> Block:
    if url:
        return {"type": "url", "url": url}
    return {"type": "base64", "media_type": media_type, "data": data}


def _document(file: File) -> Block:
    if file.file_id:
        raise Untold("messages", "a file that is stored with another vendor cannot be read there")
    named = {"title": file.name} if file.name else {}
    if not file.url and file.media_type.startswith("text/"):
        text = {"type": "text", "media_type": "text/plain", "data": _plain(file.data)}
        return {"type": "document", "source": text, **named}
    media_type = file.media_type or "application/pdf"
    return {"type": "document", "source": _source(file.url, file.data, media_type), **named}


def _plain(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (ValueError, binascii.Error):
        raise Untold("messages", "a text file is not UTF-8 in base64") from None


def _call(call: ToolCall) -> Block:
    try:
        arguments = loads(call.arguments or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise Untold("messages", f"the arguments of the call {call.id} are no JSON object")
    return {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": arguments}


def _sound(block: Block) -> Block:
    """A block of the target's own; ids are as the results will name them."""
    return {**block, "id": _id(block["id"])} if block.get("type") == "tool_use" else block


def _id(given: str) -> str:
    """An id of a call as this dialect takes it; other vendors write dots and colons into theirs."""
    return _ODD_SIGN.sub("_", given)


def _result(message: Message) -> Block:
    failed = {"is_error": True} if message.failed else {}
    blocks = _blocks(message.parts)
    only_text = all(isinstance(part, Text) for part in message.parts)
    content: str | list[Block] = message.text if only_text else blocks
    result = {"type": "tool_result", "tool_use_id": _id(message.answers)}
    return {**result, "content": content, **failed}


def _tool(tool: Tool) -> Block:
    schema = tool.parameters or {"type": "object", "properties": {}}
    described = {"description": tool.description} if tool.description else {}
    strict = {"strict": True} if tool.strict else {}
    return {"name": tool.name, **described, "input_schema": schema, **strict}


def _choice(prompt: Prompt) -> Block:
    single = prompt.parallel_tool_calls is False
    choice = prompt.tool_choice or (ToolChoice("auto") if single else None)
    if choice is None or (choice.mode in ("auto", "none") and not prompt.tools):
        return {}  # without tools it says nothing, and would be refused
    written: Block = {"type": _MODES[choice.mode]}
    if choice.mode == "named":
        written["name"] = choice.name
    if single and choice.mode != "none":
        written["disable_parallel_tool_use"] = True
    return written
