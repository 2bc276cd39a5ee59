"""What tools bring beside words: kept once, told to the model, given to a model that sees."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from tests import pictures
from tests.agent.stage import Played, Stage, call, calls, in_turn, play, says, task

from holdfast.agent import media
from holdfast.agent.abilities import Abilities
from holdfast.agent.codec import read_event, write_event
from holdfast.agent.compaction import IMAGES, fade_images
from holdfast.agent.events import MediaAdded, ToolAnswered
from holdfast.agent.media import IN_ALL, LARGEST, MOST, SEEN, Media, kept
from holdfast.agent.memory import Memory, keys_of
from holdfast.agent.standing import remembered
from holdfast.agent.tools import tool
from holdfast.core.mediatype import kind_of, media_type_of
from holdfast.core.message import File, Image, Message, Role, Text, said

PNG = pictures.png()


@tool()
async def draw(red: int = 200) -> list[Any]:
    """Draws a square."""
    return ["a square", Media(pictures.png(red), "square.png")]


@tool()
async def record() -> Media:
    return Media(pictures.wav())


@tool()
async def flood() -> list[Media]:
    return [Media(b"x" * (LARGEST + 1), "big.bin"), Media(PNG, "small.png")]


@tool()
async def blunder(name: str) -> list[Any]:
    """Makes its media of all that a program may have in hand."""
    data: dict[str, Any] = {"text": "a text", "none": None, "view": memoryview(PNG)}
    return ["made", Media(data[name], None, None)]  # type: ignore[arg-type]


@tool()
async def album(number: int = 0) -> list[Media]:
    """As much as one result may bring."""
    return [Media(bytes([number, n]) * (LARGEST // 2), "a.bin") for n in range(MOST)]


@tool()
async def crowd() -> list[Media]:
    return [Media(bytes([1, n]) * 9, f"{n}.bin") for n in range(200)] + [Media(b"")] * 200


TOOLS = (draw, record, flood, blunder, album, crowd)


def played(*replies: Any, sees: bool = False, **changes: Any) -> Played:
    abilities = {"main": Abilities(vision=sees)}
    stage = Stage({"main": in_turn(*replies)}, TOOLS, abilities=abilities)
    return play(stage, task(tools=tuple(made.name for made in TOOLS), **changes))


def answered(one: Played) -> ToolAnswered:
    return next(event for event in one.events if isinstance(event, ToolAnswered))


def files(one: Played) -> list[File]:
    """All that the person is shown."""
    added = [event.message for event in one.events if isinstance(event, MediaAdded)]
    return [file for message in added for file in media.shown(message)]


def test_the_result_holds_what_the_person_is_shown_and_words_for_the_model() -> None:
    one = played(calls(call("draw")), says("there"))
    assert answered(one).message.text.startswith("a square\n[square.png (image/png, ")
    (file,) = files(one)
    assert (base64.b64decode(file.data), file.name, file.media_type) == (
        PNG,
        "square.png",
        "image/png",
    )
    for event in one.events:
        assert read_event(write_event(event)) == event


def test_a_model_that_sees_is_given_the_picture_behind_the_result() -> None:
    """Many a vendor of the chat dialect takes no picture in a result, and all take a user's."""
    bodies = played(calls(call("draw")), says("there"), sees=True).stage.bodies
    *_, result, picture = bodies[1]["messages"]
    assert (result["role"], type(result["content"])) == ("tool", str)
    assert picture["role"] == "user"
    url = picture["content"][1]["image_url"]["url"]
    assert url == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


@pytest.mark.parametrize("name", ["draw", "record"])
def test_a_model_that_does_not_see_is_told_and_nobody_is_told_that_it_saw_nothing(
    name: str,
) -> None:
    one = played(calls(call(name)), says("there"))
    *_, result = one.stage.bodies[1]["messages"]
    assert "is shown to the person" in result["content"]
    assert "cannot see" not in result["content"]
    assert not one.noted("image_unseen")


def test_a_turn_that_shows_something_and_says_nothing_is_not_empty() -> None:
    assert played(calls(call("draw")), says("")).ended.key == ""


def test_what_is_too_large_is_told_to_the_person_and_to_the_model() -> None:
    one = played(calls(call("flood")), says("hm"))
    assert one.noted("media_left_out") == [{"name": "big.bin", "limit": "8.0 MB"}]
    assert "big.bin (8.0 MB) is too large" in answered(one).message.text
    assert [file.name for file in files(one)] == ["small.png"]


