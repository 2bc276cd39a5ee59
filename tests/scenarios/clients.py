"""What a client of the official SDK gets out of one call, streamed or not, async or sync."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import openai
from tests.scenarios.house import House


@dataclass(slots=True)
class Told:
    """All that reached the client of one call."""

    ref: str = ""
    pieces: list[str] = field(default_factory=list)
    finish: str | None = None
    status: int | None = None  # of an error answer
    error: dict[str, Any] | None = None  # `exc.body`
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def failed(self, error: openai.APIError) -> None:
        assert isinstance(error.body, dict), f"an error without a body: {error!r}"
        self.error = error.body
        self.ref = error.body["holdfast"]["ref"]
        if isinstance(error, openai.APIStatusError):
            self.status = error.status_code
            self.headers = dict(error.response.headers)

    def add(self, chunk: Any) -> None:
        for choice in chunk.choices:
            if choice.delta.content:
                self.pieces.append(choice.delta.content)
            self.finish = choice.finish_reason or self.finish


_THREADS = ThreadPoolExecutor(16, "blocking-client")

Ask = Callable[[House, str, dict[str, Any]], Awaitable[Told]]


async def streamed(house: House, model: str, body: dict[str, Any]) -> Told:
    told = Told()
    try:
        raw = await house.openai.chat.completions.with_raw_response.create(
            model=model, stream=True, **body
        )
        told.ref, told.headers = raw.headers["x-request-id"], dict(raw.headers)
        async for chunk in raw.parse():
            told.add(chunk)
    except openai.APIError as error:
        told.failed(error)
    return told


async def streamed_sync(house: House, model: str, body: dict[str, Any]) -> Told:
    """The blocking client, on a thread that nobody else needs (the event loop resolves names)."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, _streamed_sync, house.blocking, model, body)


def _streamed_sync(client: openai.OpenAI, model: str, body: dict[str, Any]) -> Told:
    told = Told()
    try:
        raw = client.chat.completions.with_raw_response.create(model=model, stream=True, **body)
        told.ref, told.headers = raw.headers["x-request-id"], dict(raw.headers)
        for chunk in raw.parse():
            told.add(chunk)
    except openai.APIError as error:
        told.failed(error)
    return told


async def whole(house: House, model: str, body: dict[str, Any]) -> Told:
    told = Told()
    try:
        raw = await house.openai.chat.completions.with_raw_response.create(model=model, **body)
        told.ref, told.headers = raw.headers["x-request-id"], dict(raw.headers)
        (choice,) = raw.parse().choices
        told.pieces, told.finish = [choice.message.content or ""], choice.finish_reason
    except openai.APIError as error:
        told.failed(error)
    return told
