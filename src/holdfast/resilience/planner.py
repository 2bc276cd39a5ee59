"""Which target to ask next, how, and when. A function of history, health and time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..core.attempt import RESPONSE_ID, Attempt, Continuation, How, Target
from ..core.failure import NOTHING_MORE, STALE, Failure, Hop, Kind, Phase, Remedy
from ..core.reason import Reason, Why
from .backoff import delay
from .breaker import Scope, scope
from .budget import EARNED, TRANSIENT, RetryBudget, cost
from .health import Health
from .policy import Route

# These speak of the form of the question, so another form may work on the same target.
_FORM = frozenset({Kind.UNSUPPORTED, Kind.INVALID, Kind.DIVERGED})

# That a prefilled answer ends at once proves nothing. Asked in words, the target can prove it.
_UNPROVEN = (How.PREFILL, Kind.EMPTY)

_WAYS: dict[Continuation, tuple[How, ...]] = {
    Continuation.NATIVE: (How.NATIVE, How.INSTRUCT),
    Continuation.PREFILL: (How.PREFILL, How.INSTRUCT),
    Continuation.INSTRUCT: (How.INSTRUCT,),
    Continuation.NEVER: (),
}

_NOBODY = Failure(
    Kind.UNAVAILABLE,
    Phase.ADMIT,
    Hop.ENGINE,
    detail="no target may be asked",
    detail_zh="没有可以询问的目标",
)

_GO_ON = {How.NATIVE: Why.NATIVE, How.PREFILL: Why.PREFILL, How.INSTRUCT: Why.INSTRUCT}

# The very stream is the best; a prefilled answer joins exactly; an instructed one must be fitted.
_RANKS = {How.START: 0, How.NATIVE: -1, How.PREFILL: 0, How.INSTRUCT: 1}


@dataclass(frozen=True, slots=True)
class Try:
    target: Target
    at: float
    how: How
    decision: str  # start | retry | failover | continue | replace
    why: Reason
    price: float = 0.0  # what it takes from the target's retry budget


@dataclass(frozen=True, slots=True)
class GiveUp:
    failure: Failure
    why: Reason


Decision = Try | GiveUp

Ready = Callable[[Target, float], float]  # when a target may be asked, at the earliest


@dataclass(frozen=True, slots=True)
class Situation:
    """What the planner must know of a call. Times are monotonic seconds."""

    route: Route
    history: Sequence[Attempt]
    released: bool  # the reader has text: continue or give up
    continuable: bool
    now: float
    deadline: float
    jitter: float
    waiting_since: float | None = None
    busy: frozenset[str] = frozenset()  # targets with an attempt under way (hedging)
    replaceable: bool = False  # what the reader has may be given anew
    sealed: Why = Why.SEALED  # why it is not continuable, if it is not
    replayable: bool = False  # the very stream may be gone on with, whatever it holds


def plan(situation: Situation, health: Health, budget: RetryBudget) -> Decision:
    """The next attempt, or the failure to tell. Never a time past the deadline.

    An answer that cannot be continued is given anew where the reader can take that. Where not, it
    is asked for anew all the same, once: it may say the same as far as it was released.
    """
    decision = _plan(situation, health, budget)
    if isinstance(decision, Try) or not situation.released:
        return decision
    if not situation.replaceable:
        return _last_resort(situation, health, budget, decision) or decision
    anew = _plan(replace(situation, released=False), health, budget)
    if isinstance(anew, GiveUp):
        return decision
    return replace(anew, decision="replace", why=Reason(Why.ANEW, decision.why))


def _last_resort(s: Situation, health: Health, budget: RetryBudget, given_up: GiveUp) -> Try | None:
    """Asks one whose continuation said nothing, or did not fit, the whole question again."""
    asked = any(attempt.how is How.ANEW for attempt in s.history)
    if asked or not s.continuable or given_up.why.why is Why.FINAL:
        return None
    willing = {
        attempt.target.name: attempt.failure.code == NOTHING_MORE
        for attempt in s.history
        if attempt.failure
        and _about_form(attempt)
        and attempt.target.continuation is not Continuation.NEVER
    }
    for target in sorted(s.route.targets, key=lambda target: not willing.get(target.name)):
        at = max(health.ready_at(target, s.now), s.now)
        near = at < s.deadline and at - s.now <= s.route.policy.max_wait
        paid = budget.allows(target.name, TRANSIENT, s.now)
        if target.name in willing and near and paid and len(s.history) < s.route.policy.hard_limit:
            why = Reason(Why.AGAIN_WHOLE, given_up.why)
            return Try(target, at, How.ANEW, "continue", why, TRANSIENT)
    return None


def _plan(situation: Situation, health: Health, budget: RetryBudget) -> Decision:
    refusal = _refusal(situation)
    if refusal:
        return GiveUp(verdict(situation.history), refusal)
    best = _best(situation, health.ready_at, budget, health)
    if best and _too_far(best, situation) and not situation.history:  # one probe for a call
        best = _best(situation, health.pressed_at, budget, health)
    if best is None:
        return GiveUp(verdict(situation.history), Reason(Why.NOBODY))
    if _too_far(best, situation):
        return _unavailable(situation, health, best)
    if best.at < situation.deadline:
        return best
    if not situation.history:
        return _unavailable(situation, health, best)
    return GiveUp(verdict(situation.history), Reason(Why.TOO_LATE))


def verdict(history: Sequence[Attempt]) -> Failure:
    """The failure a client is told: a final word if one was spoken, else what cut the answer
    that it has begun to read, else the first failure that says something of the upstream.

    The others stay in the attempts: a later failure never overwrites an earlier one.
    """
    met = [
        (attempt, attempt.failure)
        for attempt in history
        if attempt.failure and attempt.failure.kind is not Kind.CANCELLED
    ]
    if not met:
        return _NOBODY
    final = [f for a, f in met if f.remedy is Remedy.STOP and not _about_form(a)]
    cut = [f for a, f in met if a.released]
    first = [f for _, f in met if f.code != STALE and not (f.reworded or f.untold)]
    chosen = (final[-1:] or cut[:1] or first[:1] or [met[0][1]])[0]
    waits = [f.retry_after for _, f in met if f.retry_after is not None]
    return replace(chosen, retry_after=min(waits)) if waits else chosen


def _about_form(attempt: Attempt) -> bool:
    """Whether it failed for the way we asked to continue, not for the request itself."""
    if attempt.failure is None or attempt.how is How.START:
        return False
    silent = attempt.failure.code == NOTHING_MORE
    return (
        silent or attempt.failure.kind in _FORM or (attempt.how, attempt.failure.kind) == _UNPROVEN
    )


def _fruitless(attempts: Sequence[Attempt]) -> int:
    """How many gave the reader nothing, by a fault of theirs: a dead connection, once, is none,
    nor is what taught us how to ask, or that we cannot.
    """
    barren = [
        (a.target.name, a.failure.code)
        for a in attempts
        if not a.released
        and a.failure
        and a.failure.kind is not Kind.CANCELLED
        and not (a.failure.reworded or a.failure.untold)
    ]
    return len(barren) - len({name for name, code in barren if code == STALE})


def _refusal(s: Situation) -> Reason | None:
    """Why nothing more may be tried; None if something may."""
    if s.released and not s.continuable and not any(_kept(t, s) for t in s.route.targets):
        return Reason(s.sealed)
    if not s.history:
        return None
    last = s.history[-1]
    failure = last.failure
    assert failure is not None, "a finished attempt needs no plan"
    policy = s.route.policy
    if failure.remedy is Remedy.STOP and not _about_form(last):
        return Reason(Why.FINAL, failure.kind)
    if _fruitless(s.history) >= policy.max_attempts:
        return Reason(Why.FRUITLESS, count=policy.max_attempts)
    if len(s.history) >= policy.hard_limit:
        return Reason(Why.MANY, count=policy.hard_limit)
    return None


def _best(s: Situation, ready: Ready, budget: RetryBudget, health: Health) -> Try | None:
    return min(_options(s, ready, budget, health), key=lambda option: option[0], default=(0, None))[
        1
    ]


def _too_far(option: Try, s: Situation) -> bool:
    since = s.now if s.waiting_since is None else s.waiting_since
    return option.at > s.now and option.at - since > s.route.policy.max_wait


def _options(
    s: Situation, ready: Ready, budget: RetryBudget, health: Health
) -> Iterator[tuple[tuple[float, ...], Try]]:
    """Every attempt that may be made, with a key that sorts the best first."""
    names = list(dict.fromkeys(target.name for target in s.route.targets))
    for target in s.route.targets:
        if target.name in s.busy:
            continue
        how = _way(target, s)
        if how is None:
            continue
        tries = _tries(target, s.history)
        reformed = bool(tries) and _about_form(tries[-1]) and tries[-1].how is not how
        free = not tries or _stale(tries) or _reworded(tries) or reformed
        price = 0.0 if free or tries[-1].released >= EARNED else cost(tries[-1].failure)
        if _fruitless(tries) >= s.route.policy.per_target and not free:
            continue
        if not budget.allows(target.name, price, s.now):
            continue
        gains = how is How.NATIVE and _gained(tries)
        at = ready(target, s.now)
        at = at if gains else _after_pause(at, tries, s)
        freshness = 0 if not tries else -1 if free or gains else 1
        rank = (at, freshness, _RANKS[how], names.index(target.name), health.last_used(target))
        asked = replace(target, resume=_kept(target, s)) if how is How.NATIVE else target
        yield rank, Try(asked, at, how, *_reason(target, how, tries, s), price)


def _way(target: Target, s: Situation) -> How | None:
    """The first form of asking `target` that has not been refused; None if there is none.

    What did not fit may fit when the model says it once more, but another form comes first.
    """
    ways = _ways(target, s)
    misfits: set[How] = set()
    ruled_out: set[How] = set()
    for attempt in s.history:
        failure = attempt.failure
        if failure is None or failure.kind is Kind.CANCELLED or failure.reworded:
            continue
        if failure.untold and attempt.target.dialect == target.dialect:
            return None
        same_target = attempt.target.name == target.name
        if failure.kind is Kind.TOO_LONG and attempt.target.model == target.model:
            return None
        if failure.kind in _FORM or _about_form(attempt):
            misfit = failure.kind is Kind.DIVERGED and failure.code != NOTHING_MORE
            first = attempt.how is How.INSTRUCT and attempt.how not in misfits
            may_fit = misfit and first and not s.replaceable
            (misfits if may_fit else ruled_out).update({attempt.how} if same_target else ())
        elif failure.remedy is not Remedy.RETRY and (
            attempt.target.key == target.key or (same_target and scope(failure) is not Scope.KEY)
        ):
            return None
    left = [how for how in ways if how not in ruled_out]
    return min(left, key=lambda how: how in misfits, default=None)


def _ways(target: Target, s: Situation) -> Sequence[How]:
    if not s.released:
        return (How.START,)
    ways = _WAYS[target.continuation] if s.continuable else (How.NATIVE,)
    return [how for how in ways if how is not How.NATIVE or _kept(target, s)]


def _kept(target: Target, s: Situation) -> str:
    """The id of the stream that the target keeps, if all that was released came from it."""
    if target.continuation is not Continuation.NATIVE or not s.replayable:
        return ""
    sources = {
        (attempt.target.key, dict(attempt.upstream_ids).get(RESPONSE_ID, ""))
        for attempt in s.history
        if attempt.released
    }
    (key, response), *others = sources or {("", "")}
    return response if key == target.key and not others else ""


def _tries(target: Target, history: Sequence[Attempt]) -> list[Attempt]:
    """Attempts that speak for `target`: its own, and endpoint faults met with another key."""
    return [
        attempt
        for attempt in history
        if attempt.target.name == target.name
        and attempt.failure is not None
        and attempt.failure.kind is not Kind.CANCELLED
        and (attempt.target.key == target.key or scope(attempt.failure) is not Scope.KEY)
    ]


def _gained(tries: Sequence[Attempt]) -> bool:
    """Whether the stream that is kept was read a little further the last time: no need to wait."""
    return bool(tries) and (tries[-1].how is not How.NATIVE or tries[-1].released > 0)


def _stale(tries: Sequence[Attempt]) -> bool:
    """A kept-alive connection that died unanswered proves nothing: one free, immediate retry."""
    codes = [attempt.failure.code for attempt in tries if attempt.failure]
    return codes[-1:] == [STALE] and codes.count(STALE) == 1


def _reworded(tries: Sequence[Attempt]) -> bool:
    """What was refused was a word of the question; the next goes without it."""
    last = tries[-1].failure if tries else None
    return last is not None and last.reworded


def _after_pause(ready: float, tries: Sequence[Attempt], s: Situation) -> float:
    if not tries or _stale(tries) or _reworded(tries):
        return ready
    last = tries[-1]
    assert last.failure is not None
    if _about_form(last):
        return ready  # asked in another form, there is nothing to wait for
    pause = delay(s.route.policy, last.failure.kind, max(1, _fruitless(tries)), s.jitter)
    return max(ready, last.ended_at + max(pause, last.failure.retry_after or 0.0))


def _reason(target: Target, how: How, tries: Sequence[Attempt], s: Situation) -> tuple[str, Reason]:
    if not s.history and s.released:
        return ("continue", Reason(_GO_ON[how], Reason(Why.BEGUN)))
    if not s.history:
        return ("start", Reason(Why.FIRST))
    last = s.history[-1].failure
    assert last is not None
    if how is not How.START:
        return ("continue", Reason(_GO_ON[how], last.kind))
    if last.untold:
        return ("failover", Reason(Why.UNTOLD))
    if tries:
        why = Why.REWORDED if _reworded(tries) else Why.AGAIN
        return ("retry", Reason(why, last.kind))
    if any(attempt.target.name == target.name for attempt in s.history):
        return ("failover", Reason(Why.OTHER_KEY, last.kind))
    return ("failover", Reason(Why.OTHER_TARGET, last.kind))


def _unavailable(s: Situation, health: Health, best: Try) -> GiveUp:
    """The soonest target is too far off to wait for: say so, with when and why."""
    wait = best.at - s.now
    if s.history:
        told = verdict(s.history)
        return GiveUp(replace(told, retry_after=wait), Reason(Why.TOO_FAR, seconds=wait))
    reason = health.reason(best.target, s.now)
    failure = Failure(
        Kind.UNAVAILABLE,
        Phase.ADMIT,
        Hop.UPSTREAM,
        detail=f"{best.target.name} is taken out for another {wait:.0f} s",
        detail_zh=f"{best.target.name} 还要停用 {wait:.0f} 秒",
        retry_after=wait,
        by=reason.by if reason else "",
        nested=reason,
    )
    return GiveUp(failure, Reason(Why.ALL_OUT, seconds=wait))
