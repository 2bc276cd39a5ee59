"""How many lives a turn gets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.engine.journal import Again, Park, Policy, fingerprint, on_begin, on_failure, on_past
from holdfast.store.ports import Begun, Entry, Turn

NOW = 1_800_000_000.0


def begun(lives: int = 0, killed: int = 0) -> Begun:
    return Begun(Turn("1", "a", {}, NOW, lives), killed=killed)


def test_a_turn_whose_lives_vanish_without_a_trace_is_given_up() -> None:
    policy = Policy(killed=5)
    assert on_begin(begun(), policy, NOW) is None
    assert on_begin(begun(lives=4, killed=4), policy, NOW) is None
    assert on_begin(begun(lives=5, killed=5), policy, NOW) == Park(
        "its last 5 lives vanished and left nothing"
    )


def test_a_turn_that_never_ends_is_given_up() -> None:
    policy = Policy(lives=25)
    assert on_begin(begun(lives=24), policy, NOW) is None
    assert on_begin(begun(lives=25), policy, NOW) == Park("it was begun 25 times and never ended")


def test_nobody_waits_for_an_answer_for_ever() -> None:
    policy = Policy(oldest=7200.0)
    assert on_begin(begun(), policy, NOW + 7199.0) is None
    assert on_begin(begun(), policy, NOW - 7200.0) is None, "a clock that was set back"
    assert on_begin(begun(), policy, NOW + 7200.0) == Park(
        "it was accepted 2 hours ago and has not ended", late=True
    )


def test_a_turn_is_not_gone_on_with_over_a_gap() -> None:
    said = {"type": "said"}
    first, second, third, spoilt = Entry(1, said), Entry(2, said), Entry(3, said), Entry(2, {})
    assert on_past(()) is None
    assert on_past((first, second, third)) is None
    for past in ((second,), (first, third), (first, spoilt, third)):
        assert on_past(past) == Park("a part of its journal is gone or cannot be read")


def test_failures_alike_are_tried_again_ever_later_and_then_no_more() -> None:
    policy = Policy(alike=5, backoff=1.0, longest=3.0)
    assert [on_failure("x", times, policy) for times in range(1, 7)] == [
        Again(1.0),
        Again(2.0),
        Again(3.0),
        Again(3.0),
        Park("it failed 5 times alike: x"),
        Park("it failed 6 times alike: x"),
    ]


@given(st.lists(st.booleans(), max_size=200))
def test_no_turn_lives_for_ever(alike: list[bool]) -> None:
    """Whatever failures alternate, lives are bounded."""
    policy = Policy(lives=25)
    lives, times = 0, 0
    for same in [*alike, *[True] * 30]:
        if on_begin(begun(lives), policy, NOW):
            break
        lives += 1
        times = times + 1 if same else 1
        if isinstance(on_failure("x", times, policy), Park):
            break
    assert lives <= policy.lives


def raising(kind: type[Exception], text: str) -> Exception:
    try:
        if text == "elsewhere":
            raise kind(text)
        raise kind(text)
    except Exception as error:  # noqa: BLE001 - whatever the test raises
        return error


def test_failures_are_alike_by_type_and_line_never_by_text() -> None:
    print_of = [fingerprint(raising(ValueError, text)) for text in ("sk-secret", "other")]
    assert print_of[0] == print_of[1]
    assert "secret" not in print_of[0]
    assert print_of[0].startswith("builtins.ValueError in raising (test_journal.py:")
    assert fingerprint(raising(KeyError, "x")) != print_of[0]
    assert fingerprint(raising(ValueError, "elsewhere")) != print_of[0]
    assert fingerprint(ValueError("never raised")) == "builtins.ValueError"
