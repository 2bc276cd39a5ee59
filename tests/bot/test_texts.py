"""Every sentence exists in both languages and shows nothing internal."""

from __future__ import annotations

import re
import string

import pytest

from holdfast.agent.events import Ended, TurnOutcome
from holdfast.bot import texts
from holdfast.bot.middleware.commands import COMMANDS
from holdfast.core.failure import Failure, Kind, Phase
from holdfast.core.verdict import Language

_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", texts.TEXTS)
def test_both_languages_say_the_same(key: str) -> None:
    english, chinese = texts.TEXTS[key]
    assert _holes(english) == _holes(chinese)
    assert not _CHINESE.search(english)
    words = re.sub(r"\{\w+\}", "", chinese)
    assert _CHINESE.search(words) or not re.search(r"[A-Za-z]", words)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("outcome", ["failed", "refused"])
def test_every_failure_has_a_sentence_for_a_person(
    kind: Kind, language: Language, outcome: TurnOutcome
) -> None:
    ended = Ended(outcome, kind.value, {"released": 0}, "R1", {"kind": kind.value})
    text = texts.ending(ended, language, False)
    assert len(text) > 5
    assert not re.search(r"gateway|API|GET |网关|密钥|Authorization", text)
    if outcome == "failed":
        assert "R1" in text
    assert texts.what(kind.value, language)


def test_a_cut_answer_says_that_it_is_cut_whatever_cut_it() -> None:
    ended = Ended("failed", "timeout", ref="R1", failure={"kind": "timeout"})
    assert texts.ending(ended, "zh", True) == texts.say("cut", "zh", ref="R1")


@pytest.mark.parametrize(
    ("ended", "shown", "told"),
    [
        (Ended("finished"), True, ""),
        (Ended("refused"), True, ""),
        (Ended("refused"), False, ""),
        (Ended("limited", "length"), True, texts.TEXTS["length"][0]),
        (Ended("limited", "repeated_calls"), True, texts.TEXTS["repeated_calls"][0]),
        (Ended("refused", "policy"), True, texts.TEXTS["filtered"][0]),
        (Ended("refused", "policy"), False, texts.TEXTS["refused"][0]),
        (Ended("finished", "empty"), False, texts.TEXTS["empty"][0]),
        (Ended("stopped"), True, "(Stopped.)"),
        (Ended("stopped"), False, ""),
        (Ended("limited", "a_later_version"), True, texts.TEXTS["length"][0]),
    ],
)
def test_endings(ended: Ended, shown: bool, told: str) -> None:
    assert texts.ending(ended, "en", shown) == told


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("你好", "zh"),
        ("hello there", "en"),
        ("用 Python 写一个 hello world", "zh"),
        ("what does 你好 mean in English please", "en"),
        ("42", None),
        ("😀", None),
        ("日本語のテキスト", None),
        ("解释这个报错：\nTraceback (most recent call last): No such file or directory", "zh"),
        ("翻译：The quick brown fox jumps over the lazy dog", "zh"),
        ("The quick brown fox jumps over the lazy dog.\n翻译一下", "zh"),
        ("这段代码为什么慢\n```python\nfor item in items: print(item, end=item)\n```", "zh"),
        ("```sql\nselect name from people\n```", None),
        ("https://example.com/a/page", None),
        ("看 https://example.com/some/long/page/about/many/other/things", "zh"),
        ("print(total_count)", None),
        ("why does print(x) fail?", "en"),
        ("(hello)", "en"),
        ("Hello, my name is Anna. How do you say: 你好", "en"),
    ],
)
def test_the_language_of_a_persons_words(words: str, language: str | None) -> None:
    assert texts.spoken(words) == language


def test_a_value_that_is_missing_shows_a_sentence_all_the_same() -> None:
    assert texts.say("tool_unknown", "en").startswith("The outcome of  is unknown")


def test_client_words_of_the_gateway_are_not_shown() -> None:
    failure = Failure(Kind.DENIED, Phase.ADMIT)
    assert "administ" in texts.failed(failure, "en") or "operator" in texts.failed(failure, "en")


def test_every_command_is_explained_in_both_languages() -> None:
    for command in COMMANDS:
        english, chinese = command.help
        assert english
        assert _CHINESE.search(chinese)
