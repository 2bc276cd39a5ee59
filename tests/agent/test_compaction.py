"""Whatever a conversation holds, what is shown of it fits, is whole, and keeps what matters."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.agent.compaction import (
    IMAGE_DATA,
    IMAGES,
    OLD_RESULT,
    RECENT,
    budget,
    fade_images,
    fit,
    groups_of,
    images_of,
    repair,
    shorten,
    turns_of,
    weigh,
    with_images_as,
    without_tools,
)
from holdfast.core.message import Image, Message, Role, Text, ToolCall, said
from holdfast.wire.toolargs import is_object

words = st.text(alphabet="ab 中文é\n", max_size=60)
lengths = st.integers(0, 3000)


def user(text: str) -> Message:
    return said(Role.USER, text)


def bot(text: str) -> Message:
    return said(Role.ASSISTANT, text)


def calls(*ids: str, text: str = "") -> Message:
    made = tuple(ToolCall(id, "look", '{"x":1}') for id in ids)
    return Message(Role.ASSISTANT, (Text(text),) if text else (), made)


def result(id: str, text: str = "found") -> Message:
    return Message(Role.TOOL, (Text(text),), answers=id)


@st.composite
def steps(draw: st.DrawFn) -> list[Message]:
    ids = [f"c{n}" for n in range(draw(st.integers(1, 3)))]
    return [calls(*ids), *(result(id, "r" * draw(lengths)) for id in ids)]


@st.composite
def turns(draw: st.DrawFn) -> list[Message]:
    made = [user("q" * (1 + draw(lengths)))]
    for _ in range(draw(st.integers(0, 3))):
        made += draw(steps())
    return [*made, bot("a" * (1 + draw(lengths)))]


histories = st.lists(turns(), max_size=6).map(lambda made: [m for turn in made for m in turn])
running = turns().map(lambda made: made[:-1])  # no answer yet
loose = st.lists(
    st.one_of(
        st.builds(user, words),
        st.builds(bot, words),
        st.sampled_from(["c1", "c2", "c3"]).map(result),
        st.lists(st.sampled_from(["c1", "c2", "c3"]), min_size=1, max_size=3, unique=True).map(
            lambda ids: calls(*ids)
        ),
    ),
    max_size=12,
)


def is_whole(messages: tuple[Message, ...]) -> bool:
    """Whether each call has its result right behind it, and each result its call."""
    due: list[str] = []
    for message in messages:
        if message.role is Role.TOOL:
            if not due or due.pop(0) != message.answers:
                return False
        elif due:
            return False
        else:
            due = [call.id for call in message.calls]
    return not due


# What fits.


@given(histories, running, st.integers(50, 20_000))
def test_calls_and_results_stay_together(
    history: list[Message], turn: list[Message], room: int
) -> None:
    fitted = fit(history, turn, room, "en")
    assert is_whole(fitted.history + fitted.turn)
    assert is_whole(fitted.dropped)


@given(histories, running, st.integers(50, 20_000))
def test_whole_turns_are_dropped_and_nothing_is_lost_between(
    history: list[Message], turn: list[Message], room: int
) -> None:
    fitted = fit(history, turn, room, "en")
    assert len(fitted.dropped) + len(fitted.history) == len(history)
    whole = [messages for messages in turns_of(history)]
    assert list(turns_of(fitted.history)) == [] or len(list(turns_of(fitted.history))) + len(
        list(turns_of(fitted.dropped))
    ) == len(whole)


@given(histories, running, st.integers(50, 20_000))
def test_the_question_and_the_last_step_are_always_there(
    history: list[Message], turn: list[Message], room: int
) -> None:
    fitted = fit(history, turn, room, "en")
    assert fitted.turn[0].text[:100] == turn[0].text[:100]
    assert [m.role for m in list(groups_of(fitted.turn))[-1]] == [
        m.role for m in list(groups_of(turn))[-1]
    ]


@given(histories, running, st.integers(600, 20_000))
def test_it_fits(history: list[Message], turn: list[Message], room: int) -> None:
    assert fit(history, turn, room, "en").weight <= room


def test_a_long_question_makes_up_for_short_results_that_cannot_give_way() -> None:
    turn = [
        user("q" * 1468),
        calls("c0", "c1", "c2"),
        *(result(f"c{n}", "r" * 200) for n in range(3)),
    ]
    for room in range(weigh(turn[1:]) + 80, weigh(turn)):
        assert fit([], turn, room, "en").weight <= room


@given(histories, running)
def test_what_fits_is_left_as_it_is(history: list[Message], turn: list[Message]) -> None:
    fitted = fit(history, turn, weigh(history) + weigh(turn), "en")
    assert (fitted.history, fitted.turn) == (tuple(history), tuple(turn))
    assert fitted.dropped == ()
    assert fitted.shortened == 0


@given(histories, running, st.integers(600, 20_000))
def test_fitting_twice_changes_nothing(
    history: list[Message], turn: list[Message], room: int
) -> None:
    once = fit(history, turn, room, "en")
    twice = fit(once.history, once.turn, room, "en")
    assert (twice.history, twice.turn) == (once.history, once.turn)


def is_shortened(shown: str, whole: str) -> bool:
    """Whether `shown` is `whole`, or its two ends with a mark between."""
    ends = re.split(r"\n\[… \d+ characters left out …\]\n", shown)
    return shown == whole or (whole.startswith(ends[0]) and whole.endswith(ends[-1]))


@given(histories, running, st.integers(50, 20_000))
def test_what_is_shown_stands_in_order_and_only_texts_are_shorter(
    history: list[Message], turn: list[Message], room: int
) -> None:
    fitted = fit(history, turn, room, "en")
    kept = history[len(history) - len(fitted.history) :]
    for shown, whole in zip(fitted.history, kept, strict=True):
        assert (shown.role, shown.calls, shown.answers) == (whole.role, whole.calls, whole.answers)
        assert is_shortened(shown.text, whole.text)
        assert shown.text == whole.text or shown.role is Role.TOOL  # no words of people or models
    asked, steps = fitted.turn[0], fitted.turn[1:]
    assert is_shortened(asked.text, turn[0].text)
    for shown, whole in zip(steps, turn[len(turn) - len(steps) :], strict=True):
        assert (shown.role, shown.calls, shown.answers) == (whole.role, whole.calls, whole.answers)
        assert is_shortened(shown.text, whole.text)


@given(histories, running, st.integers(50, 20_000))
def test_nothing_gives_way_while_what_goes_before_it_would_do(
    history: list[Message], turn: list[Message], room: int
) -> None:
    """Outputs of old turns, then old turns, then this turn's outputs, then its question."""
    fitted = fit(history, turn, room, "en")
    if fitted.dropped:
        assert weigh(history) + weigh(turn) > room
    if any(a != b for a, b in zip(fitted.turn, turn, strict=False) if b.role is Role.TOOL):
        assert len(list(turns_of(fitted.history))) <= RECENT
    if fitted.turn[0] != turn[0]:
        assert not fitted.history


