"""An upstream's events through decoder and writer of one dialect, as a client would read them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from holdfast.core.events import StreamEvent
from holdfast.core.failure import Failure
from holdfast.core.request import Request, Surface
from holdfast.wire import DIALECTS, SERVED
from holdfast.wire.dialect import Head
from holdfast.wire.translate import neutral

Payload = dict[str, Any]

HEAD = Head("01REF", 1767225600, "mine")


def events_of(dialect: str, payloads: Sequence[Payload]) -> list[StreamEvent | Failure]:
    decoder = DIALECTS[dialect].decoder("text/event-stream")
    lines = b"".join(
        b"event: %b\ndata: %b\n\n" % (p["type"].encode(), json.dumps(p).encode()) for p in payloads
    )
    return [*decoder.receive_data(lines), *decoder.receive_eof()]


def request(dialect: str, *, stream: bool = True) -> Request:
    return Request(dialect, "mine", surface=Surface.APPEND_ONLY if stream else Surface.NONE)


def said(items: Sequence[StreamEvent | Failure]) -> list[StreamEvent]:
    return [item for item in items if not isinstance(item, Failure)]


def streamed(dialect: str, items: Sequence[StreamEvent | Failure]) -> list[Payload]:
    """What a client of `dialect` is sent: every event that the writer writes."""
    writer = SERVED[dialect].stream(HEAD, request(dialect))
    written = b"".join(writer.encode([event]) for event in said(items)) + writer.finish(None)
    return parsed(written)


def parsed(written: bytes) -> list[Payload]:
    payloads = []
    for block in written.decode().strip().split("\n\n"):
        name, _, data = block.partition("\n")
        payload = json.loads(data.removeprefix("data: "))
        assert name == f"event: {payload['type']}"
        payloads.append(payload)
    return payloads


def whole(dialect: str, items: Sequence[StreamEvent | Failure]) -> Payload:
    """What a client that does not stream is given."""
    assembler = SERVED[dialect].assembler(HEAD, request(dialect, stream=False))
    assembler.add(said(items))
    answer: Payload = json.loads(assembler.answer(None))
    return answer


def crossed(items: Sequence[StreamEvent | Failure]) -> list[StreamEvent | Failure]:
    return neutral(items)
