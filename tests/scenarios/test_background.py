"""Responses in the background, as the official client starts, follows, cancels and forgets them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import openai
import pytest
from tests.scenarios.dialogue import dialogues, text_of
from tests.scenarios.house import House, house, run
from tests.scenarios.test_resume import read_until_broken

from holdfast.sim.upstream import SimulatedUpstream

ASK = "text:short"
TEXT = text_of(ASK)
DIALOGUE = dialogues(ASK)["responses"]


def layout(sim: SimulatedUpstream, _: SimulatedUpstream) -> Mapping[str, Any]:
    dialects = ("chat", "responses", "messages")
    return {
        "providers": {d: {"base_url": sim.base_url, "dialect": d} for d in dialects},
        "routes": {
            **{d: {"targets": [f"{d}/ok"]} for d in dialects},
            "slow": {"targets": ["chat/ok;pace=0.02"]},
            "cut": {"targets": ["chat/reset@4", "responses/ok"]},
            "lost": {"targets": ["chat/sub2api_502"]},
        },
    }


async def in_background(there: House, model: str, **more: Any) -> Any:
    return await there.openai.responses.create(model=model, input=ASK, background=True, **more)


async def until_ended(there: House, response: str) -> Any:
    while True:
        found = await there.openai.responses.retrieve(response)
        if found.status not in ("queued", "in_progress"):
            return found


async def events_of(stream: Any) -> list[Any]:
    return [event async for event in stream]


@pytest.mark.parametrize("model", ["chat", "responses", "messages", "slow", "cut"])
def test_the_client_asks_and_comes_back_for_the_answer(model: str) -> None:
    async def main() -> None:
        async with house(layout) as there:
            asked = await in_background(there, model)
            assert asked.status in ("queued", "in_progress")
            assert asked.background is True
            assert asked.output == []
            found = await until_ended(there, asked.id)
            assert (found.id, found.status, found.output_text) == (asked.id, "completed", TEXT)
            assert found.usage.output_tokens
            assert all("background" not in request.body for request in there.sim.requests)

    run(main())


@pytest.mark.parametrize("model", ["responses", "slow", "cut"])
def test_a_stream_is_taken_up_after_any_of_its_events(model: str) -> None:
    async def main() -> None:
        async with house(layout) as there:
            first = await events_of(await in_background(there, model, stream=True))
            assert [event.sequence_number for event in first] == list(range(len(first)))
            assert first[-1].type == "response.completed"
            response = first[0].response.id
            for after in (0, 1, len(first) // 2, len(first) - 2, len(first) - 1):
                again = await there.openai.responses.retrieve(
                    response, stream=True, starting_after=after
                )
                assert await events_of(again) == first[after + 1 :]

    run(main())


def test_the_bytes_are_the_same_for_whoever_reads_them_and_when() -> None:
    async def main() -> None:
        async with house(layout) as there:
            body = {**DIALOGUE.body, "model": "slow", "background": True}
            async with there.http.stream("POST", DIALOGUE.path, json=body) as answer:
                response = f"resp_{answer.headers['x-holdfast-call']}"
                path = f"/v1/responses/{response}"
                late = asyncio.create_task(there.http.get(path, params={"stream": "true"}))
                first = await answer.aread()
            assert (await late).content == first
            rest = await there.http.get(path, params={"stream": "true", "starting_after": "6"})
            assert first.endswith(rest.content)
            assert rest.content.startswith(b"event: ")
            assert b'"sequence_number":7,' in rest.content.partition(b"\n\n")[0]
            assert DIALOGUE.spoken(first) == TEXT

    run(main())


def test_a_stream_begins_before_anything_is_known() -> None:
    """The id is what the client needs to come back, so it is not made to wait for it."""

    async def main() -> None:
        async with house(layout) as there:
            stream = await in_background(there, "lost", stream=True)
            first = await events_of(stream)
            assert [event.type for event in first] == [
                "response.created",
                "response.in_progress",
                "response.failed",
            ]
            found = await there.openai.responses.retrieve(first[0].response.id)
            assert found.status == "failed"
            told: Any = found.error
            assert told == first[-1].response.error
            assert told.to_dict()["holdfast"]["attempts"]

    run(main())


def test_a_response_is_kept_where_its_stream_was_asked_with_ids() -> None:
    async def main() -> None:
        async with house(layout) as there:
            body = {**DIALOGUE.body, "model": "slow"}
            headers = {"x-holdfast-resume": "1"}
            first = await there.http.post(DIALOGUE.path, json=body, headers=headers)
            path = f"/v1/responses/resp_{first.headers['x-holdfast-call']}"
            again = await there.http.get(path, params={"stream": "true"})
            assert first.content.startswith(b"id: ")
            assert again.content == first.content
            found = await there.http.get(path)
            assert found.json()["status"] == "completed"
            assert found.json()["background"] is False

    run(main())


@pytest.mark.parametrize("times", [0, 4])
def test_a_response_is_cancelled_once_for_all(times: int) -> None:
    """At once, and after so many events were read."""

    async def main() -> None:
        async with house(layout) as there:
            with there.pulse.held(after=2):
                if times:
                    stream = await in_background(there, "slow", stream=True)
                    events = [await anext(stream) for _ in range(times)]
                    response = events[0].response.id
                    await stream.close()
                else:
                    response = (await in_background(there, "slow")).id
                cancelled = await there.openai.responses.cancel(response)
            assert (cancelled.id, cancelled.status) == (response, "cancelled")
            assert (await there.openai.responses.cancel(response)).status == "cancelled"
            assert (await until_ended(there, response)).status == "cancelled"
            path = f"/v1/responses/{response}?stream=true"
            read, whole = await read_until_broken(there, path)
            assert whole
            assert b'"kind":"cancelled"' in read
            assert b"response.completed" not in read

    run(main())


def test_what_has_ended_is_not_changed_by_being_cancelled() -> None:
    async def main() -> None:
        async with house(layout) as there:
            asked = await in_background(there, "chat")
            found = await until_ended(there, asked.id)
            assert await there.openai.responses.cancel(asked.id) == found

    run(main())


@pytest.mark.parametrize("model", ["chat", "slow"])
def test_a_response_is_deleted(model: str) -> None:
    """One that runs is given up first."""

    async def main() -> None:
        async with house(layout) as there:
            with there.pulse.held(after=2):
                asked = await in_background(there, model)
                if model == "chat":
                    await until_ended(there, asked.id)
                await there.openai.responses.delete(asked.id)
            for _ in range(2):
                with pytest.raises(openai.NotFoundError):
                    await there.openai.responses.retrieve(asked.id)
            with pytest.raises(openai.NotFoundError):
                await there.openai.responses.delete(asked.id)

    run(main())


def test_an_idempotency_key_names_one_response() -> None:
    async def main() -> None:
        async with house(layout) as there:
            headers = {"Idempotency-Key": "one"}
            first = await in_background(there, "slow", extra_headers=headers)
            second = await in_background(there, "slow", extra_headers=headers)
            assert second.id == first.id
            found = await until_ended(there, first.id)
            assert (await in_background(there, "slow", extra_headers=headers)) == found
            assert len(there.sim.requests) == 1

    run(main())


@pytest.mark.parametrize(
    ("query", "code", "status"),
    [
        ("stream=true&starting_after=x", "invalid_event_id", 400),
        ("stream=true&starting_after=-1", "invalid_event_id", 400),
    ],
)
def test_a_number_that_is_none_is_refused(query: str, code: str, status: int) -> None:
    async def main() -> None:
        async with house(layout) as there:
            asked = await in_background(there, "chat")
            answer = await there.http.get(f"/v1/responses/{asked.id}?{query}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)

    run(main())


@pytest.mark.parametrize("response", ["resp_1", "resp_", "nothing", "resp_%00", "resp_%E4%BD%A0"])
def test_of_a_response_that_is_not_kept_it_is_said_how_to_keep_it(response: str) -> None:
    async def main() -> None:
        async with house(layout) as there:
            answer = await there.http.get(f"/v1/responses/{response}")
            assert answer.status_code == 404
            assert "background" in answer.json()["error"]["message"]
            wrong = await there.http.put(f"/v1/responses/{response}")
            assert wrong.status_code == 405
            assert wrong.headers["allow"] == "GET, DELETE"
            nowhere = await there.http.get(f"/v1/responses/{response}/nowhere")
            assert nowhere.status_code == 404

    run(main())


def test_a_call_of_another_dialect_is_no_response() -> None:
    async def main() -> None:
        async with house(layout) as there:
            body = {"model": "chat", "messages": [{"role": "user", "content": ASK}]}
            headers = {"x-holdfast-resume": "1"}
            asked = await there.http.post("/v1/chat/completions", json=body, headers=headers)
            call = asked.headers["x-holdfast-call"]
            assert (await there.http.get(f"/v1/calls/{call}")).status_code == 200
            assert (await there.http.get(f"/v1/responses/resp_{call}")).status_code == 404

    run(main())


def test_what_runs_in_the_background_is_stored_or_refused() -> None:
    async def main() -> None:
        async with house(layout) as there:
            with pytest.raises(openai.BadRequestError) as refused:
                await in_background(there, "chat", store=False)
            assert refused.value.param == "store"

    run(main())
