"""Calls that outlive their connection: whoever comes back reads the very same bytes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
import pytest
from tests.scenarios.dialogue import Dialogue, dialogues, last_event, text_of
from tests.scenarios.house import House, house, run
from tests.scenarios.speakers import SPEAKERS, clients
from tests.upstream.leaks import until

from holdfast.engine.ports import Engine, Entry
from holdfast.gateway.retention import drop_calls
from holdfast.sim.upstream import SimulatedUpstream
from holdfast.store.ports import StoreFailed

KEY = "a-key-of-a-client"
ASK = "text:short"
TEXT = text_of(ASK)
DIALOGUES = dialogues(ASK)
RESUME = {"x-holdfast-resume": "1"}
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


in_every_dialect = pytest.mark.parametrize(
    "dialogue", [pytest.param(dialogue, id=name) for name, dialogue in DIALOGUES.items()]
)


async def post(there: House, dialogue: Dialogue, model: str, **headers: str) -> httpx2.Response:
    body = {**dialogue.body, "model": model}
    return await there.http.post(dialogue.path, json=body, headers=headers)


async def begin(
    there: House, dialogue: Dialogue, model: str, events: int, **headers: str
) -> tuple[str, bytes]:
    """Reads so many events of a new call and hangs up; the call's id, and what was read."""
    body = {**dialogue.body, "model": model}
    stream = there.http.stream("POST", dialogue.path, json=body, headers=headers)
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


@in_every_dialect
@pytest.mark.parametrize("model", ["fine", "slow", "cut"])
def test_whoever_comes_back_reads_on_where_they_stopped(dialogue: Dialogue, model: str) -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            call, read = await begin(there, dialogue, model, 3, **RESUME)
            whole_events = read[: read.rindex(b"\n\n") + 2]
            last = _ID.findall(whole_events)[-1][1].decode()
            rest = await there.http.get(f"/v1/calls/{call}/events", params={"after": last})
            again = await there.http.get(f"/v1/calls/{call}/events")
            assert whole_events + rest.content == again.content
            assert dialogue.end in last_event(again.content)
            by_header = {"last-event-id": f"{call}:{last}"}
            other = await there.http.get(f"/v1/calls/{call}/events", headers=by_header)
            assert other.content == rest.content
            assert dialogue.spoken(again.content) == TEXT
            numbers = [int(number) for _, number in _ID.findall(again.content)]
            assert numbers == list(range(1, len(numbers) + 1))
            stood = (await there.http.get(f"/v1/calls/{call}")).json()
            assert stood["state"] == "ended"

    run(main())


@in_every_dialect
def test_the_same_key_is_the_same_call(dialogue: Dialogue) -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            key = {"idempotency-key": '"one"'}
            first = await post(there, dialogue, "fine", **key)
            second = await post(there, dialogue, "fine", **key)
            assert second.content == first.content
            assert second.headers["idempotency-replayed"] == "true"
            assert "idempotency-replayed" not in first.headers
            assert len(there.sim.requests) == 1
            other = await post(there, dialogue, "cut", **key)
            assert other.status_code == 422
            assert other.json()["error"]["code"] == "idempotency_key_reused"
            assert other.json()["error"]["holdfast"]["ref"]

    run(main())


@in_every_dialect
def test_a_call_that_runs_is_a_conflict_or_joined(dialogue: Dialogue) -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            key = {"idempotency-key": "two"}
            with there.pulse.held(after=1):
                first = asyncio.create_task(post(there, dialogue, "slow", **key))
                await until(lambda: bool(there.sim.requests))
                conflict = await post(there, dialogue, "slow", **key)
            assert conflict.status_code == 409
            assert "/events" in conflict.json()["error"]["message"]
            joined = await post(there, dialogue, "slow", prefer="holdfast-attach", **key)
            assert joined.content == (await first).content
            assert len(there.sim.requests) == 1

    run(main())


@in_every_dialect
def test_a_failure_is_replayed_as_it_was_told(dialogue: Dialogue) -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            key = {"idempotency-key": "three"}
            first = await post(there, dialogue, "lost", **key)
            asked = len(there.sim.requests)
            second = await post(there, dialogue, "lost", **key)
            assert first.status_code == second.status_code == 502
            assert first.content == second.content
            assert len(there.sim.requests) == asked
            assert first.json()["error"]["holdfast"]["attempts"]

    run(main())


@in_every_dialect
def test_nobody_reads_the_calls_of_others(dialogue: Dialogue) -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            call, _ = await begin(there, dialogue, "fine", 1, **RESUME)
            stranger = {"authorization": "Bearer another-key"}
            for path in (f"/v1/calls/{call}", f"/v1/calls/{call}/events"):
                assert (await there.http.get(path, headers=stranger)).status_code == 404
            same = {"authorization": "", "x-api-key": KEY}
            assert (await there.http.get(f"/v1/calls/{call}", headers=same)).status_code == 200
            nobody = {"authorization": "Bearer wrong"}
            assert (await there.http.get(f"/v1/calls/{call}", headers=nobody)).status_code == 401

    run(main())


@in_every_dialect
def test_a_call_can_be_given_up(dialogue: Dialogue) -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            with there.pulse.held(after=3):
                call, _ = await begin(there, dialogue, "slow", 2, **RESUME)
                stopped = await there.http.post(f"/v1/calls/{call}/cancel")
            assert stopped.json() == {"id": call, "stopped": True}
            read, whole = await read_until_broken(there, f"/v1/calls/{call}/events")
            assert whole == (b"response.failed" in dialogue.cut)
            assert dialogue.end not in read
            assert dialogue.cut in last_event(read)
            assert b'"kind":"cancelled"' in read

    run(main())


