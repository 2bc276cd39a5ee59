"""What the page is told of a turn, while it runs and after a reload."""

from __future__ import annotations

import base64
from dataclasses import replace

from holdfast.agent import media
from holdfast.agent.codec import write_event
from holdfast.agent.events import Ended, MediaAdded, ToolAnswered, ToolAsked, TurnEvent
from holdfast.core.message import File, Image, Message, Role, Text
from holdfast.engine.ports import Entry
from holdfast.platforms.webchat.view import View

_PICTURE = base64.b64encode(b"a picture").decode()
_RESULT = Message(
    Role.TOOL,
    (
        Text("here"),
        Image(data=_PICTURE, media_type="image/png"),
        File("a.png", data=_PICTURE, media_type="image/png"),
        File("b.pdf", data=base64.b64encode(b"pdf").decode(), media_type="application/pdf"),
    ),
    answers="1",
)


def journal(*, sizes: bool = True) -> list[Entry]:
    words, brought = media.parted(_RESULT)
    assert brought
    answered = ToolAnswered("1", "draw", "ok", words, sizes=media.sizes(_RESULT) if sizes else ())
    events: list[TurnEvent] = [
        ToolAsked("1", "draw", "{}"),
        MediaAdded("1", brought),
        answered,
        ToolAsked("2", "time", "{}"),
        ToolAnswered("2", "time", "ok", replace(_RESULT, parts=(Text("now"),), answers="2")),
        Ended("finished"),
    ]
    return [Entry(n, write_event(event)) for n, event in enumerate(events, 1)]


def without_media(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.event["type"] != "media_added"]


def test_what_tools_brought_is_told_without_reading_it() -> None:
    live = View("en", reasoning=False)
    expected = [live.shown(entry) for entry in journal()]
    told = View("en", reasoning=False).told(without_media(journal()))
    assert told == expected
    assert [one["name"] for one in told[1]["event"]["media"]] == ["a.png", "b.pdf"]


def test_of_old_turns_the_size_of_it_is_not_known() -> None:
    told = View("en", reasoning=False).told(without_media(journal(sizes=False)))
    assert [one["size"] for one in told[1]["event"]["media"]] == [None, None]
