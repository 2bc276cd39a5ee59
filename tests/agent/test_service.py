"""The agent as the composition root gets it, and what it says of a wrong configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from tests.agent.stage import MemoryJournal, Stage, call, calls, in_turn, says, task
from tests.upstream.leaks import watched
from tests.upstream.virtual import LoopClock

from holdfast.agent.abilities import Abilities
from holdfast.agent.asking import Models
from holdfast.agent.builtins import BUILT_IN, builtins
from holdfast.agent.events import Ended, ToolAnswered
from holdfast.agent.fetching import Fetcher
from holdfast.agent.service import agent, known_abilities, problems
from holdfast.agent.tools import tool
from holdfast.config import Settings, parse
from holdfast.core.attempt import Target
from holdfast.resilience.policy import Route


@tool()
async def horoscope(sign: str) -> str:
    return f"{sign} is lucky"


def test_bots_have_the_built_in_tools_and_those_of_plugins() -> None:
    async def main() -> None:
        made = calls(call("calculator", {"expression": "6*7"}), call("horoscope", {"sign": "Leo"}))
        stage = Stage({"main": in_turn(made, says("ok"))})
        route = Route("main", (Target("main/m", "chat", "http://main.invalid/v1", "m"),))
        models = Models(stage.executor, lambda _: route, lambda: "REF", LoopClock())
        journal = MemoryJournal()
        async with agent(models, {}, [horoscope]) as runner:
            asked = task(tools=("time", "calculator", "fetch", "horoscope"))
            assert await runner.run(asked, journal) == Ended("finished")
        await stage.executor.aclose()
        told = {e.message.text for e in journal.events if isinstance(e, ToolAnswered)}
        assert told == {"42", "Leo is lucky"}

    asyncio.run(watched(main()))


def test_a_route_can_what_all_its_targets_are_known_to_do() -> None:
    def route(*models: str) -> Route:
        return Route(
            "r", tuple(Target(m, base_url="https://x.invalid/v1", model=m) for m in models)
        )

    sees, reads = known_abilities(lambda _: route("gpt-5.5"))("r"), Abilities()
    assert sees.vision
    assert sees.context_tokens > 100_000
    both = known_abilities(lambda _: route("gpt-5.5", "nobody-knows-this"))("r")
    assert both == reads
    assert known_abilities(lambda _: None)("r") == reads


def test_the_names_of_the_built_in_tools_are_known_beforehand() -> None:
    async def main() -> None:
        fetcher = Fetcher()
        assert tuple(made.name for made in builtins(LoopClock(), fetcher)) == BUILT_IN
        await fetcher.aclose()

    asyncio.run(main())


BASE: Mapping[str, Any] = {
    "providers": {"p": {"base_url": "http://p.invalid/v1"}},
    "routes": {"gpt": {"targets": ["p/gpt"]}},
}


def settings(**tables: Any) -> Settings:
    return parse({**BASE, **tables}, {}, "test")


def test_what_is_right_is_no_problem() -> None:
    bot = {
        "platform": "webchat",
        "route": "gpt",
        "tools": ["time", "mcp:files", "mcp:files/read", "horoscope"],
        "summary_route": "gpt",
    }
    files = {"command": ["uvx", "files"]}
    web = {"url": "https://tools.example.com/mcp", "headers": {"authorization": "Bearer x"}}
    given = settings(bots={"b": bot}, mcp={"files": files, "web": web})
    assert list(problems(given, [horoscope])) == []


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"mcp": {"files": {}}}, "mcp.files: has neither a command nor a url"),
        (
            {"mcp": {"files": {"command": ["x"], "url": "http://x"}}},
            "mcp.files: has both a command and a url",
        ),
        ({"mcp": {"files": {"url": "x.com/mcp"}}}, "mcp.files.url: is no http or https address"),
        ({"mcp": {"my files": {"command": ["x"]}}}, 'mcp."my files": this name cannot'),
        (
            {"bots": {"b": {"platform": "webchat", "route": "gpt", "tools": ["tim"]}}},
            'bots.b.tools[0]: unknown tool "tim". Remedy: did you mean "time"?',
        ),
        (
            {"bots": {"b": {"platform": "webchat", "route": "gpt", "tools": ["mcp:gone/x"]}}},
            'bots.b.tools[0]: unknown tool "mcp:gone/x"',
        ),
        (
            {"bots": {"b": {"platform": "webchat", "route": "gtp"}}},
            'bots.b.route: unknown route "gtp". Remedy: did you mean "gpt"?',
        ),
        (
            {"bots": {"b": {"platform": "webchat", "route": "gpt", "caption_route": "eyes"}}},
            'bots.b.caption_route: unknown route "eyes"',
        ),
    ],
)
def test_what_is_wrong_is_told_with_a_remedy(tables: Mapping[str, Any], told: str) -> None:
    (problem,) = problems(settings(**tables))
    assert problem.say("en").startswith(told)
    assert problem.say("zh") != problem.say("en")
