"""The agent, made of its parts: the door by which the composition root enters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from ..config import WILDCARD, McpSettings, Settings
from ..core.clock import Clock
from ..problems import Problem, key
from ..resilience.policy import Route
from ..upstream.capabilities import capability
from .abilities import Abilities, AbilitiesOf
from .asking import Models
from .builtins import BUILT_IN, builtins
from .fetching import Fetcher
from .framing import Framer
from .memory import Memory
from .runner import Runner
from .tools import MCP, NAME, AgentTool, Toolbox, ToolServer


class ClosableServer(ToolServer, Protocol):
    async def aclose(self) -> None: ...


@asynccontextmanager
async def agent(
    models: Models,
    servers: Mapping[str, McpSettings],
    plugins: Sequence[AgentTool] = (),
    abilities: AbilitiesOf | None = None,
) -> AsyncIterator[Runner]:
    """A runner for the turns of all bots; leaving closes every tool server.

    `abilities` is what `upstream.capabilities` knows of a route's targets unless told.
    Raises ValueError if a plugin's tool has the name of another.
    """
    async with AsyncExitStack() as stack:
        fetcher = Fetcher()
        stack.push_async_callback(fetcher.aclose)
        made = _made(servers, models.clock)
        stack.push_async_callback(_close, made)
        toolbox = Toolbox((*builtins(models.clock, fetcher), *plugins), made)
        framer = Framer(models, abilities or known_abilities(models.routes), Memory())
        yield Runner(models, framer, toolbox)


def known_abilities(routes: Callable[[str], Route | None]) -> AbilitiesOf:
    """What every target of a route is known to do: any of them may be the one that answers."""

    def of(name: str) -> Abilities:
        route = routes(name)
        found = [capability(one.base_url, one.model) for one in route.targets] if route else []
        tokens = [one.context_tokens for one in found if one.context_tokens]
        least = Abilities()
        return Abilities(
            vision=bool(found) and all(one.vision for one in found),
            context_tokens=min(tokens) if len(tokens) == len(found) > 0 else least.context_tokens,
        )

    return of


def _made(servers: Mapping[str, McpSettings], clock: Clock) -> Mapping[str, ClosableServer]:
    if not servers:
        return {}
    # The SDK takes as much memory as the rest of the agent: only who has servers loads it.
    from .mcp import McpServer  # noqa: PLC0415

    return {name: McpServer(name, one, clock) for name, one in servers.items()}


async def _close(servers: Mapping[str, ClosableServer]) -> None:
    await asyncio.gather(*(server.aclose() for server in servers.values()))


def problems(settings: Settings, plugins: Sequence[AgentTool] = ()) -> Iterator[Problem]:
    """What is wrong with tool servers, and with the tools and routes that bots name."""
    for name, server in settings.mcp.items():
        yield from _of_server(name, server)
    tools = [*BUILT_IN, *(made.name for made in plugins), *(MCP + one for one in settings.mcp)]
    routes = [name for name in settings.routes if name != WILDCARD]
    for name, bot in settings.bots.items():
        for number, tool in enumerate(bot.tools):
            if (tool.partition("/")[0] if tool.startswith(MCP) else tool) not in tools:
                path = key(("bots", name, "tools", number))
                yield Problem.unknown(path, tool, tools, "tool")
        for field in ("route", "summary_route", "caption_route"):
            route = getattr(bot, field)
            if route and route not in routes and WILDCARD not in settings.routes:
                yield Problem.unknown(key(("bots", name, field)), route, routes, "route")


def _of_server(name: str, server: McpSettings) -> Iterator[Problem]:
    path = key(("mcp", name))
    if not NAME.fullmatch(name):
        yield Problem(
            path,
            "this name cannot stand before the names of tools",
            "这个名字不能用作工具名的前缀",
            "use letters, digits, - and _ only",
            "请只用字母、数字、- 和 _",
        )
    if bool(server.command) is bool(server.url):
        both = bool(server.url)
        yield Problem(
            path,
            "has both a command and a url" if both else "has neither a command nor a url",
            "同时写了 command 和 url" if both else "既没有 command 也没有 url",
            'write either command = ["PROGRAM", ...] or url = "https://..."',
            '请写 command = ["程序", ...] 或 url = "https://..." 其中之一',
        )
    elif server.url and not server.url.startswith(("http://", "https://")):
        yield Problem(
            f"{path}.url",
            "is no http or https address",
            "不是 http 或 https 地址",
            'write it whole, e.g. "https://tools.example.com/mcp"',
            "请写完整地址，例如 “https://tools.example.com/mcp”",
        )
