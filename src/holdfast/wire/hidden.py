"""Errors that no vendor's format describes: the value, the typed fields or the sentence in a body.

What may echo the request (a validator's `input`, the prompt) is never looked into.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from .lenient import is_text, parse, plain

TEXT = 512  # characters of a sentence
_LONGEST = 65536  # characters of a body that are searched
_LINES = 8  # lines that are tried as JSON
_NODES = 64  # members that are looked at for a sentence

ECHOES = frozenset(
    {"input", "messages", "content", "body", "prompt", "request", "flaggedinput", "url"}
)

# What names of members say when a sentence stands under them.
_SPEAKING = re.compile(r"message|msg|reason|descri|detail|error|fault|exception|info|text|title")
_NAME = re.compile(r'"(\w{1,40})"\s*:')
_FIELD = re.compile(r'"(\w{1,40})"\s*:\s*("(?:[^"\\]|\\.){0,2000}"|\d{1,6}\b)')
_TAGGED = re.compile(r"<(\w{1,40})>([^<]{1,400})</\1\s*>")


def value_in(text: str, headers: Mapping[str, str]) -> dict[str, object] | list[object] | None:
    """The body's dictionary or list, however it is wrapped, or the one in a header."""
    value = parse(text) if text.lstrip()[:1] in ("{", "[", '"') else None
    if isinstance(value, str):
        value = parse(value)
    for found in (value, _in_lines(text), _in_form(text, headers), _in_header(headers)):
        if isinstance(found, dict | list):
            return found
    return None


def _in_lines(text: str) -> object:
    """The first value of lines of JSON, or of events, which some send with an error's status."""
    for line in text.splitlines()[:_LINES]:
        start = line.removeprefix("data:").strip()
        if start[:1] in ("{", "[") and (value := parse(start)):
            return value
    return None


def _in_form(text: str, headers: Mapping[str, str]) -> object:
    """A form, as older OAuth servers answer; XML of the kind that object stores answer with."""
    kind = headers.get("content-type", "").lower()
    if "x-www-form-urlencoded" in kind:
        return dict(parse_qsl(text[:TEXT])) or None
    if "xml" in kind and "html" not in kind:
        return dict(_TAGGED.findall(text[:_LONGEST])) or None
    return None


def _in_header(headers: Mapping[str, str]) -> object:
    """Codex hides its body in a header when it sends none."""
    hidden = headers.get("x-error-json", "")
    if not hidden or len(hidden) >= _LONGEST:
        return None
    try:
        return parse(base64.b64decode(hidden, validate=True).decode("utf-8", "replace"))
    except (ValueError, binascii.Error):
        return None


def fields_of(broken: str) -> dict[str, object]:
    """Scalar members of JSON that was cut, up to where it may begin to echo the request."""
    echoes = (m.start() for m in _NAME.finditer(broken, 0, _LONGEST) if plain(m[1]) in ECHOES)
    fields: dict[str, object] = {}
    for name, value in _FIELD.findall(broken, 0, next(echoes, _LONGEST)):
        fields.setdefault(plain(name), parse(value))
    return fields


def sentence_in(value: object) -> str:
    """The first text, outermost first, that stands under a name which promises words."""
    queue: list[tuple[str, object]] = [("", value)]
    for _ in range(_NODES):
        if not queue:
            break
        name, held = queue.pop(0)
        if isinstance(held, str) and len(held.strip()) > 1 and _SPEAKING.search(name):
            if is_text(held):
                return held.strip()[:TEXT]
        elif isinstance(held, list):
            queue += [(name, item) for item in held[:_NODES]]
        elif isinstance(held, dict):
            queue += _members(name, held)
    return ""


def _members(name: str, holder: Mapping[object, object]) -> list[tuple[str, object]]:
    """What is inside a speaking member speaks, whatever its own name."""
    named = [(plain(str(key)), held) for key, held in list(holder.items())[:_NODES]]
    return [
        (key if _SPEAKING.search(key) else name, held) for key, held in named if key not in ECHOES
    ]
