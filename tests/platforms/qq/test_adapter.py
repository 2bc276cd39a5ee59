"""Messages in and out over real sockets: every scene, both ways of receiving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests import pictures
from tests.platforms.qq.rig import Rig, Transport, play
from tests.upstream.conftest import LOOPS
from tests.upstream.leaks import until

from holdfast.bot.event import (
    Frame,
    Media,
    Notice,
    NoticeKind,
    Outbound,
    Place,
    Scene,
    Typing,
    Whole,
)
from holdfast.core.failure import Kind, Phase
from holdfast.core.mediatype import sniffed
from holdfast.sim.qq.events import Quoted
from holdfast.sim.qq.faults import Refuse
from holdfast.sim.qq.rules import Rules
from holdfast.sim.qq.simulator import file_of

pytestmark = pytest.mark.scenario

BOTH: list[Transport] = ["websocket", "webhook"]


@pytest.mark.parametrize("transport", BOTH)
@pytest.mark.parametrize("new_loop", LOOPS.values(), ids=LOOPS)
def test_a_private_message_is_answered_by_a_stream(
    transport: Transport,
    new_loop: Callable[[], asyncio.AbstractEventLoop],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.platforms.qq.rig.new_loop", new_loop)

    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        message_id = anna.says("hello")
        await it.hears(1)
        message = it.inbox.messages[0]
        assert (message.id, message.text) == (message_id, "hello")
        assert message.place.conversation == f"qq:c2c:{anna.id}"
        assert (message.place.scene, message.addressed) == (Scene.DIRECT, True)
        await it.streams("Once", "Once upon a time", "Once upon a time.")
        assert anna.reads == ["Once upon a time."]
        assert not anna.generating
        assert it.qq.complaints == []

    play(scene, transport=transport)


@pytest.mark.parametrize("transport", BOTH)
@pytest.mark.parametrize("sent_as", ["mention", "all messages", "both"])
def test_a_mention_in_a_group_is_answered_once(transport: Transport, sent_as: str) -> None:
    """As either type of event, or as both."""

    async def scene(it: Rig) -> None:
        group, anna = it.qq.group(), it.qq.person("Anna")
        group.says(anna, "core状态")
        await it.hears(1)
        group.says(anna, "and again")
        await it.hears(2)
        assert it.inbox.texts == ["core状态", "and again"]
        assert all(message.addressed for message in it.inbox.messages)
        if sent_as == "both":
            await until(lambda: len(it.inbox.repeated) == 2)
        await it.says("fine")
        assert group.reads == ["fine"]

    full, both = sent_as == "all messages", sent_as == "both"
    play(scene, Rules(full_messages=full, both_group_events=both), transport)


def test_what_people_say_to_each_other_is_not_for_the_bot() -> None:
    async def scene(it: Rig) -> None:
        group, anna = it.qq.group(), it.qq.person("Anna")
        group.says(anna, "lunch?", to_bot=False)
        group.says(anna, "I am a bot", to_bot=True, by_bot=True)
        await it.hears(2)
        (lunch, bot) = it.inbox.messages
        assert (lunch.addressed, bot.sender.is_bot) == (False, True)

    play(scene, Rules(full_messages=True))


@pytest.mark.parametrize("transport", BOTH)
def test_guild_channels_and_private_chats(transport: Transport) -> None:
    async def scene(it: Rig) -> None:
        channel, direct, anna = it.qq.channel(), it.qq.guild_dm(), it.qq.person("Anna")
        channel.says(anna, "1 < 2 & 3")
        await it.hears(1)
        assert it.inbox.texts == ["1 < 2 & 3"]
        await it.says("**yes**")
        assert channel.reads == ["yes"]
        direct.says(anna, "hello")
        await it.hears(2)
        assert it.inbox.messages[1].place.scene is Scene.DIRECT
        # There are no streams there: the frames are taken, the last is shown.
        await it.streams("Once", "Once upon", "Once upon a time.")
        assert direct.reads == ["Once upon a time."]
        await it.send(Typing())
        assert direct.typing == []

    play(scene, transport=transport)


def test_payloads_of_2024_are_read_as_well() -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        anna.says("look", [file_of("a.png", "image/png", "https://gchat.qpic.cn/a")])
        await it.hears(1)
        (file,) = it.inbox.messages[0].attachments
        assert (file.kind, file.url) == ("image", "https://gchat.qpic.cn/a")

    play(scene, Rules(old_payloads=True))


def test_quotes_of_what_the_bot_said_itself() -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        anna.says("hello")
        await it.hears(1)
        receipt = await it.says("The answer is 42.")
        it.qq.rules.old_payloads = True  # only the name of what is quoted
        anna.says("why?", quoted=Quoted(str(receipt.extra["ref"]), "not sent"))
        await it.hears(2)
        assert it.inbox.messages[1].quote == "The answer is 42."

    play(scene)


@pytest.mark.parametrize("where", ["group", "channel"])
def test_an_answer_that_comes_after_others_have_spoken_quotes_its_question(where: str) -> None:
    async def scene(it: Rig) -> None:
        chat: Any = it.qq.group() if where == "group" else it.qq.channel()
        anna, bob = it.qq.person("Anna"), it.qq.person("Bob")
        chat.says(anna, "is it raining?")
        chat.says(bob, "what is 6 times 7?")
        await it.hears(2)
        first, second = [message.place for message in it.inbox.messages]
        await it.send(Whole("Yes, it is."), slot=1, place=first)
        await it.send(Whole("And it will be."), slot=2, place=first)
        await it.send(Whole("It is 42."), slot=1, place=second)
        assert [shown.quotes for shown in chat.shown] == ["is it raining?", "", ""]
        assert it.qq.complaints == []

    play(scene)


def test_in_a_private_chat_nothing_is_quoted() -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        anna.says("one")
        anna.says("two")
        await it.hears(2)
        for message in it.inbox.messages:
            await it.send(Whole("an answer"), slot=1, place=message.place)
        assert [shown.quotes for shown in anna.shown] == ["", ""]

    play(scene)


def test_an_answer_whose_quote_is_refused_comes_without() -> None:
    async def scene(it: Rig) -> None:
        anna, group = it.qq.person("Anna"), it.qq.group()
        group.says(anna, "one")
        group.says(anna, "two")
        await it.hears(2)
        it.qq.world.quotable.clear()  # it was recalled
        await it.send(Whole("an answer"), slot=1, place=it.inbox.messages[0].place)
        assert [shown.body for shown in group.shown] == ["an answer"]
        assert len(it.qq.complaints) == 1

    play(scene, Rules(unknown_quotes="refused"))


@pytest.mark.parametrize("done", [True, False])
def test_an_answer_with_a_quote_that_fails_with_an_unknown_code_comes_once(done: bool) -> None:
    """It may be the quote, or the platform's own trouble after it took the message."""

    async def scene(it: Rig) -> None:
        anna, group = it.qq.person("Anna"), it.qq.group()
        group.says(anna, "one")
        group.says(anna, "two")
        await it.hears(2)
        place = it.inbox.messages[0].place
        it.qq.fail(Refuse(99999999, 500), done=done)
        await it.failure(Whole("an answer"), slot=1, place=place)
        assert (await it.send(Whole("an answer"), slot=1, place=place)).repeated is done
        assert [shown.body for shown in group.shown] == ["an answer"]

    play(scene)


