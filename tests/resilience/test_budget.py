"""Retries are paid for from what successes bring in, with one in ten seconds for free as long as
there are successes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.resilience.actors import fault

from holdfast.core.failure import Kind
from holdfast.resilience.budget import FLOOR_EVERY, HEDGE, RetryBudget, cost


def drained(now: float = 0.0) -> RetryBudget:
    """A budget of nothing whose free retry has been used at `now`, and worked."""
    budget = RetryBudget(capacity=0.0)
    budget.spend("a", 10.0, now)
    budget.refund("a")
    return budget


@pytest.mark.parametrize(
    ("kind", "price"), [(Kind.RESET, 10.0), (Kind.RATE_LIMITED, 5.0), (Kind.OVERLOADED, 5.0)]
)
def test_what_a_retry_costs(kind: Kind, price: float) -> None:
    assert cost(fault(kind)) == price


def test_without_a_failure_the_price_is_that_of_a_fault() -> None:
    assert cost(None) == 10.0


def test_ten_retries_empty_a_full_bucket() -> None:
    budget = RetryBudget()
    for _ in range(10):
        assert budget.allows("a", 10.0, 0.0)
        budget.spend("a", 10.0, 0.0)
    assert budget.allows("a", 10.0, 0.0), "the free one"
    budget.spend("a", 10.0, 0.0)
    assert not budget.allows("a", 10.0, 0.0)


def test_one_more_every_ten_seconds() -> None:
    budget = drained(now=100.0)
    assert not budget.allows("a", 10.0, 100.0 + FLOOR_EVERY - 0.1)
    assert budget.allows("a", 10.0, 100.0 + FLOOR_EVERY)


def test_in_an_outage_there_is_no_free_retry_after_the_first() -> None:
    budget = RetryBudget(capacity=0.0)
    budget.spend("a", 10.0, 0.0)
    assert not budget.allows("a", 10.0, 1e9)
    budget.refund("a")
    assert budget.allows("a", 10.0, 1e9)


def test_what_was_paid_for_an_answer_comes_back_with_it() -> None:
    budget = RetryBudget(capacity=20.0)
    for _ in range(100):
        assert budget.allows("a", 10.0, 0.0)
        budget.spend("a", 10.0, 0.0)
        budget.refund("a", 10.0)


def test_successes_refill_it_up_to_the_brim() -> None:
    budget = RetryBudget(capacity=20.0)
    for _ in range(3):
        budget.spend("a", 10.0, 0.0)
    for _ in range(9):
        budget.refund("a")
        assert not budget.allows("a", 10.0, 0.0)
    budget.refund("a")
    assert budget.allows("a", 10.0, 0.0)
    for _ in range(1000):
        budget.refund("a")
    for _ in range(3):
        budget.spend("a", 10.0, 100.0)
    assert not budget.allows("a", 10.0, 100.0)


def test_targets_do_not_pay_for_each_other() -> None:
    budget = drained()
    assert not budget.allows("a", 10.0, 0.0)
    assert RetryBudget().allows("b", 10.0, 0.0)
    assert budget.allows("b", 0.0, 0.0)


def test_what_costs_nothing_is_always_allowed_and_leaves_no_trace() -> None:
    budget = drained()
    budget.spend("a", 0.0, 500.0)
    assert budget.allows("a", 0.0, 0.0)
    assert budget.allows("a", 10.0, FLOOR_EVERY)


def test_a_hedge_is_dearer_than_a_retry() -> None:
    budget = RetryBudget(capacity=15.0)
    budget.spend("a", HEDGE, 0.0)
    assert budget.allows("a", 10.0, 0.0), "the free one was used, not the tokens"
    assert not budget.allows("a", HEDGE, 0.0)


@given(st.lists(st.floats(0, 5), max_size=300), st.floats(0, 1))
def test_retries_are_bounded_by_time_and_successes(gaps: list[float], share: float) -> None:
    budget, now, retries, successes = RetryBudget(), 0.0, 0, 0
    for number, gap in enumerate(gaps):
        now += gap
        if number < share * len(gaps):
            budget.refund("a")
            successes += 1
        elif budget.allows("a", 10.0, now):
            budget.spend("a", 10.0, now)
            retries += 1
    assert retries <= 10 + successes / 10 + min(now / FLOOR_EVERY, successes) + 1
