"""How a stream that is not whole ends."""

from __future__ import annotations

import asyncio

from starlette.types import Message
from tests.upstream.virtual import run_virtual

from holdfast.gateway.reply import LAST_WORDS, Reply


async def broken_off(leaves_after: float) -> tuple[list[Message], float]:
    """What a client is sent that leaves then, and how long the connection lasts."""
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(leaves_after)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    began = asyncio.get_running_loop().time()
    await Reply(receive, send, list).break_off(b"why")
    return sent, asyncio.get_running_loop().time() - began


def test_the_last_words_can_be_read_before_the_connection_breaks() -> None:
    async def main() -> None:
        sent, lasted = await broken_off(leaves_after=60.0)
        assert sent[-1] == {"type": "http.response.body", "body": b"why", "more_body": True}
        assert lasted == LAST_WORDS

    run_virtual(main())


def test_who_has_read_them_and_leaves_is_not_waited_for() -> None:
    async def main() -> None:
        _, lasted = await broken_off(leaves_after=0.0)
        assert lasted == 0.0

    run_virtual(main())
