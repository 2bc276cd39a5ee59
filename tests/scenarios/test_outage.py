"""When nobody answers: the load of retries stays bounded, and everybody is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.resilience.actors import fault
from tests.resilience.world import SILENCE, WHOLE, Script, Step, World
from tests.scenarios.clients import streamed
from tests.scenarios.house import House, house, run

from holdfast.core.failure import Kind
from holdfast.sim.upstream import SimulatedUpstream

CALLS = 150
HI = {"messages": [{"role": "user", "content": "Tell me about text:short"}]}
MOST = 1.2  # requests to a target per call
FIRST_RETRIES = 21  # what a full budget pays for at the price of a 429, and a free one


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


def failing(kind: Kind, retry_after: float | None = None, seconds: float = 0.05) -> Script:
    return lambda number, now, released: [(seconds, fault(kind, retry_after))]


def cut_after(text: str, then: Step) -> Script:
    """Each piece is new: what repeats itself would be no continuation."""
    return lambda number, now, released: [(0.5, f"{text} {number} "), then]


OUTAGES: Mapping[str, Script] = {
    "429": failing(Kind.RATE_LIMITED),
    "429, retry after 0": failing(Kind.RATE_LIMITED, 0.0),
    "429, retry after 0.1": failing(Kind.RATE_LIMITED, 0.1),
    "429, retry after 1": failing(Kind.RATE_LIMITED, 1.0),
    "429, retry after 9": failing(Kind.RATE_LIMITED, 9.0),
    "429, retry after 30": failing(Kind.RATE_LIMITED, 30.0),
    "502": failing(Kind.BAD_GATEWAY),
    "503, retry after 2": failing(Kind.OVERLOADED, 2.0),
    "refused": failing(Kind.REFUSED, seconds=0.0),
    "no account": failing(Kind.AUTH),
    "silence": lambda number, now, released: [(SILENCE, "")],
    "cut": cut_after("A word or two", (0.1, fault(Kind.TRUNCATED))),
    "silence in the middle": cut_after("A word or two", (SILENCE, "")),
}


@pytest.mark.parametrize(
    "name", ["429", "429, retry after 1", "502", "503, retry after 2", "refused"]
)
@pytest.mark.parametrize("targets", [1, 2, 4])
@pytest.mark.parametrize("seconds", [0.05, 0.5, 5.0])
def test_all_targets_together_are_asked_no_more_than_the_clients_ask(
    name: str, targets: int, seconds: float
) -> None:
    """As long as calls come oftener than targets come back."""
    world = World({who: OUTAGES[name] for who in "abcdef"[:targets]})
    world.calls(seconds * number for number in range(CALLS))
    assert sum(map(len, world.asked.values())) <= MOST * CALLS


@pytest.mark.parametrize("name", OUTAGES)
@pytest.mark.parametrize("targets", [1, 2, 4, 6])
@pytest.mark.parametrize("seconds", [0.05, 2.0, 20.0, 300.0])
def test_no_target_bears_more_than_the_clients_ask(name: str, targets: int, seconds: float) -> None:
    """A question to another target is no retry of the first: each bears its own load."""
    world = World({who: OUTAGES[name] for who in "abcdef"[:targets]})
    told = world.calls(seconds * number for number in range(CALLS))
    assert all(person.failure for person in told)
    assert max(map(len, world.asked.values())) <= MOST * CALLS


@given(
    st.lists(
        st.sampled_from(sorted(OUTAGES)),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.floats(0.0, 40.0), min_size=20, max_size=60),
    st.integers(1, 3),
)
def test_whatever_fails_at_whatever_rate_retries_are_few(
    names: list[str], gaps: list[float], keys: int
) -> None:
    world = World({f"t{n}": OUTAGES[name] for n, name in enumerate(names)}, keys=keys)
    told = world.calls(accumulate(gaps))
    assert all(person.failure for person in told)
    for asked in world.asked.values():
        assert len(asked) <= keys * len(gaps) + FIRST_RETRIES


@pytest.mark.parametrize("kind", [Kind.SERVER_ERROR, Kind.QUOTA, Kind.AUTH, Kind.REFUSED])
@pytest.mark.parametrize("targets", [1, 2, 4])
@pytest.mark.parametrize("seconds", [1.0, 20.0])
def test_when_an_outage_ends_the_next_call_finds_out(
    kind: Kind, targets: int, seconds: float
) -> None:
    """The budget of retries is empty then, but the first question of a call costs nothing.

    Nor does anybody have to wait until the rest is over that so many failures have earned.
    """
    over = min(3600.0, 600 * seconds)

    def script(number: int, now: float, released: str) -> list[Step]:
        return [(0.1, fault(kind))] if now < over else [(0.1, "well"), (0.1, WHOLE)]

    world = World({who: script for who in "abcd"[:targets]})
    told = world.calls(seconds * number for number in range(int(1.2 * over / seconds)))
    late = [person for person in told if person.asked_at > over + 5.0]
    assert late
    assert not any(person.failure for person in late)
