"""More messages on the page than a conversation may have waiting."""

from __future__ import annotations

from typing import Any

import pytest
from tests.scenarios.house import house, run

from holdfast.engine.local import Limits
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

HERE = "0123456789abcdef" * 2
MESSAGES = f"/chat/api/conversations/{HERE}/messages"


def layout(sim: SimulatedUpstream, _: SimulatedUpstream) -> dict[str, Any]:
    return {
        "providers": {"sim": {"base_url": sim.base_url}},
        "routes": {"slow": {"targets": ["sim/ok;pace=1"]}},
    }


def test_what_is_not_kept_is_not_acknowledged_and_may_be_sent_again() -> None:
    async def scene() -> None:
        async with house(layout) as there:

            async def says(number: int) -> int:
                said = {"id": f"{number:032x}", "text": f"text:short {number}"}
                return (await there.http.post(MESSAGES, json=said)).status_code

            room = Limits().waiting_in_lane + 1  # beside the one that is answered
            assert [await says(n) for n in range(room)] == [202] * room
            assert await says(room) == 503
            assert len((await there.http.get(MESSAGES.rpartition("/")[0])).json()["turns"]) == room
            engine = there.running.services.engine
            assert engine
            await engine.stop(f"web:webchat:{HERE}", waiting=True)
            async for _ in engine.watch(f"web:{HERE}:{room - 1:032x}"):
                pass
            assert await says(room) == 202
            await engine.stop(f"web:webchat:{HERE}", waiting=True)

    run(scene())
