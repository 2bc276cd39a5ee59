"""Whatever a model says comes out in every served dialect whole and in its order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.resilience.actors import target
from tests.wire.relay import HEAD, crossed, request

from holdfast.core.attempt import How
from holdfast.core.events import StreamEvent, UsageReport
from holdfast.core.failure import Failure
from holdfast.core.request import Surface
from holdfast.resilience.leg import Leg
from holdfast.resilience.reader import Reader
from holdfast.wire import DIALECTS, SERVED

SPOKEN = ("chat", "responses", "messages")
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """`kind` is think, text, call, or hosted: a tool that runs with the vendor."""

    kind: str
    text: str


def is_told_twice(text: str) -> bool:
    """Whether its second half begins with all of its first: then nobody can tell a vendor that
    repeats what it has said from one that says so (`wire.chat.repeats`).
    """
    middle = len(text) // 2
    return middle > 0 and text[middle:].startswith(text[:middle])


WORDS = st.text("abc 好。", min_size=1, max_size=6).filter(lambda text: not is_told_twice(text))
BLOCKS = st.lists(
    st.builds(Block, st.sampled_from(["think", "text", "call", "hosted"]), WORDS),
    min_size=1,
    max_size=7,
).filter(lambda blocks: any(block.kind in ("text", "call") for block in blocks))
STOPS = ("end", "length", "filter")


def arguments(block: Block) -> str:
    return json.dumps({"said": block.text}, separators=(",", ":"), ensure_ascii=False)


def halves(text: str) -> list[str]:
    return [part for part in (text[: len(text) // 2], text[len(text) // 2 :]) if part]


WORDS_OF_STOPS = {
    "chat": {"end": "stop", "call": "tool_calls", "length": "length", "filter": "content_filter"},
    "responses": {
        "end": "completed",
        "call": "completed",
        "length": "max_output_tokens",
        "filter": "content_filter",
    },
    "messages": {
        "end": "end_turn",
        "call": "tool_use",
        "length": "max_tokens",
        "filter": "refusal",
    },
}


def word(dialect: str, blocks: Sequence[Block], stop: str) -> str:
    called = stop == "end" and any(block.kind == "call" for block in blocks)
    return WORDS_OF_STOPS[dialect]["call" if called else stop]


# The same answer as a vendor of each dialect streams it.


def from_messages(blocks: Sequence[Block], stop: str) -> list[Event]:
    events: list[Event] = [
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3}}}
    ]
    for index, block in enumerate(blocks):
        events += _message_block(index, block)
    usage = {"output_tokens": 5, "cache_read_input_tokens": 2}
    delta = {"stop_reason": word("messages", blocks, stop), "tomorrow": {"a": 1}}
    last = {"type": "message_delta", "delta": delta, "usage": usage}
    return [*events, last, {"type": "message_stop"}]


def _message_block(index: int, block: Block) -> list[Event]:
    opening: Event
    match block.kind:
        case "think":
            opening = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": t} for t in halves(block.text)]
            deltas.append({"type": "signature_delta", "signature": f"signed {block.text}"})
        case "text":
            opening = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": t} for t in halves(block.text)]
        case "call":
            opening = {"type": "tool_use", "id": f"t{index}", "name": "look", "input": {}}
            parts = halves(arguments(block))
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
        case _:
            opening = {"type": "web_search_tool_result", "tool_use_id": "s", "content": block.text}
            deltas = []
    return [
        {"type": "content_block_start", "index": index, "content_block": opening},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def from_responses(blocks: Sequence[Block], stop: str) -> list[Event]:
    events: list[Event] = [
        {"type": "response.created", "response": {"id": "r", "status": "in_progress"}}
    ]
    for index, block in enumerate(blocks):
        events += _response_item(index, block)
    response: Event = {
        "id": "r",
        "status": "completed" if stop == "end" else "incomplete",
        "usage": {
            "input_tokens": 5,
            "input_tokens_details": {"cached_tokens": 2},
            "output_tokens": 5,
        },
        "tomorrow": {"a": 1},
    }
    if stop != "end":
        words = {"length": "max_output_tokens", "filter": "content_filter"}
        response["incomplete_details"] = {"reason": words[stop]}
    return [*events, {"type": f"response.{response['status']}", "response": response}]


def _response_item(index: int, block: Block) -> list[Event]:
    where = {"item_id": f"i{index}", "output_index": index}
    item: Event = {"id": f"i{index}"}
    match block.kind:
        case "think":
            item |= {"type": "reasoning", "summary": [], "encrypted_content": f"sealed{index}"}
            kind = "response.reasoning_summary_text.delta"
            deltas = [{"type": kind, "summary_index": 0, "delta": t} for t in halves(block.text)]
            done = {**item, "summary": [{"type": "summary_text", "text": block.text}]}
        case "text":
            item |= {"type": "message", "role": "assistant", "content": []}
            kind = "response.output_text.delta"
            deltas = [{"type": kind, "content_index": 0, "delta": t} for t in halves(block.text)]
            done = {**item, "content": [{"type": "output_text", "text": block.text}]}
        case "call":
            item |= {"type": "function_call", "call_id": f"t{index}", "name": "look"}
            kind = "response.function_call_arguments.delta"
            deltas = [{"type": kind, "delta": part} for part in halves(arguments(block))]
            done = {**item, "arguments": arguments(block)}
        case _:
            item |= {"type": "web_search_call", "status": "completed", "said": block.text}
            deltas, done = [], item
    return [
        {"type": "response.output_item.added", "output_index": index, "item": item},
        *({**delta, **where} for delta in deltas),
        {"type": "response.output_item.done", "output_index": index, "item": done},
    ]


def from_chat(blocks: Sequence[Block], stop: str) -> list[Event]:
    deltas: list[Event] = []
    for index, block in enumerate(blocks):
        match block.kind:
            case "think":
                deltas += [{"reasoning_content": part} for part in halves(block.text)]
            case "text":
                deltas += [{"content": part} for part in halves(block.text)]
            case "call":
                named = {"name": "look", "arguments": arguments(block)}
                deltas.append(
                    {"tool_calls": [{"index": index, "id": f"t{index}", "function": named}]}
                )
            case _:
                deltas.append({"tomorrow": {"said": block.text}})
    told = {"prompt_tokens": 5, "completion_tokens": 5}
    usage = {**told, "prompt_tokens_details": {"cached_tokens": 2}}
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    finish = word("chat", blocks, stop)
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], "usage": usage}
    return [*chunks, last]


VENDORS = {"chat": from_chat, "responses": from_responses, "messages": from_messages}


# What clients make of it.


def told_messages(answer: Event) -> list[Block]:
    names = {"thinking": "think", "text": "text", "tool_use": "call"}
    blocks = []
    for block in answer["content"]:
        kind = names.get(block["type"], "hosted")
        member = {"think": "thinking", "text": "text", "call": "input"}.get(kind, "content")
        said = block[member]["said"] if kind == "call" else block[member]
        blocks.append(Block(kind, said))
    return blocks


def told_responses(answer: Event) -> list[Block]:
    blocks = []
    for item in answer["output"]:
        match item["type"]:
            case "message":
                blocks.append(Block("text", "".join(part["text"] for part in item["content"])))
            case "reasoning":
                blocks.append(Block("think", "".join(part["text"] for part in item["summary"])))
            case "function_call":
                blocks.append(Block("call", json.loads(item["arguments"])["said"]))
            case _:
                blocks.append(Block("hosted", item["said"]))
    return blocks


def told_chat(answer: Event) -> list[Block]:
    message = answer["choices"][0]["message"]
    calls = [c["function"]["arguments"] for c in message.get("tool_calls", ())]
    said = [
        Block("think", message.get("reasoning_content", "")),
        Block("text", message["content"] or ""),
        *(Block("call", json.loads(call)["said"]) for call in calls),
    ]
    return [block for block in said if block.text]


CLIENTS = {"chat": told_chat, "responses": told_responses, "messages": told_messages}
USAGE = {
    "chat": lambda u: (u["prompt_tokens"], u["prompt_tokens_details"]["cached_tokens"]),
    "responses": lambda u: (u["input_tokens"], u["input_tokens_details"]["cached_tokens"]),
    "messages": lambda u: (
        u["input_tokens"] + u["cache_read_input_tokens"],
        u["cache_read_input_tokens"],
    ),
}
STOPPED = {
    "chat": lambda a: a["choices"][0]["finish_reason"],
    "responses": lambda a: (a.get("incomplete_details") or {}).get("reason", a["status"]),
    "messages": lambda a: a["stop_reason"],
}


def joined(blocks: Sequence[Block]) -> list[Block]:
    """What is said in a row is one, without the gaps that are put between trains of thought."""
    found: list[Block] = []
    for block in blocks:
        text = block.text.replace("\n\n", "")
        if found and found[-1].kind == block.kind and block.kind in ("think", "text"):
            found[-1] = Block(block.kind, found[-1].text + text)
        else:
            found.append(Block(block.kind, text))
    return found


def arriving(vendor: str, served: str, events: Sequence[Event], surface: Surface) -> Any:
    """All that a reader of the whole call is given of the vendor's stream."""
    decoder = DIALECTS[vendor].decoder("text/event-stream")
    lines = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)
    items = [*decoder.receive_data(lines), *decoder.receive_eof()]
    reader, leg = Reader(surface), Leg(1, target("a"), How.START, 0.0)
    given: list[StreamEvent] = []
    for item in items if vendor == served else crossed(items):
        assert not isinstance(item, Failure), item
        leg.hear(item, 0.0)
        sorted_out = reader.sort(leg, item)
        assert not isinstance(sorted_out, Failure)
        given += reader.give(leg, sorted_out)
    usage = leg.usage
    assert isinstance(usage, UsageReport)
    return [*given, *reader.end(leg, usage)]


