"""Transcripts of turns: what has happened, and what is to be done next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.agent.brought import Brought, fall, finish
from holdfast.agent.decisions import Answer, Ask, Decision, End, Run
from holdfast.agent.events import (
    Asked,
    Ended,
    Noted,
    ReasoningAdded,
    Replaced,
    StepBegan,
    StepEnded,
    TextAdded,
    ToolAnswered,
    ToolAsked,
    TurnEvent,
)
from holdfast.agent.judging import answered
from holdfast.agent.standing import remembered, standing
from holdfast.agent.stepper import decide
from holdfast.agent.task import Task
from holdfast.core.events import StopReason
from holdfast.core.failure import Failure, Kind, Phase
from holdfast.core.message import Message, Role, Text, ToolCall, said


@dataclass(frozen=True)
class Kept:
    """A tool as the stepper sees it."""

    safe: bool = False
    complaint: str = ""

    def fault(self, arguments: str) -> str:
        return self.complaint


TOOLS = {"look": Kept(safe=True), "send": Kept(), "picky": Kept(complaint="no city is called 7")}
QUESTION = said(Role.USER, "hello")
TASK = Task("route", QUESTION, max_steps=4)
ASKED = Asked(QUESTION)
BEGAN = StepBegan(1, "route", "REF")
LOOK, SEND = ToolCall("c1", "look", '{"x":1}'), ToolCall("c2", "send", '{"to":"a"}')


def calling(*calls: ToolCall, step: int = 1, text: str = "", stop: str = "tool_calls") -> StepEnded:
    message = Message(Role.ASSISTANT, (Text(text),) if text else (), calls)
    return StepEnded(step, message, stop=stop)


def intent(call: ToolCall) -> ToolAsked:
    return ToolAsked(call.id, call.name, call.arguments)


def next_after(*events: TurnEvent, task: Task = TASK) -> Decision:
    return decide(standing((ASKED, *events)), task, TOOLS)


def answers_after(*events: TurnEvent, task: Task = TASK) -> Sequence[ToolAnswered]:
    decision = next_after(*events, task=task)
    assert isinstance(decision, Answer), decision
    return decision.answers


# The plain course of a turn.


def test_a_question_is_asked() -> None:
    assert next_after() == Ask(1, "ask")


def test_a_whole_answer_ends_the_turn() -> None:
    events = (BEGAN, TextAdded("hi"), StepEnded(1, said(Role.ASSISTANT, "hi")))
    assert next_after(*events) == End(Ended("finished"))


def test_an_answer_of_nothing_is_told_as_such() -> None:
    assert next_after(BEGAN, StepEnded(1, Message(Role.ASSISTANT))) == End(
        Ended("finished", "empty")
    )


def test_calls_of_one_message_are_run_side_by_side() -> None:
    assert next_after(BEGAN, calling(LOOK, SEND)) == Run((LOOK, SEND))


def test_when_all_calls_are_answered_the_model_is_asked_again() -> None:
    events = (BEGAN, calling(LOOK), intent(LOOK), answered(LOOK, "ok", "1"))
    assert next_after(*events) == Ask(2, "ask")


def test_a_turn_that_has_ended_stays_ended() -> None:
    assert next_after(BEGAN, TextAdded("x"), Ended("stopped")) == End(Ended("stopped"))


# Killed in the middle.


def test_a_killed_answer_goes_on_from_what_was_read() -> None:
    assert next_after(BEGAN, TextAdded("half an "), TextAdded("ans")) == Ask(
        1, "resumed", "half an ans"
    )


def test_it_goes_on_from_the_text_of_all_its_lives() -> None:
    again = StepBegan(1, "route", "REF2", "resumed")
    assert next_after(BEGAN, TextAdded("a"), again, TextAdded("b")) == Ask(1, "resumed", "ab")


def test_what_was_replaced_is_not_gone_on_from() -> None:
    events = (BEGAN, TextAdded("wrong"), Replaced(), TextAdded("right"))
    assert next_after(*events) == Ask(1, "resumed", "right")
    assert standing(events).prose == "right"


def test_text_of_an_earlier_step_is_no_part_of_this_one() -> None:
    events = (
        *(BEGAN, TextAdded("Let me look."), calling(LOOK, text="Let me look.")),
        *(intent(LOOK), answered(LOOK, "ok", "1"), TextAdded("\n\n")),
        *(StepBegan(2, "route", "R2"), TextAdded("It is")),
    )
    assert next_after(*events) == Ask(2, "resumed", "It is")
    assert standing(events).prose == "Let me look.\n\nIt is"


def test_a_call_without_an_answer_is_never_run_again() -> None:
    (answer,) = answers_after(BEGAN, calling(SEND), intent(SEND))
    assert (answer.call_id, answer.outcome) == ("c2", "unknown")
    assert "not known" in answer.message.text
    decision = next_after(BEGAN, calling(SEND), intent(SEND))
    assert isinstance(decision, Answer)
    assert decision.notes == (Noted("tool_unknown", {"tool": "send"}),)


def test_a_call_that_does_no_harm_is_run_again() -> None:
    assert next_after(BEGAN, calling(LOOK), intent(LOOK)) == Run((LOOK,))


def test_a_call_of_a_tool_that_is_gone_has_an_unknown_outcome() -> None:
    gone = ToolCall("c9", "gone", "{}")
    (answer,) = answers_after(BEGAN, calling(gone), intent(gone))
    assert answer.outcome == "unknown"


def test_a_call_whose_intent_was_not_written_has_not_happened() -> None:
    assert next_after(BEGAN, calling(LOOK, SEND), intent(LOOK), answered(LOOK, "ok", "1")) == Run(
        (SEND,)
    )


def test_ids_that_a_vendor_uses_again_belong_to_their_own_message() -> None:
    first, second = ToolCall("call_0", "send", '{"to":"a"}'), ToolCall("call_0", "send", "{}")
    events = (
        *(BEGAN, calling(first), intent(first), answered(first, "ok", "sent")),
        *(StepBegan(2, "route", "R2"), calling(second, step=2)),
    )
    assert next_after(*events) == Run((second,))


def test_an_answer_that_another_turn_began_is_gone_on_with_and_kept_whole() -> None:
    task = replace(TASK, released="Once upon ")
    assert next_after(task=task) == Ask(1, "ask", "Once upon ")
    events: list[TurnEvent] = [ASKED, BEGAN, TextAdded("a t")]
    assert next_after(*events[1:], task=task) == Ask(1, "resumed", "Once upon a t")
    done = finish(standing(events), task, Brought(StopReason.END))
    assert isinstance(done, StepEnded)
    assert done.message.text == "Once upon a t"


def test_what_another_turn_began_is_no_part_of_later_steps() -> None:
    task = replace(TASK, released="Once upon ")
    events = (BEGAN, calling(LOOK), intent(LOOK), answered(LOOK, "ok", "1"))
    began = StepBegan(2, "route", "R2")
    assert next_after(*events, began, TextAdded("It is"), task=task) == Ask(2, "resumed", "It is")


# Calls that are not run.


def test_a_tool_cut_in_mid_argument_is_not_run() -> None:
    cut = ToolCall("c1", "send", '{"to": "al')
    (answer,) = answers_after(BEGAN, calling(cut, stop="length"))
    assert answer.outcome == "error"
    assert '{"to": "al' in answer.message.text
    assert answer.message.failed


@pytest.mark.parametrize("arguments", ["", "null", "[]", '"x"', "{}}", "to: alice", '{"a":1}{'])
def test_arguments_that_are_no_object_are_not_run(arguments: str) -> None:
    (answer,) = answers_after(BEGAN, calling(ToolCall("c1", "send", arguments)))
    assert answer.outcome == "error"


def test_arguments_that_the_tool_does_not_take_are_told() -> None:
    (answer,) = answers_after(BEGAN, calling(ToolCall("c1", "picky", "{}")))
    assert answer.outcome == "error"
    assert "no city is called 7" in answer.message.text


def test_an_unknown_tool_is_answered_with_those_there_are() -> None:
    (answer,) = answers_after(BEGAN, calling(ToolCall("c1", "fly", "{}")))
    assert answer.message.text == 'There is no tool called "fly". There are: look, picky, send.'


def test_the_sound_calls_of_a_message_are_run_after_the_broken_are_answered() -> None:
    fly = ToolCall("c9", "fly", "{}")
    events = (BEGAN, calling(fly, SEND))
    (answer,) = answers_after(*events)
    assert answer.call_id == "c9"
    assert next_after(*events, answer) == Run((SEND,))


def test_calls_of_an_answer_that_a_filter_cut_are_not_run() -> None:
    events = (BEGAN, calling(SEND, stop="content_filter"))
    (answer,) = answers_after(*events)
    assert answer.outcome == "refused"
    assert next_after(*events, answer) == End(Ended("refused", "policy", {"released": 0}))


# Repetition and bounds.


def repeated(times: int, call: ToolCall = SEND) -> list[TurnEvent]:
    """The same call in as many steps, run once."""
    events: list[TurnEvent] = []
    for step in range(1, times + 1):
        made = replace(call, id=f"c{step}")
        events += [StepBegan(step, "route", "R"), calling(made, step=step)]
        if step == 1:
            events += [intent(made), answered(made, "ok", "sent")]
        elif step < times:
            events += answers_after(*events)
    return events


def test_an_identical_call_has_the_result_of_the_first() -> None:
    (answer,) = answers_after(*repeated(2))
    assert answer.outcome == "ok"
    assert "not run again" in answer.message.text
    assert answer.message.text.endswith("sent")


def test_endless_repetition_ends_in_an_answer_without_tools() -> None:
    task = replace(TASK, max_steps=12)
    events = repeated(3)
    events += answers_after(*events, task=task)
    assert next_after(*events, task=task) == Ask(4, "ask", tools=False)
    events += [StepBegan(4, "route", "R"), TextAdded("sent"), calling(step=4, stop="end")]
    assert next_after(*events, task=task) == End(Ended("limited", "repeated_calls"))


def test_twins_in_one_message_are_run_once() -> None:
    twin = replace(SEND, id="c3")
    events: list[TurnEvent] = [BEGAN, calling(SEND, twin)]
    assert next_after(*events) == Run((SEND,))
    (answer,) = answers_after(*events, intent(SEND), answered(SEND, "ok", "sent"))
    assert (answer.call_id, answer.outcome) == ("c3", "ok")


def test_a_harmless_call_that_failed_may_be_tried_again() -> None:
    again = replace(LOOK, id="c2")
    events = (BEGAN, calling(LOOK), intent(LOOK), answered(LOOK, "timeout", "too slow"))
    later = (StepBegan(2, "route", "R"), calling(again, step=2))
    assert next_after(*events, *later) == Run((again,))


@pytest.mark.parametrize("outcome", ["error", "timeout", "unknown"])
def test_a_call_with_effects_that_failed_is_not_tried_again(outcome: str) -> None:
    again = replace(SEND, id="c3")
    told = answered(SEND, outcome, "who knows")  # type: ignore[arg-type]
    events = (BEGAN, calling(SEND), intent(SEND), told)
    (answer,) = answers_after(*events, StepBegan(2, "route", "R"), calling(again, step=2))
    assert (answer.call_id, answer.outcome) == ("c3", outcome)


def stepped(steps: int) -> list[TurnEvent]:
    """A turn that does something else in each of its steps."""
    events: list[TurnEvent] = []
    for step in range(1, steps + 1):
        call = ToolCall(f"c{step}", "send", f'{{"to":{step}}}')
        events += [StepBegan(step, "route", "R"), calling(call, step=step)]
        events += [intent(call), answered(call, "ok", "sent")]
    return events


def test_the_last_step_is_for_an_answer_in_words() -> None:
    assert next_after(*stepped(3)) == Ask(4, "ask", tools=False)


def test_an_answer_forced_by_the_last_step_says_so() -> None:
    events = (*stepped(3), StepBegan(4, "route", "R"), TextAdded("so far"))
    ended = StepEnded(4, said(Role.ASSISTANT, "so far"))
    assert next_after(*events, ended) == End(Ended("limited", "too_many_steps", {"steps": 4}))


def test_calls_after_the_last_step_are_refused() -> None:
    call = ToolCall("c9", "send", "{}")
    events = (*stepped(3), StepBegan(4, "route", "R"), calling(call, step=4))
    (answer,) = answers_after(*events)
    assert answer.outcome == "refused"
    assert next_after(*events, answer) == End(Ended("limited", "too_many_steps", {"steps": 4}))


# What a call brought.


def test_an_answer_at_its_length_limit_is_gone_on_with_and_then_ends() -> None:
    events: list[TurnEvent] = [ASKED, BEGAN]
    asked = 0
    while True:
        events.append(TextAdded("more "))
        now = standing(events)
        done = finish(now, TASK, Brought(StopReason.LENGTH))
        if isinstance(done, StepEnded):
            break
        assert done == Ask(1, "length", now.text)
        events.append(StepBegan(1, "route", "R", "length"))
        asked += 1
    assert asked == TASK.max_continues
    assert done.message.text == "more more more more "
    assert decide(standing([*events, done]), TASK, TOOLS) == End(Ended("limited", "length"))


def test_a_continuation_that_brings_nothing_is_the_last() -> None:
    now = standing([ASKED, BEGAN, TextAdded("a")])
    assert isinstance(finish(now, TASK, Brought(StopReason.LENGTH, grew=False)), StepEnded)


def test_a_call_written_as_text_is_mended_once_and_then_ends_the_turn() -> None:
    spoken = Brought(StopReason.END, spoken=True, grew=False)
    assert finish(standing([ASKED, BEGAN]), TASK, spoken) == Ask(1, "mended")
    again: list[TurnEvent] = [ASKED, BEGAN, StepBegan(1, "route", "R", "mended")]
    done = finish(standing(again), TASK, spoken)
    assert isinstance(done, StepEnded)
    assert next_after(*again[1:], done) == End(Ended("limited", "spoken_call"))


def test_words_before_a_call_written_as_text_stand() -> None:
    events: list[TurnEvent] = [BEGAN, TextAdded("Let me see.")]
    done = finish(standing([ASKED, *events]), TASK, Brought(StopReason.LENGTH, spoken=True))
    assert done == StepEnded(1, said(Role.ASSISTANT, "Let me see."), stop="cut_call")
    assert next_after(*events, done) == Ask(2, "mended")


def test_a_call_written_as_text_beside_true_calls_changes_nothing() -> None:
    brought = Brought(StopReason.TOOL_CALLS, (LOOK,), spoken=True)
    done = finish(standing([ASKED, BEGAN]), TASK, brought)
    assert done == calling(LOOK)


def test_continues_are_counted_for_each_step() -> None:
    events: list[TurnEvent] = [
        *(ASKED, BEGAN, StepBegan(1, "route", "R", "length"), calling(LOOK)),
        *(intent(LOOK), answered(LOOK, "ok", "1"), StepBegan(2, "route", "R")),
    ]
    assert standing(events).continues == 0


def test_a_refusal_in_words_is_told_in_those_words() -> None:
    events: list[TurnEvent] = [ASKED, BEGAN, TextAdded("I won't.")]
    done = finish(standing(events), TASK, Brought(StopReason.END, refusal="I won't."))
    assert isinstance(done, StepEnded)
    assert (done.message.text, done.message.refusal) == ("", "I won't.")
    assert decide(standing([*events, done]), TASK, TOOLS) == End(Ended("refused"))


def test_a_filtered_answer_ends_honestly() -> None:
    events: list[TurnEvent] = [ASKED, BEGAN, TextAdded("Once")]
    done = finish(standing(events), TASK, Brought(StopReason.CONTENT_FILTER))
    assert isinstance(done, StepEnded)
    ended = decide(standing([*events, done]), TASK, TOOLS)
    assert ended == End(Ended("refused", "policy", {"released": 4}))


# What to do about a failure.


def failed(kind: Kind, *events: TurnEvent, seen: tuple[str, ...] = ()) -> Ask | StepEnded | End:
    now = standing((ASKED, BEGAN, *events))
    return fall(now, TASK, Failure(kind, Phase.HEADERS), "REF", seen)  # type: ignore[arg-type]


def test_a_prompt_that_is_too_long_is_made_shorter_a_few_times() -> None:
    shorter = StepBegan(1, "route", "R", "compacted")
    assert failed(Kind.TOO_LONG) == Ask(1, "compacted")
    assert failed(Kind.TOO_LONG, *[shorter] * 3) == Ask(1, "compacted")
    ended = failed(Kind.TOO_LONG, *[shorter] * 4)
    assert isinstance(ended, End)
    assert (ended.ended.outcome, ended.ended.key) == ("failed", "too_long")


def test_what_a_model_does_not_take_is_left_out_once() -> None:
    seen = ("without_images", "without_tools")
    assert failed(Kind.UNSUPPORTED, seen=seen) == Ask(1, "without_images")
    blind = StepBegan(1, "route", "R", "without_images")
    assert failed(Kind.UNSUPPORTED, blind, seen=seen) == Ask(1, "without_tools")
    assert isinstance(failed(Kind.UNSUPPORTED), End)


def test_a_request_with_images_that_is_called_invalid_is_made_without_them_once() -> None:
    seen = ("without_images", "without_tools")
    assert failed(Kind.INVALID, seen=seen) == Ask(1, "without_images")
    blind = StepBegan(1, "route", "R", "without_images")
    assert isinstance(failed(Kind.INVALID, blind, seen=("without_tools",)), End)


def test_a_request_that_stays_too_long_is_made_without_its_images_in_the_end() -> None:
    """Squeezing leaves words out; of four large photographs no word can be left out."""
    shorter, seen = [StepBegan(1, "route", "R", "compacted")] * 4, ("without_images",)
    assert failed(Kind.TOO_LONG, *shorter[:3], seen=seen) == Ask(1, "compacted")
    assert failed(Kind.TOO_LONG, *shorter, seen=seen) == Ask(1, "without_images")
    blind = StepBegan(1, "route", "R", "without_images")
    assert failed(Kind.TOO_LONG, *shorter, blind) == Ask(1, "compacted")
    assert isinstance(failed(Kind.TOO_LONG, *shorter, blind, *shorter), End)


def test_a_failure_is_told_with_its_reference_and_kept_with_its_cause() -> None:
    ended = failed(Kind.RESET, TextAdded("half"))
    assert isinstance(ended, End)
    assert ended.ended.outcome == "failed"
    assert ended.ended.key == "connection_reset"
    assert ended.ended.values == {"released": 4}
    assert ended.ended.ref == "REF"
    assert ended.ended.failure is not None
    assert ended.ended.failure["phase"] == "headers"


def test_a_model_that_cannot_write_a_call_is_told_so_once() -> None:
    assert failed(Kind.TOOL_ARGUMENTS) == Ask(1, "mended")
    told = StepBegan(1, "route", "R", "mended")
    assert isinstance(failed(Kind.TOOL_ARGUMENTS, told), End)


def test_what_was_said_before_a_call_that_cannot_be_read_stands() -> None:
    events = (TextAdded("Let me see."),)
    done = failed(Kind.TOOL_ARGUMENTS, *events)
    assert done == StepEnded(1, said(Role.ASSISTANT, "Let me see."), stop="cut_call")
    assert next_after(BEGAN, *events, done) == Ask(2, "mended")


def test_a_failed_continuation_leaves_the_answer_at_its_limit() -> None:
    ended = failed(Kind.RESET, TextAdded("long"), StepBegan(1, "route", "R", "length"))
    assert isinstance(ended, End)
    assert (ended.ended.outcome, ended.ended.key) == ("limited", "length")
    assert ended.ended.failure is not None


# What is remembered.


def test_a_cut_answer_is_remembered_as_far_as_it_was_read() -> None:
    events = (ASKED, BEGAN, TextAdded("half an answer"), Ended("failed", "connection_reset"))
    assert remembered(events) == (QUESTION, said(Role.ASSISTANT, "half an answer"))


def test_a_whole_turn_is_remembered_with_its_tools() -> None:
    told = answered(LOOK, "ok", "1")
    events = (ASKED, BEGAN, calling(LOOK), intent(LOOK), told, Ended("stopped"))
    assert remembered(events) == (QUESTION, calling(LOOK).message, told.message)


happenings: st.SearchStrategy[TurnEvent] = st.one_of(
    st.builds(StepBegan, st.integers(1, 4), st.just("route"), st.just("R")),
    st.builds(TextAdded, st.text(max_size=3)),
    st.builds(ReasoningAdded, st.text(max_size=3)),
    st.just(Replaced()),
    st.sampled_from([calling(LOOK), calling(SEND), calling(LOOK, SEND), calling(stop="end")]),
    st.sampled_from([intent(LOOK), intent(SEND)]),
    st.sampled_from([answered(LOOK, "ok", "1"), answered(SEND, "unknown", "?")]),
)


@given(st.lists(happenings, max_size=12))
def test_no_intent_with_effects_is_ever_run_twice(events: list[TurnEvent]) -> None:
    now = standing([ASKED, *events])
    decision = decide(now, TASK, TOOLS)
    if isinstance(decision, Run):
        assert not any(call.name == "send" and call.id in now.intents for call in decision.calls)
