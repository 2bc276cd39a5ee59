"""Every served dialect over every upstream dialect, with the official SDKs on real sockets."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from tests.scenarios.house import House, house, run
from tests.scenarios.speakers import SPEAKERS, Asked, Clients, Told, clients

from holdfast.sim.library import REASONING, TEXTS
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

DIALECTS = ("chat", "responses", "messages")
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Erk"
    "Jggg=="
)
SCHEMA = {
    "type": "object",
    "properties": {"tower": {"type": "string"}},
    "required": ["tower"],
    "additionalProperties": False,
}

served_as = pytest.mark.parametrize("served", DIALECTS)


def text(served: str, question: str, **more: Any) -> dict[str, Any]:
    if served == "responses":
        return {"input": question, **more}
    return {"messages": [{"role": "user", "content": question}], **more}


def tools(served: str, *names: str) -> list[Any]:
    match served:
        case "chat":
            functions = [{"name": name, "parameters": SCHEMA} for name in names]
            return [{"type": "function", "function": function} for function in functions]
        case "responses":
            made = {"type": "function", "parameters": SCHEMA, "strict": True}
            return [{**made, "name": name} for name in names]
        case _:
            return [{"name": name, "input_schema": SCHEMA} for name in names]


def layout(sim: SimulatedUpstream, _: SimulatedUpstream) -> Mapping[str, Any]:
    providers = {d: {"base_url": sim.base_url, "dialect": d} for d in DIALECTS}
    models = ["ok", "ok;reasoning", "length@3"]
    routes = {f"{d}/{m}": {"targets": [f"{d}/{m}"]} for d in DIALECTS for m in models}
    return {"providers": providers, "routes": routes}


Check = Callable[[House, Clients, str, bool], Awaitable[None]]


def with_every_upstream(check: Check) -> None:
    """`check` is told the dialect of the upstream, and whether to stream."""

    async def main() -> None:
        async with house(layout) as there, clients(there) as speaking:
            for upstream in DIALECTS:
                for stream in (True, False):
                    there.sim.requests.clear()
                    await check(there, speaking, upstream, stream)

    run(main())


async def ask(there: Clients, served: str, model: str, asked: Asked, stream: bool = True) -> Told:
    return await SPEAKERS[served](there, model, asked, stream)


@served_as
def test_text_usage_and_stop_reason(served: str) -> None:
    async def check(house: House, there: Clients, upstream: str, stream: bool) -> None:
        asked = text(served, "请讲一讲 text:emoji 好吗")
        told = await ask(there, served, f"{upstream}/ok", asked, stream)
        assert (told.text, told.finish, told.error) == (TEXTS["emoji"]["zh"], "end", None)
        assert told.usage
        assert told.usage[0] > 5
        assert told.usage[1] > 50
        if upstream != "chat":  # where the simulated vendor tells of its cache
            assert told.cached == told.usage[0] // 4
        (seen,) = house.sim.requests
        assert seen.body["stream"] is True
        assert seen.path.endswith({"chat": "/chat/completions"}.get(upstream, f"/{upstream}"))

    with_every_upstream(check)


@served_as
def test_an_answer_at_its_limit_says_so(served: str) -> None:
    async def check(house: House, there: Clients, upstream: str, stream: bool) -> None:
        asked = text(served, "Tell me about text:demo please")
        told = await ask(there, served, f"{upstream}/length@3", asked, stream)
        assert told.finish == "length"
        if served != "responses" or not stream:
            assert TEXTS["demo"]["en"].startswith(told.text)

    with_every_upstream(check)


@served_as
def test_reasoning(served: str) -> None:
    async def check(house: House, there: Clients, upstream: str, stream: bool) -> None:
        asked = text(served, "Tell me about text:short please")
        told = await ask(there, served, f"{upstream}/ok;reasoning", asked, stream)
        assert told.reasoning == REASONING["en"]
        assert told.text == TEXTS["short"]["en"]

    with_every_upstream(check)


@served_as
def test_parallel_tools_their_results_and_the_answer(served: str) -> None:
    async def check(house: House, there: Clients, upstream: str, stream: bool) -> None:
        question = "Please tool:look and tool:listen"
        asked = text(served, question, tools=tools(served, "look", "listen", "third"))
        told = await ask(there, served, f"{upstream}/ok", asked, stream)
        assert [name for _, name, _ in told.calls] == ["look", "listen"]
        assert all(set(given) == {"tower"} for _, _, given in told.calls)
        assert (told.finish, told.text) == ("tools", "")
        results = answered(served, question, told)
        again = await ask(there, served, f"{upstream}/ok", {**asked, **results}, stream)
        assert (again.text, again.finish) == (TEXTS["demo"]["en"], "end")
        sent = json.dumps(house.sim.requests[-1].body, ensure_ascii=False)
        assert "seen by look" in sent
        assert "seen by listen" in sent

    with_every_upstream(check)


def answered(served: str, question: str, told: Told) -> dict[str, Any]:
    """The conversation with the calls and their results in it."""
    calls = told.calls
    match served:
        case "chat":
            made = [
                {"id": i, "type": "function", "function": {"name": n, "arguments": json.dumps(a)}}
                for i, n, a in calls
            ]
            results = [
                {"role": "tool", "tool_call_id": i, "content": f"seen by {n}"} for i, n, _ in calls
            ]
            called = {"role": "assistant", "content": None, "tool_calls": made}
            return {"messages": [{"role": "user", "content": question}, called, *results]}
        case "responses":
            items = [
                {"type": "function_call", "call_id": i, "name": n, "arguments": json.dumps(a)}
                for i, n, a in calls
            ]
            outputs = [
                {"type": "function_call_output", "call_id": i, "output": f"seen by {n}"}
                for i, n, _ in calls
            ]
            return {"input": [{"role": "user", "content": question}, *items, *outputs]}
        case _:
            used = [{"type": "tool_use", "id": i, "name": n, "input": a} for i, n, a in calls]
            blocks = [
                {"type": "tool_result", "tool_use_id": i, "content": f"seen by {n}"}
                for i, n, _ in calls
            ]
            turns = [
                {"role": "user", "content": question},
                {"role": "assistant", "content": used},
                {"role": "user", "content": blocks},
            ]
            return {"messages": turns}


# What a client asks, and what the vendor must be asked; one row per served dialect.

IMAGES: Mapping[str, Asked] = {
    "chat": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "what is it"},
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/png;base64,{PIXEL}"},
                    },
                ],
            }
        ]
    },
    "responses": {
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "what is it"},
                    {
                        "type": "input_image",
                        "detail": "auto",
                        "image_url": f"data:image/png;base64,{PIXEL}",
                    },
                ],
            }
        ]
    },
    "messages": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "what is it"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
                    },
                ],
            }
        ]
    },
}


@served_as
def test_images(served: str) -> None:
    async def check(house: House, there: Clients, upstream: str, stream: bool) -> None:
        told = await ask(there, served, f"{upstream}/ok", IMAGES[served], stream)
        assert told.finish == "end", told
        body = house.sim.requests[-1].body
        match upstream:
            case "chat":
                part = body["messages"][-1]["content"][1]
                assert part["image_url"]["url"] == f"data:image/png;base64,{PIXEL}"
            case "responses":
                part = body["input"][-1]["content"][1]
                assert part["image_url"] == f"data:image/png;base64,{PIXEL}"
            case _:
                source = body["messages"][-1]["content"][1]["source"]
                assert source == {"type": "base64", "media_type": "image/png", "data": PIXEL}

    with_every_upstream(check)


STRUCTURED: Mapping[str, Asked] = {
    "chat": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": SCHEMA},
        }
    },
    "responses": {"text": {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA}}},
    "messages": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
}


@served_as
def test_structured_output(served: str) -> None:
    async def check(house: House, there: Clients, upstream: str, stream: bool) -> None:
        asked = text(served, "how high is it", **STRUCTURED[served])
        told = await ask(there, served, f"{upstream}/ok", asked, stream)
        json.loads(told.text)
        body = house.sim.requests[-1].body
        sent = {
            "chat": lambda: body["response_format"]["json_schema"]["schema"],
            "responses": lambda: body["text"]["format"]["schema"],
            "messages": lambda: body["output_config"]["format"]["schema"],
        }
        assert sent[upstream]() == SCHEMA

    with_every_upstream(check)


CHOICES: Mapping[str, Mapping[str, Any]] = {
    "chat": {
        "required": "required",
        "named": {"type": "function", "function": {"name": "look"}},
        "none": "none",
    },
    "responses": {
        "required": "required",
        "named": {"type": "function", "name": "look"},
        "none": "none",
    },
    "messages": {
        "required": {"type": "any"},
        "named": {"type": "tool", "name": "look"},
        "none": {"type": "none"},
    },
}


@served_as
@pytest.mark.parametrize("choice", ["required", "named", "none"])
def test_tool_choice(served: str, choice: str) -> None:
    async def check(house: House, there: Clients, upstream: str, stream: bool) -> None:
        more = {"tools": tools(served, "look"), "tool_choice": CHOICES[served][choice]}
        asked = text(served, "Please tool:look", **more)
        told = await ask(there, served, f"{upstream}/ok", asked, stream)
        assert house.sim.requests[-1].body["tool_choice"] == CHOICES[upstream][choice]
        assert bool(told.calls) == (choice != "none")

    with_every_upstream(check)


SYSTEM: Mapping[str, Asked] = {
    "chat": {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "hello"},
        ]
    },
    "responses": {"instructions": "Be brief.", "input": "hello"},
    "messages": {"system": "Be brief.", "messages": [{"role": "user", "content": "hello"}]},
}


@served_as
def test_the_system_is_heard(served: str) -> None:
    async def check(house: House, there: Clients, upstream: str, stream: bool) -> None:
        told = await ask(there, served, f"{upstream}/ok", SYSTEM[served], stream)
        assert told.text == TEXTS["demo"]["en"]
        body = house.sim.requests[-1].body
        match upstream:
            case "chat":
                assert body["messages"][0]["role"] in ("system", "developer")
                assert body["messages"][0]["content"] == "Be brief."
            case "responses":
                first = body.get("instructions") or body["input"][0]["content"][0]["text"]
                assert first == "Be brief."
            case _:
                system = body["system"]
                told_so = system if isinstance(system, str) else system[0]["text"]
                assert told_so == "Be brief."

    with_every_upstream(check)
