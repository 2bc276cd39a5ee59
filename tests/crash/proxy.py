"""A line to a server that can be cut, and mended; or swallow what it is given."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Carries bytes to the server at `target`. An async context manager."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._whole = True
        self._flows = asyncio.Event()
        self._flows.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """The target's, through this line."""
        port = self._server.sockets[0].getsockname()[1]
        user, at, _ = self._target.netloc.rpartition("@")
        return urlunsplit(self._target._replace(netloc=f"{user}{at}127.0.0.1:{port}"))

    def cut(self) -> None:
        """Breaks what is connected, and lets nobody connect."""
        self._whole = False
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        self._whole = True
        self._flows.set()

    def swallow(self) -> None:
        """Takes all that comes, and whoever connects, and passes nothing on until it is mended."""
        self._flows.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if not self._whole:
            writer.transport.abort()
            return
        there, here = await asyncio.open_connection(
            self._target.hostname, self._target.port or 4222
        )
        self._open |= {writer, here}
        try:
            await asyncio.gather(self._carry(reader, here), self._carry(there, writer))
        except asyncio.CancelledError:
            return  # the server's own callback would tell of it as an error
        finally:
            self._open -= {writer, here}
            writer.close()
            here.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