@pytest.mark.parametrize("name", ["text", "none"])
def test_media_that_are_no_bytes_are_a_failure_of_their_tool_alone(name: str) -> None:
    one = played(calls(call("blunder", f'{{"name": "{name}"}}')), says("hm"))
    assert (answered(one).outcome, one.ended.outcome) == ("error", "finished")
    assert "media are bytes, not" in answered(one).message.text


def test_a_view_of_bytes_is_bytes_and_a_name_that_is_none_is_made_up() -> None:
    one = played(calls(call("blunder", '{"name": "view"}')), says("there"))
    assert [(file.name, base64.b64decode(file.data)) for file in files(one)] == [
        ("image-1.png", PNG)
    ]


def test_the_same_call_again_is_answered_without_showing_it_again() -> None:
    one = played(calls(call("draw")), calls(call("draw", id="other")), says("there"))
    assert len(one.answers) == 2
    assert len(files(one)) == 1


def test_the_media_of_a_turn_are_bounded() -> None:
    one = Media(PNG, "a.png")
    assert kept([one], IN_ALL, "en").left_out == ("a.png",)
    assert len(kept([one] * (MOST + 1), 0, "zh").parts) == MOST
    (words,) = kept([Media(pictures.wav(), shown=False)], 0, "en").words
    assert "you can be given pictures only" in words
    assert kept([Media(b"")], 0, "en") == (("[file-1.bin is empty]",), (), ())


def test_calls_side_by_side_share_what_a_turn_may_bring() -> None:
    one = played(
        calls(*(call("album", f'{{"number": {n}}}', id=f"c{n}") for n in (1, 2))), says(".")
    )
    assert sum(len(base64.b64decode(file.data)) for file in files(one)) <= IN_ALL


def test_however_many_a_tool_brings_one_sentence_names_a_few() -> None:
    one = played(calls(call("crowd")), says("hm"))
    (note,) = one.noted("media_left_out")
    assert note["name"] == "4.bin, 5.bin, 6.bin, 7.bin, 8.bin, … (196)"
    assert "is empty" in answered(one).message.text
    assert len(answered(one).message.text) < 1000


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a/b\\../évil\n.png", "évil.png"),
        ("..", "image-1.png"),
        ("", "image-1.png"),
        ("x" * 200 + ".png", "x" * 30 + "…" + "x" * 26 + ".png"),
    ],
)
def test_a_name_is_a_name_and_no_path(name: str, plain: str) -> None:
    (part,) = kept([Media(PNG, name)], 0, "en").parts
    assert isinstance(part, File)
    assert part.name == plain


@pytest.mark.parametrize(
    ("data", "told", "found", "kind"),
    [
        (PNG, "text/html", "image/png", "image"),
        (pictures.wav(), "", "audio/wav", "voice"),
        (pictures.PAGE, "image/png", "application/octet-stream", "file"),
        (b"<svg/>", "image/svg+xml", "image/svg+xml", "file"),
        (b"%PDF", "Application/PDF; x=1", "application/pdf", "file"),
        (b"%PDF", "no type] at all\n/", "application/octet-stream", "file"),
        (b"%PDF", f"text/{'x' * 1000}", "application/octet-stream", "file"),
        (b"\0\0\0\x18ftypmp42", "", "video/mp4", "video"),
    ],
)
def test_bytes_are_what_they_begin_as(data: bytes, told: str, found: str, kind: str) -> None:
    assert media_type_of(data, told) == found
    assert kind_of(found) == kind


def test_a_model_is_given_the_newest_pictures_that_it_can_take() -> None:
    def result(*parts: Any) -> Message:
        return Message(Role.TOOL, (Text("t"), *parts), answers="c")

    picture = File("p.png", data="AAAA", media_type="image/png")
    huge = File("h.png", data="A" * 6_000_000, media_type="image/png")
    seen = media.as_seen([result(picture, huge) for _ in range(SEEN + 3)])
    images = [[p for p in message.parts if isinstance(p, Image)] for message in seen]
    assert list(map(len, images)) == [0] * 3 + [1] * SEEN


