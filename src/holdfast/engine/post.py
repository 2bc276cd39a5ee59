"""Something that one process of a cluster does at a time, such as holding the socket of a bot.

The others stand by. Whoever has the post gives signs of life; if they cease, or it leaves, the
next one takes over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from ..core.clock import Clock
from ..store.ports import Fence, StoreFailed, Turns

_LOG = structlog.get_logger("holdfast.engine")

LEASE = 6.0  # seconds


async def hold(
    turns: Turns,
    name: str,
    holder: str,
    work: Callable[[Fence], Awaitable[None]],
    clock: Clock,
    lease: float = LEASE,
) -> None:
    """Does `work`, by the right it is given, whenever this process has the post `name`, until
    cancelled or until `work` ends. `holder` is unique to this process. Work is cancelled before
    the lease can have run out.
    """
    lane = f"post:{name}"
    while True:
        asked = clock.monotonic()
        try:
            fence = await asyncio.wrap_future(turns.claim(lane, holder, lease))
        except StoreFailed as failed:
            _LOG.warning("a post cannot be asked for", post=name, reason=str(failed))
            fence = None
        if fence is None:
            await asyncio.sleep(lease / 3)
            continue
        task = asyncio.ensure_future(work(fence))
        try:
            if await _until_lost(turns, fence, task, clock, asked, lease):
                await task
                return
            _LOG.warning("a post is lost", post=name)
        finally:
            task.cancel()
            await asyncio.wait([task])
            await _release(turns, fence)


async def _until_lost(
    turns: Turns,
    fence: Fence,
    task: asyncio.Future[None],
    clock: Clock,
    since: float,
    lease: float,
) -> bool:
    """True once the work has ended; False once the post is lost, or may be: after two thirds of
    the lease without an answer. `since` is when it was last asked for with success.
    """
    while True:
        done, _ = await asyncio.wait([task], timeout=lease / 6)
        if done:
            return True
        asked = clock.monotonic()
        try:
            async with asyncio.timeout(lease / 3):
                if not await asyncio.wrap_future(turns.renew(fence, lease)):
                    return False
            since = asked
        except (StoreFailed, TimeoutError):
            if clock.monotonic() - since > lease * 2 / 3:
                return False


async def _release(turns: Turns, fence: Fence) -> None:
    try:
        async with asyncio.timeout(1.0):
            await asyncio.wrap_future(turns.release(fence))
    except (StoreFailed, TimeoutError):
        _LOG.warning("a post was not given back", post=fence.lane)
