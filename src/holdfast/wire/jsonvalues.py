"""JSON values one after another, however a sender sets them apart: in a list, by lines, not at all.

Bytes are enough: what structures JSON is ASCII, and no part of another character.
"""

from __future__ import annotations

import re

_OUTSIDE = re.compile(rb'[][{}"]')
_INSIDE = re.compile(rb'["\\]')
# What may stand between two values: RFC 8259's white space and lists, RFC 7464's separator.
_BETWEEN = b" \t\r\n,[]\x1e"
_KEPT = 4096  # bytes of what else stands there


class JsonValues:
    """Feed it bytes, take the objects they complete: those of an outermost list, or of none."""

    def __init__(self) -> None:
        self.size = 0  # bytes of the value that is not whole yet
        self.between = bytearray()  # what stands around the values and belongs to none
        self._value = bytearray()
        self._depth = 0
        self._in_string = False
        self._escaped = False  # the next byte is no end of a string

    def feed(self, data: bytes) -> list[bytes]:
        values = []
        start = place = 0
        if self._escaped and data:
            self._escaped, place = False, 1
        while match := (_INSIDE if self._in_string else _OUTSIDE).search(data, place):
            sign, place = match[0], match.end()
            if sign == b"\\":
                self._escaped = place == len(data)
                place += 1
            elif sign == b'"':
                self._in_string = not self._in_string
            elif not self._depth and sign != b"{":
                continue  # an outermost list only holds the values
            elif sign in b"{[":
                if not self._depth:
                    self._keep(data[start : place - 1])
                    start = place - 1
                self._depth += 1
            else:
                self._depth -= 1
                if not self._depth:
                    values.append(bytes(self._value) + data[start:place])
                    self._value.clear()
                    start = place
        rest = data[start:]
        if self._depth:
            self._value += rest
        else:
            self._keep(rest)
        self.size = len(self._value)
        return values

    def _keep(self, between: bytes) -> None:
        self.between += between.strip(_BETWEEN)
        del self.between[:-_KEPT]

    @property
    def cut(self) -> bool:
        """Whether what came last is a value without its end."""
        return self._depth > 0
