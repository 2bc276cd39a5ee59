"""A stream that its vendor keeps (Responses in background mode) is gone on with itself."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from tests.scenarios.house import PATIENT, House, house, run
from tests.scenarios.speakers import SPEAKERS, Clients, clients
from tests.scenarios.test_pairs import STRUCTURED, text
from tests.upstream.leaks import until

from holdfast.sim.library import TEXTS
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

QUESTION = "Tell me about text:demo please"


def with_targets(*targets: str) -> Callable[[Callable[[House, Clients], Awaitable[None]]], None]:
    def layout(sim: SimulatedUpstream, _: SimulatedUpstream) -> Mapping[str, Any]:
        plain = {"base_url": sim.base_url, "timeouts": PATIENT}
        native = {**plain, "dialect": "responses", "continuation": "native"}
        providers = {"native": native, "chat": plain}
        return {"providers": providers, "routes": {"m": {"targets": list(targets)}}}

    def with_check(check: Callable[[House, Clients], Awaitable[None]]) -> None:
        async def main() -> None:
            async with house(layout) as there, clients(there) as speaking:
                await check(there, speaking)

        run(main())

    return with_check


def asked(there: House) -> list[str]:
    return [f"{seen.method} {seen.path.partition('/v1')[2]}" for seen in there.sim.requests]


@pytest.mark.parametrize("served", ["chat", "responses", "messages"])
def test_the_very_stream_is_read_on(served: str) -> None:
    async def check(there: House, speaking: Clients) -> None:
        told = await SPEAKERS[served](speaking, "m", text(served, QUESTION), True)
        assert (told.text, told.finish, told.error) == (TEXTS["demo"]["en"], "end", None)
        assert asked(there) == ["POST /responses", *["GET /responses/resp_sim_000001"] * 2]
        assert there.sim.requests[0].body["background"] is True

    with_targets("native/eof@40,reset@70,ok", "chat/ok")(check)


def test_json_and_a_tool_call_can_be_gone_on_with_as_well() -> None:
    """No other way is open for either once it has begun."""

    async def check(there: House, speaking: Clients) -> None:
        structured = text("responses", "how high is it", **STRUCTURED["responses"])
        told = await SPEAKERS["responses"](speaking, "m", structured, True)
        assert json.loads(told.text)
        assert asked(there) == ["POST /responses", "GET /responses/resp_sim_000001"]

    with_targets("native/eof@3,ok", "chat/ok")(check)


def test_what_the_vendor_keeps_no_more_is_continued_elsewhere() -> None:
    async def check(there: House, speaking: Clients) -> None:
        told = await SPEAKERS["chat"](speaking, "m", text("chat", QUESTION), True)
        assert (told.text, told.finish) == (TEXTS["demo"]["en"], "end")
        assert asked(there)[:3] == [
            "POST /responses",
            "GET /responses/resp_sim_000001",
            "POST /responses",
        ]
        last = "POST /responses/resp_sim_000001/cancel"
        await until(lambda: asked(there)[-1] == last)

    with_targets("native/eof@40,openai_404,ok")(check)


def test_a_client_that_leaves_ends_it_at_the_vendor() -> None:
    async def check(there: House, speaking: Clients) -> None:
        stream = await speaking.openai.responses.create(model="m", input=QUESTION, stream=True)
        async for event in stream:
            if event.type == "response.output_text.delta":
                break
        await stream.close()
        last = "POST /responses/resp_sim_000001/cancel"
        await until(lambda: asked(there)[-1] == last)

    with_targets("native/stall@9")(check)


def test_a_client_that_wants_nothing_stored_is_heard() -> None:
    async def check(there: House, speaking: Clients) -> None:
        body = {"input": QUESTION, "store": False}
        told = await SPEAKERS["responses"](speaking, "m", body, True)
        assert told.text == TEXTS["demo"]["en"]
        assert asked(there) == ["POST /responses", "POST /responses"]
        assert all(seen.body["store"] is False for seen in there.sim.requests)
        assert "background" not in there.sim.requests[0].body

    with_targets("native/eof@40,ok")(check)
