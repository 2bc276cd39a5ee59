"""A prompt said in a dialect and read again is the same prompt; what cannot be said is named."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.attempt import Target
from holdfast.core.events import Finished, StopReason, StreamEvent, ToolCallDelta
from holdfast.core.failure import Failure, Kind
from holdfast.core.message import (
    Audio,
    File,
    Image,
    Message,
    Part,
    Prompt,
    Role,
    Structure,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    said,
)
from holdfast.core.request import Request
from holdfast.wire import DIALECTS
from holdfast.wire.freetext import FreeText, as_functions
from holdfast.wire.translate import in_dialect

WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9
)
IDS = st.uuids().map(lambda u: f"call_{u.hex[:8]}")
DATA = st.binary(min_size=1, max_size=6).map(lambda b: base64.b64encode(b).decode())
SCHEMA = st.dictionaries(WORDS, st.just({"type": "string"}), max_size=2).map(
    lambda properties: {"type": "object", "properties": properties}
)
TEXTS = WORDS.map(Text)
IMAGES = st.one_of(
    st.builds(Image, url=WORDS.map(lambda w: f"https://pictures.invalid/{w}")),
    st.builds(Image, data=DATA, media_type=st.just("image/png")),
)
FILES = st.builds(File, name=WORDS, data=DATA, media_type=st.just("application/pdf"))
MEDIA: st.SearchStrategy[Part] = st.one_of(IMAGES, FILES)


@st.composite
def dialogues(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns as a conversation has them: perhaps calls, then all their results."""
    messages = [Message(Role.SYSTEM, (draw(TEXTS),))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message(Role.USER, (draw(TEXTS), *draw(st.lists(MEDIA, max_size=2)))))
        ids = draw(st.lists(IDS, unique=True, max_size=2))
        if ids:
            calls = tuple(
                ToolCall(i, draw(WORDS), json.dumps({"a": 1}, separators=(",", ":"))) for i in ids
            )
            words = (draw(TEXTS),) if draw(st.booleans()) else ()
            messages.append(Message(Role.ASSISTANT, words, calls))
            messages += [Message(Role.TOOL, (draw(TEXTS),), answers=i) for i in ids]
        messages.append(Message(Role.ASSISTANT, (draw(TEXTS),)))
    messages.append(Message(Role.USER, (draw(TEXTS),)))
    return tuple(messages)


@st.composite
def prompts(draw: st.DrawFn) -> Prompt:
    names = draw(st.lists(WORDS, unique=True, max_size=2))
    tools = tuple(Tool(n, draw(st.just("") | WORDS), draw(SCHEMA), True) for n in names)
    modes = [ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")]
    modes += [ToolChoice("named", name) for name in names]
    choice = draw(st.none() | st.sampled_from(modes)) if tools else None
    return Prompt(
        messages=draw(dialogues()),
        tools=tools,
        tool_choice=choice,
        structure=draw(st.none() | st.builds(Structure, schema=SCHEMA)),
        max_tokens=draw(st.integers(1, 4096)),
        temperature=draw(st.none() | st.sampled_from([0.0, 0.5, 1.0])),
        top_p=draw(st.none() | st.sampled_from([0.1, 1.0])),
        effort=draw(st.none() | st.sampled_from(["low", "medium", "high"])),
        user=draw(st.none() | WORDS),
    )


@pytest.mark.parametrize("dialect", ["chat", "responses", "messages"])
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(prompts())
def test_a_prompt_that_is_said_and_read_is_the_same(dialect: str, prompt: Prompt) -> None:
    body = DIALECTS[dialect].write_prompt(prompt)
    assert not isinstance(body, Failure)
    known = json.loads(json.dumps(body))
    assert DIALECTS[dialect].read_prompt(known) == prompt


@pytest.mark.parametrize("target", ["chat", "responses", "messages"])
@pytest.mark.parametrize("source", ["chat", "responses", "messages"])
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(prompts())
def test_from_one_dialect_to_another_and_back(source: str, target: str, prompt: Prompt) -> None:
    body = DIALECTS[source].write_prompt(prompt)
    assert not isinstance(body, Failure)
    there = in_dialect(Request(source, "m", {**body, "model": "m"}), Target("t", target), DIALECTS)
    assert isinstance(there, Request)
    assert there.dialect == target
    assert DIALECTS[target].read_prompt(there.body) == prompt


# What cannot be said.

ASK = Prompt((said(Role.USER, "hello"),))
SOUND = Message(Role.USER, (Audio("AAAA", "wav"),))
BARE = {"type": "object", "properties": {}}
LOOK = Message(Role.SYSTEM, (Image(url="https://pictures.invalid/1"),))


@pytest.mark.parametrize(
    ("dialect", "prompt", "param"),
    [
        ("responses", replace(ASK, stop=("\n",)), "stop"),
        ("messages", replace(ASK, temperature=1.5), "temperature"),
        ("messages", Prompt((LOOK, *ASK.messages)), "messages"),
        ("messages", Prompt((SOUND,)), "messages"),
        ("messages", Prompt((Message(Role.USER, (File(file_id="f"),)),)), "messages"),
        (
            "messages",
            Prompt((Message(Role.ASSISTANT, calls=(ToolCall("c", "f", "[1"),)),)),
            "messages",
        ),
    ],
)
def test_what_a_dialect_has_no_words_for_is_named(dialect: str, prompt: Prompt, param: str) -> None:
    failure = DIALECTS[dialect].write_prompt(prompt)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.param) == (Kind.UNSUPPORTED, param)


