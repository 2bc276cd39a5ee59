"""What people wait for, and what they get, over a hundred calls one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.resilience.actors import fault
from tests.resilience.world import SILENCE, WHOLE, Script, Step, Told, World

from holdfast.core.failure import Failure, Kind, Phase
from holdfast.resilience.health import SHORTEST_PATIENCE, UNKNOWN

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


def silent(reached: Phase) -> Script:
    return lambda number, now, released: [(0.0, reached), (SILENCE, "")]


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

    @pytest.mark.parametrize(("reached", "limit"), [(Phase.HEADERS, 30.0), (Phase.FIRST, 45.0)])
    def test_only_the_first_person_waits_for_one_that_says_nothing(
        self, reached: Phase, limit: float, pause: float
    ) -> None:
        world = World({"a": silent(reached), "b": well})
        told = world.sequence(CALLS, pause)
        assert whole(told) == CALLS
        first, *others = [person.waited for person in told]
        assert first == pytest.approx(limit + FIRST)
        assert max(others) == pytest.approx(UNKNOWN * 45.0 + FIRST)
        assert sum(wait > FIRST + 0.01 for wait in others) < 20

    def test_how_long_is_too_long_follows_from_what_is_usual_there(self, pause: float) -> None:
        """It was well for ten calls, with its first word after 0.5 s; then it falls silent."""

        def script(number: int, now: float, released: str) -> Iterator[Step]:
            return well(number, now, released) if number < 10 else iter([(SILENCE, "")])

        told = World({"a": script, "b": well}).sequence(CALLS, pause)
        assert whole(told) == CALLS
        assert max(person.waited for person in told[11:]) == pytest.approx(
            SHORTEST_PATIENCE + FIRST
        )

    def test_a_slow_thinker_that_failed_once_is_not_forsaken(self, pause: float) -> None:
        """Its first word takes 20 s, always; one failure must not give its place to a faster."""

        def script(number: int, now: float, released: str) -> Iterator[Step]:
            if number == 5:
                yield 0.05, fault(Kind.SERVER_ERROR)
            else:
                yield 20.0, Phase.FIRST
                yield from well(number, now, released)

        world = World({"a": script, "b": well})
        told = world.sequence(CALLS, pause)
        assert whole(told) == CALLS
        assert len(world.asked["b"]) == 1

    def test_one_that_is_well_again_is_asked_first_again(self, pause: float) -> None:
        over = 600.0

        def script(number: int, now: float, released: str) -> Iterator[Step]:
            return well(number, now, released) if now > over else iter([(SILENCE, "")])

        world = World({"a": script, "b": well})
        told = world.calls(5.0 * number for number in range(300))
        assert whole(told) == len(told)
        late = [person for person in told if person.asked_at > over + 310.0]
        assert late
        assert {person.attempts[-1].target.name for person in late} == {"a"}

    def test_an_answer_that_is_cut_is_gone_on_with_at_once(self, pause: float) -> None:
        world = World({"a": cut_at(0.8), "b": well})
        told = world.sequence(CALLS, pause)
        assert whole(told) == CALLS
        assert max(person.ended_at - person.asked_at for person in told) < 3 * FIRST


class TestProbes:
    """A target comes back: it is asked by one call, and by the others once it has answered."""

    def test_one_call_looks_whether_it_is_well_again_and_the_others_follow(self) -> None:
        def script(number: int, now: float, released: str) -> Iterator[Step]:
            return (
                well(number, now, released) if now > 100.0 else iter([(0.0, fault(Kind.REFUSED))])
            )

        world = World({"a": script})
        assert whole(world.calls([0.0, 50.0])) == 0
        ready = world.health.ready_at(world.route.targets[0], 101.0)
        crowd = world.calls([ready] * 50)
        assert whole(crowd) == 50
        probes = [at for at in world.asked["a"] if ready <= at < ready + FIRST]
        assert len(probes) == 1
        assert max(person.waited for person in crowd) < 2 * FIRST + 0.3

    def test_a_key_rests_until_the_time_that_is_named_and_comes_back(self) -> None:
        reset = 100.0

        def script(number: int, now: float, released: str) -> Iterator[Step]:
            spent = Failure(Kind.QUOTA, Phase.HEADERS, retry_after=reset - now)
            return well(number, now, released) if now >= reset else iter([(0.0, spent)])

        world = World({"a": script, "b": well})
        told = world.calls(float(second) for second in range(200))
        assert whole(told) == len(told)
        assert world.asked["a"] == [0.0, *range(100, 200)]


class TestDeadline:
    SCRIPTS: Mapping[str, Script] = {
        "silence": lambda number, now, released: [(SILENCE, "")],
        "silence in the middle": lambda number, now, released: [(0.5, "Once"), (SILENCE, "")],
        "trickle": lambda number, now, released: [(7.0, f"{number} {n} ") for n in range(100)],
        "refused": fails(fault(Kind.REFUSED)),
        "429": fails(fault(Kind.RATE_LIMITED, retry_after=3.0)),
        "well": well,
    }

    @pytest.mark.parametrize("name", ["silence", "silence in the middle", "trickle"])
    @pytest.mark.parametrize("deadline", [0.3, 10.0, 29.9, 59.0])
    def test_what_has_no_end_ends_at_the_deadline(self, name: str, deadline: float) -> None:
        alone = World({"a": self.SCRIPTS[name]}, deadline=deadline)
        (person,) = alone.calls([5.0])
        assert person.failure
        assert person.failure.kind is Kind.DEADLINE
        assert person.ended_at == pytest.approx(5.0 + deadline)

    @given(
        st.lists(st.sampled_from(sorted(SCRIPTS)), min_size=1, max_size=4),
        st.lists(st.floats(0.0, 100.0), min_size=1, max_size=10),
        st.floats(0.01, 200.0),
    )
    def test_nobody_waits_past_it_whatever_happens(
        self, names: list[str], times: list[float], deadline: float
    ) -> None:
        scripts = {f"t{n}": self.SCRIPTS[name] for n, name in enumerate(names)}
        for person in World(scripts, deadline=deadline).calls(sorted(times)):
            assert person.ended_at <= person.asked_at + deadline + 1e-6
