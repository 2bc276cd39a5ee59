"""What the simulator sends, without HTTP around it: statuses, headers and bodies for decoders."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httptools

from holdfast.sim import actions
from holdfast.sim.dice import Dice
from holdfast.sim.script import parse, play


@dataclass(slots=True)
class Body:
    """One answer as its client reads it. Callbacks are httptools'."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    parser: Any = None

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        self.data += data


def body(model: str, request: Mapping[str, Any]) -> Body:
    """The answer of the simulated `model` to `request`, up to where it is broken off."""
    read = Body()
    for action in play(request, parse(model), Dice(7)):
        if isinstance(action, actions.Send):
            read.parser = read.parser or httptools.HttpResponseParser(read)
            read.parser.feed_data(action.data)
        if read.status and read.status < 200:
            read = Body()
    if "deflate" in read.headers.get("transfer-encoding", ""):
        read.data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(read.data)
    if read.data.startswith(b"\x1f\x8b"):
        read.data = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(read.data)
    return read
