"""What a test must not leave behind: tasks, and errors nobody has seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

TURNS = 20  # of the event loop in which what has been cancelled must be gone
LOOK = 0.002  # seconds between looks, in which other processes have the core
HANG = 300.0  # seconds; nothing but a hang takes so long, however slow and busy the machine is


async def settle(turns: int = TURNS) -> None:
    """Lets everything that is ready run, without waiting for time or sockets."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool], patience: float = HANG) -> None:
    """Waits for what another task or the kernel is about to do; polls, never sleeps a guess."""
    async with asyncio.timeout(patience):
        for _ in range(TURNS):
            if condition():
                return
            await asyncio.sleep(0)
        while not condition():
            await asyncio.sleep(LOOK)


async def watched(main: Coroutine[Any, Any, T]) -> T:
    """`main`, whose tasks must be gone and whose callbacks must not have failed when it ends."""
    unseen: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unseen.append(context))
    result = await main
    await settle()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks left behind: {left}"
    assert not unseen, f"errors that nobody handled: {unseen}"
    return result