@pytest.mark.parametrize("transport", BOTH)
def test_notices(transport: Transport) -> None:
    async def scene(it: Rig) -> None:
        anna, group = it.qq.person("Anna"), it.qq.group()
        for happens in (anna.befriends, anna.rejects, group.adds_bot, group.removes_bot):
            happens()
            await it.hears(len(it.inbox.had) + 1)
        kinds = [event.kind for event in it.inbox.had if isinstance(event, Notice)]
        assert kinds == [NoticeKind.JOINED, NoticeKind.CLOSED, NoticeKind.JOINED, NoticeKind.LEFT]
        await it.send(Whole("welcome"), place=it.inbox.had[0].place)
        assert anna.reads == ["welcome"]

    play(scene, transport=transport)


def test_buttons_are_acknowledged_and_answered() -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        pressed = anna.presses("confirm:once")
        await it.hears(1)
        assert it.inbox.texts == ["confirm:once"]
        await it.qq.until(lambda: it.qq.desk.interactions[pressed].answered == [0])
        await it.says("confirmed")
        assert anna.reads == ["confirmed"]
        assert it.qq.complaints == []

    play(scene, Rules(repeats=1))


def test_typing() -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        anna.says("hello")
        await it.hears(1)
        await it.send(Typing(30), slot=1)
        await it.says("hi", slot=2)
        assert [shown.body for shown in anna.typing] == ["30"]
        assert anna.reads == ["hi"]

    play(scene)


# Words that are not taken.


