"""The cause of an answer that is not whole: that no more bytes came is said only where it is so."""

from __future__ import annotations

import json

import pytest

from holdfast.core.failure import Failure, Kind
from holdfast.wire import DIALECTS

CHUNK = json.dumps({"choices": [{"index": 0, "delta": {"content": "Hold"}}]})
ABORT = json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": "abort"}]})
BEGUN = json.dumps({"type": "response.created", "response": {"id": "r", "object": "response"}})
START = json.dumps({"type": "message_start", "message": {"type": "message"}})
STOP = json.dumps({"type": "message_stop"})
MARK = "the end marker came without"


@pytest.mark.parametrize(
    ("dialect", "events", "cause"),
    [
        ("chat", [CHUNK], "EOF"),
        ("chat", [CHUNK, "[DONE]"], f"{MARK} the finish reason"),
        ("chat", [CHUNK, ABORT], "finish_reason abort"),
        ("responses", [BEGUN], "EOF"),
        ("responses", [BEGUN, "[DONE]"], f"{MARK} response.completed"),
        ("messages", [START], "EOF"),
        ("messages", [START, "[DONE]"], f"{MARK} message_stop"),
        ("messages", [START, STOP], "message_stop came without a stop reason"),
    ],
)
def test_what_ended_an_answer_too_early(dialect: str, events: list[str], cause: str) -> None:
    decoder = DIALECTS[dialect].decoder("text/event-stream")
    sent = "".join(f"data: {event}\n\n" for event in events).encode()
    last = [*decoder.receive_data(sent), *decoder.receive_eof()][-1]
    assert isinstance(last, Failure)
    assert (last.kind, last.cause) == (Kind.TRUNCATED, cause)
