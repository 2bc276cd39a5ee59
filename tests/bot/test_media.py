"""What people attach, on its way to the model: side by side, in order, and not waited for."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests import pictures
from tests.upstream.leaks import until

from holdfast.bot.event import Attachment, Inbound, Person, Place, Scene
from holdfast.bot.middleware import media
from holdfast.bot.pipeline import Result, Silence, Visit
from holdfast.config import BotSettings
from holdfast.core.message import Image


class Shelf:
    """Files that are given out when the test says so; the others never come."""

    def __init__(self, **files: bytes) -> None:
        self.asked: list[str] = []
        self.may = asyncio.Event()
        self._files = files

    async def fetch(self, attachment: Attachment, limit: int) -> bytes:
        self.asked.append(attachment.url)
        if attachment.url not in self._files:
            await asyncio.Event().wait()
        await self.may.wait()
        return self._files[attachment.url]


def visit(shelf: Shelf, *attachments: Attachment) -> Visit:
    place = Place("qq:c2c:A", Scene.DIRECT)
    inbound = Inbound("helper", "qq", "1", place, Person("A"), "look", 0.0, attachments=attachments)
    rules = BotSettings.model_validate({"platform": "webchat", "route": "main"})
    services = cast(Any, SimpleNamespace(fetch=shelf.fetch))
    return Visit("helper", rules, inbound, "t", "l", "en", services, text="look")


async def onward(visit: Visit) -> Result:
    return Silence()


def test_files_are_fetched_side_by_side_and_told_in_order() -> None:
    async def main() -> None:
        shelf = Shelf(a=b"first", p=pictures.png(), b=b"second", q=pictures.png())
        seen = visit(
            shelf,
            Attachment("file", "a", "a.txt"),
            Attachment("image", "p"),
            Attachment("file", "b", "b.txt"),
            Attachment("image", "q"),
        )
        running = asyncio.create_task(media.media(seen, onward))
        await until(lambda: len(shelf.asked) == 4)
        shelf.may.set()
        await running
        assert [type(part) for part in seen.parts] == [Image, Image]
        assert seen.text.index("look") < seen.text.index("first") < seen.text.index("second")

    asyncio.run(main())


def test_files_that_do_not_come_are_told_together_and_the_others_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(media, "PATIENCE", 0.05)

    async def main() -> None:
        shelf = Shelf(a=b"first")
        shelf.may.set()
        silent = [Attachment("image", f"s{n}", f"s{n}.png") for n in range(3)]
        many = [Attachment("file", f"f{n}", f"f{n}.txt") for n in range(media.AT_ONCE)]
        seen = visit(shelf, Attachment("file", "a", "a.txt"), *silent, *many)
        await media.media(seen, onward)
        assert "first" in seen.text
        assert len(shelf.asked) == media.AT_ONCE + 1
        assert seen.text.count("could not be fetched") == len(silent) + len(many)

    asyncio.run(main())


def test_pictures_that_are_sent_as_files_are_pictures() -> None:
    async def main() -> None:
        shelf = Shelf(a=pictures.png(), b=pictures.png(), c=b"%PDF")
        shelf.may.set()
        seen = visit(
            shelf,
            Attachment("file", "a", "Photo.PNG"),
            Attachment("file", "b", media_type="image/jpeg"),
            Attachment("file", "c", "png.pdf"),
        )
        await media.media(seen, onward)
        assert [type(part) for part in seen.parts] == [Image, Image]
        assert seen.text.count("could not be read") == 1

    asyncio.run(main())
