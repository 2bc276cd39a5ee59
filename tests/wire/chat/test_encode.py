"""How an upstream is asked: from the beginning, and to go on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.core.anchor import anchor
from holdfast.core.attempt import Credential, How, Target
from holdfast.core.request import Request
from holdfast.sim.continuation import Reply, reply_to
from holdfast.sim.library import TEXTS
from holdfast.sim.script import parse
from holdfast.wire.chat.ask import decode_request
from holdfast.wire.chat.encode import encode_request

USER = {"role": "user", "content": "Tell me text:demo"}
DEMO = TEXTS["demo"]["en"]


def asked(
    how: How, released: str = "", quirks: str = "", body: dict[str, Any] | None = None
) -> dict[str, Any]:
    given = {"model": "r", "messages": [USER], **(body or {})}
    request = decode_request(json.dumps(given).encode())
    assert isinstance(request, Request)
    target = Target("p/m", model="m", quirks=frozenset(quirks.split()))
    sent: dict[str, Any] = json.loads(encode_request(request, target, how, released).body)
    return sent


def test_the_clients_body_goes_out_as_it_came() -> None:
    body = {"temperature": 0.5, "top_k": 7, "stop": ["x"], "stream": False, "user": "u"}
    sent = asked(How.START, body=body)
    assert sent == {
        **body,
        "model": "m",
        "messages": [USER],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_the_key_and_the_headers_of_the_operator() -> None:
    request = decode_request(json.dumps({"model": "r", "messages": [USER]}).encode())
    assert isinstance(request, Request)
    target = Target("p/m", credential=Credential("k", "secret"), headers=(("X-A", "1"),))
    headers = dict(encode_request(request, target, How.START, "").headers)
    assert headers["authorization"] == "Bearer secret"
    assert headers["X-A"] == "1"
    own = Target("p/m", credential=Credential("k", "s"), headers=(("Authorization", "Mine"),))
    sent = encode_request(request, own, How.START, "").headers
    assert [value for name, value in sent if name.lower() == "authorization"] == ["Mine"]


@pytest.mark.parametrize(
    ("quirk", "in_message", "in_body"),
    [
        ("prefill:prefix", {"prefix": True}, {}),
        ("prefill:partial", {"partial": True}, {}),
        (
            "prefill:vllm",
            {},
            {"continue_final_message": True, "add_generation_prompt": False},
        ),
        ("prefill:plain", {}, {}),
    ],
)
def test_a_prefill_is_marked_as_the_vendor_wants_it(
    quirk: str, in_message: dict[str, Any], in_body: dict[str, Any]
) -> None:
    sent = asked(How.PREFILL, "Hold \n", quirk)
    assert sent["messages"] == [USER, {"role": "assistant", "content": "Hold", **in_message}]
    assert {name: sent[name] for name in in_body} == in_body


@pytest.mark.parametrize("cut", [5, 60, 200, len(DEMO) - 3])
def test_an_instruction_shows_what_was_said_and_where_to_begin(cut: int) -> None:
    released = DEMO[:cut]
    sent = asked(How.INSTRUCT, released)
    user, assistant, instruction = sent["messages"]
    assert (user, assistant["content"]) == (USER, released.rstrip())
    assert instruction["role"] == "user"
    assert anchor(released) in instruction["content"]
    reply = reply_to(sent, parse("ok;noise=exact").habits)
    assert isinstance(reply, Reply)
    assert released.rstrip() + reply.text == DEMO  # the simulated model has understood it


@pytest.mark.parametrize("released", ["", " \n"])
@pytest.mark.parametrize("how", [How.PREFILL, How.INSTRUCT])
def test_where_nothing_was_said_it_is_asked_from_the_beginning(how: How, released: str) -> None:
    assert asked(how, released)["messages"] == [USER]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_is_what_is_left_of_it(name: str) -> None:
    assert asked(How.START, body={name: 500})[name] == 500
    left = asked(How.PREFILL, DEMO[:200], body={name: 500})[name]
    assert 400 < left < 500
    assert asked(How.PREFILL, DEMO, body={name: 30})[name] == 16
    assert asked(How.PREFILL, DEMO, body={name: 8})[name] == 8  # never more than was allowed


def test_an_answer_that_the_client_had_begun_is_continued_as_one() -> None:
    begun = {"role": "assistant", "content": "Once upon"}
    sent = asked(How.PREFILL, " a time", body={"messages": [USER, begun]})
    assert sent["messages"] == [USER, {"role": "assistant", "content": "Once upon a time"}]
