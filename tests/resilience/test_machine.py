"""Transcripts of calls: what happens (>>) and what is done about it (<<)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.resilience.actors import fault, target
from tests.resilience.transcript import Call

from holdfast.core.attempt import Continuation, Target, Timeouts
from holdfast.core.failure import Hop, Kind, Phase
from holdfast.core.reason import Reason, Why
from holdfast.core.record import attempt_record
from holdfast.core.request import Surface
from holdfast.resilience.health import Health

A, B, C = target("a"), target("b"), target("c")
PREFILLS = target("p", can=Continuation.PREFILL)
NEVER = target("n", can=Continuation.NEVER)


def test_a_whole_answer() -> None:
    call = Call(A)
    call.play("""
        >> start
        << open 1 a start
        >> 1 reaches connect
        >> 1 reaches write
        >> 1 reaches headers
        >> 1 reaches first
        >> 1 says ""
        >> 1 says "Hel"
        << emit "Hel"
        >> 1 says "lo"
        << emit "lo"
        >> 1 finishes end
        >> 1 counts 3 2
        >> 1 ends
        << emit usage 3 2, finish end
        << record 1 well finish
        << close 1
        << done whole 5
    """)
    assert call.done.outcome.usage
    assert not call.done.outcome.troubled


def test_nothing_is_answered_after_the_end() -> None:
    call = Call(A, B)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "whole"
        << emit "whole"
        >> 1 finishes end
        >> 1 ends
        << emit finish end
        << record 1 well finish
        << close 1
        << done whole 5
        >> 1 says "more"
        >> 1 fails connection_reset
        >> 1 ends
        >> at 10000
        >> cancel
        >> wake?
        << wake never
    """)


# Before anything was released.


def test_another_target_is_asked_at_once() -> None:
    call = Call(A, B)
    call.play("""
        >> start
        << open 1 a start
        >> 1 fails connection_refused connect
        << close 1
        << record 1 connection_refused/connect failover
        << open 2 b start
        >> 2 says "well"
        << emit "well"
        >> 2 finishes end
        >> 2 ends
        << emit finish end
        << record 2 well finish
        << close 2
        << done whole 4
    """)
    assert call.done.outcome.recovered


def test_a_single_target_is_asked_again_after_a_pause() -> None:
    call = Call(A)
    call.play("""
        >> start
        << open 1 a start
        >> 1 fails connection_reset headers
        << close 1
        << record 1 connection_reset/headers retry
        >> wake?
        << wake 0.2
        >> at 0.1
        >> at 0.2
        << open 2 a start
    """)


def test_a_wait_that_is_asked_for_is_kept() -> None:
    Call(A).play("""
        >> start
        << open 1 a start
        >> 1 fails rate_limited headers 7
        << close 1
        << record 1 rate_limited/headers retry
        >> wake?
        << wake 7
        >> at 6.9
        >> at 7
        << open 2 a start
    """)


def test_a_wait_that_is_too_long_is_told() -> None:
    call = Call(A)
    call.play("""
        >> start
        << open 1 a start
        >> 1 fails rate_limited headers 60
        << close 1
        << record 1 rate_limited/headers stop
        << done rate_limited 0
    """)
    assert call.done.outcome.failure
    assert call.done.outcome.failure.retry_after == 60.0


def test_the_first_failure_is_told_and_all_are_kept() -> None:
    call = Call(A, B, max_attempts=2)
    call.play("""
        >> start
        << open 1 a start
        >> 1 fails bad_gateway headers
        << close 1
        << record 1 bad_gateway/headers failover
        << open 2 b start
        >> 2 fails auth headers
        << close 2
        << record 2 auth/headers stop
        << done bad_gateway 0
    """)
    assert [a.failure and a.failure.kind for a in call.done.outcome.attempts] == [
        Kind.BAD_GATEWAY,
        Kind.AUTH,
    ]


def test_what_is_final_ends_the_call_and_is_told() -> None:
    Call(A, B, C).play("""
        >> start
        << open 1 a start
        >> 1 fails bad_gateway headers
        << close 1
        << record 1 bad_gateway/headers failover
        << open 2 b start
        >> 2 fails policy headers
        << close 2
        << record 2 policy/headers stop
        << done policy 0
    """)


def test_reasoning_of_a_lost_attempt_does_not_forbid_to_begin_anew() -> None:
    """It is shown of the first attempt only: two trains of thought make no sense."""
    Call(A, B).play("""
        >> start
        << open 1 a start
        >> 1 reasons "Let me see"
        << emit thought "Let me see"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream failover
        << open 2 b start
        >> 2 reasons "Once more"
        >> 2 says "14"
        << emit "14"
        >> 2 finishes end
        >> 2 ends
        << emit finish end
        << record 2 well finish
        << close 2
        << done whole 2
    """)


