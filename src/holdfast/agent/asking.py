"""Asking a model in an agent's words: a prompt to a call, and a call to a text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ..core.clock import Clock
from ..core.events import TextDelta
from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.message import Prompt
from ..core.request import Request, Surface
from ..resilience.policy import Route
from ..upstream.executor import Call, Executor
from .words import Language

PATIENCE = 60.0  # seconds for what is done beside the answer, such as a summary


@dataclass(frozen=True, slots=True)
class Models:
    """How models are asked: shared by all turns. `routes` finds one by its name."""

    executor: Executor
    routes: Callable[[str], Route | None]
    new_ref: Callable[[], str]
    clock: Clock

    def call(
        self,
        route: Route,
        prompt: Prompt,
        ref: str,
        language: Language,
        released: str = "",
        surface: Surface = Surface.APPEND_ONLY,
    ) -> Call:
        """A call whose answer is read as it comes; `released` has been read before."""
        return self._call(route, prompt, ref, language, surface, released)

    async def text(self, name: str, prompt: Prompt, language: Language) -> str:
        """The whole text of an answer from the route `name`. Raises StreamFailed."""
        ref = self.new_ref()
        try:
            async with asyncio.timeout(PATIENCE):
                async with self._call(
                    self.find(name), prompt, ref, language, Surface.NONE, ""
                ) as call:
                    events = [event async for batch in call for event in batch]
        except TimeoutError:
            detail = f"{name} did not answer within {PATIENCE:g} s"
            failure = Failure(Kind.TIMEOUT, Phase.STREAM, Hop.UPSTREAM, detail=detail)
            raise StreamFailed(failure) from None
        return "".join(event.text for event in events if isinstance(event, TextDelta))

    def find(self, name: str) -> Route:
        """Raises StreamFailed."""
        route = self.routes(name)
        if route is None:
            detail = f"there is no route {name!r}"
            raise StreamFailed(Failure(Kind.NO_ROUTE, Phase.ADMIT, Hop.ENGINE, detail=detail))
        return route

    def _call(
        self,
        route: Route,
        prompt: Prompt,
        ref: str,
        language: Language,
        surface: Surface,
        released: str,
    ) -> Call:
        request = Request(
            dialect="",
            model=route.name,
            prompt=prompt,
            surface=surface,
            tools=bool(prompt.tools),
            language=language,
        )
        return self.executor.call(request, route, ref, released)
