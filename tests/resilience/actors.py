"""Targets, failures and past attempts, told in few words."""

from __future__ import annotations

from holdfast.core.attempt import Attempt, Continuation, Credential, How, Target
from holdfast.core.failure import STALE, Failure, Kind, Phase


def target(
    name: str, key: str = "", can: Continuation = Continuation.INSTRUCT, model: str | None = None
) -> Target:
    """`can` says how it continues a cut answer."""
    return Target(
        name, model=name if model is None else model, credential=Credential(key), continuation=can
    )


def fault(
    kind: Kind,
    retry_after: float | None = None,
    code: str | None = None,
    phase: Phase = Phase.FIRST,
) -> Failure:
    return Failure(kind, phase, retry_after=retry_after, code=code)


def stale() -> Failure:
    """A kept-alive connection that had died before it was used."""
    return Failure(Kind.RESET, Phase.HEADERS, code=STALE)


def past(
    who: Target, failure: Failure, at: float = 0.0, how: How = How.START, released: int = 0
) -> Attempt:
    """An attempt that ended with `failure` at the time `at`."""
    return Attempt(1, who, how, at, at, failure.phase, released=released, failure=failure)
