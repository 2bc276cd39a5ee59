"""The simulator keeps its own word: equal seeds, exact positions, unknown words named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.sim import actions
from holdfast.sim.catalogue import FAULTS, PLAYERS, STREAM_ONLY, Position
from holdfast.sim.dice import Dice
from holdfast.sim.habits import UnknownWord
from holdfast.sim.library import ANNOUNCEMENT, OTHER_WORDS, REASONING, TEXTS
from holdfast.sim.script import conversation, expected, len_pieces, parse, play

ASK: dict[str, Any] = {
    "model": "x",
    "stream": True,
    "messages": [{"role": "user", "content": "Tell me text:short"}],
}


def sent(model: str, seed: int = 0, **more: Any) -> bytes:
    played = play({**ASK, **more}, parse(model), Dice(seed))
    return b"".join(action.data for action in played if isinstance(action, actions.Send))


def said(data: bytes) -> str:
    """The text of all whole events."""
    lines = [line for line in data.split(b"\n") if line.startswith(b"data: {")]
    chunks = [json.loads(line[6:]) for line in lines if line.endswith(b"}")]
    return "".join(
        choice["delta"].get("content") or ""
        for chunk in chunks
        for choice in chunk.get("choices", ())
    )


@pytest.mark.parametrize("name", PLAYERS)
def test_equal_dice_make_equal_answers(name: str) -> None:
    assert sent(name, 3) == sent(name, 3)
    assert FAULTS[name].meaning_en
    assert FAULTS[name].meaning_zh


@pytest.mark.parametrize("seed", range(5))
def test_a_fault_strikes_after_as_many_pieces_as_it_is_told(seed: int) -> None:
    count = len_pieces(ASK, parse("ok"), Dice(seed))
    text = expected(ASK, parse("ok").habits)
    lengths = []
    for after in range(count + 1):
        begun = said(sent(f"eof@{after}", seed))
        assert text.startswith(begun)
        lengths.append(len(begun))
    assert (lengths[0], lengths[-1]) == (0, len(text))
    assert lengths == sorted(set(lengths))  # one piece more each time
    assert said(sent("eof@-1", seed)) == said(sent(f"eof@{count - 1}", seed))
    assert said(sent("eof@9999", seed)) == text


@pytest.mark.parametrize(
    ("model", "word"),
    [
        ("nonsense", "nonsense"),
        ("ok,nonsense@3", "nonsense@3"),
        ("eof@x", "eof@x"),
        ("ok;pace=fast", "pace=fast"),
        ("ok;mode=none", "mode=none"),
        ("ok;chunk=0", "chunk=0"),
        ("ok;what", "what"),
        ("refuse", "refuse"),
    ],
)
def test_a_word_that_means_nothing_is_named(model: str, word: str) -> None:
    with pytest.raises(UnknownWord) as caught:
        parse(model)
    assert str(caught.value) == word


def test_turns_are_played_one_after_the_other_and_the_last_for_good() -> None:
    behaviour = parse("reset@3,sub2api_502,ok;pace=0.5")
    names = [behaviour.turn(number).turns[0].name for number in range(5)]
    assert names == ["reset", "sub2api_502", "ok", "ok", "ok"]
    assert behaviour.turn(4).habits.pace == 0.5


@pytest.mark.parametrize("name", sorted(STREAM_ONLY))
def test_faults_of_streams_are_refused_where_nothing_streams(name: str) -> None:
    assert b" 400 " in sent(name, stream=False)[:20]


@given(st.integers(1, 53))
def test_a_continuation_belongs_to_the_conversation_that_it_continues(cut: int) -> None:
    text = TEXTS["short"]["en"]
    begun = {"role": "assistant", "content": text[:cut]}
    asked = {**ASK, "messages": [*ASK["messages"], begun]}
    behaviour = parse("ok")
    assert conversation(asked, behaviour) == conversation(ASK, behaviour)
    assert text[:cut] + said(sent("ok", messages=asked["messages"])) == text


@pytest.mark.parametrize(
    "library", [TEXTS, {"x": REASONING}, {"x": OTHER_WORDS}, {"x": ANNOUNCEMENT}]
)
def test_everything_is_known_in_both_languages(library: Any) -> None:
    assert all(texts.keys() == {"en", "zh"} for texts in library.values())


def test_positions_are_told_of_faults_that_have_them() -> None:
    chunks = {name for name, truth in FAULTS.items() if truth.position is Position.CHUNK}
    assert {"reset", "eof", "stall", "clean_end", "error_event", "length"} <= chunks
    assert {"openai_500", "refuse", "dns", "eof_before_headers"}.isdisjoint(chunks)
