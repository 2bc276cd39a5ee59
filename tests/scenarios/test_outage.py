"""When nobody answers: the load of retries stays bounded, and everybody is told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import pytest
from tests.resilience.actors import fault, target
from tests.scenarios.clients import streamed
from tests.scenarios.house import House, house, run

from holdfast.core.failure import Kind
from holdfast.core.request import Request
from holdfast.resilience.budget import RetryBudget
from holdfast.resilience.commands import Done, Open
from holdfast.resilience.health import Health
from holdfast.resilience.machine import StreamMachine
from holdfast.resilience.policy import Route
from holdfast.sim.upstream import SimulatedUpstream

CALLS = 150
HI = {"messages": [{"role": "user", "content": "Tell me about text:short"}]}
MOST = 1.2  # requests to upstreams per call


@pytest.mark.scenario
def test_a_total_outage_is_not_multiplied() -> None:
    def layout(sim: SimulatedUpstream, sim_tls: SimulatedUpstream) -> Mapping[str, Any]:
        providers = {name: {"base_url": sim.base_url} for name in "ab"}
        route = {"targets": ["a/openai_500", "b/sub2api_502"], "deadline": 2}
        return {"providers": providers, "routes": {"r": route}}

    async def main() -> None:
        async with house(layout) as there:
            room = asyncio.Semaphore(32)

            async def one(there: House) -> None:
                async with room:
                    told = await streamed(there, "r", HI)
                assert told.error
                assert told.error["holdfast"]["ref"]
                assert (told.status or 0) >= 500
                assert told.headers["x-should-retry"] == "false"

            await asyncio.gather(*(one(there) for _ in range(CALLS)))
            assert 0 < len(there.sim.requests) <= MOST * CALLS

    run(main())


@pytest.mark.parametrize(
    "kind", [Kind.REFUSED, Kind.TIMEOUT, Kind.SERVER_ERROR, Kind.OVERLOADED, Kind.RATE_LIMITED]
)
@pytest.mark.parametrize("targets", [1, 2, 4])
@pytest.mark.parametrize("seconds", [0.05, 0.5, 5.0])
def test_in_a_long_outage_the_load_is_that_of_the_clients(
    kind: Kind, targets: int, seconds: float
) -> None:
    """A thousand calls come, one every `seconds`; every attempt fails at once."""
    route = Route("r", tuple(target(name) for name in "abcd"[:targets]))
    health, budget, dice = Health(), RetryBudget(), random.Random(7)
    calls = asked = 0
    now = 0.0
    while calls < 1000:
        machine = StreamMachine(Request("chat", "r"), route, health, budget, dice.random())
        asked += _run(machine, now, kind)
        calls += 1
        now += seconds
    assert asked <= MOST * calls


def _run(machine: StreamMachine, now: float, kind: Kind) -> int:
    """One call in which every attempt fails; how many there were."""
    commands = machine.start(now)
    asked = 0
    while not any(isinstance(command, Done) for command in commands):
        opened = [command for command in commands if isinstance(command, Open)]
        asked += len(opened)
        if opened:
            commands = machine.fail(opened[-1].attempt, fault(kind), now)
        else:
            now = machine._wake_at()
            commands = machine.tick(now)
    return asked
