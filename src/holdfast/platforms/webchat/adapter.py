"""A bot in the browser. Its readers watch the journal themselves, so nothing is ever sent."""

from __future__ import annotations

import asyncio

from ...bot.adapter import Capabilities, Sink
from ...bot.event import Inbound, Outbound, Person, Place, Receipt, Scene
from ...core.request import Surface

PLATFORM = "webchat"

_LIVE = Capabilities(surface=Surface.APPEND_ONLY, recognises_repeats=True, live=True)


class WebChat:
    """Implements `bot.adapter.Adapter`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._sink: asyncio.Future[Sink] = asyncio.get_running_loop().create_future()

    def capabilities(self, place: Place) -> Capabilities:
        return _LIVE

    async def run(self, sink: Sink) -> None:
        """Messages come by HTTP; this only opens the way for them."""
        self._sink.set_result(sink)
        await asyncio.get_running_loop().create_future()

    async def send(self, outbound: Outbound, key: str) -> Receipt:
        return Receipt()

    async def hear(
        self, conversation: str, id: str, text: str, at: float, language: str = ""
    ) -> tuple[Inbound, bool]:
        """Hands one message of a person to the bot; False: one of this id was heard before. Raises
        store.ports.StoreFailed and Overloaded.
        """
        inbound = Inbound(
            bot=self.name,
            platform=PLATFORM,
            id=f"{conversation}:{id}",
            place=self.place(conversation),
            sender=Person(conversation),
            text=text,
            at=at,
            language=language,
        )
        sink = await asyncio.shield(self._sink)
        return inbound, await sink(inbound)

    def place(self, conversation: str) -> Place:
        return Place(f"{PLATFORM}:{conversation}", Scene.DIRECT)