def test_old_tool_outputs_give_way_before_any_words() -> None:
    history = [user("q"), calls("c1"), result("c1", "x" * 40_000), bot("a")]
    fitted = fit(history, [user("and now?")], 1000, "en")
    assert not fitted.dropped
    assert [m.text for m in fitted.history if m.role is not Role.TOOL] == ["q", "", "a"]
    assert len(fitted.history[2].text) < OLD_RESULT + 100
    assert "39400 characters left out" in fitted.history[2].text


def test_the_newest_turns_stay_when_the_oldest_go() -> None:
    history = [m for n in range(20) for m in (user(f"question {n}"), bot("x" * 400))]
    fitted = fit(history, [user("now")], 1000, "en")
    assert fitted.history[-2].text == "question 19"
    assert fitted.dropped[0].text == "question 0"
    assert fitted.weight <= 700


def test_the_latest_output_of_a_tool_gives_way_after_the_earlier_ones() -> None:
    turn = [user("q"), calls("a"), result("a", "x" * 9000), calls("b"), result("b", "y" * 3000)]
    fitted = fit([], turn, 2200, "en")
    assert fitted.turn[4].text == "y" * 3000
    assert len(fitted.turn[2].text) < 4100


def test_chinese_weighs_more_than_english() -> None:
    english, chinese = user("hello there, world"), user("你好世界你好世界你好世界你好世界")
    assert weigh([chinese]) > weigh([english])
    assert weigh([user("中" * 3000)]) >= 2000


