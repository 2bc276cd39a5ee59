"""An MCP server over HTTP that answers each call in the way that the tool's name says."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

_PAGE = b"<html>oops</html>"
_EVENTS = "text/event-stream"
TOO_BIG = 4_000_000  # bytes: more than a test lets a message have


class OddServer:
    """`calls` are the names of the tools that were called, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                length = 0
                while header := (await reader.readline()).strip():
                    name, _, value = header.decode().partition(":")
                    if name.lower() == "content-length":
                        length = int(value)
                body = await reader.readexactly(length)
                if not line.startswith(b"POST"):
                    _answer(writer, b"", 405)
                    continue
                asked = json.loads(body)
                if asked.get("method") != "tools/call":
                    _answer(writer, _said(asked), 200 if "id" in asked else 202)
                elif not self._called(writer, asked["params"]["name"], asked["id"]):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _called(self, writer: asyncio.StreamWriter, name: str, id: Any) -> bool:
        """False: the connection is closed."""
        self.calls.append(name)
        result = {"content": [{"type": "text", "text": f"{name} was called"}]}
        known = _answers(id).get(name, (_result(id, result),))
        if known:
            _answer(writer, *known)
        return bool(known) and name != "cut_stream"


def _answers(id: Any) -> dict[str, tuple[Any, ...]]:
    """What `_answer` is given for each tool; () for none at all."""
    streamed = b"event: message\ndata: " + _error(id, -32603, "the disk is full") + b"\n\n"
    return {
        "server_error": (_error(id, -32000, "the disk is full"),),
        "internal_error": (_error(id, -32603, "TypeError: x is undefined"),),
        "parse_error": (_error(id, -32700, "the note is no JSON"),),
        "streamed_error": (streamed, 200, _EVENTS),
        "refused_error": (_error(id, -32602, "the sum is missing"), 400),
        "nameless_error": (_error(None, -32603, "the sum is missing"), 500),
        "forbidden": (_PAGE, 403, "text/html"),
        "no_session": (b"", 404),
        "failing": (_PAGE, 502, "text/html"),
        "cut": (),
        "cut_stream": (b": wait\n\n", 200, _EVENTS, 100),
        "no_json": (b"{{{",),
        "accepted": (b"", 202),
        "too_big": (_words(id, "x" * TOO_BIG),),
        "packed": (gzip.compress(_words(id, "it is packed")), 200, "application/json", 0, "gzip"),
        "bomb": (gzip.compress(_words(id, " " * TOO_BIG)), 200, "application/json", 0, "gzip"),
        "streamed_big": (b"data: " + _words(id, "x" * 2_000_000) + b"\n\n", 200, _EVENTS),
        "a_page": (_PAGE, 200, "text/html"),
    }


def _said(asked: Any) -> bytes:
    id, params = asked.get("id"), asked.get("params") or {}
    match asked.get("method"):
        case "initialize":
            info = {"name": "odd", "version": "1"}
            known = {"protocolVersion": params["protocolVersion"], "serverInfo": info}
            return _result(id, known | {"capabilities": {"tools": {}}})
        case "tools/list":
            tools = [
                {"name": name, "inputSchema": {"type": "object"}} for name in ("fine", *_answers(0))
            ]
            return _result(id, {"tools": tools})
        case _:
            return _error(id, -32601, "Method not found") if id is not None else b""


def _result(id: Any, result: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id, "result": result}).encode()


def _words(id: Any, text: str) -> bytes:
    return _result(id, {"content": [{"type": "text", "text": text}]})


def _error(id: Any, code: int, message: str) -> bytes:
    error = {"code": code, "message": message}
    return json.dumps({"jsonrpc": "2.0", "id": id, "error": error}).encode()


def _answer(
    writer: asyncio.StreamWriter,
    body: bytes,
    status: int = 200,
    kind: str = "application/json",
    more: int = 0,
    coding: str = "identity",
) -> None:
    """`more`: bytes that are announced and do not come."""
    head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body) + more}\r\n"
    head += f"Content-Encoding: {coding}\r\n"
    writer.write(f"{head}\r\n".encode() + body)


@asynccontextmanager
async def odd_server() -> AsyncIterator[OddServer]:
    odd = OddServer()
    server = await asyncio.start_server(odd._serve, "127.0.0.1", 0)
    odd.port = server.sockets[0].getsockname()[1]
    try:
        yield odd
    finally:
        server.close()
