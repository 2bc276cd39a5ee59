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

# A sentence or a part of one, in English and in Chinese.
Said = tuple[str, str]

# Field -> the JSON type it must have if it is there and not null, in Python and in words.
Types = Mapping[str, tuple[type | UnionType, Said]]

BOOLEAN = (bool, ("true or false", " true 或 false"))
OBJECT = (dict, ("an object", "一个对象"))
LIST = (list, ("a list", "一个列表"))
STRING = (str, ("a string", "一个字符串"))


def parse_body(body: bytes) -> dict[str, Any] | Failure:
    try:
        value = loads(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        return _not_json(body, error)
    if not isinstance(value, dict):
        is_, is_zh = _type(value)
        en, zh = "send one JSON object", "请发送一个 JSON 对象"
        return invalid("wrong_type", None, f"the body is {is_}; {en}", f"请求体是{is_zh}；{zh}")
    return value


def model_fault(body: Mapping[str, Any]) -> Failure | None:
    model = body.get("model")
    if model is None or model == "":
        return missing("model", ("name one of GET /v1/models", "请填写 GET /v1/models 列出的名字"))
    if not isinstance(model, str):
        return wrong_type("model", model, ("send its name as a string", "请用字符串发送名字"))
    return None


def messages_fault(body: Mapping[str, Any], field: str = "messages") -> Failure | None:
    """Why `field` is no list of messages with something in it."""
    messages = body.get(field)
    remedy = "send a list of message objects", "请发送由消息对象组成的列表"
    if messages is None:
        return missing(field, remedy)
    if not isinstance(messages, list):
        return wrong_type(field, messages, remedy)
    if not messages:
        en, zh = f"{field} is empty; send at least one", f"{field} 是空的；请至少发送一条"
        return invalid("out_of_range", field, en, zh)
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            remedy = "send an object with role and content", "请发送带 role 和 content 的对象"
            return wrong_type(f"{field}[{index}]", message, remedy)
    return None


def type_fault(body: Mapping[str, Any], types: Types) -> Failure | None:
    for name, (wanted, words) in types.items():
        value = body.get(name)
        if value is not None and not isinstance(value, wanted):
            return wrong_type(name, value, (f"send {words[0]}", f"请发送{words[1]}"))
    return None


def missing(name: str, remedy: Said) -> Failure:
    en, zh = remedy
    return invalid("missing_field", name, f"{name} is missing; {en}", f"没有填写 {name}；{zh}")


def wrong_type(name: str, value: object, remedy: Said) -> Failure:
    (is_, is_zh), (en, zh) = _type(value), remedy
    return invalid("wrong_type", name, f"{name} is {is_}; {en}", f"{name} 是{is_zh}；{zh}")


def out_of_range(name: str, remedy: Said) -> Failure:
    en, zh = remedy
    return invalid("out_of_range", name, f"{name} is out of range; {en}", f"{name} 超出范围；{zh}")


def invalid(code: str, param: str | None, detail: str, detail_zh: str) -> Failure:
    return Failure(
        Kind.INVALID,
        Phase.ADMIT,
        Hop.CLIENT,
        detail=detail,
        code=code,
        param=param,
        detail_zh=detail_zh,
    )


_TYPES = (
    (bool, ("a boolean", "布尔值")),
    (str, ("a string", "字符串")),
    (list, ("a list", "列表")),
    (dict, ("an object", "对象")),
    (type(None), ("null", " null")),
)


def _type(value: object) -> Said:
    """The JSON type of `value`, with its article."""
    found = (name for kind, name in _TYPES if isinstance(value, kind))
    return next(found, ("a number", "数字"))


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
        found, found_zh = "is empty", "是空的"
    elif isinstance(error, json.JSONDecodeError):
        found = f"is not valid JSON (line {error.lineno}, column {error.colno})"
        found_zh = f"不是有效的 JSON（第 {error.lineno} 行，第 {error.colno} 列）"
    elif isinstance(error, UnicodeError):
        found, found_zh = "is not UTF-8", "不是 UTF-8 编码"
    else:
        found, found_zh = "is not JSON that can be read", "不是能够读取的 JSON"
    return invalid(
        "invalid_json",
        None,
        f"the body {found}; send one JSON object in UTF-8",
        f"请求体{found_zh}；请用 UTF-8 发送一个 JSON 对象",
    )
