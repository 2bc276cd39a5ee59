"""Every fault that the simulator knows, and what is true about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .body_faults import BODY_FAULTS
from .connection_faults import ADDRESSES, CONNECTION_FAULTS
from .event_faults import EVENT_FAULTS
from .first_faults import FIRST_FAULTS
from .healthy import HEALTHY, SAID_ODDLY
from .prose_errors import PROSE_ERRORS
from .proxy_errors import PROXY_ERRORS
from .rate_limits import RATE_LIMITS
from .truth import Player, Position, Row, Truth
from .vendor_errors import VENDOR_ERRORS

__all__ = ["CHAT_ONLY", "FAULTS", "PLAYERS", "STREAM_ONLY", "Position", "Truth"]

_ROWS: Sequence[Row] = (
    *HEALTHY,
    *CONNECTION_FAULTS,
    *VENDOR_ERRORS,
    *PROSE_ERRORS,
    *PROXY_ERRORS,
    *RATE_LIMITS,
    *FIRST_FAULTS,
    *BODY_FAULTS,
    *EVENT_FAULTS,
)

# In the order in which an attempt can meet them, healthy variants first.
FAULTS: Mapping[str, Truth] = {
    truth.name: truth for truth in (*(row.truth for row in _ROWS), *ADDRESSES)
}

# What a model name can ask for; the others are a matter of the address.
PLAYERS: Mapping[str, Player] = {row.truth.name: row.play for row in _ROWS}

# Faults that have no meaning where one JSON document is the whole answer.
STREAM_ONLY = frozenset(row.truth.name for row in EVENT_FAULTS) | {
    "bad_chunk_header",
    "call_lost",
    "close_end",
    "comment_drip",
    "empty_stream",
    "eof_in_chunk",
    "gzip_garbage",
    "nothing_said",
    "only_done",
    "role_only",
}

# What those say who speak chat.
CHAT_ONLY = frozenset(row.truth.name for row in SAID_ODDLY) | {"call_lost"}
