"""Responses that go on from one another by id, as the official client asks for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import openai
import pytest
from tests.scenarios.house import House, house, run
from tests.scenarios.test_pairs import tools

from holdfast.sim.library import TEXTS
from holdfast.sim.upstream import SimulatedUpstream

DIALECTS = ("chat", "responses", "messages")
DEMO = TEXTS["demo"]["en"]
TOOLS: Mapping[str, Any] = {
    "input": "Please tool:look and tool:listen",
    "tools": tools("responses", "look", "listen"),
}


def layout(sim: SimulatedUpstream, _: SimulatedUpstream) -> Mapping[str, Any]:
    return {
        "providers": {d: {"base_url": sim.base_url, "dialect": d} for d in DIALECTS},
        "routes": {
            **{d: {"targets": [f"{d}/ok;reasoning"]} for d in DIALECTS},
            "cut": {"targets": ["responses/reset@4", "messages/ok"]},
        },
    }


def without_keeping(sim: SimulatedUpstream, tls: SimulatedUpstream) -> Mapping[str, Any]:
    return {**layout(sim, tls), "gateway": {"keep_responses": False}}


async def respond(there: House, model: str, stream: bool = False, **asked: Any) -> Any:
    create = there.openai.responses.create
    if not stream:
        return await create(model=model, **asked)
    events = [event async for event in await create(model=model, stream=True, **asked)]
    assert events[-1].type == "response.completed"
    assert events[-1].response.previous_response_id == asked.get("previous_response_id")
    return events[-1].response


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("second", DIALECTS)
@pytest.mark.parametrize("first", DIALECTS)
def test_what_was_said_is_known_whoever_is_asked_next(
    first: str, second: str, stream: bool
) -> None:
    async def main() -> None:
        async with house(layout) as there:
            one = await respond(there, first, stream, input="first text:short", instructions="Hm.")
            assert one.store is True
            two = await respond(
                there, second, stream, input="second text:emoji", previous_response_id=one.id
            )
            three = await respond(
                there,
                first,
                stream,
                input=[{"role": "user", "content": "third"}],
                previous_response_id=two.id,
            )
            assert three.previous_response_id == two.id
            assert three.output_text == DEMO
            sent = json.dumps(there.sim.requests[-1].body, ensure_ascii=False)
            words = ["first text:short", TEXTS["short"]["en"], "second text:emoji"]
            places = [sent.index(json.dumps(word, ensure_ascii=False)) for word in words]
            assert places == sorted(places)
            assert sent.index("third") > places[-1]
            assert "Hm." not in sent  # instructions hold for one response
            assert "previous_response_id" not in sent

    run(main())


@pytest.mark.parametrize("upstream", DIALECTS)
def test_results_of_tools_go_to_the_calls_of_the_response_before(upstream: str) -> None:
    async def main() -> None:
        async with house(layout) as there:
            asked = await respond(there, upstream, **TOOLS)
            calls = [item for item in asked.output if item.type == "function_call"]
            results = [
                {"type": "function_call_output", "call_id": c.call_id, "output": f"by {c.name}"}
                for c in calls
            ]
            told = await respond(
                there, upstream, input=results, tools=TOOLS["tools"], previous_response_id=asked.id
            )
            assert [call.name for call in calls] == ["look", "listen"]
            assert told.output_text == DEMO

    run(main())


@pytest.mark.parametrize("how", [{"stream": True}, {"extra_headers": {"idempotency-key": "k"}}])
@pytest.mark.parametrize("upstream", DIALECTS)
@pytest.mark.parametrize("first", DIALECTS)
def test_items_are_referred_to_by_id(first: str, upstream: str, how: Mapping[str, Any]) -> None:
    """An upstream's own ids too, whoever is asked next: it need not keep what it said."""

    async def main() -> None:
        async with house(layout) as there:
            asked = await respond(there, first, **how, **TOOLS)
            calls = [item for item in asked.output if item.type == "function_call"]
            given = [
                {"role": "user", "content": TOOLS["input"]},
                *({"type": "item_reference", "id": item.id} for item in asked.output),
                *(
                    {"type": "function_call_output", "call_id": c.call_id, "output": "seen"}
                    for c in calls
                ),
            ]
            told = await respond(there, upstream, input=given, tools=TOOLS["tools"])
            assert told.output_text == DEMO
            assert "item_reference" not in json.dumps(there.sim.requests[-1].body)

    run(main())


