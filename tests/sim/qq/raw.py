"""A bot made of nothing but an HTTP client and a WebSocket, to ask the simulator anything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from tests.upstream.leaks import HANG
from websockets.asyncio.client import ClientConnection, connect

from holdfast.sim.qq.simulator import SimulatedQQ

Json = dict[str, Any]


class RawBot:
    def __init__(self, qq: SimulatedQQ, client: httpx2.AsyncClient) -> None:
        self.qq = qq
        self.client = client
        self.token = ""

    async def login(self) -> None:
        asked = {"appId": self.qq.app_id, "clientSecret": self.qq.app_secret}
        self.token = (await self.client.post(self.qq.token_url, json=asked)).json()["access_token"]

    async def call(self, method: str, path: str, body: Json | None = None) -> httpx2.Response:
        headers = {"Authorization": f"QQBot {self.token}"}
        return await self.client.request(
            method, f"{self.qq.api_base}{path}", json=body, headers=headers
        )

    async def code(self, path: str, body: Json, method: str = "POST") -> int:
        """The error code of the answer, 0 for none."""
        answer = await self.call(method, path, body)
        return int(answer.json().get("err_code", 0)) if answer.content else 0

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        url = (await self.call("GET", "/gateway/bot")).json()["url"]
        async with connect(url, proxy=None, ping_interval=None) as socket:
            yield socket


@asynccontextmanager
async def raw_bot(qq: SimulatedQQ) -> AsyncIterator[RawBot]:
    async with httpx2.AsyncClient(trust_env=False, timeout=HANG) as client:
        bot = RawBot(qq, client)
        await bot.login()
        yield bot


async def heard(socket: ClientConnection) -> Json:
    frame: Json = json.loads(await socket.recv())
    return frame


async def tell(socket: ClientConnection, op: int, d: Any) -> None:
    await socket.send(json.dumps({"op": op, "d": d}))


async def identify(socket: ClientConnection, token: str, intents: int = 1174405120) -> Json:
    """Says hello and identifies; the answer."""
    assert (await heard(socket))["op"] == 10
    shard = [0, 1]
    await tell(socket, 2, {"token": f"QQBot {token}", "intents": intents, "shard": shard})
    return await heard(socket)