CHAT = {"messages": [{"role": "user", "content": "hello"}]}
RESPONSES = {"input": "hello"}
MESSAGES = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 9}


@pytest.mark.parametrize(
    ("dialect", "body", "param"),
    [
        ("chat", {**CHAT, "n": 2}, "n"),
        ("chat", {**CHAT, "logprobs": True}, "logprobs"),
        ("chat", {**CHAT, "logit_bias": {"1": 5}}, "logit_bias"),
        ("chat", {**CHAT, "guided_json": {"type": "object"}}, "guided_json"),
        ("chat", {**CHAT, "modalities": ["text", "audio"]}, "modalities"),
        ("chat", {"messages": [{"role": "clown"}]}, "messages[0].role"),
        (
            "chat",
            {"messages": [{"role": "user", "content": [{"type": "video", "video": {}}]}]},
            "messages[0].content[0].type",
        ),
        ("chat", {**CHAT, "tools": [{"type": "browser"}]}, "tools[0].type"),
        ("chat", {**CHAT, "max_tokens": "many"}, "max_tokens"),
        ("responses", {**RESPONSES, "previous_response_id": "resp_1"}, "previous_response_id"),
        ("responses", {**RESPONSES, "background": True}, "background"),
        ("responses", {**RESPONSES, "conversation": "c"}, "conversation"),
        ("responses", {**RESPONSES, "tools": [{"type": "web_search"}]}, "tools[0].type"),
        (
            "messages",
            {**MESSAGES, "tools": [{"type": "web_search_20260209", "name": "web_search"}]},
            "tools[0].type",
        ),
        (
            "responses",
            {**RESPONSES, "tools": [{"type": "custom", "name": "f", "format": {"new": "x"}}]},
            "tools[0].format.new",
        ),
        ("responses", {"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        (
            "responses",
            {
                "input": [
                    {"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}
                ]
            },
            "input[0].content[0].file_id",
        ),
        ("messages", {**MESSAGES, "container": "c"}, "container"),
        ("messages", {**MESSAGES, "mcp_servers": [{}]}, "mcp_servers"),
        (
            "messages",
            {**MESSAGES, "context_management": {"edits": [{"type": "compact_20260112"}]}},
            "context_management.edits[0].type",
        ),
        ("messages", {**MESSAGES, "tools": [{"type": "bash_20250124"}]}, "tools[0].type"),
        (
            "messages",
            {"messages": [{"role": "user", "content": [{"type": "search_result"}]}]},
            "messages[0].content[0].type",
        ),
        ("messages", {**MESSAGES, "tomorrow": {"a": 1}}, "tomorrow"),
    ],
)
def test_what_no_prompt_has_a_place_for_is_named(
    dialect: str, body: Mapping[str, Any], param: str
) -> None:
    failure = DIALECTS[dialect].read_prompt(body)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.param) == (Kind.UNSUPPORTED, param)


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("chat", {**CHAT, "n": 1, "logprobs": False, "logit_bias": {}, "functions": []}),
        ("chat", {**CHAT, "frequency_penalty": 0.5, "store": True, "modalities": ["text"]}),
        ("responses", {**RESPONSES, "store": True, "include": ["reasoning.encrypted_content"]}),
        ("responses", {**RESPONSES, "background": False, "previous_response_id": None}),
        ("messages", {**MESSAGES, "top_k": 5, "thinking": {"type": "disabled"}}),
        (
            "messages",
            {**MESSAGES, "context_management": {"edits": [{"type": "clear_thinking_20251015"}]}},
        ),
    ],
)
def test_what_says_nothing_or_is_a_listed_loss_is_no_fault(
    dialect: str, body: Mapping[str, Any]
) -> None:
    assert isinstance(DIALECTS[dialect].read_prompt(body), Prompt)


