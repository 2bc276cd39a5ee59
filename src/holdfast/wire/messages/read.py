"""A body of this dialect as a `Prompt`, to be asked of a target of another one."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from ...core.failure import Failure
from ...core.message import (
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
    said,
)
from ..jsontext import dumps
from ..losses import losable
from ..reading import Members, go_without, hosted, read_whole

_LOSABLE = losable("messages")
_ROLES = {role.value: role for role in (Role.USER, Role.ASSISTANT, Role.SYSTEM)}
_MODES = {"auto": "auto", "none": "none", "any": "required", "tool": "named"}


def read_prompt(body: Mapping[str, Any]) -> Prompt | Failure:
    return read_whole(body, _prompt, _LOSABLE)


def _prompt(body: Members) -> Prompt:
    body.seen("model", "stream")
    choice, parallel = _choice(body.inside("tool_choice"))
    config = body.inside("output_config")
    _edits(body.inside("context_management"))
    metadata = body.inside("metadata")
    return Prompt(
        messages=(*_system(body), *_messages(body)),
        tools=_tools(body.each("tools")),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        structure=_structure((config and config.inside("format")) or body.inside("output_format")),
        max_tokens=body.optional("max_tokens", int),
        temperature=body.number("temperature"),
        top_p=body.number("top_p"),
        stop=body.texts("stop_sequences"),
        effort=_effort(config),
        reasoning_tokens=_budget(body.inside("thinking")),
        user=(metadata.text("user_id") or None) if metadata else None,
    )


def _edits(context: Members | None) -> None:
    """What only makes room may be left out; what sums up would have to be answered with."""
    for edit in context.each("edits") if context else ():
        if not edit.text("type").startswith("clear_"):
            raise edit.untold("type", "no other dialect edits its context so")
        edit.may_lose_the_rest()


def _effort(config: Members | None) -> str | None:
    word = config.text("effort") if config else ""
    return ("xhigh" if word == "max" else word) or None


def _budget(thinking: Members | None) -> int | None:
    if thinking is None or thinking.text("type") != "enabled":
        return None
    return thinking.optional("budget_tokens", int)


def _system(body: Members) -> Iterator[Message]:
    if isinstance(body.get("system"), str):
        yield said(Role.SYSTEM, body.text("system"))
        return
    for block in body.each("system"):
        if block.text("type") not in ("", "text"):
            raise block.untold("type", "no other dialect has such system blocks")
        yield said(Role.SYSTEM, block.text("text"))


def _messages(body: Members) -> Iterator[Message]:
    for message in body.each("messages"):
        if plain := message.plain(_ROLES):
            yield plain
            continue
        match message.text("role"):
            case "user":
                yield from _asked(message)
            case "assistant":
                yield from _answered(message)
            case "system":
                yield Message(Role.SYSTEM, _spoken(message))
            case _:
                raise message.untold("role", "no other dialect has this role")


def _asked(message: Members) -> Iterator[Message]:
    """One message for each result of a tool, and one for what the user says beside them."""
    blocks = _blocks(message)
    results = [block for block in blocks if block.text("type") == "tool_result"]
    for result in results:
        failed = bool(result.optional("is_error", bool))
        answers = result.text("tool_use_id")
        yield Message(Role.TOOL, _spoken(result), answers=answers, failed=failed)
    others = [block for block in blocks if block not in results]
    if others or not results:
        yield Message(Role.USER, tuple(map(_part, others)) or _plain(message))


def _answered(message: Members) -> Iterator[Message]:
    """Words and the calls after them, as often as words follow calls.

    Whatever else clients repeat of an answer may be of any vendor's.
    """
    message.may_lose_the_rest()
    words = list(_plain(message))
    calls: list[ToolCall] = []
    for block in _blocks(message):
        match block.text("type"):
            case "text":
                if calls:
                    yield Message(Role.ASSISTANT, tuple(words), tuple(calls))
                    words, calls = [], []
                words.append(Text(block.text("text")))
            case "tool_use":
                calls.append(_call(block))
            case "thinking" | "redacted_thinking":
                continue
            case kind:
                raise block.untold("type", f"no other dialect has {kind or 'such'} blocks")
    if words or calls:
        yield Message(Role.ASSISTANT, tuple(words), tuple(calls))


def _blocks(holder: Members) -> list[Members]:
    return holder.each("content") if isinstance(holder.get("content"), list) else []


def _plain(holder: Members) -> tuple[Part, ...]:
    text = "" if isinstance(holder.get("content"), list) else holder.text("content")
    return (Text(text),) if text else ()


def _spoken(holder: Members) -> tuple[Part, ...]:
    return tuple(map(_part, _blocks(holder))) or _plain(holder)


def _part(block: Members) -> Part:
    match block.text("type"):
        case "text":
            return Text(block.text("text"))
        case "image":
            return _image(_source(block))
        case "document":
            return _document(_source(block), block.text("title"))
        case kind:
            raise block.untold("type", f"no other dialect has {kind or 'such'} blocks")


def _source(block: Members) -> Members:
    source = block.inside("source")
    if source is None:
        raise block.untold("source", "it is missing")
    return source


def _image(source: Members) -> Image:
    match source.text("type"):
        case "url":
            return Image(url=source.text("url"))
        case "base64":
            return Image(data=source.text("data"), media_type=source.text("media_type"))
        case _:
            raise source.untold("type", "the image is stored with another vendor")


def _document(source: Members, name: str) -> File:
    match source.text("type"):
        case "url":
            return File(name=name, url=source.text("url"))
        case "base64":
            return File(name, data=source.text("data"), media_type=source.text("media_type"))
        case "text":
            data = base64.b64encode(source.text("data").encode("utf-8", "replace")).decode()
            return File(name, data=data, media_type="text/plain")
        case _:
            raise source.untold("type", "no other dialect has documents of this sort")


def _call(block: Members) -> ToolCall:
    arguments = dumps(block.optional("input", dict) or {}).decode()
    return ToolCall(block.text("id"), block.text("name"), arguments)


def _tools(listed: list[Members]) -> tuple[Tool, ...]:
    searches = [tool for tool in listed if tool.text("type").startswith("web_search_")]
    own = tuple(_tool(tool) for tool in listed if tool not in searches)
    go_without(searches, own)
    return own


def _tool(tool: Members) -> Tool:
    if tool.text("type") not in ("", "custom"):
        raise hosted(tool)
    return Tool(
        tool.text("name"),
        tool.text("description"),
        tool.optional("input_schema", dict),
        tool.optional("strict", bool),
    )


def _choice(choice: Members | None) -> tuple[ToolChoice | None, bool | None]:
    if choice is None:
        return None, None
    parallel = False if choice.get("disable_parallel_tool_use") else None
    match _MODES.get(choice.text("type")):
        case "named":
            return ToolChoice("named", choice.text("name")), parallel
        case "auto" | "none" | "required" as mode:
            return ToolChoice(mode), parallel
        case _:
            raise choice.untold("type", "no other dialect has this choice")


def _structure(wanted: Members | None) -> Structure | None:
    if wanted is None:
        return None
    if wanted.text("type") != "json_schema":
        raise wanted.untold("type", "no other dialect has this format")
    return Structure(schema=wanted.optional("schema", dict) or {})