def test_markdown_that_is_not_permitted_goes_out_as_text_and_is_remembered() -> None:
    async def scene(it: Rig) -> None:
        group, anna = it.qq.group(), it.qq.person("Anna")
        it.qq.rules.markdown = {"c2c"}
        group.says(anna, "hello")
        await it.hears(1)
        await it.says("**one**", slot=1)
        await it.says("**two**", slot=2)
        assert group.reads == ["one", "two"]
        asked = [a.body["msg_type"] for a in it.qq.asked if a.path.endswith("/messages")]
        assert asked == [2, 0, 0]
        anna.says("hello")
        await it.hears(2)
        await it.says("**three**")
        assert anna.reads == ["**three**"]

    play(scene)


def test_one_message_whose_markdown_is_wrong_says_nothing_of_others() -> None:
    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        it.qq.fail(Refuse(40034010))
        await it.says("**one", slot=1)
        await it.says("**two**", slot=2)
        assert [shown.kind for shown in anna.shown] == ["text", "markdown"]

    play(scene)


def test_a_stream_is_text_where_markdown_is_not_permitted() -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        it.qq.rules.markdown.clear()
        anna.says("hello")
        await it.hears(1)
        await it.streams("**Once**", "**Once** upon", "**Once** upon a time")
        assert anna.reads == ["**Once** upon a time"]
        assert [shown.format for shown in anna.shown] == ["text"]
        assert it.qq.complaints == []

    play(scene)


def test_a_stream_that_began_as_markdown_stays_so() -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        anna.says("hello")
        await it.hears(1)
        first = await it.send(Frame(0, "**a**", False))
        it.qq.rules.markdown.clear()
        await it.says("**other**", slot=2)
        await it.send(Frame(1, "**a** b", True, first.message_id))
        forms = [a.body["content_type"] for a in it.qq.asked if "stream" in a.path]
        assert forms == ["markdown", "markdown"]
        assert anna.reads == ["**a** b", "other"]

    play(scene)


@pytest.mark.parametrize("takes_slot", [False, True])
def test_addresses_are_put_in_other_words_once(takes_slot: bool) -> None:
    async def scene(it: Rig) -> None:
        group, anna = it.qq.group(), it.qq.person("Anna")
        group.says(anna, "hello")
        await it.hears(1)
        await it.says("see crawler.py at https://example.com")
        assert group.reads == ["see crawler．py at https：//example．com"]
        # Sent again after a crash, it is known for what it was.
        again = await it.says("see crawler.py at https://example.com")
        assert again.repeated
        assert len(group.reads) == 1

    play(scene, Rules(refusal_takes_slot=takes_slot))


def test_nobody_is_called_by_what_a_model_says() -> None:
    async def scene(it: Rig) -> None:
        group, anna = it.qq.group(), it.qq.person("Anna")
        group.says(anna, "hello")
        await it.hears(1)
        await it.says("<qqbot-at-everyone /> hi")
        anna.says("hello")
        await it.hears(2)
        await it.streams("<qq", "<qqbot-at-everyone", "<qqbot-at-everyone />!")
        assert anna.reads == ["<\u200bqqbot-at-everyone />!"]
        assert it.qq.complaints == []

    play(scene)


def test_without_markdown_everything_is_text() -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        anna.says("hello")
        await it.hears(1)
        await it.says("**hi**")
        assert [shown.kind for shown in anna.shown] == ["text"]
        assert not it.adapter.capabilities(it.inbox.messages[0].place).markdown

    play(scene, markdown=False)


# Files.


@pytest.fixture
def picture() -> Media:
    return Media("image", "a.png", "image/png", pictures.png(noise=b"x" * 900), caption="look")


def test_a_file_is_uploaded_once(picture: Media) -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        anna.says("a picture please")
        await it.hears(1)
        await it.send(picture, slot=1)
        await it.send(picture, slot=2)
        assert [shown.files for shown in anna.shown] == [("image:a.png",)] * 2
        assert anna.reads == ["look", "look"]
        assert len([a for a in it.qq.asked if a.path.endswith("/files")]) == 1
        # The platform forgot it before its time.
        it.qq.advance(400)
        await it.send(picture, slot=3)
        assert len([a for a in it.qq.asked if a.path.endswith("/files")]) == 2
        assert len(anna.shown) == 3

    play(scene)


def test_the_same_bytes_under_another_name_are_another_file() -> None:
    async def scene(it: Rig) -> None:
        anna = await it.greeted()
        for slot, name in enumerate(("a.csv", "b.csv", "a.csv"), 1):
            await it.send(Media("file", name, "text/csv", b"1,2"), slot=slot)
        assert [shown.files for shown in anna.shown] == [
            (f"file:{name}",) for name in ("a.csv", "b.csv", "a.csv")
        ]
        assert len([a for a in it.qq.asked if a.path.endswith("/files")]) == 2

    play(scene)


