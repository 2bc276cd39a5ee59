"""Answers as the vendors of each dialect stream them, in the shapes of November 2026.

Each is told in every event that its vendor sends, with the members that are there today; what a
test adds to them is what nobody knows yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Payload = dict[str, Any]

# Responses, as OpenAI streams them.

_RESPONSE: Payload = {
    "id": "resp_up",
    "object": "response",
    "created_at": 1767225600,
    "status": "in_progress",
    "background": False,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "model": "gpt-5.5-2026-04-23",
    "output": [],
    "parallel_tool_calls": True,
    "reasoning": {"effort": "low", "summary": "auto"},
    "service_tier": "default",
    "store": True,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "usage": None,
}
_USAGE: Payload = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 16,
}


def _numbered(events: Sequence[Payload]) -> list[Payload]:
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _response(
    *items: tuple[Payload, Payload, Sequence[Payload]], status: str = "completed", **more: Any
) -> list[Payload]:
    """`items` are each as it is added, as it is done, and what is told between."""
    events: list[Payload] = [
        {"type": "response.created", "response": {**_RESPONSE}},
        {"type": "response.in_progress", "response": {**_RESPONSE}},
    ]
    for index, (opened, closed, between) in enumerate(items):
        events.append({"type": "response.output_item.added", "output_index": index, "item": opened})
        events += ({**event, "output_index": index, "item_id": opened["id"]} for event in between)
        events.append({"type": "response.output_item.done", "output_index": index, "item": closed})
    output = [closed for _, closed, _ in items]
    last = {**_RESPONSE, "status": status, "output": output, "usage": _USAGE, **more}
    return _numbered([*events, {"type": f"response.{status}", "response": last}])


_Item = tuple[Payload, Payload, Sequence[Payload]]


def _spoken(
    id: str, deltas: Sequence[str], annotations: Sequence[Payload] = (), **more: Any
) -> _Item:
    said = "".join(deltas)
    item: Payload = {"id": id, "type": "message", "status": "in_progress", "role": "assistant"}
    logprobs = [{"token": delta, "logprob": -0.1, "top_logprobs": []} for delta in deltas]
    place = {"content_index": 0}
    part: Payload = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
    told = {**part, "annotations": list(annotations), "logprobs": logprobs, "text": said}
    return (
        {**item, "content": [], **more},
        {**item, "status": "completed", "content": [told], **more},
        [
            {"type": "response.content_part.added", **place, "part": part},
            *(
                {
                    "type": "response.output_text.delta",
                    **place,
                    "delta": delta,
                    "logprobs": [logprob],
                    "obfuscation": "x" * number,
                }
                for number, (delta, logprob) in enumerate(zip(deltas, logprobs, strict=True), 3)
            ),
            *(
                {
                    "type": "response.output_text.annotation.added",
                    **place,
                    "annotation_index": number,
                    "annotation": annotation,
                }
                for number, annotation in enumerate(annotations)
            ),
            {"type": "response.output_text.done", **place, "text": said, "logprobs": logprobs},
            {"type": "response.content_part.done", **place, "part": told},
        ],
    )


def _refused(id: str, deltas: Sequence[str]) -> _Item:
    item: Payload = {"id": id, "type": "message", "status": "in_progress", "role": "assistant"}
    part: Payload = {"type": "refusal", "refusal": ""}
    told = {"type": "refusal", "refusal": "".join(deltas)}
    place = {"content_index": 0}
    return (
        {**item, "content": []},
        {**item, "status": "completed", "content": [told]},
        [
            {"type": "response.content_part.added", **place, "part": part},
            *({"type": "response.refusal.delta", **place, "delta": delta} for delta in deltas),
            {"type": "response.refusal.done", **place, "refusal": told["refusal"]},
            {"type": "response.content_part.done", **place, "part": told},
        ],
    )


def _reasoned(id: str, summaries: Sequence[Sequence[str]]) -> _Item:
    item: Payload = {"id": id, "type": "reasoning", "encrypted_content": "sealed", "summary": []}
    parts = [{"type": "summary_text", "text": "".join(deltas)} for deltas in summaries]
    told: list[Payload] = []
    for place, deltas in enumerate(summaries):
        at = {"summary_index": place}
        part = parts[place]
        told += [
            {
                "type": "response.reasoning_summary_part.added",
                **at,
                "part": {"type": "summary_text", "text": ""},
            },
            *(
                {"type": "response.reasoning_summary_text.delta", **at, "delta": delta}
                for delta in deltas
            ),
            {"type": "response.reasoning_summary_text.done", **at, "text": part["text"]},
            {"type": "response.reasoning_summary_part.done", **at, "part": part},
        ]
    return (item, {**item, "encrypted_content": "sealed and done", "summary": parts}, told)


def _reasoned_aloud(id: str, deltas: Sequence[str]) -> _Item:
    """As open models do: no summary, but the very thoughts."""
    item: Payload = {"id": id, "type": "reasoning", "summary": []}
    part = {"type": "reasoning_text", "text": "".join(deltas)}
    at = {"content_index": 0}
    told: list[Payload] = [
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        *({"type": "response.reasoning_text.delta", **at, "delta": delta} for delta in deltas),
        {"type": "response.reasoning_text.done", **at, "text": part["text"]},
        {"type": "response.content_part.done", **at, "part": part},
    ]
    return (item, {**item, "content": [part]}, told)


def _called(id: str, arguments: Sequence[str], *, custom: bool = False) -> _Item:
    kind, name = ("custom_tool_call", "input") if custom else ("function_call", "arguments")
    stem = "custom_tool_call_input" if custom else "function_call_arguments"
    item = {"id": id, "type": kind, "status": "in_progress", "call_id": f"call_{id}", "name": "f"}
    said = "".join(arguments)
    return (
        {**item, name: ""},
        {**item, name: said, "status": "completed"},
        [
            *(
                {"type": f"response.{stem}.delta", "delta": delta, "obfuscation": "x"}
                for delta in arguments
            ),
            {"type": f"response.{stem}.done", name: said},
        ],
    )


def _searched(id: str) -> _Item:
    item = {"id": id, "type": "web_search_call", "status": "in_progress"}
    steps = ("in_progress", "searching", "completed")
    told = [{"type": f"response.web_search_call.{step}"} for step in steps]
    action = {"type": "search", "query": "q", "sources": [{"type": "url", "url": "u"}]}
    return (item, {**item, "status": "completed", "action": action}, told)


_CITED = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0}

RESPONSES: Mapping[str, list[Payload]] = {
    "text": _response(_spoken("msg_0", ["Hold", "fast", "."], phase="final_answer")),
    "citations": _response(
        _searched("ws_0"),
        _spoken(
            "msg_1", ["Hold", "fast"], [{**_CITED, "end_index": 4}, {**_CITED, "end_index": 8}]
        ),
    ),
    "refusal": _response(_refused("msg_0", ["I can", "not."])),
    "reasoning": _response(
        _reasoned("rs_0", [["One ", "thought"], ["Another"]]), _spoken("msg_1", ["Yes", "."])
    ),
    "reasoning aloud": _response(
        _reasoned_aloud("rs_0", ["One ", "thought"]), _spoken("msg_1", ["Yes", "."])
    ),
    "calls": _response(
        _spoken("msg_0", ["Let me", " look."], phase="commentary"),
        _called("fc_1", ['{"a"', ":1}"]),
        _called("fc_2", ['{"b"', ":2}"]),
        _called("ctc_3", ["free ", "text"], custom=True),
    ),
    "cut": _response(
        _spoken("msg_0", ["Hold", "fast"]),
        status="incomplete",
        incomplete_details={"reason": "max_output_tokens"},
    ),
}

# Messages, as Anthropic streams them.


def _message(stop: str, *blocks: tuple[Payload, Sequence[Payload]], **more: Any) -> list[Payload]:
    events: list[Payload] = [
        {
            "type": "message_start",
            "message": {
                "id": "msg_up",
                "type": "message",
                "role": "assistant",
                "model": "claude-opus-4-8",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 3, "output_tokens": 1, "service_tier": "standard"},
            },
        }
    ]
    for index, (opened, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": opened})
        if not index:
            events.append({"type": "ping"})
        events += (
            {"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas
        )
        events.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": stop, "stop_sequence": None, **more}
    last = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}}
    return [*events, last, {"type": "message_stop"}]


_Block = tuple[Payload, Sequence[Payload]]


def _text(*deltas: str, citations: Sequence[Payload] = ()) -> _Block:
    return (
        {"type": "text", "text": "", **({"citations": []} if citations else {})},
        [
            *({"type": "text_delta", "text": delta} for delta in deltas),
            *({"type": "citations_delta", "citation": citation} for citation in citations),
        ],
    )


def _thinking(*deltas: str) -> _Block:
    return (
        {"type": "thinking", "thinking": "", "signature": ""},
        [
            *({"type": "thinking_delta", "thinking": delta} for delta in deltas),
            {"type": "signature_delta", "signature": "signed"},
        ],
    )


def _use(id: str, *deltas: str) -> _Block:
    return (
        {"type": "tool_use", "id": id, "name": "f", "input": {}, "caller": {"type": "direct"}},
        [{"type": "input_json_delta", "partial_json": delta} for delta in deltas],
    )


_PLACE = {"type": "char_location", "cited_text": "a", "document_index": 0, "document_title": "A"}
_FOUND = {"type": "web_search_result", "title": "A", "url": "u", "encrypted_content": "sealed"}

MESSAGES: Mapping[str, list[Payload]] = {
    "text": _message("end_turn", _text("Hold", "fast", ".")),
    "citations": _message(
        "end_turn",
        (
            {"type": "server_tool_use", "id": "st_0", "name": "web_search", "input": {}},
            [{"type": "input_json_delta", "partial_json": '{"query":"q"}'}],
        ),
        ({"type": "web_search_tool_result", "tool_use_id": "st_0", "content": [_FOUND]}, []),
        _text("Hold", "fast", citations=[_PLACE, {**_PLACE, "document_index": 1}]),
        _text(" and more"),
    ),
    "thinking": _message("end_turn", _thinking("One ", "thought"), _text("Yes", ".")),
    "sealed": _message(
        "end_turn", ({"type": "redacted_thinking", "data": "sealed"}, []), _text("Yes")
    ),
    "calls": _message(
        "tool_use",
        _thinking("Hm"),
        _text("Let me", " look."),
        _use("toolu_1", '{"a"', ":1}"),
        _use("toolu_2", '{"b"', ":2}"),
    ),
    "cut": _message("max_tokens", _text("Hold", "fast"), container={"id": "c_1"}),
}

# Chat completions, as OpenAI streams them, and as those do who stream reasoning beside it.


def _chunk(delta: Payload, finish: str | None = None, **more: Any) -> Payload:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {
        "id": "chatcmpl-up",
        "object": "chat.completion.chunk",
        "created": 1767225600,
        "model": "gpt-5.5-2026-04-23",
        "service_tier": "default",
        "system_fingerprint": "fp_1",
        "choices": [{**choice, **more}],
        "obfuscation": "x",
    }


def _chat(finish: str, *deltas: Payload, **more: Any) -> list[Payload]:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 7,
        "total_tokens": 16,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    return [
        _chunk({"role": "assistant", "content": "", "refusal": None}),
        *(_chunk(delta) for delta in deltas),
        _chunk({}, finish, **more),
        {**_chunk({}), "choices": [], "usage": usage},
    ]


def _fragment(index: int, arguments: str, **more: Any) -> Payload:
    function = {**({"name": "f"} if more else {}), "arguments": arguments}
    return {"tool_calls": [{"index": index, **more, "function": function}]}


def _with_logprobs(chunk: Payload) -> Payload:
    """Beside words only."""
    content = [{"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}]
    choices = [
        {**choice, "logprobs": {"content": content}} if choice["delta"].get("content") else choice
        for choice in chunk["choices"]
    ]
    return {**chunk, "choices": choices}


CHAT: Mapping[str, list[Payload]] = {
    "text": _chat("stop", *({"content": text} for text in ("Hold", "fast", "."))),
    "log probabilities": [
        _with_logprobs(chunk) for chunk in _chat("stop", {"content": "Hold"}, {"content": "fast"})
    ],
    "citations": _chat(
        "stop",
        {"content": "Hold"},
        {"annotations": [{"type": "url_citation", "url_citation": {"url": "u", "title": "A"}}]},
    ),
    "refusal": _chat("stop", {"refusal": "I can"}, {"refusal": "not."}),
    "reasoning": _chat(
        "stop", {"reasoning_content": "One "}, {"reasoning_content": "thought"}, {"content": "Yes"}
    ),
    "reasoning details": _chat(
        "stop",
        {"reasoning": "Hm", "reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]},
        {"content": "Yes"},
    ),
    "calls": _chat(
        "tool_calls",
        {"content": "Let me look."},
        _fragment(0, "", id="call_0", type="function"),
        _fragment(0, '{"a"'),
        _fragment(0, ":1}"),
        _fragment(1, "", id="call_1", type="function"),
        _fragment(1, '{"b":2}'),
    ),
    "filtered": _chat("stop", {"content": "Hold"}, content_filter_results={"hate": {"on": False}}),
}

STREAMS: Mapping[str, Mapping[str, list[Payload]]] = {
    "chat": CHAT,
    "responses": RESPONSES,
    "messages": MESSAGES,
}

# The same answers as those who do not stream give them.


def _body_of_chat(chunks: Sequence[Payload]) -> Payload:
    message: Payload = {"role": "assistant", "content": None, "refusal": None}
    calls: dict[int, Payload] = {}
    choice: Payload = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            for name, value in choice["delta"].items():
                if name == "tool_calls":
                    for call in value:
                        _add(calls.setdefault(call["index"], {}), call)
                else:
                    _add(message, {name: value})
    if calls:
        message["tool_calls"] = list(calls.values())
    whole = {name: value for name, value in choice.items() if name != "delta"}
    last = {**chunks[-1], "object": "chat.completion"}
    del last["obfuscation"]
    return {**last, "choices": [{**whole, "message": message}]}


def _add(held: Payload, fragment: Payload) -> None:
    for name, value in fragment.items():
        before = held.get(name)
        if isinstance(value, dict):
            _add(held.setdefault(name, {}), value)
        elif isinstance(value, str) and isinstance(before, str) and name not in ("role", "id"):
            held[name] = before + value
        elif value is not None:
            held[name] = value


def _body_of_messages(events: Sequence[Payload]) -> Payload:
    blocks: list[Payload] = []
    message: Payload = {}
    for event in events:
        match event["type"]:
            case "message_start":
                message = {**event["message"]}
            case "content_block_start":
                blocks.append({**event["content_block"]})
            case "content_block_delta":
                delta = event["delta"]
                match delta["type"]:
                    case "input_json_delta":
                        blocks[-1]["input"] = {**blocks[-1]["input"], delta["partial_json"]: 1}
                    case "citations_delta":
                        blocks[-1]["citations"] = [*blocks[-1]["citations"], delta["citation"]]
                    case kind:
                        name = kind.removesuffix("_delta")
                        blocks[-1][name] += delta[name]
            case "message_delta":
                message |= event["delta"]
                message["usage"] = {**message["usage"], **event["usage"]}
            case _:
                pass
    return {**message, "content": blocks}


BODIES: Mapping[str, Mapping[str, Payload]] = {
    "chat": {name: _body_of_chat(chunks) for name, chunks in CHAT.items()},
    "responses": {name: events[-1]["response"] for name, events in RESPONSES.items()},
    "messages": {name: _body_of_messages(events) for name, events in MESSAGES.items()},
}

# Requests, with something of every kind in them.

_SCHEMA = {"type": "object", "properties": {"a": {"type": "number"}}}

REQUESTS: Mapping[str, Payload] = {
    "chat": {
        "model": "mine",
        "stream": True,
        "stream_options": {"include_obfuscation": False},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "https://a.example/i.png"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "f", "arguments": "{}"},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "4"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": _SCHEMA}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": _SCHEMA}},
        "logprobs": True,
        "top_logprobs": 2,
        "metadata": {"a": "b"},
    },
    "responses": {
        "model": "mine",
        "stream": True,
        "instructions": "Be brief.",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": "https://a.example/i.png"},
                ],
            },
            {
                "id": "rs_1",
                "type": "reasoning",
                "encrypted_content": "sealed",
                "summary": [{"type": "summary_text", "text": "Hm"}],
            },
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "A cat.", "annotations": []}],
            },
            {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "4"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": _SCHEMA}, {"type": "web_search"}],
        "tool_choice": {"type": "function", "name": "f"},
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "s", "schema": _SCHEMA}},
        "include": ["reasoning.encrypted_content"],
        "metadata": {"a": "b"},
    },
    "messages": {
        "model": "mine",
        "max_tokens": 4096,
        "stream": True,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {
                        "type": "image",
                        "source": {"type": "url", "url": "https://a.example/i.png"},
                        "cache_control": {"type": "ephemeral"},
                    },
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm", "signature": "signed"},
                    {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "content": [{"type": "text", "text": "4"}],
                    }
                ],
            },
        ],
        "tools": [{"name": "f", "input_schema": _SCHEMA}],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "metadata": {"user_id": "u"},
    },
}
