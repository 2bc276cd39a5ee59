"""Responses in transcripts: what upstreams send, and what clients of the dialect are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.wire.relay import HEAD, crossed, events_of, parsed, request, streamed, whole

from holdfast.core.events import (
    Finished,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from holdfast.core.failure import Failure, Kind, Phase
from holdfast.wire import DIALECTS, SERVED

Payload = dict[str, Any]


def response(status: str, output: list[Payload] | None = None, **more: Any) -> Payload:
    return {
        "id": "resp_up",
        "object": "response",
        "status": status,
        "model": "theirs",
        "output": output or [],
        **more,
    }


def created(**more: Any) -> Payload:
    return {
        "type": "response.created",
        "sequence_number": 0,
        "response": response("in_progress", **more),
    }


def completed(*output: Payload, **more: Any) -> Payload:
    return {"type": "response.completed", "response": response("completed", [*output], **more)}


def added(index: int, **item: Any) -> Payload:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, **item: Any) -> Payload:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def delta(index: int, text: str, **more: Any) -> Payload:
    where = {"item_id": f"msg_{index}", "output_index": index, "content_index": 0}
    return {"type": "response.output_text.delta", **where, "delta": text, **more}


MESSAGE = {"id": "msg_0", "type": "message", "role": "assistant", "status": "in_progress"}
USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 16,
}


def test_text_usage_and_end() -> None:
    found = crossed(
        events_of(
            "responses",
            [
                created(),
                added(0, **MESSAGE),
                delta(0, "Hold"),
                delta(0, "fast"),
                completed(usage=USAGE),
            ],
        )
    )
    assert found == [
        TextDelta("Hold"),
        TextDelta("fast"),
        UsageReport(9, 7, cached_tokens=4, reasoning_tokens=3),
        Finished(StopReason.END),
    ]


def numbered(numbers: Sequence[int], *events: Payload) -> str:
    """The text of a response of these events that bear these numbers."""
    counted = [{**e, "sequence_number": n} for n, e in zip(numbers, events, strict=True)]
    items = events_of("responses", [*counted, completed()])
    return "".join(item.text for item in items if isinstance(item, TextDelta))


def test_an_event_that_comes_again_under_its_number_is_told_once() -> None:
    opened, ha = added(0, **MESSAGE), delta(0, "ha")
    assert numbered([0, 1, 2, 1, 2, 2, 3], created(), opened, ha, opened, ha, ha, ha) == "haha"


@pytest.mark.parametrize("numbers", [[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 0, 0]])
def test_numbers_that_count_nothing_lose_no_word(numbers: list[int]) -> None:
    assert numbered(numbers, created(), delta(0, "a"), delta(0, "b"), delta(0, "b")) == "abb"


def test_what_the_deltas_leave_out_is_taken_from_what_is_done() -> None:
    part = {"type": "output_text", "text": "Hold fast", "annotations": []}
    events = [
        added(0, **MESSAGE),
        delta(0, "Hold"),
        done(0, **MESSAGE, content=[part]),
        added(1, id="fc", type="function_call", call_id="c1", name="look", arguments=""),
        done(1, id="fc", type="function_call", call_id="c1", name="look", arguments='{"a":1}'),
        completed(),
    ]
    found = crossed(events_of("responses", events))
    assert found[:2] == [TextDelta("Hold"), TextDelta(" fast")]
    calls = [event for event in found if isinstance(event, ToolCallDelta)]
    assert [(c.id, c.name, c.arguments) for c in calls] == [("c1", "look", ""), ("", "", '{"a":1}')]
    assert found[-1] == Finished(StopReason.TOOL_CALLS)


def test_a_response_whose_items_come_with_its_end_only() -> None:
    part = {"type": "output_text", "text": "Hold fast", "annotations": []}
    item = {**MESSAGE, "content": [part]}
    found = crossed(events_of("responses", [created(), completed(item)]))
    assert found == [TextDelta("Hold fast"), Finished(StopReason.END)]


def test_two_messages_are_two_for_those_who_know_and_a_gap_for_those_who_do_not() -> None:
    second = {**MESSAGE, "id": "msg_1", "phase": "final_answer"}
    events = [
        added(0, **{**MESSAGE, "phase": "commentary"}),
        delta(0, "One."),
        added(1, **second),
        delta(1, "Two."),
        completed(),
    ]
    found = events_of("responses", events)
    texts = [event.text for event in crossed(found) if isinstance(event, TextDelta)]
    assert texts == ["One.", "\n\n", "Two."]
    told = whole("responses", found)
    assert [(i["id"], i["phase"], i["content"][0]["text"]) for i in told["output"]] == [
        ("msg_0", "commentary", "One."),
        ("msg_1", "final_answer", "Two."),
    ]


def test_refusals_and_custom_calls() -> None:
    where = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    call = {"id": "ctc", "type": "custom_tool_call", "call_id": "c9", "name": "sql"}
    events = [
        added(0, **MESSAGE),
        {"type": "response.refusal.delta", **where, "delta": "No"},
        {"type": "response.refusal.done", **where, "refusal": "No."},
        added(1, **call, input=""),
        {"type": "response.custom_tool_call_input.delta", "output_index": 1, "delta": "SELECT"},
        {"type": "response.custom_tool_call_input.done", "output_index": 1, "input": "SELECT 1"},
        completed(),
    ]
    found = events_of("responses", events)
    neutral = crossed(found)
    assert neutral[:2] == [RefusalDelta("No"), RefusalDelta(".")]
    assert ToolCallDelta(0, "c9", "sql", "", custom=True) in neutral
    told = whole("responses", found)
    assert told["output"][0]["content"] == [{"type": "refusal", "refusal": "No."}]
    assert told["output"][1]["input"] == "SELECT 1"


@pytest.mark.parametrize(
    ("last", "kind", "phase"),
    [
        (
            {"response": response("failed", error={"code": "server_error", "message": "x"})},
            Kind.SERVER_ERROR,
            Phase.STREAM,
        ),
        (
            {"response": response("failed", error={"code": "rate_limit_exceeded", "message": "x"})},
            Kind.RATE_LIMITED,
            Phase.STREAM,
        ),
        (
            {"response": response("failed", error={"code": "context_length_exceeded"})},
            Kind.TOO_LONG,
            Phase.STREAM,
        ),
        (
            {"response": response("failed", error={"code": "usage_not_included"})},
            Kind.QUOTA,
            Phase.STREAM,
        ),
        (
            {"response": response("failed", error={"code": "cyber_policy"})},
            Kind.POLICY,
            Phase.STREAM,
        ),
        (
            {"response": response("failed", error={"code": "slow_down"})},
            Kind.OVERLOADED,
            Phase.STREAM,
        ),
        ({"response": response("failed")}, Kind.SERVER_ERROR, Phase.STREAM),
        ({"response": response("cancelled")}, Kind.TRUNCATED, Phase.STREAM),
    ],
)
def test_a_failed_response_says_why(last: Payload, kind: Kind, phase: Phase) -> None:
    ending = {"type": "response.failed", **last}
    failure = events_of("responses", [added(0, **MESSAGE), delta(0, "Hold"), ending])[-1]
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.phase) == (kind, phase)


def test_an_error_event_before_any_word() -> None:
    error = {"type": "error", "code": "server_is_overloaded", "message": "busy", "param": None}
    failure = events_of("responses", [created(), error])[-1]
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.phase) == (Kind.OVERLOADED, Phase.FIRST)


@pytest.mark.parametrize(
    ("reason", "stop"),
    [("max_output_tokens", StopReason.LENGTH), ("content_filter", StopReason.CONTENT_FILTER)],
)
def test_an_incomplete_response_is_whole_as_far_as_it_goes(reason: str, stop: StopReason) -> None:
    last = response("incomplete", incomplete_details={"reason": reason})
    events = [
        added(0, **MESSAGE),
        delta(0, "Hold"),
        {"type": "response.incomplete", "response": last},
    ]
    found = events_of("responses", events)
    assert crossed(found)[-1] == Finished(stop)
    told = streamed("responses", found)[-1]
    assert told["type"] == "response.incomplete"
    assert told["response"]["incomplete_details"] == {"reason": reason}


def test_done_is_no_end_of_a_response() -> None:
    decoder = DIALECTS["responses"].decoder("")
    items = decoder.receive_data(
        b'data: {"type":"response.created","response":{}}\n\ndata: [DONE]\n\n'
    )
    assert isinstance(items[-1], Failure)
    assert items[-1].kind is Kind.TRUNCATED


# Of the same dialect: what we have no words for passes through.


def test_hosted_tools_pass_through_with_their_places_kept() -> None:
    search = {"id": "ws_1", "type": "web_search_call", "status": "in_progress"}
    found_it = {**search, "status": "completed", "action": {"query": "Utö"}}
    citation = {
        "type": "url_citation",
        "url": "https://utö.invalid",
        "start_index": 0,
        "end_index": 4,
    }
    events = [
        created(service_tier="priority"),
        added(0, **search),
        {"type": "response.web_search_call.searching", "output_index": 0, "item_id": "ws_1"},
        done(0, **found_it),
        added(1, **MESSAGE),
        delta(1, "Hold"),
        {
            "type": "response.output_text.annotation.added",
            "output_index": 1,
            "content_index": 0,
            "annotation_index": 0,
            "annotation": citation,
        },
        {"type": "response.tomorrow", "news": [1, 2]},
        completed(usage=USAGE),
    ]
    found = events_of("responses", events)
    told = streamed("responses", found)
    assert [payload["type"] for payload in told] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.web_search_call.searching",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.annotation.added",
        "response.tomorrow",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [payload["sequence_number"] for payload in told] == list(range(len(told)))
    assert told[9]["news"] == [1, 2]
    last = told[-1]["response"]
    assert (last["id"], last["model"], last["service_tier"]) == ("resp_01REF", "mine", "priority")
    assert last["output"][0] == found_it
    assert last["output"][1]["content"][0]["annotations"] == [citation]
    assert last["usage"] == USAGE
    assert whole("responses", found)["output"] == last["output"]
    assert not any(isinstance(event, Foreign) for event in crossed(found))
    assert all(getattr(event, "extra", None) is None for event in crossed(found))


def test_an_image_is_open_until_its_item_is_done() -> None:
    image = {"id": "ig_0", "type": "image_generation_call"}
    partial = {"type": "response.image_generation_call.partial_image", "output_index": 0}
    events = [created(), added(0, **image), partial, done(0, **image, result="QQ==")]
    found = [event for event in events_of("responses", events) if isinstance(event, Foreign)]
    assert [event.open for event in found if event.content] == [True, True, False]


def test_encrypted_reasoning_comes_back_whole_and_crosses_to_nobody() -> None:
    item = {"id": "rs_1", "type": "reasoning", "summary": []}
    summary = [
        {"type": "summary_text", "text": "First."},
        {"type": "summary_text", "text": "Then."},
    ]
    ended = {**item, "summary": summary, "encrypted_content": "gAAA"}

    def thought(place: int, text: str) -> Payload:
        where = {"item_id": "rs_1", "output_index": 0, "summary_index": place}
        return {"type": "response.reasoning_summary_text.delta", **where, "delta": text}

    events = [
        added(0, **item),
        thought(0, "First."),
        thought(1, "Then."),
        done(0, **ended),
        added(1, **MESSAGE),
        delta(1, "Hold"),
        completed(),
    ]
    found = events_of("responses", events)
    assert whole("responses", found)["output"][0] == ended
    kinds = [payload["type"] for payload in streamed("responses", found)]
    assert kinds.count("response.reasoning_summary_part.added") == 2
    texts = [event.text for event in crossed(found) if isinstance(event, ReasoningDelta)]
    assert texts == ["First.", "\n\n", "Then."]


def test_reasoning_that_is_encrypted_alone_is_kept_too() -> None:
    item = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAA"}
    events = [added(0, **item), done(0, **item), added(1, **MESSAGE), delta(1, "x"), completed()]
    found = events_of("responses", events)
    assert whole("responses", found)["output"][0] == item
    assert not any(isinstance(event, ReasoningDelta) for event in crossed(found))


# Served over another dialect.


def test_the_life_of_a_response_that_came_from_elsewhere() -> None:
    items: list[StreamEvent] = [
        ReasoningDelta("Hm."),
        TextDelta("Hold"),
        TextDelta(" fast"),
        ToolCallDelta(0, "c1", "look", '{"a":1}'),
        ToolCallDelta(1, "c2", "listen", "{}"),
        UsageReport(9, 7),
        Finished(StopReason.TOOL_CALLS),
    ]
    told = streamed("responses", items)
    assert [payload["type"].removeprefix("response.") for payload in told] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert [payload["sequence_number"] for payload in told] == list(range(len(told)))
    last = told[-1]["response"]
    assert [item["type"] for item in last["output"]] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    ids = {payload["response"]["id"] for payload in told if "response" in payload}
    assert ids == {"resp_01REF"}
    assert last["usage"]["total_tokens"] == 16


def test_a_response_that_fails_says_so_with_all_that_is_known() -> None:
    writer = SERVED["responses"].stream(HEAD, request("responses"))
    error = {"message": "gone", "type": "upstream_error", "code": "x", "holdfast": {"ref": "01REF"}}
    *_, last = parsed(writer.encode([TextDelta("Hold")]) + writer.fail(error))
    assert last["type"] == "response.failed"
    told = last["response"]
    assert (told["status"], told["error"]["code"]) == ("failed", "x")
    assert told["error"]["holdfast"] == {"ref": "01REF"}
    assert told["output"][0]["status"] == "incomplete"
    assert told["output"][0]["content"][0]["text"] == "Hold"


def test_a_call_from_elsewhere_is_told_in_the_namespace_of_its_tool() -> None:
    look = {"type": "function", "name": "look"}
    body = {"tools": [look, {"type": "namespace", "name": "box", "tools": [look]}]}
    asked = replace(request("responses"), body=body)
    writer = SERVED["responses"].stream(HEAD, asked)
    calls = [ToolCallDelta(0, "c1", "box__look", "{}"), ToolCallDelta(1, "c2", "look", "{}")]
    told = parsed(writer.encode([*calls, Finished(StopReason.TOOL_CALLS)]) + writer.finish(None))
    opened = [payload["item"] for payload in told if payload["type"].endswith("item.added")]
    closed = told[-1]["response"]["output"]
    for items in (opened, closed):
        named = [(item["name"], item.get("namespace")) for item in items]
        assert named == [("look", "box"), ("look", None)]
    assert "".join(p["delta"] for p in told if p["type"].endswith("arguments.delta")) == "{}{}"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "call_1", "name": "f", "input": "x"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
    ],
    ids=lambda item: item["type"],
)
def test_what_an_item_says_of_itself_when_it_is_closed_is_passed_on(item: Payload) -> None:
    closed = {**item, "id": "i_1", "phase": "final_answer", "created_by": {"id": "x"}}
    opened = {"id": "i_1", **item, "content": [], "summary": [], "arguments": "", "input": ""}
    items = events_of(
        "responses",
        [
            {"type": "response.output_item.added", "output_index": 0, "item": opened},
            {"type": "response.output_item.done", "output_index": 0, "item": closed},
            {"type": "response.completed", "response": {"status": "completed", "output": [closed]}},
        ],
    )
    (done,) = [p["item"] for p in streamed("responses", items) if p["type"].endswith("item.done")]
    (output,) = whole("responses", items)["output"]
    for told in (done, output):
        assert (told["phase"], told["created_by"]) == ("final_answer", {"id": "x"})


def deltas(*pieces: str) -> list[Payload]:
    return [created(), added(0, **MESSAGE), *(delta(0, piece) for piece in pieces)]


def spoken(text: str) -> Payload:
    return {**MESSAGE, "content": [{"type": "output_text", "text": text, "annotations": []}]}


@pytest.mark.parametrize("pieces", [["fast", "."], ["Hold", "."], ["Hol", "fast."]])
@pytest.mark.parametrize("ended", [False, True])
def test_words_that_were_lost_on_the_way_are_missed(pieces: list[str], ended: bool) -> None:
    """The end tells all of them; nothing can be put between words that were given."""
    last = [done(0, **spoken("Hold fast."))] if ended else []
    found = events_of("responses", [*deltas(*pieces), *last, completed(spoken("Hold fast."))])
    assert isinstance(found[-1], Failure)
    assert found[-1].kind is Kind.PROTOCOL
    assert "".join(e.text for e in found if isinstance(e, TextDelta)) == "".join(pieces)


@pytest.mark.parametrize("told", ["Hold fast", "Hold fast. ", " Hold fast.", "Hold on", "", "Ho"])
def test_an_end_that_words_it_otherwise_changes_nothing(told: str) -> None:
    found = crossed(events_of("responses", [*deltas("Hold ", "fast."), completed(spoken(told))]))
    text = "".join(e.text for e in found if isinstance(e, TextDelta))
    assert text.rstrip() == "Hold fast."
    assert isinstance(found[-1], Finished)


def test_an_item_is_known_by_its_id_whatever_it_is_called() -> None:
    begun = added(0, **{**MESSAGE, "type": "x"})
    events = [created(), begun, delta(0, "Hold fast."), completed(spoken("Hold fast."))]
    found = crossed(events_of("responses", events))
    assert "".join(e.text for e in found if isinstance(e, TextDelta)) == "Hold fast."


@pytest.mark.parametrize("wrong", [{"output_index": 7}, {"output_index": None}])
def test_an_item_is_known_by_its_id_wherever_it_is_said_to_stand(wrong: Payload) -> None:
    ended = {"type": "response.output_text.done", "item_id": "msg_1", "content_index": 0, **wrong}
    events = [
        created(),
        added(0, id="rs_0", type="reasoning", summary=[]),
        added(1, **{**MESSAGE, "id": "msg_1"}),
        delta(1, "Hold fast."),
        {**ended, "text": "Hold fast."},
        completed(),
    ]
    found = crossed(events_of("responses", events))
    assert "".join(e.text for e in found if isinstance(e, TextDelta)) == "Hold fast."


@pytest.mark.parametrize("said", ['{"a":1', '{"a":11}', '{"b":1}'])
def test_arguments_that_are_not_those_of_the_end_are_not_run(said: str) -> None:
    call = {"id": "fc", "type": "function_call", "call_id": "c1", "name": "look"}
    where = {"item_id": "fc", "output_index": 0}
    events = [
        created(),
        added(0, **call, arguments=""),
        {"type": "response.function_call_arguments.delta", **where, "delta": said},
        done(0, **call, arguments='{"a": 1}' if said != '{"a":1' else '{"b":1}'),
        completed(),
    ]
    found = events_of("responses", events)
    assert isinstance(found[-1], Failure)
    assert found[-1].kind is Kind.TOOL_ARGUMENTS


def test_arguments_that_are_only_written_otherwise_are_the_same() -> None:
    call = {"id": "fc", "type": "function_call", "call_id": "c1", "name": "look"}
    where = {"item_id": "fc", "output_index": 0}
    events = [
        created(),
        added(0, **call, arguments=""),
        {"type": "response.function_call_arguments.delta", **where, "delta": '{"a":1}'},
        done(0, **call, arguments='{"a": 1}'),
        completed(),
    ]
    assert isinstance(events_of("responses", events)[-1], Finished)


@pytest.mark.parametrize("odd", [7, True, "x", {"a": 1}, [1]])
def test_log_probabilities_that_are_none_are_left_out(odd: Any) -> None:
    items = events_of("responses", [created(), delta(0, "Hi", logprobs=odd), completed()])
    (told,) = [p for p in streamed("responses", items) if p["type"].endswith("text.delta")]
    assert told["logprobs"] in ([], [1])


@pytest.mark.parametrize("index", [1, 7])
def test_parts_that_are_counted_from_elsewhere_are_told_once(index: int) -> None:
    said = {**delta(0, "Hold"), "content_index": index}
    whole_item = {**MESSAGE, "content": [{"type": "output_text", "text": "Hold fast"}]}
    events = [created(), added(0, **MESSAGE), said, completed(whole_item)]
    assert (
        whole("responses", events_of("responses", events))["output"][0]["content"][0]["text"]
        == "Hold fast"
    )


def test_an_item_whose_type_nobody_tells_is_what_its_words_are() -> None:
    whole_item = {**MESSAGE, "content": [{"type": "output_text", "text": "Hold"}]}
    events = [created(), added(0, id="msg_0"), delta(0, "Hold"), completed(whole_item)]
    output = whole("responses", events_of("responses", events))["output"]
    assert [item["content"][0]["text"] for item in output] == ["Hold"]