def test_room_is_left_for_the_answer() -> None:
    assert budget(128_000) < 128_000 - 8192
    assert 0 < budget(4096) <= 3072


@given(st.text(max_size=500), st.integers(1, 300))
def test_a_shortened_text_keeps_its_ends(text: str, length: int) -> None:
    short = shorten(text, length, "zh")
    if len(text) <= length:
        assert short == text
    else:
        head = length * 3 // 5
        assert short.startswith(text[:head])
        assert short.endswith(text[len(text) - (length - head) :])


# Broken history.


@given(loose)
def test_any_history_can_be_repaired(messages: list[Message]) -> None:
    whole = repair(messages, "en")
    assert is_whole(whole)
    assert repair(whole, "en") == whole


@given(loose)
def test_repair_invents_no_words_and_loses_none_of_the_people(messages: list[Message]) -> None:
    whole = repair(messages, "en")
    for role in (Role.USER, Role.ASSISTANT):
        before = [m.text for m in messages if m.role is role and m.text.strip()]
        assert [m.text for m in whole if m.role is role and m.text.strip()] == before


def test_a_result_without_a_call_is_left_out() -> None:
    assert repair([user("q"), result("c1"), bot("a")], "en") == (user("q"), bot("a"))


def test_a_call_without_a_result_is_given_one_that_says_so() -> None:
    whole = repair([user("q"), calls("c1"), user("hello?")], "en")
    assert [m.role.value for m in whole] == ["user", "assistant", "tool", "user"]
    assert whole[2].text == "The result of this call was not recorded."


def test_results_come_in_the_order_of_their_calls() -> None:
    whole = repair([calls("a", "b"), result("b", "2"), result("a", "1")], "en")
    assert [m.text for m in whole] == ["", "1", "2"]


def test_an_id_used_again_belongs_to_the_nearest_call() -> None:
    messages = [calls("c"), result("c", "1"), calls("c"), result("c", "2")]
    assert repair(messages, "en") == tuple(messages)


def test_arguments_that_were_cut_are_not_shown_as_such() -> None:
    cut = Message(Role.ASSISTANT, (), (ToolCall("c1", "look", '{"x": [1'),))
    (message, _) = repair([cut], "en")
    assert is_object(message.calls[0].arguments)


@given(st.text(max_size=90))
def test_a_name_that_no_vendor_takes_is_not_sent_back(name: str) -> None:
    call = Message(Role.ASSISTANT, (), (ToolCall("c1", name, "{}"),))
    (message, _) = repair([call], "en")
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", message.calls[0].name)


# For models that cannot do something.


@given(histories)
def test_calls_can_be_told_in_words(history: list[Message]) -> None:
    told = without_tools(history, "en")
    assert not any(message.calls or message.role is Role.TOOL for message in told)
    assert len(told) == len(history)


@pytest.mark.parametrize(
    ("size", "stay"), [(10, IMAGES), (IMAGE_DATA // 3, 3), (IMAGE_DATA + 1, 0)]
)
def test_only_the_newest_images_of_earlier_turns_are_shown_again(size: int, stay: int) -> None:
    history = [
        Message(Role.USER, (Text(f"{n}"), Image(data="x" * size, media_type="image/png")))
        for n in range(IMAGES + 2)
    ]
    shown = fade_images(history, "en")
    assert [bool(images_of((one,))) for one in shown] == [
        n >= len(shown) - stay for n in range(len(shown))
    ]
    assert shown[0].text == "0[an image was sent here, too long ago to be shown again]"
    assert shown[len(shown) - stay :] == tuple(history[len(shown) - stay :])


def test_images_can_be_told_in_words() -> None:
    message = Message(Role.USER, (Text("what is it?"), Image(url="https://x.invalid/a.png")))
    (told,) = with_images_as([message], lambda image: f"[{image.url}]")
    assert told.text == "what is it?[https://x.invalid/a.png]"
    assert images_of([message])
    assert not images_of([told])
