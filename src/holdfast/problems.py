"""What is wrong with a configuration, where, and what to do about it: for people to read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
Tongue = Literal["zh", "en", "auto"]

Noun = Literal["provider", "key", "tool", "route"]

_NOUNS: Mapping[Noun, str] = {
    "provider": " provider ",
    "key": "键",
    "tool": "工具",
    "route": "路由",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """`key` is the dotted path in the file, "" for the file itself."""

    key: str
    en: str
    zh: str
    remedy_en: str
    remedy_zh: str

    @classmethod
    def unknown(cls, path: str, name: str, known: Sequence[str], noun: Noun) -> Problem:
        """A name that nothing answers to, with the one that was probably meant."""
        near = difflib.get_close_matches(name, known, 1)
        there = ", ".join(sorted(known)) or "-"
        return cls(
            path,
            f'unknown {noun} "{name}"',
            f"未知的{_NOUNS[noun]}“{name}”",
            f'did you mean "{near[0]}"?' if near else f"known here: {there}",
            f"是不是想写 “{near[0]}”？" if near else f"这里可以写：{there}",
        )

    def say(self, language: Literal["zh", "en"]) -> str:
        where = f"{self.key}: " if self.key else ""
        if language == "zh":
            return f"{where}{self.zh}。处理办法：{self.remedy_zh}"
        return f"{where}{self.en}. Remedy: {self.remedy_en}"


class ConfigError(Exception):
    """Every problem of one configuration.

    `source` is the file or variables it came from, `language` what it says of the reader's.
    """

    def __init__(self, source: str, problems: Iterable[Problem], language: Tongue = "auto") -> None:
        self.source = source
        self.language = language
        self.problems = tuple(problems)
        super().__init__(self.say("en"))

    def say(self, language: Literal["zh", "en"]) -> str:
        return "\n".join(f"{self.source}: {problem.say(language)}" for problem in self.problems)


def key(path: Iterable[str | int]) -> str:
    """A dotted path as TOML writes it: routes."gpt-5.5".targets[0]."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE.fullmatch(part) else f'"{part}"')
    return text


def from_pydantic(error: ValidationError, model: type[BaseModel]) -> Iterator[Problem]:
    """What pydantic found, in words that name the remedy. Values are not repeated: secrets."""
    for found in error.errors(include_input=False, include_url=False):
        path = key(found["loc"])
        if found["type"] == "extra_forbidden":
            name = str(found["loc"][-1])
            yield Problem.unknown(path, name, _fields(model, found["loc"][:-1]), "key")
        elif found["type"] == "missing":
            yield Problem(path, "is missing", "缺少这一项", "add it to the file", "请在文件中补上")
        else:
            hint, hint_zh = _hint(found["type"], found.get("ctx", {}))
            yield Problem(path, "wrong value", "值不正确", hint or found["msg"], hint_zh or hint)


_WANTED: Mapping[str, tuple[str, str]] = {
    "string_type": ("write a string in quotes", "请写成带引号的字符串"),
    "int_type": ("write a whole number without quotes", "请写不带引号的整数"),
    "int_parsing": ("write a whole number", "请写整数"),
    "int_from_float": ("write a whole number", "请写整数"),
    "float_type": ("write a number without quotes", "请写不带引号的数字"),
    "float_parsing": ("write a number", "请写数字"),
    "finite_number": ("write a finite number", "请写有限的数"),
    "path_type": ("write a path in quotes", "请写成带引号的路径"),
    "bool_parsing": ("write true or false", "请写 true 或 false"),
    "bool_type": ("write true or false", "请写 true 或 false"),
    "tuple_type": ('write a list, e.g. ["a", "b"]', '请写成列表，例如 ["a", "b"]'),
    "dict_type": ("write a table, e.g. {{ a = 1 }}", "请写成表，例如 {{ a = 1 }}"),
    "model_type": ("write a table, e.g. {{ a = 1 }}", "请写成表，例如 {{ a = 1 }}"),
    "too_short": ("name at least one", "请至少写一项"),
    "greater_than": ("write a number greater than {gt:g}", "请写大于 {gt:g} 的数"),
    "greater_than_equal": ("write a number of at least {ge:g}", "请写不小于 {ge:g} 的数"),
    "less_than_equal": ("write a number of at most {le:g}", "请写不大于 {le:g} 的数"),
    "literal_error": ("write one of {expected}", "请写其中之一：{expected}"),
}


# Texts of a fixed form: the pattern, and how to write them.
URL = r"^https?://[^\s/]+(/\S*)?$"
NAME = r"^[A-Za-z0-9_-]{1,32}$"
ORIGIN = r"^[a-z][a-z0-9+.-]*://[^\s/*]*$"
HOURS = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"

_FORMS: Mapping[str, tuple[str, str]] = {
    URL: (
        "write a URL that begins with http:// or https://",
        "请写以 http:// 或 https:// 开头的 URL",
    ),
    NAME: (
        "write up to 32 letters, digits, - and _",
        "请写最多 32 个字母、数字、- 和 _",
    ),
    ORIGIN: (
        'write the scheme, host and port of a page, e.g. "https://chat.example"',
        "请写网页的协议、主机和端口，例如 “https://chat.example”",
    ),
    HOURS: ('write two times of day, e.g. "23:00-07:00"', '请写两个时刻，例如 "23:00-07:00"'),
}


def _hint(error: str, context: Mapping[str, Any]) -> tuple[str, str]:
    en, zh = _WANTED.get(error) or _FORMS.get(str(context.get("pattern")), ("", ""))
    choice = str(context.get("expected", "")).replace(" or ", ", ")
    return en.format(**context), zh.format(**{**context, "expected": choice})


def _fields(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys that the table at `path` of the file may have."""
    current: Any = model
    for part in path:
        if get_origin(current) is dict:
            current = get_args(current)[1]
        elif isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(str(part))
            current = field.annotation if field else None
    if isinstance(current, type) and issubclass(current, BaseModel):
        return list(current.model_fields)
    return []
