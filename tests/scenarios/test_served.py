"""What the served dialects owe their clients beside an answer, on real sockets."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx2
import openai
import pytest
from tests.scenarios.house import PATIENT, House, house, run
from tests.scenarios.speakers import SPEAKERS, Clients, Told, clients

from holdfast.sim.library import TEXTS
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

Plan = Callable[[SimulatedUpstream], Mapping[str, Any]]
HELLO = [{"role": "user", "content": "Tell me about text:demo please"}]
ASKED: Mapping[str, Mapping[str, Any]] = {
    "chat": {"messages": HELLO},
    "responses": {"input": HELLO[0]["content"]},
    "messages": {"messages": HELLO},
}
SERVED = tuple(ASKED)


def with_house(
    routes: Mapping[str, list[str]],
    check: Callable[[House, Clients], Awaitable[None]],
    key: str = "",
) -> None:
    """Providers by the name of their dialect, and `codex`, over one simulated upstream."""

    def layout(sim: SimulatedUpstream, _: SimulatedUpstream) -> Mapping[str, Any]:
        plain = {"base_url": sim.base_url, "timeouts": PATIENT, "continuation": "instruct"}
        codex = sim.base_url.replace("/v1", "/backend-api/codex")
        providers: dict[str, Any] = {d: {**plain, "dialect": d} for d in SERVED}
        providers["codex"] = {**plain, "base_url": codex, "preset": "codex", "api_keys": [TOKEN]}
        guarded = {"gateway": {"api_keys": [key]}} if key else {}
        made = {name: {"targets": targets} for name, targets in routes.items()}
        return {"providers": providers, "routes": made, **guarded}

    async def main() -> None:
        async with house(layout, key) as there, clients(there) as speaking:
            await check(there, speaking)

    run(main())


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


CLAIMS = {"https://api.openai.com/auth": {"chatgpt_account_id": "account-7"}}
TOKEN = f"{_part({'alg': 'none'})}.{_part(CLAIMS)}.sign"


# The Codex backend.


@pytest.mark.parametrize("served", SERVED)
@pytest.mark.parametrize(
    "fault", ["eof_before_headers", "eof@0", "eof@40", "reset@40", "error_event@40", "clean_end@40"]
)
def test_a_codex_stream_that_dies_is_made_whole(served: str, fault: str) -> None:
    """Before the headers, after response.created, in mid-text: by itself and by a stranger."""

    async def check(there: House, speaking: Clients) -> None:
        for route in ("alone", "helped"):
            told = await SPEAKERS[served](speaking, route, ASKED[served], True)
            assert (told.text, told.finish, told.error) == (TEXTS["demo"]["en"], "end", None)
        first = there.sim.requests[0]
        assert first.path.endswith("/backend-api/codex/responses")
        assert first.headers["chatgpt-account-id"] == "account-7"
        assert first.body["store"] is False

    routes = {
        "alone": [f"codex/{fault},ok"],
        "helped": [f"codex/{fault},usage_limit_reached", "messages/ok"],
    }
    with_house(routes, check)


def test_everything_a_client_may_ask_is_asked_of_codex_in_its_own_way() -> None:
    body = {
        "input": [{"role": "system", "content": "Be brief."}, HELLO[0]],
        "temperature": 0.5,
        "max_output_tokens": 99,
        "metadata": {"a": "b"},
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low"},
    }

    async def check(there: House, speaking: Clients) -> None:
        told = await SPEAKERS["responses"](speaking, "codex", body, True)
        assert told.finish == "end"
        sent = there.sim.requests[-1].body
        assert sent["reasoning"] == {"effort": "low"}
        assert sent["input"][0]["role"] == "developer"
        assert sent["include"] == ["reasoning.encrypted_content"]

    with_house({"codex": ["codex/ok"]}, check)


@pytest.mark.parametrize("served", SERVED)
def test_when_all_fail_the_real_cause_is_told_at_the_real_hop(served: str) -> None:
    async def check(there: House, speaking: Clients) -> None:
        told = await SPEAKERS[served](speaking, "codex", ASKED[served], True)
        assert told.error
        ours = told.error["holdfast"]
        assert (ours["kind"], ours["phase"], ours["hop"]) == ("truncated", "stream", "upstream")
        first, second = ours["attempts"][:2]
        assert (first["target"], first["cause"]) == ("codex/eof@40,usage_limit_reached", "EOF")
        assert second["kind"] == "quota"
        assert second["retry_after_ms"] > 60_000
        assert TEXTS["demo"]["en"].startswith(told.text)
        assert told.text

    with_house({"codex": ["codex/eof@40,usage_limit_reached"]}, check)


# What cannot be said.


@pytest.mark.parametrize(
    ("served", "field", "value", "target"),
    [
        ("chat", "logprobs", True, "messages"),
        ("chat", "stop", ["END"], "responses"),
        ("responses", "conversation", "conv_1", "chat"),
        ("messages", "stop_sequences", ["END"], "responses"),
    ],
)
def test_a_field_that_no_target_can_be_asked_is_named_with_400(
    served: str, field: str, value: Any, target: str
) -> None:
    async def check(there: House, speaking: Clients) -> None:
        asked = {**ASKED[served], field: value}
        told = await SPEAKERS[served](speaking, "alone", asked, False)
        assert told.error
        assert (told.status, told.error["param"]) == (400, field)
        assert told.error["code"] == "unsupported_field"
        assert not there.sim.requests
        told = await SPEAKERS[served](speaking, "both", asked, False)
        assert told.text == TEXTS["demo"]["en"]
        assert there.sim.requests[-1].body[field] == value

    with_house({"alone": [f"{target}/ok"], "both": [f"{target}/ok", f"{served}/ok"]}, check)


def test_what_no_target_can_be_asked_is_told_once_and_is_no_fault_of_theirs() -> None:
    drawing = {**ASKED["responses"], "tools": [{"type": "image_generation"}]}

    async def check(there: House, speaking: Clients) -> None:
        told = await SPEAKERS["responses"](speaking, "alone", drawing, False)
        assert told.error
        assert [attempt["target"] for attempt in told.error["holdfast"]["attempts"]] == ["chat/ok"]
        assert "chat/ok: its dialect has no words for a part of" in told.error["message"]
        assert "tools[0].type" in told.error["message"]
        told = await SPEAKERS["responses"](speaking, "last", drawing, False)
        assert told.text == TEXTS["demo"]["en"]
        incidents = (await there.http.get("/api/incidents")).json()["data"]
        assert [incident["outcome"] for incident in incidents] == ["failed"]

    others = [f"chat/ok;chunk={n}" for n in range(3, 9)]
    with_house({"alone": ["chat/ok", *others], "last": [*others, "responses/ok"]}, check)


@pytest.mark.parametrize("served", SERVED)
def test_of_the_same_dialect_unknown_fields_are_passed_on(served: str) -> None:
    async def check(there: House, speaking: Clients) -> None:
        news = {"extra_body": {"x_tomorrow": {"a": [1]}}}
        told = await SPEAKERS[served](speaking, "same", {**ASKED[served], **news}, True)
        assert told.finish == "end"
        assert there.sim.requests[-1].body["x_tomorrow"] == {"a": [1]}

    with_house({"same": [f"{served}/ok"]}, check)


def test_what_a_client_says_of_its_body_in_headers_reaches_its_own_dialect_alone() -> None:
    async def check(there: House, speaking: Clients) -> None:
        beta = {"extra_headers": {"anthropic-beta": "interleaved-thinking-2025-05-14"}}
        for route, expected in (("same", "interleaved-thinking-2025-05-14"), ("other", None)):
            told = await SPEAKERS["messages"](speaking, route, {**ASKED["messages"], **beta}, True)
            assert told.finish == "end"
            seen = there.sim.requests[-1].headers
            assert seen.get("anthropic-beta") == expected
            assert "x-stainless-lang" not in seen

    with_house({"same": ["messages/ok"], "other": ["chat/ok"]}, check)


# Errors over HTTP.


def test_each_sdk_understands_a_refusal() -> None:
    async def check(there: House, speaking: Clients) -> None:
        with pytest.raises(openai.NotFoundError) as chat:
            await speaking.openai.chat.completions.create(model="none", messages=HELLO)
        assert chat.value.code == "model_not_found"
        with pytest.raises(openai.NotFoundError) as responses:
            await speaking.openai.responses.create(model="none", input="hello")
        assert responses.value.code == "model_not_found"
        with pytest.raises(speaking.refused.NotFoundError) as messages:
            await speaking.anthropic.messages.create(model="none", messages=HELLO, max_tokens=9)
        body: Any = messages.value.body
        assert body["type"] == "error"
        assert body["error"]["type"] == "not_found_error"
        assert body["request_id"] == body["error"]["holdfast"]["ref"]
        with pytest.raises(speaking.refused.BadRequestError) as missing:
            await speaking.anthropic.post("/v1/messages", body={"model": "m"}, cast_to=object)
        told: Any = missing.value.body
        assert told["error"]["param"] == "messages"

    with_house({"m": ["chat/ok"]}, check)


def test_a_key_is_taken_as_either_vendor_sends_it() -> None:
    async def check(there: House, speaking: Clients) -> None:
        url, body = f"{there.url}/v1/messages", {**ASKED["messages"], "model": "m", "max_tokens": 9}
        async with httpx2.AsyncClient() as http:
            for headers, status in (
                ({"x-api-key": "secret-key"}, 200),
                ({"authorization": "Bearer secret-key"}, 200),
                ({"x-api-key": "wrong"}, 401),
                ({}, 401),
            ):
                answer = await http.post(url, json=body, headers=headers)
                assert answer.status_code == status
        assert answer.json()["error"]["type"] == "authentication_error"

    with_house({"m": ["chat/ok"]}, check, key="secret-key")


# The other routes.


def test_tokens_are_estimated_and_said_to_be() -> None:
    async def check(there: House, speaking: Clients) -> None:
        counted = await speaking.anthropic.messages.count_tokens(
            model="m", system="Be brief.", messages=HELLO
        )
        assert 8 <= counted.input_tokens <= 16
        assert counted.to_dict()["estimated"] is True
        with pytest.raises(speaking.refused.NotFoundError):
            await speaking.anthropic.messages.count_tokens(model="none", messages=HELLO)
        assert not there.sim.requests

    with_house({"m": ["chat/ok"]}, check)


def test_embeddings_are_passed_on_with_retry_and_failover() -> None:
    async def check(there: House, speaking: Clients) -> None:
        plain = await speaking.openai.embeddings.create(model="good", input=["a", "b"])
        assert [len(entry.embedding) for entry in plain.data] == [8, 8]
        assert (plain.model, plain.usage.prompt_tokens) == ("good", 2)
        saved = await speaking.openai.embeddings.create(model="bad", input=["a", "b"])
        assert [e.embedding for e in saved.data] == [e.embedding for e in plain.data]
        assert saved.to_dict()["holdfast"]["recovered"] is True
        with pytest.raises(openai.APIStatusError) as failed:
            await speaking.openai.embeddings.create(model="worse", input="a")
        body: Any = failed.value.body
        assert body["holdfast"]["kind"] == "bad_gateway"
        with pytest.raises(openai.BadRequestError) as nobody:
            await speaking.openai.embeddings.create(model="claude", input="a")
        assert nobody.value.param == "model"
        assert {seen.path for seen in there.sim.requests} == {"/v1/embeddings"}

    routes = {
        "good": ["chat/ok"],
        "bad": ["messages/ok", "chat/sub2api_502", "responses/ok"],
        "worse": ["chat/sub2api_502"],
        "claude": ["messages/ok"],
    }
    with_house(routes, check)


@pytest.mark.parametrize("served", SERVED)
def test_an_answer_begun_in_one_dialect_goes_on_in_the_others(served: str) -> None:
    """Twice cut, three dialects, one text."""

    async def check(there: House, speaking: Clients) -> None:
        told: Told = await SPEAKERS[served](speaking, "relay", ASKED[served], True)
        assert (told.text, told.finish) == (TEXTS["demo"]["en"], "end")
        paths = [seen.path.rpartition("/v1/")[2] for seen in there.sim.requests]
        assert paths == ["responses", "messages", "chat/completions"]

    with_house({"relay": ["responses/eof@30", "messages/reset@50", "chat/ok"]}, check)
