"""Tells vendors that a response which runs in the background is wanted no more."""

from __future__ import annotations

import asyncio

from ..core.attempt import RESPONSE_ID, Attempt, Outcome, Target
from ..wire.responses import cancel_request
from .connector import Connector
from .executor import Call

PATIENCE = 1.5  # seconds: shutting down waits for it


class Canceller:
    """An `upstream.executor.Observer`: cancels what a call has left behind."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._tasks: set[asyncio.Task[None]] = set()

    def attempted(self, call: Call, attempt: Attempt) -> None:
        return

    def ended(self, call: Call, outcome: Outcome) -> None:
        begun = {
            response: attempt.target
            for attempt in outcome.attempts
            if (response := dict(attempt.upstream_ids).get(RESPONSE_ID))
        }
        for attempt in outcome.attempts:
            if attempt.failure is None:
                begun.pop(dict(attempt.upstream_ids).get(RESPONSE_ID, ""), None)
        for response, target in begun.items():
            task = asyncio.create_task(self._cancel(target, response))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Waits until all is told, or it has taken too long."""
        await asyncio.gather(*self._tasks)

    async def _cancel(self, target: Target, response: str) -> None:
        await self._connector.tell(cancel_request(target, response), target, PATIENCE)