@pytest.mark.parametrize("served", SPOKEN)
@pytest.mark.parametrize("vendor", SPOKEN)
@settings(max_examples=60, deadline=None)
@given(blocks=BLOCKS, stop=st.sampled_from(STOPS), surface=st.sampled_from(list(Surface)))
def test_an_answer_is_whole_and_in_order(
    vendor: str, served: str, blocks: list[Block], stop: str, surface: Surface
) -> None:
    events = arriving(vendor, served, VENDORS[vendor](blocks, stop), surface)
    assembler = SERVED[served].assembler(HEAD, request(served, stream=False))
    assembler.add(events)
    answer = json.loads(assembler.answer(None))
    expected = blocks if vendor == served else [b for b in blocks if b.kind != "hosted"]
    told = CLIENTS[served](answer)
    if "chat" in (vendor, served):  # there the channels have no order among them
        for kind in ("think", "text", "call"):
            said = ["".join(b.text for b in of if b.kind == kind) for of in (told, expected)]
            assert said[0].replace("\n\n", "") == said[1]
    elif vendor == served:
        assert told == expected
    else:
        assert joined(told) == joined(expected)
    assert USAGE[served](answer["usage"]) == (5, 2)
    assert STOPPED[served](answer) == word(served, blocks, stop)


@pytest.mark.parametrize("served", ["responses", "messages"])
@settings(max_examples=60, deadline=None)
@given(blocks=BLOCKS, stop=st.sampled_from(STOPS))
def test_what_is_sealed_and_what_is_of_tomorrow_comes_back_in_its_own_dialect(
    served: str, blocks: list[Block], stop: str
) -> None:
    events = arriving(served, served, VENDORS[served](blocks, stop), Surface.APPEND_ONLY)
    assembler = SERVED[served].assembler(HEAD, request(served, stream=False))
    assembler.add(events)
    answer = json.loads(assembler.answer(None))
    assert answer["tomorrow"] == {"a": 1}
    held = answer["content" if served == "messages" else "output"]
    for index, block in enumerate(blocks):
        if block.kind == "think" and served == "messages":
            assert held[index]["signature"] == f"signed {block.text}"
        elif block.kind == "think":
            assert held[index]["encrypted_content"] == f"sealed{index}"


@pytest.mark.parametrize("served", SPOKEN)
@pytest.mark.parametrize("vendor", SPOKEN)
@settings(max_examples=60, deadline=None)
@given(blocks=BLOCKS, stop=st.sampled_from(STOPS))
def test_a_stream_says_what_the_whole_answer_says(
    vendor: str, served: str, blocks: list[Block], stop: str
) -> None:
    events = arriving(vendor, served, VENDORS[vendor](blocks, stop), Surface.APPEND_ONLY)
    writer = SERVED[served].stream(HEAD, request(served))
    written = b"".join(writer.encode([event]) for event in events) + writer.finish(None)
    again = DIALECTS[served].decoder("text/event-stream")
    read = [*again.receive_data(written), *again.receive_eof()]
    assembler = SERVED[served].assembler(HEAD, request(served, stream=False))
    assembler.add([item for item in read if not isinstance(item, Failure)])
    whole = SERVED[served].assembler(HEAD, request(served, stream=False))
    whole.add(events)
    told = [CLIENTS[served](json.loads(each.answer(None))) for each in (assembler, whole)]
    assert told[0] == told[1]
