"""One bot on QQ: `bot.adapter.Adapter` over either way of receiving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import httpx2
import structlog
from starlette.routing import Route

from ...bot.adapter import Capabilities, Sink
from ...bot.event import Inbound, Outbound, Place, Receipt
from ...config import BotSettings
from ...core.clock import Clock
from ...core.failure import StreamFailed
from ...store.ports import Notes, StoreFailed
from .api import Api
from .codec.events import Reader, to_acknowledge
from .codec.reading import Json, table, text
from .gateway import Gateway, Journal, Take
from .http import PATIENCE, Http
from .limits import capabilities
from .media import Uploads
from .ordering import InOrder, OnConnection
from .quotes import Quotes
from .sender import Sender
from .session import Entered, Memory, Pace, Session
from .tokens import Tokens
from .webhook import Webhook

_LOG = structlog.get_logger("holdfast.qq")
_MEND = 1.0  # seconds before a store that failed is asked again


class QQAdapter:
    """A bot as `settings` name it. `transport` must tell phases (`upstream.transport`); `jitter`
    gives numbers in [0, 1); `notes` keeps the session over a restart; `patience` is how many
    seconds the platform has for an answer.

    Growing messages exist in private chats only. Elsewhere a frame is taken and shown when it
    is the last; in guilds nothing recognises a repetition.
    """

    def __init__(
        self,
        name: str,
        settings: BotSettings,
        transport: httpx2.AsyncBaseTransport,
        clock: Clock,
        jitter: Callable[[], float],
        notes: Notes,
        pace: Pace | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.name = name
        self._clock = clock
        self._jitter = jitter
        self._pace = pace or Pace()
        self._markdown = settings.markdown
        self._proactive = settings.proactive
        self._shard = settings.shard
        secret = settings.app_secret.get_secret_value()
        http = Http(transport, clock, patience)
        self._tokens = Tokens(http, settings.token_url, settings.app_id, secret, clock)
        self._api = Api(http, self._tokens, settings.api_base, settings.app_id)
        self._quotes = Quotes()
        self._reader = Reader(name, self._quotes)
        self._sender = Sender(
            self._api,
            Uploads(self._api, http, clock),
            self._quotes,
            clock,
            markdown=settings.markdown,
            proactive=settings.proactive,
        )
        self._journal = Journal(notes, settings.app_id, clock)
        self._webhook = (
            Webhook(name, settings.app_id, secret, clock)
            if settings.transport == "webhook"
            else None
        )
        self._acknowledging: set[asyncio.Task[None]] = set()

    def capabilities(self, place: Place) -> Capabilities:
        return capabilities(place, markdown=self._markdown, proactive=self._proactive)

    @property
    def routes(self) -> list[Route]:
        """What the server must mount for this bot: the callback address, of a webhook bot."""
        if self._webhook is None:
            return []
        path = f"/webhooks/{self.name}"
        return [Route(at, self._webhook.receive, methods=["POST"]) for at in (path, f"{path}/")]

    async def run(self, sink: Sink) -> None:
        """Receives until cancelled. Raises StreamFailed for what an operator must mend."""
        ordered = InOrder(sink)
        try:
            if self._webhook is None:
                await self._connected(lambda: partial(self._take, OnConnection(ordered)))
            else:
                await self._called(self._webhook, partial(self._take, ordered))
        finally:
            for task in tuple(self._acknowledging):
                task.cancel()
            await asyncio.gather(*self._acknowledging, return_exceptions=True)

    async def send(self, outbound: Outbound, key: str) -> Receipt:
        """Sends once, as `bot.adapter.Adapter` says. Raises StreamFailed."""
        return await self._sender.send(outbound, key)

    async def _connected(self, each: Callable[[], Take]) -> None:
        memory = await self._remembered()
        session = Session(memory, self._jitter, self._pace, self._shard)
        gateway = Gateway(
            self.name,
            session,
            self._api,
            self._tokens,
            self._journal,
            self._clock,
            self._entered,
        )
        await gateway.run(each)

    async def _remembered(self) -> Memory:
        """A new session would lose what was said in the old one, so a store that fails is asked
        again.
        """
        while True:
            try:
                return await self._journal.load()
            except StoreFailed as failed:
                _LOG.warning("qq_session_not_known", bot=self.name, why=str(failed))
                await asyncio.sleep(_MEND)

    async def _called(self, webhook: Webhook, take: Take) -> None:
        """The platform calls us. That the credentials are good is found out at the start."""
        webhook.take = take
        try:
            await self._know_ourselves()
            await asyncio.Event().wait()
        finally:
            webhook.take = None

    async def _know_ourselves(self) -> None:
        try:
            self._reader.self_id = text(await self._api.me(), "id")
        except StreamFailed as failed:
            if failed.failure.param == "bot":
                raise
            _LOG.warning("qq_not_reached", bot=self.name, cause=failed.failure.cause)

    def _entered(self, entered: Entered) -> None:
        self._reader.self_id = entered.self_id or self._reader.self_id

    async def _take(self, sink: Sink, frame: Json) -> None:
        """An event to the bot. Raises StoreFailed: then it is not acknowledged."""
        event = self._reader.decode(frame, self._clock.wall())
        if event is None:
            self._passed_over(frame)
            return
        fresh = await sink(event)
        if isinstance(event, Inbound):
            if fresh:
                self._sender.heard(event.place)
            for name in (str(event.place.anchor.get("ref", "")), event.id):
                self._quotes.keep(name, event.text)
        waiting = to_acknowledge(frame)
        if fresh and waiting:
            task = asyncio.get_running_loop().create_task(self._acknowledge(waiting))
            self._acknowledging.add(task)
            task.add_done_callback(self._acknowledging.discard)

    async def _acknowledge(self, interaction_id: str) -> None:
        try:
            await self._api.acknowledge(interaction_id)
        except StreamFailed as failed:
            _LOG.warning("qq_button_not_acknowledged", bot=self.name, cause=failed.failure.cause)

    def _passed_over(self, frame: Json) -> None:
        """An audit that ends in a refusal is the one event that an operator must hear of."""
        kind = text(frame, "t")
        if kind == "MESSAGE_AUDIT_REJECT":
            audit_id = text(table(frame, "d"), "audit_id")
            _LOG.warning("qq_message_rejected_by_audit", bot=self.name, audit_id=audit_id)
        else:
            _LOG.debug("qq_event_passed_over", bot=self.name, type=kind)