def test_fragments_of_a_tool_call_are_held_until_it_is_whole() -> None:
    Call(A, B).play(r"""
        >> start
        << open 1 a start
        >> 1 calls 0 "c1" "look" "{\"x"
        >> 1 calls 0 "" "" "\": 1}"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream failover
        << open 2 b start
        >> 2 calls 0 "c2" "look" "{\"x\":"
        >> 2 calls 1 "c3" "ring" "{}"
        >> 2 calls 0 "" "" "2}"
        >> 2 finishes tool_calls
        >> 2 ends
        << emit call 0 c2 look {"x":2}, call 1 c3 ring {}, finish tool_calls
        << record 2 well finish
        << close 2
        << done whole 0
    """)


# After something was released.


def test_what_was_released_is_continued_by_another_target() -> None:
    call = Call(A, PREFILLS)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "Hold "
        << emit "Hold "
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 p prefill "Hold "
        >> 2 says "fast."
        << emit "fast."
        >> 2 counts 9 2
        >> 2 finishes end
        >> 2 ends
        << emit usage 9 4 about, finish end
        << record 2 well finish
        << close 2
        << done whole 10
    """)
    first, second = call.done.outcome.attempts
    assert (first.released, second.released) == (5, 5)
    assert second.seam
    assert second.seam.rule == "prefill"


def test_a_continuation_by_instruction_is_held_until_it_fits() -> None:
    call = Call(A, B)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "The lamp was lit at dusk and "
        << emit "The lamp was lit at dusk and "
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct "The lamp was lit at dusk and "
        >> 2 says "The lamp was lit"
        >> 2 says " at dusk and put out at dawn."
        >> 2 finishes end
        >> 2 ends
        << emit "put out at dawn."
        << emit finish end
        << record 2 well finish
        << close 2
        << done whole 45
    """)
    assert call.text == "The lamp was lit at dusk and put out at dawn."


def test_an_answer_in_other_words_is_refused_and_the_next_is_asked() -> None:
    call = Call(A, B, C)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "The lamp was lit at dusk and pu"
        << emit "The lamp was lit at dusk and pu"
        >> 1 fails truncated end
        << close 1
        << record 1 truncated/end continue
        << open 2 b instruct "The lamp was lit at dusk and pu"
        >> 2 says "Sorry, let me put it in a different way: lighthouses are towers of light, built \
        where ships need them, and kept by patient people."
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 diverged/stream continue
        << open 3 c instruct "The lamp was lit at dusk and pu"
        >> 3 says "at dusk and put out at dawn, and nobody at sea ever knew of that long night"
        >> 3 finishes end
        >> 3 ends
        << emit "t out at dawn, and nobody at sea ever knew of that long night"
        << emit finish end
        << record 3 well finish
        << close 3
        << done whole 92
    """)


def test_a_continuation_that_is_cut_is_continued_in_turn() -> None:
    call = Call(PREFILLS, target("q", can=Continuation.PREFILL))
    call.play("""
        >> start
        << open 1 p start
        >> 1 says "one "
        << emit "one "
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 q prefill "one "
        >> 2 says "two "
        << emit "two "
        >> 2 fails truncated end
        << close 2
        << record 2 truncated/end continue
        >> at 0.2
        << open 3 p prefill "one two "
        >> 3 says "three"
        << emit "three"
        >> 3 finishes end
        >> 3 ends
        << emit finish end
        << record 3 well finish
        << close 3
        << done whole 13
    """)


def test_who_has_nothing_to_add_and_is_well_proves_that_only_the_end_was_lost() -> None:
    call = Call(A, PREFILLS)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "The lamp is lit."
        << emit "The lamp is lit."
        >> 1 fails quota
        << close 1
        << record 1 quota/stream continue
        << open 2 p prefill "The lamp is lit."
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 empty/end continue
        << open 3 p instruct "The lamp is lit."
        >> 3 says "is lit."
        >> 3 finishes end
        >> 3 ends
        << close 3
        << record 3 diverged/stream continue
        << open 4 p anew
        >> 4 says "Somebody"
        << close 4
        << record 4 diverged/stream finish
        << emit finish end
        << done whole 16
    """)
    assert call.done.outcome.recovered
    assert call.done.outcome.attempts[-1].why == Reason(Why.SILENCE)


def test_one_who_has_nothing_to_add_is_believed_where_nobody_else_can_be_asked() -> None:
    Call(A, NEVER).play("""
        >> start
        << open 1 a start
        >> 1 says "The lamp is lit."
        << emit "The lamp is lit."
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        >> at 9
        << open 2 a instruct "The lamp is lit."
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 empty/end continue
        << open 3 a anew
        >> 3 says "Somebody"
        << close 3
        << record 3 diverged/stream finish
        << emit finish end
        << done whole 16
    """)


