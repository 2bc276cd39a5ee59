"""Which words are commands, and in what language they are answered."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bot.house import house, play

from holdfast.bot.event import Inbound, Person, Place, Scene
from holdfast.bot.handler import language_of
from holdfast.bot.middleware.commands import COMMANDS, Commands, unknown
from holdfast.bot.middleware.wake import called_by
from holdfast.config import BotSettings

TABLE = Commands(COMMANDS)


@given(st.text(alphabet="/／ \n\t　help帮助x\x00", max_size=8))
def test_no_text_breaks_the_table(text: str) -> None:
    """It is looked at before a message is kept: one that breaks it would come again for ever."""
    found = TABLE.find(text)
    assert found is None or found[0] in COMMANDS
    assert TABLE.urgent(text) is bool(found and found[0].urgent)


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("/help", "help", ""),
        (" ／HELP ", "help", ""),
        ("/", "help", ""),
        ("/ model  gpt 5 ", "model", "gpt 5"),
        ("/模型 gpt", "model", "gpt"),
        ("停", "stop", ""),
        ("/new\nhello", "new", "hello"),
        ("／ｈｅｌｐ", "help", ""),
        ("\u200b/help\ufeff", "help", ""),
        ("停！", "stop", ""),
        ("Stop.", "stop", ""),
        ("/stop!!!", "stop", ""),
        ("继续。", "continue", ""),
        ("/人设：你是猫", "persona", "你是猫"),
        ("/persona: a cat: a black one", "persona", "a cat: a black one"),
        ("/model：\u3000gpt", "model", "gpt"),
    ],
)
def test_what_is_a_command(text: str, name: str, rest: str) -> None:
    found = TABLE.find(text)
    assert found is not None
    assert (found[0].name, found[1]) == (name, rest)


@pytest.mark.parametrize(
    "text", ["continue with the second point", "//x", "/usr/bin", "help", "", "/!", "继续？"]
)
def test_what_is_none(text: str) -> None:
    assert TABLE.find(text) is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("/dance", "dance"),
        ("／Dance with me", "dance"),
        ("/dance\nwith me", "dance"),
        ("/stpo!", "stpo"),
        ("/configuration", "configuration"),
        ("/café", "café"),
        ("/跳舞", "跳舞"),
        ("／重新生成。", "重新生成"),
        ("/翻译 今天天气怎么样", "翻译"),
    ],
)
def test_a_word_behind_a_slash_is_a_command_whoever_knows_it(text: str, word: str) -> None:
    assert TABLE.find(text) is None
    assert unknown(text) == word


@pytest.mark.parametrize(
    "text",
    [
        "/usr/bin is what?",
        "/etc/新建文件夹",
        "/新建/文件",
        "/tmp.txt",
        "//note",
        "/ dance",
        "/今天天气怎么样",
        "/你好，今天怎么样",
        "/2 是多少",
        "/s:x",
        "/",
        "",
        "dance",
        "跳舞",
    ],
)
def test_a_path_or_a_sentence_behind_a_slash_is_for_the_model(text: str) -> None:
    assert unknown(text) == ""


@pytest.mark.parametrize("command", ["/{}", "/why {}", "/model {}"])
def test_what_is_told_back_of_a_command_is_short(command: str, tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path) as home:
            (told,) = await home.ask(command.format("a" * 20_000))
            assert "a" * 60 + "…" in told
            assert len(told) < 200

    play(scene)


def test_a_model_that_is_no_more_leaves_the_conversation_to_the_bots_own(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path) as home:
            home.services.conversations.change("helper:sim:anna", {"route": "gone"})
            assert await home.ask("hello")
            assert home.asked
            (told,) = await home.ask("/model")
            assert told.startswith("This conversation uses main.")

    play(scene)


def test_a_new_conversation_remembers_what_it_begins_with(tmp_path: Path) -> None:
    async def scene() -> None:
        async with house(tmp_path) as home:
            await home.ask("before")
            await home.ask("/new I am Anna")
            await home.ask("who am I?")
            said = [m["content"] for m in home.asked[-1]["messages"] if m["role"] == "user"]
            assert said == ["I am Anna", "who am I?"]

    play(scene)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Bot, hello", "bot"),
        ("bot", "bot"),
        ("\u200b bot: hello", "bot"),
        ("bot你好", "bot"),
        ("小助手你好", "小助手"),
        ("both of them", None),
        ("bots", None),
        ("hello bot", None),
    ],
)
def test_a_wake_word_is_a_word(text: str, word: str | None) -> None:
    place = Place("c", Scene.GROUP)
    inbound = Inbound("b", "p", "1", place, Person("a"), text, 0.0, addressed=False)
    rules = BotSettings(platform="webchat", route="r", wake=("bot", "小助手"))
    assert called_by(inbound, rules) == word


@pytest.mark.parametrize(
    ("text", "remembered", "program", "language"),
    [
        ("/help", None, "", "en"),
        ("/help", None, "zh", "zh"),
        ("／help", "zh", "", "zh"),
        ("/help", "en", "zh", "en"),
        ("hello", "zh", "zh", "en"),
        ("你好", "en", "en", "zh"),
        ("42", None, "en", "en"),
        ("42", None, "", "zh"),
    ],
)
def test_the_language_of_an_answer(
    text: str, remembered: str | None, program: str, language: str
) -> None:
    place = Place("c", Scene.DIRECT)
    inbound = Inbound("b", "p", "1", place, Person("a"), text, 0.0, language=program)
    rules = BotSettings(platform="webchat", route="r")
    assert language_of(rules, inbound, remembered) == language
