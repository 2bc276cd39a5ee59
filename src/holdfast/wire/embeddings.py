"""Embeddings (OpenAI's `POST /embeddings`), passed through: asked once more, or of another target.

No other dialect has them, so there is nothing to translate and nothing to stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.attempt import How, Target
from ..core.events import Finished, Foreign, StopReason, StreamEvent, UsageReport
from ..core.failure import Failure, Kind, Phase
from ..core.message import Prompt
from ..core.request import Request, Surface
from .asking import bearer, headers
from .body import missing, model_fault, parse_body
from .classify import classify_answer
from .decode import AnswerDecoder, Item
from .dialect import ANY, Assembler, Decoder, EncodedRequest, ErrorAnswer, Head, StreamWriter
from .fields import table, whole, without
from .jsontext import dumps
from .untold import Untold
from .vendors import vendor_of

PATH = "/embeddings"
_NOT_HERE = Untold("input", "embeddings cannot be asked in another dialect")


class EmbeddingsDialect:
    """Implements `wire.dialect.Dialect` and `wire.dialect.ServedDialect`."""

    def encode_request(
        self, request: Request, target: Target, how: How, released: str
    ) -> EncodedRequest:
        body = {**request.body, "model": target.model}
        return EncodedRequest(PATH, headers(target, bearer(target)), dumps(body))

    def decoder(self, content_type: str, host: str = "") -> Decoder:
        return AnswerDecoder(content_type, _Reader(vendor_of(host)))

    def classify(self, answer: ErrorAnswer) -> Failure:
        return classify_answer(answer)

    def quirk(self, asked: Request, target: Target, failure: Failure) -> str:
        return ""

    def write_prompt(self, prompt: Prompt, target: Target = ANY) -> Mapping[str, Any] | Failure:
        return _NOT_HERE.failure

    def read_prompt(self, body: Mapping[str, Any]) -> Prompt | Failure:
        return _NOT_HERE.failure

    def decode_request(self, body: bytes) -> Request | Failure:
        value = parse_body(body)
        if isinstance(value, Failure):
            return value
        fault = model_fault(value)
        if fault is None and not value.get("input"):
            remedy = "send a string or a list of them", "请发送字符串或字符串的列表"
            fault = missing("input", remedy)
        return fault or Request("embeddings", value["model"], value, Surface.NONE)

    def stream(self, head: Head, request: Request) -> StreamWriter:
        raise AssertionError("embeddings are not streamed")

    def assembler(self, head: Head, request: Request) -> Assembler:
        return _Body(head)

    def refusal(self, error: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"error": error}


class _Reader:
    """Implements `wire.decode.Reader`: the whole answer is one body."""

    dialect = "embeddings"

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor
        self.began = False
        self.told = False
        self.over = False

    @property
    def phase(self) -> Phase:
        return Phase.FIRST

    def read(self, chunk: Mapping[str, Any]) -> list[Item]:
        return []

    def is_whole(self, body: Mapping[str, Any]) -> bool:
        return isinstance(body.get("data"), list)

    def read_body(self, body: Mapping[str, Any]) -> list[Item] | None:
        if not self.is_whole(body):
            return None
        self.began = self.told = True
        usage = table(body, "usage")
        counted = UsageReport(whole(usage, "prompt_tokens") or 0, 0, extra=usage)
        return [Foreign(body), *([counted] if usage else []), Finished(StopReason.END)]

    def end(self, *, marked: bool) -> list[Item]:
        return [Failure(Kind.EMPTY, Phase.END, detail="the bytes ended and nothing before")]


class _Body:
    """Implements `wire.dialect.Assembler`."""

    def __init__(self, head: Head) -> None:
        self._body: dict[str, Any] = {"model": head.model}

    def add(self, events: Sequence[StreamEvent]) -> None:
        for event in events:
            if isinstance(event, Foreign):
                self._body |= without(event.extra, "model")

    def answer(self, extension: Mapping[str, Any] | None) -> bytes:
        return dumps({**self._body, **({"holdfast": extension} if extension else {})})
