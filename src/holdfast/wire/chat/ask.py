"""A client's body to a `Request`. Only what decisions need is checked; the rest goes through."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ...core.failure import Failure, Hop, Kind, Phase
from ...core.request import Request, Surface
from ..jsontext import loads
from .parts import pieces

MOST_CHOICES = 128

# Vendors' own ways to bind an answer to a grammar (vLLM, SGLang, llama.cpp).
_GRAMMARS = (
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "structured_outputs",
    "json_schema",
    "regex",
    "ebnf",
    "grammar",
)
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_WORD = re.compile(r"[A-Za-z\u00c0-\u024f\u0370-\u052f]+")
_EDGE = 400  # characters at either end of a message that are read for its language

# Field -> the JSON type it must have if it is there and not null, in Python and in English.
_TYPES: Mapping[str, tuple[type, str]] = {
    "stream": (bool, "true or false"),
    "stream_options": (dict, "an object"),
    "response_format": (dict, "an object"),
    "tools": (list, "a list"),
    "functions": (list, "a list"),
}


def decode_request(body: bytes) -> Request | Failure:
    """The request, or a failure of kind INVALID that names the field and the remedy.

    Codes: invalid_json, missing_field, wrong_type, out_of_range.
    """
    try:
        value = loads(body)
    except ValueError as error:
        return _not_json(body, error)
    if not isinstance(value, dict):
        return _invalid("wrong_type", None, f"the body is {_a(value)}; send one JSON object")
    return _fault(value) or _request(value)


def _request(body: dict[str, Any]) -> Request:
    options = body.get("stream_options") or {}
    stream = bool(body.get("stream"))
    return Request(
        dialect="chat",
        model=body["model"],
        body=body,
        surface=Surface.APPEND_ONLY if stream else Surface.NONE,
        choices=1 if body.get("n") is None else body["n"],
        tools=bool(body.get("tools") or body.get("functions")),
        structured=_is_structured(body),
        include_usage=options.get("include_usage") is True,
        language=language_of(body["messages"]),
    )


def _fault(body: Mapping[str, Any]) -> Failure | None:
    return _model_fault(body) or _messages_fault(body) or _type_fault(body) or _choices_fault(body)


def _model_fault(body: Mapping[str, Any]) -> Failure | None:
    model = body.get("model")
    if model is None or model == "":
        return _invalid("missing_field", "model", "model is missing; name one of GET /v1/models")
    if not isinstance(model, str):
        return _invalid("wrong_type", "model", f"model is {_a(model)}; send its name as a string")
    return None


def _messages_fault(body: Mapping[str, Any]) -> Failure | None:
    messages = body.get("messages")
    remedy = "send a list of message objects"
    if messages is None:
        return _invalid("missing_field", "messages", f"messages is missing; {remedy}")
    if not isinstance(messages, list):
        return _invalid("wrong_type", "messages", f"messages is {_a(messages)}; {remedy}")
    if not messages:
        return _invalid("out_of_range", "messages", "messages is empty; send at least one")
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            name = f"messages[{index}]"
            detail = f"{name} is {_a(message)}; send an object with role and content"
            return _invalid("wrong_type", name, detail)
    return None


def _type_fault(body: Mapping[str, Any]) -> Failure | None:
    for name, (wanted, words) in _TYPES.items():
        value = body.get(name)
        if value is not None and not isinstance(value, wanted):
            return _invalid("wrong_type", name, f"{name} is {_a(value)}; send {words}")
    return None


def _choices_fault(body: Mapping[str, Any]) -> Failure | None:
    n = body.get("n")
    if n is None:
        return None
    remedy = f"send a whole number from 1 to {MOST_CHOICES}"
    if not isinstance(n, int) or isinstance(n, bool):
        return _invalid("wrong_type", "n", f"n is {_a(n)}; {remedy}")
    if not 1 <= n <= MOST_CHOICES:
        return _invalid("out_of_range", "n", f"n is out of range; {remedy}")
    return None


def _invalid(code: str, param: str | None, detail: str) -> Failure:
    return Failure(Kind.INVALID, Phase.ADMIT, Hop.CLIENT, detail=detail, code=code, param=param)


def _not_json(body: bytes, error: ValueError) -> Failure:
    if not body.strip():
        found = "is empty"
    elif isinstance(error, json.JSONDecodeError):
        found = f"is not valid JSON (line {error.lineno}, column {error.colno})"
    elif isinstance(error, UnicodeError):
        found = "is not UTF-8"
    else:
        found = "is not JSON that can be read"
    return _invalid("invalid_json", None, f"the body {found}; send one JSON object in UTF-8")


def _a(value: object) -> str:
    """The JSON type of `value`, with its article."""
    names = ((bool, "a boolean"), (str, "a string"), (list, "a list"), (dict, "an object"))
    if value is None:
        return "null"
    return next((name for kind, name in names if isinstance(value, kind)), "a number")


def _is_structured(body: Mapping[str, Any]) -> bool:
    wanted = body.get("response_format") or {}
    return wanted.get("type", "text") != "text" or any(body.get(name) for name in _GRAMMARS)


def language_of(messages: Sequence[Mapping[str, Any]]) -> Literal["zh", "en"]:
    """The language to address the model in, "zh" or "en": that of the last words of the user.

    A Chinese character weighs as much as a word, so that names of things in English, which
    abound in Chinese questions, do not outweigh the sentence around them.
    """
    for message in reversed(messages):
        text = _words(message) if message.get("role") == "user" else ""
        han, words = len(_HAN.findall(text)), len(_WORD.findall(text))
        other = len(_KANA_HANGUL.findall(text))
        if han or words or other:
            return "zh" if han > words and han > 2 * other else "en"
    return "en"


def _words(message: Mapping[str, Any]) -> str:
    text = " ".join(piece.text for piece in pieces({"content": message.get("content")}))
    return text if len(text) <= 2 * _EDGE else f"{text[:_EDGE]} {text[-_EDGE:]}"