@pytest.mark.parametrize(
    ("source", "body", "target", "param"),
    [
        ("messages", {**MESSAGES, "stop_sequences": ["x"]}, "responses", "stop_sequences"),
        ("chat", {**CHAT, "stop": "x"}, "responses", "stop"),
    ],
)
def test_the_client_is_told_the_name_of_its_own_field(
    source: str, body: Mapping[str, Any], target: str, param: str
) -> None:
    failure = in_dialect(Request(source, "m", body), Target("t", target), DIALECTS)
    assert isinstance(failure, Failure)
    assert failure.param == param


@pytest.mark.parametrize("dialect", ["chat", "responses", "messages"])
@given(
    st.dictionaries(
        st.sampled_from(
            ("messages", "input", "tools", "tool_choice", "system", "text", "thinking", "stop", "n")
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=4),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ("type", "role", "content", "function", "format", "source", "name")
                    ),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=8,
        ),
    )
)
def test_any_body_is_a_prompt_or_one_failure(dialect: str, body: dict[str, Any]) -> None:
    found = DIALECTS[dialect].read_prompt(body)
    assert isinstance(found, Prompt | Failure)


def test_a_budget_of_reasoning_becomes_an_effort() -> None:
    body = {**MESSAGES, "thinking": {"type": "enabled", "budget_tokens": 5000}}
    asked = in_dialect(Request("messages", "m", body), Target("t", "responses"), DIALECTS)
    assert isinstance(asked, Request)
    assert asked.body["reasoning"] == {"effort": "medium", "summary": "auto"}


def test_results_of_parallel_calls_stand_together_in_one_message() -> None:
    calls = (ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}"))
    results = [Message(Role.TOOL, (Text(i),), answers=i) for i in "ab"]
    prompt = Prompt((said(Role.USER, "go"), Message(Role.ASSISTANT, calls=calls), *results))
    body = DIALECTS["messages"].write_prompt(prompt)
    assert not isinstance(body, Failure)
    assert [len(message["content"]) for message in body["messages"]] == [1, 2, 2]


def test_a_grammar_keeps_its_meaning() -> None:
    nested = {"syntax": "lark", "definition": "start: WORD"}
    custom = {"name": "sql", "format": {"type": "grammar", "grammar": nested}}
    body = {**CHAT, "tools": [{"type": "custom", "custom": custom}]}
    asked = in_dialect(Request("chat", "m", body), Target("t", "responses"), DIALECTS)
    assert isinstance(asked, Request)
    grammar = {"type": "grammar", **nested}
    assert asked.body["tools"] == [{"type": "custom", "name": "sql", "format": grammar}]


