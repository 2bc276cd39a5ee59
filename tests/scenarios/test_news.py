"""Answers full of what nobody knows yet, through the official SDKs: whole, cut and continued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.scenarios.house import PATIENT, house, run
from tests.scenarios.speakers import SPEAKERS, clients

from holdfast.sim.library import REASONING, TEXTS
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

DIALECTS = ("chat", "responses", "messages")
# What is cut, and what is not: the second target of a route goes on.
FIRST = {
    "whole": "ok;news",
    "cut": "reset@9;news",
    "thought": "ok;news;reasoning=reasoning_content",
}


def layout(sim: SimulatedUpstream, _: SimulatedUpstream) -> Mapping[str, Any]:
    plain = {"base_url": sim.base_url, "timeouts": PATIENT, "continuation": "instruct"}
    return {
        "providers": {dialect: {**plain, "dialect": dialect} for dialect in DIALECTS},
        "routes": {
            f"{dialect}/{name}": {"targets": [f"{dialect}/{first}", f"{dialect}/ok;news"]}
            for dialect in DIALECTS
            for name, first in FIRST.items()
        },
    }


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_nobody_knows_confuses_nobody(dialect: str, stream: bool) -> None:
    question = "Tell me about text:demo and tool:look, please"
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": question}]}
    if dialect == "responses":
        asked = {"input": question}

    async def main() -> None:
        async with house(layout) as there, clients(there) as speaking:
            for name in FIRST:
                told = await SPEAKERS[dialect](speaking, f"{dialect}/{name}", asked, stream)
                assert (told.text, told.finish, told.error) == (TEXTS["demo"]["en"], "end", None)
                assert (told.reasoning == REASONING["en"]) == (name == "thought")

    run(main())
