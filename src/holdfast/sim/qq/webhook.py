"""The platform's webhook sender: signed events, pushed again until they are acknowledged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .events import Event
from .rules import Rules

Json = dict[str, Any]


def signer(secret: str) -> Ed25519PrivateKey:
    """The bot secret, repeated and cut to 32 bytes, is the seed of the key."""
    seed = secret.encode()
    return Ed25519PrivateKey.from_private_bytes((seed * (32 // len(seed) + 1))[:32])


@dataclass(frozen=True, slots=True)
class Pushed:
    """One push and its answer; status 0: none came."""

    event_id: str
    status: int
    body: str


class WebhookSender:
    def __init__(
        self,
        app_id: str,
        secret: str,
        rules: Rules,
        now: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self.url = ""  # of the bot; while it is set, the gateway gets nothing
        self.pushed: list[Pushed] = []
        self._app_id = app_id
        self._key = signer(secret)
        self._rules = rules
        self._now = now
        self._changed = changed
        self._serial = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def dispatch(self, event: Event) -> None:
        self._serial += 1
        task = asyncio.get_running_loop().create_task(self._deliver(event.frame(self._serial)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def push(self, frame: Json, *, signature: str | None = None) -> Pushed:
        """Once. `signature` replaces the right one; "" sends none."""
        body = json.dumps(frame, ensure_ascii=False).encode()
        timestamp = str(int(self._now()))
        headers = {
            "User-Agent": "QQBot-Callback",
            "Content-Type": "application/json",
            "X-Bot-Appid": self._app_id,
            "X-Signature-Timestamp": timestamp,
            "X-Signature-Ed25519": self.sign(timestamp.encode() + body),
        }
        if signature is not None:
            headers["X-Signature-Ed25519"] = signature
        if signature == "":
            del headers["X-Signature-Ed25519"]
        pushed = Pushed(str(frame.get("id", "")), 0, "")
        async with httpx2.AsyncClient(timeout=self._rules.webhook_patience) as client:
            try:
                answer = await client.post(self.url, content=body, headers=headers)
                pushed = Pushed(pushed.event_id, answer.status_code, answer.text)
            except httpx2.TransportError:
                pass
        self.pushed.append(pushed)
        self._changed()
        return pushed

    async def validate(self, plain_token: str = "Arq0D5A61EgUu4OxUvOp") -> bool:  # noqa: S107
        """The handshake of op 13: whether the bot proves that it knows the secret."""
        event_ts = str(int(self._now()))
        pushed = await self.push(
            {"op": 13, "d": {"plain_token": plain_token, "event_ts": event_ts}}
        )
        try:
            answer = json.loads(pushed.body)
        except ValueError:
            return False
        right = {
            "plain_token": plain_token,
            "signature": self.sign(f"{event_ts}{plain_token}".encode()),
        }
        return pushed.status == 200 and answer == right

    def sign(self, message: bytes) -> str:
        return self._key.sign(message).hex()

    async def _deliver(self, frame: Json) -> None:
        for number in range(self._rules.webhook_tries):
            pushed = await self.push(frame)
            if pushed.status == 200 and number >= self._rules.webhook_deaf:
                return
            await asyncio.sleep(self._rules.webhook_pause)
