"""The simulated gateway, asked by hand: sessions, replay, and every way of being refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.sim.qq.raw import RawBot, heard, identify, raw_bot, tell
from tests.upstream.leaks import watched
from websockets.exceptions import ConnectionClosed

from holdfast.sim.qq.rules import Rules
from holdfast.sim.qq.simulator import SimulatedQQ

pytestmark = pytest.mark.scenario

Scene = Callable[[SimulatedQQ, RawBot], Awaitable[None]]


def play(scene: Scene, rules: Rules | None = None) -> None:
    async def main() -> None:
        async with SimulatedQQ(rules) as qq, raw_bot(qq) as bot:
            await scene(qq, bot)

    asyncio.run(watched(main()))


async def closed(socket_recv: Awaitable[object]) -> int:
    with pytest.raises(ConnectionClosed) as caught:
        await socket_recv
    assert caught.value.rcvd
    return caught.value.rcvd.code


def test_an_event_goes_to_who_identified() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        async with bot.socket() as socket:
            ready = await identify(socket, bot.token)
            assert ready["t"] == "READY"
            assert ready["d"]["user"]["username"]
            anna = qq.person("Anna")
            message_id = anna.says("hello")
            event = await heard(socket)
            assert (event["t"], event["s"]) == ("C2C_MESSAGE_CREATE", 2)
            assert event["d"]["id"] == message_id
            assert event["id"].startswith("C2C_MESSAGE_CREATE:")
            await tell(socket, 1, 2)
            assert (await heard(socket)) == {"op": 11}
            assert qq.gateway.beats == [2]

    play(scene)


def test_resume_replays_what_was_missed_and_says_resumed_with_an_empty_text() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        anna = qq.person()
        async with bot.socket() as socket:
            session = (await identify(socket, bot.token))["d"]["session_id"]
            anna.says("one")
            await heard(socket)
            qq.gateway.kick(4009)
            assert await closed(socket.recv()) == 4009
        await qq.until(lambda: not qq.gateway.live)
        anna.says("two")
        async with bot.socket() as socket:
            await heard(socket)
            token = f"QQBot {bot.token}"
            await tell(socket, 6, {"token": token, "session_id": session, "seq": 2})
            missed, resumed = await heard(socket), await heard(socket)
            assert (missed["s"], missed["d"]["content"]) == (3, "two")
            assert (resumed["t"], resumed["d"]) == ("RESUMED", "")

    play(scene)


@pytest.mark.parametrize(
    ("intents", "code"), [(1 << 9, 4014), (1 << 25 | 1 << 12, 4014), (1 << 31, 4013), (0, 4013)]
)
def test_intents_that_are_not_granted_close(intents: int, code: int) -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        qq.rules.granted &= ~(1 << 12)
        async with bot.socket() as socket:
            await heard(socket)
            told = {"token": f"QQBot {bot.token}", "intents": intents, "shard": [0, 1]}
            await tell(socket, 2, told)
            assert await closed(socket.recv()) == code

    play(scene)


@pytest.mark.parametrize(
    ("op", "d", "code"),
    [
        (1, None, 4003),
        (2, {"token": "QQBot nonsense", "intents": 1 << 25}, 4004),
        (6, {"token": "QQBot nonsense", "session_id": "x", "seq": 1}, 4004),
        (99, None, 4001),
    ],
)
def test_what_must_not_come_first_closes(op: int, d: object, code: int) -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        async with bot.socket() as socket:
            await heard(socket)
            await tell(socket, op, d)
            assert await closed(socket.recv()) == code

    play(scene)


@pytest.mark.parametrize("answer", ["op9", "4006"])
def test_a_session_lives_for_a_while_after_its_connection(answer: str) -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        qq.rules.lost_session = "op9" if answer == "op9" else "4006"
        async with bot.socket() as socket:
            session = (await identify(socket, bot.token))["d"]["session_id"]
        await qq.until(lambda: not qq.gateway.live)
        qq.advance(qq.rules.session_life + 1)
        async with bot.socket() as socket:
            await heard(socket)
            told = {"token": f"QQBot {bot.token}", "session_id": session, "seq": 1}
            await tell(socket, 6, told)
            if answer == "op9":
                assert await heard(socket) == {"op": 9, "d": False}
            else:
                assert await closed(socket.recv()) == 4006

    play(scene)


def test_a_client_that_never_beats_is_closed() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        async with bot.socket() as socket:
            await identify(socket, bot.token)
            assert await closed(socket.recv()) == 4009

    play(scene, Rules(heartbeat_interval=0.02))


def test_nothing_is_pushed_to_the_gateway_of_a_webhook_bot() -> None:
    async def scene(qq: SimulatedQQ, bot: RawBot) -> None:
        qq.webhook.url = "http://127.0.0.1:9/none"
        qq.rules.webhook_tries = 1
        async with bot.socket() as socket:
            await identify(socket, bot.token)
            qq.person().says("hello")
            await qq.until(lambda: len(qq.webhook.pushed) == 1)
            await tell(socket, 1, 1)
            assert await heard(socket) == {"op": 11}

    play(scene)
