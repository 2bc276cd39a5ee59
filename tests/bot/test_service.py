"""Bots that cannot run, beside others that can."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from tests.bot.house import Phone
from tests.bot.people import C2C, GROUP
from tests.upstream.leaks import HANG

from holdfast.bot import service
from holdfast.bot.adapter import Sink
from holdfast.bot.service import Bots
from holdfast.core.failure import Failure, Hop, Kind, Phase, StreamFailed

REFUSED = Failure(Kind.FORBIDDEN, Phase.FIRST, Hop.PLATFORM, param="bot", code="11298")


class Mended(Phone):
    """Its address is put on the platform's list after it was refused a few times."""

    def __init__(self, times: int) -> None:
        super().__init__(C2C, GROUP)
        self.refusals = times
        self.runs = asyncio.Event()

    async def run(self, sink: Sink) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StreamFailed(REFUSED)
        self.runs.set()
        await super().run(sink)


class Bus:
    async def accept(self, event: Any) -> bool:
        return True


def test_a_bot_that_is_mended_elsewhere_needs_no_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "AGAIN", (0.0, 0.0))

    async def scene() -> None:
        adapter = Mended(times=4)
        made = Bots(cast(Any, Bus()), cast(Any, None), cast(Any, None), {"helper": adapter})
        async with asyncio.timeout(HANG):
            receiving = asyncio.create_task(made.receive("helper"))
            await adapter.runs.wait()
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)

    asyncio.run(scene())
