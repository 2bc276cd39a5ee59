"""Who is fit to be asked: breakers open, let one probe through, and close again."""

import math

import pytest
from tests.resilience.actors import fault, stale, target

from holdfast.core.failure import Failure, Kind
from holdfast.resilience.breaker import LONGEST_REST, BreakerSettings, Scope, scope
from holdfast.resilience.health import Health

A = target("a", "k1")
A2 = target("a", "k2")
B = target("b", "k1")
CALM = 1.0  # jitter at its largest: full length, so that numbers are round


def fail(health: Health, kind: Kind = Kind.RESET, now: float = 0.0, times: int = 1) -> None:
    for _ in range(times):
        health.failed(A, fault(kind), now, CALM)


def is_ready(health: Health, now: float) -> bool:
    return health.ready_at(A, now) == now


def opened(now: float = 0.0) -> Health:
    """Health with the breaker of `a` just opened, for 5 s."""
    health = Health()
    fail(health, now=now, times=5)
    assert health.ready_at(A, now) == now + 5.0
    return health


SCOPES = [
    (Scope.TARGET, "DNS REFUSED UNREACHABLE TIMEOUT TLS_CERTIFICATE TLS PROXY RESET CLOSED"),
    (Scope.TARGET, "PROTOCOL CODING TRUNCATED EMPTY SERVER_ERROR BAD_GATEWAY OVERLOADED NOT_FOUND"),
    (Scope.KEY, "RATE_LIMITED QUOTA AUTH FORBIDDEN"),
    (Scope.NOBODY, "INVALID POLICY TOO_LONG UNSUPPORTED TOOL_ARGUMENTS DIVERGED CANCELLED"),
    (Scope.NOBODY, "DEADLINE DENIED NO_ROUTE UNAVAILABLE CAPACITY STOPPING STORE LOOP CONFIG"),
    (Scope.NOBODY, "INTERNAL POOL"),
]


def test_every_kind_is_held_against_somebody_or_nobody() -> None:
    table = {Kind[name]: whom for whom, names in SCOPES for name in names.split()}
    assert table == {kind: scope(fault(kind)) for kind in Kind}


def test_a_connection_that_was_dead_before_is_held_against_nobody() -> None:
    health = Health()
    for _ in range(50):
        health.failed(A, stale(), 0.0, CALM)
    assert is_ready(health, 0.0)


class TestOpening:
    def test_five_failures_in_a_row(self) -> None:
        health = Health()
        fail(health, times=4)
        assert is_ready(health, 0.0)
        fail(health)
        assert health.ready_at(A, 0.0) == 5.0
        assert health.reason(A, 0.0) == fault(Kind.RESET)

    def test_silence_is_dear_and_opens_sooner(self) -> None:
        health = Health()
        fail(health, Kind.TIMEOUT)
        assert is_ready(health, 0.0)
        fail(health, Kind.TIMEOUT)
        assert health.ready_at(A, 0.0) == 5.0

    def test_silence_in_the_middle_of_an_answer_counts_as_any_failure(self) -> None:
        health = Health()
        for _ in range(4):
            health.failed(A, fault(Kind.TIMEOUT), 0.0, CALM, weak=True)
        assert is_ready(health, 0.0)

    def test_a_success_starts_the_count_anew(self) -> None:
        health = Health(BreakerSettings(ratio=2.0))
        for _ in range(10):
            fail(health, times=4)
            health.succeeded(A, 0.0)
        assert is_ready(health, 0.0)

    def test_half_of_the_calls_of_a_minute(self) -> None:
        health = Health()
        for moment in range(2):
            health.succeeded(A, moment)
            fail(health, now=moment)
            assert is_ready(health, moment)
        fail(health, now=2.0)
        assert not is_ready(health, 2.0)

    def test_that_half_of_the_answers_are_cut_takes_nobody_out(self) -> None:
        health = Health()
        for moment in range(50):
            health.failed(A, fault(Kind.TRUNCATED), moment, CALM, weak=True)
            assert is_ready(health, moment)
            health.succeeded(A, moment)

    def test_but_five_cut_answers_in_a_row_do(self) -> None:
        health = Health()
        for _ in range(5):
            assert is_ready(health, 0.0)
            health.failed(A, fault(Kind.TRUNCATED), 0.0, CALM, weak=True)
        assert not is_ready(health, 0.0)

    def test_failures_of_a_minute_ago_are_forgotten(self) -> None:
        health = Health()
        for moment in (0.0, 100.0, 200.0, 300.0, 400.0):
            fail(health, now=moment)
            health.succeeded(A, moment + 90.0)
        assert is_ready(health, 490.0)

    def test_all_keys_of_the_target_are_out_and_no_other_target(self) -> None:
        health = opened()
        assert health.ready_at(A2, 0.0) == 5.0
        assert health.ready_at(B, 0.0) == 0.0

    def test_the_wait_is_jittered_over_its_second_half(self) -> None:
        health = Health()
        for _ in range(5):
            health.failed(A, fault(Kind.RESET), 0.0, 0.0)
        assert health.ready_at(A, 0.0) == 2.5

    def test_what_the_client_caused_opens_nothing(self) -> None:
        health = Health()
        fail(health, Kind.INVALID, times=100)
        assert is_ready(health, 0.0)

    def test_calls_under_way_when_it_opened_do_not_make_it_longer(self) -> None:
        health = opened()
        fail(health, now=0.1, times=200)
        assert health.ready_at(A, 0.1) == 5.0


