"""The gateway's door: who may pass, how much, and what is told to those who may not."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx2
import openai
import pytest
from tests.scenarios.house import House, house, run
from tests.upstream.leaks import until

from holdfast.gateway.limits import MAX_HEADERS
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

CHAT = "/v1/chat/completions"
KEY = "open-sesame-open"
HI = {"messages": [{"role": "user", "content": "Tell me about text:short"}]}

Visit = Callable[[House], Awaitable[None]]


def at(visit: Visit, key: str = "", **gateway: Any) -> None:
    """Runs `visit` in a house with the routes ok and stall."""

    def layout(sim: SimulatedUpstream, sim_tls: SimulatedUpstream) -> Mapping[str, Any]:
        return {
            "providers": {"p": {"base_url": sim.base_url}},
            "routes": {"ok": {"targets": ["p/ok"]}, "stall": {"targets": ["p/stall_headers"]}},
            "gateway": {**({"api_keys": [KEY]} if key else {}), **gateway},
        }

    async def main() -> None:
        async with house(layout, key) as there:
            await visit(there)

    run(main())


def told(answer: httpx2.Response) -> tuple[int, str, str | None]:
    """Status, kind and code of an error answer, which always has the same shape."""
    error = answer.json()["error"]
    assert error["holdfast"]["ref"] == answer.headers["x-request-id"]
    assert error["holdfast"]["ref"] in error["message"]
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, error["holdfast"]["kind"], error["code"]


# Keys.


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "missing_api_key"),
        ({"authorization": "Bearer wrong"}, "invalid_api_key"),
        ({"authorization": f"Basic {KEY}"}, "missing_api_key"),
        ({"authorization": f"Bearer {KEY}x"}, "invalid_api_key"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/ok", "/metrics", "/api/incidents"])
def test_without_the_key_nothing_is_told(path: str, given: Mapping[str, str], code: str) -> None:
    async def visit(there: House) -> None:
        async with httpx2.AsyncClient(base_url=there.url) as stranger:
            answer = await stranger.get(path, headers=given)
            asked = await stranger.post(CHAT, headers=given, json={"model": "ok", **HI})
        assert told(answer) == told(asked) == (401, "denied", code)
        assert answer.headers["www-authenticate"] == 'Bearer realm="holdfast"'
        assert there.sim.requests == type(there.sim.requests)()

    at(visit, KEY)


def test_with_the_key_all_is() -> None:
    async def visit(there: House) -> None:
        assert [model.id async for model in there.openai.models.list()] == ["ok", "stall"]
        answer = await there.openai.chat.completions.create(model="ok", **HI)
        assert "Hold fast" in answer.choices[0].message.content
        assert 'holdfast_calls_total{outcome="answered",route="ok"} 1.0' in await there.metrics()

    at(visit, KEY)


def test_the_official_client_knows_a_refused_key() -> None:
    async def visit(there: House) -> None:
        wrong = there.openai.with_options(api_key="wrong")
        with pytest.raises(openai.AuthenticationError) as caught:
            await wrong.chat.completions.create(model="ok", **HI)
        assert isinstance(caught.value.body, dict)
        assert caught.value.body["holdfast"]["hop"] == "client"

    at(visit, KEY)


@pytest.mark.parametrize(
    "foreign", [{"origin": "https://elsewhere.example"}, {"host": "rebound.example"}]
)
def test_a_web_page_elsewhere_cannot_use_a_keyless_gateway(foreign: Mapping[str, str]) -> None:
    async def visit(there: House) -> None:
        answer = await there.http.post(CHAT, headers=foreign, json={"model": "ok", **HI})
        assert told(answer) == (403, "denied", "foreign_origin")

    at(visit)


PAGE = "https://chat.example"


@pytest.mark.parametrize("key", ["", KEY])
@pytest.mark.parametrize("model", ["ok", "nothing-of-the-kind"])
def test_a_page_that_is_named_may_ask_and_read(key: str, model: str) -> None:
    async def visit(there: House) -> None:
        wish = {
            "origin": PAGE,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        }
        before = await there.http.options(CHAT, headers=wish)
        answer = await there.http.post(CHAT, headers={"origin": PAGE}, json={"model": model, **HI})
        assert before.status_code == 200
        assert "authorization" in before.headers["access-control-allow-headers"]
        assert answer.status_code == (200 if model == "ok" else 404)
        for told in (before, answer):
            assert told.headers["access-control-allow-origin"] == PAGE
        assert "x-request-id" in answer.headers["access-control-expose-headers"]
        elsewhere = await there.http.options(CHAT, headers={**wish, "origin": "https://x.example"})
        assert "access-control-allow-origin" not in elsewhere.headers

    at(visit, key, origins=[PAGE])


# Requests that make no sense.


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"", "invalid_json", None),
        (b"{", "invalid_json", None),
        (b'{"model": "\xff"}', "invalid_json", None),
        (b"[]", "wrong_type", None),
        (b"{}", "missing_field", "model"),
        (b'{"model": 7}', "wrong_type", "model"),
        (b'{"model": "ok"}', "missing_field", "messages"),
        (b'{"model": "ok", "messages": []}', "out_of_range", "messages"),
        (b'{"model": "ok", "messages": ["hi"]}', "wrong_type", "messages[0]"),
        (b'{"model": "ok", "messages": [{}], "stream": "yes"}', "wrong_type", "stream"),
        (b'{"model": "ok", "messages": [{}], "n": 0}', "out_of_range", "n"),
    ],
)
def test_a_bad_request_is_told_with_the_field(body: bytes, code: str, param: str | None) -> None:
    async def visit(there: House) -> None:
        answer = await there.http.post(CHAT, content=body)
        assert told(answer) == (400, "invalid", code)
        assert answer.json()["error"]["param"] == param
        assert answer.headers["x-should-retry"] == "false"
        assert f"{param or 'body'}" in answer.json()["error"]["message"]

    at(visit)


def test_what_is_not_here_is_told_so() -> None:
    async def visit(there: House) -> None:
        asked = await there.http.post(CHAT, json={"model": "gpt-0", **HI})
        assert told(asked) == (404, "no_route", "model_not_found")
        with pytest.raises(openai.NotFoundError):
            await there.openai.models.retrieve("gpt-0")
        assert told(await there.http.get("/v1/nowhere"))[0::2] == (404, "not_found")
        got = await there.http.get(CHAT)
        assert told(got)[0::2] == (405, "method_not_allowed")
        assert got.headers["allow"] == "POST"
        assert told(await there.http.get("/api/incidents/none"))[0::2] == (404, "not_found")
        assert (await there.http.get("/healthz")).json()["status"] == "ok"
        assert (await there.http.get("/readyz")).json()["status"] == "ready"

    at(visit)


def test_problem_details_for_those_who_ask_for_them() -> None:
    async def visit(there: House) -> None:
        answer = await there.http.post(
            CHAT, headers={"accept": "application/problem+json"}, json={"model": "gpt-0", **HI}
        )
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["status"], problem["kind"]) == (404, "no_route")
        assert problem["instance"] == f"urn:holdfast:ref:{answer.headers['x-request-id']}"

    at(visit)


@pytest.mark.parametrize(("language", "word"), [("zh-CN,zh;q=0.9", "模型"), ("de", "model")])
def test_it_speaks_the_language_of_the_client(language: str, word: str) -> None:
    async def visit(there: House) -> None:
        answer = await there.http.get("/v1/models/gpt-0", headers={"accept-language": language})
        assert word in answer.json()["error"]["message"]

    at(visit)


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        (
            CHAT,
            {"model": "none", "messages": [{"role": "user", "content": "Hello"}]},
            "没有这个名字",
        ),
        (CHAT, {"model": "ok", "messages": "Hello"}, "消息对象"),
        ("/v1/v1/chat/completions", {}, "地址是 /v1/chat/completions"),
        ("/v1/responses/resp_0/cancel", {}, "没有这个调用"),
    ],
)
def test_who_reads_chinese_is_refused_in_chinese(
    path: str, body: dict[str, Any], word: str
) -> None:
    async def visit(there: House) -> None:
        answer = await there.http.post(path, json=body, headers={"accept-language": "zh-CN"})
        assert word in answer.json()["error"]["message"]

    at(visit)


# How much.


def test_a_body_that_is_too_large_is_refused_however_it_comes() -> None:
    async def visit(there: House) -> None:
        big = b'{"model": "ok", "messages": "' + b"x" * 4096 + b'"}'

        async def pieces() -> Any:
            for start in range(0, len(big), 512):
                yield big[start : start + 512]

        for content in (big, pieces()):
            answer = await there.http.post(CHAT, content=content)
            assert told(answer) == (413, "invalid", "body_too_large")

    at(visit, max_body=2048)


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "GZIP"])
def test_a_packed_body_is_read(coding: str) -> None:
    async def visit(there: House) -> None:
        plain = b"\xef\xbb\xbf" + json.dumps({"model": "ok", **HI}).encode()
        packed = zlib.compress(plain) if coding == "deflate" else gzip.compress(plain)
        answer = await there.http.post(CHAT, headers={"content-encoding": coding}, content=packed)
        assert answer.status_code == 200

    at(visit)


@pytest.mark.parametrize(
    ("coding", "body", "status", "code"),
    [
        ("br", b"abc", 415, "unsupported_coding"),
        ("gzip", b"abc", 400, "invalid_coding"),
        ("gzip", gzip.compress(b"{}")[:-9], 400, "invalid_coding"),
        ("gzip", gzip.compress(bytes(5000)), 413, "body_too_large"),
    ],
    ids=["unknown", "none", "cut", "bomb"],
)
def test_a_packed_body_that_cannot_be_read(
    coding: str, body: bytes, status: int, code: str
) -> None:
    async def visit(there: House) -> None:
        headers = {"content-encoding": coding}
        answer = await there.http.post(CHAT, headers=headers, content=body)
        assert told(answer) == (status, "invalid", code)

    at(visit, max_body=2048)


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/v1/chat/completions", f"{CHAT}/"])
def test_an_address_that_is_almost_right_is_told_the_right_one(path: str) -> None:
    async def visit(there: House) -> None:
        answer = await there.http.post(path, json={"model": "ok", **HI})
        assert told(answer) == (404, "invalid", "not_found")
        assert f"the address is {CHAT}" in answer.text

    at(visit)


def test_headers_that_are_too_large_are_refused() -> None:
    async def visit(there: House) -> None:
        many = {f"x-h{number}": "x" * 2000 for number in range(MAX_HEADERS // 2000 + 1)}
        answer = await there.http.post(CHAT, headers=many, json={"model": "ok", **HI})
        assert told(answer) == (431, "invalid", "headers_too_large")

    at(visit)


def test_a_full_house_says_when_to_come_back() -> None:
    async def visit(there: House) -> None:
        waiting = asyncio.create_task(there.http.post(CHAT, json={"model": "stall", **HI}))
        await until(lambda: there.sim.open_streams == 1)
        answer = await there.http.post(CHAT, json={"model": "ok", **HI})
        assert told(answer) == (503, "capacity", "connection_limit_reached")
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["x-should-retry"] == "true"
        waiting.cancel()
        await until(lambda: there.running.services.gate.inside == 0)
        again = await there.http.post(CHAT, json={"model": "ok", **HI})
        assert again.status_code == 200
        assert 'holdfast_refused_total{kind="capacity"} 1.0' in await there.metrics()

    at(visit, max_concurrent=1)


def test_a_gateway_that_is_stopping_says_so() -> None:
    async def visit(there: House) -> None:
        there.running.services.gate.draining = True
        answer = await there.http.post(CHAT, json={"model": "ok", **HI})
        assert told(answer) == (503, "stopping", "proxy_internal_response")
        assert "being stopped or started again" in answer.json()["error"]["message"]
        assert answer.headers["x-should-retry"] == "true"
        spoken = await there.http.post(
            CHAT, json={"model": "ok", **HI}, headers={"accept-language": "zh"}
        )
        assert "服务正在停止或重启" in spoken.json()["error"]["message"]

    at(visit)


def test_a_request_that_comes_back_to_its_gateway_is_a_loop() -> None:
    async def visit(there: House) -> None:
        await there.http.post(CHAT, json={"model": "ok", **HI})
        via = there.sim.requests[-1].headers["via"]
        answer = await there.http.post(CHAT, headers={"via": via}, json={"model": "ok", **HI})
        assert told(answer) == (508, "loop", "proxy_loop_detected")
        long = ", ".join(f"1.1 gateway-{number}" for number in range(9))
        answer = await there.http.post(CHAT, headers={"via": long}, json={"model": "ok", **HI})
        assert told(answer)[:2] == (508, "loop")

    at(visit)


@pytest.mark.parametrize(
    ("level", "shown"), [("public", set()), ("tenant", {"target", "kind", "status"})]
)
def test_no_more_is_disclosed_than_the_operator_allows(level: str, shown: set[str]) -> None:
    def layout(sim: SimulatedUpstream, sim_tls: SimulatedUpstream) -> Mapping[str, Any]:
        return {
            "providers": {"p": {"base_url": sim.base_url}},
            "routes": {"r": {"targets": ["p/openai_401"]}},
            "gateway": {"disclose": level},
        }

    async def main() -> None:
        async with house(layout) as there:
            answer = await there.http.post(CHAT, json={"model": "r", **HI})
            error = answer.json()["error"]
            attempts = error["holdfast"]["attempts"]
            assert bool(attempts) == bool(shown)
            assert all(shown <= attempt.keys() for attempt in attempts)
            assert "Incorrect API key" not in answer.text
            refused = await there.http.get(f"/api/incidents/{error['holdfast']['ref']}")
            assert told(refused)[0::2] == (403, "not_disclosed")

    run(main())
