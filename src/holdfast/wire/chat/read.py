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
from ..freetext import read_format
from ..losses import losable
from ..reading import Members, read_whole

_LOSABLE = losable("chat")
_ROLES = {role.value: role for role in Role}


def read_prompt(body: Mapping[str, Any]) -> Prompt | Failure:
    return read_whole(body, _prompt, _LOSABLE)


def _prompt(body: Members) -> Prompt:
    body.seen("model", "stream")
    if body.get("n") not in (None, 1):
        raise body.untold("n", "no other dialect has more than one choice")
    if body.get("modalities") not in (None, ["text"]):
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
    """The older name of the limit means the same."""
    limits = [body.optional(name, int) for name in ("max_completion_tokens", "max_tokens")]
    return next((limit for limit in limits if limit is not None), None)


def _stop(body: Members) -> tuple[str, ...]:
    stop = body.get("stop")
    return (stop,) if isinstance(stop, str) else body.texts("stop")


def _message(message: Members) -> Message:
    if plain := message.plain(_ROLES):
        return plain
    role = _ROLES.get(message.text("role"))
    if role is None:
        raise message.untold("role", "no other dialect has this role")
    if role is Role.ASSISTANT:
        if message.get("audio"):
            raise message.untold("audio", "the words are with the vendor that spoke them")
        message.may_lose_the_rest()
    parts = _listed(message)
    refusals = [part.text("refusal") for part in parts if part.text("type") == "refusal"]
    return Message(
        role,
        tuple(_part(part) for part in parts if part.text("type") != "refusal") or _plain(message),
        tuple(map(_call, message.each("tool_calls"))),
        answers=message.text("tool_call_id"),
        refusal=message.text("refusal") or "".join(refusals),
        name=message.text("name"),
    )


def _listed(message: Members) -> list[Members]:
    return message.each("content") if isinstance(message.get("content"), list) else []


def _plain(message: Members) -> tuple[Part, ...]:
    text = "" if isinstance(message.get("content"), list) else message.text("content")
    return (Text(text),) if text else ()


def _part(part: Members) -> Part:
    kind = part.text("type")
    if kind == "text":
        return Text(part.text("text"))
    inside = part.inside(kind) if kind in ("image_url", "input_audio", "file") else None
    match kind, inside:
        case "image_url", Members():
            return dataurl.image(inside.text("url"), inside.text("detail"))
        case "input_audio", Members():
            return Audio(inside.text("data"), inside.text("format"))
        case "file", Members():
            stored = inside.text("file_id")
            if stored:
                return File(inside.text("filename"), file_id=stored)
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
    inside = tool.inside(kind) if kind in ("function", "custom") else None
    if inside is None:
        raise tool.untold("type", f"{kind} is a tool of one vendor")
    name, description = inside.text("name"), inside.text("description")
    if kind == "custom":
        return Tool(name, description, custom=True, format=read_format(inside.inside("format")))
    strict = inside.optional("strict", bool)
    return Tool(name, description, inside.optional("parameters", dict), strict)


def _choice(body: Members) -> ToolChoice | None:
    match body.get("tool_choice"):
        case None:
            return None
        case "auto" | "none" | "required" as mode:
            return ToolChoice(mode)
        case dict():
            choice = body.inside("tool_choice")
            kind = choice.text("type") if choice else ""
            tool = choice.inside(kind) if choice and kind in ("function", "custom") else None
            if tool:
                return ToolChoice("named", tool.text("name"))
        case _:
            pass
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