@pytest.mark.parametrize("begun", ["The lamp is", "First,", "```py\nprint(1).", "- a\n- b"])
def test_silence_after_a_text_that_does_not_end_proves_nothing(begun: str) -> None:
    call = Call(A, B, C, max_attempts=2)
    told = json.dumps(begun)
    call.play(f"""
        >> start
        << open 1 a start
        >> 1 says {told}
        << emit {told}
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct {told}
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 empty/end continue
        << open 3 c instruct {told}
        >> 3 finishes end
        >> 3 ends
        << close 3
        << record 3 empty/end continue
        << open 4 b anew
        >> 4 fails connection_reset
        << close 4
        << record 4 connection_reset/stream stop
        << done connection_reset {len(begun)}
    """)


def test_whose_word_that_nothing_is_missing_was_wrong_is_no_witness_later() -> None:
    Call(A, B, C, max_attempts=2).play("""
        >> start
        << open 1 a start
        >> 1 says "The lamp is lit."
        << emit "The lamp is lit."
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct "The lamp is lit."
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 empty/end continue
        << open 3 c instruct "The lamp is lit."
        >> 3 says "The lamp is lit. It is night."
        << emit " It is night."
        >> 3 fails connection_reset
        << close 3
        << record 3 connection_reset/stream continue
        >> at 9
        << open 4 a instruct "The lamp is lit. It is night."
        >> 4 finishes end
        >> 4 ends
        << close 4
        << record 4 empty/end continue
        << open 5 a anew
        >> 5 says "The lamp is lit. It is night. So good night."
        << emit " So good night."
        >> 5 finishes end
        >> 5 ends
        << emit finish end
        << record 5 well finish
        << close 5
        << done whole 44
    """)


def test_silence_of_who_says_nothing_at_all_is_no_witness() -> None:
    Call(A, B, max_attempts=1).play("""
        >> start
        << open 1 a start
        >> 1 says "The lamp is lit."
        << emit "The lamp is lit."
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct "The lamp is lit."
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 empty/end continue
        << open 3 b anew
        >> 3 finishes end
        >> 3 ends
        << close 3
        << record 3 empty/end stop
        << done connection_reset 16
    """)


def test_who_answers_otherwise_when_asked_anew_was_well_and_had_nothing_to_add() -> None:
    Call(A, B, max_attempts=1).play("""
        >> start
        << open 1 a start
        >> 1 says "The lamp is lit."
        << emit "The lamp is lit."
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct "The lamp is lit."
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 empty/end continue
        << open 3 b anew
        >> 3 says "Somebody has put the light on, as far as can be seen from here."
        << close 3
        << record 3 diverged/stream finish
        << emit finish end
        << done whole 16
    """)


def test_who_says_the_same_when_asked_anew_is_gone_on_with_from_where_it_was_cut() -> None:
    call = Call(A, B, max_attempts=2)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "The lamp was lit at dusk and "
        << emit "The lamp was lit at dusk and "
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct "The lamp was lit at dusk and "
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 empty/end continue
        >> at 9
        << open 3 a instruct "The lamp was lit at dusk and "
        >> 3 fails connection_reset
        << close 3
        << record 3 connection_reset/stream continue
        << open 4 b anew
        >> 4 says "The lamp was lit at dusk and put out at dawn."
        << emit "put out at dawn."
        >> 4 counts 5 11
        >> 4 finishes end
        >> 4 ends
        << emit usage 5 11, finish end
        << record 4 well finish
        << close 4
        << done whole 45
    """)
    assert call.text == "The lamp was lit at dusk and put out at dawn."


def test_a_call_that_was_cut_is_not_made_whole_by_silence() -> None:
    Call(A, B, C, max_attempts=2).play("""
        >> start
        << open 1 a start
        >> 1 says "I will look."
        << emit "I will look."
        >> 1 calls 0 "c1" "look" "{"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct "I will look."
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 empty/end continue
        << open 3 c instruct "I will look."
        >> 3 finishes end
        >> 3 ends
        << close 3
        << record 3 empty/end continue
        << open 4 b anew
        >> 4 finishes end
        >> 4 ends
        << close 4
        << record 4 empty/end stop
        << done connection_reset 12
    """)


def test_what_cannot_be_continued_ends_honestly() -> None:
    Call(A, NEVER).play("""
        >> start
        << open 1 a start
        >> 1 says "part"
        << emit "part"
        >> 1 fails quota
        << close 1
        << record 1 quota/stream stop
        << done quota 4
    """)


@pytest.mark.parametrize(
    ("form", "why"), [({"choices": 2}, Why.CHOICES), ({"structured": True}, Why.STRUCTURED)]
)
def test_several_answers_and_structured_ones_are_never_continued(
    form: dict[str, Any], why: Why
) -> None:
    call = Call(A, B, **form)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "{"
        << emit "{"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream stop
        << done connection_reset 1
    """)
    assert call.done.outcome.attempts[0].why == Reason(why)


