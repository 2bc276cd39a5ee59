"""Transcripts of deliveries with pictures: in order, once, or a sentence in their place."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from tests import pictures
from tests.bot.people import C2C, GROUP, HANGS, Desk, Fault

from holdfast.agent.events import (
    Ended,
    MediaAdded,
    Noted,
    Replaced,
    StepBegan,
    TextAdded,
    ToolAnswered,
    ToolAsked,
    TurnEvent,
)
from holdfast.bot.adapter import Capabilities
from holdfast.bot.delivery import MEDIA_PATIENCE, MEDIA_TIME
from holdfast.bot.event import Whole
from holdfast.bot.moves import Over, Wait
from holdfast.core.message import File, Message, Role, Text

GUILD = replace(
    GROUP, replies=None, media=frozenset({"image"}), recognises_repeats=False, typing=False
)
END = Ended("finished")
BEGAN, AGAIN = StepBegan(1, "r", "ref"), StepBegan(2, "r", "ref")
NO_ROOM = "({} could not be sent: no reply, or no time, was left for it. You can ask for it again.)"


def brings(*names: str, data: bytes = b"", zh: bool = False) -> list[TurnEvent]:
    """A tool's result with pictures of these names, or files where one is called *.pdf."""
    files = [
        File(name, data=base64.b64encode(data or pictures.png(number)).decode(), media_type=kind)
        for name in names
        for number in [sum(name.encode()) % 255]
        for kind in ["application/pdf" if name.endswith("pdf") else "image/png"]
    ]
    added = Message(Role.TOOL, tuple(files), answers="c")
    answer = Message(Role.TOOL, (Text("done"),), answers="c")
    return [
        ToolAsked("c", "draw", "{}"),
        MediaAdded("c", added),
        ToolAnswered("c", "draw", "ok", answer),
    ]


def desk(can: Capabilities, *events: TurnEvent, faults: list[Fault] | None = None) -> Desk:
    at = Desk(can, faults=faults or [])
    at.hear(*events)
    return at


@pytest.mark.parametrize("can", [C2C, GROUP, GUILD])
def test_a_picture_without_words_before_it_is_shown_at_once(can: Capabilities) -> None:
    at = desk(can, BEGAN, *brings("a.png"))
    at.run(until=1)
    assert at.screen == ["<a.png>"]
    at.hear(AGAIN, TextAdded("There."), END)
    assert at.run() == Over()
    assert at.screen == ["<a.png>", "There."]


@pytest.mark.parametrize("can", [C2C, GROUP, GUILD])
def test_words_picture_words_come_in_their_order(can: Capabilities) -> None:
    at = desk(can, BEGAN, TextAdded("I draw it.\n"), *brings("a.png"))
    at.run(until=1)
    assert at.screen == ["I draw it.", "<a.png>"]
    at.hear(AGAIN, TextAdded("There."))
    at.run(until=2)
    at.hear(END)
    assert at.run() == Over()
    assert at.screen == ["I draw it.", "<a.png>", "There."]


def test_a_message_that_grows_ends_before_the_picture() -> None:
    at = desk(C2C, BEGAN, TextAdded("I draw "))
    at.run(until=1)
    at.hear(TextAdded("it."), *brings("a.png"), AGAIN, TextAdded("There it is."))
    at.run(until=3)
    assert at.frames[1] == (1, "I draw it.", True)
    at.hear(END)
    assert at.run() == Over()
    assert at.screen == ["I draw it.", "<a.png>", "There it is."]


@pytest.mark.parametrize(
    ("can", "seen", "left"),
    [
        (C2C, ["<a>", "<b>", "<c>"], ["d", "e", "f"]),
        (GROUP, ["<a>", "<b>", "<c>", "<d>"], ["e", "f"]),
    ],
)
def test_one_reply_is_kept_for_the_end_which_tells_what_could_not_be_sent(
    can: Capabilities, seen: list[str], left: list[str]
) -> None:
    at = desk(can, BEGAN, *brings(*"abcdef"), AGAIN, TextAdded("All done."), END)
    assert at.run() == Over()
    *shown, end = at.screen
    assert shown == seen
    assert end == f"All done.\n\n{NO_ROOM.format(', '.join(left))}"


def test_a_sentence_names_no_more_than_a_few() -> None:
    at = desk(GROUP, BEGAN, *brings(*"abcdefghijk"), END)
    at.run()
    assert at.screen[-1] == NO_ROOM.format("e, f, g, h, i, … (7)")


def test_pictures_do_not_take_the_place_of_the_words_before_them() -> None:
    """Where few replies are left the picture goes first, and the words in one message."""
    events = [
        event
        for name in "abcdef"
        for event in (StepBegan(ord(name), "r", "x"), TextAdded(f"{name}?"), *brings(name))
    ]
    at = desk(GROUP, *events, END)
    assert at.run() == Over()
    assert at.screen[:4] == ["a?", "<a>", "b?", "<b>"]
    assert at.screen[4].startswith("c?\n\nd?\n\ne?\n\nf?\n\n(c, d, e, f could not")
    assert len(at.screen) == 5


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_the_platform_does_not_show_is_told(language: str) -> None:
    at = desk(GUILD, Noted("language", {"language": language}), BEGAN, *brings("a.pdf"), END)
    assert at.run() == Over()
    assert at.screen == [
        "(a.pdf cannot be sent in this chat: the platform takes no such files here.)"
        if language == "en"
        else "（这里无法发送 a.pdf：平台在此处不支持这类文件）"
    ]


