"""Tool calls that a model writes as text: held back, never run, and no answer's words lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.agent.spoken import Speech

NAMES = ("send", "look")
FORMS = {
    "tag": '<tool_call>\n{"name": "send", "arguments": {"to": "bob"}}\n</tool_call>',
    "tag and keys": "<tool_call>send\n<arg_key>to</arg_key>\n<arg_value>bob</arg_value>",
    "function tag": '<function=send>{"to": "bob"}</function>',
    "function calls": '<function_calls>\n<invoke name="send">\n</invoke>\n</function_calls>',
    "bars": '<|tool_call_begin|>functions.send:0<|tool_call_argument_begin|>{"to": "bob"}',
    "wide bars": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>send",
    "python tag": '<|python_tag|>{"name": "send", "parameters": {"to": "bob"}}',
    "brackets": '[TOOL_CALLS][{"name": "send", "arguments": {"to": "bob"}}]',
    "json": '{"name": "send", "arguments": {"to": "bob"}}',
    "json over lines": '{\n    "name": "send",\n    "arguments": {\n        "to": "bob"\n    }\n}',
    "json with the prefix": '{"name": "functions.send", "arguments": {"to": "bob"}}',
    "json, another case": '{"name": "Send", "arguments": {"to": "bob"}}',
    "json list": '[{"name": "send", "arguments": {"to": "bob"}}]',
    "json as sent": '{"tool_calls": [{"function": {"name": "send", "arguments": "{}"}}]}',
    "json as typed": '{"type": "function", "function": {"name": "send"}}',
    "arguments first": '{"arguments": {"to": "bob"}, "name": "send"}',
    "block": '```json\n{"name": "send", "arguments": {"to": "bob"}}\n```',
    "block of its own kind": '```tool_call\n{"name": "send", "arguments": {}}\n```',
    "block with a tag": '```xml\n<tool_call>{"name": "send"}</tool_call>\n```',
}
ANSWERS = {
    "prose": "I shall send it. [1] is a footnote, {x} a set, <b>bold</b>.",
    "html": "<div class='tool'>send</div>",
    "a list": "[1, 2, 3] is a list.",
    "other json": '{"colour": "blue", "send": true}',
    "a named thing": '{"name": "Bob", "age": 7}',
    "a schema": '{"type": "object", "properties": {"send": {}}}',
    "a tool that nobody has": '{"name": "fly", "arguments": {}}',
    "a tag about something else": "<tool_call>{}</tool_call>",
    "in the middle of a line": 'Qwen writes <tool_call>{"name": "send"}</tool_call> for this.',
    "within a block of code": '```text\nan example:\n{"name": "send", "arguments": {}}\n```',
    "code": "```python\nsend(to='bob')\n```\nThat sends it.",
    "an empty line first": "\n\nHello.\n\n- send\n- look\n",
}


def read(
    text: str, cuts: Iterable[int] = (), before: str = "", names: Sequence[str] = NAMES
) -> tuple[str, Speech]:
    """What of `text` the person has read, and what knows of the rest."""
    speech = Speech(names, before)
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    return "".join(speech.take(text[a:b]) for a, b in pairwise(bounds)), speech


anywhere = st.lists(st.integers(0, 120), max_size=6)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("prose", ["", "Let me send it.\n", "Here:\n```\nx\n```\n"])
@given(cuts=anywhere)
def test_a_call_as_text_is_held_back_however_it_comes(
    form: str, prose: str, cuts: list[int]
) -> None:
    shown, speech = read(prose + form, cuts)
    assert shown == prose
    assert speech.call() == "send"


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@given(cuts=anywhere)
def test_an_answer_is_shown_whole_however_it_comes(answer: str, cuts: list[int]) -> None:
    shown, speech = read(answer, cuts)
    assert speech.call() == ""
    assert shown + speech.rest() == answer


@given(
    st.text(alphabet='<[{"`~\n\\ atoln:_|sed', max_size=80), anywhere, st.sampled_from(["", "a\n"])
)
def test_no_word_is_lost_and_none_comes_twice(text: str, cuts: list[int], before: str) -> None:
    shown, speech = read(text, cuts, before)
    assert shown == read(text, before=before)[0]
    assert shown + speech.rest() == text


@pytest.mark.parametrize("answer", ["Hello", "It is {", "1 < 2", "a\n", "日本"])
def test_what_cannot_be_a_call_is_shown_at_once(answer: str) -> None:
    assert read(answer)[0] == answer


def test_text_that_goes_on_in_mid_line_or_in_code_begins_no_call() -> None:
    for before in ("as in ", "```\n"):
        assert read(FORMS["json"], before=before)[0] == FORMS["json"]


def test_who_has_no_tools_may_write_what_they_like() -> None:
    assert read(FORMS["tag"], names=())[0] == FORMS["tag"]
