"""The tools that every bot can be given: time, calculator, fetch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..core.clock import Clock
from .calculator import NotArithmetic, calculate
from .fetching import MOST, Fetcher
from .tools import AgentTool, ToolFailed, tool

BUILT_IN = ("time", "calculator", "fetch")


def builtins(clock: Clock, fetcher: Fetcher) -> Sequence[AgentTool]:
    return (_time(clock), calculator, _fetch(fetcher))


def _time(clock: Clock) -> AgentTool:
    @tool(name="time", pure=True, timeout=5)
    async def time(
        zone: Annotated[str, 'IANA time zone such as "Asia/Shanghai"; "" is the server\'s'] = "",
    ) -> str:
        """The current date, time and day of the week."""
        now = datetime.fromtimestamp(clock.wall(), UTC)
        try:
            there = now.astimezone(ZoneInfo(zone) if zone else None)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ToolFailed(f"{zone!r} is not the name of a time zone") from None
        return f"{there:%A, %Y-%m-%d %H:%M:%S %z} ({zone or there.tzname()})"

    return time


@tool(name="calculator", pure=True, timeout=5)
async def calculator(
    expression: Annotated[str, "numbers, + - * / // % **, brackets, sqrt, sin, log, round, ..."],
) -> str:
    """The exact value of an arithmetic expression. Use it for any calculation."""
    try:
        return calculate(expression)
    except NotArithmetic as error:
        raise ToolFailed(error.args[0]) from None


def _fetch(fetcher: Fetcher) -> AgentTool:
    @tool(name="fetch", pure=True, timeout=30)
    async def fetch(url: str) -> str:
        """Reads a web page and returns its text, with the links in it."""
        page = await fetcher.fetch(url)
        head = f"# {page.title}\n{page.url}\n\n" if page.title else f"{page.url}\n\n"
        tail = f"\n\n[cut at {MOST >> 20} MiB]" if page.cut else ""
        return head + page.text + tail

    return fetch
