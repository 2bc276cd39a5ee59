"""The platform's HTTP side on a raw socket, so that every fault of a connection can be had."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from types import TracebackType
from typing import Self, cast

from ..addresses import origin, reset
from ..http1 import head
from ..reading import Malformed, RawRequest, RequestReader
from .desk import Answer, refusal
from .faults import Cut, Fault, Faults, Freeze, Garbage, Page, Pending, Refuse, Slow
from .refusal import Refused

_READ = 64 * 1024
_HTML = b"<html><head><title>Bad Gateway</title></head><body><center>TAPISIX</center></body></html>"


class HttpSide:
    """An async context manager."""

    def __init__(
        self, answer: Callable[[RawRequest], Answer], faults: Faults, host: str, port: int
    ) -> None:
        self.host = host
        self.port = port
        self._answer = answer
        self._faults = faults
        self._serial = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def origin(self) -> str:
        return origin("http", self.host, self.port)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests = RequestReader()
        try:
            while True:
                while (request := requests.next_request()) is None:
                    data = await reader.read(_READ)
                    if not data:
                        return
                    requests.feed(data)
                if not await self._perform(request, writer) or not request.keep_alive:
                    return
        except (ConnectionError, Malformed):
            return
        finally:
            writer.close()

    async def _perform(self, request: RawRequest, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may serve another request."""
        fault = self._faults.next_for(request.path)
        if fault is None:
            await self._send(writer, self._answer(request))
            return True
        if fault.done or isinstance(fault.what, Slow):
            answer = self._answer(request)
        else:
            answer = Answer(500, {"message": "fault", "code": 50001, "err_code": 50001})
        return await self._spoil(fault, answer, writer)

    async def _spoil(self, fault: Fault, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        match fault.what:
            case Refuse(code, status, err_code, words):
                await self._send(writer, refusal(Refused(code, status, words, err_code)))
            case Page(status, retry_after):
                await self._write(writer, status, "text/html", _HTML, retry_after)
            case Garbage(body, status):
                await self._write(writer, status, "application/json", body)
            case Pending(audit_id):
                await self._send(writer, _waiting(audit_id))
            case Slow(seconds):
                await asyncio.sleep(seconds)
                await self._send(writer, answer)
            case Freeze():
                await asyncio.Event().wait()
            case Cut(abruptly):
                if abruptly:
                    reset(cast(asyncio.Transport, writer.transport))
                return False
        return True

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        if answer.body is None:
            await self._write(writer, answer.status, "", b"")
            return
        body = answer.body
        if "err_code" in body:
            body = {**body, "trace_id": self._trace()}
        data = json.dumps(body, ensure_ascii=False).encode()
        await self._write(writer, answer.status, "application/json", data)

    async def _write(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        kind: str,
        body: bytes,
        retry_after: float | None = None,
    ) -> None:
        self._serial += 1
        headers = [("X-Tps-trace-ID", self._trace()), ("Content-Length", str(len(body)))]
        if kind:
            headers.append(("Content-Type", kind))
        if retry_after is not None:
            headers.append(("Retry-After", f"{retry_after:g}"))
        writer.write(head(status, headers) + body)
        await writer.drain()

    def _trace(self) -> str:
        return f"{self._serial:032x}"


def _waiting(audit_id: str) -> Answer:
    audit = {"message_audit": {"audit_id": audit_id}}
    words = "push message is waiting for audit now"
    return Answer(202, {"code": 304023, "message": words, "data": audit})
