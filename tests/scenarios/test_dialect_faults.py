"""Faults of every upstream dialect through every served one, as the official SDKs see them.

The failing target speaks one dialect, the one that saves the answer another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from tests.scenarios.cases import WELL, Case
from tests.scenarios.cases import cases as catalogue
from tests.scenarios.house import PATIENT, House, house, run
from tests.scenarios.speakers import SPEAKERS, Clients, Told, clients

from holdfast.sim.catalogue import CHAT_ONLY, Position
from holdfast.sim.dice import Dice
from holdfast.sim.script import len_pieces, parse
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = [pytest.mark.scenario, pytest.mark.slow]

DIALECTS = ("chat", "responses", "messages")
AT_ONCE = 16

# Beside all that can strike in mid-answer: some of each sort that strike before it. All of them
# are told alone; whether another target is asked does not depend on the words of an error.
BEFORE = frozenset(
    {
        "eof_before_headers",
        "reset_before_headers",
        "openai_429",
        "anthropic_529",
        "sub2api_502",
        "json_error_200",
        "html_200",
        "empty_stream",
        "only_done",
        "nothing_said",
        "role_only",
        "stall_first",
    }
)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A fault of an upstream that speaks `dialect`."""

    case: Case
    dialect: str
    saviour: str  # the dialect of the second target

    @property
    def name(self) -> str:
        return f"{self.dialect}:{self.case.name}>{self.saviour}"


def spoken(*, all_before: bool = False) -> Iterator[Spoken]:
    for number, case in enumerate(catalogue("instruct")):
        truth = case.truth
        chunk = truth.position is Position.CHUNK
        known = chunk or all_before or truth.name in BEFORE
        if not known or (chunk and case.sent not in (0, _middle(case))):
            continue
        if truth.name in CHAT_ONLY or truth.address:
            continue
        for place, dialect in enumerate(DIALECTS):
            others = [other for other in DIALECTS if other != dialect]
            yield Spoken(case, dialect, others[(number + place) % 2])


def _middle(case: Case) -> int:
    """Half way through the answer; nothing has been released at 0."""
    body = {**case.body, "stream": True}
    return len_pieces(body, parse(WELL), Dice(0)) // 2


def question(served: str, case: Case) -> dict[str, Any]:
    if served == "responses":
        return {"input": case.question}
    return case.body


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("served", DIALECTS)
def test_a_target_of_another_dialect_makes_the_answer_whole(served: str, stream: bool) -> None:
    """In mid-answer from all three dialects; before that, and whole, from one or another."""
    turn = DIALECTS.index(served)
    found = [
        wanted
        for number, wanted in enumerate(spoken())
        if (stream and wanted.case.sent) or (number + number // 3) % 3 == turn
    ]

    async def check(there: House, speaking: Clients, number: int) -> str:
        case = found[number].case
        told = await SPEAKERS[served](speaking, f"r{number}", question(served, case), stream)
        return _survives(case, told, stream)

    def targets(number: int) -> list[str]:
        wanted = found[number]
        return [f"p{number}/{wanted.case.model}", f"{wanted.saviour}/{WELL}"]

    assert _complaints(found, targets, check) == []


@pytest.mark.parametrize("served", DIALECTS)
def test_alone_it_is_told_what_failed_and_where(served: str) -> None:
    found = [wanted for wanted in spoken(all_before=True) if not wanted.case.truth.healthy]

    async def check(there: House, speaking: Clients, number: int) -> str:
        case, stream = found[number].case, number % 4 != 0
        told = await SPEAKERS[served](speaking, f"r{number}", question(served, case), stream)
        return _honest(case, told)

    assert _complaints(found, lambda number: [f"p{number}/{found[number].case.model}"], check) == []


def _survives(case: Case, told: Told, stream: bool) -> str:
    finish = {"length": "length", "content_filter": "filter"}.get(case.truth.finish)
    if finish:
        fine = told.finish == finish and case.text.startswith(told.text)
    elif case.is_survivable or (case.can_be_asked_again and not stream):
        fine = (told.text, told.finish, told.error) == (case.text, "end", None)
    else:
        fine = told.error is not None and case.text.startswith(told.text)
    return "" if fine else f"{told}"


def _honest(case: Case, told: Told) -> str:
    truth = case.truth
    assert truth.kind
    if told.error is None:
        return f"no error was told: {told}"
    if told.broken:
        return "a response that failed ends in order"
    ours = told.error["holdfast"]
    if (ours["kind"], ours["phase"]) != (truth.kind.value, case.phase.value):
        return f"told {ours['kind']} in {ours['phase']}, in truth {truth.kind} {case.phase}: {ours}"
    if told.text != case.text[: len(told.text)]:
        return f"the text was spoiled: {told.text!r}"
    if (told.status in (None, 200)) != (ours["released_chars"] > 0):
        return f"status {told.status} with {ours['released_chars']} characters released"
    return ""


def _complaints(found: list[Spoken], targets: Callable[[int], list[str]], check: Any) -> list[str]:
    def layout(sim: SimulatedUpstream, sim_tls: SimulatedUpstream) -> Mapping[str, Any]:
        providers: dict[str, Any] = {
            f"p{number}": {**wanted.case.provider(sim, sim_tls), "dialect": wanted.dialect}
            for number, wanted in enumerate(found)
        }
        for dialect in DIALECTS:
            plain = {"base_url": sim.base_url, "timeouts": PATIENT, "continuation": "instruct"}
            providers[dialect] = {**plain, "dialect": dialect}
        routes = {
            f"r{number}": {"targets": wanted, "max_attempts": 1 if len(wanted) == 1 else 5}
            for number, wanted in enumerate(map(targets, range(len(found))))
        }
        return {"providers": providers, "routes": routes}

    async def main() -> list[str]:
        room = asyncio.Semaphore(AT_ONCE)
        complaints: list[str] = []

        async with house(layout) as there, clients(there) as speaking:

            async def one(number: int) -> None:
                async with room:
                    said = await check(there, speaking, number)
                if said:
                    complaints.append(f"{found[number].name}: {said}")

            async with asyncio.TaskGroup() as group:
                for number in range(len(found)):
                    group.create_task(one(number))
            await there.sim.idle()
        return complaints

    return run(main())
