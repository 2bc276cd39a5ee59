"""Bytes to events and events to bytes, without I/O.

Owns the dialects, the classification of what upstreams answer, and the reading of what a
proxy says of its own upstream. Refuses sockets, clocks and decisions about retrying.
"""

from __future__ import annotations

from collections.abc import Mapping

from .chat import ChatDialect
from .dialect import Dialect, ServedDialect
from .embeddings import EmbeddingsDialect
from .messages import MessagesDialect
from .responses import ResponsesDialect

_CHAT, _RESPONSES, _MESSAGES = ChatDialect(), ResponsesDialect(), MessagesDialect()
_EMBEDDINGS = EmbeddingsDialect()

DIALECTS: Mapping[str, Dialect] = {
    "chat": _CHAT,
    "responses": _RESPONSES,
    "messages": _MESSAGES,
    "embeddings": _EMBEDDINGS,
}
SERVED: Mapping[str, ServedDialect] = {
    "chat": _CHAT,
    "responses": _RESPONSES,
    "messages": _MESSAGES,
    "embeddings": _EMBEDDINGS,
}
