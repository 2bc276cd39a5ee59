"""Bytes of answers to events: whatever a vendor does, however the bytes are cut."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.bodies import body

from holdfast.core.events import (
    Finished,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    StopReason,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from holdfast.core.failure import Failure, Kind, Phase
from holdfast.sim.catalogue import FAULTS, Position, Truth
from holdfast.sim.event_faults import EVENT_FAULTS
from holdfast.sim.library import REASONING, TEXTS
from holdfast.upstream.only import OnlyChoice
from holdfast.wire.chat.decode import ChatDecoder

ASK: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Tell me text:short"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}
SHORT = TEXTS["short"]["en"]
EVENTS = "text/event-stream"
HEALTHY = [truth for truth in FAULTS.values() if truth.healthy]
# Those that leave the connection to itself after the finish, or before it, say no more here.
_UNENDED = frozenset({"reset_after_finish", "eof_after_finish", "stall_after_finish"})


def decode(pieces: Sequence[bytes], content_type: str = EVENTS, *, eof: bool = True) -> list[Any]:
    """All events; a failure comes last or not at all."""
    decoder = ChatDecoder(content_type)
    events = [event for piece in pieces for event in decoder.receive_data(piece)]
    events += decoder.receive_eof() if eof else ()
    assert not any(isinstance(event, Failure) for event in events[:-1])
    return events


def text_of(events: Sequence[Any]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def chunk(delta: Any = None, finish: Any = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c", "choices": [choice], **more}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


# The simulator's whole catalogue.


@pytest.mark.parametrize("truth", HEALTHY, ids=lambda truth: truth.name)
def test_what_looks_odd_and_is_whole_is_read_whole(truth: Truth) -> None:
    answer = body(f"{truth.name}@9" if truth.position is Position.CHUNK else truth.name, ASK)
    events = OnlyChoice()(decode([answer.data], answer.headers.get("content-type", "")))
    text = text_of(events)
    assert SHORT.startswith(text)
    assert text == SHORT or truth.finish != "stop"
    finished = [event for event in events if isinstance(event, Finished)]
    said = "tool_calls" if truth.name == "call_announced" else truth.finish
    assert [event.word for event in finished] == [said]


@pytest.mark.parametrize("sent", [0, 1, 7])
@pytest.mark.parametrize("row", EVENT_FAULTS, ids=lambda row: row.truth.name)
def test_what_is_broken_is_told_as_what_it_is(row: Any, sent: int) -> None:
    answer = body(f"{row.truth.name}@{sent}", ASK)
    *events, failure = decode([answer.data], answer.headers["content-type"])
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.phase) == (row.truth.kind, row.truth.phase_after(sent))
    assert SHORT.startswith(text_of(events))
    assert not any(isinstance(event, Finished) for event in events)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_nothing_depends_on_how_the_bytes_are_cut(data: st.DataObject) -> None:
    truth = data.draw(st.sampled_from([*HEALTHY, *(row.truth for row in EVENT_FAULTS)]))
    after = "@5" if truth.position is Position.CHUNK else ""
    reasoning = data.draw(st.sampled_from(["", ";reasoning", ";reasoning=think", ";escape"]))
    answer = body(f"{truth.name}{after}{reasoning}", ASK)
    kind = answer.headers.get("content-type", "")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer.data)), max_size=8)))
    ends = [*cuts, len(answer.data)]
    pieces = [answer.data[start:end] for start, end in zip([0, *cuts], ends, strict=True)]
    assert _joined(decode(pieces, kind)) == _joined(decode([answer.data], kind))


def _joined(events: Sequence[Any]) -> list[Any]:
    """Events with equal neighbours of a channel joined: where text is cut means nothing."""
    told: list[Any] = []
    for event in OnlyChoice()(events):
        if isinstance(event, TextDelta | ReasoningDelta) and told and told[-1][0] is type(event):
            told[-1] = (type(event), told[-1][1] + event.text)
        elif isinstance(event, TextDelta | ReasoningDelta):
            told.append((type(event), event.text))
        else:
            told.append((type(event), event))
    return told


@pytest.mark.parametrize(
    "field", ["reasoning_content", "reasoning", "reasoning_details", "parts", "think"]
)
def test_reasoning_is_found_wherever_a_vendor_puts_it(field: str) -> None:
    answer = body(f"ok;reasoning={field}", ASK)
    events = decode([answer.data])
    thought = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    assert (thought.strip(), text_of(events)) == (REASONING["en"], SHORT)


# Ends.


def test_a_message_that_begins_like_the_one_before_it_is_new() -> None:
    said = ["is ", "is a ", "lamp."]
    told = [{"choices": [{"index": 0, "message": {"content": piece}}]} for piece in said]
    answer = [b"data: " + json.dumps(one).encode() + b"\n\n" for one in told]
    assert text_of(decode([*answer, chunk(finish="stop"), DONE])) == "is is a lamp."


def test_the_end_of_the_bytes_proves_nothing() -> None:
    (*_, failure) = decode([chunk({"content": "part"})])
    assert (failure.kind, failure.phase) == (Kind.TRUNCATED, Phase.END)


def test_a_finish_reason_in_a_chunk_of_its_own_counts_at_once() -> None:
    events = decode([chunk({"content": "a"}), chunk({}, "stop")], eof=False)
    assert events[-1] == Finished(StopReason.END, word="stop")


@pytest.mark.parametrize(
    "said",
    [
        [chunk({"content": "a"}), chunk({"content": "b"}, "stop")],
        [chunk({"content": "ab"}, "length"), chunk(choices=[], usage={"completion_tokens": 2})],
    ],
    ids=["beside the last words alone", "summed up"],
)
def test_one_beside_the_last_words_counts_at_once_if_it_is_no_habit(said: list[bytes]) -> None:
    events = decode(said, eof=False)
    assert text_of(events) == "ab"
    assert isinstance(events[-1], Finished)


def test_who_thinks_before_may_still_say_stop_with_all_words() -> None:
    said = [chunk({"reasoning_content": "Hm."}), chunk({"content": "a"}, "stop")]
    assert not any(isinstance(event, Finished) for event in decode(said, eof=False))


def test_words_after_a_finish_reason_and_what_they_took_end_nothing() -> None:
    counted = chunk(choices=[], usage={"completion_tokens": 2})
    said = [chunk({"content": "a"}, "stop"), chunk({"content": "b"}), counted]
    assert not any(isinstance(event, Finished) for event in decode(said, eof=False))


def test_one_beside_content_counts_only_when_the_stream_has_ended() -> None:
    pieces = [chunk({"content": "a"}, "stop"), chunk({"content": "b"}, "stop")]
    assert text_of(decode(pieces, eof=False)) == "ab"
    assert not any(isinstance(e, Finished) for e in decode(pieces, eof=False))
    assert isinstance(decode([*pieces, DONE])[-1], Finished)


def test_after_its_end_marker_nothing_is_read() -> None:
    decoder = ChatDecoder(EVENTS)
    decoder.receive_data(chunk({"content": "a"}) + chunk({}, "stop") + DONE)
    assert decoder.done
    assert list(decoder.receive_data(chunk({"content": "b"}))) == []
    assert list(decoder.receive_eof()) == []


def test_every_choice_must_finish() -> None:
    def of(index: int, delta: Any, finish: Any = None) -> bytes:
        choice = {"index": index, "delta": delta, "finish_reason": finish}
        return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"

    begun = [of(0, {"content": "a"}), of(1, {"content": "b"}), of(0, {}, "stop")]
    failure = decode([*begun, DONE])[-1]
    assert isinstance(failure, Failure)
    assert "choice 1" in failure.detail
    finished = decode([*begun, of(1, {}, "length"), DONE])[-1]
    assert finished.reasons == (StopReason.END, StopReason.LENGTH)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", StopReason.END),
        ("STOP", StopReason.END),
        ("end_turn", StopReason.END),
        ("eos", StopReason.END),
        ("length", StopReason.LENGTH),
        ("MAX_TOKENS", StopReason.LENGTH),
        ("tool_calls", StopReason.TOOL_CALLS),
        ("tool_use", StopReason.TOOL_CALLS),
        ("content_filter", StopReason.CONTENT_FILTER),
        ("sensitive", StopReason.CONTENT_FILTER),
    ],
)
def test_vendors_words_for_the_end(word: str, reason: StopReason) -> None:
    finished = decode([chunk({"content": "a"}), chunk({}, word), DONE])[-1]
    assert finished == Finished(reason, word=word)


@pytest.mark.parametrize(
    "word", ["error", "network_error", "abort", "insufficient_system_resource"]
)
def test_words_that_end_a_failed_answer(word: str) -> None:
    assert isinstance(decode([chunk({"content": "a"}), chunk({}, word), DONE])[-1], Failure)


# Channels.


def test_refusals_and_usage() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    events = decode(
        [
            chunk({"refusal": "I cannot"}),
            chunk({}, "stop"),
            b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n",
            DONE,
        ]
    )
    assert events[0] == RefusalDelta("I cannot")
    (report,) = [event for event in events if isinstance(event, UsageReport)]
    assert (report.input_tokens, report.output_tokens, report.extra) == (3, 2, usage)


def test_tool_calls_in_fragments_and_in_parallel() -> None:
    def fragment(index: int, **more: Any) -> bytes:
        return chunk({"tool_calls": [{"index": index, **more}]})

    events = decode(
        [
            fragment(0, id="a", type="function", function={"name": "f", "arguments": ""}),
            fragment(0, function={"arguments": '{"x"'}),
            fragment(1, id="b", type="function", function={"name": "g", "arguments": "{}"}),
            fragment(0, function={"arguments": ": 1}"}),
            chunk({}, "tool_calls"),
            DONE,
        ]
    )
    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    arguments = {i: "".join(c.arguments for c in calls if c.index == i) for i in (0, 1)}
    assert arguments == {0: '{"x": 1}', 1: "{}"}
    assert [(c.id, c.name) for c in calls if c.name] == [("a", "f"), ("b", "g")]
    assert events[-1] == Finished(StopReason.TOOL_CALLS, word="tool_calls")


@pytest.mark.parametrize("arguments", ['{"x": 1', '{"x": }', '{"a": "b" "c"}', "[1"])
def test_arguments_that_are_not_whole_json_are_never_handed_on(arguments: str) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": arguments}}
    events = decode([chunk({"tool_calls": [call]}), chunk({}, "tool_calls"), DONE])
    assert isinstance(events[-1], Failure)
    assert events[-1].kind is Kind.TOOL_ARGUMENTS


def test_surrogates_that_were_split_are_joined() -> None:
    halves = (rb"\ud83d", rb"\udc4b!")
    pieces = [b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}' % h for h in halves]
    events = decode([b"\n\n".join([*pieces, b""]), chunk({}, "stop"), DONE])
    assert text_of(events) == "👋!"


def test_what_the_vocabulary_has_no_name_for_travels_beside() -> None:
    logprobs = {"content": [{"token": "a", "logprob": -0.1}]}
    data = {
        "choices": [{"index": 0, "delta": {"content": "a", "citations": [1]}, "logprobs": logprobs}]
    }
    (event, *_) = decode([b"data: " + json.dumps(data).encode() + b"\n\n", chunk({}, "stop"), DONE])
    assert event.text == "a"
    assert event.extra == {"citations": [1], "logprobs": logprobs}


# No stream at all.


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", Kind.EMPTY),
        (b"\n\n", Kind.EMPTY),
        (b"<html><title>502 Bad Gateway</title></html>", Kind.PROTOCOL),
        (b"plain words", Kind.PROTOCOL),
        (b'{"error": {"message": "overloaded", "type": "overloaded_error"}}', Kind.OVERLOADED),
        (b'{"choices": [{"message": {"content": "ha', Kind.TRUNCATED),
        (b'{"strange": true}', Kind.PROTOCOL),
        (b"[1, 2", Kind.TRUNCATED),
        (b"{nonsense}", Kind.PROTOCOL),
    ],
)
@pytest.mark.parametrize("content_type", [EVENTS, "application/json", "text/html", ""])
def test_what_is_no_answer_is_never_taken_for_one(
    data: bytes, kind: Kind, content_type: str
) -> None:
    (failure,) = decode([data], content_type)
    assert isinstance(failure, Failure)
    assert failure.kind is kind


@given(st.binary(max_size=300), st.sampled_from([EVENTS, "application/json", ""]))
def test_no_bytes_make_it_raise_or_invent_an_end(data: bytes, content_type: str) -> None:
    events = decode([data], content_type)
    assert isinstance(events[-1], Failure)


# Senders that repeat themselves.


def deltas(*texts: str) -> list[bytes]:
    return [chunk({"content": text}) for text in texts]


def growing(text: str, step: int) -> list[str]:
    return [text[:end] for end in [*range(step, len(text), step), len(text)]]


@pytest.mark.parametrize("step", [1, 4, 20, len(SHORT) - 1])
@pytest.mark.parametrize("field", ["content", "reasoning_content"])
def test_deltas_that_hold_all_the_text_so_far(step: int, field: str) -> None:
    said = [chunk({field: text}) for text in growing(SHORT, step)]
    events = decode([*said, chunk({"content": "!" * (field != "content")}, "stop"), DONE])
    kind = TextDelta if field == "content" else ReasoningDelta
    assert "".join(e.text for e in events if isinstance(e, kind)).rstrip("!") == SHORT


@pytest.mark.parametrize("first", ["Hold", SHORT[:11]])
def test_two_deltas_the_second_of_which_is_all_the_text(first: str) -> None:
    assert text_of(decode([*deltas(first, SHORT), chunk({}, "stop"), DONE])) == SHORT


@pytest.mark.parametrize("ends", [[chunk({}, "stop"), DONE], [chunk({}, "stop")]])
def test_a_last_delta_that_is_the_whole_answer_again(ends: list[bytes]) -> None:
    assert text_of(decode([*deltas(SHORT[:9], SHORT[9:], SHORT), *ends])) == SHORT
    chinese = "抓牢：绳子虽短，够得着岸。"
    assert text_of(decode([*deltas(chinese[:4], chinese[4:], chinese), *ends])) == chinese
    beside = [*deltas(SHORT[:9], SHORT[9:]), chunk({"content": SHORT}, "stop"), DONE]
    assert text_of(decode(beside)) == SHORT


@pytest.mark.parametrize(
    "texts",
    [
        ("1", "10"),
        ("haha", "hahaha"),
        ("ha", "ha", "ha"),
        ("-", "--", " and so on"),
        ("a", "ab", "abc", "x"),
        (SHORT, SHORT),  # one piece and the same again: nothing says that it is no refrain
        (SHORT[:9], SHORT[9:], SHORT, " And again."),
        ("Hold", "Hold fast", " the rope"),
    ],
)
def test_text_that_only_looks_like_a_repetition(texts: tuple[str, ...]) -> None:
    assert text_of(decode([*deltas(*texts), chunk({}, "stop"), DONE])) == "".join(texts)


# Chunks of other shapes.


def raw(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _choices(*choices: Any) -> Any:
    return {"id": "c", "choices": list(choices)}


_SAID = {"index": 0, "delta": {"content": "a"}}
_STOP = {"index": 0, "delta": {}, "finish_reason": "stop"}


@pytest.mark.parametrize(
    "stream",
    [
        [raw([_choices(_SAID)]), raw([_choices(_STOP)])],
        [raw({"data": _choices(_SAID)}), raw({"code": 0, "msg": "ok", "result": _choices(_STOP)})],
        [raw({"choices": _SAID}), raw({"choices": _STOP})],
        [raw(json.dumps(_choices(_SAID))), raw(json.dumps(_choices(_STOP)))],
        [b"data: " + raw(_choices(_SAID)), b"data: " + raw(_choices(_STOP))],
        [
            raw(_choices({"index": 0, "text": "a"})),
            raw(_choices({"text": "", "finish_reason": "stop"})),
        ],
        [raw(_choices(_SAID)), raw(_choices({"delta": {"finish_reason": "stop"}}))],
        [raw(_choices(_SAID)), raw({**_choices({"delta": {}}), "finish_reason": "stop"})],
        [raw(_choices(_SAID)), raw(_choices({"delta": {}, "finishReason": "stop"}))],
        [raw({**_choices(_SAID), "error": {"code": 0, "message": ""}}), raw(_choices(_STOP))],
        [
            b"data: ping\n\n",
            raw(_choices(_SAID)),
            raw(1),
            b"data: keep-alive\n\n",
            raw(_choices(_STOP)),
        ],
        [b"event: ping\ndata: 2026-01-01\n\n", raw(_choices(_SAID)), raw(_choices(_STOP))],
        [raw(_choices(_SAID)), raw(_choices(_STOP)).rstrip()],
    ],
    ids=range(13),
)
def test_chunks_of_other_shapes(stream: list[bytes]) -> None:
    said, *rest = [event for event in decode(stream) if not isinstance(event, UsageReport)]
    assert said == TextDelta("a")
    assert [type(event) for event in rest] == [Finished]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (raw({"success": False, "message": "Balance is insufficient"}), Kind.QUOTA),
        (raw({"ok": False, "msg": "no"}), Kind.SERVER_ERROR),
        (raw({"status": "failed", "reason": "worker crashed"}), Kind.SERVER_ERROR),
        (raw({"Error": {"Code": "ServiceUnavailable", "Message": "slow"}}), Kind.OVERLOADED),
        (raw({"exception": "RuntimeError: CUDA error"}), Kind.SERVER_ERROR),
        (raw({"internalServerException": {"message": "gone"}}), Kind.SERVER_ERROR),
        (raw({"throttlingException": {"message": "wait"}}), Kind.RATE_LIMITED),
        (raw({"header": {"code": 11, "message": "rate limit"}}), Kind.RATE_LIMITED),
        (raw({"statusCode": 429, "body": "{}"}), Kind.RATE_LIMITED),
        (raw([{"error": {"code": 503, "status": "UNAVAILABLE"}}]), Kind.OVERLOADED),
        (raw(_choices({"delta": {"error": {"message": "gone", "code": 503}}})), Kind.OVERLOADED),
        (raw({"error": True, "message": "gone"}), Kind.SERVER_ERROR),
        (b"event: error\ndata:\n\n", Kind.SERVER_ERROR),
        (b"event: exception\ndata: the model is overloaded\n\n", Kind.OVERLOADED),
        (b"data: Internal Server Error\n\n", Kind.SERVER_ERROR),
        (b"data: [ERROR] upstream closed the connection\n\n", Kind.BAD_GATEWAY),
        (b"data: Too many requests\n\n", Kind.RATE_LIMITED),
        (b"data: something else\n\n", Kind.PROTOCOL),
    ],
)
def test_errors_of_other_shapes_in_mid_stream(event: bytes, kind: Kind) -> None:
    *said, failure = decode([*deltas("a"), event, *deltas("lost"), DONE])
    assert said == [TextDelta("a")]
    assert (failure.kind, failure.phase) == (kind, Phase.STREAM)


@pytest.mark.parametrize(
    ("line", "root"),
    [
        (b"<html><title>502 Bad Gateway</title></html>\n", "502 Bad Gateway"),
        (b"upstream connect error, reset reason: connection termination\n", "termination"),
        (b"error: upstream closed the connection\n", "closed"),
    ],
)
def test_what_stands_between_the_events_explains_the_end(line: bytes, root: str) -> None:
    failure = decode([*deltas("a"), line])[-1]
    assert (failure.kind, failure.phase) == (Kind.TRUNCATED, Phase.END)
    assert root in failure.cause


# What counts nothing, and bodies of other sorts.


@pytest.mark.parametrize("count", ["1e400", "NaN", "-5", '"twelve"', '"-5"', "null", "true"])
def test_a_count_that_is_none_spoils_no_answer(count: str) -> None:
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": %b}}\n\n' % count.encode()
    events = decode([chunk({"content": "a"}), chunk({}, "stop"), usage, DONE])
    assert (text_of(events), type(events[-1])) == ("a", UsageReport)
    assert events[-1].input_tokens == 0


def test_an_answer_in_a_list_is_read() -> None:
    choice = {"message": {"content": "a"}, "finish_reason": "stop"}
    events = decode([json.dumps([{"choices": [choice]}]).encode()], "application/json")
    assert (text_of(events), type(events[-1])) == ("a", Finished)


@pytest.mark.parametrize(
    "body",
    [
        {"message": {"role": "assistant", "content": "an answer"}, "done": True},
        [{"generated_text": "an answer"}],
        ["an answer"],
    ],
)
def test_an_answer_of_no_dialect_is_not_told_as_an_error(body: Any) -> None:
    failure = decode([json.dumps(body).encode()], "application/json")[-1]
    assert (failure.kind, failure.phase) == (Kind.PROTOCOL, Phase.FIRST)
    assert "an answer" not in failure.detail.replace("neither an answer", "")


def test_digits_that_a_serializer_made_numbers_are_text() -> None:
    events = decode([chunk({"content": c}) for c in ("a ", 7, ".", 5, " b")] + [chunk({}, "stop")])
    assert text_of(events) == "a 7.5 b"


@pytest.mark.parametrize("choices", [None, []])
def test_a_body_without_any_choice_is_empty(choices: Any) -> None:
    data = json.dumps({"object": "chat.completion", "choices": choices, "usage": None}).encode()
    (failure,) = decode([data], "application/json")
    assert (failure.kind, failure.phase) == (Kind.EMPTY, Phase.END)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        (((3, 2), (0, 0)), [(3, 2)]),  # some close with zeros
        (((0, 0), (3, 2)), [(0, 0), (3, 2)]),
        ((("3", "2"),), [(3, 2)]),
        (((3.0, 2.0),), [(3, 2)]),
    ],
)
def test_counts_of_careless_senders(counts: Any, told: list[tuple[int, int]]) -> None:
    usage = [{"prompt_tokens": i, "completion_tokens": o} for i, o in counts]
    ends = [b"data: " + json.dumps({"choices": [], "usage": u}).encode() + b"\n\n" for u in usage]
    events = decode([chunk({"content": "a"}), chunk({}, "stop"), *ends, DONE])
    reports = [event for event in events if isinstance(event, UsageReport)]
    assert [(report.input_tokens, report.output_tokens) for report in reports] == told


@pytest.mark.parametrize(
    "empty",
    [
        {"tool_calls": [{"index": 0, "function": None}]},
        {"tool_calls": [{"index": 0, "id": "", "type": "function", "function": {"name": ""}}]},
        {"function_call": {"name": "", "arguments": ""}},
    ],
)
def test_a_call_of_which_nothing_is_said_is_none(empty: Any) -> None:
    told = decode([chunk({"content": "a", **empty}), chunk(empty), chunk({}, "stop"), DONE])
    assert told == [TextDelta("a"), Finished(StopReason.END, word="stop")]


# What was in doubt when the vendor stopped.


def test_arguments_in_doubt_are_told_where_the_model_was_stopped() -> None:
    """Nobody knows what they would have been: they are told as they came, and nothing is added."""
    begun = {"index": 0, "id": "a", "function": {"name": "f", "arguments": '"{'}}
    bare = {"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}}
    calls = [chunk({"tool_calls": [begun]}), chunk({"tool_calls": [bare]})]
    events = decode([*calls, chunk({}, "length"), DONE])
    told = "".join(event.arguments for event in events if isinstance(event, ToolCallDelta))
    assert (told, events[-1].reason) == ('"{', StopReason.LENGTH)


def test_an_event_without_choices_is_passed_on() -> None:
    news = b'data: {"type": "vendor.note", "payload": {"a": 1}}\n\n'
    events = decode([chunk({"content": "a"}), news, chunk({}, "stop"), DONE])
    (note,) = (event for event in events if isinstance(event, Foreign))
    assert note == Foreign({"chunk": {"type": "vendor.note", "payload": {"a": 1}}}, content=False)