@pytest.mark.parametrize("target", ["chat", "messages"])
def test_free_text_is_a_function_of_one_string_for_those_who_know_functions_only(
    target: str,
) -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}
    body = {
        "input": [
            {"role": "user", "content": "hello"},
            {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": 'a "b"\n'},
            {"type": "custom_tool_call_output", "call_id": "c", "output": "seen"},
        ],
        "tools": [{"type": "custom", "name": "sql", "description": "Asks.", "format": grammar}],
    }
    asked = in_dialect(Request("responses", "m", body), Target("t", target), DIALECTS)
    assert isinstance(asked, Request)
    assert asked.free_text == {"sql"}
    heard = DIALECTS[target].read_prompt(asked.body)
    assert isinstance(heard, Prompt)
    (tool,), (call,) = heard.tools, heard.messages[1].calls
    assert tool.parameters
    assert list(tool.parameters["properties"]) == ["input"]
    assert "lark grammar:\nstart: WORD" in tool.description
    assert json.loads(call.arguments) == {"input": 'a "b"\n'}


@settings(deadline=None)
@given(
    st.text(st.characters(codec="utf-8")), st.booleans(), st.lists(st.integers(0, 200), max_size=9)
)
def test_free_text_is_read_while_its_arguments_stream(
    text: str, ascii_only: bool, cuts: list[int]
) -> None:
    told = json.dumps({"input": text}, ensure_ascii=ascii_only)
    places = sorted({0, *(cut for cut in cuts if cut < len(told)), len(told)})
    parts = [told[a:b] for a, b in pairwise(places)]
    first = ToolCallDelta(0, "c", "sql", "")
    events: list[StreamEvent] = [first, *(ToolCallDelta(0, "", "", part) for part in parts)]
    read = FreeText({"sql"})
    got = [item for event in events for item in read([event])]
    got += read([Finished(StopReason.TOOL_CALLS)])
    calls = [item for item in got if isinstance(item, ToolCallDelta)]
    assert len(calls) == len(events)  # something for each, so that nobody takes it for silent
    assert all(call.custom for call in calls)
    assert "".join(call.arguments for call in calls) == text


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ('{"patch": "x"}', "x"),
        ("SELECT 1", "SELECT 1"),
        ('{"input": 1}', '{"input": 1}'),
        ('{"input": "\\ud83d!"}', "\ufffd!"),
        ("{}", "{}"),
    ],
)
def test_free_text_that_was_not_said_as_asked_is_not_lost(said: str, text: str) -> None:
    read = FreeText({"sql"})
    events: list[StreamEvent] = [
        ToolCallDelta(0, "c", "sql", said),
        Finished(StopReason.TOOL_CALLS),
    ]
    calls = [item for item in read(events) if isinstance(item, ToolCallDelta)]
    assert "".join(call.arguments for call in calls) == text


def test_a_function_beside_free_text_stays_one() -> None:
    read = FreeText({"sql"})
    call = ToolCallDelta(1, "d", "look", '{"input": "x"}')
    assert read([ToolCallDelta(0, "c", "sql", "{"), call])[1] == call


def test_what_a_search_for_tools_has_found_is_told() -> None:
    look = {"type": "function", "name": "look", "parameters": {"type": "object"}}
    found = {"type": "namespace", "name": "box", "description": "x", "tools": [look]}
    body = {
        "input": [
            {"role": "user", "content": "hello"},
            {"type": "tool_search_call", "call_id": "s", "execution": "client", "arguments": {}},
            {"type": "tool_search_output", "call_id": "s", "tools": [found]},
        ],
        "tools": [{"type": "tool_search", "execution": "client", "parameters": {"a": 1}}],
    }
    asked = in_dialect(Request("responses", "m", body), Target("t", "chat"), DIALECTS)
    assert isinstance(asked, Request)
    assert [tool["function"]["name"] for tool in asked.body["tools"]] == ["box__look"]


def test_ids_of_other_vendors_are_written_as_this_one_takes_them() -> None:
    call = ToolCall("functions.look:0", "look", "{}")
    result = Message(Role.TOOL, (Text("x"),), answers=call.id)
    prompt = Prompt((said(Role.USER, "go"), Message(Role.ASSISTANT, calls=(call,)), result))
    body = DIALECTS["messages"].write_prompt(prompt)
    assert not isinstance(body, Failure)
    (used,), (answer,) = (message["content"] for message in body["messages"][1:])
    assert used["id"] == answer["tool_use_id"] == "functions_look_0"


def test_a_conversation_of_the_system_alone_still_asks_something() -> None:
    prompt = Prompt((said(Role.SYSTEM, "Be brief."), said(Role.SYSTEM, "Say hello.")))
    body = DIALECTS["messages"].write_prompt(prompt)
    assert not isinstance(body, Failure)
    assert [block["text"] for block in body["system"]] == ["Be brief."]
    asked = {"role": "user", "content": [{"type": "text", "text": "Say hello."}]}
    assert body["messages"] == [asked]


