"""Calls of tools that a model writes out as text instead of making them.

Models do so where their server knows no form for calls, each in the form it was trained on:
tags, JSON, JSON in a block of code. Such text is no answer, so it is held back from the person
while it comes; and it is no call, so nothing is run: what was meant would be a guess.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ..core.anchor import open_fence

_SOON = 24  # characters but for white space, of which the beginning of a call needs no more
_HEAD = 4 * _SOON + 120  # characters in which a call begins and is named

_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})[^\n]*(\n|\Z)")
_TAG = re.compile(r"</?[|｜]?(?:\w+:)?(?:tool|func|invoke|python_tag)|\[TOOL_CALL", re.IGNORECASE)
_NAMED = re.compile(r'\[?\{"(?:name|tool|tool_name|function|action)":"([^"]*)"')
_JSON = re.compile(
    r'\[?\{(?:"type":"(?:function|tool)|"(?:function|arguments|parameters|tool_calls?|function_call)":'
    r'|"(?:name|tool|tool_name|action)":"[^"]*\Z)'
)


class Speech:
    """The text of one answer as it comes. `names` are of tools that may be meant; `before` is
    what the person has of the answer already.
    """

    def __init__(self, names: Collection[str], before: str = "") -> None:
        self._names = {name.lower() for name in names}
        self._line = before.rpartition("\n")[2]
        self._in_code = open_fence(before) is not None
        self._held = ""
        self._caught = False

    def take(self, words: str) -> str:
        """What may be shown now."""
        if not self._names:
            return words
        self._held += words
        shown: list[str] = []
        while self._held and not self._caught:
            if not (self._line or self._in_code):
                begun = self._begins_call(self._held[:_HEAD])
                if begun is not False:
                    self._caught = bool(begun)
                    break
            shown.append(self._pass_line())
        return "".join(shown)

    def rest(self) -> str:
        """The answer is over: all that was held back, which is no call."""
        held, self._held = self._held, ""
        return held

    def call(self) -> str:
        """The name of the tool that is called in what is held back; "" if none is."""
        words = re.findall(r"[\w-]+", self._held.lower()) if self._caught else ()
        return next((word for word in words if word in self._names), "")

    def _pass_line(self) -> str:
        line, end, self._held = self._held.partition("\n")
        self._line += line
        if end:
            fence = self._line.lstrip().startswith(("```", "~~~"))
            self._in_code, self._line = self._in_code != fence, ""
        return line + end

    def _begins_call(self, text: str) -> bool | None:
        """None as long as it cannot be known."""
        fence = _FENCE.match(text)
        body = "".join((text[fence.end() :] if fence else text).split())
        if not body:
            return None
        named = _NAMED.match(body)
        if named:
            return named[1].lower().rpartition(".")[2] in self._names
        if _TAG.match(body) or _JSON.match(body):
            return True
        return None if body[0] in "<[{`~" and len(body) < _SOON else False
