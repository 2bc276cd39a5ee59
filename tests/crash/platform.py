"""A chat platform on a socket that remembers everything: what it said, and what people were shown.

It says a message again until it is acknowledged, knows a repeated delivery by its key, runs
"tools" whose effects it counts, and sets the pace at which its agents think. One line of JSON each
way per message.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

PIECES = 12
TAKES = 0.02  # seconds in which the platform answers: time to die in between
THINKS = {True: 0.1, False: 0.001}  # seconds for a piece of a slow turn, and of others


def answer(turn: str) -> list[str]:
    return [f"{turn}#{n} " for n in range(PIECES)]


@dataclass
class Platform:
    """`lanes` maps each to the messages still to be said, in order."""

    lanes: dict[str, list[str]]
    shown: dict[str, str] = field(default_factory=dict)  # by delivery key
    order: list[tuple[str, str]] = field(default_factory=list)  # lane and turn, as first shown
    repeats: int = 0
    tools: dict[str, int] = field(default_factory=dict)
    lives: list[tuple[str, str, float]] = field(default_factory=list)  # turn, node, when
    greeted: int = 0  # connections so far
    _server: asyncio.Server | None = None
    _acknowledged: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    _doors: set[asyncio.StreamWriter] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Platform:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        for door in list(self._doors):
            door.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def until_shown(self, count: int) -> None:
        while len(self.shown) < count:
            await self._change()

    async def until_greeted(self, count: int) -> None:
        while self.greeted < count:
            await self._change()

    async def life(self, number: int, turn: str = "") -> tuple[str, float]:
        """The node, and the moment, of the number-th life of `turn`, or else of any."""
        while len(found := [life for life in self.lives if turn in ("", life[0])]) < number:
            await self._change()
        return found[number - 1][1:]

    async def speak(self) -> None:
        """Says everything, lane by lane in order, each message until it is acknowledged."""
        async with asyncio.TaskGroup() as group:
            for lane, turns in self.lanes.items():
                group.create_task(self._speak(lane, turns))

    async def _speak(self, lane: str, turns: list[str]) -> None:
        for turn in turns:
            done = self._acknowledged[turn] = asyncio.get_running_loop().create_future()
            while not done.done():
                for door in list(self._doors):
                    door.write(json.dumps({"say": turn, "lane": lane}).encode() + b"\n")
                await asyncio.wait([done], timeout=0.5)

    async def _change(self) -> None:
        await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while line := await reader.readline():
                heard = json.loads(line)
                if self._hear(heard, writer):
                    answer = json.dumps({"id": heard["id"]}).encode() + b"\n"
                    takes = THINKS[heard["think"].startswith("slow")] if "think" in heard else TAKES
                    asyncio.get_running_loop().call_later(takes, _write, writer, answer)
        self._doors.discard(writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def _hear(self, heard: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        """Whether the message is to be answered."""
        match heard:
            case {"hello": _}:
                self._doors.add(writer)
                self.greeted += 1
            case {"ack": turn}:
                done = self._acknowledged[turn]
                if not done.done():
                    done.set_result(None)
            case {"life": turn, "node": node}:
                self.lives.append((turn, node, asyncio.get_running_loop().time()))
            case {"think": _}:
                return True
            case {"tool": turn}:
                self.tools[turn] = self.tools.get(turn, 0) + 1
            case {"send": key, "lane": lane, "turn": turn, "text": text}:
                if key in self.shown:
                    self.repeats += 1
                else:
                    self.shown[key] = text
                    self.order.append((lane, turn))
            case _:
                raise AssertionError(heard)
        self._tell()
        return "id" in heard


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)
