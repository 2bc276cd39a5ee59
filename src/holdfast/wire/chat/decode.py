"""The decoder of this dialect."""

from __future__ import annotations

from ..decode import AnswerDecoder
from .chunks import ChunkReader


class ChatDecoder(AnswerDecoder):
    def __init__(self, content_type: str) -> None:
        super().__init__(content_type, ChunkReader())
