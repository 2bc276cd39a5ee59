"""How much one client, and all together, may ask at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from starlette.types import Receive

from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed

MAX_HEADERS = 64 * 1024  # bytes of all names and values
BODY_PATIENCE = 60.0  # seconds for the whole body of a request
COME_BACK = 1.0  # seconds


class ClientGone(Exception):
    """The client closed its connection: nobody is left to answer."""


class Gate:
    """Admits at most `limit` calls at a time, and none while draining."""

    def __init__(self, limit: int) -> None:
        self.inside = 0
        self.draining = False
        self._limit = limit

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Raises StreamFailed when there is no room."""
        if self.draining or self.inside >= self._limit:
            why = "the gateway is shutting down" if self.draining else f"limit {self._limit}"
            raise StreamFailed(
                Failure(Kind.CAPACITY, Phase.ADMIT, Hop.ENGINE, why, retry_after=COME_BACK)
            )
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1


def check_headers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raises StreamFailed."""
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADERS:
        detail = f"the request headers exceed {MAX_HEADERS} bytes; send fewer or shorter ones"
        raise StreamFailed(_invalid("headers_too_large", detail))


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body. Raises StreamFailed if it is too large or too slow, ClientGone."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part = message.get("body", b"")
                size += len(part)
                if size > limit:
                    detail = f"the request body exceeds {limit} bytes; send less, or raise max_body"
                    raise StreamFailed(_invalid("body_too_large", detail))
                parts.append(part)
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        detail = f"the request body did not arrive within {BODY_PATIENCE:g} s"
        raise StreamFailed(_invalid("body_timeout", detail)) from None


def _invalid(code: str, detail: str) -> Failure:
    return Failure(Kind.INVALID, Phase.ADMIT, Hop.CLIENT, detail, code=code)
