"""A body of this dialect as a `Prompt`, to be asked of a target of another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.failure import Failure
from ...core.message import (
    Audio,
    File,
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
from ..losses import losable
from ..reading import Members
from ..untold import Untold

_KNOWN = frozenset(
    {
        "model",
        "stream",
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "seed",
        "reasoning_effort",
        "verbosity",
        "user",
        "metadata",
        "n",
        "modalities",
    }
)
_LOSABLE = losable("chat")
_LOSABLE_MESSAGE = losable("chat", "messages[].")
_LOSABLE_PART = losable("chat", "messages[].content[].")
_MESSAGE = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "refusal"})
_ROLES = {role.value: role for role in Role}


def read_prompt(body: Mapping[str, Any]) -> Prompt | Failure:
    try:
        return _prompt(Members(body))
    except Untold as untold:
        return untold.failure


def _prompt(body: Members) -> Prompt:
    body.known(_KNOWN, _LOSABLE)
    if body.value.get("n") not in (None, 1):
        raise body.untold("n", "no other dialect has more than one choice")
    if body.value.get("modalities") not in (None, ["text"]):
        raise body.untold("modalities", "no other dialect answers in these")
    return Prompt(
        messages=tuple(map(_message, body.each("messages"))),
        tools=tuple(map(_tool, body.each("tools"))),
        tool_choice=_choice(body),
        parallel_tool_calls=body.optional("parallel_tool_calls", bool),
        structure=_structure(body.inside("response_format")),
        max_tokens=_limit(body),
        temperature=body.number("temperature"),
        top_p=body.number("top_p"),
        stop=_stop(body),
        seed=body.optional("seed", int),
        effort=body.text("reasoning_effort") or None,
        verbosity=body.text("verbosity") or None,
        user=body.text("user") or None,
        metadata=body.optional("metadata", dict),
    )


def _limit(body: Members) -> int | None:
    limit = body.optional("max_completion_tokens", int)
    return body.optional("max_tokens", int) if limit is None else limit


def _stop(body: Members) -> tuple[str, ...]:
    stop = body.value.get("stop")
    if stop is None:
        return ()
    words = [stop] if isinstance(stop, str) else stop
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise body.untold("stop", "it is neither a string nor a list of strings")
    return tuple(words)


def _message(message: Members) -> Message:
    role = _ROLES.get(message.text("role"))
    if role is None:
        raise message.untold("role", "no other dialect has this role")
    if role is not Role.ASSISTANT:  # what a client repeats of an answer may be of any vendor's
        message.known(_MESSAGE, _LOSABLE_MESSAGE)
    elif message.value.get("audio"):
        raise message.untold("audio", "the words are with the vendor that spoke them")
    refusals = [p.text("refusal") for p in _listed(message) if p.text("type") == "refusal"]
    return Message(
        role,
        _parts(message),
        tuple(map(_call, message.each("tool_calls"))),
        answers=message.text("tool_call_id"),
        refusal=message.text("refusal") or "".join(refusals),
        name=message.text("name"),
    )


def _listed(message: Members) -> list[Members]:
    return message.each("content") if isinstance(message.value.get("content"), list) else []


def _parts(message: Members) -> tuple[Part, ...]:
    if not isinstance(message.value.get("content"), list):
        text = message.text("content")
        return (Text(text),) if text else ()
    return tuple(_part(part) for part in _listed(message) if part.text("type") != "refusal")


def _part(part: Members) -> Part:
    kind = part.text("type")
    part.known({"type", kind}, _LOSABLE_PART)
    if kind == "text":
        return Text(part.text("text"))
    inside = part.inside(kind)
    if inside is None:
        raise part.untold("type", "no other dialect has parts of this type")
    match kind:
        case "image_url":
            return dataurl.image(inside.text("url"), inside.text("detail"))
        case "input_audio":
            return Audio(inside.text("data"), inside.text("format"))
        case "file":
            if inside.value.get("file_id"):
                return File(file_id=inside.text("file_id"))
            return dataurl.file(inside.text("filename"), inside.text("file_data"))
        case _:
            raise part.untold("type", "no other dialect has parts of this type")


def _call(call: Members) -> ToolCall:
    custom = call.inside("custom")
    if custom:
        return ToolCall(call.text("id"), custom.text("name"), custom.text("input"), custom=True)
    function = call.inside("function")
    if function is None:
        raise call.untold("type", "no other dialect has calls of this type")
    return ToolCall(call.text("id"), function.text("name"), function.text("arguments"))


def _tool(tool: Members) -> Tool:
    kind = tool.text("type") or "function"
    tool.known({"type", kind})
    inside = tool.inside(kind)
    if inside is None or kind not in ("function", "custom"):
        raise tool.untold("type", f"{kind} is a tool of one vendor")
    name, description = inside.text("name"), inside.text("description")
    if kind == "custom":
        inside.known({"name", "description", "format"})
        return Tool(name, description, custom=True, format=_grammar(inside.inside("format")))
    inside.known({"name", "description", "parameters", "strict"})
    strict = inside.optional("strict", bool)
    return Tool(name, description, inside.optional("parameters", dict), strict)


def _grammar(wanted: Members | None) -> Mapping[str, Any] | None:
    """A grammar without the object of its own that it has here."""
    if wanted is None:
        return None
    return {"type": wanted.text("type"), **(wanted.optional("grammar", dict) or {})}


def _choice(body: Members) -> ToolChoice | None:
    match body.value.get("tool_choice"):
        case None:
            return None
        case "auto" | "none" | "required" as mode:
            return ToolChoice(mode)
        case {"type": "function", "function": {"name": str(name)}}:
            return ToolChoice("named", name)
        case {"type": "custom", "custom": {"name": str(name)}}:
            return ToolChoice("named", name)
        case _:
            raise body.untold("tool_choice", "no other dialect has this choice")


def _structure(wanted: Members | None) -> Structure | None:
    if wanted is None:
        return None
    match wanted.text("type"):
        case "text":
            return None
        case "json_object":
            return Structure()
        case "json_schema":
            inside = wanted.inside("json_schema")
            if inside is None:
                raise wanted.untold("json_schema", "it is missing")
            return Structure(
                inside.text("name") or "answer",
                inside.optional("schema", dict) or {},
                inside.optional("strict", bool),
                inside.text("description"),
            )
        case _:
            raise wanted.untold("type", "no other dialect has this format")
