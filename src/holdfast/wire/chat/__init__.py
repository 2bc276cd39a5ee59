"""The chat completions dialect, both ways: asked of upstreams, and served to clients."""

from __future__ import annotations

from ...core.attempt import How, Target
from ...core.failure import Failure
from ...core.request import Request
from ..classify import classify_answer
from ..dialect import Decoder, EncodedRequest, ErrorAnswer
from .decode import ChatDecoder
from .encode import encode_request


class ChatDialect:
    """Implements `wire.dialect.Dialect`."""

    def encode_request(
        self, request: Request, target: Target, how: How, released: str
    ) -> EncodedRequest:
        return encode_request(request, target, how, released)

    def decoder(self, content_type: str) -> Decoder:
        return ChatDecoder(content_type)

    def classify(self, answer: ErrorAnswer) -> Failure:
        return classify_answer(answer)
