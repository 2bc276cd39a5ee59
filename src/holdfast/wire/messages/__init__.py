"""The Messages dialect, both ways: asked of upstreams, and served to clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.attempt import How, Target
from ...core.failure import Failure
from ...core.message import Prompt
from ...core.request import Request
from ..classify import classify_answer
from ..decode import AnswerDecoder
from ..dialect import ANY, Assembler, Decoder, EncodedRequest, ErrorAnswer, Head, StreamWriter
from ..vendors import vendor_of
from .ask import decode_request
from .encode import encode_request
from .events import EventReader
from .prompt import write_prompt
from .read import read_prompt
from .serve import MessageAssembler, MessageStream, refusal
from .wording import shown


class MessagesDialect:
    """Implements `wire.dialect.Dialect` and `wire.dialect.ServedDialect`."""

    def encode_request(
        self, request: Request, target: Target, how: How, released: str
    ) -> EncodedRequest:
        return encode_request(request, target, how, released)

    def decoder(self, content_type: str, host: str = "") -> Decoder:
        return AnswerDecoder(content_type, EventReader(vendor_of(host)))

    def classify(self, answer: ErrorAnswer) -> Failure:
        return classify_answer(answer)

    def quirk(self, asked: Request, target: Target, failure: Failure) -> str:
        return shown(asked.body, target.quirks, failure)

    def write_prompt(self, prompt: Prompt, target: Target = ANY) -> Mapping[str, Any] | Failure:
        return write_prompt(prompt, target)

    def read_prompt(self, body: Mapping[str, Any]) -> Prompt | Failure:
        return read_prompt(body)

    def decode_request(self, body: bytes) -> Request | Failure:
        return decode_request(body)

    def stream(self, head: Head, request: Request) -> StreamWriter:
        return MessageStream(head)

    def assembler(self, head: Head, request: Request) -> Assembler:
        return MessageAssembler(head)

    def refusal(self, error: Mapping[str, Any]) -> Mapping[str, Any]:
        return refusal(error)
