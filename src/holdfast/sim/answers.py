"""What the simulated model knows by heart: which text or tool call answers a request.

A question chooses with `text:NAME` (see `library.TEXTS`) and `tool:NAME`; without either it
gets the text of the target's habits, else `demo`. The language is that of the question. Where
a JSON schema is asked for, a sample of it is the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .dice import Dice
from .library import TEXTS

Message = Mapping[str, Any]

_WISH = re.compile(r"(?<![A-Za-z])(text|tool):([A-Za-z0-9_-]+)")
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD = re.compile(r"[A-Za-z]+")
_DEPTH = 8  # levels of a JSON schema that are filled in


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments` is JSON text, as it goes over the wire."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Known:
    """The whole answer to a question, to be recited the same way every time."""

    text: str
    calls: tuple[ToolCall, ...]
    language: str  # zh | en


def known_answer(request: Mapping[str, Any], dialogue: Sequence[Message], text: str) -> Known:
    """The answer to the last user message of `dialogue`; `text` names the one for all others.

    Once a tool has answered, or where no offered tool is asked for, it is a text.
    """
    asked = max((i for i, m in enumerate(dialogue) if m.get("role") == "user"), default=None)
    question = text_of(dialogue[asked]) if asked is not None else ""
    served = asked is not None and any(m.get("role") == "tool" for m in dialogue[asked:])
    wishes = _WISH.findall(question)
    names = [name for wish, name in wishes if wish == "text" and name in TEXTS]
    called = [name for wish, name in wishes if wish == "tool"]
    tools = () if served else _calls(request, called)
    spoken = language(question)
    if tools and not names:
        return Known("", tools, spoken)
    schema = wanted_schema(request)
    if schema and not names:
        return Known(_arguments(schema), tools, spoken)
    wanted = [*names, *(["json"] if wants_json(request) else []), text, "demo"]
    name = next(name for name in wanted if name)
    return Known(TEXTS[name][spoken], tools, spoken)


def language(question: str) -> str:
    """zh where ideographs are at least as many as Latin words, commands left out."""
    words = _WISH.sub(" ", question)
    ideographs = len(_IDEOGRAPH.findall(words))
    return "zh" if ideographs and ideographs >= len(_WORD.findall(words)) else "en"


def text_of(message: Message) -> str:
    """A message's text: its content, or the text parts of it."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "".join(text for text in texts if isinstance(text, str))


def objects(request: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...]:
    """The objects of the list that the member `name` should be."""
    value = request.get(name)
    return (
        tuple(item for item in value if isinstance(item, Mapping))
        if isinstance(value, list)
        else ()
    )


def wants_json(request: Mapping[str, Any]) -> bool:
    wanted = request.get("response_format")
    return isinstance(wanted, Mapping) and wanted.get("type") in ("json_object", "json_schema")


def wanted_schema(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that the answer is to have, if one with members is given."""
    wanted = request.get("response_format")
    if not isinstance(wanted, Mapping) or wanted.get("type") != "json_schema":
        return {}
    schema = (wanted.get("json_schema") or wanted).get("schema")
    return schema if isinstance(schema, Mapping) and schema.get("properties") else {}


def pieces(text: str, chunk: int, dice: Dice) -> tuple[str, ...]:
    """`text` cut between code points, wherever the dice fall: inside words and emoji too.

    A piece has 1 to 2 * `chunk` - 1 characters.
    """
    cut: list[str] = []
    at = 0
    while at < len(text):
        end = at + 1 + dice.below(2 * chunk - 1)
        cut.append(text[at:end])
        at = end
    return tuple(cut)


def _calls(request: Mapping[str, Any], names: Sequence[str]) -> tuple[ToolCall, ...]:
    """A call of each tool that is asked for and was offered; where one must be called, of one."""
    offered = {
        function["name"]: function.get("parameters")
        for tool in objects(request, "tools")
        if isinstance(function := tool.get("function"), Mapping)
        and isinstance(function.get("name"), str)
    }
    wanted = [name for name in names if name in offered]
    match request.get("tool_choice"):
        case "none":
            return ()
        case "required":
            wanted = wanted or list(offered)[:1]
        case {"function": {"name": str(name)}}:
            wanted = [name]
        case _:
            pass
    return tuple(
        ToolCall(f"call_{number}_{name}", name, _arguments(offered.get(name)))
        for number, name in enumerate(wanted)
    )


def _arguments(schema: object) -> str:
    filled = sample(schema)
    return json.dumps(filled if isinstance(filled, dict) else {}, ensure_ascii=False)


def sample(schema: object, depth: int = _DEPTH) -> Any:
    """A value that fits a plain JSON schema, rich in signs that break careless splitting."""
    if not isinstance(schema, Mapping) or not depth:
        return None
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = next((k for k in kind if k != "null"), "null") if isinstance(kind, list) else kind
    make = _SAMPLES.get(kind)
    return make(schema, depth) if make else None


def _sample_object(schema: Mapping[str, Any], depth: int) -> Any:
    properties = schema.get("properties")
    members = properties.items() if isinstance(properties, Mapping) else ()
    return {name: sample(member, depth - 1) for name, member in members}


_SAMPLES: Mapping[str, Callable[[Mapping[str, Any], int], Any]] = {
    "object": _sample_object,
    "array": lambda schema, depth: [sample(schema.get("items"), depth - 1)],
    "string": lambda schema, depth: '灯塔 "Utö" \\ 🏴‍☠️\n{14, 6}',
    "integer": lambda schema, depth: 14,
    "number": lambda schema, depth: 14.5,
    "boolean": lambda schema, depth: True,
}
