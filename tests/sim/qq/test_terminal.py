"""Chatting on the simulated platform from a terminal, with a bot that echoes."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator

import pytest
from tests.sim.qq.raw import RawBot, heard, identify, raw_bot
from tests.upstream.leaks import watched
from websockets.asyncio.client import ClientConnection

from holdfast.config import BotSettings
from holdfast.sim.qq.__main__ import chat, settings
from holdfast.sim.qq.simulator import SimulatedQQ

pytestmark = pytest.mark.scenario


async def echo(bot: RawBot, socket: ClientConnection) -> None:
    frame = await heard(socket)
    data = frame["d"]
    group = data.get("group_openid")
    where = f"groups/{group}" if group else f"users/{data['author']['user_openid']}"
    said = {"content": f"you said {data['content'].strip()}", "msg_id": data["id"]}
    await bot.call("POST", f"/v2/{where}/messages", said)


def test_a_terminal() -> None:
    async def main() -> None:
        shown: list[str] = []
        async with SimulatedQQ() as qq, raw_bot(qq) as bot, bot.socket() as socket:
            await identify(socket, bot.token)

            async def lines() -> AsyncIterator[str]:
                for line, told in (
                    ("hello\n", "[private, text, whole] you said hello"),
                    ("/group hi\n", "[group, text, whole] you said hi"),
                ):
                    yield line
                    await echo(bot, socket)
                    while told not in shown:
                        await asyncio.sleep(0)
                yield "\n"
                yield "/advance 10\n"
                yield "/what\n"

            await chat(qq, lines(), shown.append)
        assert shown[-1].startswith("/group TEXT")

    asyncio.run(watched(main()))


def test_the_settings_it_prints_are_those_of_a_bot() -> None:
    async def main() -> None:
        async with SimulatedQQ() as qq:
            told = tomllib.loads(settings(qq))["bots"]["helper"]
            assert BotSettings.model_validate(told).api_base == qq.api_base

    asyncio.run(main())
