"""What a model thought before it called a tool goes back to it, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.agent.stage import (
    MemoryJournal,
    Played,
    Stage,
    call,
    calls,
    chunk,
    in_turn,
    play,
    refuses,
    says,
    sse,
    task,
)
from tests.upstream.virtual import run_virtual

from holdfast.agent.events import StepEnded
from holdfast.agent.standing import remembered
from holdfast.agent.tools import tool
from holdfast.engine.ports import LaneLost
from holdfast.upstream.memory import Reply

Json = Mapping[str, Any]
Vendor = tuple[str, str, str]

DEEPSEEK = ("chat", "https://api.deepseek.com", "deepseek-v4-pro")
KIMI = ("chat", "https://api.moonshot.cn/v1", "kimi-k2.5")
GEMINI = ("chat", "https://generativelanguage.googleapis.com/v1beta/openai", "gemini-3-pro")
CLAUDE = ("messages", "https://api.anthropic.com/v1", "claude-opus-4-7")
OPENAI = ("responses", "https://api.openai.com/v1", "gpt-5.5")
ROUTER = ("chat", "https://openrouter.ai/api/v1", "anthropic/claude-opus-4-7")
PLAIN = ("chat", "https://api.groq.com/openai/v1", "llama-4")


@tool(pure=True)
async def look(what: str) -> str:
    """Looks something up."""
    return f"{what} is blue"


LOOK = call("look", {"what": "sky"}, id="call_1")


# What vendors say, in their own words.


def events(*told: Json) -> bytes:
    """As the Messages and the Responses API write them."""
    written = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in told)
    return "".join(written).encode()


def thinks(thought: str, *made: Json) -> Reply:
    """A chat answer: it thinks, then it calls."""
    numbered = [{**one, "index": place} for place, one in enumerate(made)]
    pieces = [chunk({"reasoning_content": piece}) for piece in (thought[:3], thought[3:])]
    return Reply((sse(*pieces, chunk({"tool_calls": numbered}), chunk({}, "tool_calls")),))


def block(index: int, opening: Json, *deltas: Json) -> Sequence[Json]:
    return (
        {"type": "content_block_start", "index": index, "content_block": opening},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    )


def message(*blocks: Sequence[Json], stop: str = "tool_use") -> Reply:
    usage = {"input_tokens": 9, "output_tokens": 9}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": usage}
    told = (
        {"type": "message_start", "message": head},
        *(event for one in blocks for event in one),
        {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage},
        {"type": "message_stop"},
    )
    return Reply((events(*told),))


def thought(index: int, text: str, signature: str) -> Sequence[Json]:
    return block(
        index,
        {"type": "thinking", "thinking": "", "signature": ""},
        *([{"type": "thinking_delta", "thinking": text}] if text else []),
        {"type": "signature_delta", "signature": signature},
    )


def spoken(index: int, text: str) -> Sequence[Json]:
    return block(index, {"type": "text", "text": ""}, {"type": "text_delta", "text": text})


def used(index: int, id: str, what: str) -> Sequence[Json]:
    opening = {"type": "tool_use", "id": id, "name": "look", "input": {}}
    said = json.dumps({"what": what})
    return block(index, opening, {"type": "input_json_delta", "partial_json": said})


def response(*items: Json) -> Reply:
    told: list[Json] = [{"type": "response.created", "response": {"id": "resp_1"}}]
    for index, item in enumerate(items):
        told.append({"type": "response.output_item.added", "output_index": index, "item": item})
        told.append({"type": "response.output_item.done", "output_index": index, "item": item})
    whole = {"id": "resp_1", "object": "response", "status": "completed", "output": list(items)}
    return Reply((events(*told, {"type": "response.completed", "response": whole}),))


# Turns.


def stage(scripts: Mapping[str, Any], **vendors: Vendor) -> Stage:
    return Stage(scripts, [look], routes={"main": list(vendors)}, vendors=vendors)


def played(vendor: Vendor, *replies: Reply) -> Played:
    return play(stage({"a": in_turn(*replies)}, a=vendor), task(tools=("look",)))


def handed_over(first: Vendor, reply: Reply, second: Vendor) -> Played:
    """The first target calls a tool, then it is gone, and the second answers."""
    scripts = {
        "a": in_turn(reply, refuses(401, {"message": "no"})),
        "b": in_turn(says("It is blue.")),
    }
    found = play(stage(scripts, a=first, b=second), task(tools=("look",)))
    assert found.text == "It is blue."
    return found


def told(body: Json) -> list[Json]:
    """The model's own messages in what it is asked."""
    return [one for one in body["messages"] if one["role"] == "assistant"]


@pytest.mark.parametrize("vendor", [DEEPSEEK, KIMI])
def test_reasoning_in_plain_text_goes_back_with_the_call(vendor: Vendor) -> None:
    found = played(vendor, thinks("the sky, hm", LOOK), says("It is blue."))
    assert found.text == "It is blue."
    (back,) = told(found.stage.bodies[1])
    assert back["reasoning_content"] == "the sky, hm"
    assert back["tool_calls"][0]["id"] == "call_1"


def test_a_vendor_that_asks_for_no_reasoning_is_sent_none() -> None:
    found = played(PLAIN, thinks("the sky, hm", LOOK), says("It is blue."))
    (back,) = told(found.stage.bodies[1])
    assert set(back) == {"role", "content", "tool_calls"}


def test_the_signature_of_a_call_goes_back_on_that_call() -> None:
    signed = {"google": {"thought_signature": "c2lnbmVk"}}
    first = {**LOOK, "extra_content": signed}
    second = call("look", {"what": "sea"}, id="call_2")
    found = played(GEMINI, calls(first, second), says("Both are."))
    (back,) = told(found.stage.bodies[1])
    assert [one.get("extra_content") for one in back["tool_calls"]] == [signed, None]


