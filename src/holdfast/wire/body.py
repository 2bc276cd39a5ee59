"""A client's body, in any dialect: an object with a model's name, or a failure that says why not.

Failures are of kind INVALID and name the field and the remedy. Codes: invalid_json,
missing_field, wrong_type, out_of_range.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Literal

from ..core.failure import Failure, Hop, Kind, Phase
from .jsontext import loads

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_WORD = re.compile(r"[A-Za-z\u00c0-\u024f\u0370-\u052f]+")
_EDGE = 400  # characters at either end of a message that are read for its language

# Field -> the JSON type it must have if it is there and not null, in Python and in English.
Types = Mapping[str, tuple[type | UnionType, str]]


def parse_body(body: bytes) -> dict[str, Any] | Failure:
    try:
        value = loads(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        return _not_json(body, error)
    if not isinstance(value, dict):
        return invalid("wrong_type", None, f"the body is {a(value)}; send one JSON object")
    return value


def model_fault(body: Mapping[str, Any]) -> Failure | None:
    model = body.get("model")
    if model is None or model == "":
        return invalid("missing_field", "model", "model is missing; name one of GET /v1/models")
    if not isinstance(model, str):
        return invalid("wrong_type", "model", f"model is {a(model)}; send its name as a string")
    return None


def messages_fault(body: Mapping[str, Any], field: str = "messages") -> Failure | None:
    """Why `field` is no list of messages with something in it."""
    messages = body.get(field)
    remedy = "send a list of message objects"
    if messages is None:
        return invalid("missing_field", field, f"{field} is missing; {remedy}")
    if not isinstance(messages, list):
        return invalid("wrong_type", field, f"{field} is {a(messages)}; {remedy}")
    if not messages:
        return invalid("out_of_range", field, f"{field} is empty; send at least one")
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            name = f"{field}[{index}]"
            detail = f"{name} is {a(message)}; send an object with role and content"
            return invalid("wrong_type", name, detail)
    return None


def type_fault(body: Mapping[str, Any], types: Types) -> Failure | None:
    for name, (wanted, words) in types.items():
        value = body.get(name)
        if value is not None and not isinstance(value, wanted):
            return invalid("wrong_type", name, f"{name} is {a(value)}; send {words}")
    return None


def invalid(code: str, param: str | None, detail: str) -> Failure:
    return Failure(Kind.INVALID, Phase.ADMIT, Hop.CLIENT, detail=detail, code=code, param=param)


def a(value: object) -> str:
    """The JSON type of `value`, with its article."""
    names = ((bool, "a boolean"), (str, "a string"), (list, "a list"), (dict, "an object"))
    if value is None:
        return "null"
    return next((name for kind, name in names if isinstance(value, kind)), "a number")


def language_of(texts: Iterable[str]) -> Literal["zh", "en"]:
    """The language of the first of `texts` that has one: what the user said last comes first.

    A Chinese character weighs as much as a word, so that names of things in English, which
    abound in Chinese questions, do not outweigh the sentence around them.
    """
    for text in texts:
        read = text if len(text) <= 2 * _EDGE else f"{text[:_EDGE]} {text[-_EDGE:]}"
        han, words = len(_HAN.findall(read)), len(_WORD.findall(read))
        other = len(_KANA_HANGUL.findall(read))
        if han or words or other:
            return "zh" if han > words and han > 2 * other else "en"
    return "en"


def _not_json(body: bytes, error: ValueError) -> Failure:
    if not body.strip():
        found = "is empty"
    elif isinstance(error, json.JSONDecodeError):
        found = f"is not valid JSON (line {error.lineno}, column {error.colno})"
    elif isinstance(error, UnicodeError):
        found = "is not UTF-8"
    else:
        found = "is not JSON that can be read"
    return invalid("invalid_json", None, f"the body {found}; send one JSON object in UTF-8")