@pytest.mark.parametrize(
    ("can", "fault", "end"),
    [
        (C2C, "no_file", "(a could not be sent: the platform did not take it.)"),
        (GUILD, "lost", "(It is not known whether a arrived; it was not sent a second time.)"),
        (GUILD, "dropped", "(It is not known whether a arrived; it was not sent a second time.)"),
    ],
)
def test_a_picture_that_is_lost_is_told_and_the_words_come(
    can: Capabilities, fault: Fault, end: str
) -> None:
    at = desk(can, BEGAN, *brings("a"), AGAIN, TextAdded("There."), END, faults=[fault])
    assert at.run() == Over()
    assert at.screen[-1] == f"There.\n\n{end}"
    assert at.screen.count("<a>") == (fault == "lost")


@pytest.mark.parametrize(
    "fault", ["lost", "dropped", "busy", "unreachable", "crash", "crash_after"]
)
@pytest.mark.parametrize("can", [C2C, GROUP])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_whatever_fails_once_each_comes_once_and_in_order(
    can: Capabilities, fault: Fault, place: int
) -> None:
    events = [BEGAN, TextAdded("I draw it."), *brings("a"), AGAIN, TextAdded("There."), END]
    at = desk(can, *events, faults=[*["ok"] * place, fault])  # type: ignore[list-item]
    assert at.run() == Over()
    assert at.screen == ["I draw it.", "<a>", "There."]


def test_a_platform_that_takes_no_picture_for_long_is_asked_to_take_the_words() -> None:
    at = desk(C2C, BEGAN, *brings("a"), AGAIN, TextAdded("There."), END, faults=["busy"] * 40)
    at.run()
    words = next(when for when, sent in at.sent_at if isinstance(sent.content, Whole))
    assert MEDIA_PATIENCE <= words <= 2 * MEDIA_PATIENCE


@pytest.mark.parametrize(
    ("fault", "patience"), [("no_upload", 2 * MEDIA_PATIENCE), ("hangs", HANGS + 1)]
)
@pytest.mark.parametrize("can", [C2C, GROUP])
def test_words_do_not_wait_for_an_upload_that_the_platform_does_not_take(
    can: Capabilities, fault: Fault, patience: float
) -> None:
    events = [BEGAN, *brings("a"), AGAIN, TextAdded("There."), END]
    at = desk(can, *events, faults=[fault] * 40)
    at.run()
    words = next(when for when, sent in at.sent_at if isinstance(sent.content, Whole))
    assert words <= patience


@pytest.mark.parametrize("fault", ["hangs", "no_upload", "busy"])
@pytest.mark.parametrize("can", [C2C, GROUP])
def test_words_wait_for_all_pictures_together_no_longer_than_for_few(
    can: Capabilities, fault: Fault
) -> None:
    at = desk(can, BEGAN, *brings(*"abc"), AGAIN, TextAdded("There."), END, faults=[fault] * 40)
    at.run()
    words = next(when for when, sent in at.sent_at if isinstance(sent.content, Whole))
    assert words <= MEDIA_TIME + 1


def test_what_was_not_tried_for_want_of_time_is_told() -> None:
    at = desk(C2C, BEGAN, *brings(*"abc"), AGAIN, TextAdded("There."), END, faults=["hangs"] * 2)
    at.run()
    assert at.screen == [
        "There.\n\n(a, b could not be sent: the platform did not take it.)"
        f"\n\n{NO_ROOM.format('c')}"
    ]


def test_an_upload_ends_when_the_window_does_and_the_end_is_told() -> None:
    at = desk(GROUP, BEGAN, TextAdded("I draw it."))
    at.run(until=GROUP.window - 60 if GROUP.window else 0)
    at.hear(*brings("a"), AGAIN, TextAdded("There."), END)
    at.faults = ["ok", "hangs"]
    assert at.run() == Over()
    assert at.now < 300
    assert at.screen[-1].startswith("There.")


def test_a_life_that_reads_its_journal_late_sends_no_picture_twice() -> None:
    at = desk(C2C, BEGAN, *brings("a"))
    at.run(until=1)
    kept, at.journal = at.journal, []
    at.start()
    assert isinstance(at.delivery.next(at.now), Wait)
    at.hear(*kept, AGAIN, TextAdded("There."), END)
    assert at.run() == Over()
    assert at.screen == ["<a>", "There."]


def test_the_same_picture_again_is_not_shown_again() -> None:
    at = desk(C2C, BEGAN, *brings("a"), *brings("a"), AGAIN, TextAdded("There."), END)
    assert at.run() == Over()
    assert at.screen == ["<a>", "There."]


def test_a_message_that_could_not_begin_before_a_picture_begins_anew_behind_it() -> None:
    events: list[TurnEvent] = [BEGAN, TextAdded("One two three.")]
    at = desk(replace(C2C, recognises_repeats=False), *events, faults=["busy"])
    at.run(until=0.1)
    at.hear(*brings("a"), AGAIN, TextAdded("Four five"))
    at.run(until=3)
    at.hear(TextAdded(" six."), END)
    assert at.run() == Over()
    assert at.screen == ["One two three.", "<a>", "Four five six."]


def test_a_text_that_is_replaced_keeps_its_picture() -> None:
    at = desk(C2C, BEGAN, *brings("a"), AGAIN, TextAdded("Wrong. "))
    at.run(until=2)
    at.hear(Replaced(), TextAdded("Right."), END)
    at.run()
    assert at.screen[0] == "<a>"
    assert at.screen[-1].endswith("Right.")
    assert at.screen.count("<a>") == 1


def test_what_was_left_out_is_told_at_the_end() -> None:
    note = Noted("media_left_out", {"name": "big.bin", "limit": "8.0 MB"})
    at = desk(C2C, BEGAN, note, TextAdded("Hm."), END)
    assert at.run() == Over()
    told = "(big.bin could not be shown: it is larger than 8.0 MB, or there were too many.)"
    assert at.screen == [f"Hm.\n\n{told}"]
