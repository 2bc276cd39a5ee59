"""Fragments as vendors cut and number them, and the one way in which they come out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.wire import toolargs
from holdfast.wire.toolargs import Fragment, ToolCalls, is_object

Given = tuple[int | None, str, str, str]  # the vendor's index, id, name, arguments


def put_together(*fragments: Given) -> tuple[list[Given], str]:
    """The calls as a reader joins them from what comes out, and why they cannot be run."""
    calls = ToolCalls("seed")
    out = [calls.add(*fragment) for fragment in fragments] + calls.complete()
    joined: dict[int, Fragment] = {}
    for f in out:
        held = joined.get(f.index)
        if held:
            assert f.id == "", "only the first fragment has the id"
        whole = (
            Fragment(f.index, held.id, held.name + f.name, held.arguments + f.arguments)
            if held
            else f
        )
        joined[f.index] = whole
    assert list(joined) == list(range(len(joined)))
    return [(f.index, f.id, f.name, f.arguments) for f in joined.values()], calls.fault()


@pytest.mark.parametrize(
    ("fragments", "calls"),
    [
        pytest.param(
            [(0, "a", "f", ""), (0, "", "", '{"x"'), (0, "", "", ": 1}")],
            [(0, "a", "f", '{"x": 1}')],
            id="as OpenAI cuts them",
        ),
        pytest.param(
            [(0, "a", "f", '{"x":'), (1, "b", "g", '{"y":'), (0, "", "", "1}"), (1, "", "", "2}")],
            [(0, "a", "f", '{"x":1}'), (1, "b", "g", '{"y":2}')],
            id="two calls interleaved",
        ),
        pytest.param(
            [(3, "a", "f", "{}"), (7, "b", "g", "{}")],
            [(0, "a", "f", "{}"), (1, "b", "g", "{}")],
            id="indexes with gaps are closed up",
        ),
        pytest.param(
            [(None, "a", "f", '{"x":1}'), (None, "b", "f", '{"x":2}')],
            [(0, "a", "f", '{"x":1}'), (1, "b", "f", '{"x":2}')],
            id="whole calls without index",
        ),
        pytest.param(
            [(0, "a", "f", '{"x":1}'), (0, "b", "f", '{"x":2}')],
            [(0, "a", "f", '{"x":1}'), (1, "b", "f", '{"x":2}')],
            id="whole calls that all have index 0",
        ),
        pytest.param(
            [(0, "a", "f", "{}"), (0, "b", "g", "{}")],
            [(0, "a", "f", "{}"), (1, "b", "g", "{}")],
            id="the same index, no arguments, another function",
        ),
        pytest.param(
            [(None, "a", "f", '{"x"'), (None, "", "", ":1}")],
            [(0, "a", "f", '{"x":1}')],
            id="without index, the rest goes to the last call",
        ),
        pytest.param(
            [
                (0, "a", "f", ""),
                (0, "", "", '{"x'),
                (0, "", "", '{"x": 1'),
                (0, "", "", '{"x": 1}'),
            ],
            [(0, "a", "f", '{"x": 1}')],
            id="every fragment holds all that came before it",
        ),
        pytest.param(
            [(0, "a", "f", '{"x":['), (0, "", "", '{"x":['), (0, "", "", "1]}]}")],
            [(0, "a", "f", '{"x":[{"x":[1]}]}')],
            id="a tree that looks as if it began again",
        ),
        pytest.param(
            [(0, "a", "f", '"{\\"x\\":'), (0, "", "", ' 1}"')],
            [(0, "a", "f", '{"x": 1}')],
            id="an object in a string",
        ),
        pytest.param(
            [(0, "a", "f", '{"x": 1}'), (0, "", "", '{"x"'), (0, "", "", ":1}")],
            [(0, "a", "f", '{"x": 1}')],
            id="whole at first, and in pieces after it",
        ),
        pytest.param(
            [(0, "a", "f", '{"x"'), (0, "a", "f", ":1"), (0, "a", "f", "}")],
            [(0, "a", "f", '{"x":1}')],
            id="id and name in every fragment",
        ),
        pytest.param(
            [(0, "a1", "f", '{"x"'), (0, "a2", "", ":1"), (0, "a3", "f", "}")],
            [(0, "a1", "f", '{"x":1}')],
            id="another id in every fragment",
        ),
        pytest.param(
            [(0, "a", "f", "{}"), (0, "", "", '{"x"'), (0, "", "", ":1}")],
            [(0, "a", "f", '{"x":1}')],
            id="a placeholder before the true arguments",
        ),
        pytest.param(
            [(0, "a", "f", '{"x"'), (0, "", "", ":1}"), (0, "a", "f", '{"x":1}')],
            [(0, "a", "f", '{"x":1}')],
            id="the whole call once more at the end",
        ),
        pytest.param(
            [(0, "a", "get_", ""), (0, "", "time", ""), (0, "", "", '{"x":1}')],
            [(0, "a", "get_time", '{"x":1}')],
            id="a name in pieces",
        ),
        pytest.param(
            [(0, "a", "get_", ""), (0, "", "time", '{"x":1}')],
            [(0, "a", "get_time", '{"x":1}')],
            id="a name in pieces, the last with the arguments",
        ),
        pytest.param([(0, "a", "f", "")], [(0, "a", "f", "{}")], id="no arguments"),
        pytest.param([(0, "a", "f", "null")], [(0, "a", "f", "{}")], id="null for no arguments"),
    ],
)
def test_calls_come_out_in_one_way(fragments: list[Given], calls: list[Given]) -> None:
    assert put_together(*fragments) == (calls, "")


def test_ids_are_made_where_none_is_given_and_made_anew_where_one_is_repeated() -> None:
    calls, fault = put_together(
        (None, "", "f", '{"x":1}'), (None, "", "f", '{"x":2}'), (None, "", "g", "{}")
    )
    ids = {id for _, id, _, _ in calls}
    assert [name for _, _, name, _ in calls] == ["f", "f", "g"]
    assert len(ids) == 3
    assert all(id.startswith("call_") and len(id) == 29 for id in ids)
    calls, fault = put_together((0, "f", "f", '{"x":1}'), (1, "f", "f", '{"x":2}'))
    assert len({id for _, id, _, _ in calls}) == 2
    assert fault == ""


def test_a_name_that_comes_late_is_given_late() -> None:
    calls = ToolCalls()
    assert calls.add(0, "a", "", "") == Fragment(0, "a", "", "")
    assert calls.add(0, "", "f", '{"x":1}') == Fragment(0, "", "f", '{"x":1}')
    assert calls.fault() == ""


def test_an_id_that_comes_late_is_given_late() -> None:
    calls = ToolCalls()
    assert calls.add(0, "", "", '{"x"') == Fragment(0, "", "", '{"x"')
    assert calls.add(0, "a", "f", ":1}") == Fragment(0, "a", "f", ":1}")
    assert calls.add(0, "b", "", "") == Fragment(0, "", "", "")


def test_a_made_id_is_the_same_for_the_same_answer_and_another_for_another() -> None:
    made = [ToolCalls(seed).add(None, "", "f", "{}").id for seed in ("a", "a", "b")]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ('{"x": 1', "the arguments of tool call 0 are not a whole JSON object"),
        ('{"x": 1}}', "the arguments of tool call 0 are not a whole JSON object"),
        ('{"x":1}{"x":2}', "the arguments of tool call 0 are not a whole JSON object"),
        ("[1]", "the arguments of tool call 0 are not a whole JSON object"),
        ('"x"', "the arguments of tool call 0 are not a whole JSON object"),
        (' {"x": "断\\ud83d\\ude00"}\n', ""),
        ('{"half": "\\ud83d"}', ""),
    ],
)
def test_arguments_must_be_a_whole_object(arguments: str, fault: str) -> None:
    assert put_together((0, "a", "f", arguments))[1] == fault


@pytest.mark.parametrize(
    "pieces",
    [
        ('{"x":1}', '{"x":2}'),  # which of the two, nobody knows
        ('"f(1)"',),
        ('"{', "x"),
        ('{"x"', '{"x":', '{"x":1'),
    ],
)
def test_what_can_be_read_in_no_way_is_not_run(pieces: tuple[str, ...]) -> None:
    _, fault = put_together((0, "a", "f", ""), *((0, "", "", piece) for piece in pieces))
    assert "not a whole JSON object" in fault


def test_a_call_whose_beginning_was_lost_cannot_be_run() -> None:
    assert put_together((0, "", "", '{"x":1}'))[1] == "tool call 0 has no name"


def test_the_input_of_a_custom_tool_is_any_text() -> None:
    calls = ToolCalls()
    parts = [calls.add(0, "a", "run", "{}", freeform=True), calls.add(0, "", "", "{}")]
    assert [part.arguments for part in parts] == ["{}", "{}"]
    assert calls.complete() == []
    assert calls.fault() == ""


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, 0, 1, 2]),
            st.sampled_from(["", "a", "b"]),
            st.sampled_from(["", "f", "g"]),
            st.sampled_from(["", "{}", "null", '{"x":1}', '{"x"', ":1}", "\ud83d", "[["]),
        ),
        max_size=8,
    )
)
def test_whatever_comes_no_id_is_used_twice_and_no_call_has_the_name_of_two(
    given: list[Given],
) -> None:
    calls = ToolCalls("seed")
    out = [calls.add(*fragment) for fragment in given]
    ids = [f.id for f in out if f.id]
    assert len(ids) == len(set(ids))
    for index in {f.index for f in out}:
        name = "".join(f.name for f in out if f.index == index)
        pieces = [name for _, id, name, arguments in given if name and not id]
        assert len(name) <= 1 + len(pieces)
    whole = [f.arguments for f in out]
    assert all(text in ("", *(arguments for *_, arguments in given)) for text in whole)


@given(st.dictionaries(st.text(max_size=4), st.text(max_size=8), min_size=1), st.data())
def test_arguments_cut_anywhere_come_together(value: dict[str, str], data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=False)
    cut = data.draw(st.integers(0, len(text)))
    calls = ToolCalls()
    parts = [calls.add(0, "a", "f", text[:cut]), calls.add(0, "", "", text[cut:])]
    assert "".join(part.arguments for part in parts) == text
    assert calls.fault() == ""
    assert is_object(text)
    assert not is_object(text[:-1])


def test_a_long_call_is_not_read_anew_for_each_of_its_fragments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Code is full of braces, with which a call might begin again."""
    read: list[int] = []

    def counted(text: str) -> object:
        read.append(len(text))
        return json.loads(text)

    monkeypatch.setattr(toolargs, "loads", counted)
    arguments = json.dumps({"content": "if (a) { b({}) }\n" * 500})
    calls = ToolCalls()
    for start in range(0, len(arguments), 3):
        calls.add(0, "c", "write", arguments[start : start + 3])
    calls.complete()
    assert not calls.fault()
    assert sum(read) < 4 * len(arguments)
