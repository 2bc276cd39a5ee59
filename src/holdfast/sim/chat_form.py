"""Requests of other dialects in the form of chat, in which the simulated model thinks.

Read here anew, and as strictly as vendors do: what Holdfast writes must stand before a judge
that shares none of its code. A body that the vendor would refuse is a `Misshapen`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Body = Mapping[str, Any]

_ID = re.compile(r"[a-zA-Z0-9_-]+")


class Misshapen(ValueError):
    """The vendor would answer 400 with these words."""


def chat_form(dialect: str, body: Body) -> Body:
    """Raises Misshapen."""
    try:
        return _FORMS[dialect](body)
    except (TypeError, AttributeError, KeyError) as error:
        raise Misshapen("Input of the wrong type") from error


def _need(holds: object, why: str) -> None:
    if not holds:
        raise Misshapen(why)


# Chat.


def _chat(body: Body) -> Body:
    """What is no list of messages is judged elsewhere."""
    waiting: list[Any] = []
    messages = body.get("messages")
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        if not isinstance(message, dict):
            continue
        answers = message.get("role") == "tool"
        _need(answers or not waiting, _UNANSWERED)
        if answers:
            known = message.get("tool_call_id") in waiting
            _need(known or "tool_call_id" not in message, f"messages[{index}]: {_UNASKED}")
            waiting = [id for id in waiting if id != message.get("tool_call_id")]
        calls = message.get("tool_calls")
        for call in calls or ():
            name = (call.get("function") or {}).get("name", "_")
            _need(_ID.fullmatch(name) and len(name) <= 64, f"messages[{index}]: {_NAME}")
        waiting += [call.get("id") for call in calls or () if isinstance(call, dict)]
    return body


_UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
    " 'tool_call_id'."
)
_NAME = "Invalid 'function.name': string does not match pattern '^[a-zA-Z0-9_-]+$'."
_UNASKED = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."

# Responses.

_RESPONSES = frozenset(
    {
        "model",
        "input",
        "instructions",
        "stream",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "text",
        "reasoning",
        "max_output_tokens",
        "max_tool_calls",
        "temperature",
        "top_p",
        "top_logprobs",
        "user",
        "metadata",
        "store",
        "include",
        "background",
        "previous_response_id",
        "conversation",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "stream_options",
        "truncation",
        "context_management",
    }
)


def _responses(body: Body) -> Body:
    _known(body, _RESPONSES)
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    _need(isinstance(items, list), "Missing required parameter: 'input'.")
    messages: list[dict[str, Any]] = []
    if body.get("instructions"):
        messages.append({"role": "system", "content": body["instructions"]})
    called: set[str] = set()
    for index, item in enumerate(items or ()):
        message = _item(index, item, called)
        if message is None:
            continue
        last = messages[-1] if messages else None
        if last and message.get("tool_calls") and last["role"] == "assistant":
            last["tool_calls"] = [*last.get("tool_calls", ()), *message["tool_calls"]]
        else:
            messages.append(message)
    wanted = (body.get("text") or {}).get("format")
    tools = [_function(index, tool) for index, tool in enumerate(body.get("tools") or ())]
    return {
        "model": body.get("model"),
        "stream": body.get("stream"),
        "messages": messages,
        "tools": tools,
        "tool_choice": _choice(body.get("tool_choice"), "function"),
        "response_format": wanted,
        "background": body.get("background"),
    }


def _choice(choice: Any, kind: str) -> Any:
    """A choice by name as chat has it; `kind` is what the dialect calls one."""
    named = isinstance(choice, dict) and choice.get("type") == kind
    return {"type": "function", "function": {"name": choice["name"]}} if named else choice


def _known(body: Body, names: frozenset[str]) -> None:
    for name in body:
        _need(name in names or name.startswith("x_"), f"Unknown parameter: '{name}'.")


def _item(index: int, item: Any, called: set[str]) -> dict[str, Any] | None:
    _need(isinstance(item, dict), f"Invalid type for 'input[{index}]': expected an object.")
    kind = item.get("type", "message")
    match kind:
        case "message":
            role = item.get("role")
            known = role in ("user", "assistant", "system", "developer")
            _need(known, f"Invalid value for 'input[{index}].role'.")
            return {"role": role, "content": _content(index, role, item.get("content"))}
        case "function_call" | "custom_tool_call":
            named = all(isinstance(item.get(name), str) for name in ("call_id", "name"))
            _need(named, f"Missing required parameter: 'input[{index}].call_id'.")
            called.add(item["call_id"])
            arguments = item.get("arguments", item.get("input"))
            function = {"name": item["name"], "arguments": arguments}
            return {
                "role": "assistant",
                "tool_calls": [{"id": item["call_id"], "function": function}],
            }
        case "function_call_output" | "custom_tool_call_output":
            why = f"No tool call found for function call output with call_id {item.get('call_id')}."
            _need(item.get("call_id") in called, why)
            return {"role": "tool", "content": _content(index, "user", item.get("output"))}
        case "reasoning":
            _need(isinstance(item.get("summary"), list), f"Missing 'input[{index}].summary'.")
            return None
        case _:
            raise Misshapen(f"Invalid value: '{kind}' for 'input[{index}].type'.")


_PARTS = {
    "assistant": ("output_text", "refusal"),
    "user": ("input_text", "input_image", "input_file", "input_audio"),
}


def _content(index: int, role: str, content: Any) -> Any:
    if isinstance(content, str):
        return content
    _need(isinstance(content, list), f"Missing required parameter: 'input[{index}].content'.")
    supported = _PARTS.get(role, _PARTS["user"])
    for place, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        why = f"Invalid value: '{kind}'. Supported values are: {supported}."
        _need(kind in supported, f"{why} (input[{index}].content[{place}])")
    return _plain(content)


def _plain(parts: Any) -> Any:
    """Text alone as a string: however it was written, it is the same question."""
    if all("text" in part for part in parts):
        return "".join(part["text"] for part in parts)
    return [{"type": "text", "text": p["text"]} if "text" in p else p for p in parts]


def _function(index: int, tool: Any) -> Body:
    _need(isinstance(tool, dict), f"Invalid type for 'tools[{index}]'.")
    if tool.get("type") != "function":
        return {"type": tool.get("type")}
    _need(isinstance(tool.get("name"), str), f"Missing required parameter: 'tools[{index}].name'.")
    _need("function" not in tool, f"Unknown parameter: 'tools[{index}].function'.")
    return {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}


# Messages.

_MODES = {"none": "none", "any": "required"}
_MESSAGES = frozenset(
    {
        "model",
        "max_tokens",
        "messages",
        "system",
        "stream",
        "tools",
        "tool_choice",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "metadata",
        "thinking",
        "output_config",
        "service_tier",
        "cache_control",
        "container",
        "mcp_servers",
        "context_management",
    }
)


def _messages(body: Body) -> Body:
    for name in body:
        known = name in _MESSAGES or name.startswith("x_")
        _need(known, f"{name}: Extra inputs are not permitted")
    limit = body.get("max_tokens")
    whole = isinstance(limit, int) and not isinstance(limit, bool) and limit > 0
    _need(limit is not None, "max_tokens: Field required")
    _need(whole, "max_tokens: Input should be a whole number, 1 or more")
    given = body.get("messages")
    _need(isinstance(given, list) and given, "messages: at least one message is required")
    temperature = body.get("temperature")
    cool = temperature is None or 0 <= temperature <= 1
    _need(cool, "temperature: Input should be less than or equal to 1")
    messages = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    waiting: set[str] = set()
    for index, message in enumerate(given or ()):
        messages += _turn(index, message, waiting)
    wanted = (body.get("output_config") or {}).get("format")
    if wanted is not None:
        _need(isinstance(wanted.get("schema"), dict), "output_config.format.schema: Field required")
    choice = body.get("tool_choice") or {}
    return {
        "model": body.get("model"),
        "stream": body.get("stream"),
        "messages": messages,
        "tools": [_offered(index, tool) for index, tool in enumerate(body.get("tools") or ())],
        "tool_choice": _choice(
            choice if choice.get("name") else _MODES.get(str(choice.get("type"))), "tool"
        ),
        "response_format": wanted,
    }


def _turn(index: int, message: Any, waiting: set[str]) -> list[dict[str, Any]]:
    _need(isinstance(message, dict), f"messages.{index}: Input should be an object")
    role, content = message.get("role"), message.get("content")
    _need(role in ("user", "assistant"), f'messages: Unexpected role "{role}".')
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    _need(isinstance(blocks, list) and blocks, f"messages.{index}.content: Field required")
    assert isinstance(blocks, list)
    for place, block in enumerate(blocks):
        _need(isinstance(block, dict) and block.get("type"), f"messages.{index}.content.{place}")
        _block(f"messages.{index}.content.{place}", role, block)
    if role == "assistant":
        calls = [block for block in blocks if block["type"] == "tool_use"]
        waiting |= {call["id"] for call in calls}
        made = [
            {"id": c["id"], "function": {"name": c["name"], "arguments": json.dumps(c["input"])}}
            for c in calls
        ]
        asked = {"tool_calls": made} if made else {}
        words = _plain([block for block in blocks if block["type"] == "text"])
        return [{"role": role, "content": words, **asked}]
    results = [block for block in blocks if block["type"] == "tool_result"]
    answered = {result.get("tool_use_id") for result in results}
    _need(
        answered <= waiting, f"messages.{index}: unexpected `tool_use_id` in `tool_result` blocks"
    )
    _need(waiting <= answered, "`tool_use` ids were found without `tool_result` blocks after them")
    waiting.clear()
    told = [{"role": "tool", "content": result.get("content")} for result in results]
    others = [block for block in blocks if block["type"] != "tool_result"]
    return [*told, *([{"role": role, "content": _plain(others)}] if others else [])]


def _block(where: str, role: str, block: Body) -> None:
    match block["type"]:
        case "text":
            text = block.get("text")
            _need(isinstance(text, str) and text, f"{where}: text content blocks must be non-empty")
        case "image" | "document":
            source = block.get("source")
            _need(
                isinstance(source, dict) and source.get("type"), f"{where}.source: Field required"
            )
        case "tool_use":
            whole = isinstance(block.get("input"), dict) and block.get("id") and block.get("name")
            _need(role == "assistant" and whole, f"{where}.tool_use.input: Field required")
            why = f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
            _need(_ID.fullmatch(str(block["id"])), why)
        case "tool_result":
            _need(role == "user", f"{where}: `tool_result` blocks can only be in `user` messages")
        case "thinking":
            signed = str(block.get("signature") or "").startswith("sig-")
            _need(signed, f"{where}: Invalid `signature` in `thinking` block")
        case "redacted_thinking" | "server_tool_use" | "web_search_tool_result":
            return
        case kind:
            raise Misshapen(f"{where}: Input tag '{kind}' found using 'type' is not expected")


def _offered(index: int, tool: Any) -> Body:
    _need(isinstance(tool, dict), f"tools.{index}: Input should be an object")
    if tool.get("type", "custom") != "custom":
        return {"type": tool["type"]}
    _need(isinstance(tool.get("input_schema"), dict), f"tools.{index}.input_schema: Field required")
    function = {"name": tool.get("name"), "parameters": tool["input_schema"]}
    return {"type": "function", "function": function}


_FORMS: Mapping[str, Callable[[Body], Body]] = {
    "chat": _chat,
    "responses": _responses,
    "messages": _messages,
}
