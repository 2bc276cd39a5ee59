"""Values out of text that should be JSON: whole, embedded in a sentence, or written by Python."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass

_LITERAL = 8192  # characters of a Python literal that are tried
_BRACKETS = 200  # more of them in a Python literal are no error report
_STARTS = 4  # opening brackets in a sentence that are tried
_OPENING = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Embedded:
    before: str
    value: object
    after: str


_SEPARATORS = re.compile(r"[\W_]+")
# What no text holds: signs of a decoding that failed, and controls that are no white space.
_NOISE = re.compile("[\ufffd\x00-\x08\x0e-\x1a\x1c-\x1f]")
_READ = 512  # characters in which noise is looked for


def plain(name: str) -> str:
    """The name of a member without its typography: "errorMsg" and "error_msg" are one name."""
    return _SEPARATORS.sub("", name).casefold()


def is_text(text: str) -> bool:
    """Whether `text` is something to be read, and not bytes of another sort."""
    read = text[:_READ]
    return len(_NOISE.findall(read)) <= len(read) // 20


def parse(text: str) -> object:
    """The list, dictionary or scalar that `text` is, or None."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return _literal(text.strip())
    return value


def embedded(text: str) -> Embedded | None:
    """The first dictionary, or list of some, inside `text` that reads whole, and what is around."""
    for match in list(_OPENING.finditer(text))[:_STARTS]:
        start = match.start()
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = max(text.rfind("}"), text.rfind("]")) + 1
            value = _literal(text[start:end])
        if (isinstance(value, dict) or _has_object(value)) and value:
            return Embedded(text[:start].rstrip(" -:,'\"b"), value, text[end:])
    return None


def _has_object(value: object) -> bool:
    """A list of words or numbers is part of the sentence."""
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _literal(text: str) -> object:
    """A Python dictionary or list, as str() of an SDK's body shows it."""
    if not text.startswith(("{", "[")) or len(text) > _LITERAL:
        return None
    if len(_OPENING.findall(text)) + text.count("(") > _BRACKETS:
        return None
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None