def test_details_come_back_whole_although_they_were_streamed_in_pieces() -> None:
    pieces = [
        {"type": "reasoning.text", "text": "the ", "index": 0, "format": "anthropic-claude-v1"},
        {"type": "reasoning.text", "text": "sky", "index": 0, "format": "anthropic-claude-v1"},
        {"type": "reasoning.text", "signature": "c2ln", "index": 0},
        {"type": "reasoning.encrypted", "data": "enc", "index": 1},
    ]
    streamed = [chunk({"reasoning": "x", "reasoning_details": [piece]}) for piece in pieces]
    reply = Reply((sse(*streamed, chunk({"tool_calls": [LOOK]}), chunk({}, "tool_calls")),))
    found = played(ROUTER, reply, says("Blue."))
    (back,) = told(found.stage.bodies[1])
    whole = {**pieces[0], "text": "the sky", "signature": "c2ln"}
    assert back["reasoning_details"] == [whole, pieces[3]]


def test_signed_thinking_goes_back_in_its_place_among_text_and_calls() -> None:
    found = played(
        CLAUDE,
        message(
            thought(0, "first the sky", "sig-1"),
            spoken(1, "I look."),
            block(2, {"type": "redacted_thinking", "data": "ZW5j"}),
            used(3, "toolu_1", "sky"),
            thought(4, "", "sig-2"),
            used(5, "toolu_2", "sea"),
        ),
        message(spoken(0, "Both are blue."), stop="end_turn"),
    )
    assert found.text == "I look.\n\nBoth are blue."
    (back,) = told(found.stage.bodies[1])
    assert back["content"] == [
        {"type": "thinking", "thinking": "first the sky", "signature": "sig-1"},
        {"type": "text", "text": "I look."},
        {"type": "redacted_thinking", "data": "ZW5j"},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"what": "sky"}},
        {"type": "thinking", "thinking": "", "signature": "sig-2"},
        {"type": "tool_use", "id": "toolu_2", "name": "look", "input": {"what": "sea"}},
    ]
    results = found.stage.bodies[1]["messages"][-1]["content"]
    assert [one["tool_use_id"] for one in results] == ["toolu_1", "toolu_2"]


def test_encrypted_reasoning_is_asked_for_and_goes_back_before_its_call() -> None:
    reasoning = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "The sky."}],
        "encrypted_content": "gAAAA",
    }
    own = {"type": "function_call", "call_id": "call_1", "name": "look"}
    own["arguments"] = '{"what": "sky"}'
    spoken = [{"type": "output_text", "text": "It is blue."}]
    answer = {"type": "message", "id": "msg_1", "role": "assistant", "content": spoken}
    called = {**own, "id": "fc_1", "status": "completed"}
    found = played(OPENAI, response(reasoning, called), response(answer))
    assert found.text == "It is blue."
    first, second = found.stage.bodies
    assert first["include"] == ["reasoning.encrypted_content"]
    assert first["store"] is False
    assert second["input"][1:3] == [reasoning, own]
    assert second["input"][3]["type"] == "function_call_output"


@pytest.mark.parametrize("second", [PLAIN, DEEPSEEK, GEMINI])
def test_another_model_is_not_told_and_the_journal_says_so(second: Vendor) -> None:
    found = handed_over(KIMI, thinks("secret", LOOK), second)
    assert "secret" not in json.dumps(found.stage.bodies[-1])
    left_out = {"target": f"b/{second[2]}", "messages": 1}
    assert found.noted("reasoning_left_out") == [left_out]


@pytest.mark.parametrize("second", [KIMI, DEEPSEEK])
def test_who_insists_on_thoughts_is_told_that_another_models_are_not_recorded(
    second: Vendor,
) -> None:
    found = handed_over(PLAIN, calls(LOOK), second)
    (back,) = told(found.stage.bodies[-1])
    assert back["reasoning_content"] == "(not recorded)"


def test_who_checks_signatures_is_told_to_let_another_models_calls_pass() -> None:
    found = handed_over(PLAIN, calls(LOOK, call("look", {"what": "sea"})), GEMINI)
    (back,) = told(found.stage.bodies[-1])
    passes = {"google": {"thought_signature": "skip_thought_signature_validator"}}
    assert [one.get("extra_content") for one in back["tool_calls"]] == [passes, None]


def test_a_turn_that_was_killed_in_its_loop_still_has_them() -> None:
    journal = MemoryJournal()

    async def lost() -> None:
        if any(isinstance(event, StepEnded) for event in journal.events):
            raise LaneLost("killed")

    journal.on_settle = lost
    replies = in_turn(thinks("the sky, hm", LOOK), says("It is blue."))

    async def main() -> None:
        with pytest.raises(LaneLost):
            await stage({"a": replies}, a=DEEPSEEK).play(task(tools=("look",)), journal)

    run_virtual(main())
    second = play(stage({"a": replies}, a=DEEPSEEK), task(tools=("look",)), journal.after_kill())
    assert second.text == "It is blue."
    (back,) = told(second.stage.bodies[0])
    assert back["reasoning_content"] == "the sky, hm"


def test_the_next_turn_has_them_too_and_answers_without_calls_keep_none() -> None:
    first = played(DEEPSEEK, thinks("the sky, hm", LOOK), says("It is blue."))
    history = remembered(first.events)
    assert [one.native is not None for one in history] == [False, True, False, False]
    again = task("really?", tools=("look",), history=history)
    later = play(stage({"a": in_turn(says("Yes."))}, a=DEEPSEEK), again)
    called, answered = told(later.stage.bodies[0])
    assert called["reasoning_content"] == "the sky, hm"
    assert "reasoning_content" not in answered
