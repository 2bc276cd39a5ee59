"""What an object inside an answer says went wrong, in whichever form its sender says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .lenient import plain
from .report import as_status


def error_of(body: Mapping[str, Any]) -> object | None:
    """What `body` says went wrong, in one of the forms that errors take inside an answer."""
    error: object = body.get("error")
    if error and _is_trouble(error):
        return error
    around = [_spelt(held) for held in body.values() if isinstance(held, dict)]
    if body.get("choices"):
        return body if any(_is_numbered(held) or _tells(held) for held in around) else None
    members = _spelt(body)
    if any(members.get(name) is False for name in _GOOD) or _failed(members):
        return body
    if any(_is_error_name(name) and _is_trouble(held) for name, held in members.items()):
        return body
    if _is_coded(members):
        return body
    # MiniMax's base_resp, Spark's header, Tencent's Response
    return body if any(_is_coded(held) or _holds_error(held) for held in around) else None


def says(body: Mapping[str, Any]) -> bool:
    """Whether `body` holds a sentence where errors have theirs: it may be one, or a notice."""
    return any(isinstance(held, str) and plain(name) in _WORDS for name, held in body.items())


def _spelt(body: Mapping[str, Any]) -> dict[str, Any]:
    return {plain(key): held for key, held in body.items()}


_GOOD = ("success", "ok", "succeeded")
_STATES = ("object", "type", "status", "state", "event", "result")
_FAILED = frozenset({"error", "failed", "failure", "fail", "exception"})
_ERROR_NAME = re.compile(r"(?:error|errors|err|exception|fault|failure|detail)$|^err(?:or)?[a-z]+$")
_NUMBERS = ("code", "statuscode")
_CODES = (*_NUMBERS, "status")
_WORDS = ("message", "msg", "statusmsg")
_NO_ERROR = (None, "", 0, "0", 200, "200", "ok", "OK", "success")


def _is_error_name(name: str) -> bool:
    return _ERROR_NAME.search(name) is not None


def _failed(members: Mapping[str, Any]) -> bool:
    words = (members.get(name) for name in _STATES)
    return any(isinstance(word, str) and word.casefold() in _FAILED for word in words)


def _is_coded(members: Mapping[str, Any]) -> bool:
    """Whether it holds a code that is none of success, with words to it or as a status."""
    codes = [code for name in _CODES if (code := members.get(name)) not in _NO_ERROR]
    words = any(isinstance(members.get(name), str) for name in _WORDS)
    return bool(codes) and (words or any((as_status(code) or 0) >= 400 for code in codes))


def _is_numbered(members: Mapping[str, Any]) -> bool:
    """Whether it holds a number that is none of success, and a sentence to it."""
    numbers = [members.get(name) for name in _NUMBERS]
    failed = any(isinstance(n, int) and n not in _NO_ERROR for n in numbers)
    return failed and any(isinstance(members.get(name), str) and members[name] for name in _WORDS)


def _tells(members: Mapping[str, Any]) -> bool:
    """Whether it holds what went wrong under the plainest name (Groq's x_groq)."""
    error = members.get("error")
    return isinstance(error, str | dict) and _is_trouble(error)


def _holds_error(members: Mapping[str, Any]) -> bool:
    errors = (held for name, held in members.items() if _is_error_name(name))
    return any(isinstance(error, dict) and _is_trouble(error) for error in errors)


def _is_trouble(error: object) -> bool:
    """Some write an error into every chunk that says there was none."""
    if isinstance(error, dict):
        return any(held not in _NO_ERROR for held in error.values())
    return bool(error) and error not in _NO_ERROR
