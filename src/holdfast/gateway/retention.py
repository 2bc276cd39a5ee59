"""How long calls that outlived their connection can be read again after their end."""

from __future__ import annotations

import asyncio

import structlog

from ..store.ports import StoreFailed, Turns
from .durable import LANE
from .services import Services

EVERY = 3600.0  # seconds

_LOG = structlog.get_logger("holdfast.gateway")


async def drop_calls(turns: Turns, before: float) -> int:
    """Drops all calls that ended before then (Unix seconds); how many. Raises StoreFailed."""
    dropped = 0
    while some := await asyncio.wrap_future(turns.drop(LANE, before)):
        dropped += some
    return dropped


async def keep_house(services: Services, every: float = EVERY) -> None:
    """Drops calls that are too old, now and then, until it is cancelled."""
    turns, keep = services.turns, services.settings.keep_calls
    while turns is not None:
        try:
            await drop_calls(turns, services.clock.wall() - keep)
        except StoreFailed as failed:
            _LOG.error("old calls were not dropped", reason=str(failed))
        await asyncio.sleep(min(every, keep))
