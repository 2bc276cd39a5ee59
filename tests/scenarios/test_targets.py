"""Several targets and keys, and how long anybody is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.types import Message
from tests.scenarios.clients import streamed
from tests.scenarios.house import PATIENT, House, house, run
from tests.upstream.leaks import until
from tests.upstream.peers import Visit, peer

from holdfast.gateway import reply
from holdfast.sim.library import TEXTS
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

SHORT = TEXTS["short"]["en"]
HI = {"messages": [{"role": "user", "content": "Tell me about text:short"}]}
STREAM = (
    b'data: {"choices":[{"index":0,"delta":{"content":"well"}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


def _layout(route: Mapping[str, Any], limits: Mapping[str, float] = PATIENT) -> Any:
    def layout(sim: SimulatedUpstream, sim_tls: SimulatedUpstream) -> Mapping[str, Any]:
        providers = {name: {"base_url": sim.base_url, "timeouts": limits} for name in "ab"}
        return {"providers": providers, "routes": {"r": route}}

    return layout


def test_the_slower_of_two_is_given_up_at_once() -> None:
    async def main() -> None:
        route = {"targets": ["a/stall_headers", "b/ok"], "hedge": 0.1}
        async with house(_layout(route)) as there:
            assert (await streamed(there, "r", HI)).text == SHORT
            await there.sim.idle()
            assert there.sim.aborted == 1
            assert (await there.http.get("/api/incidents")).json()["data"] == []

    run(main())


def test_the_deadline_of_the_route_is_kept() -> None:
    async def main() -> None:
        route = {"targets": ["a/stall_headers", "b/stall@3"], "deadline": 0.4}
        async with house(_layout(route)) as there:
            told = await streamed(there, "r", HI)
            assert told.error
            assert (told.status, told.error["holdfast"]["kind"]) == (504, "deadline")
            await there.sim.idle()

    run(main())


def test_a_rejected_key_rests_and_the_next_of_the_pool_is_used() -> None:
    asked: list[str] = []

    async def manner(visit: Visit) -> None:
        while request := await visit.request():
            key = request.partition(b"authorization: Bearer ")[2].partition(b"\r\n")[0].decode()
            asked.append(key)
            good = key == "good-key"
            data = STREAM if good else b'{"error": {"message": "no", "code": "invalid_api_key"}}'
            status = b"200 OK" if good else b"401 No"
            kind = b"text/event-stream" if good else b"application/json"
            await visit.send(
                b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"
                % (status, kind, len(data), data)
            )

    async def main() -> None:
        async with peer(manner) as there:
            provider = {"base_url": f"{there.url}/v1", "api_keys": ["bad-key", "good-key"]}
            raw = {"providers": {"p": provider}, "routes": {"r": {"targets": ["p/m"]}}}
            async with house(lambda *_: raw) as home:
                for _ in range(3):
                    assert (await streamed(home, "r", HI)).text == "well"
                (incident,) = (await home.http.get("/api/incidents")).json()["data"]
                attempts = (await home.record(incident["ref"]))["attempts"]
        first, second = attempts
        assert (first["kind"], first["decision"]) == ("auth", "failover")
        assert first["target"] == second["target"] == "p/m"
        assert first["key"] != second["key"]
        assert asked == ["bad-key", "good-key", "good-key", "good-key"]

    run(main())


def test_a_target_that_keeps_failing_is_left_alone_while_another_is_well() -> None:
    async def main() -> None:
        async with house(_layout({"targets": ["a/openai_500", "b/ok"]})) as there:
            for _ in range(12):
                assert (await streamed(there, "r", HI)).text == SHORT
            asked = [seen.model for seen in there.sim.requests]
            assert asked.count("ok") == 12
            assert asked.count("openai_500") <= 6
            assert (await there.http.get("/readyz")).json()["status"] == "ready"

    run(main())


@pytest.mark.parametrize(
    "habit",
    [
        *(f"mode={mode}" for mode in ("any", "vllm", "prefix", "partial", "plain", "refuse")),
        "mode=ignore",
        "mode=any;echo",
    ],
)
def test_a_prefill_is_taken_in_every_manner_that_vendors_have(habit: str) -> None:
    """One that is refused is asked in words instead, and what is said again is cut off."""
    words = ("text:demo", "text:emoji", "text:code")
    places = (1, 7, 23, -1)

    async def main() -> None:
        def layout(sim: SimulatedUpstream, sim_tls: SimulatedUpstream) -> Mapping[str, Any]:
            base = {"base_url": sim.base_url, "timeouts": PATIENT}
            return {
                "providers": {"a": base, "b": {**base, "continuation": "prefill"}},
                "routes": {
                    f"r{place}": {"targets": [f"a/reset@{place}", f"b/ok;{habit}"]}
                    for place in places
                },
            }

        async with house(layout) as there:
            for word in words:
                for place in places:
                    body = {"messages": [{"role": "user", "content": f"Tell me {word}"}]}
                    told = await streamed(there, f"r{place}", body)
                    assert told.text == TEXTS[word.partition(":")[2]]["en"], (word, place)
                    assert told.error is None

    run(main())


def test_a_client_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """ASGI in process: `send` does not return, as when a client's window stays closed."""
    monkeypatch.setattr(reply, "CLIENT_PATIENCE", 0.05)

    async def ask(there: House) -> None:
        body = b'{"model": "r", "stream": true, "messages": [{"role": "user", "content": "hi"}]}'
        coming = [{"type": "http.request", "body": body}]

        async def receive() -> Message:
            if coming:
                return coming.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/chat/completions",
            "headers": [],
            "query_string": b"",
        }
        await there.running.app(scope, receive, send)

    async def main() -> None:
        async with house(_layout({"targets": ["a/ok;pace=9"]})) as there:
            await ask(there)
            await until(lambda: there.sim.open_streams == 0)
            assert there.running.services.gate.inside == 0
            assert there.sim.aborted == 1

    run(main())