def test_how_and_how_surely_it_was_joined_is_in_the_record() -> None:
    """Rule, overlap, talk and grade of the seam, or in both languages why there is none."""
    call = Call(A, B, C)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "The rope is short, but it reaches"
        << emit "The rope is short, but it reaches"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct "The rope is short, but it reaches"
        >> 2 says "The rope is short, but it holds."
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 diverged/stream continue
        << open 3 c instruct "The rope is short, but it reaches"
        >> 3 says "Sure: rope is short, but it reaches the shore."
        >> 3 finishes end
        >> 3 ends
        << emit " the shore."
        << emit finish end
        << record 3 well finish
        << close 3
        << done whole 44
    """)
    _, refused, joined = (attempt_record(one, 0.0) for one in call.done.outcome.attempts)
    assert "seam" not in refused
    assert "the continuation began the sentence anew" in refused["explained"]["en"]
    assert "续写换了说法重写中断的那句话" in refused["explained"]["zh"]
    assert joined["seam"] == {
        "rule": "overlap",
        "overlap_chars": 29,
        "dropped_chars": 6,
        "confidence": "proved",
    }


def test_a_refusal_is_never_continued() -> None:
    Call(A, B).play("""
        >> start
        << open 1 a start
        >> 1 refuses "I cannot"
        << emit refusal "I cannot"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream stop
        << done connection_reset 8
    """)


def test_a_refusal_continues_nothing() -> None:
    Call(A, PREFILLS, B).play("""
        >> start
        << open 1 a start
        >> 1 says "The sea is "
        << emit "The sea is "
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 p prefill "The sea is "
        >> 2 refuses "I cannot"
        << close 2
        << record 2 diverged/stream continue
        << open 3 p instruct "The sea is "
        >> 3 refuses "I cannot"
        << close 3
        << record 3 diverged/stream continue
        << open 4 b instruct "The sea is "
        >> 4 says "The sea is blue."
        << emit "blue."
        >> 4 finishes end
        >> 4 ends
        << emit finish end
        << record 4 well finish
        << close 4
        << done whole 16
    """)


@pytest.mark.parametrize(
    ("end", "failure"),
    [
        (">> 2 finishes tool_calls\n>> 2 ends", "empty/end"),
        (">> 2 fails connection_reset", "connection_reset/stream"),
        (">> 2 fails tool_arguments end", "tool_arguments/end"),
    ],
)
def test_a_call_in_the_middle_of_a_sentence_is_none_that_was_cut(end: str, failure: str) -> None:
    Call(A, B, C).play(rf"""
        >> start
        << open 1 a start
        >> 1 says "The sea is "
        << emit "The sea is "
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct "The sea is "
        >> 2 calls 0 "c1" "look" "{{}}"
        {end}
        << close 2
        << record 2 {failure} continue
        << open 3 c instruct "The sea is "
        >> 3 says "The sea is blue."
        << emit "blue."
        >> 3 finishes end
        >> 3 ends
        << emit finish end
        << record 3 well finish
        << close 3
        << done whole 16
    """)


def test_a_cut_tool_call_must_come_back_as_one() -> None:
    Call(A, PREFILLS, C).play(r"""
        >> start
        << open 1 a start
        >> 1 says "I look it up. "
        << emit "I look it up. "
        >> 1 calls 0 "c1" "look" "{\"x"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 p prefill "I look it up. "
        >> 2 says "It is fourteen."
        << emit "It is fourteen."
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 diverged/end continue
        << open 3 p instruct "I look it up. It is fourteen."
        >> 3 calls 0 "c9" "look" "{}"
        >> 3 finishes tool_calls
        >> 3 ends
        << emit call 0 c9 look {}, finish tool_calls
        << record 3 well finish
        << close 3
        << done whole 29
    """)


@pytest.mark.parametrize("said", ["I look it up.", "我来查一下：", "Let me see... "])
def test_a_call_alone_goes_on_from_a_sentence_that_is_whole(said: str) -> None:
    told = json.dumps(said, ensure_ascii=False)
    Call(A, B).play(f"""
        >> start
        << open 1 a start
        >> 1 says {told}
        << emit {told}
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct {told}
        >> 2 calls 0 "c9" "look" "{{}}"
        >> 2 finishes tool_calls
        >> 2 ends
        << emit call 0 c9 look {{}}, finish tool_calls
        << record 2 well finish
        << close 2
        << done whole {len(said)}
    """)


@pytest.mark.parametrize("before", ["\\n\\n", "look it up.", "I look it up."])
def test_white_space_or_the_last_words_before_a_call_are_no_news_and_none_is_needed(
    before: str,
) -> None:
    Call(A, B).play(f"""
        >> start
        << open 1 a start
        >> 1 says "I look it up."
        << emit "I look it up."
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct "I look it up."
        >> 2 says "{before}"
        >> 2 calls 0 "c9" "look" "{{}}"
        >> 2 finishes tool_calls
        >> 2 ends
        << emit call 0 c9 look {{}}, finish tool_calls
        << record 2 well finish
        << close 2
        << done whole 13
    """)


def test_a_call_alone_does_not_go_on_from_half_a_sentence() -> None:
    Call(A, B).play("""
        >> start
        << open 1 a start
        >> 1 says "The weather in"
        << emit "The weather in"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct "The weather in"
        >> 2 calls 0 "c9" "look" "{}"
        >> 2 finishes tool_calls
        >> 2 ends
        << close 2
        << record 2 empty/end continue
    """)


# What is no end, and what is.


@pytest.mark.parametrize("how", ["ends", "fails truncated end"])
def test_the_end_of_the_bytes_proves_nothing(how: str) -> None:
    Call(NEVER, max_attempts=1).play(f"""
        >> start
        << open 1 n start
        >> 1 says "part"
        << emit "part"
        >> 1 {how}
        << close 1
        << record 1 truncated/end stop
        << done truncated 4
    """)


def test_after_a_finish_reason_a_broken_connection_does_no_harm() -> None:
    Call(A, B).play("""
        >> start
        << open 1 a start
        >> 1 says "whole"
        << emit "whole"
        >> 1 finishes end
        >> 1 fails connection_reset
        << emit finish end
        << record 1 well finish
        << close 1
        << done whole 5
    """)


def test_after_a_finish_reason_the_end_is_awaited_for_a_moment_only() -> None:
    Call(A).play("""
        >> start
        << open 1 a start
        >> 1 says "whole"
        << emit "whole"
        >> at 1
        >> 1 finishes end
        >> wake?
        << wake 3
        >> at 2.9
        >> at 3
        << emit finish end
        << record 1 well finish
        << close 1
        << done whole 5
    """)


def test_content_after_a_finish_reason_takes_it_back() -> None:
    Call(NEVER, max_attempts=1).play("""
        >> start
        << open 1 n start
        >> 1 says "one"
        << emit "one"
        >> 1 finishes end
        >> 1 says " two"
        << emit " two"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream stop
        << done connection_reset 7
    """)


def test_an_answer_with_nothing_in_it_is_none() -> None:
    Call(A, B).play("""
        >> start
        << open 1 a start
        >> 1 finishes end
        >> 1 ends
        << close 1
        << record 1 empty/end failover
        << open 2 b start
        >> 2 reasons "hm"
        << emit thought "hm"
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 empty/end retry
    """)


@pytest.mark.parametrize("end", ["finishes length", "finishes content_filter"])
def test_an_empty_answer_with_a_reason_is_one(end: str) -> None:
    word = end.partition(" ")[2]
    Call(A).play(f"""
        >> start
        << open 1 a start
        >> 1 {end}
        >> 1 ends
        << emit finish {word}
        << record 1 well finish
        << close 1
        << done whole 0
    """)


@pytest.mark.parametrize("thought", ['>> 1 reasons "hm"\n<< emit thought "hm"\n', ""])
def test_who_says_that_a_tool_is_called_and_calls_none_has_lost_the_call(thought: str) -> None:
    call = Call(A, B)
    call.play(f"""
        >> start
        << open 1 a start
        {thought}>> 1 counts 5 1
        >> 1 finishes tool_calls
        >> 1 ends
        << close 1
        << record 1 empty/end failover
        << open 2 b start
    """)


def test_beside_words_a_call_that_never_came_is_none() -> None:
    """The vendor's own word stands beside it, for who speaks its dialect."""
    Call(A).play("""
        >> start
        << open 1 a start
        >> 1 says "well"
        << emit "well"
        >> 1 finishes tool_calls
        >> 1 ends
        << emit finish end
        << record 1 well finish
        << close 1
        << done whole 4
    """)


