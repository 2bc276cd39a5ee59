"""How an HTTP error answer becomes a row of the catalogue."""

from __future__ import annotations

from typing import Any

from ..core.failure import Kind, Phase
from .http1 import Headers
from .scene import as_json, with_body
from .truth import Row, Truth

JSON = (("Content-Type", "application/json"),)
HTML = (("Content-Type", "text/html"),)
TEXT = (("Content-Type", "text/plain; charset=utf-8"),)


def error_answer(
    name: str,
    status: int,
    kind: Kind,
    meaning: tuple[str, str],
    body: Any,
    headers: Headers = (),
    nested: Kind | None = None,
    retry_after: float | None = None,
) -> Row:
    """A row for one answer. `meaning` is (English, Chinese); a `body` not of bytes is JSON.

    Headers must name the content type of a body of bytes. A 200 is known for an error only
    when its body is read.
    """
    phase = Phase.FIRST if status == 200 else Phase.HEADERS
    truth = Truth(
        name, kind, phase, *meaning, status=status, nested=nested, retry_after=retry_after
    )
    data = body if isinstance(body, bytes) else as_json(body)
    sent = headers if isinstance(body, bytes) else (*JSON, *headers)
    return Row(truth, lambda scene: with_body(status, sent, data, scene.request_id))


def openai(message: str, kind: str, code: str | None = None, param: str | None = None) -> Any:
    """OpenAI's error object, which most others copy."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
