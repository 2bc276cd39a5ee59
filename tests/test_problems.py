"""What is wrong with a file is told in words with a remedy, whichever key, whichever value."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from tests.settings import tables

from holdfast.config import Settings, parse
from holdfast.problems import ConfigError, Problem, key

TABLES = dict(tables(Settings))
VALUES = (
    '""', '"text"', "true", "-1", "0", "1e12", "1.5", "nan", "inf", "[]", "[1]", "[[]]",
    "{}", "{ x = 1 }", "{ x = {} }", "1979-05-27", "1979-05-27T07:32:00Z",
)  # fmt: skip


KEYS = [(table, name) for table, model in TABLES.items() for name in model.model_fields]


def problems(text: str) -> list[Problem]:
    raw: dict[str, Any] = tomllib.loads(text)
    try:
        parse(raw, {}, "x.toml")
    except ConfigError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize(("table", "name"), KEYS)
def test_every_wrong_value_of_every_key_is_told_in_both_languages(table: str, name: str) -> None:
    path = f"{table}.{name}".replace('"NAME"', "NAME")  # as it is told: it needs no quotes
    told = 0
    for value in VALUES:
        for problem in problems(f"[{table}]\n{name} = {value}"):
            if not problem.key.startswith(path):
                continue
            told += 1
            assert problem.remedy_en, (value, problem)
            assert _chinese(problem.zh), (value, problem)
            assert _chinese(problem.remedy_zh), (value, problem)
            assert not _chinese(problem.en + problem.remedy_en)
            assert " or " not in problem.remedy_zh
    assert told


def _chinese(text: str) -> bool:
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)


def test_a_near_miss_is_named_and_else_what_may_stand_there() -> None:
    near = Problem.unknown("server.prot", "prot", ["host", "port"], "key")
    assert near.say("en") == 'server.prot: unknown key "prot". Remedy: did you mean "port"?'
    assert near.say("zh") == "server.prot: 未知的键“prot”。处理办法：是不是想写 “port”？"
    far = Problem.unknown("server.x", "x", ["port", "host"], "key")
    assert far.say("en") == 'server.x: unknown key "x". Remedy: known here: host, port'


def test_keys_are_written_as_toml_writes_them() -> None:
    assert key(("routes", "gpt-5.5", "targets", 0)) == 'routes."gpt-5.5".targets[0]'
    assert key(("routes", "a b", "x")) == 'routes."a b".x'
    assert key(()) == ""
