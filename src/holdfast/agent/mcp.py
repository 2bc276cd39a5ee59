"""Servers of tools that speak the Model Context Protocol, on standard streams or over HTTP.

A server is connected to when a turn first needs it, and again after it was lost. A call that
was under way when its server died has an unknown outcome, unless the server declared the tool
read-only or idempotent: then it is made once more.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2
from mcp import Client, MCPError, types
from mcp.client import Transport
from mcp.client.streamable_http import streamable_http_client

from ..config import McpSettings
from ..core.clock import Clock
from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.message import Tool
from ..core.redact import conceal, scrub
from ..upstream.progress import Progress
from ..upstream.translate import failure_from
from ..wire.jsontext import dumps
from ..wire.toolargs import fit_name, unused
from .mcp_leniency import LOST, always, lenient
from .mcp_overheard import UNPACKED, Overheard
from .mcp_stdio import LARGEST, Program
from .media import Media
from .tools import AgentTool, Missing, OutcomeUnknown, Output, ToolContext, ToolFailed

CONNECT = 120.0  # seconds: a server may have to be fetched before it can start
PATIENCE = 10.0  # seconds that a turn waits for that
PAUSE = 5.0  # seconds until a server that failed to start is tried again; doubled each time
LONGEST_PAUSE = 300.0
CLOSE = 8.0  # seconds: a server that does not end by itself is killed in six
TRUSTED = 5.0  # seconds for which a connection that was heard from is taken to be there
LISTED = 60.0  # seconds for which a listing is
PROBE = 5.0  # seconds in which it must otherwise answer
_TOLD = 1.0  # seconds in which the SDK tells a caller that the connection is gone
_PAGES = 50  # of a listing
_TYPE = 100  # characters of a type that is told

# After these nobody knows whether the tool was run; any other error is the server's own word
# (`mcp_leniency` sees to it that these are not).
_LOST = frozenset({LOST, types.REQUEST_TIMEOUT, types.INTERNAL_ERROR})


class McpServer:
    """Implements `tools.ToolServer`. `name` goes before the names of its tools; `patience` is how
    many seconds a turn waits for the server to start.
    """

    def __init__(
        self, name: str, settings: McpSettings, clock: Clock, patience: float = PATIENCE
    ) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._patience = patience
        self._link: _Link | None = None
        self._opening = asyncio.Lock()
        self._failed: Failure | None = None  # why the last connection could not be made
        self._retry_at = 0.0
        self._pause = PAUSE

    async def tools(self) -> Sequence[AgentTool | Missing]:
        """What the server offers, and what of it nobody can call. Raises StreamFailed."""
        link = await self._connected(LISTED)
        made: dict[str, AgentTool] = {}
        names: set[str] = set()
        for listed in link.listed:
            if listed.name in names:
                continue  # a call of it would reach the first
            names.add(listed.name)
            name = unused(fit_name(f"{self._name}__{listed.name}"), made)
            made[name] = self._tool(name, listed)
        return [*made.values(), *(self._refused(*of) for of in link.refused.items())]

    def _refused(self, tool: str, why: str) -> Missing:
        """Of a tool that is listed as no tool can be."""
        failure = Failure(
            Kind.PROTOCOL, Phase.ADMIT, Hop.TOOL, by=f"mcp:{self._name}", detail=scrub(why)
        )
        name = fit_name(f"{self._name}__{tool}")
        return Missing(name, conceal(failure, self._secrets))

    async def aclose(self) -> None:
        async with self._opening:
            await self._drop()

    async def _connected(self, trusted: float) -> _Link:
        """One that was heard from within `trusted` seconds, or answers now. Raises StreamFailed.

        Nobody waits long for a server that does not start: it is given more time while turns go
        on without it, and after it has failed it is left alone for a while.
        """
        async with self._opening:
            now = self._clock.monotonic()
            link = self._link
            if link and link.ready:
                fresh = link.alive and now < link.heard_at + trusted
                if fresh or await link.answers(PROBE):
                    link.heard_at = now if fresh else self._clock.monotonic()
                    return link
                await self._drop()
            if self._link is None:
                if self._failed and now < self._retry_at:
                    raise StreamFailed(self._failed)
                self._link = _Link(self._settings, now)
            return await self._opened(self._link)

    async def _opened(self, link: _Link) -> _Link:
        waited = self._clock.monotonic() - link.began_at
        await link.opened(max(0.0, self._patience - waited))
        now = self._clock.monotonic()
        if link.alive:
            link.heard_at = now
            self._failed, self._pause = None, PAUSE
            return link
        failure = _failure(self._name, link, self._secrets)
        if link.task.done() or now >= link.began_at + CONNECT:
            await self._drop()
            self._failed, self._retry_at = failure, now + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        raise StreamFailed(failure)

    async def _drop(self) -> None:
        link, self._link = self._link, None
        if link:
            await link.aclose()

    @property
    def _secrets(self) -> list[str]:
        kept = (*self._settings.env.values(), *self._settings.headers.values())
        return [secret.get_secret_value() for secret in kept]

    # Tools.

    def _tool(self, name: str, listed: types.Tool) -> AgentTool:
        told = listed.annotations or types.ToolAnnotations()
        pure = bool(told.read_only_hint)
        idempotent = bool(told.idempotent_hint)

        async def run(arguments: Mapping[str, Any], _: ToolContext) -> Output:
            try:
                return await self._call(listed.name, arguments)
            except OutcomeUnknown:
                if not (pure or idempotent):
                    raise
                return await self._call(listed.name, arguments)

        return AgentTool(
            tool=Tool(name, listed.description or "", listed.input_schema),
            run=run,
            pure=pure,
            idempotent=idempotent,
            timeout=self._settings.timeout,
        )

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> Output:
        """Raises StreamFailed if it was not sent, ToolFailed if it was refused, OutcomeUnknown."""
        link = await self._connected(TRUSTED)
        assert link.client is not None
        calling = asyncio.create_task(link.client.call_tool(name, dict(arguments)))
        try:
            await asyncio.wait({calling, link.task}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({calling}, timeout=_TOLD)
        finally:
            if not calling.done():
                calling.cancel()
                await asyncio.wait({calling}, timeout=_TOLD)
        if calling.cancelled() or not calling.done():
            raise await self._lost(link)
        error = calling.exception()
        if isinstance(error, MCPError):
            if error.code in _LOST:
                raise await self._lost(link) from error
            raise ToolFailed(scrub(error.message)) from error
        if error:  # it has answered, in a form that is none
            raise OutcomeUnknown(f"the tool server {self._name} gave no readable answer") from error
        link.heard_at = self._clock.monotonic()
        return _output(calling.result())

    async def _lost(self, link: _Link) -> OutcomeUnknown:
        """The connection is given up; the next call makes another."""
        async with self._opening:
            if self._link is link:
                await self._drop()
        fault = link.program.fault if link.program else ""
        lost = f"the tool server {self._name} was lost during the call"
        return OutcomeUnknown(f"{lost}: {fault}" if fault else lost)


class _Link:
    """One connection, held by one task: the SDK's scopes must be left where they were entered."""

    def __init__(self, settings: McpSettings, began_at: float) -> None:
        self.began_at = began_at
        self.client: Client | None = None
        self.listed: Sequence[types.Tool] = ()
        self.refused: dict[str, str] = {}  # what was listed as no tool can be, and why
        self.heard_at = 0.0
        self._overheard = Overheard()
        self.program: Program | None = None  # where it is one of our own
        self._settings = settings
        self._ready = asyncio.Event()
        self._closing = asyncio.Event()
        self.task = asyncio.create_task(self._hold())

    @property
    def ready(self) -> bool:
        """Whether it has ever been open."""
        return self._ready.is_set()

    @property
    def alive(self) -> bool:
        left = self.program is not None and self.program.ended
        return self.ready and not (left or self.task.done())

    @property
    def told(self) -> Sequence[str]:
        """What is known of its end besides the error: what was wrong with what it wrote, and the
        last words on its standard error.
        """
        if self.program is None:
            return ()
        words = scrub(self.program.said.decode("utf-8", "replace").strip()[-500:])
        return [part for part in (self.program.fault, f"it said: {words}" if words else "") if part]

    async def opened(self, seconds: float) -> None:
        """Returns when it is open, or could not be opened, or the time is up."""
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait({self.task, ready}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()

    async def answers(self, seconds: float) -> bool:
        """Whether the server is still there; what it offers is read anew."""
        if not self.alive or self.client is None:
            return False
        listing = asyncio.create_task(self._list(self.client))
        await asyncio.wait(
            {listing, self.task}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if not listing.done():
            listing.cancel()
            await asyncio.wait({listing}, timeout=_TOLD)
        if not listing.done() or listing.cancelled() or listing.exception():
            return False
        self.listed = listing.result()
        return self.alive

    async def aclose(self) -> None:
        if self.ready:
            self._closing.set()
        else:
            self.task.cancel()
        await asyncio.wait({self.task}, timeout=CLOSE)
        self.task.cancel()
        self.error()  # seen, whatever it was: who lost a call by it has been told

    def error(self) -> BaseException | None:
        """What ended it, if it has ended."""
        if not self.task.done():
            return None
        return asyncio.CancelledError() if self.task.cancelled() else self.task.exception()

    async def _hold(self) -> None:
        async with AsyncExitStack() as stack:
            bare = await self._transport(stack)
            ended = self._overheard.ended if self._settings.url else always
            transport = lenient(bare, self.refused.__setitem__, ended)
            client = await stack.enter_async_context(Client(transport))
            self.listed = await self._list(client)
            self.client = client
            self._ready.set()
            await self._closing.wait()

    async def _list(self, client: Client) -> list[types.Tool]:
        """Everything the server offers, asked of the server itself. Raises MCPError."""
        self.refused.clear()
        found: list[types.Tool] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await client.list_tools(cursor=cursor, cache_mode="bypass")
            found += page.tools
            cursor = page.next_cursor
            if not cursor:
                break
        return found

    async def _transport(self, stack: AsyncExitStack) -> Transport:
        settings = self._settings
        if settings.url:
            headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
            timeout = httpx2.Timeout(PATIENCE, read=settings.timeout + PATIENCE)
            hooks = {"response": [self._overheard.hook]}
            client = httpx2.AsyncClient(
                headers=UNPACKED | headers, timeout=timeout, event_hooks=hooks
            )
            http = await stack.enter_async_context(client)
            return streamable_http_client(
                settings.url, http_client=http, max_sse_event_size=LARGEST
            )
        self.program = Program(
            settings.command,
            {name: value.get_secret_value() for name, value in settings.env.items()},
        )
        return self.program.streams()


def _failure(name: str, link: _Link, secrets: Sequence[str]) -> Failure:
    """Why a connection could not be made, with the last words of the server."""
    error = link.error()
    failure = Failure(Kind.TIMEOUT, Phase.CONNECT, detail="it does not answer yet")
    if error:
        failure = failure_from(error, Progress(lambda _: None, Phase.CONNECT))
        kind = Kind.UNAVAILABLE if failure.kind is Kind.INTERNAL else failure.kind
        failure = replace(failure, kind=kind)
    detail = "; ".join(part for part in (failure.detail, *link.told) if part)
    return conceal(replace(failure, hop=Hop.TOOL, by=f"mcp:{name}", detail=detail), secrets)


def _output(result: types.CallToolResult) -> Output:
    told = [_told(block) for block in result.content]
    texts = [text for text in told if isinstance(text, str)]
    if not told and result.structured_content is not None:
        texts = [dumps(result.structured_content).decode()]
    return Output(
        "\n".join(texts),
        failed=result.is_error,
        media=tuple(media for media in told if isinstance(media, Media)),
        broken=tuple(broken.type for broken in told if isinstance(broken, _Broken)),
    )


@dataclass(frozen=True, slots=True)
class _Broken:
    type: str


def _told(block: types.ContentBlock) -> str | Media | _Broken:
    match block:
        case types.TextContent(text=text):
            return text
        case types.ImageContent() | types.AudioContent():
            return _media(block.data, block.mime_type, "", block.annotations)
        case types.ResourceLink():
            return f"[{block.title or block.name}]({block.uri})"
        case types.EmbeddedResource(resource=resource):
            if isinstance(resource, types.TextResourceContents):
                return resource.text
            kind = resource.mime_type or ""
            return _media(resource.blob, kind, resource.uri, block.annotations)


def _media(data: str, kind: str, name: str, told: types.Annotations | None) -> Media | _Broken:
    """Whom it is for a server may say; what it does not say is for both."""
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except ValueError:
        return _Broken((kind or name or "data")[:_TYPE])
    readers = (told and told.audience) or ["user"]
    return Media(content, _name(name), kind, shown="user" in readers)


def _name(uri: str) -> str:
    """What a resource is called, "" if its address does not tell."""
    try:
        address = urlsplit(uri)
    except ValueError:
        return ""
    return "" if address.scheme == "data" else unquote(address.path)