def test_silence_that_was_counted_is_an_answer() -> None:
    Call(A).play("""
        >> start
        << open 1 a start
        >> 1 counts 5 1
        >> 1 finishes end
        >> 1 ends
        << emit usage 5 1, finish end
        << record 1 well finish
        << close 1
        << done whole 0
    """)


# Time.

QUICK = Timeouts(
    connect=1.0, write=2.0, headers=3.0, first_event=4.0, bytes_idle=5.0, content_idle=6.0
)
HASTY = replace(target("a", can=Continuation.NEVER), timeouts=QUICK)


@pytest.mark.parametrize(
    ("reached", "limit", "code"),
    [
        ("", 1.0, "connect"),
        ("connect", 1.0, "connect"),
        ("tls", 1.0, "connect"),
        ("write", 2.0, "write"),
        ("headers", 3.0, "headers"),
        ("first", 4.0, "first_event"),
    ],
)
def test_every_phase_has_a_limit_that_begins_with_it(reached: str, limit: float, code: str) -> None:
    began = 0.5 if reached in ("tls", "write", "headers", "first") else 0.0
    step = f">> 1 reaches {reached}" if reached else ""
    call = Call(HASTY, max_attempts=1)
    call.play(f"""
        >> start
        << open 1 a start
        >> at 0.5
        {step}
        >> at {began + limit - 0.1:g}
        >> wake?
        << wake {began + limit:g}
        >> at {began + limit:g}
        << close 1
        << record 1 timeout/{reached or "resolve"} stop
        << done timeout 0
    """)
    failure = call.done.outcome.failure
    assert failure
    assert (failure.phase, failure.code) == (Phase(reached or "resolve"), code)