@pytest.mark.parametrize("headers", [{"idempotency-key": ""}, {"idempotency-key": "x" * 300}])
def test_a_key_that_is_none_is_refused(headers: dict[str, str]) -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            answer = await post(there, DIALOGUES["chat"], "fine", **headers)
            assert answer.status_code == 400
            assert answer.json()["error"]["code"] == "invalid_idempotency_key"

    run(main())


@pytest.mark.parametrize("dialect", DIALOGUES)
@pytest.mark.parametrize("model", ["fine", "cut"])
def test_ids_are_nothing_to_the_official_clients(dialect: str, model: str) -> None:
    async def main() -> None:
        async with house(layout, KEY) as there, clients(there, KEY) as speaking:
            asked = {k: v for k, v in DIALOGUES[dialect].body.items() if k != "stream"}
            told = await SPEAKERS[dialect](
                speaking, model, {**asked, "extra_headers": RESUME}, True
            )
            assert (told.text, told.finish, told.error) == (TEXT, "end", None)

    run(main())


def test_headers_of_its_dialect_are_kept_with_a_call() -> None:
    def with_messages(sim: SimulatedUpstream, _: SimulatedUpstream) -> Mapping[str, Any]:
        provider = {"base_url": sim.base_url, "dialect": "messages"}
        return {
            "providers": {"sim": provider},
            "routes": {"fine": {"targets": ["sim/ok"]}},
            "gateway": {"api_keys": [KEY]},
        }

    async def main() -> None:
        async with house(with_messages, KEY) as there:
            beta = {"anthropic-beta": "tomorrow-2026-12-01"}
            told = await post(there, DIALOGUES["messages"], "fine", **RESUME, **beta)
            assert DIALOGUES["messages"].spoken(told.content) == TEXT
            assert there.sim.requests[0].headers["anthropic-beta"] == beta["anthropic-beta"]

    run(main())


def test_a_call_of_embeddings_is_kept_too() -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            body = {"model": "fine", "input": ["one", "two"]}
            key = {"idempotency-key": "vectors"}
            first = await there.http.post("/v1/embeddings", json=body, headers=key)
            second = await there.http.post("/v1/embeddings", json=body, headers=key)
            assert first.status_code == 200
            assert len(first.json()["data"]) == 2
            assert second.content == first.content
            assert [request.path for request in there.sim.requests] == ["/v1/embeddings"]

    run(main())


def test_what_has_been_kept_for_long_is_dropped() -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            turns = there.running.services.turns
            assert turns
            with there.pulse.held(after=3):
                call, _ = await begin(there, DIALOGUES["chat"], "slow", 1, **RESUME)
                assert await drop_calls(turns, float("inf")) == 0  # it runs
            await there.http.get(f"/v1/calls/{call}/events")
            ended = {"state": ""}
            while ended["state"] != "ended":
                ended = (await there.http.get(f"/v1/calls/{call}")).json()
            assert await drop_calls(turns, 0.0) == 0
            assert await drop_calls(turns, float("inf")) == 1
            for path in (f"/v1/calls/{call}", f"/v1/calls/{call}/events"):
                gone = await there.http.get(path)
                assert (gone.status_code, gone.json()["error"]["code"]) == (404, "call_not_found")

    run(main())


@in_every_dialect
def test_who_waits_for_a_first_word_at_the_end_of_service_is_told_to_come_back(
    dialogue: Dialogue,
) -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            key = {"idempotency-key": "last"}
            with there.pulse.held():
                waiting = asyncio.create_task(post(there, dialogue, "slow", **key))
                await until(lambda: bool(there.sim.requests))
                there.running.services.drain.finish()
                told = await waiting
            assert told.status_code == 503
            assert told.headers["x-should-retry"] == "true"
            assert told.json()["error"]["holdfast"]["kind"] == "stopping"

    run(main())


class Away:
    """An engine whose readers are left after the first entries, until the store is back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.until = 1  # so many are read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def watch(self, turn_id: str, after: int = 0) -> AsyncIterator[Entry]:
        async for entry in self._engine.watch(turn_id, after):
            if entry.sequence > self.until:
                break
            yield entry
        raise StoreFailed("the server closed the connection")


@in_every_dialect
def test_a_reader_whom_the_store_leaves_is_told_so_and_comes_back(dialogue: Dialogue) -> None:
    async def main() -> None:
        async with house(layout, KEY) as there:
            call, _ = await begin(there, dialogue, "slow", 1, **RESUME)
            whole = (await there.http.get(f"/v1/calls/{call}/events")).content
            services = there.running.services
            assert services.engine
            away = Away(services.engine)
            object.__setattr__(services, "engine", away)
            read, in_order = await read_until_broken(there, f"/v1/calls/{call}/events")
            last = last_event(read)
            assert not in_order
            assert b"event: error" in last
            assert b'"kind":"store"' in last
            assert b"closed the connection), in the middle of the answer" in last
            told = read.removesuffix(last + b"\n\n")
            assert whole.startswith(told)
            away.until = 0
            refused = await there.http.get(f"/v1/calls/{call}/events")
            assert refused.status_code == 503
            assert refused.json()["error"]["holdfast"]["kind"] == "store"
            assert "closed the connection" in refused.text
            object.__setattr__(services, "engine", away._engine)
            number = _ID.findall(read)[-1][1].decode()
            rest = await there.http.get(f"/v1/calls/{call}/events", params={"after": number})
            assert told + rest.content == whole

    run(main())
