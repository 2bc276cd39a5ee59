"""Targets that do not know a word which others do: they are asked without it, then and later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.scenarios.house import House, house, run

from holdfast.sim.habits import WORDS
from holdfast.sim.library import TEXTS
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

SHORT = TEXTS["short"]["en"]
SAID = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": "Tell me about text:short"},
]
PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
}
# What programs send to targets of their own dialect that do not know all of it.
PROGRAMS: Mapping[str, Mapping[str, Any]] = {
    "responses": {"input": SAID, "client_metadata": {"x": "y"}, "store": False},  # Codex
    "messages": {
        "messages": [{"role": "system", "content": "Be brief."}, SAID[1]],  # Claude Code
        "max_tokens": 900,
    },
}


def asked(word: str, dialect: str) -> dict[str, Any]:
    """A question in which that word stands, or will stand once it is asked in chat."""
    if dialect == "responses":
        return {"model": word, "input": SAID, "max_output_tokens": 900, "store": False}
    limit = "max_tokens" if word == "max_tokens" else "max_completion_tokens"
    return {"model": word, "messages": SAID, limit: 900}


def layout(sim: SimulatedUpstream, sim_tls: SimulatedUpstream) -> Mapping[str, Any]:
    targets = {word: {"targets": [f"p/ok;refuses={word}"]} for word in WORDS}
    own = {dialect: {"targets": [f"{dialect}/ok"]} for dialect in PROGRAMS}
    once = {name: {**route, "max_attempts": 1} for name, route in (targets | own).items()}
    speaking = {name: {"base_url": sim.base_url, "dialect": name} for name in PROGRAMS}
    return {"providers": {"p": {"base_url": sim.base_url}, **speaking}, "routes": once}


@pytest.mark.parametrize(
    ("word", "dialect"),
    [
        *((word, "chat") for word in WORDS),
        *((word, "responses") for word in WORDS if word != "max_tokens"),
    ],
)
def test_a_word_that_is_refused_costs_one_request_and_no_answer(word: str, dialect: str) -> None:
    async def main() -> None:
        async with house(layout) as there:
            assert await _text(there, word, dialect) == SHORT
            assert len(there.sim.requests) == 2
            assert await _text(there, word, dialect) == SHORT
            assert len(there.sim.requests) == 3  # it is remembered
            limits = {"max_tokens", "max_completion_tokens"}
            assert len(limits & there.sim.requests[-1].body.keys()) == 1  # nothing is lost

    run(main())


async def _text(there: House, word: str, dialect: str) -> str:
    answer = await there.http.post(PATHS[dialect], json=asked(word, dialect))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if dialect == "responses":
        return str(body["output"][0]["content"][0]["text"])
    return str(body["choices"][0]["message"]["content"])


@pytest.mark.parametrize("dialect", PROGRAMS)
def test_programs_are_answered_by_targets_that_do_not_know_all_they_say(dialect: str) -> None:
    async def main() -> None:
        async with house(layout) as there:
            for requests in (2, 3):
                body = {"model": dialect, **PROGRAMS[dialect]}
                answer = await there.http.post(PATHS[dialect], json=body)
                assert answer.status_code == 200, answer.text
                assert SHORT in answer.text
                assert len(there.sim.requests) == requests

    run(main())


def test_the_record_says_what_was_learned() -> None:
    async def main() -> None:
        async with house(layout) as there:
            answer = await there.http.post(PATHS["chat"], json=asked("stream_options", "chat"))
            record = await there.record(answer.headers["x-request-id"])
            first, second = record["attempts"]
            assert first["kind"] == "unsupported"
            assert "stream_options" in first["message"]
            assert "in words that it knows" in first["why"]
            assert first["decision"] == "retry"
            assert "kind" not in second

    run(main())
