"""The HTTP server: listening, telling when it is ready, and ending honestly."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp

from .config import ServerSettings
from .gateway.http1 import Http1
from .gateway.services import Services
from .problems import ConfigError, Problem

DRAIN = 8.0  # seconds in which answers under way may end after SIGTERM
STOP = 9.5  # seconds after which everything is cancelled

Farewell = Callable[[float], Awaitable[None]]
"""Lets what runs end, and be told to its end, within so many seconds. Begins nothing new."""

# Seconds for which an idle connection stays open: longer than clients and proxies keep theirs, or
# a request would meet the close on its way (httpx gives up after 5, nginx and ALB after 60).
KEEP_ALIVE = 75

# Connections that are taken in one turn of the event loop. libuv takes one for each handle on a
# listening socket: under load, where turns are long, new clients would wait for seconds while those
# that are in ask again and again.
ACCEPTS = 32

_LOG = structlog.get_logger("holdfast")


class Server(uvicorn.Server):
    """uvicorn, telling when it is ready, and ending answers honestly before it ends itself: those
    that clients read, and by `farewell` those that nobody reads here.
    """

    def __init__(
        self,
        app: ASGIApp,
        services: Services,
        ready: Callable[[str], None],
        farewell: Farewell,
    ) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().__init__(
            uvicorn.Config(
                app,
                http=Http1,
                ws="none",
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=STOP,  # type: ignore[arg-type] # seconds, any number
                timeout_keep_alive=KEEP_ALIVE,
                backlog=2048,
            )
        )
        self._services = services
        self._ready = ready
        self._handles: list[socket.socket] = []  # further ones on the listening sockets
        self._farewell = farewell
        self._hurry = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if sockets:
            self._handles = [one.dup() for one in sockets for _ in range(ACCEPTS - 1)]
        await super().startup([*sockets, *self._handles] if sockets else sockets)
        self._loop = asyncio.get_running_loop()
        self._heed_hangup()
        if sockets:
            host, port = sockets[0].getsockname()[:2]
            self._ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._services.gate.draining = True
        _LOG.info("draining", answers_under_way=self._services.gate.inside)
        asyncio.get_running_loop().call_later(DRAIN, self._services.drain.finish)
        ending = asyncio.ensure_future(self._farewell(DRAIN))
        hurry = asyncio.ensure_future(self._hurry.wait())
        try:
            await super().shutdown([*(sockets or ()), *self._handles])
            await asyncio.wait([ending, hurry], return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            hurry.cancel()
            await asyncio.wait([ending, hurry])

    def _heed_hangup(self) -> None:
        """A terminal that is closed ends its server as SIGTERM would; `nohup` is respected."""
        if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            signal.signal(signal.SIGHUP, self.handle_exit)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A second signal does not wait for anybody."""
        self.force_exit = self.should_exit
        self.should_exit = True
        if self.force_exit:
            self._loop.call_soon_threadsafe(self._hurry.set)


def listen(server: ServerSettings) -> socket.socket:
    """Raises ConfigError if the address cannot be had."""
    host, port = server.host, server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        problem = Problem(
            "",
            f"cannot listen there: {reason}",
            f"无法在此监听：{reason}",
            "choose another --port or --host, or stop what uses it",
            "请换一个 --port 或 --host，或停止占用它的程序",
        )
        raise ConfigError(f"{host}:{port}", [problem], server.language) from None
