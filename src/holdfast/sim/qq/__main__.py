"""A QQ to chat on from a terminal: `python -m holdfast.sim.qq [PORT]`.

It prints the settings of a bot that connects to it. Then a line is a private message;
`/group TEXT` mentions the bot in a group; `/kick CODE` and `/drop` break its connection;
`/advance SECONDS` moves the clock; the end of the input ends it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable

from .people import Chat
from .simulator import SimulatedQQ

PORT = 8710

Show = Callable[[str], None]


async def chat(qq: SimulatedQQ, lines: AsyncIterator[str], show: Show) -> None:
    """Says what the lines say, and shows what people see, until the lines end."""
    anna, group = qq.person("Anna"), qq.group()
    watching = asyncio.ensure_future(_watch(qq, {"private": anna, "group": group}, show))
    try:
        async for line in lines:
            command, _, rest = line.strip().partition(" ")
            match command, rest:
                case "", _:
                    continue
                case "/group", text:
                    group.says(anna, text)
                case "/kick", code if code.isdecimal():
                    qq.gateway.kick(int(code))
                case "/advance", seconds if seconds.isdecimal():
                    qq.advance(int(seconds))
                case "/drop", _:
                    qq.gateway.drop()
                case _ if command.startswith("/"):
                    show("/group TEXT, /kick CODE, /drop, /advance SECONDS")
                case _:
                    anna.says(line.strip())
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(qq: SimulatedQQ, chats: dict[str, Chat], show: Show) -> None:
    """Each message once it is whole, rolled back or recalled; each broken rule."""
    shown: dict[str, str] = {}
    complaints = 0
    while True:
        for name, chat_ in chats.items():
            for message in chat_.shown:
                state = message.state(qq.now())
                if state != "generating" and shown.get(message.id) != state:
                    shown[message.id] = state
                    told = " ".join([message.text(qq.now()), *message.files])
                    show(f"[{name}, {message.kind}, {state}] {told}")
        for complaint in qq.complaints[complaints:]:
            show(f"[broken rule] {complaint}")
        complaints = len(qq.complaints)
        await qq.news()


def settings(qq: SimulatedQQ) -> str:
    """The table of a bot in `holdfast.toml`."""
    lines = ["[bots.helper]", 'platform = "qq"', 'route = "demo"', 'access = { direct = "open" }']
    return "\n".join([*lines, *(f"{k} = {json.dumps(v)}" for k, v in qq.settings().items())])


async def _typed() -> AsyncIterator[str]:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode("utf-8", "replace")


async def _main(port: int) -> None:
    async with SimulatedQQ(port=port) as qq:
        print(settings(qq), flush=True)  # the terminal is what this is for
        await chat(qq, _typed(), lambda line: print(line, flush=True))


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else PORT))
