"""A body of this dialect as a `Prompt`, to be asked of a target of another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
    said,
)
from .. import dataurl
from ..freetext import read_format
from ..losses import losable
from ..reading import Members, go_without, hosted, read_whole
from .namespaces import Name, flat_names, joined

_SEARCH = "web_search"  # what the types of tools that search the web begin with
_LOSABLE = losable("responses")
_ROLES = {role.value: role for role in (Role.SYSTEM, Role.DEVELOPER, Role.USER, Role.ASSISTANT)}


def read_prompt(body: Mapping[str, Any]) -> Prompt | Failure:
    return read_whole(body, _prompt, _LOSABLE)


def _prompt(body: Members) -> Prompt:
    body.seen("model", "stream")
    names = flat_names(body.whole)
    items = body.each("input") if isinstance(body.get("input"), list) else []
    instructions = body.text("instructions")
    opening = (said(Role.SYSTEM, instructions),) if instructions else ()
    reasoning = body.inside("reasoning")
    text = body.inside("text")
    return Prompt(
        messages=(*opening, *_messages(body, items, names)),
        tools=_tools([*body.each("tools"), *_found(items)], names),
        tool_choice=_choice(body),
        parallel_tool_calls=body.optional("parallel_tool_calls", bool),
        structure=_structure(text) if text else None,
        max_tokens=body.optional("max_output_tokens", int),
        temperature=body.number("temperature"),
        top_p=body.number("top_p"),
        effort=(reasoning.text("effort") or None) if reasoning else None,
        verbosity=(text.text("verbosity") or None) if text else None,
        user=body.text("user") or None,
        metadata=body.optional("metadata", dict),
    )


def _messages(body: Members, items: list[Members], names: Mapping[Name, str]) -> list[Message]:
    if isinstance(body.get("input"), str):
        return [said(Role.USER, body.text("input"))]
    messages: list[Message] = []
    for item in items:
        message = _message(item, names)
        if message is None:
            continue
        before = messages[-1] if messages else None
        if message.calls and before and before.role is Role.ASSISTANT:
            messages[-1] = replace(before, calls=before.calls + message.calls)
        else:
            messages.append(message)
    return messages


def _message(item: Members, names: Mapping[Name, str]) -> Message | None:
    """The message that an item is; a call is one without words. None for reasoning."""
    if plain := item.plain(_ROLES):
        return plain
    kind = item.text("type") or "message"
    match kind:
        case "message":
            return _spoken(item)
        case "function_call" | "custom_tool_call":
            item.may_lose_the_rest()
            custom = kind == "custom_tool_call"
            arguments = item.text("input" if custom else "arguments")
            name, space = item.text("name"), item.text("namespace")
            if space:
                name = names.get((space, name)) or joined(space, name)
            call = ToolCall(item.text("call_id"), name, arguments, custom)
            return Message(Role.ASSISTANT, calls=(call,))
        case "function_call_output" | "custom_tool_call_output":
            return Message(Role.TOOL, _parts(item, "output", []), answers=item.text("call_id"))
        case "reasoning" | "tool_search_call" | "tool_search_output":
            item.may_lose_the_rest()
            return None
        case _:
            raise item.untold("type", f"{kind} exists in this dialect only")


def _spoken(item: Members) -> Message:
    role = _ROLES.get(item.text("role"))
    if role is None:
        raise item.untold("role", "no other dialect has this role")
    if role is Role.ASSISTANT:
        item.may_lose_the_rest()
    refusals: list[str] = []
    parts = _parts(item, "content", refusals)
    return Message(role, parts, refusal="".join(refusals))


def _parts(item: Members, name: str, refusals: list[str]) -> tuple[Part, ...]:
    """The parts that are no refusals; those are added to `refusals`."""
    if not isinstance(item.get(name), list):
        text = item.text(name)
        return (Text(text),) if text else ()
    parts = []
    for part in item.each(name):
        if part.text("type") == "refusal":
            refusals.append(part.text("refusal"))
        else:
            parts.append(_part(part))
    return tuple(parts)


def _part(part: Members) -> Part:
    match part.text("type"):
        case "input_text" | "output_text" | "text" | "summary_text":
            return Text(part.text("text"))
        case "input_image":
            if part.get("file_id"):
                raise part.untold("file_id", "the file is stored with another vendor")
            return dataurl.image(part.text("image_url"), part.text("detail"))
        case "input_file":
            return _file(part)
        case "input_audio":
            audio = part.inside("input_audio")
            if audio:
                return Audio(audio.text("data"), audio.text("format"))
        case _:
            pass
    raise part.untold("type", "no other dialect has parts of this type")


def _file(part: Members) -> File:
    name, stored, url = (part.text(member) for member in ("filename", "file_id", "file_url"))
    if stored or url:
        return File(name, url=url, file_id=stored)
    return dataurl.file(name, part.text("file_data"))


def _tools(listed: list[Members], names: Mapping[Name, str]) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    searches: list[Members] = []
    for tool in listed:
        match tool.text("type"):
            case "namespace":
                tool.seen("description")
                space = tool.text("name")
                for one in tool.each("tools"):
                    tools.append(replace(_tool(one), name=names[space, one.text("name")]))
            case "tool_search":
                tool.may_lose_the_rest()
            case kind if kind.startswith(_SEARCH):
                searches.append(tool)
            case _:
                tools.append(_tool(tool))
    go_without(searches, tools)
    return tuple(tools)


def _found(items: list[Members]) -> list[Members]:
    """The tools that searches have brought so far."""
    outputs = [item for item in items if item.text("type") == "tool_search_output"]
    return [tool for output in outputs for tool in output.each("tools")]


def _tool(tool: Members) -> Tool:
    kind = tool.text("type")
    if kind == "custom":
        format = read_format(tool.inside("format"))
        return Tool(tool.text("name"), tool.text("description"), custom=True, format=format)
    if kind != "function":
        raise hosted(tool)
    return Tool(
        tool.text("name"),
        tool.text("description"),
        tool.optional("parameters", dict),
        tool.optional("strict", bool),
    )


def _choice(body: Members) -> ToolChoice | None:
    match body.get("tool_choice"):
        case None:
            return None
        case "auto" | "none" | "required" as mode:
            return ToolChoice(mode)
        case dict():
            choice = body.inside("tool_choice")
            if choice and choice.text("type") in ("function", "custom"):
                return ToolChoice("named", choice.text("name"))
        case _:
            pass
    raise body.untold("tool_choice", "no other dialect has this choice")


def _structure(text: Members) -> Structure | None:
    wanted = text.inside("format")
    if wanted is None:
        return None
    match wanted.text("type"):
        case "text":
            return None
        case "json_object":
            return Structure()
        case "json_schema":
            return Structure(
                wanted.text("name") or "answer",
                wanted.optional("schema", dict) or {},
                wanted.optional("strict", bool),
                wanted.text("description"),
            )
        case _:
            raise wanted.untold("type", "no other dialect has this format")