@pytest.mark.parametrize(
    "whole",
    [
        Message(
            Role.TOOL, (Text("t"), File("p", data="AAAA", media_type="image/png")), answers="c"
        ),
        Message(Role.USER, (Image(data="AAAA"), Text("or"), Image(data="BBBB"), Image("u"))),
        Message(Role.USER, (Image(data="AAAA", media_type="image/png"),)),
    ],
)
def test_history_is_told_in_one_message_what_was_kept_in_two(whole: Message) -> None:
    emptied, added = media.parted(whole)
    assert added is not None
    assert "AAAA" not in str(emptied)
    assert media.joined([added, emptied]) == [whole]
    assert media.joined([emptied]) == [emptied], "it is too old to be read"
    assert media.parted(emptied) == (emptied, None)
    before, after = said(Role.USER, "before"), said(Role.ASSISTANT, "after")
    history = [before, added, emptied, after, added, emptied]
    assert media.joined(history) == [before, whole, after, whole]


def test_media_of_a_result_that_is_not_there_are_nobodys() -> None:
    added = Message(Role.TOOL, (File("p", data="AAAA"),), answers="c")
    other = Message(Role.TOOL, (Text("t"),), answers="d")
    assert media.joined([added, other]) == [other]


def test_a_picture_that_was_journalled_with_its_question_stays_there() -> None:
    """As versions before wrote it."""
    history = [Message(Role.USER, (Image(data="AAAA"),)), said(Role.ASSISTANT, "a cat")]
    assert media.joined(history) == history


def test_what_a_person_sends_is_kept_beside_the_question_and_remembered_with_it() -> None:
    asked = Message(Role.USER, (Text("what is it?"), Image(data="AAAA", media_type="image/png")))
    stage = Stage({"main": in_turn(says("a cat"))}, abilities={"main": Abilities(vision=True)})
    one = play(stage, replace(task(), asked=asked))
    kinds = [type(event).__name__ for event in one.events[:2]]
    assert kinds == ["MediaAdded", "Asked"]
    assert "AAAA" not in str(one.events[1])
    assert "AAAA" in str(one.stage.bodies[0])
    assert remembered(one.events)[0] == asked


def test_the_next_turn_sees_the_picture_that_an_earlier_one_brought() -> None:
    one = played(calls(call("draw")), says("there"))
    history = tuple(remembered(one.events))
    bodies = played(says("red"), sees=True, history=history).stage.bodies
    assert [m["role"] for m in bodies[0]["messages"]] == [
        *("user", "assistant", "tool", "user"),
        *("assistant", "user"),
    ]


def test_a_summary_is_known_again_when_a_picture_is_no_longer_shown() -> None:
    words = Message(Role.TOOL, (Text("t"),), answers="c")
    picture = replace(words, parts=(*words.parts, Image(data="AAAA", media_type="image/png")))
    assert [*keys_of([[picture]])] == [*keys_of([[words]])]
    faded = fade_images([replace(words, parts=(*words.parts, Image()))], "en")
    assert [*keys_of([faded])] == [*keys_of([[words]])]
    asked, bare = replace(picture, role=Role.USER), replace(words, role=Role.USER)
    assert [*keys_of([[asked]])] != [*keys_of([[bare]])]
    later = [said(Role.USER, f"{n}") for n in range(IMAGES)]
    later = [replace(one, parts=(*one.parts, Image("u"))) for one in later]
    (old, *_) = fade_images([asked, *later], "en")
    assert [*keys_of([[asked]])] == [*keys_of([[old]])]


def test_a_picture_of_a_tool_is_described_to_a_model_that_does_not_see() -> None:
    stage = Stage(
        {
            "main": in_turn(calls(call("draw")), says("there")),
            "eyes": in_turn(says("A red square.")),
        },
        TOOLS,
        abilities={"eyes": Abilities(vision=True)},
    )
    one = play(stage, task(tools=("draw",), caption_route="eyes"))
    (body,) = [body for host, body in stage.asked if host.startswith("main")][1:]
    assert body["messages"][-1]["content"].endswith("[image: A red square.]")
    assert not one.noted("image_unseen")


def test_a_picture_that_was_described_before_is_not_unseen_because_newer_ones_came() -> None:
    eyes, memory = in_turn(*(says(f"Picture {number}.") for number in range(6))), Memory()
    scripts = {"main": in_turn(says("I see.")), "eyes": eyes}
    history: tuple[Message, ...] = ()
    for numbers in ((0, 1, 2), (3, 4, 5)):
        shown = (Image(data=base64.b64encode(pictures.png(n)).decode()) for n in numbers)
        asked = Message(Role.USER, (Text("look"), *shown))
        stage = Stage(scripts, abilities={"eyes": Abilities(vision=True)}, memory=memory)
        one = play(stage, replace(task(caption_route="eyes", history=history), asked=asked))
        history = remembered(one.events)
    told = str(stage.bodies[-1]["messages"])
    assert all(f"Picture {number}." in told for number in range(6))