ECHOES: Mapping[str, list[Any]] = {
    "chat": [
        {
            "role": "assistant",
            "content": "look",
            "provider_specific_fields": {"a": 1},
            "thinking_blocks": [{"signature": "x"}],
            "audio": None,
            "tool_calls": [
                {
                    "id": "c",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}", "thought": "x"},
                    "provider_specific_fields": {"thought_signature": "x"},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "seen"},
    ],
    "responses": [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "phase": "commentary",
            "tomorrow": 1,
            "content": [{"type": "output_text", "text": "look", "annotations": [], "new": {}}],
        },
        {
            "type": "function_call",
            "call_id": "c",
            "name": "f",
            "arguments": "{}",
            "caller": {"x": 1},
        },
        {"type": "function_call_output", "call_id": "c", "output": "seen"},
    ],
    "messages": [
        {
            "role": "assistant",
            "id": "msg_1",
            "stop_reason": "tool_use",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "x"},
                {"type": "text", "text": "look", "citations": [{"url": "x"}], "new": 1},
                {"type": "tool_use", "id": "c", "name": "f", "input": {}, "caller": {"type": "x"}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c", "content": "seen"}],
        },
    ],
}


@pytest.mark.parametrize("dialect", ["chat", "responses", "messages"])
def test_what_clients_repeat_of_an_answer_is_its_words_and_calls(dialect: str) -> None:
    field = "input" if dialect == "responses" else "messages"
    prompt = DIALECTS[dialect].read_prompt({field: ECHOES[dialect]})
    assert isinstance(prompt, Prompt)
    called = Message(Role.ASSISTANT, (Text("look"),), (ToolCall("c", "f", "{}"),))
    assert prompt.messages == (called, Message(Role.TOOL, (Text("seen"),), answers="c"))


def test_words_between_calls_keep_their_place_where_a_dialect_has_one() -> None:
    blocks = [
        {"type": "text", "text": "first"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
        {"type": "text", "text": "then"},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}},
    ]
    results = [{"type": "tool_result", "tool_use_id": i, "content": i} for i in "ab"]
    turns = [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]
    prompt = DIALECTS["messages"].read_prompt({"messages": turns})
    assert isinstance(prompt, Prompt)
    bodies = {name: DIALECTS[name].write_prompt(prompt) for name in ("responses", "messages")}
    responses, messages = bodies["responses"], bodies["messages"]
    assert not isinstance(responses, Failure)
    assert not isinstance(messages, Failure)
    kinds = [item["type"] for item in responses["input"]]
    outputs = ["function_call_output"] * 2
    assert kinds == ["message", "function_call", "message", "function_call", *outputs]
    assert messages["messages"][0]["content"] == blocks


def test_where_results_must_follow_calls_nothing_comes_between() -> None:
    calls = [
        {"type": "function_call", "call_id": i, "name": "f", "arguments": "{}"} for i in ("a", "b")
    ]
    between = {"role": "assistant", "content": "and"}
    outputs = [{"type": "function_call_output", "call_id": i, "output": i} for i in ("a", "b")]
    prompt = DIALECTS["responses"].read_prompt({"input": [calls[0], between, calls[1], *outputs]})
    assert isinstance(prompt, Prompt)
    body = DIALECTS["chat"].write_prompt(prompt)
    assert not isinstance(body, Failure)
    assert [message["role"] for message in body["messages"]] == ["assistant", "tool", "tool"]
    assert [call["id"] for call in body["messages"][0]["tool_calls"]] == ["a", "b"]


PICTURE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"},
}
SHOWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}}


