"""Tools that take free text, for targets that know functions only: a function of one string.

On the way out they become such functions, and calls of them such calls; on the way back the
string is taken out of the arguments while they stream.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.events import Finished, StreamEvent, ToolCallDelta
from ..core.failure import Failure
from ..core.message import Prompt, Tool, ToolCall
from .jsontext import dumps, loads, mend
from .reading import Members

Items = Sequence[StreamEvent | Failure]

_INPUT = "input"
_SCHEMA = {
    "type": "object",
    "properties": {_INPUT: {"type": "string"}},
    "required": [_INPUT],
    "additionalProperties": False,
}
_OPENING = re.compile(r'\s*\{\s*"' + _INPUT + r'"\s*:\s*"')
# What of a JSON string can be read so far: no escape that is not whole, and no first half of a
# surrogate pair whose second may still come.
_HIGH = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_READABLE = re.compile(
    r'(?:[^"\\]|\\["\\/bfnrt]'
    rf"|{_HIGH}{_LOW}|{_HIGH}(?=[^\\]|\\[^u]|(?!{_LOW})\\u[0-9a-fA-F]{{4}})"
    rf"|(?!{_HIGH})\\u[0-9a-fA-F]{{4}})*"
)


def read_format(wanted: Members | None) -> Mapping[str, Any] | None:
    """How the text of a tool is to be; chat has a grammar in an object of its own."""
    if wanted is None:
        return None
    grammar = wanted.inside("grammar") or wanted
    told = {name: grammar.text(name) for name in ("syntax", "definition")}
    return {"type": wanted.text("type"), **{name: value for name, value in told.items() if value}}


def names(prompt: Prompt) -> frozenset[str]:
    """Of the tools that take free text."""
    return frozenset(tool.name for tool in prompt.tools if tool.custom)


def as_functions(prompt: Prompt) -> Prompt:
    """`prompt` without free text: what a format asks for stands in the tool's description."""
    calls = (call for message in prompt.messages for call in message.calls)
    if not any(tool.custom for tool in prompt.tools) and not any(call.custom for call in calls):
        return prompt
    messages = tuple(
        replace(message, calls=tuple(map(_call, message.calls))) for message in prompt.messages
    )
    return replace(prompt, messages=messages, tools=tuple(map(_tool, prompt.tools)))


def _call(call: ToolCall) -> ToolCall:
    if not call.custom:
        return call
    return replace(call, arguments=dumps({_INPUT: call.arguments}).decode(), custom=False)


def _tool(tool: Tool) -> Tool:
    if not tool.custom:
        return tool
    asked = tool.format or {}
    grammar = asked.get("definition")
    told = [tool.description] if tool.description else []
    if grammar:
        told.append(f"`{_INPUT}` must follow this {asked.get('syntax', '')} grammar:\n{grammar}")
    return Tool(tool.name, "\n\n".join(told), _SCHEMA)


@dataclass(slots=True)
class _Open:
    """A call that is being read: `raw` is what has come and could not be given out yet."""

    first: ToolCallDelta
    raw: str = ""
    inside: bool = False  # the string has begun


@dataclass(slots=True)
class FreeText:
    """Turns calls of the tools called `names` back into calls of free text, batch by batch."""

    names: Collection[str]
    _open: dict[tuple[int, int], _Open] = field(default_factory=dict)

    def __call__(self, items: Items) -> list[StreamEvent | Failure]:
        told: list[StreamEvent | Failure] = []
        for item in items:
            if isinstance(item, ToolCallDelta):
                told.append(self._read(item))
                continue
            if isinstance(item, Finished):
                told += self._rest()
            told.append(item)
        return told

    def _read(self, event: ToolCallDelta) -> ToolCallDelta:
        place = (event.choice, event.index)
        if event.name in self.names:
            self._open[place] = _Open(replace(event, id="", name="", arguments="", custom=True))
        call = self._open.get(place)
        if call is None:
            return event
        call.raw += event.arguments
        return replace(event, arguments=_readable(call), custom=True)

    def _rest(self) -> list[ToolCallDelta]:
        """Of calls that were made otherwise than they were asked for."""
        left = [(call.first, _whole(call.raw)) for call in self._open.values() if not call.inside]
        self._open.clear()
        return [replace(first, arguments=text) for first, text in left if text]


def _readable(call: _Open) -> str:
    if not call.inside:
        opening = _OPENING.match(call.raw)
        if opening is None:
            return ""
        call.inside, call.raw = True, call.raw[opening.end() :]
    read = _READABLE.match(call.raw)
    text = read[0] if read else ""
    call.raw = call.raw[len(text) :]
    return mend(json.loads(f'"{text}"', strict=False))


def _whole(raw: str) -> str:
    """The one string of an object whose member has another name, or what was said as it is."""
    try:
        said = loads(raw)
    except ValueError:
        return raw
    if isinstance(said, dict) and len(said) == 1:
        (said,) = said.values()
    return said if isinstance(said, str) else raw