def test_keep_alive_without_content_is_told_from_silence() -> None:
    call = Call(HASTY, max_attempts=1)
    call.play("""
        >> start
        << open 1 a start
        >> 1 reaches first
        >> at 3.9
        >> 1 breathes
        >> at 4
        << close 1
        << record 1 timeout/first stop
        << done timeout 0
    """)
    assert call.done.outcome.failure
    assert call.done.outcome.failure.code == "keep_alive_only"


def test_silence_in_mid_answer() -> None:
    call = Call(HASTY, max_attempts=1)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "part"
        << emit "part"
        >> at 4.9
        >> wake?
        << wake 5
        >> at 5
        << close 1
        << record 1 timeout/stream stop
        << done timeout 4
    """)
    assert call.done.outcome.failure
    assert call.done.outcome.failure.code == "bytes_idle"


def test_comments_in_mid_answer_do_not_hide_that_nothing_is_said() -> None:
    call = Call(HASTY, max_attempts=1)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "part"
        << emit "part"
        >> at 4
        >> 1 breathes
        >> at 5.9
        >> wake?
        << wake 6
        >> at 6
        << close 1
        << record 1 timeout/stream stop
        << done timeout 4
    """)
    assert call.done.outcome.failure
    assert call.done.outcome.failure.code == "content_idle"


def test_a_slow_reader_is_no_fault_of_the_upstream() -> None:
    Call(HASTY, max_attempts=1).play("""
        >> start
        << open 1 a start
        >> 1 says "part"
        << emit "part"
        >> stalled 100
        >> 1 breathes
        >> at 104.9
        >> 1 says "ial"
        << emit "ial"
    """)


def test_the_deadline_ends_an_attempt_in_whatever_phase_it_is() -> None:
    Call(A, B, deadline=2.0).play("""
        >> start
        << open 1 a start
        >> 1 reaches headers
        >> at 1.9
        >> at 2
        << close 1
        << record 1 deadline/headers stop
        << done deadline 0
    """)


def test_no_wait_passes_the_deadline() -> None:
    Call(A, deadline=2.0).play("""
        >> start
        << open 1 a start
        >> 1 fails overloaded headers 5
        << close 1
        << record 1 overloaded/headers stop
        << done overloaded 0
    """)


def test_a_second_target_is_asked_while_the_first_is_silent_and_the_first_to_speak_wins() -> None:
    Call(A, B, hedge=1.5).play("""
        >> start
        << open 1 a start
        >> wake?
        << wake 1.5
        >> at 1.5
        << open 2 b start
        >> 2 says "I am"
        << record 1 cancelled/resolve hedge
        << close 1
        << emit "I am"
        >> 1 says "too late"
        >> 2 finishes end
        >> 2 ends
        << emit finish end
        << record 2 well finish
        << close 2
        << done whole 4
    """)


def test_one_of_two_may_fail_while_the_other_is_under_way() -> None:
    Call(A, B, hedge=1.5).play("""
        >> start
        << open 1 a start
        >> at 1.5
        << open 2 b start
        >> 2 fails connection_refused connect
        << close 2
        << record 2 connection_refused/connect hedge
        >> 1 says "well"
        << emit "well"
        >> 1 finishes end
        >> 1 ends
        << emit finish end
        << record 1 well finish
        << close 1
        << done whole 4
    """)


def test_the_deadline_ends_both() -> None:
    call = Call(A, B, hedge=1.0, deadline=2.0)
    call.play("""
        >> start
        << open 1 a start
        >> at 1
        << open 2 b start
        >> at 2
        << close 1
        << record 1 deadline/resolve hedge
        << close 2
        << record 2 deadline/resolve stop
        << done deadline 0
    """)


def doubtful(who: Target, usual: float | None = None) -> Health:
    health = Health()
    if usual is not None:
        health.answered(who, usual)
    health.failed(who, fault(Kind.RESET), 0.0, 1.0)
    return health


def test_beside_one_in_doubt_that_says_nothing_another_is_asked() -> None:
    call = Call(A, B, health=doubtful(A))
    call.play("""
        >> start
        << open 1 a start
        >> 1 reaches headers
        >> wake?
        << wake 9
        >> at 9
        << open 2 b start
        >> at 9.5
        >> 2 says "well"
        << record 1 timeout/headers hedge
        << close 1
        << emit "well"
        >> 2 finishes end
        >> 2 ends
        << emit finish end
        << record 2 well finish
        << close 2
        << done whole 4
    """)
    assert call.done.outcome.recovered, "that it was silent is no secret"


