"""What one party on the way says went wrong, before anybody judges it."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.failure import Kind, Phase

DEPTH = 8  # how far reports inside reports are followed


@dataclass(frozen=True, slots=True)
class Report:
    """The words of one party, as typed as it gave them, and those of the party behind it.

    Only fields that vendors define are kept: nothing here echoes a request. `kind` is set where
    the party's own vocabulary leaves nothing to judge (RFC 9209 error types, a peer's record).
    `proxied` means that it speaks of its upstream and not of itself.
    """

    by: str = ""  # product, vendor or host
    status: int | None = None
    code: str = ""
    type: str = ""
    reasons: tuple[str, ...] = ()  # further typed words, more telling than code and type
    param: str = ""
    message: str = ""
    kind: Kind | None = None
    phase: Phase | None = None
    proxied: bool = False
    nested: Report | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The typed words, the most telling first."""
        return tuple(word for word in (*self.reasons, self.code, self.type) if word)

    @property
    def silent(self) -> bool:
        """Whether nothing was said at all."""
        return not (self.words or self.message or self.kind or self.nested or self.status)


def as_status(value: object) -> int | None:
    """`value` as an HTTP status that stands for an error, else None."""
    if isinstance(value, str) and value.isdecimal() and len(value) == 3:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 300 <= value <= 599:
        return value
    return None


def as_text(value: object) -> str:
    """A scalar as text; "" for what is absent or no scalar. LiteLLM writes None as "None"."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, int) and abs(value) > 10**18:
        return ""
    text = str(value).strip()
    return "" if text in ("None", "null", "undefined", "nan") else text
