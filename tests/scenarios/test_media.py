"""A tool server that returns a picture, in a process of its own: who asked for it sees it.

`holdfast serve` is a process too; the people are on the simulated QQ and on the page.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests import pictures
from tests.crash.asking import Page
from tests.crash.served import Lives
from tests.launching import launcher
from tests.serving import PATIENCE, configuration
from tests.upstream.leaks import until

from holdfast.sim.library import TEXTS
from holdfast.sim.qq.people import Chat
from holdfast.sim.qq.rules import Place, Rules
from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = [pytest.mark.scenario, pytest.mark.slow]

TOOLS = str(Path(__file__).parents[1] / "agent" / "mcp_server.py")
DRAW = "Please tool:box__picture"
ALL = "Please tool:box__everything"
DEMO, SHORT = TEXTS["demo"]["en"], TEXTS["short"]["en"]
HERE = "0123456789abcdef" * 2


@dataclass(frozen=True, slots=True)
class Town:
    qq: SimulatedQQ
    upstream: SimulatedUpstream
    lives: Lives


@asynccontextmanager
async def town(folder: Path, rules: Rules | None = None) -> AsyncIterator[Town]:
    async with (
        SimulatedQQ(rules) as qq,
        SimulatedUpstream() as upstream,
        Lives(launcher(), folder, {}) as lives,
    ):
        told = "\n".join(f"{key} = {json.dumps(value)}" for key, value in qq.settings().items())
        rest = 'route = "main"\ntools = ["mcp:box"]\naccess = { direct = "open", group = "open" }'
        more = f"""