def test_one_in_doubt_may_still_be_the_first_to_answer() -> None:
    call = Call(A, B, health=doubtful(A))
    call.play("""
        >> start
        << open 1 a start
        >> 1 reaches first
        >> at 9
        << open 2 b start
        >> 1 says "late"
        << record 2 cancelled/resolve hedge
        << close 2
        << emit "late"
    """)


def test_one_in_doubt_has_twice_the_time_that_is_usual_there() -> None:
    Call(A, B, health=doubtful(A, usual=12.0)).play("""
        >> start
        << open 1 a start
        >> 1 reaches first
        >> wake?
        << wake 24
    """)


def test_if_the_one_beside_it_fails_the_next_is_asked() -> None:
    Call(A, B, C, health=doubtful(A)).play("""
        >> start
        << open 1 a start
        >> 1 reaches first
        >> at 9
        << open 2 b start
        >> 2 fails connection_refused connect
        << close 2
        << record 2 connection_refused/connect hedge
        >> at 9
        << open 3 c start
        >> 3 fails connection_refused connect
        << close 3
        << record 3 connection_refused/connect hedge
        >> at 9
        >> wake?
        << wake 45
    """)


def test_one_in_doubt_that_is_alone_has_all_its_time() -> None:
    Call(A, health=doubtful(A)).play("""
        >> start
        << open 1 a start
        >> 1 reaches headers
        >> at 9
        >> wake?
        << wake 30
    """)


@pytest.mark.parametrize(("after", "patience"), [(20, 9.0), (2, None)])
def test_a_reader_who_leaves_a_long_silence_puts_its_target_in_doubt(
    after: float, patience: float | None
) -> None:
    health = Health()
    Call(A, B, health=health).play(f"""
        >> start
        << open 1 a start
        >> 1 reaches headers
        >> at {after}
        >> cancel
        << record 1 cancelled/headers stop
        << close 1
        << done cancelled 0
    """)
    assert health.patience(A) == patience, "who leaves early says nothing of it"


def test_what_has_spoken_is_not_hedged() -> None:
    Call(A, B, hedge=1.0).play("""
        >> start
        << open 1 a start
        >> 1 reasons "hm"
        << emit thought "hm"
        >> at 1
        >> 1 says "a"
        << emit "a"
    """)


# The reader.


def test_a_reader_who_leaves_is_no_failure_of_a_target() -> None:
    call = Call(A, B)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "part"
        << emit "part"
        >> cancel
        << record 1 cancelled/stream stop
        << close 1
        << done cancelled 4
    """)
    failure = call.done.outcome.failure
    assert failure
    assert failure.hop is Hop.CLIENT
    assert not call.done.outcome.troubled


def test_a_reader_who_leaves_while_nothing_is_under_way() -> None:
    Call(A).play("""
        >> start
        << open 1 a start
        >> 1 fails connection_refused connect
        << close 1
        << record 1 connection_refused/connect retry
        >> cancel
        << done cancelled 0
    """)


def test_a_reader_of_whole_messages_is_given_nothing_before_the_end() -> None:
    """So an answer that is cut is begun anew, by anybody."""
    Call(A, NEVER, surface=Surface.NONE).play("""
        >> start
        << open 1 a start
        >> 1 says "The beginning"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream failover
        << open 2 n start
        >> 2 says "All"
        >> 2 says " of it"
        >> 2 counts 1 2
        >> 2 finishes end
        >> 2 ends
        << emit "All", " of it", usage 1 2, finish end
        << record 2 well finish
        << close 2
        << done whole 9
    """)


# What was given may be given anew, where the reader can take that.


def test_what_cannot_be_continued_is_given_anew() -> None:
    Call(NEVER, surface=Surface.REPLACE).play(r"""
        >> start
        << open 1 n start
        >> 1 says "Hel"
        << emit "Hel"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream replace
        >> at 1
        << open 2 n start "Hel"
        >> 2 says "Good"
        << emit restarted, "Good"
        >> 2 says " day"
        << emit " day"
        >> 2 finishes end
        >> 2 ends
        << emit finish end
        << record 2 well finish
        << close 2
        << done whole 8
    """)


def test_a_continuation_that_does_not_fit_is_replaced() -> None:
    call = Call(A, surface=Surface.REPLACE)
    call.play(r"""
        >> start
        << open 1 a start
        >> 1 says "The keeper wrote every night which wheel had cracked and "
        << emit "The keeper wrote every night which wheel had cracked and "
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        >> at 1
        << open 2 a instruct "The keeper wrote every night which wheel had cracked and "
        >> 2 says "The keeper wrote every night which wheel was broken, and more. "
        >> 2 finishes end
        >> 2 ends
        << close 2
        << record 2 diverged/stream replace
        << open 3 a start "The keeper wrote every night which wheel had cracked and "
        >> 3 says "Nobody knows."
        << emit restarted, "Nobody knows."
        >> 3 finishes end
        >> 3 ends
        << emit finish end
        << record 3 well finish
        << close 3
        << done whole 13
    """)


def test_structured_output_is_given_anew_too_and_a_lone_tool_call_makes_words_void() -> None:
    Call(A, surface=Surface.REPLACE, structured=True).play(r"""
        >> start
        << open 1 a start
        >> 1 says "{\"a\""
        << emit "{\"a\""
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream replace
        >> at 1
        << open 2 a start "{\"a\""
        >> 2 calls 0 "c1" "look" "{}"
        >> 2 finishes tool_calls
        >> 2 ends
        << emit restarted, call 0 c1 look {}, finish tool_calls
        << record 2 well finish
        << close 2
        << done whole 0
    """)


def test_while_nothing_new_has_come_what_was_given_stands() -> None:
    call = Call(NEVER, surface=Surface.REPLACE, max_attempts=2, per_target=2)
    call.play(r"""
        >> start
        << open 1 n start
        >> 1 says "Hel"
        << emit "Hel"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream replace
        >> at 1
        << open 2 n start "Hel"
        >> 2 fails policy
        << close 2
        << record 2 policy/stream stop
        << done policy 3
    """)
    assert call.text == "Hel"


def test_where_nothing_can_be_taken_back_it_ends_honestly() -> None:
    Call(NEVER).play(r"""
        >> start
        << open 1 n start
        >> 1 says "Hel"
        << emit "Hel"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream stop
        << done connection_reset 3
    """)


# What only the upstream's own dialect has words for.


def test_foreign_events_wait_until_their_attempt_is_the_one_that_tells() -> None:
    call = Call(A, B)
    call.play("""
        >> start
        << open 1 a start
        >> 1 shows search
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream failover
        << open 2 b start
        >> 2 shows search
        >> 2 says "Hel"
        << emit foreign {"type": "search"}, "Hel"
        >> 2 shows news
        << emit foreign {"type": "news"}
        >> 2 finishes end
        >> 2 ends
        << emit finish end
        << record 2 well finish
        << close 2
        << done whole 3
    """)


def test_what_stands_beside_the_words_is_not_lost_when_another_goes_on() -> None:
    call = Call(A, B)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "The lamp was lit. "
        << emit "The lamp was lit. "
        >> 1 cites log
        << emit cites {"cited": "log"}
        >> 1 shows picture
        << emit foreign {"type": "picture"}
        >> 1 begins search
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        << open 2 b instruct "The lamp was lit. "
        >> 2 says "The lamp was lit. It burned."
        << emit "It burned."
        >> 2 finishes end
        >> 2 ends
        << emit finish end
        << record 2 well finish
        << close 2
        << done whole 28
    """)


