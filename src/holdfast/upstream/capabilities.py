"""What a target can do, as far as it is known: the rows of `capabilities.toml`, validated.

Owns vendors' habits as data. Refuses to know settings or requests: `catalog` asks it once for
every target, the agent for the sizes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ..core.attempt import Continuation, Returned

PREFIX = "prefill:prefix"  # {"prefix": true} on the last message
PARTIAL = "prefill:partial"  # {"partial": true} on the last message
VLLM = "prefill:vllm"  # continue_final_message beside the messages
PLAIN = "prefill:plain"  # the assistant message alone
ECHOES = "echoes_prefix"  # the answer begins with the prefilled text

MAX_TOKENS = "max_tokens"  # chat: the name under which it takes the longest answer's length

FLAGS = (PREFIX, PARTIAL, VLLM, PLAIN)

Mode = Literal["plain", "thinking", "any"]


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error.msg}") from None
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]


class Row(BaseModel):
    """One row of the file. What it leaves out, a later row may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: Pattern = ""
    model: Pattern = ""
    mode: Mode = "any"
    continuation: Literal["native", "prefill", "instruct", "never"] | None = None
    flags: tuple[Literal["prefix", "partial", "vllm", "plain"], ...] = ()
    echoes: bool = False
    length: Literal["max_tokens", "max_completion_tokens"] | None = None
    context_tokens: Annotated[int, Field(gt=0)] | None = None
    vision: bool | None = None
    returns: Mapping[Annotated[str, Field(pattern=r"^(message|call|block|item)\.\w+$")], Any] = {}
    as_of: date
    source: Annotated[str, Field(min_length=1)]

    @property
    def quirks(self) -> frozenset[str]:
        """What the dialect's codec must know, see `core.attempt.Target`."""
        return frozenset(f"prefill:{flag}" for flag in self.flags) | (
            {ECHOES} if self.echoes else frozenset()
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    thinking: Pattern
    capability: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Capability:
    """What is known of one model at one address; None where nothing is."""

    continuation: Continuation | None = None
    quirks: frozenset[str] = frozenset()  # of how it is continued
    habits: frozenset[str] = frozenset()  # of anything else, for the codec as well
    context_tokens: int | None = None
    vision: bool | None = None
    returned: tuple[Returned, ...] = ()
    as_of: date | None = None  # of what is said about continuation
    source: str = ""


class Capabilities:
    """The rows of one file. Raises pydantic.ValidationError if one of them is malformed."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        file = _File.model_validate(raw)
        self.rows: Sequence[Row] = file.capability
        self._thinking = re.compile(file.thinking)

    def of(self, base_url: str, model: str) -> Capability:
        """What the first rows that match and speak of it say."""
        rows = list(self._matching(base_url.partition("://")[2], model))
        how = next((row for row in rows if row.continuation), None)
        length = next((row.length for row in rows if row.length), None)
        return Capability(
            continuation=Continuation(how.continuation) if how else None,
            quirks=how.quirks if how else frozenset(),
            habits=frozenset({MAX_TOKENS} if length == MAX_TOKENS else ()),
            context_tokens=next((r.context_tokens for r in rows if r.context_tokens), None),
            vision=next((r.vision for r in rows if r.vision is not None), None),
            returned=_returned(rows),
            as_of=how.as_of if how else None,
            source=how.source if how else "",
        )

    def _matching(self, address: str, model: str) -> Iterator[Row]:
        mode = "thinking" if self._thinking.search(model) else "plain"
        for row in self.rows:
            here = row.mode in (mode, "any") and re.search(row.address, address)
            if here and re.search(row.model, model):
                yield row


def _returned(rows: Sequence[Row]) -> tuple[Returned, ...]:
    """What any of the rows names; what stands for it is said by the first that does."""
    paths = {path: missing for row in reversed(rows) for path, missing in row.returns.items()}
    split = ((*path.partition("."), missing) for path, missing in paths.items())
    return tuple(Returned(place, name, missing) for place, _, name, missing in split)


@cache
def known() -> Capabilities:
    """The capabilities that come with Holdfast."""
    text = resources.files(__package__).joinpath("capabilities.toml").read_text(encoding="utf-8")
    return Capabilities(tomllib.loads(text))


@lru_cache(maxsize=1024)
def capability(base_url: str, model: str) -> Capability:
    """What they say. Models are asked for again and again; a client may name any."""
    return known().of(base_url, model)
