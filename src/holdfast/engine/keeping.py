"""What is old goes, so that the database does not grow for ever."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ..core.clock import Clock
from ..store.ports import StoreFailed, Turns
from .writing import Durability


@dataclass(frozen=True, slots=True)
class Keep:
    """Seconds. How long turns that ended can be watched word by word, and how long they are known
    at all; `every` is between two looks.
    """

    streamed: float = 7 * 86_400.0
    turns: float = 365 * 86_400.0
    every: float = 3600.0


async def keep_house(turns: Turns, clock: Clock, keep: Keep, durability: Durability) -> None:
    """Until cancelled, a little at a time: others write in between. Many may do it at once."""
    while True:
        now = clock.wall()
        try:
            while await asyncio.wrap_future(turns.prune(now - keep.streamed)):
                continue
            while await asyncio.wrap_future(turns.drop("", now - keep.turns)):
                continue
            while await asyncio.wrap_future(turns.give_back()):
                continue
        except StoreFailed as failed:
            durability.failed(failed)
        await asyncio.sleep(keep.every)