def test_what_a_hosted_tool_began_waits_for_its_result() -> None:
    call = Call(A)
    call.play("""
        >> start
        << open 1 a start
        >> 1 says "Hold "
        << emit "Hold "
        >> 1 begins search
        >> 1 shows result
        << emit foreign {"type": "search"}, foreign {"type": "result"}
    """)


def test_an_image_before_the_first_word_is_not_told_of_two_attempts() -> None:
    call = Call(A, B)
    call.play("""
        >> start
        << open 1 a start
        >> 1 cites picture
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream failover
        << open 2 b start
        >> 2 cites picture
        >> 2 says "Hold"
        << emit cites {"cited": "picture"}, "Hold"
    """)


def test_an_answer_that_a_hosted_tool_gave_alone_is_no_empty_one() -> None:
    call = Call(A)
    call.play("""
        >> start
        << open 1 a start
        >> 1 shows picture
        >> 1 finishes end
        >> 1 ends
        << emit foreign {"type": "picture"}, finish end
        << record 1 well finish
        << close 1
        << done whole 0
    """)


def test_tokens_that_nobody_saw_are_words_that_were_lost() -> None:
    call = Call(A, max_attempts=1)
    call.play("""
        >> start
        << open 1 a start
        >> 1 counts 9 80
        >> 1 finishes end
        >> 1 ends
        << close 1
        << record 1 empty/end stop
        << done empty 0
    """)


def test_news_beside_the_answer_is_no_answer() -> None:
    call = Call(A, max_attempts=1)
    call.play("""
        >> start
        << open 1 a start
        >> 1 shows news
        >> 1 finishes end
        >> 1 ends
        << close 1
        << record 1 empty/end stop
        << done empty 0
    """)


def test_a_continuation_has_no_foreign_events() -> None:
    call = Call(PREFILLS)
    call.play("""
        >> start
        << open 1 p start
        >> 1 says "Hold"
        << emit "Hold"
        >> 1 fails connection_reset
        << close 1
        << record 1 connection_reset/stream continue
        >> at 10
        << open 2 p prefill "Hold"
        >> 2 shows search
        >> 2 says " fast"
        << emit " fast"
        >> 2 finishes end
        >> 2 ends
        << emit finish end
        << record 2 well finish
        << close 2
        << done whole 9
    """)
