"""Every fault of the catalogue, wherever it can strike: the answer survives, the truth is kept.

The upstreams, the gateway and the clients are real and talk over loopback sockets. A case that
goes wrong is reported by name with all that was recorded of it; none hides another.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx2
import pytest
from tests.scenarios.cases import WELL, Case, cases
from tests.scenarios.clients import Ask, Told, streamed, streamed_sync, whole
from tests.scenarios.house import PATIENT, House, house, run

from holdfast.sim.catalogue import Position
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = [pytest.mark.scenario, pytest.mark.slow]

AT_ONCE = 16


@pytest.mark.parametrize(
    ("loop", "continuation", "ask"),
    [
        ("asyncio", "instruct", streamed),
        ("asyncio", "prefill", streamed_sync),
        ("uvloop", "instruct", streamed_sync),
        ("uvloop", "prefill", streamed),
    ],
)
def test_with_a_healthy_second_target_the_text_arrives_whole_and_once(
    loop: str, continuation: str, ask: Ask
) -> None:
    found = list(cases(continuation))

    async def check(house: House, name: str, case: Case) -> list[str]:
        told = await ask(house, name, case.body)
        return [*_survives(case, told), *await _recorded(case, told, house)]

    assert _complaints(found, _pair, check, loop) == []


def test_a_whole_message_is_never_a_part_of_one() -> None:
    """A client that does not stream: nothing is released before the end, so all is retried."""
    found = [case for case in cases("instruct") if case.sent or not _many(case)]

    async def check(house: House, name: str, case: Case) -> list[str]:
        told = await whole(house, name, case.body)
        return [*_survives(case, told, whole=True), *await _recorded(case, told, house)]

    assert _complaints(found, _pair, check, "asyncio") == []


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_without_a_second_target_the_end_is_honest(loop: str) -> None:
    """One attempt at a target that fails: the client is told so, and never that all is well."""
    found = [case for case in cases("never") if not case.truth.healthy]

    async def check(house: House, name: str, case: Case) -> list[str]:
        return list(_honest(case, await _raw(house, name, case)))

    assert _complaints(found, _alone, check, loop) == []


# What must hold.


def _survives(case: Case, told: Told, *, whole: bool = False) -> Iterator[str]:
    finish = case.truth.finish
    if finish != "stop":
        if told.finish != finish or not case.text.startswith(told.text):
            yield f"finished with {told.finish}: {told.text!r}"
    elif case.is_survivable or (whole and case.can_be_asked_again):
        if (told.text, told.finish, told.error) != (case.text, "stop", None):
            yield f"the text is not whole: {told.text!r} {told.finish} {told.error}"
    elif told.error is None:
        yield f"no error was told, the text was {told.text!r}"
    elif not case.text.startswith(told.text):
        yield f"the text was spoiled: {told.text!r}"


async def _recorded(case: Case, told: Told, house: House) -> list[str]:
    """The record of the first attempt against what the simulator knows that it did."""
    truth = case.truth
    if truth.kind is None:
        answer = await house.http.get(f"/api/incidents/{told.ref}")
        return [f"trouble was recorded: {answer.text}"] if answer.status_code != 404 else []
    record = await house.record(told.ref)
    first = record["attempts"][0]
    nested = first.get("nested", {}).get("kind")
    true = {
        "kind": truth.kind.value,
        "phase": case.phase.value,
        "status": truth.status,
        "nested": truth.nested.value if truth.nested else nested,
        "retry_after_ms": truth.retry_after and round(truth.retry_after * 1000),
    }
    noted = {**{name: first.get(name) for name in true}, "nested": nested}
    complaints = [f"recorded {noted}, in truth {true}"] if noted != true else []
    labels = [cause["reason"] for cause in first.get("causes", ()) if "reason" in cause]
    named = first["cause"] if truth.cause else "".join(labels)
    if named != truth.cause:
        complaints.append(f"the cause is {named!r}, in truth {truth.cause!r}")
    missing = _ALWAYS - first.keys()
    if missing:
        complaints.append(f"the record lacks {missing}")
    return [*complaints, json.dumps(record["attempts"])] if complaints else []


_ALWAYS = {
    "number",
    "target",
    "how",
    "hop",
    "at_ms",
    "ms",
    "decision",
    "why",
    "why_zh",
    "explained",
}


def _honest(case: Case, answer: tuple[int, str, bool]) -> Iterator[str]:
    status, body, broken = answer
    truth = case.truth
    assert truth.kind
    if "[DONE]" in body:
        yield f"[DONE] was said: {body!r}"
    if status == 200:
        *chunks, last = [json.loads(line[6:]) for line in body.splitlines() if line[:6] == "data: "]
        text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks)
        if not broken:
            yield "the connection was ended in good form"
        if last["choices"][0]["finish_reason"] != "error":
            yield f"the last chunk is {last}"
        if not case.text.startswith(text):
            yield f"the text was spoiled: {text!r}"
    else:
        last = json.loads(body)
    error = last["error"]
    told = error["holdfast"]
    if (told["kind"], told["phase"]) != (truth.kind.value, case.phase.value):
        yield f"told {told['kind']} in {told['phase']}"
    if told["ref"] not in error["message"]:
        yield f"no reference in {error['message']!r}"
    if (status == 200) != (told["released_chars"] > 0):
        yield f"status {status} with {told['released_chars']} characters released"


async def _raw(house: House, name: str, case: Case) -> tuple[int, str, bool]:
    """Status, body, and whether the connection was broken off."""
    body = {"model": name, "stream": True, **case.body}
    parts: list[bytes] = []
    async with house.http.stream("POST", "/v1/chat/completions", json=body) as answer:
        try:
            async for part in answer.aiter_bytes():
                parts.append(part)
        except httpx2.RemoteProtocolError:
            return answer.status_code, b"".join(parts).decode(), True
    return answer.status_code, b"".join(parts).decode(), False


# All cases in one house.

Route = Callable[[int, Case], Mapping[str, Any]]
Check = Callable[[House, str, Case], Awaitable[list[str]]]


def _pair(number: int, case: Case) -> Mapping[str, Any]:
    return {"targets": [f"p{number}/{case.model}", f"{case.continuation}/{WELL}"]}


def _alone(number: int, case: Case) -> Mapping[str, Any]:
    return {"targets": [f"p{number}/{case.model}"], "max_attempts": 1}


def _complaints(found: Sequence[Case], route: Route, check: Check, loop: str) -> list[str]:
    def layout(sim: SimulatedUpstream, sim_tls: SimulatedUpstream) -> Mapping[str, Any]:
        providers = {f"p{n}": case.provider(sim, sim_tls) for n, case in enumerate(found)}
        for way in ("instruct", "prefill"):
            providers[way] = {
                "base_url": sim.base_url,
                "timeouts": PATIENT,
                "continuation": way,
            }
        routes = {f"r{n}": route(n, case) for n, case in enumerate(found)}
        return {"providers": providers, "routes": routes}

    async def main() -> list[str]:
        room = asyncio.Semaphore(AT_ONCE)
        complaints: list[str] = []

        async def one(number: int, case: Case) -> None:
            async with room:
                said = await check(there, f"r{number}", case)
            complaints.extend(f"{case.name}: {word}" for word in said)

        async with house(layout) as there:
            async with asyncio.TaskGroup() as group:
                for number, case in enumerate(found):
                    group.create_task(one(number, case))
            await there.sim.idle()
            assert there.sim.open_streams == 0
            assert there.running.services.gate.inside == 0
        return complaints

    return run(main(), loop)


def _many(case: Case) -> bool:
    return case.truth.position is Position.CHUNK