def test_a_response_is_continued_across_a_cut() -> None:
    async def main() -> None:
        async with house(layout) as there:
            one = await respond(there, "cut", True, input="hello")
            two = await respond(there, "cut", True, input="again", previous_response_id=one.id)
            assert one.output_text == two.output_text == DEMO
            found = await there.openai.responses.retrieve(two.id)
            assert (found.id, found.output_text) == (two.id, DEMO)
            assert found.previous_response_id == one.id

    run(main())


def test_what_was_answered_can_be_read_and_listed_and_forgotten() -> None:
    async def main() -> None:
        async with house(layout) as there:
            one = await respond(there, "messages", input="hello")
            two = await respond(there, "chat", True, input="again", previous_response_id=one.id)
            found = await there.openai.responses.retrieve(two.id)
            assert found == two
            listed = there.openai.responses.input_items.list(two.id, order="asc", limit=2)
            items: list[Any] = [item async for item in listed]
            kinds = [(item.type, getattr(item, "role", "")) for item in items]
            question, answer = ("message", "user"), ("message", "assistant")
            assert kinds == [question, ("reasoning", ""), answer, question]
            assert items[0].content[0].text == "hello"
            await there.openai.responses.delete(one.id)
            for response in (one.id, "resp_1", "resp_\u4f60", "msg_1"):
                with pytest.raises(openai.BadRequestError) as refused:
                    await respond(there, "chat", input="x", previous_response_id=response)
                assert refused.value.code == "previous_response_not_found"
                assert refused.value.param == "previous_response_id"
            with pytest.raises(openai.BadRequestError) as refused:
                await respond(there, "chat", input="x", previous_response_id=two.id)
            assert refused.value.code == "previous_response_not_found"

    run(main())


def test_what_a_client_forbids_is_not_kept() -> None:
    async def main() -> None:
        async with house(layout) as there:
            one = await respond(there, "responses", input="hello", store=False)
            assert one.store is False
            with pytest.raises(openai.NotFoundError):
                await there.openai.responses.retrieve(one.id)

    run(main())


def test_where_nothing_is_kept_a_response_says_so() -> None:
    async def main() -> None:
        async with house(without_keeping) as there:
            one = await respond(there, "chat", input="hello")
            assert one.store is False
            with pytest.raises(openai.BadRequestError) as refused:
                await respond(there, "chat", input="x", previous_response_id=one.id)
            assert refused.value.param == "previous_response_id"

    run(main())


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=nothing"])
def test_a_list_that_cannot_be_given_is_refused(query: str) -> None:
    async def main() -> None:
        async with house(layout) as there:
            one = await respond(there, "chat", input="hello")
            answer = await there.http.get(f"/v1/responses/{one.id}/input_items?{query}")
            assert answer.status_code == 400

    run(main())


def test_a_response_in_the_background_goes_on_from_another() -> None:
    async def main() -> None:
        async with house(layout) as there:
            one = await respond(there, "chat", input="first text:short")
            two = await respond(
                there,
                "messages",
                True,
                input="second",
                background=True,
                previous_response_id=one.id,
            )
            assert two.output_text == DEMO
            assert "first text:short" in json.dumps(there.sim.requests[-1].body)
            with pytest.raises(openai.BadRequestError) as refused:
                await respond(
                    there, "chat", input="x", background=True, previous_response_id="resp_1"
                )
            assert refused.value.param == "previous_response_id"

    run(main())