@pytest.mark.parametrize("goes_on", [True, False])
def test_pictures_among_results_are_shown_where_chat_targets_take_them(goes_on: bool) -> None:
    """OpenAI: images are only allowed for messages with role user."""
    call = {"type": "tool_use", "name": "look", "input": {"at": 1}}
    calls = [{**call, "id": i} for i in ("a", "b")]
    seen = [{"type": "text", "text": "a tower"}, PICTURE]
    results = [
        {"type": "tool_result", "tool_use_id": "a", "content": seen},
        {"type": "tool_result", "tool_use_id": "b", "content": [PICTURE]},
    ]
    beside = [{"type": "text", "text": "Which?"}] if goes_on else []
    prompt = DIALECTS["messages"].read_prompt(
        {
            "messages": [
                {"role": "user", "content": "Look."},
                {"role": "assistant", "content": calls},
                {"role": "user", "content": [*results, *beside]},
            ]
        }
    )
    assert isinstance(prompt, Prompt)
    body = DIALECTS["chat"].write_prompt(prompt)
    assert not isinstance(body, Failure)
    _, _, first, second, told = body["messages"]
    assert (first["content"], first["tool_call_id"]) == ("a tower", "a")
    assert (second["content"], second["tool_call_id"]) == ("The result is shown below.", "b")
    assert (told["role"], told["content"][1:]) == ("user", [SHOWN, SHOWN, *beside])


JSON_MODES: Mapping[str, Mapping[str, Any]] = {
    "chat": {**CHAT, "response_format": {"type": "json_object"}},
    "responses": {**RESPONSES, "text": {"format": {"type": "json_object"}}},
}


@pytest.mark.parametrize("source", ["chat", "responses"])
def test_json_of_any_shape_is_asked_for_in_words_where_there_is_no_field(source: str) -> None:
    asked = in_dialect(Request(source, "m", JSON_MODES[source]), Target("t", "messages"), DIALECTS)
    assert isinstance(asked, Request)
    assert "output_config" not in asked.body
    assert "JSON" in asked.body["system"][-1]["text"]


@st.composite
def full_prompts(draw: st.DrawFn) -> Prompt:
    """All that a prompt can say, also what some dialect has no words for."""
    prompt = draw(prompts())
    parts = st.one_of(
        st.builds(Image, url=st.just("https://pictures.invalid/x"), detail=st.just("high")),
        st.builds(Audio, DATA, st.just("wav")),
        st.builds(File, name=WORDS, file_id=WORDS),
        TEXTS,
    )
    more = st.one_of(
        st.builds(Message, st.just(Role.USER), st.tuples(parts), name=st.just("") | WORDS),
        st.builds(Message, st.just(Role.DEVELOPER), st.tuples(TEXTS)),
        st.builds(Message, st.just(Role.SYSTEM), st.tuples(parts)),
        st.builds(Message, st.just(Role.ASSISTANT), st.tuples(TEXTS), refusal=WORDS),
    )
    tools = draw(st.lists(st.builds(Tool, WORDS, custom=st.booleans()), max_size=1))
    failing = draw(st.booleans())
    dialogue = [replace(m, failed=failing and m.role is Role.TOOL) for m in prompt.messages]
    return replace(
        prompt,
        messages=(*draw(st.lists(more, max_size=2)), *dialogue),
        tools=(*prompt.tools, *tools),
        parallel_tool_calls=draw(st.none() | st.booleans()),
        structure=draw(
            st.none() | st.just(Structure()) | st.builds(Structure, WORDS, SCHEMA, st.booleans())
        ),
        temperature=draw(st.sampled_from([None, 0.5, 1.5])),
        stop=draw(st.sampled_from([(), ("\n", "end")])),
        seed=draw(st.none() | st.integers(1, 9)),
        effort=draw(st.sampled_from([None, "none", "minimal", "low", "xhigh"])),
        reasoning_tokens=draw(st.sampled_from([None, 1024, 9000])),
        verbosity=draw(st.sampled_from([None, "low"])),
        metadata=draw(st.none() | st.just({"a": "b"})),
    )


