"""Agents that others wrote, in every dialect that they speak, over every upstream dialect."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.clients.agents import AGENTS, Agent, Got, Task
from tests.clients.foreign import KEY
from tests.serving import serving, vendor

from holdfast.sim.library import REASONING, TEXTS
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.scenario

UPSTREAMS = ("chat", "responses", "messages")
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Erk"
    "Jggg=="
)
EMOJI = {"question": "请讲一讲 text:emoji 好吗"}
DEMO = {"question": "Hello!"}
TOOLS = {"question": "Please tool:look and tool:listen", "tools": ["look", "listen", "third"]}
BRIEF = "Be brief, and call the towers by their names."

# What is asked of the targets (models of the simulated vendor), and how; the answer is checked
# below. No two tasks share a route, so that no breaker of one tells on another.
TASKS: Mapping[str, tuple[Sequence[str], Task]] = {
    "text": (["ok"], {**EMOJI, "stream": False}),
    "stream": (["ok;chunk=5"], {**EMOJI, "stream": True}),
    "system": (["ok;chunk=6"], {**DEMO, "system": BRIEF, "stream": True}),
    "limit": (["length@3"], {**DEMO, "limit": 20, "stream": False}),
    "image": (["ok;chunk=7"], {**DEMO, "image": PIXEL, "stream": True}),
    "structured": (["ok;chunk=8"], {**DEMO, "structured": True, "stream": False}),
    "tools": (["ok;chunk=9"], {**TOOLS, "stream": False}),
    "streamed tools": (["ok;chunk=10"], {**TOOLS, "stream": True}),
    "thoughts": (["ok;reasoning;chunk=11"], {**TOOLS, "stream": False}),
    "streamed thoughts": (["ok;reasoning;chunk=12"], {**TOOLS, "stream": True}),
    "cut": (["reset@10", "ok;chunk=13"], {**DEMO, "stream": True}),
    "cut whole": (["eof@12", "ok;chunk=14"], {**DEMO, "stream": False}),
    "refused": (["sub2api_502", "ok;chunk=15"], {**DEMO, "stream": True}),
    "outage": (["anthropic_529"], {**DEMO, "stream": True}),
}


@dataclass(frozen=True, slots=True)
class Talk:
    """All that one agent was told in one dialect, by upstream and task."""

    got: Mapping[tuple[str, str], Got]
    bodies: Mapping[str, Sequence[Mapping[str, Any]]]  # what the vendor was asked, by model


@pytest.fixture(
    scope="module",
    params=[(agent, served) for agent in AGENTS for served in agent.served],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def talk(request: pytest.FixtureRequest) -> Talk:
    agent, served = request.param
    return talks(agent)[served]


@cache
def talks(agent: Agent) -> Mapping[str, Talk]:
    """By served dialect, each before a vendor of its own."""
    asked = [(upstream, name) for upstream in UPSTREAMS for name in TASKS]
    tasks = [
        {**TASKS[n][1], "dialect": served, "model": _route(served, upstream, n)}
        for served in agent.served
        for upstream, n in asked
    ]
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        sims = {served: stack.enter_context(vendor()) for served in agent.served}
        (folder / "holdfast.toml").write_text(_configuration(sims))
        with serving(folder) as house:
            got = iter(agent.ask(house.url, tasks))
        return {
            served: Talk({each: next(got) for each in asked}, _bodies(sim))
            for served, sim in sims.items()
        }


def _bodies(sim: SimulatedUpstream) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    bodies: dict[str, list[Mapping[str, Any]]] = {}
    for seen in sim.requests:
        bodies.setdefault(f"{seen.path} {seen.body['model']}", []).append(seen.body)
    return bodies


def _route(served: str, upstream: str, task: str) -> str:
    """Many a client decides by the name of a model what it can be asked."""
    family = {"chat": "gpt-4.1", "responses": "gpt-5", "messages": "claude-sonnet-4-5"}[served]
    return f"{family}-{upstream}-{task.replace(' ', '-')}"


def _configuration(sims: Mapping[str, SimulatedUpstream]) -> str:
    lines = [f'[gateway]\napi_keys = ["{KEY}"]']
    for (served, sim), dialect in product(sims.items(), UPSTREAMS):
        at = f"{served}-{dialect}"
        lines += [f"[providers.{at}]", f'base_url = "{sim.base_url}"', f'dialect = "{dialect}"']
        for name, (models, _) in TASKS.items():
            targets = [f"{at}/{model}" for model in models]
            route = _route(served, dialect, name)
            lines += [f'[routes."{route}"]', f"targets = {json.dumps(targets)}"]
    return "\n".join(lines)


over_every_upstream = pytest.mark.parametrize("upstream", UPSTREAMS)


@over_every_upstream
@pytest.mark.parametrize("task", ["text", "stream"])
def test_a_text_its_end_and_its_usage(talk: Talk, upstream: str, task: str) -> None:
    got = talk.got[upstream, task]
    assert got["text"] == TEXTS["emoji"]["zh"], got
    assert got.get("finish", "stop") == "stop"
    read, written = got["usage"]
    assert read > 5
    assert written > 50


@over_every_upstream
def test_the_system_is_heard(talk: Talk, upstream: str) -> None:
    assert talk.got[upstream, "system"]["text"] == TEXTS["demo"]["en"]
    assert BRIEF in _asked(talk, upstream, "system")[0]


@over_every_upstream
def test_an_answer_at_its_limit_says_so(talk: Talk, upstream: str) -> None:
    """An agent may take that for a failure, as long as it says of what."""
    got = talk.got[upstream, "limit"]
    said = got["message"] if "error" in got else got.get("finish", "length")
    assert "length" in said or "max_output_tokens" in said
    assert TEXTS["demo"]["en"].startswith(got["text"])
    assert ": 20" in _asked(talk, upstream, "limit")[0]


@over_every_upstream
def test_an_image_arrives(talk: Talk, upstream: str) -> None:
    assert talk.got[upstream, "image"]["text"] == TEXTS["demo"]["en"]
    assert PIXEL in _asked(talk, upstream, "image")[0]


@over_every_upstream
def test_an_answer_of_a_schema(talk: Talk, upstream: str) -> None:
    got = talk.got[upstream, "structured"]
    assert set(json.loads(got["text"])) == {"tower"}, got
    assert '"tower"' in _asked(talk, upstream, "structured")[0]


@over_every_upstream
@pytest.mark.parametrize("task", ["tools", "streamed tools", "thoughts", "streamed thoughts"])
def test_parallel_tools_and_what_is_said_of_their_results(
    talk: Talk, upstream: str, task: str
) -> None:
    got = talk.got[upstream, task]
    assert sorted(name for name, _ in got["calls"]) == ["listen", "look"], got  # run side by side
    assert got["text"] == TEXTS["demo"]["en"]
    first, second = _asked(talk, upstream, task)
    assert "third" in first
    assert all(f"seen by {name}" in second for name in ("look", "listen"))


@over_every_upstream
@pytest.mark.parametrize("task", ["thoughts", "streamed thoughts"])
def test_what_the_model_thought_is_shown(talk: Talk, upstream: str, task: str) -> None:
    assert talk.got[upstream, task]["reasoning"] == [REASONING["en"]] * 2


@over_every_upstream
@pytest.mark.parametrize("task", ["cut", "cut whole", "refused"])
def test_an_upstream_that_fails_is_not_noticed(talk: Talk, upstream: str, task: str) -> None:
    assert talk.got[upstream, task]["text"] == TEXTS["demo"]["en"]
    assert len(_asked(talk, upstream, task)) == 1


@over_every_upstream
def test_an_outage_is_told_with_its_cause(talk: Talk, upstream: str) -> None:
    got = talk.got[upstream, "outage"]
    assert "(ref " in got["message"], got
    assert "verloaded" in got["message"]


def _asked(talk: Talk, upstream: str, task: str) -> list[str]:
    """What the last target of the task's route was asked, as JSON."""
    path = {"chat": "/v1/chat/completions"}.get(upstream, f"/v1/{upstream}")
    bodies = talk.bodies[f"{path} {TASKS[task][0][-1]}"]
    return [json.dumps(body, ensure_ascii=False) for body in bodies]
