"""What an answer is made of, and who reads it: one voice whatever happened behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from tests.scenarios.clients import streamed
from tests.scenarios.house import PATIENT, House, house, run
from tests.upstream.leaks import until

from holdfast.gateway.durable import LANE
from holdfast.sim.library import REASONING, TEXTS
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

CHAT = "/v1/chat/completions"
SHORT = TEXTS["short"]["en"]
HI = {"messages": [{"role": "user", "content": "Tell me about text:short"}]}
TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}, "hours": {"type": "integer"}},
        },
    },
}
CALL = {"place": '灯塔 "Utö" \\ 🏴‍☠️\n{14, 6}', "hours": 14}

Visit = Callable[[House], Awaitable[None]]


def at(
    visit: Visit, targets: Sequence[str], limits: Mapping[str, float] = PATIENT, **more: Any
) -> None:
    """Runs `visit` in a house with one route, r, whose targets are these simulated models."""

    def layout(sim: SimulatedUpstream, sim_tls: SimulatedUpstream) -> Mapping[str, Any]:
        providers = {
            f"p{number}": {"base_url": sim.base_url, "timeouts": limits}
            for number, _ in enumerate(targets)
        }
        route = {"targets": [f"p{number}/{model}" for number, model in enumerate(targets)]}
        return {"providers": providers, "routes": {"r": route}, "gateway": more}

    async def main() -> None:
        async with house(layout) as there:
            await visit(there)
            await there.sim.idle()

    run(main())


async def chunks(there: House, **body: Any) -> list[Any]:
    raw: Any = await there.openai.chat.completions.create(model="r", stream=True, **body)
    return [chunk async for chunk in raw]


async def message(there: House, **body: Any) -> Any:
    return await there.openai.chat.completions.create(model="r", **body)


# One voice.


@pytest.mark.parametrize("cut", ["reset@5", "openai_500", "error_event@3"])
def test_ids_model_and_role_stay_the_same_whoever_answers(cut: str) -> None:
    async def visit(there: House) -> None:
        got = await chunks(there, **HI, stream_options={"include_usage": True})
        assert len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in got}) == 1
        assert got[0].model == "r"
        roles = [c.delta.role for chunk in got for c in chunk.choices if c.delta.role]
        assert roles == ["assistant"]
        finishes = [c.finish_reason for chunk in got for c in chunk.choices if c.finish_reason]
        assert finishes == ["stop"]
        assert [bool(chunk.usage) for chunk in got] == [False] * (len(got) - 1) + [True]
        assert got[-1].holdfast["recovered"] is True
        assert got[-1].holdfast["attempts"] == 2

    at(visit, [cut, "ok"])


def test_a_recovery_before_any_output_is_told_in_the_head() -> None:
    async def visit(there: House) -> None:
        told = await streamed(there, "r", HI)
        assert told.text == SHORT
        assert told.headers["x-holdfast-recovered"] == "true"
        assert told.headers["x-holdfast-attempts"] == "2"
        answer = await message(there, **HI)
        assert answer.holdfast["recovered"] is True

    at(visit, ["sub2api_502", "ok"])


def test_an_untroubled_answer_carries_nothing_of_ours() -> None:
    async def visit(there: House) -> None:
        got = await chunks(there, **HI)
        assert not any(hasattr(chunk, "holdfast") for chunk in got)
        assert all(chunk.choices for chunk in got)  # many a client cannot take an empty list

    at(visit, ["ok"])


# Several choices, tools, reasoning.


@pytest.mark.parametrize("stream", [True, False])
def test_several_choices_pass_through(stream: bool) -> None:
    async def visit(there: House) -> None:
        if stream:
            got = await chunks(there, **HI, n=3)
            texts = {
                index: "".join(
                    c.delta.content or "" for k in got for c in k.choices if c.index == index
                )
                for index in range(3)
            }
            finishes = [c.index for k in got for c in k.choices if c.finish_reason == "stop"]
            assert sorted(finishes) == [0, 1, 2]
        else:
            answer = await message(there, **HI, n=3)
            texts = {choice.index: choice.message.content for choice in answer.choices}
        assert texts == dict.fromkeys(range(3), SHORT)

    at(visit, ["ok"])


def test_several_choices_that_are_cut_end_honestly() -> None:
    async def visit(there: House) -> None:
        told = await streamed(there, "r", {**HI, "n": 2})
        assert told.error
        assert told.error["holdfast"]["kind"] == "connection_reset"
        assert len(there.sim.requests) == 1  # nobody was asked to go on

    at(visit, ["reset@4", "ok"])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("first", ["ok", "reset@4", "truncated_tool@0", "openai_500"])
def test_a_tool_call_arrives_whole_and_once(first: str, stream: bool) -> None:
    async def visit(there: House) -> None:
        body: dict[str, Any] = {
            "messages": [{"role": "user", "content": "Please tool:look"}],
            "tools": [TOOL],
        }
        if stream:
            got = await chunks(there, **body)
            calls = [t for k in got for c in k.choices for t in c.delta.tool_calls or ()]
            finish = [c.finish_reason for k in got for c in k.choices if c.finish_reason]
        else:
            (choice,) = (await message(there, **body)).choices
            calls, finish = choice.message.tool_calls, [choice.finish_reason]
        assert [json.loads(call.function.arguments) for call in calls] == [CALL]
        assert [(call.function.name, call.type) for call in calls] == [("look", "function")]
        assert calls[0].id
        assert finish == ["tool_calls"]

    at(visit, [first, "ok"])


@pytest.mark.parametrize(
    "field", ["reasoning_content", "reasoning", "reasoning_details", "parts", "think"]
)
@pytest.mark.parametrize("stream", [True, False])
def test_reasoning_comes_in_one_field_wherever_the_vendor_put_it(field: str, stream: bool) -> None:
    async def visit(there: House) -> None:
        if stream:
            got = await chunks(there, **HI)
            deltas = [c.delta for chunk in got for c in chunk.choices]
            thought = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
            text = "".join(delta.content or "" for delta in deltas)
        else:
            (choice,) = (await message(there, **HI)).choices
            thought, text = choice.message.reasoning_content, choice.message.content
        assert (thought.strip(), text) == (REASONING["en"], SHORT)

    at(visit, [f"ok;reasoning={field}"])


def test_reasoning_is_told_once_though_two_have_reasoned() -> None:
    async def visit(there: House) -> None:
        got = await chunks(there, **HI)
        deltas = [c.delta for chunk in got for c in chunk.choices]
        thought = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
        assert REASONING["en"].startswith(thought)
        assert thought
        assert "".join(delta.content or "" for delta in deltas) == SHORT

    at(visit, ["reset@6;reasoning", "ok;reasoning"])


def test_the_clients_own_fields_reach_the_upstream() -> None:
    async def visit(there: House) -> None:
        await message(there, **HI, temperature=0.25, seed=7, extra_body={"top_k": 40, "x": [1]})
        sent = there.sim.requests[-1].body
        assert {name: sent[name] for name in ("temperature", "seed", "top_k", "x")} == {
            "temperature": 0.25,
            "seed": 7,
            "top_k": 40,
            "x": [1],
        }
        assert (sent["model"], sent["stream"]) == ("ok", True)

    at(visit, ["ok"])


# Readers.


def test_silence_is_filled_with_comments_that_the_official_client_bears() -> None:
    async def visit(there: House) -> None:
        body = {"model": "r", "stream": True, **HI}
        async with there.http.stream("POST", CHAT, json=body) as answer:
            pieces, raw = answer.aiter_bytes(), b""
            with there.pulse.held():
                while raw.count(b"\n") < 2:
                    raw += await anext(pieces)
            async for piece in pieces:
                raw += piece
        assert raw.startswith(b": hb\n: hb\n")
        assert raw.endswith(b"data: [DONE]\n\n")
        assert (await streamed(there, "r", HI)).text == SHORT

    at(visit, ["slow_first;late=0.3"], heartbeat=0.05)


def test_a_failure_after_heartbeats_is_told_in_band() -> None:
    async def visit(there: House) -> None:
        told = await streamed(there, "r", HI)
        assert told.text == ""
        assert told.error
        assert told.error["holdfast"]["kind"] == "timeout"
        assert told.status is None

    at(visit, ["stall_first"], {**PATIENT, "first_event": 1.0}, heartbeat=0.01)


def test_a_kept_stream_has_the_same_heartbeats_and_is_told_a_failure_behind_them() -> None:
    async def ask(there: House) -> bytes:
        turns, read = there.running.services.turns, b""
        assert turns
        body, kept = {"model": "r", "stream": True, **HI}, {"x-holdfast-resume": "1"}
        with suppress(httpx2.RemoteProtocolError):  # broken off: it is not whole
            async with there.http.stream("POST", CHAT, json=body, headers=kept) as answer:
                assert answer.status_code == 200
                assert turns.find(LANE + answer.headers["x-holdfast-call"]), "told, and not kept"
                async for piece in answer.aiter_raw():
                    read += piece
        return read

    async def visit(there: House) -> None:
        for _ in range(2):  # the first may come before the engine has looked what was left open
            read = await ask(there)
            assert read.startswith(b": hb\n: hb\n")
            assert b'"kind":"timeout"' in read
            assert b"[DONE]" not in read

    at(visit, ["stall_first"], {**PATIENT, "first_event": 1.0}, heartbeat=0.01)


@pytest.mark.parametrize(
    "model", ["stall_headers", "stall_first", "stall@4", "drip@4", "ok;pace=9"]
)
@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_stops_the_upstream_at_once(model: str, stream: bool) -> None:
    async def visit(there: House) -> None:
        body = {"model": "r", "stream": stream, **HI}
        asking = asyncio.create_task(there.http.post(CHAT, json=body))
        await until(lambda: there.sim.open_streams == 1)
        asking.cancel()
        await asyncio.wait([asking])
        await until(lambda: there.sim.open_streams == 0)
        assert there.sim.aborted == 1
        services = there.running.services
        await until(lambda: services.gate.inside == 0)
        assert 'outcome="cancelled"' in await there.metrics()
        listed = (await there.http.get("/api/incidents")).json()
        assert listed["data"] == []  # who leaves is no failure

    at(visit, [model, "ok"])


def test_a_client_that_leaves_while_a_second_target_is_asked() -> None:
    async def visit(there: House) -> None:
        asking = asyncio.create_task(
            there.http.post(CHAT, json={"model": "r", "stream": True, **HI})
        )
        await until(lambda: len(there.sim.requests) == 2)
        asking.cancel()
        await asyncio.wait([asking])
        await until(lambda: there.running.services.gate.inside == 0)
        (incident,) = (await there.http.get("/api/incidents")).json()["data"]
        assert incident["outcome"] == "cancelled"
        attempts = (await there.record(incident["ref"]))["attempts"]
        assert [attempt["kind"] for attempt in attempts] == ["server_error", "cancelled"]

    at(visit, ["openai_500", "stall_headers"])
