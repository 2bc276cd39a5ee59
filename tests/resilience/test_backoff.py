"""The wait doubles, is jittered over its whole length, and has a ceiling."""

import pytest

from holdfast.core.failure import Kind
from holdfast.resilience.backoff import delay
from holdfast.resilience.policy import Policy

POLICY = Policy(backoff_base=0.2, backoff_throttled=1.0, backoff_cap=8.0)

TABLE = [
    # kind, failures so far, jitter, seconds
    (Kind.RESET, 1, 1.0, 0.2),
    (Kind.RESET, 2, 1.0, 0.4),
    (Kind.RESET, 3, 1.0, 0.8),
    (Kind.RESET, 3, 0.5, 0.4),
    (Kind.RESET, 3, 0.0, 0.0),
    (Kind.RESET, 30, 1.0, 8.0),
    (Kind.RATE_LIMITED, 1, 1.0, 1.0),
    (Kind.OVERLOADED, 3, 1.0, 4.0),
    (Kind.OVERLOADED, 9, 0.5, 4.0),
]


@pytest.mark.parametrize(("kind", "failures", "jitter", "seconds"), TABLE)
def test_table(kind: Kind, failures: int, jitter: float, seconds: float) -> None:
    assert delay(POLICY, kind, failures, jitter) == pytest.approx(seconds)