[mcp.box]
command = {json.dumps([sys.executable, TOOLS, str(folder / "ledger.txt")])}
[bots.helper]
platform = "qq"
{told}
{rest}
[bots.page]
platform = "webchat"
{rest}
"""
        written = configuration(upstream.base_url, {"main": ["ok"]}, more)
        (folder / "holdfast.toml").write_text(written)
        await lives.begin().ready()
        async with asyncio.timeout(PATIENCE):
            await qq.connected()
        yield Town(qq, upstream, lives)
        await lives.life.stop()


def play(
    folder: Path, scene: Callable[[Town], Awaitable[None]], rules: Rules | None = None
) -> None:
    async def main() -> None:
        async with town(folder, rules) as there:
            await scene(there)
            assert there.qq.complaints == []

    asyncio.run(main())


def speak(qq: SimulatedQQ, place: Place, text: str) -> Chat:
    anna = qq.person("Anna")
    match place:
        case "c2c":
            anna.says(text)
            return anna
        case "group":
            group = qq.group()
            group.says(anna, text)
            return group
        case _:
            channel = qq.channel()
            channel.says(anna, text)
            return channel


async def read(chat: Chat, count: int) -> list[Any]:
    """What is on the screen once there are so many messages, and none of them grows."""
    async with asyncio.timeout(PATIENCE):
        await until(lambda: len(chat.shown) >= count and not chat.generating)
    return chat.shown


@pytest.mark.parametrize("place", ["c2c", "group", "channel"])
def test_on_qq_the_picture_comes_and_then_the_answer(tmp_path: Path, place: Place) -> None:
    async def scene(there: Town) -> None:
        picture, answer = await read(speak(there.qq, place, DRAW), 2)
        assert (picture.kind, picture.contents) == ("media", (pictures.png(),))
        assert answer.body.split()[:40] == DEMO.split()[:40]
        told = str(there.upstream.requests[-1].body["messages"])
        assert "is shown to the person" in told

    play(tmp_path, scene)


def test_a_message_that_grows_ends_before_the_picture_and_another_follows(tmp_path: Path) -> None:
    async def scene(there: Town) -> None:
        chat = speak(there.qq, "c2c", f"{DRAW} text:short")
        before, picture, after = await read(chat, 3)
        assert [before.body, picture.contents, after.body] == [SHORT, (pictures.png(),), SHORT]

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("place", "question", "kinds", "words"),
    [
        ("c2c", ALL, ["voice", "file", "file"], ""),
        (
            "c2c",
            f"{ALL} text:short",
            ["voice", "file"],
            "file-3.bin could not be sent: no reply, or",
        ),
        ("group", ALL, ["voice", "file", "file"], ""),
        ("channel", ALL, [], "cannot be sent in this chat"),
    ],
)
def test_what_has_no_place_is_told_in_a_sentence(
    tmp_path: Path, place: Place, question: str, kinds: list[str], words: str
) -> None:
    async def scene(there: Town) -> None:
        before = "text:short" in question
        chat = speak(there.qq, place, question)
        count = before + len(kinds) + 1
        async with asyncio.timeout(PATIENCE):  # who waits long sees "typing", which takes a reply
            await until(lambda: len(chat.shown + chat.typing) >= count and not chat.generating)
            await until(lambda: any(words in shown.body for shown in chat.shown))
        files = [shown.files[0].partition(":")[0] for shown in chat.shown if shown.files]
        assert files == kinds[: len(kinds) - len(chat.typing)]

    play(tmp_path, scene)


def test_on_the_page_at_the_step_of_the_tool_and_to_nobody_else(tmp_path: Path) -> None:
    async def scene(there: Town) -> None:
        page = Page(there.lives, HERE)
        turn = await page.say(ALL, f"{1:032x}")
        live = [e["event"] for e in await page.follow(turn)]
        (again,) = await page.turns()
        steps = [
            [event for event in events if event["type"] == "media_added"]
            for events in (live, [e["event"] for e in again["entries"]])
        ]
        assert steps[0] == steps[1]
        media = steps[0][0]["media"]
        assert [(one["kind"], one["name"]) for one in media] == [
            ("voice", "voice-1.wav"),
            ("file", "café.pdf"),
            ("file", "file-3.bin"),
        ]
        _, url = await there.lives.url()
        base = f"{url}/chat/api/turns/"
        sound, pdf, fake = [
            await there.lives.http.get(f"{base}{turn}/{one['path']}") for one in media
        ]
        assert (sound.content, sound.headers["content-type"]) == (pictures.wav(), "audio/wav")
        assert fake.content == pictures.PAGE
        for saved in (pdf, fake):
            assert saved.headers["content-type"] == "application/octet-stream"
            assert saved.headers["content-disposition"].startswith("attachment")
        for answer in (sound, pdf, fake):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in answer.headers["content-security-policy"]
        sequence = media[0]["path"].split("/")[1]
        for path in (
            f"{turn}/media/{sequence}/3",
            f"{turn}/media/1/0",
            f"{turn}/media/{'9' * 30}/0",
            f"{turn}/media/{'9' * 6000}/0",
            f"{turn}/media/{sequence}/{'9' * 6000}",
            f"{turn}/media/0/0",
            f"helper:{turn}/media/{sequence}/0",
            f"{turn}x/media/{sequence}/0",
        ):
            assert (await there.lives.http.get(base + path)).status_code == 404

    play(tmp_path, scene)


def test_a_key_that_guards_the_page_guards_what_it_shows(tmp_path: Path) -> None:
    async def scene(there: Town) -> None:
        told = (tmp_path / "holdfast.toml").read_text()
        (tmp_path / "holdfast.toml").write_text(
            f'{told}\n[gateway]\napi_keys = ["sk-guard-1234"]\n'
        )
        await there.lives.life.stop()
        url = await there.lives.begin().ready()
        path = f"{url}/chat/api/turns/page:{HERE}:{1:032x}/media/2/0"
        assert (await _get(there, path)).status_code == 401
        assert (await _get(there, path, authorization="Bearer sk-guard-1234")).status_code == 404

    play(tmp_path, scene)


async def _get(there: Town, url: str, **headers: str) -> httpx2.Response:
    return await there.lives.http.get(url, headers=headers)
