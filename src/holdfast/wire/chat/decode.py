"""The decoder of this dialect."""

from __future__ import annotations

from ..decode import AnswerDecoder
from ..vendors import vendor_of
from .chunks import ChunkReader


class ChatDecoder(AnswerDecoder):
    def __init__(self, content_type: str, host: str = "") -> None:
        super().__init__(content_type, ChunkReader(vendor_of(host)))