def meaning(prompt: Prompt, target: str) -> dict[str, Any]:
    """What `target` is told of `prompt`: all but `wire.losses.TARGET_LOSSES`."""
    messages = target == "messages"
    effort = prompt.effort
    if messages:
        effort = {"none": None, "minimal": "low"}.get(effort or "", effort)
    elif effort is None and prompt.reasoning_tokens:
        effort = "low" if prompt.reasoning_tokens <= 2048 else "high"
    structure = prompt.structure
    if messages and structure:
        structure = Structure(schema=structure.schema) if structure.schema is not None else None
    single = prompt.parallel_tool_calls is False
    choice = prompt.tool_choice
    if messages and single and prompt.tools:
        choice = choice or ToolChoice("auto")
    alone = single and bool(prompt.tools) and choice != ToolChoice("none")
    return {
        "said": list(_said(prompt, target)),
        "tools": [
            (t.name, t.description, t.parameters or BARE, bool(t.strict), t.custom)
            for t in (prompt if target == "responses" else as_functions(prompt)).tools
        ],
        "choice": choice,
        "parallel": (False if alone else None) if messages else prompt.parallel_tool_calls,
        "structure": structure,
        "temperature": prompt.temperature,
        "top_p": prompt.top_p,
        "stop": prompt.stop,
        "seed": prompt.seed if target == "chat" else None,
        "effort": effort,
        "budget": prompt.reasoning_tokens if messages else None,
        "verbosity": None if messages else prompt.verbosity,
        "user": prompt.user,
        "metadata": None if messages else prompt.metadata,
    }


def _said(prompt: Prompt, target: str) -> Iterator[tuple[Any, ...]]:
    opening = True
    for message in prompt.messages:
        role = message.role
        opening = opening and role in (Role.SYSTEM, Role.DEVELOPER)
        if target == "messages" and role in (Role.SYSTEM, Role.DEVELOPER):
            role = Role.SYSTEM if opening else Role.USER
        name = message.name if target == "chat" else ""
        for part in message.parts:
            if target == "messages" and isinstance(part, Image):
                yield role, name, replace(part, detail=""), message.answers
            else:
                yield role, name, part, message.answers
        if message.refusal:
            yield role, name, Text(message.refusal), message.answers
        for call in message.calls:
            yield role, call
        if message.failed and target == "messages":
            yield ("failed", message.answers)


@pytest.mark.parametrize("target", ["chat", "responses", "messages"])
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(full_prompts())
def test_a_prompt_means_there_what_it_means_here(target: str, prompt: Prompt) -> None:
    body = DIALECTS[target].write_prompt(prompt)
    if isinstance(body, Failure):
        assert body.kind is Kind.UNSUPPORTED
        assert body.param in ("messages", "temperature", "stop", "tools")
        return
    if prompt.structure == Structure() and target == "messages":
        body["system"].pop()  # that is asked for in words
    heard = DIALECTS[target].read_prompt(json.loads(json.dumps(body)))
    assert isinstance(heard, Prompt)
    assert meaning(heard, target) == meaning(prompt, target)


def test_tools_in_namespaces_go_out_under_names_of_their_own() -> None:
    look = {"type": "function", "name": "look", "parameters": {"type": "object"}}
    spaces = [
        {"type": "namespace", "name": "box", "description": "Of the box.", "tools": [look]},
        {
            "type": "namespace",
            "name": "box.two",
            "tools": [look | {"defer_loading": True}, {"type": "custom", "name": "say"}],
        },
    ]
    call = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}
    body = {
        "input": [
            {"role": "user", "content": "Look."},
            call | {"namespace": "box.two"},
            {"type": "function_call_output", "call_id": "c", "output": "seen"},
        ],
        "tools": [
            look | {"name": "box__look"},
            *spaces,
            {"type": "tool_search"},
            {"type": "web_search", "external_web_access": True},
        ],
    }
    asked = in_dialect(Request("responses", "m", body), Target("t", "chat"), DIALECTS)
    assert not isinstance(asked, Failure)
    names = [tool[tool["type"]]["name"] for tool in asked.body["tools"]]
    assert names == ["box__look", "box__look_2", "box_two__look", "box_two__say"]
    (called,) = asked.body["messages"][1]["tool_calls"]
    assert called["function"]["name"] == "box_two__look"


def test_a_search_of_the_web_is_gone_without_beside_tools_of_the_client() -> None:
    search = {"type": "web_search_20260209", "name": "web_search", "max_uses": 3}
    look = {"name": "look", "input_schema": {"type": "object"}}
    body = {**MESSAGES, "tools": [search, look]}
    asked = in_dialect(Request("messages", "m", body), Target("t", "chat"), DIALECTS)
    assert not isinstance(asked, Failure)
    assert [tool["function"]["name"] for tool in asked.body["tools"]] == ["look"]
