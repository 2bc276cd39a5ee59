"""Whom to ask next, how and when: one table of situations per rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.resilience.actors import fault, past, stale, target

from holdfast.core.attempt import RESPONSE_ID, Attempt, Continuation, How, Outcome, Target
from holdfast.core.failure import RULES, UNTOLD, Failure, Hop, Kind, Phase, Remedy
from holdfast.core.reason import Reason, Why
from holdfast.resilience.budget import RetryBudget
from holdfast.resilience.health import Health
from holdfast.resilience.planner import Decision, GiveUp, Situation, Try, plan, verdict
from holdfast.resilience.policy import Policy, Route

A, B, C = target("a"), target("b"), target("c")
NOW = 100.0


class Desk:
    """A planner with all that it looks at; every part can be replaced by name."""

    def __init__(self, *targets: Target, **policy: float) -> None:
        self.route = Route("r", targets, dataclasses.replace(Policy(), **policy))  # type: ignore[arg-type]
        self.health = Health()
        self.budget = RetryBudget()

    def ask(self, *history: Attempt, **changes: object) -> Decision:
        situation = Situation(
            route=self.route,
            history=history,
            released=any(attempt.released for attempt in history),
            continuable=True,
            now=NOW,
            deadline=NOW + 900.0,
            jitter=1.0,
        )
        return plan(dataclasses.replace(situation, **changes), self.health, self.budget)  # type: ignore[arg-type]

    def tries(self, *history: Attempt, **changes: object) -> Try:
        decision = self.ask(*history, **changes)
        assert isinstance(decision, Try), decision
        return decision

    def gives_up(self, *history: Attempt, **changes: object) -> GiveUp:
        decision = self.ask(*history, **changes)
        assert isinstance(decision, GiveUp), decision
        return decision

    def eject(self, who: Target, seconds: float, kind: Kind = Kind.QUOTA) -> None:
        self.health.failed(who, fault(kind, retry_after=seconds), NOW, 1.0)


def met(who: Target, kind: Kind, **more: object) -> Attempt:
    return past(who, fault(kind), at=NOW, **more)  # type: ignore[arg-type]


# The first attempt.


def test_the_first_of_the_list_is_asked_first() -> None:
    choice = Desk(A, B).tries()
    assert (choice.target, choice.at, choice.how) == (A, NOW, How.START)
    assert (choice.decision, choice.price) == ("start", 0.0)


def test_one_that_is_taken_out_is_passed_over() -> None:
    desk = Desk(A, B)
    desk.eject(A, 60.0)
    assert desk.tries().target == B


def test_if_all_are_out_the_soonest_is_waited_for() -> None:
    desk = Desk(A, B)
    desk.eject(A, 8.0)
    desk.eject(B, 5.0)
    choice = desk.tries()
    assert (choice.target, choice.at) == (B, NOW + 5.0)


def test_keys_of_a_pool_take_turns() -> None:
    pool = [target("a", key) for key in ("k1", "k2", "k3")]
    desk, used = Desk(*pool), []
    for moment in range(6):
        choice = desk.tries(now=NOW + moment)
        used.append(choice.target.credential.id)
        desk.health.asked(choice.target, NOW + moment)
    assert used == ["k1", "k2", "k3", "k1", "k2", "k3"]


# What a kind of failure calls for, before output.


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.CANCELLED])
def test_another_target_is_asked_at_once_unless_nothing_would_help(kind: Kind) -> None:
    decision = Desk(A, B).ask(met(A, kind))
    if RULES[kind].remedy is Remedy.STOP:
        assert decision == GiveUp(fault(kind), Reason(Why.FINAL, kind))
    else:
        assert isinstance(decision, Try)
        assert (decision.target, decision.at, decision.decision) == (B, NOW, "failover")
        assert decision.price == 0.0, "the first question to a target is no retry"


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.CANCELLED])
def test_a_lone_target_is_asked_again_only_where_that_may_help(kind: Kind) -> None:
    decision = Desk(A).ask(met(A, kind))
    if RULES[kind].remedy is Remedy.RETRY:
        assert isinstance(decision, Try)
        assert (decision.target, decision.decision) == (A, "retry")
        assert decision.at > NOW
        assert decision.price > 0
    else:
        assert isinstance(decision, GiveUp)
        assert decision.failure == fault(kind)


def test_back_off_grows_with_each_failure() -> None:
    once = Desk(A).tries(met(A, Kind.RESET))
    twice = Desk(A).tries(met(A, Kind.RESET), met(A, Kind.RESET))
    assert once.at == pytest.approx(NOW + 0.2)
    assert twice.at == pytest.approx(NOW + 0.4)


def test_without_jitter_another_target_still_comes_first() -> None:
    assert Desk(A, B).tries(met(A, Kind.RESET), jitter=0.0).target == B


def test_after_all_have_failed_the_shortest_wait_wins() -> None:
    history = [met(A, Kind.RATE_LIMITED), met(B, Kind.RESET)]
    choice = Desk(A, B).tries(*history)
    assert (choice.target, choice.decision) == (B, "retry")


def test_retry_after_is_kept() -> None:
    told = past(A, fault(Kind.OVERLOADED, retry_after=7.0), at=NOW)
    assert Desk(A).tries(told).at == NOW + 7.0
    assert Desk(A, B).tries(told).target == B


def test_a_retry_after_too_far_off_ends_the_call_and_is_passed_on() -> None:
    told = past(A, fault(Kind.OVERLOADED, retry_after=30.0), at=NOW)
    ended = Desk(A).gives_up(told)
    assert ended.failure.kind is Kind.OVERLOADED
    assert ended.failure.retry_after == 30.0
    assert "30 s" in ended.why.say("en")


# Keys.


def test_a_bad_key_is_followed_by_the_next_key_of_the_same_target() -> None:
    one, two = target("a", "k1"), target("a", "k2")
    choice = Desk(one, two).tries(met(one, Kind.AUTH))
    assert (choice.target, choice.at, choice.price) == (two, NOW, 0.0)
    assert "another key" in choice.why.say("en")


def test_a_fault_of_the_endpoint_speaks_for_all_its_keys() -> None:
    one, two = target("a", "k1"), target("a", "k2")
    choice = Desk(one, two, B).tries(met(one, Kind.RESET))
    assert choice.target == B
    again = Desk(one, two).tries(met(one, Kind.RESET))
    assert (again.decision, again.price) == ("retry", 10.0)
    assert again.at > NOW


def test_a_model_that_is_not_there_is_not_there_for_any_key() -> None:
    one, two = target("a", "k1"), target("a", "k2")
    assert Desk(one, two).gives_up(met(one, Kind.NOT_FOUND)).failure.kind is Kind.NOT_FOUND


# A stale connection.


def test_a_stale_connection_costs_nothing_and_is_not_waited_for() -> None:
    choice = Desk(A, B).tries(past(A, stale(), at=NOW))
    assert (choice.target, choice.at, choice.price) == (A, NOW, 0.0)


def test_the_second_stale_connection_is_a_failure_like_others() -> None:
    choice = Desk(A, B).tries(past(A, stale(), at=NOW), past(A, stale(), at=NOW))
    assert choice.target == B


def test_a_stale_connection_neither_uses_up_an_attempt_nor_is_told() -> None:
    once = [past(A, stale(), at=NOW), past(B, stale(), at=NOW)]
    history = [*once, *[met(A, Kind.RESET)] * 2, *[met(B, Kind.RESET)] * 2]
    desk = Desk(A, B)
    assert desk.tries(*history).decision == "retry"
    assert desk.gives_up(*once, *history).why == Reason(Why.FRUITLESS, count=5)
    assert Desk(A).gives_up(once[0], met(A, Kind.AUTH)).failure.kind is Kind.AUTH


# Too long.


def test_what_a_dialect_cannot_say_is_asked_of_no_other_target_of_it() -> None:
    untold = Failure(Kind.UNSUPPORTED, Phase.ADMIT, Hop.ENGINE, code=UNTOLD, param="tools[0].type")
    others = [target(name) for name in "bcdefg"]
    speaks = dataclasses.replace(target("r"), dialect="responses")
    attempt = past(A, untold, at=NOW)
    choice = Desk(A, *others, speaks).tries(attempt)
    assert (choice.target, choice.why.why) == (speaks, Why.UNTOLD)
    given_up = Desk(A, *others).gives_up(attempt)
    assert (given_up.failure, given_up.why.why) == (untold, Why.NOBODY)
    assert not Outcome(None, (attempt,)).troubled
    refused = met(speaks, Kind.REFUSED)
    assert Desk(A, speaks, per_target=1).gives_up(attempt, refused).failure.kind is Kind.REFUSED


def test_too_long_for_one_model_may_fit_another() -> None:
    long = target("long", model="large")
    assert Desk(A, long).tries(met(A, Kind.TOO_LONG)).target == long


def test_too_long_is_too_long_for_the_same_model_elsewhere() -> None:
    here, there = target("x/m", model="m"), target("y/m", model="m")
    assert Desk(here, there).gives_up(met(here, Kind.TOO_LONG)).failure.kind is Kind.TOO_LONG


# Continuing.

PREFILL = target("p", can=Continuation.PREFILL)
NEVER = target("n", can=Continuation.NEVER)


@pytest.mark.parametrize(
    ("can", "how"),
    [
        (Continuation.NATIVE, How.INSTRUCT),
        (Continuation.PREFILL, How.PREFILL),
        (Continuation.INSTRUCT, How.INSTRUCT),
    ],
)
def test_how_a_target_is_asked_to_go_on(can: Continuation, how: How) -> None:
    choice = Desk(target("x", can=can)).tries(met(A, Kind.TRUNCATED, released=9))
    assert (choice.how, choice.decision) == (how, "continue")


def test_a_target_that_cannot_go_on_is_passed_over() -> None:
    cut = met(NEVER, Kind.TRUNCATED, released=9)
    assert Desk(NEVER, B).tries(cut).target == B
    assert Desk(NEVER).gives_up(cut).failure.kind is Kind.TRUNCATED


def test_of_two_that_are_ready_the_one_that_joins_exactly_comes_first() -> None:
    cut = met(A, Kind.TRUNCATED, released=9)
    assert Desk(A, B, PREFILL).tries(cut).target == PREFILL


def test_another_target_goes_on_before_any_wait_for_the_one_that_broke() -> None:
    cut = met(PREFILL, Kind.TRUNCATED, released=9)
    choice = Desk(PREFILL, B).tries(cut)
    assert (choice.target, choice.at, choice.how) == (B, NOW, How.INSTRUCT)


@pytest.mark.parametrize("kind", [Kind.UNSUPPORTED, Kind.INVALID, Kind.DIVERGED, Kind.EMPTY])
def test_a_refused_prefill_is_asked_for_in_words_at_once(kind: Kind) -> None:
    history = [
        met(A, Kind.TRUNCATED, released=9),
        met(PREFILL, kind, how=How.PREFILL),
    ]
    choice = Desk(PREFILL, A).tries(*history)
    assert (choice.target, choice.how) == (PREFILL, How.INSTRUCT)
    assert (choice.at, choice.price) == (NOW, 0.0)


def test_a_way_that_was_refused_is_not_tried_again_there() -> None:
    history = [
        met(A, Kind.TRUNCATED, released=9),
        met(PREFILL, Kind.INVALID, how=How.PREFILL),
        met(PREFILL, Kind.UNSUPPORTED, how=How.INSTRUCT),
    ]
    assert Desk(PREFILL).tries(*history).how is How.ANEW
    assert Desk(PREFILL, B).tries(*history).target == B


def test_what_did_not_fit_is_asked_for_once_more_after_all_others() -> None:
    misfit = met(B, Kind.DIVERGED, how=How.INSTRUCT)
    history = [met(A, Kind.TRUNCATED, released=9), misfit]
    assert Desk(B, PREFILL).tries(*history).target == PREFILL
    again = Desk(B).tries(*history)
    assert (again.target, again.how, again.at) == (B, How.INSTRUCT, NOW)
    anew = Desk(B).tries(*history, misfit)
    assert (anew.target, anew.how, anew.decision) == (B, How.ANEW, "continue")
    failed = met(B, Kind.DIVERGED, how=How.ANEW)
    assert Desk(B).gives_up(*history, misfit, failed).failure.kind is Kind.TRUNCATED


@pytest.mark.parametrize(
    "changes", [{"continuable": False}, {"deadline": NOW}, {"replaceable": True, "released": False}]
)
def test_what_may_not_go_on_is_not_asked_for_anew_behind_it(changes: dict[str, Any]) -> None:
    misfit = met(B, Kind.DIVERGED, how=How.INSTRUCT)
    decision = Desk(B).ask(met(A, Kind.TRUNCATED, released=9), misfit, misfit, **changes)
    assert isinstance(decision, GiveUp) or decision.how is not How.ANEW


def test_an_invalid_request_is_invalid_everywhere() -> None:
    ended = Desk(A, B).gives_up(met(A, Kind.INVALID))
    assert ended.failure.kind is Kind.INVALID


@pytest.mark.parametrize("how", [How.START, How.PREFILL, How.INSTRUCT])
def test_a_content_policy_has_the_last_word(how: How) -> None:
    history = [
        met(A, Kind.TRUNCATED, released=0 if how is How.START else 9),
        met(B, Kind.POLICY, how=how),
    ]
    ended = Desk(A, B, C).gives_up(*history)
    assert ended.failure.kind is Kind.POLICY
    assert ended.why == Reason(Why.FINAL, Kind.POLICY)


def test_what_cannot_be_continued_is_not() -> None:
    ended = Desk(A, B).gives_up(met(A, Kind.TRUNCATED, released=9), continuable=False)
    assert ended.failure.kind is Kind.TRUNCATED
    assert "cannot be continued" in ended.why.say("en")


# Limits.


def test_five_attempts_that_brought_nothing_are_enough() -> None:
    crowd = [target(name) for name in "abcdefg"]
    history = [met(who, Kind.RESET) for who in crowd[:5]]
    assert Desk(*crowd).tries(*history[:4]).target == crowd[4]
    assert "5 attempts" in Desk(*crowd).gives_up(*history).why.say("en")


def test_three_on_one_target_are_enough() -> None:
    desk = Desk(A)
    assert desk.tries(*[met(A, Kind.RESET)] * 2).target == A
    assert "no target is left" in desk.gives_up(*[met(A, Kind.RESET)] * 3).why.say("en")


def test_attempts_that_brought_text_are_no_waste() -> None:
    history = [met(A, Kind.TRUNCATED, released=9)] * 8
    assert Desk(A).tries(*history).decision == "continue"


def test_but_there_is_an_end_to_everything() -> None:
    history = [met(A, Kind.TRUNCATED, released=9)] * 24
    assert "24 attempts" in Desk(A).gives_up(*history).why.say("en")


def test_a_lost_race_is_no_failure_of_anybody() -> None:
    history = [met(B, Kind.CANCELLED)] * 6 + [met(A, Kind.RESET)]
    choice = Desk(A, B).tries(*history)
    assert (choice.target, choice.at, choice.price) == (B, NOW, 0.0)
    assert Desk(A).gives_up(*history, deadline=NOW).failure.kind is Kind.RESET


def test_no_attempt_begins_at_the_deadline_or_later() -> None:
    desk = Desk(A)
    failed = met(A, Kind.RESET)
    assert desk.tries(failed, deadline=NOW + 0.3).at < NOW + 0.3
    assert "deadline" in desk.gives_up(failed, deadline=NOW + 0.2).why.say("en")


def test_an_empty_budget_allows_no_retry_but_another_target() -> None:
    desk = Desk(A, B)
    desk.budget = RetryBudget(capacity=0.0)
    desk.budget.spend("a", 10.0, NOW)
    assert desk.tries(met(A, Kind.RESET)).target == B
    desk.budget.spend("b", 10.0, NOW)
    assert "no target" in desk.gives_up(met(A, Kind.RESET), met(B, Kind.RESET)).why.say("en")


# Everything is out.


def test_nothing_ready_soon_is_told_with_when_and_why() -> None:
    desk = Desk(A, B)
    desk.eject(A, 300.0)
    desk.eject(B, 40.0, Kind.RATE_LIMITED)
    failure = desk.gives_up().failure
    assert (failure.kind, failure.phase, failure.retry_after) == (
        Kind.UNAVAILABLE,
        Phase.ADMIT,
        40.0,
    )
    assert failure.nested
    assert failure.nested.kind is Kind.RATE_LIMITED


@pytest.mark.parametrize("kind", [Kind.BAD_GATEWAY, Kind.QUOTA])
def test_where_nobody_is_ready_one_is_tried_before_its_time(kind: Kind) -> None:
    desk = Desk(A, B)
    for moment in range(int(NOW)):
        for who in (A, B):
            desk.health.asked(who, moment)
            desk.health.failed(who, fault(kind), moment, 1.0)
    assert desk.health.ready_at(A, NOW) > NOW + 30.0
    probe = desk.tries()
    assert (probe.target, probe.at) == (A, NOW - 1.0 + 5.0)
    desk.health.asked(A, probe.at)
    assert desk.tries(now=probe.at).target == B, "one probe at a time"
    desk.health.answered(A, 1.0)
    assert desk.tries(now=probe.at + 1.0).at == probe.at + 1.0, "it is well, and nobody waits"


def test_a_time_that_the_upstream_named_is_waited_for_even_so() -> None:
    desk = Desk(A)
    desk.health.failed(A, fault(Kind.OVERLOADED, retry_after=40.0), NOW, 1.0)
    assert desk.gives_up(now=NOW + 20.0).failure.retry_after == 20.0


def test_a_deadline_before_the_first_target_is_ready_is_told_too() -> None:
    desk = Desk(A)
    desk.eject(A, 5.0)
    ended = desk.gives_up(deadline=NOW + 3.0)
    assert (ended.failure.kind, ended.failure.retry_after) == (Kind.UNAVAILABLE, 5.0)


def test_the_wait_for_a_target_has_an_end_even_if_it_is_always_almost_ready() -> None:
    desk = Desk(A)
    desk.eject(A, 5.0)
    assert desk.tries(waiting_since=NOW - 4.0).at == NOW + 5.0
    assert desk.gives_up(waiting_since=NOW - 6.0).failure.kind is Kind.UNAVAILABLE


def test_a_wait_that_began_at_the_zero_of_the_clock_is_a_wait() -> None:
    desk = Desk(A)
    desk.health.failed(A, fault(Kind.QUOTA, retry_after=12.0), 0.0, 1.0)
    decision = desk.ask(now=8.0, waiting_since=0.0, deadline=900.0)
    assert isinstance(decision, GiveUp)


@pytest.mark.parametrize("busy", [frozenset(), frozenset({"a"})])
def test_nobody_to_ask_is_an_answer_not_an_accident(busy: frozenset[str]) -> None:
    desk = Desk(A) if busy else Desk()
    assert desk.gives_up(busy=busy).failure.kind is Kind.UNAVAILABLE


def test_a_hedge_goes_to_a_target_that_is_not_busy() -> None:
    assert Desk(A, B).tries(busy=frozenset({"a"})).target == B


# What the client is told.

VERDICTS: Sequence[tuple[Sequence[Attempt], Kind]] = [
    ([met(A, Kind.RESET), met(B, Kind.TIMEOUT)], Kind.RESET),
    ([met(A, Kind.RESET), met(B, Kind.TRUNCATED, released=3), met(A, Kind.DNS)], Kind.TRUNCATED),
    ([met(A, Kind.RESET), met(B, Kind.POLICY)], Kind.POLICY),
    ([met(A, Kind.CANCELLED), met(B, Kind.RESET)], Kind.RESET),
    ([met(A, Kind.TRUNCATED, released=3), met(B, Kind.INVALID, how=How.PREFILL)], Kind.TRUNCATED),
    ([met(A, Kind.TRUNCATED, released=3), met(B, Kind.DEADLINE)], Kind.DEADLINE),
]


@pytest.mark.parametrize(("history", "kind"), VERDICTS)
def test_verdict(history: Sequence[Attempt], kind: Kind) -> None:
    assert verdict(history).kind is kind


def test_the_verdict_says_when_to_come_back() -> None:
    history = [
        past(A, fault(Kind.RESET)),
        past(B, fault(Kind.OVERLOADED, retry_after=9.0)),
        past(C, fault(Kind.OVERLOADED, retry_after=4.0)),
    ]
    assert verdict(history) == fault(Kind.RESET, retry_after=4.0)


# Whatever has happened.

KINDS = st.sampled_from([kind for kind in Kind if kind is not Kind.CANCELLED])
WAITS = st.none() | st.floats(0, 100)
TARGETS = [A, B, PREFILL, NEVER, target("b", "k2")]
ATTEMPTS = st.builds(
    lambda who, kind, wait, at, how, released: past(
        who, Failure(kind, Phase.STREAM, retry_after=wait), at, how, released
    ),
    st.sampled_from(TARGETS),
    KINDS,
    WAITS,
    st.floats(0, NOW),
    st.sampled_from(How),
    st.integers(0, 2),
)


@given(st.lists(ATTEMPTS, max_size=8), st.floats(0, 1), st.floats(0, 60))
def test_the_plan_keeps_the_limits(history: list[Attempt], jitter: float, left: float) -> None:
    desk = Desk(*TARGETS)
    for attempt in history:
        assert attempt.failure
        desk.health.failed(attempt.target, attempt.failure, attempt.ended_at, jitter)
    decision = desk.ask(*history, jitter=jitter, deadline=NOW + left)
    if isinstance(decision, GiveUp):
        assert decision.why.say("en")
        return
    assert NOW <= decision.at < NOW + left or decision.at == NOW
    assert decision.at <= NOW + desk.route.policy.max_wait
    assert decision.at >= desk.health.ready_at(decision.target, NOW)
    assert decision.target is not NEVER or decision.how is How.START
    assert (decision.how is How.START) == (not any(a.released for a in history))
    assert decision.why.say("en")


# A stream that the vendor keeps.

KEEPS = target("v", can=Continuation.NATIVE)


def kept(failure: Kind = Kind.RESET, response: str = "resp_1", **more: object) -> Attempt:
    """An attempt at the target that keeps its streams."""
    ids = ((RESPONSE_ID, response),) if response else ()
    return dataclasses.replace(met(KEEPS, failure, **{"released": 9, **more}), upstream_ids=ids)


def test_the_very_stream_is_read_on_at_once_before_anybody_else_is_asked() -> None:
    choice = Desk(A, KEEPS).tries(kept(), replayable=True)
    assert (choice.target.name, choice.how, choice.at) == ("v", How.NATIVE, NOW)
    assert choice.target.resume == "resp_1"


def test_what_can_be_continued_in_no_other_way_can_be_read_on() -> None:
    choice = Desk(A, KEEPS).tries(kept(), replayable=True, continuable=False)
    assert choice.how is How.NATIVE
    gone = kept(Kind.UNSUPPORTED, how=How.NATIVE, released=0)
    Desk(A, KEEPS).gives_up(kept(), gone, replayable=True, continuable=False)


def test_who_never_goes_on_is_not_asked_the_whole_again_for_that() -> None:
    lost = met(NEVER, Kind.UNSUPPORTED, how=How.NATIVE)
    Desk(NEVER).gives_up(met(NEVER, Kind.RESET, released=9), lost)


def test_a_stream_that_is_kept_no_more_is_followed_by_an_instruction() -> None:
    gone = kept(Kind.UNSUPPORTED, how=How.NATIVE, released=0)
    choice = Desk(KEEPS).tries(kept(), gone, replayable=True)
    assert (choice.how, choice.target.resume) == (How.INSTRUCT, "")


def test_a_stream_that_gives_nothing_more_lets_others_go_first() -> None:
    again = kept(how=How.NATIVE, released=0)
    assert Desk(A, KEEPS).tries(kept(), again, replayable=True).target.name == "a"


@pytest.mark.parametrize(
    "history",
    [
        [kept(response="")],  # the vendor does not say that it keeps it
        [met(A, Kind.RESET, released=9)],  # another's words
        [met(A, Kind.RESET, released=9), kept(how=How.INSTRUCT)],  # and some of another's
    ],
)
def test_words_of_another_stream_are_not_looked_for_in_it(history: list[Attempt]) -> None:
    assert Desk(A, KEEPS).tries(*history, replayable=True).how is How.INSTRUCT


# A target that has shown how it is to be asked.


def taught(who: Target) -> Attempt:
    told = dataclasses.replace(fault(Kind.UNSUPPORTED), reworded=True)
    return past(who, told, at=NOW)


def test_who_has_shown_how_to_be_asked_is_asked_so_at_once() -> None:
    again = Desk(A, B, max_attempts=1).tries(taught(A))
    assert (again.target, again.at, again.how, again.price) == (A, NOW, How.START, 0.0)
    assert (again.decision, again.why) == ("retry", Reason(Why.REWORDED, Kind.UNSUPPORTED))


def test_if_it_refuses_still_another_is_asked() -> None:
    assert Desk(A, B).tries(taught(A), met(A, Kind.UNSUPPORTED)).target == B


def test_what_taught_us_how_to_ask_is_not_what_the_client_is_told() -> None:
    history = [taught(A), met(A, Kind.QUOTA)]
    assert verdict(history).kind is Kind.QUOTA
