"""The simulated platform is what real clients of QQ take it for: two libraries, unchanged.

`.ci/run` makes their environments and names the interpreters in `HOLDFAST_CLIENT_BOTPY` and
`HOLDFAST_CLIENT_NONEBOT`.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.ports import reserved
from tests.upstream.leaks import HANG, LOOK

from holdfast.sim.qq.rules import GRANTED, Rules
from holdfast.sim.qq.simulator import SimulatedQQ

pytestmark = [pytest.mark.scenario, pytest.mark.slow]

_PROGRAMS = Path(__file__).parent / "programs"
_PATIENCE = HANG  # for one line of a client

# Its own idea of what a bot may have: reactions and audits, which QQ bots are not granted.
NONEBOT_ASKS_FOR = GRANTED | 1 << 10 | 1 << 27

Json = dict[str, Any]


@dataclass
class Client:
    process: asyncio.subprocess.Process

    async def tells(self, event: str) -> Json:
        """The next line about `event`; others are passed over."""
        assert self.process.stdout
        async with asyncio.timeout(_PATIENCE):
            while line := await self.process.stdout.readline():
                told = json.loads(line) if line.startswith(b"{") else {}
                if told.get("event") == event:
                    return dict(told)
        raise AssertionError(f"the client ended before it told of {event!r}")


@asynccontextmanager
async def client(variable: str, program: str, qq: SimulatedQQ, *more: str) -> AsyncIterator[Client]:
    interpreter = os.environ[variable]
    where = qq.api_base.removeprefix("http://")
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    process = await asyncio.create_subprocess_exec(
        interpreter,
        str(_PROGRAMS / program),
        where,
        qq.app_id,
        qq.app_secret,
        *more,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
        cwd=str(_PROGRAMS),
    )
    try:
        yield Client(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def needs(variable: str) -> pytest.MarkDecorator:
    there = os.environ.get(variable)
    return pytest.mark.skipif(not there, reason=f"{variable} names no interpreter")


@needs("HOLDFAST_CLIENT_BOTPY")
def test_qq_botpy() -> None:
    async def main() -> None:
        async with (
            SimulatedQQ() as qq,
            client("HOLDFAST_CLIENT_BOTPY", "qq_botpy.py", qq) as bot,
        ):
            assert (await bot.tells("ready"))["name"] == "holdfast"
            anna, group = qq.person("Anna"), qq.group()
            channel, direct = qq.channel(), qq.guild_dm()
            anna.says("hello")
            assert await bot.tells("c2c") == {"event": "c2c", "text": "hello", "who": anna.id}
            assert "去重" in (await bot.tells("refused"))["why"]
            group.says(anna, "hi")
            assert (await bot.tells("group"))["text"].strip() == "hi"
            channel.says(anna, "one")
            assert (await bot.tells("channel"))["who"] == "Anna"
            direct.says(anna, "two")
            assert (await bot.tells("dm"))["text"] == "two"
            pressed = anna.presses("confirm")
            assert (await bot.tells("interaction"))["text"] == "confirm"
            await qq.until(lambda: qq.desk.interactions[pressed].answered == [0])
            await qq.until(lambda: all((anna.reads, group.reads, direct.reads)))
            assert anna.reads == ["got: hello"]
            assert [text.strip() for text in group.reads] == ["got:  hi"]
            assert direct.reads == ["got: two"]
            # It resumes, and what was said meanwhile is replayed.
            qq.gateway.kick(4009)
            await qq.until(lambda: not qq.gateway.live)
            anna.says("meanwhile")
            assert (await bot.tells("c2c"))["text"] == "meanwhile"
            assert len(qq.gateway.resumed) == 1
            await qq.until(lambda: len(anna.reads) == 2)

    asyncio.run(main())


@needs("HOLDFAST_CLIENT_NONEBOT")
def test_nonebot() -> None:
    async def main() -> None:
        async with (
            SimulatedQQ(Rules(granted=NONEBOT_ASKS_FOR)) as qq,
            client("HOLDFAST_CLIENT_NONEBOT", "qq_nonebot.py", qq) as bot,
        ):
            await bot.tells("ready")
            anna, group = qq.person("Anna"), qq.group()
            channel, direct = qq.channel(), qq.guild_dm()
            anna.says("hello")
            assert (await bot.tells("C2CMessageCreateEvent"))["text"] == "hello"
            group.says(anna, "hi")
            assert (await bot.tells("GroupAtMessageCreateEvent"))["text"].strip() == "hi"
            refused = await bot.tells("refused")
            assert refused == {"event": "refused", "code": 40054010, "trace": True}
            channel.says(anna, "one")
            assert (await bot.tells("AtMessageCreateEvent"))["text"].strip() == "one"
            direct.says(anna, "two")
            assert (await bot.tells("DirectMessageCreateEvent"))["text"] == "two"
            qq.rules.full_messages = True
            group.says(anna, "all")
            assert "all" in (await bot.tells("GroupMessageCreateEvent"))["text"]
            qq.rules.full_messages = False
            anna.befriends()
            await bot.tells("FriendAddEvent")
            pressed = anna.presses("confirm")
            await bot.tells("InteractionCreateEvent")
            await qq.until(lambda: qq.desk.interactions[pressed].answered == [0])
            await qq.until(lambda: bool(direct.reads) and len(anna.reads) == 3)
            assert anna.reads == ["got: hello", "two", "see crawler.py"]
            qq.gateway.kick(4009)
            await qq.until(lambda: not qq.gateway.live)
            anna.says("meanwhile")
            assert (await bot.tells("C2CMessageCreateEvent"))["text"] == "meanwhile"
            assert len(qq.gateway.resumed) == 1

    asyncio.run(main())


@needs("HOLDFAST_CLIENT_NONEBOT")
def test_nonebot_by_webhook() -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            port = stack.enter_context(reserved())
            qq = await stack.enter_async_context(SimulatedQQ())
            playing = client("HOLDFAST_CLIENT_NONEBOT", "qq_nonebot.py", qq, str(port))
            bot = await stack.enter_async_context(playing)
            await bot.tells("started")
            qq.webhook.url = f"http://127.0.0.1:{port}/qq/webhook"
            await answering(qq.webhook.url)
            assert await qq.webhook.validate()
            anna = qq.person("Anna")
            anna.says("hello")
            assert (await bot.tells("C2CMessageCreateEvent"))["text"] == "hello"
            await qq.until(lambda: "got: hello" in anna.reads)
            forged = await qq.webhook.push({"op": 0, "t": "C2C_MESSAGE_CREATE"}, signature="00")
            assert forged.status == 403

    asyncio.run(main())


async def answering(url: str) -> None:
    """Returns once somebody answers there."""
    async with httpx2.AsyncClient(trust_env=False) as http, asyncio.timeout(_PATIENCE):
        while True:
            try:
                await http.get(url)
            except httpx2.ConnectError:
                await asyncio.sleep(LOOK)
            else:
                return