class TestHalfOpen:
    def test_one_probe_at_a_time(self) -> None:
        health = opened()
        assert is_ready(health, 5.0)
        health.asked(A, 5.0)
        assert health.ready_at(A, 5.0) == 5.25, "another call looks again soon"
        assert health.ready_at(A, 6.0) == 6.25

    def test_content_lets_others_in(self) -> None:
        health = opened()
        health.asked(A, 5.0)
        health.answered(A, 0.5)
        assert is_ready(health, 5.0)

    def test_but_one_more_failure_opens_it_again_for_longer(self) -> None:
        health = opened()
        health.asked(A, 5.0)
        health.answered(A, 0.5)
        fail(health, now=6.0)
        assert health.ready_at(A, 6.0) == 16.0

    def test_a_whole_answer_closes_it(self) -> None:
        health = opened()
        health.asked(A, 5.0)
        health.answered(A, 0.5)
        health.succeeded(A, 6.0)
        fail(health, now=6.0, times=2)
        assert is_ready(health, 6.0)

    def test_failed_probes_double_the_wait_up_to_five_minutes(self) -> None:
        health, now, waits = opened(), 0.0, []
        for _ in range(9):
            ready = health.ready_at(A, now)
            waits.append(ready - now)
            now = ready
            health.asked(A, now)
            fail(health, now=now)
        assert waits == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]

    def test_a_reader_who_leaves_frees_the_probe(self) -> None:
        health = opened()
        health.asked(A, 5.0)
        fail(health, Kind.CANCELLED, now=5.1)
        assert is_ready(health, 5.1)

    def test_a_straggler_is_no_probe(self) -> None:
        health = opened()
        health.answered(A, 0.5)  # an attempt of before begins to answer
        assert not is_ready(health, 1.0)
        assert health.reason(A, 1.0) == fault(Kind.RESET)


class TestKeys:
    def test_a_bad_key_rests_alone(self) -> None:
        health = Health()
        fail(health, Kind.AUTH)
        assert health.ready_at(A, 0.0) == 60.0
        assert health.ready_at(A2, 0.0) == 0.0

    @pytest.mark.parametrize(
        ("kind", "rests"),
        [
            (Kind.RATE_LIMITED, [1, 2, 4, 8, 16, 32, 60, 60]),
            (Kind.QUOTA, [300, 600, 1200, 2400, 3600, 3600]),
            (Kind.AUTH, [60, 120, 240, 480, 600, 600]),
        ],
    )
    def test_it_rests_longer_each_time(self, kind: Kind, rests: list[float]) -> None:
        health, now = Health(), 0.0
        for rest in rests:
            fail(health, kind, now)
            assert health.ready_at(A, now) == now + rest
            now += rest
            health.asked(A, now)

    def test_the_upstream_knows_best_how_long(self) -> None:
        health = Health()
        health.failed(A, fault(Kind.RATE_LIMITED, retry_after=42.0), 0.0, CALM)
        assert health.ready_at(A, 0.0) == 42.0

    @pytest.mark.parametrize(
        ("named", "rests"),
        [
            (0.1, [0.1, 2, 4, 8, 16, 32, 60, 60]),
            (5.0, [5, 10, 20, 40, 60, 60]),
            (90.0, [90, 90, 90]),
        ],
    )
    def test_a_named_time_that_proves_too_short_is_doubled_too(
        self, named: float, rests: list[float]
    ) -> None:
        health, now = Health(), 0.0
        for rest in rests:
            health.failed(A, fault(Kind.RATE_LIMITED, retry_after=named), now, CALM)
            assert health.ready_at(A, now) == pytest.approx(now + rest)
            now = health.ready_at(A, now)
            health.asked(A, now)
        health.succeeded(A, now)
        health.failed(A, fault(Kind.RATE_LIMITED, retry_after=named), now, CALM)
        assert health.ready_at(A, now) == pytest.approx(now + named), (
            "after a success it is believed"
        )

    def test_many_refusals_at_once_are_one(self) -> None:
        health = Health()
        fail(health, Kind.RATE_LIMITED, times=50)
        assert health.ready_at(A, 0.0) == 1.0

    def test_the_one_used_longest_ago_is_known(self) -> None:
        health = Health()
        assert health.last_used(A) == -math.inf
        health.asked(A, 7.0)
        assert (health.last_used(A), health.last_used(A2)) == (7.0, -math.inf)


class TestRetryAfter:
    def test_one_word_from_the_upstream_is_enough(self) -> None:
        health = Health()
        health.failed(A, fault(Kind.OVERLOADED, retry_after=30.0), 0.0, CALM)
        assert health.ready_at(A, 0.0) == 30.0

    @pytest.mark.parametrize("kind", [Kind.OVERLOADED, Kind.QUOTA])
    def test_nobody_is_taken_out_for_a_year(self, kind: Kind) -> None:
        health = Health()
        health.failed(A, fault(kind, retry_after=31_536_000.0), 0.0, CALM)
        assert health.ready_at(A, 0.0) == LONGEST_REST

    def test_a_longer_word_counts_even_while_open(self) -> None:
        health = opened()
        health.failed(A, fault(Kind.OVERLOADED, retry_after=60.0), 1.0, CALM)
        assert health.ready_at(A, 1.0) == 61.0


def test_the_reason_is_that_of_the_longest_rest() -> None:
    health = opened()
    denied = Failure(Kind.AUTH, fault(Kind.AUTH).phase, detail="no such key")
    health.failed(A, denied, 0.0, CALM)
    assert health.reason(A, 1.0) == denied
    assert health.reason(A2, 1.0) == fault(Kind.RESET)
    assert health.reason(A, 60.0) is None
