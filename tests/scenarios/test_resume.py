"""Calls that outlive their connection: whoever comes back reads the very same bytes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from tests.scenarios.house import House, house, run

from holdfast.sim.habits import Habits
from holdfast.sim.script import expected
from holdfast.sim.upstream import SimulatedUpstream

KEY = "a-key-of-a-client"
ASKED: Mapping[str, Any] = {"messages": [{"role": "user", "content": "text:short"}], "stream": True}
RESUME = {"x-holdfast-resume": "1"}
TEXT = expected(ASKED, Habits())
_ID = re.compile(rb"^id: (\w+):(\d+)$", re.MULTILINE)


def layout(sim: SimulatedUpstream, _: SimulatedUpstream) -> Mapping[str, Any]:
    targets = {
        "fine": ["ok"],
        "slow": ["ok;pace=0.02"],
        "cut": ["reset@4", "ok"],
        "lost": ["sub2api_502"],
    }
    return {
        "providers": {"sim": {"base_url": sim.base_url}},
        "routes": {
            name: {"targets": [f"sim/{model}" for model in models]}
            for name, models in targets.items()
        },
        "gateway": {"api_keys": [KEY, "another-key"]},
    }


async def post(there: House, model: str, **headers: str) -> httpx2.Response:
    body = {**ASKED, "model": model}
    return await there.http.post("/v1/chat/completions", json=body, headers=headers)


async def begin(there: House, model: str, events: int, **headers: str) -> tuple[str, bytes]:
    """Reads so many events of a new call and hangs up; the call's id, and what was read."""
    body = {**ASKED, "model": model}
    stream = there.http.stream("POST", "/v1/chat/completions", json=body, headers=headers)
    read = b""
    async with stream as answer:
        async for piece in answer.aiter_raw():
            read += piece
            if read.count(b"\n\n") >= events:
                break
        return answer.headers["x-holdfast-call"], read


async def read_until_broken(there: House, path: str) -> tuple[bytes, bool]:
    """What comes, and whether the body ended in order."""
    read = b""
    try:
        async with there.http.stream("GET", path) as answer:
            async for piece in answer.aiter_raw():
                read += piece
    except httpx2.RemoteProtocolError:
        return read, False
    return read, True


@pytest.mark.parametrize("model", ["fine", "slow", "cut"])
def test_whoever_comes_back_reads_on_where_they_stopped(model: str) -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            call, read = await begin(there, model, 3, **RESUME)
            whole_events = read[: read.rindex(b"\n\n") + 2]
            last = _ID.findall(whole_events)[-1][1].decode()
            rest = await there.http.get(f"/v1/calls/{call}/events", params={"after": last})
            again = await there.http.get(f"/v1/calls/{call}/events")
            assert whole_events + rest.content == again.content
            assert again.content.endswith(b"data: [DONE]\n\n")
            by_header = {"last-event-id": f"{call}:{last}"}
            other = await there.http.get(f"/v1/calls/{call}/events", headers=by_header)
            assert other.content == rest.content
            assert spoken(again.content) == TEXT
            numbers = [int(number) for _, number in _ID.findall(again.content)]
            assert numbers == list(range(1, len(numbers) + 1))
            stood = (await there.http.get(f"/v1/calls/{call}")).json()
            assert stood["state"] == "ended"

    run(main())


def test_the_same_key_is_the_same_call() -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            key = {"idempotency-key": '"one"'}
            first = await post(there, "fine", **key)
            second = await post(there, "fine", **key)
            assert second.content == first.content
            assert second.headers["idempotency-replayed"] == "true"
            assert "idempotency-replayed" not in first.headers
            assert len(there.sim.requests) == 1
            other = await post(there, "cut", **key)
            assert other.status_code == 422
            assert other.json()["error"]["code"] == "idempotency_key_reused"

    run(main())


def test_a_call_that_runs_is_a_conflict_or_joined() -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            key = {"idempotency-key": "two"}
            first = asyncio.create_task(post(there, "slow", **key))
            while not there.sim.requests:
                await asyncio.sleep(0)
            conflict = await post(there, "slow", **key)
            assert conflict.status_code == 409
            assert "/events" in conflict.json()["error"]["message"]
            joined = await post(there, "slow", prefer="holdfast-attach", **key)
            assert joined.content == (await first).content
            assert len(there.sim.requests) == 1

    run(main())


def test_a_failure_is_replayed_as_it_was_told() -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            key = {"idempotency-key": "three"}
            first = await post(there, "lost", **key)
            asked = len(there.sim.requests)
            second = await post(there, "lost", **key)
            assert first.status_code == second.status_code == 502
            assert first.content == second.content
            assert len(there.sim.requests) == asked
            assert first.json()["error"]["holdfast"]["attempts"]

    run(main())


def test_nobody_reads_the_calls_of_others() -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            call, _ = await begin(there, "fine", 1, **RESUME)
            stranger = {"authorization": "Bearer another-key"}
            for path in (f"/v1/calls/{call}", f"/v1/calls/{call}/events"):
                assert (await there.http.get(path, headers=stranger)).status_code == 404
            nobody = {"authorization": "Bearer wrong"}
            assert (await there.http.get(f"/v1/calls/{call}", headers=nobody)).status_code == 401

    run(main())


def test_a_call_can_be_given_up() -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            call, _ = await begin(there, "slow", 2, **RESUME)
            stopped = await there.http.post(f"/v1/calls/{call}/cancel")
            assert stopped.json() == {"id": call, "stopped": True}
            read, whole = await read_until_broken(there, f"/v1/calls/{call}/events")
            assert not whole
            assert b"[DONE]" not in read
            assert b'"kind":"cancelled"' in read

    run(main())


@pytest.mark.parametrize("headers", [{"idempotency-key": ""}, {"idempotency-key": "x" * 300}])
def test_a_key_that_is_none_is_refused(headers: dict[str, str]) -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            answer = await post(there, "fine", **headers)
            assert answer.status_code == 400
            assert answer.json()["error"]["code"] == "invalid_idempotency_key"

    run(main())


def spoken(stream: bytes) -> str:
    found = re.findall(rb'^data: (\{.*"choices".*\})$', stream, re.MULTILINE)
    return "".join(_delta(data) for data in found)


def _delta(data: bytes) -> str:
    chunk = httpx2.Response(200, content=data).json()
    return "".join(c["delta"].get("content") or "" for c in chunk["choices"])
