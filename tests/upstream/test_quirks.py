"""What is remembered of targets."""

from __future__ import annotations

from holdfast.core.attempt import Target
from holdfast.upstream.quirks import MOST, Quirks

A, B = Target("a", quirks=frozenset({"old"})), Target("b")


def test_what_one_has_shown_is_known_of_it_alone() -> None:
    quirks = Quirks()
    quirks.learn(A, "new")
    quirks.learn(A, "newer")
    assert quirks.known(A).quirks == {"old", "new", "newer"}
    assert quirks.known(B) is B


def test_what_did_not_help_is_forgotten() -> None:
    quirks = Quirks()
    quirks.learn(A, "new")
    quirks.forget(A)
    assert quirks.known(A) is A


def test_the_memory_has_an_end() -> None:
    quirks = Quirks()
    for number in range(MOST + 1):
        quirks.learn(Target(f"t{number}"), "new")
    first, last = Target("t0"), Target(f"t{MOST}")
    assert quirks.known(first) is first
    assert quirks.known(last).quirks == {"new"}