@pytest.mark.parametrize("base", [0, 1])
def test_a_large_file_goes_in_parts(
    base: int, picture: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.platforms.qq.media.WHOLE", 100)

    async def scene(it: Rig) -> None:
        group, anna = it.qq.group(), it.qq.person("Anna")
        group.says(anna, "a picture please")
        await it.hears(1)
        await it.send(picture)
        assert [shown.files for shown in group.shown] == [("image:a.png",)]
        parts = [a for a in it.qq.asked if a.path.startswith("/cos/")]
        assert len(parts) == 4

    play(scene, Rules(part_bytes=300, part_index_from=base, parts_pending=2, part_delay=0))


def test_pictures_in_guilds(picture: Media) -> None:
    async def scene(it: Rig) -> None:
        channel, anna = it.qq.channel(), it.qq.person("Anna")
        channel.says(anna, "a picture please")
        await it.hears(1)
        await it.send(picture)
        await it.send(Media("image", "b", "", url="https://u.invalid/b.png"))
        assert [shown.files for shown in channel.shown] == [
            ("a.png",),
            ("https://u.invalid/b.png",),
        ]
        assert channel.shown[0].contents == (picture.data,)
        assert channel.reads == ["look"]
        failure = await it.failure(Media("file", "report", "", b"%PDF"))
        assert (failure.kind, failure.phase) == (Kind.UNSUPPORTED, Phase.ADMIT)

    play(scene)


@pytest.mark.parametrize("voices", ["common", "silk"])
@pytest.mark.parametrize(
    ("kind", "name", "data", "seen"),
    [
        ("image", "a.gif", b"GIF89a", "file"),
        ("image", "a.png", pictures.png(), "image"),
        ("voice", "a.wav", pictures.wav(), "voice"),
        ("voice", "a.flac", b"fLaC", "file"),
        ("file", "a.pdf", b"%PDF", "file"),
    ],
)
def test_what_is_no_picture_and_no_voice_to_the_platform_goes_as_a_file(
    kind: Any, name: str, data: bytes, seen: str, voices: Any
) -> None:
    async def scene(it: Rig) -> None:
        group, anna = it.qq.group(), it.qq.person("Anna")
        group.says(anna, "send it")
        await it.hears(1)
        await it.send(Media(kind, name, sniffed(data), data))
        as_seen = "file" if voices == "silk" and seen == "voice" else seen
        (shown,) = group.shown
        assert (shown.files, shown.contents) == ((f"{as_seen}:{name}",), (data,))

    play(scene, Rules(voices=voices))


def test_what_the_platform_takes_in_no_form_is_refused_and_nothing_is_shown() -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        anna.says("a picture please")
        await it.hears(1)
        failure = await it.failure(Media("image", "a.png", "image/png", pictures.png()))
        assert (failure.code, failure.phase) == ("850031", Phase.ADMIT)
        assert not anna.shown

    play(scene, Rules(max_file=20))


# Messages that answer nothing.


def test_what_answers_nothing_is_only_sent_where_that_is_wanted() -> None:
    async def scene(it: Rig) -> None:
        anna = it.qq.person("Anna")
        place = Place(f"qq:c2c:{anna.id}", Scene.DIRECT)
        failure = await it.failure(Whole("news"), place=place)
        assert (failure.kind, failure.phase) == (Kind.FORBIDDEN, Phase.ADMIT)
        assert anna.reads == []

    play(scene)

    async def wanted(it: Rig) -> None:
        anna = it.qq.person("Anna")
        place = Place(f"qq:c2c:{anna.id}", Scene.DIRECT)
        await it.send(Whole("news"), place=place)
        assert anna.reads == ["news"]
        anna.rejects()
        failure = await it.failure(Whole("more"), slot=2, place=place)
        assert (failure.kind, failure.param, failure.code) == (Kind.FORBIDDEN, "chat", "40054013")

    play(wanted, Rules(proactive=True), proactive=True)


def test_conversations_of_other_platforms_are_none_of_ours() -> None:
    async def scene(it: Rig) -> None:
        outbound = Outbound(Place("webchat:1", Scene.DIRECT, {"msg_id": "x"}), Whole("x"), 1)
        failure = await it.failure(outbound.content, place=outbound.place)
        assert failure.kind is Kind.CONFIG

    play(scene)
