"""What people wait for, and what they get, over a hundred calls one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.resilience.actors import fault
from tests.resilience.world import WHOLE, Script, Step, Told, World

from holdfast.core.failure import Failure, Kind

TEXT = "The keeper climbs the stairs at dusk, trims the wick and winds the clockwork. " * 6
FIRST = 0.5  # seconds until a target that is well says its first word
CALLS = 100


def well(number: int, now: float, released: str) -> Iterator[Step]:
    yield from words(released, len(TEXT))
    yield 0.02, WHOLE


def words(released: str, until: int) -> Iterator[Step]:
    """What follows `released`, in pieces, up to the character `until`."""
    for at in range(len(released), until, 40):
        first = at == len(released)
        yield FIRST if first else 0.02, TEXT[at : min(at + 40, until)]


def fails(failure: Failure, every: int = 1) -> Script:
    """The first of every `every` requests fails at once."""

    def script(number: int, now: float, released: str) -> Iterator[Step]:
        if number % every == 0:
            yield 0.05, failure
        else:
            yield from well(number, now, released)

    return script


def cut_at(share: float) -> Script:
    """Breaks off at that share of the text, and goes through when it is asked from there."""

    def script(number: int, now: float, released: str) -> Iterator[Step]:
        until = int(len(TEXT) * share)
        if len(released) >= until:
            yield from well(number, now, released)
            return
        yield from words(released, until)
        yield 0.02, fault(Kind.TRUNCATED)

    return script


def whole(told: list[Told]) -> int:
    assert all(person.failure or person.text == TEXT for person in told)
    return sum(person.failure is None for person in told)


@pytest.mark.parametrize("pause", [0.1, 1.0, 20.0])
class TestAlone:
    """A route with one target only."""

    def test_one_that_cuts_every_answer_gives_every_answer(self, pause: float) -> None:
        world = World({"a": cut_at(0.8)})
        told = world.sequence(CALLS, pause)
        assert whole(told) == CALLS
        assert max(person.waited for person in told) == pytest.approx(FIRST)

    def test_one_that_refuses_every_other_request_gives_every_answer(self, pause: float) -> None:
        world = World({"a": fails(fault(Kind.OVERLOADED), every=2)})
        told = world.sequence(CALLS, pause)
        assert whole(told) == CALLS
        assert max(person.waited for person in told) < 10.0

    def test_a_named_wait_that_is_short_is_waited_for(self, pause: float) -> None:
        world = World({"a": fails(fault(Kind.RATE_LIMITED, retry_after=5.0), every=2)})
        told = world.sequence(CALLS, pause)
        assert whole(told) == CALLS
        assert max(person.waited for person in told) == pytest.approx(0.05 + 5.0 + FIRST)


@pytest.mark.parametrize("pause", [0.1, 1.0, 20.0])
class TestBesideAnother:
    """The first target fails, the second is well."""

    @pytest.mark.parametrize(
        "failure",
        [
            fault(Kind.REFUSED),
            fault(Kind.BAD_GATEWAY),
            fault(Kind.RATE_LIMITED, retry_after=30.0),
            fault(Kind.OVERLOADED, retry_after=30.0),
            fault(Kind.AUTH),
        ],
    )
    @pytest.mark.parametrize("every", [1, 2])
    def test_nobody_waits_for_one_that_refuses(
        self, failure: Failure, every: int, pause: float
    ) -> None:
        world = World({"a": fails(failure, every), "b": well})
        told = world.sequence(CALLS, pause)
        assert whole(told) == CALLS
        assert max(person.waited for person in told) == pytest.approx(0.05 + FIRST)

    def test_an_answer_that_is_cut_is_gone_on_with_at_once(self, pause: float) -> None:
        world = World({"a": cut_at(0.8), "b": well})
        told = world.sequence(CALLS, pause)
        assert whole(told) == CALLS
        assert max(person.ended_at - person.asked_at for person in told) < 3 * FIRST
