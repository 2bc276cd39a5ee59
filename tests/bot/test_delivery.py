"""Transcripts of deliveries: what happened in the turn, and what the person saw."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.bot.people import C2C, GROUP, Desk, Fault, failure

from holdfast.agent.events import (
    Asked,
    Ended,
    Noted,
    ReasoningAdded,
    Replaced,
    Said,
    StepBegan,
    StepEnded,
    TextAdded,
    ToolAnswered,
    ToolAsked,
    TurnEvent,
)
from holdfast.bot import texts
from holdfast.bot.delivery import FRAME_PATIENCE, SLOW
from holdfast.bot.event import Frame, Receipt, Typing, Whole
from holdfast.bot.failing import may_have_arrived
from holdfast.bot.moves import Over, Owed, Send, Wait
from holdfast.core.failure import Kind, Phase
from holdfast.core.message import Role, said
from holdfast.core.request import Surface

ANSWER = Ended("finished")
BEGAN = StepBegan(1, "route", "ref")
CUT = "The answer broke off here and is not complete. Send /continue to go on. (ref R1)"
STUB = "(The message above broke off; here is the answer from its beginning.)"
AGAIN = "(Possibly a repetition: it is not known whether the message before arrived.)"


def times(number: int, fault: Fault) -> list[Fault]:
    return [fault] * number


def whole_step(text: str) -> StepEnded:
    return StepEnded(1, said(Role.ASSISTANT, text))


class TestGrowingMessage:
    def test_frames_grow_and_the_last_is_final(self) -> None:
        desk = Desk()
        desk.hear(Asked(said(Role.USER, "hi")), BEGAN, TextAdded("Once upon "))
        desk.run(until=1)
        desk.hear(TextAdded("a time."))
        desk.run(until=2)
        desk.hear(TextAdded(" The end."), ANSWER)
        assert desk.run() == Over()
        assert desk.frames == [
            (0, "Once upon", False),
            (1, "Once upon a time.", False),
            (2, "Once upon a time. The end.", True),
        ]
        assert [o.slot for o in desk.platform.sends] == [1, 1, 1]

    def test_frames_keep_their_distance_in_time(self) -> None:
        desk = Desk(replace(C2C, frame_interval=0.5))
        desk.hear(BEGAN, TextAdded("a "))
        desk.run(until=0.1)
        desk.hear(TextAdded("b "))
        waiting = desk.delivery.next(desk.now)
        assert isinstance(waiting, Wait)
        assert waiting.until == pytest.approx(0.55)
        assert len(desk.frames) == 1

    def test_a_platform_that_serves_many_is_given_the_time_it_asks_for(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("a "))
        move = desk.delivery.next(0.0)
        assert isinstance(move, Send)
        desk.delivery.taken(Receipt("id1", pause=4.0), 1.0)
        desk.hear(TextAdded("b "))
        assert desk.delivery.next(1.5) == Wait(5.0)
        desk.hear(ANSWER)
        assert isinstance(desk.delivery.next(1.5), Send), "but an end is not kept waiting"

    def test_a_message_that_rests_is_kept_from_being_rolled_back(self) -> None:
        """A tool may take minutes; clients give a stream up that says nothing for one."""
        desk = Desk()
        desk.hear(BEGAN, TextAdded("Let me look."), ToolAsked("1", "look", "{}"))
        desk.run(until=50)
        assert [text for _, text, _ in desk.frames] == ["Let me look."] * 4
        assert [index for index, _, _ in desk.frames] == [0, 1, 2, 3]
        desk.hear(TextAdded("There it is."), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Let me look.\n\nThere it is."]

    def test_an_answer_that_is_complete_at_once_is_one_whole_message(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("Hi!"), whole_step("Hi!"), ANSWER)
        assert desk.run() == Over()
        assert [o.content for o in desk.platform.sends] == [Whole("Hi!")]

    def test_the_reply_to_a_command_is_whole_even_before_the_turn_ends(self) -> None:
        desk = Desk()
        desk.hear(Said("These are my commands."))
        desk.run(until=1)
        assert desk.frames == []
        desk.hear(ANSWER)
        desk.run()
        assert desk.screen == ["These are my commands."]

    def test_incomplete_markup_waits_for_its_end(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("See [the doc"))
        desk.run(until=1)
        desk.hear(TextAdded("s](https://x.example/a) now."))
        desk.run(until=2)
        assert [text for _, text, _ in desk.frames] == [
            "See",
            "See [the docs](https://x.example/a) now.",
        ]

    def test_steps_are_paragraphs(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("Let me look."), whole_step("Let me look."))
        desk.hear(ToolAsked("c1", "fetch", "{}"))
        desk.hear(ToolAnswered("c1", "fetch", "ok", said(Role.TOOL, "42")))
        desk.hear(StepBegan(2, "route", "ref2"), TextAdded("It is 42."), ANSWER)
        desk.run()
        assert desk.screen == ["Let me look.\n\nIt is 42."]

    def test_a_step_after_a_message_without_calls_is_a_paragraph_too(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("Cut."), whole_step("Cut."), StepBegan(2, "r", "x"))
        desk.hear(TextAdded("Again."), StepBegan(2, "r", "y"), TextAdded(" And on."), ANSWER)
        desk.run()
        assert desk.screen == ["Cut.\n\nAgain. And on."]

    def test_reasoning_is_a_quotation_if_it_is_shown_at_all(self) -> None:
        events: list[TurnEvent] = [BEGAN, ReasoningAdded("Hm.\nYes."), TextAdded("42"), ANSWER]
        shown, hidden = Desk(reasoning=True), Desk()
        shown.hear(*events)
        hidden.hear(*events)
        shown.run()
        hidden.run()
        assert shown.screen == ["> Hm.\n> Yes.\n\n42"]
        assert hidden.screen == ["42"]

    def test_a_rewrite_ends_the_message_and_goes_on_in_a_new_one(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("The sky is gre, "))
        desk.run(until=1)
        desk.hear(Replaced(), TextAdded("The sky is blue."), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == [
            "The sky is gre,\n\n(What stands above is void; the answer is given anew below.)",
            "The sky is blue.",
        ]
        assert all(seen.final for seen in desk.platform.screen.values())

    def test_what_nobody_saw_is_rewritten_unnoticed(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("The sky is gre-"), Replaced(), TextAdded("The sky is blue."))
        desk.run(until=1)
        desk.hear(ANSWER)
        desk.run()
        assert desk.screen == ["The sky is blue."]

    def test_a_rewrite_spares_the_steps_before(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("Looking."), ToolAsked("c", "t", "{}"))
        desk.hear(StepBegan(2, "r", "x"), TextAdded("Wrong"), Replaced(), TextAdded("Right"))
        desk.hear(ANSWER)
        desk.run()
        assert desk.screen == ["Looking.\n\nRight"]

    def test_replacing_surfaces_show_the_rewrite_in_place(self) -> None:
        desk = Desk(replace(C2C, surface=Surface.REPLACE))
        desk.hear(BEGAN, TextAdded("The sky is gre, "))
        desk.run(until=1)
        desk.hear(Replaced(), TextAdded("Blue."))
        desk.run(until=2)
        desk.hear(ANSWER)
        desk.run()
        assert desk.screen == ["Blue."]

    def test_an_overlong_stream_rolls_over_and_code_stays_code(self) -> None:
        desk = Desk(replace(C2C, frame_chars=120, max_chars=400))
        lines = "\n".join(f"line {n} of the code" for n in range(10))
        desk.hear(BEGAN, TextAdded(f"Look:\n```python\n{lines}\n"))
        desk.run(until=5)
        desk.hear(TextAdded("```\nDone."), ANSWER)
        assert desk.run() == Over()
        first, *others = desk.screen
        assert first.startswith("Look:\n```python\nline 0")
        assert all(text.count("```") % 2 == 0 for text in desk.screen)
        assert all(text.startswith("```python\nline") for text in others)
        shown = "".join(desk.screen)
        assert [shown.count(f"line {n} of") for n in range(10)] == [1] * 10
        assert desk.screen[-1].endswith("Done.")


class TestEnds:
    def test_a_cut_answer_says_so_in_the_same_message(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("Once upon a time, "))
        desk.run(until=1)
        desk.hear(Ended("failed", "connection_reset", ref="R1"))
        desk.run()
        assert desk.screen == [f"Once upon a time,\n\n{CUT}"]

    def test_a_failure_before_the_answer_is_one_sentence_in_their_language(self) -> None:
        desk = Desk()
        desk.hear(Noted("language", {"language": "zh"}), BEGAN)
        desk.hear(Ended("failed", "bad_gateway", ref="R1", failure={"kind": "bad_gateway"}))
        desk.run()
        assert desk.screen == ["模型服务出了故障，请稍后再试。（编号 R1）"]

    def test_an_answer_with_nothing_in_it_ends_in_words(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, ANSWER)
        desk.run()
        assert desk.screen == [
            "The model had nothing to say to this. You can put the question differently."
        ]

    def test_a_message_that_was_not_for_us_is_not_answered(self) -> None:
        desk = Desk()
        desk.hear(Ended("refused"))
        assert desk.run() == Over()
        assert desk.platform.sends == []

    def test_a_stopped_answer_gets_its_terminal_frame(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("Once upon a "))
        desk.run(until=1)
        desk.hear(Ended("stopped"))
        desk.run()
        assert desk.screen == ["Once upon a\n\n(Stopped.)"]
        assert desk.frames[-1][2]

    def test_the_length_limit_is_told_and_how_to_go_on(self) -> None:
        desk = Desk(GROUP)
        desk.hear(BEGAN, TextAdded("Once upon a "), Ended("limited"))
        desk.run()
        assert desk.screen[0].endswith("Send /continue for more.)")

    def test_an_unknown_tool_outcome_is_told(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, Noted("tool_unknown", {"tool": "pay"}), TextAdded("I tried."), ANSWER)
        desk.run()
        assert desk.screen[0].startswith("I tried.\n\nThe outcome of pay is unknown")

    def test_readers_of_the_journal_are_sent_nothing(self) -> None:
        desk = Desk(replace(C2C, live=True))
        desk.hear(BEGAN, TextAdded("Once "), ANSWER)
        assert desk.run() == Over()
        assert desk.platform.sends == []


class TestBudget:
    def test_groups_get_whole_paragraphs_never_more_than_remain(self) -> None:
        desk = Desk(replace(GROUP, max_chars=300, replies=3))
        paragraphs = [f"Paragraph {n}. " + "word " * 25 for n in range(12)]
        desk.hear(BEGAN, TextAdded("\n\n".join(paragraphs)), ANSWER)
        over = desk.run()
        assert len(desk.screen) == 3
        assert all(len(text) <= 300 for text in desk.screen)
        assert "Too long for this chat" in desk.screen[-1]
        assert isinstance(over, Over)
        assert over.owed is not None
        assert over.owed.on_request
        assert desk.delivery._script.text[over.owed.place :].strip().startswith("Paragraph")

    def test_the_last_reply_is_kept_for_the_verdict(self) -> None:
        """A stream is opened only if one reply is left behind it."""
        desk = Desk(replace(C2C, replies=1))
        desk.hear(BEGAN, TextAdded("Once upon a time"))
        desk.run(until=2)
        assert desk.platform.sends == []
        desk.hear(ANSWER)
        desk.run()
        assert desk.screen == ["Once upon a time"]

    def test_typing_that_takes_a_reply_is_sent_only_if_the_answer_is_slow(self) -> None:
        desk = Desk()
        desk.hear(BEGAN)
        desk.run(until=SLOW - 1)
        assert desk.platform.typed == 0
        desk.run(until=60)
        assert desk.platform.typed == 1
        desk.hear(TextAdded("Hello"), ANSWER)
        desk.run()
        assert [o.slot for o in desk.platform.sends] == [1, 2]

    def test_typing_that_costs_nothing_is_shown_at_once_and_again(self) -> None:
        desk = Desk(replace(C2C, typing_takes_reply=False))
        desk.hear(BEGAN)
        desk.run(until=30)
        assert [type(o.content) for o in desk.platform.sends] == [Typing, Typing]

    def test_a_message_that_seems_too_old_is_answered_all_the_same(self) -> None:
        desk = Desk(GROUP)
        desk.now += 3600  # the clock is wrong, or the platform will say that it is too late
        desk.start()
        desk.hear(BEGAN, TextAdded("The answer"))
        desk.run(until=desk.now + 60)
        assert desk.screen == []
        desk.hear(ANSWER)
        desk.run()
        assert desk.screen == ["The answer"]

    def test_no_window_is_longer_because_a_clock_was_set_back(self) -> None:
        desk = Desk(GROUP)
        desk.now -= 3600
        desk.start()
        desk.hear(BEGAN, TextAdded("Half of the answer"))
        began = desk.now
        desk.run()
        assert desk.now - began < 300
        assert desk.screen[0].startswith("Half of the answer\n\n(I am still writing")

    def test_before_the_window_closes_the_person_is_told(self) -> None:
        desk = Desk(GROUP)
        desk.hear(BEGAN, TextAdded("Half of the answer"))
        over = desk.run()
        assert desk.now < 300
        assert desk.screen[0].startswith("Half of the answer\n\n(I am still writing")
        assert over == Over(Owed(len("Half of the answer")))

    def test_what_was_written_after_the_window_is_owed_also_in_another_life(self) -> None:
        desk = Desk(GROUP)
        desk.hear(BEGAN, TextAdded("Half of the answer"))
        desk.run()
        desk.hear(TextAdded(" and its other half"), ANSWER)
        desk.start()
        assert desk.run() == Over(Owed(len("Half of the answer")))
        assert len(desk.screen) == 1


class TestTrouble:
    def test_a_busy_platform_gets_the_frame_again_under_a_new_index(self) -> None:
        desk = Desk(faults=["ok", "busy", "busy"])
        desk.hear(BEGAN, TextAdded("Once "))
        desk.run(until=1)
        desk.hear(TextAdded("upon a time."), ANSWER)
        desk.run()
        assert [index for index, _, _ in desk.frames] == [0, 1, 2, 3]
        assert desk.screen == ["Once upon a time."]

    def test_a_lost_receipt_of_a_later_frame_does_no_harm(self) -> None:
        desk = Desk(faults=["ok", "lost"])
        desk.hear(BEGAN, TextAdded("Once "))
        desk.run(until=1)
        desk.hear(TextAdded("upon a "))
        desk.run(until=5)
        desk.hear(TextAdded("time."), ANSWER)
        desk.run()
        assert desk.screen == ["Once upon a time."]

    def test_a_first_frame_whose_name_is_lost_is_followed_by_all_of_it(self) -> None:
        desk = Desk(faults=["lost"])
        desk.hear(BEGAN, TextAdded("Once upon a "))
        desk.run(until=5)
        desk.hear(TextAdded("time."), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Once upon a", f"{STUB}\n\nOnce upon a time."]
        assert [o.slot for o in desk.platform.sends] == [1, 1, 2]

    def test_what_such_a_message_leaves_behind_is_short(self) -> None:
        """Without its name nobody can end it: it stands there as if more were to come."""
        desk = Desk(faults=["lost"])
        desk.hear(BEGAN, TextAdded("Once upon a time there was a bot that held on to answers. "))
        desk.run(until=5)
        desk.hear(TextAdded("The end."), ANSWER)
        assert desk.run() == Over()
        stub, whole = desk.screen
        assert stub == "Once upon a time there"
        assert whole.startswith(f"{STUB}\n\nOnce upon a time there was")

    def test_what_is_all_markup_begins_with_as_much_as_can_be_shown(self) -> None:
        desk = Desk()
        table = "| a column of many words | another one |\n|---|---|\n| 1 | 2 |\n"
        desk.hear(BEGAN, TextAdded(table))
        desk.run(until=5)
        assert desk.screen[0].startswith("| a column of many words | another one |\n|---|---|")

    def test_a_platform_without_streams_gets_whole_messages(self) -> None:
        desk = Desk(faults=["broken"])
        desk.hear(BEGAN, TextAdded("Once upon a "))
        desk.run(until=5)
        desk.hear(TextAdded("time."), ANSWER)
        desk.run()
        assert desk.screen == ["Once upon a time."]
        assert [o.slot for o in desk.platform.sends] == [1, 2]

    def test_a_broken_stream_is_ended_and_the_rest_is_a_message(self) -> None:
        desk = Desk(faults=["ok", "broken"])
        desk.hear(BEGAN, TextAdded("Once upon a "))
        desk.run(until=1)
        desk.hear(TextAdded("time there was a bot."))
        desk.run(until=5)
        assert desk.frames[-1] == (2, "Once upon a", True)
        desk.hear(TextAdded(" The end."), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Once upon a", "time there was a bot. The end."]

    def test_a_prefix_that_the_platform_does_not_know_is_not_sent_again(self) -> None:
        desk = Desk(faults=["ok", "diverged"])
        desk.hear(BEGAN, TextAdded("Once upon a "))
        desk.run(until=1)
        desk.hear(TextAdded("time there was a bot."))
        desk.run(until=5)
        assert desk.frames[2:] == [(2, "Once upon a", True)]

    def test_a_stream_whose_end_was_refused_too_is_ended_when_all_is_told(self) -> None:
        """Without its last frame a client shows it as unfinished, or rolls it back."""
        desk = Desk(faults=["ok", "broken", "broken"])
        desk.hear(BEGAN, TextAdded("Once upon a "))
        desk.run(until=1)
        desk.hear(TextAdded("time there was a bot."))
        desk.run(until=5)
        desk.hear(TextAdded(" The end."), ANSWER)
        assert desk.run() == Over()
        assert desk.frames[-1] == (3, "Once upon a", True)
        assert [seen.final for seen in desk.platform.screen.values()] == [True, True]
        assert desk.screen == ["Once upon a", "time there was a bot. The end."]

    def test_behind_the_window_a_stream_is_all_there_is_and_is_held_on_to(self) -> None:
        desk = Desk(replace(C2C, window=100))
        desk.hear(BEGAN, TextAdded("Once upon "))
        desk.run(until=120)
        desk.faults = times(3, "later")
        desk.hear(TextAdded("a time."), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Once upon a time."]

    def test_a_stream_that_breaks_at_its_very_end_is_followed_by_the_rest(self) -> None:
        desk = Desk(faults=["ok", "broken"])
        desk.hear(BEGAN, TextAdded("Once upon "))
        desk.run(until=1)
        desk.hear(TextAdded("a time."), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Once upon", "a time."]

    def test_a_throttled_end_is_waited_for_so_that_one_message_is_read(self) -> None:
        desk = Desk(faults=["ok", *times(8, "busy")])
        desk.hear(BEGAN, TextAdded("Once upon "))
        desk.run(until=1)
        desk.hear(TextAdded("a time."), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Once upon a time."]
        assert [index for index, _, _ in desk.frames] == list(range(10))
        assert 20 < desk.now < FRAME_PATIENCE

    def test_a_throttled_frame_is_replaced_by_the_next_and_longer_one(self) -> None:
        desk = Desk(faults=["ok", *times(6, "busy")])
        desk.hear(BEGAN, TextAdded("Once "))
        desk.run(until=1)
        desk.hear(TextAdded("upon "))
        desk.run(until=5)
        desk.hear(TextAdded("a time "))
        desk.run(until=30)
        assert desk.frames[-1] == (7, "Once upon a time", False)
        desk.hear(TextAdded("there was a bot."), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Once upon a time there was a bot."]

    def test_no_frame_is_sent_before_the_platform_wants_one_again(self) -> None:
        desk = Desk(faults=["ok", "later"])
        desk.hear(BEGAN, TextAdded("Once "))
        desk.run(until=1)
        desk.hear(TextAdded("upon a time."), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Once upon a time."]
        assert desk.now > 20

    def test_a_stream_that_is_throttled_for_good_is_followed_by_the_rest(self) -> None:
        """And it is brought to its end as soon as that is possible."""
        throttled = times(7, "later")  # for two minutes and more
        desk = Desk(faults=["ok", *throttled, "ok", "busy", "busy"])
        desk.hear(BEGAN, TextAdded("Once upon "))
        desk.run(until=1)
        desk.hear(TextAdded("a time."), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Once upon", "a time."]
        assert all(seen.final for seen in desk.platform.screen.values())
        assert FRAME_PATIENCE - 20 < desk.now < FRAME_PATIENCE + 40

    def test_a_stream_that_cannot_be_ended_keeps_nobody_waiting_for_ever(self) -> None:
        desk = Desk(faults=["ok", *times(200, "busy")])
        desk.hear(BEGAN, TextAdded("Once upon "))
        desk.run(until=1)
        desk.hear(TextAdded("a time."), ANSWER)
        assert isinstance(desk.run(), Over)
        assert desk.now < 1000

    def test_a_throttled_first_frame_begins_later_with_what_there_is_by_then(self) -> None:
        desk = Desk(faults=["later"])
        desk.hear(BEGAN, TextAdded("Once "))
        desk.run(until=1)
        desk.hear(TextAdded("upon a "))
        desk.run(until=25)
        desk.hear(TextAdded("time."), ANSWER)
        assert desk.run() == Over()
        assert desk.frames[:2] == [(0, "Once", False), (0, "Once upon a", False)]
        assert desk.screen == ["Once upon a time."]
        assert {o.slot for o in desk.platform.sends} == {1}

    def test_an_answer_that_is_whole_before_its_first_frame_is_taken_needs_none(self) -> None:
        desk = Desk(faults=["later"])
        desk.hear(BEGAN, TextAdded("Once "))
        desk.run(until=1)
        desk.hear(TextAdded("upon a time."), ANSWER)
        assert desk.run() == Over()
        assert [type(o.content) for o in desk.platform.sends] == [Frame, Whole]
        assert desk.screen == ["Once upon a time."]

    def test_a_throttled_stream_is_left_while_the_rest_may_still_be_told(self) -> None:
        desk = Desk(replace(C2C, window=100), faults=["ok", *times(5, "later")])
        desk.hear(BEGAN, TextAdded("Once upon "))
        desk.run(until=70)
        desk.hear(TextAdded("a time."), ANSWER)
        desk.run()
        assert desk.screen == ["Once upon", "a time."]
        whole = next(at for at, o in desk.sent_at if isinstance(o.content, Whole))
        assert whole < 100

    def test_an_unknown_outcome_is_repeated_where_repeats_are_recognised(self) -> None:
        desk = Desk(GROUP, faults=["lost"])
        desk.hear(BEGAN, TextAdded("Hello"), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Hello"]
        assert [o.slot for o in desk.platform.sends] == [1, 1]

    def test_elsewhere_it_is_followed_by_all_of_it(self) -> None:
        desk = Desk(replace(GROUP, recognises_repeats=False), faults=["lost"])
        desk.hear(BEGAN, TextAdded("Hello"), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Hello", f"{AGAIN}\n\nHello"]

    def test_a_refused_text_ends_in_a_sentence(self) -> None:
        desk = Desk(GROUP, faults=["broken"])
        desk.hear(BEGAN, TextAdded("Something the platform dislikes"), replace(ANSWER, ref="R1"))
        desk.run()
        assert desk.screen == ["The chat platform did not accept the answer's text. (ref R1)"]

    def test_a_refused_sentence_shows_that_it_was_not_the_text(self) -> None:
        """It is told with the next answer: nobody was told to ask for it."""
        desk = Desk(GROUP, faults=["broken", "broken"])
        desk.hear(BEGAN, TextAdded("Something"), ANSWER)
        assert desk.run() == Over(Owed(0))
        assert desk.screen == []

    def test_a_platform_that_is_away_is_waited_for(self) -> None:
        desk = Desk(GROUP, faults=["unreachable"] * 12)
        desk.hear(BEGAN, TextAdded("Hello"), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Hello"]
        assert 30 < desk.now < 300

    def test_in_the_end_it_is_owed(self) -> None:
        desk = Desk(GROUP, faults=["unreachable"] * 400)
        desk.hear(BEGAN, TextAdded("Hello"), ANSWER)
        assert desk.run() == Over(Owed(0))

    def test_a_table_that_is_parted_keeps_its_head(self) -> None:
        rows = "\n".join(f"| row {number} | {'word ' * 8}|" for number in range(200))
        desk = Desk(GROUP)
        desk.hear(BEGAN, TextAdded(f"Look:\n\n| name | words |\n|---|---|\n{rows}"), ANSWER)
        assert desk.run() == Over()
        assert len(desk.screen) > 1
        for text in desk.screen:
            assert text.removeprefix("Look:\n\n").startswith("| name | words |\n|---|---|\n| row")
        told = [line for text in desk.screen for line in text.split("\n") if "row" in line]
        assert "\n".join(told) == rows

    def test_nobody_waits_until_tomorrow(self) -> None:
        """The lane would stand still so long; what is owed is told when the person writes."""
        desk = Desk(GROUP, faults=["tomorrow"])
        desk.hear(BEGAN, TextAdded("Hello"), ANSWER)
        assert desk.run() == Over(Owed(0))
        assert desk.now < 30
        assert len(desk.platform.sends) == 1

    def test_a_stream_that_may_go_on_tomorrow_is_ended_today(self) -> None:
        desk = Desk(faults=["ok", "tomorrow"])
        desk.hear(BEGAN, TextAdded("Once upon a "))
        desk.run(until=1)
        desk.hear(TextAdded("time there was a bot."), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Once upon a", "time there was a bot."]
        assert desk.now < 30

    def test_a_text_too_long_for_the_platform_is_parted(self) -> None:
        desk = Desk(GROUP)
        text = "\n\n".join("word " * 50 for _ in range(8))
        desk.hear(BEGAN, TextAdded(text), ANSWER)
        move = desk.delivery.next(0.0)
        refused = failure(Kind.TOO_LONG, Phase.HEADERS, 400, "40054007")
        desk.delivery.failed(refused, 0.1, 0.5)
        desk.run()
        assert len(desk.screen) > 1
        assert " ".join(" ".join(desk.screen).split()) == " ".join(text.split())
        assert move is not None


class TestCrash:
    def test_the_other_half_comes_in_the_same_message(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("Once upon "))
        desk.run(until=1)
        desk.start()
        desk.hear(TextAdded("a time."), ANSWER)
        assert desk.run() == Over()
        assert desk.frames[-1] == (1, "Once upon a time.", True)
        assert desk.screen == ["Once upon a time."]

    def test_a_frame_under_way_is_overtaken_by_the_next(self) -> None:
        desk = Desk(faults=["ok", "crash_after"])
        desk.hear(BEGAN, TextAdded("Once "))
        desk.run(until=1)
        desk.hear(TextAdded("upon a time."))
        desk.run(until=3)
        desk.hear(ANSWER)
        desk.run()
        assert desk.screen == ["Once upon a time."]

    def test_an_orphan_stream_of_a_lost_turn_gets_its_end(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("Once upon "))
        desk.run(until=1)
        desk.start()
        desk.hear(Ended("failed", "restarted", ref="R1"))
        desk.run()
        assert desk.screen == [f"Once upon\n\n{CUT}"]
        assert desk.frames[-1][2]

    def test_nothing_is_sent_before_the_journal_has_been_read_to_where_it_was(self) -> None:
        """It comes piece by piece after a restart; half of it would shorten what was shown."""
        desk = Desk()
        desk.hear(BEGAN, TextAdded("Once upon a time "), TextAdded("there was a bot. "))
        desk.run(until=1)
        began, first, second = desk.journal
        desk.journal = []
        desk.start()
        frames = len(desk.frames)
        for event in (began, first):
            desk.hear(event)
            desk.run(until=desk.now + 40)
        assert len(desk.frames) == frames
        desk.hear(second, TextAdded("The end."), ANSWER)
        assert desk.run() == Over()
        assert desk.screen == ["Once upon a time there was a bot. The end."]

    def test_a_journal_that_lost_what_was_shown_still_comes_to_an_end(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("Once upon a time there was a bot. "))
        desk.run(until=1)
        desk.journal = []
        desk.start()
        desk.hear(BEGAN, Ended("failed", "restarted", ref="R1"))
        assert isinstance(desk.run(), Over)
        assert desk.screen[-1].endswith("(ref R1)")

    def test_slots_stay_what_they_were(self) -> None:
        desk = Desk(replace(GROUP, max_chars=60), faults=["ok", "crash"])
        desk.hear(BEGAN, TextAdded("First words here.\n\n" + "Second " * 7), ANSWER)
        assert desk.run() == Over()
        assert [o.slot for o in desk.platform.sends] == [1, 2, 2]

    def test_what_is_over_stays_over(self) -> None:
        desk = Desk()
        desk.hear(BEGAN, TextAdded("Hello"), ANSWER)
        desk.run()
        desk.start()
        assert desk.run() == Over()
        assert desk.screen == ["Hello"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (failure(Kind.REFUSED, Phase.CONNECT), False),
        (failure(Kind.RESET, Phase.WRITE), True),
        (failure(Kind.TIMEOUT, Phase.HEADERS), True),
        (failure(Kind.RATE_LIMITED, Phase.HEADERS, 429), False),
        (failure(Kind.BAD_GATEWAY, Phase.HEADERS, 502), True),
        (failure(Kind.SERVER_ERROR, Phase.HEADERS, 500, "50001"), False),
        (failure(Kind.PROTOCOL, Phase.STREAM, 200), True),
    ],
)
def test_who_may_have_what(told, expected) -> None:  # type: ignore[no-untyped-def]
    assert may_have_arrived(told) is expected


def test_frames_carry_the_name_of_their_message() -> None:
    desk = Desk()
    desk.hear(BEGAN, TextAdded("Once "))
    desk.run(until=1)
    desk.hear(TextAdded("more "), ANSWER)
    desk.run()
    frames = [o.content for o in desk.platform.sends if isinstance(o.content, Frame)]
    assert [frame.message_id for frame in frames] == ["", "id1"]


def test_where_nothing_knows_a_repetition_an_outage_of_seconds_is_waited_for() -> None:
    """Two tries within a second would both fall into it, and nothing would ever be read."""
    desk = Desk(replace(GROUP, recognises_repeats=False), faults=["dropped"] * 3)
    desk.hear(StepBegan(1, "r", ""), TextAdded("Hello."), Ended("finished"))
    assert desk.run() == Over(None)
    assert desk.screen == [f"{texts.TEXTS['again'][0]}\n\nHello."]
    assert desk.now > 15.0


def test_but_nobody_is_told_the_same_for_ever() -> None:
    desk = Desk(replace(GROUP, recognises_repeats=False), faults=["lost"] * 9)
    desk.hear(StepBegan(1, "r", ""), TextAdded("Hello."), Ended("finished"))
    assert desk.run() == Over(Owed(0))
    assert len(desk.screen) == 4
