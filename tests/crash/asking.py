"""Those who ask, and come back after every death of the server until they have their answer."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
from tests.crash.served import Lives
from tests.serving import PATIENCE

from holdfast.sim.habits import Habits
from holdfast.sim.script import expected

ROUTE = "main"
TOOL = "tool:pay"
NAMES = ("short", "demo", "long", "code")
TROUBLE = (httpx2.TransportError, httpx2.StreamError)

_DATA = re.compile(rb"^data: (\{.*\})$", re.MULTILINE)
_EVENT_ID = re.compile(rb"^id: \w+:(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. Where a tool is to be used first, the answer is a text of its own."""

    words: str
    tool: bool = False

    @property
    def answer(self) -> str:
        words = self.words.replace(TOOL, "")
        return expected({"messages": [{"role": "user", "content": words}]}, Habits())


def question(serial: int, dice: random.Random, *, tool: bool = False) -> Question:
    """One that nobody else asks, so that its answer can be told from others in the same place."""
    name = dice.choice(NAMES)
    if dice.random() < 0.5:
        words = f"Question {serial} please text:{name}"
        return Question(f"Question {serial} please {TOOL}" if tool else words, tool)
    words = f"第 {serial} 个问题，请回答 text:{name}"
    return Question(f"第 {serial} 个问题，请付款 {TOOL}" if tool else words, tool)


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


class Page:
    """A web page on one conversation."""

    def __init__(self, lives: Lives, conversation: str) -> None:
        self.conversation = conversation
        self.read: list[dict[str, Any]] = []  # entries of the turn that is followed
        self.news = asyncio.Event()
        self._lives = lives
        self._base = f"/chat/api/conversations/{conversation}"

    async def say(self, words: str, id: str) -> str:
        """The turn's id, once the server has taken it."""
        body = {"id": id, "text": words}
        answer = await self._insist("POST", f"{self._base}/messages", body)
        return str(answer["turn"])

    async def turns(self) -> list[dict[str, Any]]:
        read = await self._insist("GET", self._base)
        told: list[dict[str, Any]] = read["turns"]
        return told

    async def follow(self, turn: str) -> list[dict[str, Any]]:
        """Every entry of the turn, read on where the reading was broken off."""
        entries = self.read = []
        while True:
            number, url = await self._lives.url()
            after = entries[-1]["sequence"] if entries else 0
            try:
                path = f"/chat/api/turns/{turn}/events?after={after}"
                async with self._lives.http.stream("GET", url + path) as answer:
                    async for line in answer.aiter_lines():
                        if not line.startswith("data: "):
                            continue
                        told = json.loads(line.removeprefix("data: "))
                        if told.get("end"):
                            return entries
                        entries.append(told)
                        self.news.set()
            except TROUBLE:
                pass
            await self._lives.soon(number)

    @property
    def text(self) -> str:
        """What has been read of the answer."""
        events = [entry["event"] for entry in self.read]
        return "".join(event["text"] for event in events if event["type"] == "text_added")

    @property
    def doubt(self) -> bool:
        """Whether the reader was told that nobody knows what a tool did."""
        events = [entry["event"] for entry in self.read]
        return any(event.get("outcome") == "unknown" for event in events)

    async def until(self, count: int) -> None:
        """Returns once so many entries have been read."""
        await self._until(lambda: len(self.read) >= count)

    async def begun(self) -> None:
        """Returns once some of the answer has been read."""
        await self._until(lambda: self.text != "")

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def _insist(self, method: str, path: str, body: Any = None) -> Any:
        while True:
            number, url = await self._lives.url()
            try:
                answer = await self._lives.http.request(method, url + path, json=body)
                if answer.status_code in (200, 202):
                    return answer.json()
            except TROUBLE:
                pass
            await self._lives.soon(number)


async def call(lives: Lives, words: str, key: str = "") -> bytes:
    """A client of the gateway; its stream, joined of what every life said of it. Without a key it
    comes back for a call that it was told the id of, and asks anew for one that it was not.
    """
    body = {"model": ROUTE, "messages": [{"role": "user", "content": words}], "stream": True}
    headers = {"x-holdfast-resume": "1", "prefer": "holdfast-attach"}
    if key:
        headers["idempotency-key"] = key
    known, read = "", b""
    while True:
        number, url = await lives.url()
        try:
            if known:
                path = f"/v1/calls/{known}/events?after={_last(read)}"
                asking = lives.http.stream("GET", url + path)
            else:
                path = "/v1/chat/completions"
                asking = lives.http.stream("POST", url + path, json=body, headers=headers)
            async with asking as answer:
                if answer.status_code == 200:
                    known = answer.headers["x-holdfast-call"]
                    async for piece in answer.aiter_raw():
                        read += piece
                    return read
        except TROUBLE:
            pass
        read = read[: read.rfind(b"\n\n") + 2] if b"\n\n" in read else b""
        await lives.soon(number)


def _last(read: bytes) -> int:
    numbers = _EVENT_ID.findall(read)
    return int(numbers[-1]) if numbers else 0


def judge_call(read: bytes, asked: Question) -> str:
    """What is wrong with a stream; "" if nothing is."""
    chunks = [json.loads(data) for data in _DATA.findall(read)]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk.get("choices", ())]
    text = "".join(delta.get("content") or "" for delta in deltas)
    numbers = [int(number) for number in _EVENT_ID.findall(read)]
    if text != asked.answer:
        return f"{asked.words!r} was answered {text!r}"
    if numbers != list(range(1, len(numbers) + 1)):
        return f"{asked.words!r}: the events are numbered {numbers}"
    if not read.endswith(b"data: [DONE]\n\n"):
        return f"{asked.words!r} has no end"
    return ""


def judge_page(entries: Sequence[dict[str, Any]], asked: Question) -> str:
    events = [entry["event"] for entry in entries]
    sequences = [entry["sequence"] for entry in entries]
    text = "".join(event["text"] for event in events if event["type"] == "text_added")
    ends = [event for event in events if event["type"] == "ended"]
    if text != asked.answer:
        return f"{asked.words!r} was answered {text!r}"
    if [end["outcome"] for end in ends] != ["finished"]:
        return f"{asked.words!r} ended as {ends}"
    if sequences != list(range(1, len(sequences) + 1)):
        return f"{asked.words!r}: the entries are numbered {sequences}"
    return ""
