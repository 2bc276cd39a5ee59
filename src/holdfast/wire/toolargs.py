"""Puts tool calls together from fragments, whichever way a vendor cuts and numbers them.

The rule is one index per call, `id` and `name` in its first fragment only. In the field
indexes are missing or the same for all calls, ids are missing, repeated, or change with every
fragment, a name comes in pieces, and a placeholder `{}` before the true arguments. What comes
out keeps the rule, but for such a name.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain, count

from .jsontext import loads

_UNFIT = re.compile(r"[^A-Za-z0-9_-]")

# What stands for "no arguments", and, in the first fragment, for "they will follow".
_NOTHING = frozenset({"", "{}", "null"})


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a fragment adds to the call at `index`: `id` only when the call is new, `name` only
    when it is new or its name grows.
    """

    index: int
    id: str
    name: str
    arguments: str


def fit_name(name: str) -> str:
    """`name` as vendors take the name of a tool: ^[a-zA-Z0-9_-]{1,64}$."""
    return _UNFIT.sub("_", name)[:64] or "_"


def unused(name: str, taken: Container[str]) -> str:
    """`name`, or one like it that is not taken."""
    others = (f"{name[:60]}_{number}" for number in count(2))
    return next(one for one in chain((name,), others) if one not in taken)


def is_object(text: str) -> bool:
    """Whether `text` is a whole JSON object."""
    try:
        return isinstance(loads(text), dict)
    except ValueError:
        return False


@dataclass(slots=True)
class _Call:
    index: int
    id: str
    name: str
    freeform: bool  # the input is any text, not JSON
    owns_id: bool  # `id` is the vendor's own
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    @property
    def whole(self) -> bool:
        return not self.freeform and is_object(self.text)

    def is_followed_by(self, id: str, name: str, arguments: str) -> bool:
        """Whether a fragment that claims this call's place begins another call."""
        if not (name and self.name):
            return False
        if name != self.name:
            return bool(id or self.parts or not self.owns_id)
        if id and self.id and id != self.id:
            return self.whole
        return self.whole and arguments.startswith("{") and arguments != self.text

    def add(self, arguments: str) -> str:
        """What is new in `arguments`: no placeholder, and no repetition of the whole."""
        if not self.freeform:
            if not self.parts and arguments.strip() in _NOTHING:
                return ""
            if arguments.startswith("{") and self.parts and arguments == self.text and self.whole:
                return ""
        if arguments:
            self.parts.append(arguments)
        return arguments


class ToolCalls:
    """The tool calls of one answer, or of one of its choices.

    `seed` should be unique to the answer: where a vendor gives no id, one is made from it.
    """

    def __init__(self, seed: str = "") -> None:
        self._seed = seed
        self._calls: list[_Call] = []
        self._places: dict[int, _Call] = {}  # by the vendor's own index

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(
        self, place: int | None, id: str, name: str, arguments: str, *, freeform: bool = False
    ) -> Fragment:
        """`place` is the vendor's index, if it gave one."""
        call = self._find(place, id)
        if call is None or call.is_followed_by(id, name, arguments.strip()):
            call = self._open(place, id, name, arguments, freeform)
            return Fragment(call.index, call.id, call.name, call.add(arguments))
        late = "" if name == call.name else name
        call.name += late
        return Fragment(call.index, "", late, call.add(arguments))

    def complete(self) -> list[Fragment]:
        """No more will come: calls without arguments are given the empty object."""
        bare = [call for call in self._calls if not call.parts and not call.freeform]
        for call in bare:
            call.parts.append("{}")
        return [Fragment(call.index, "", "", "{}") for call in bare]

    def fault(self) -> str:
        """Why the completed calls cannot be run; "" if they can."""
        for call in self._calls:
            if not call.name:
                return f"tool call {call.index} has no name"
            if not call.freeform and not call.whole:
                return f"the arguments of tool call {call.index} are not a whole JSON object"
        return ""

    def _find(self, place: int | None, id: str) -> _Call | None:
        if place is not None:
            return self._places.get(place)
        if id:
            return next((call for call in reversed(self._calls) if call.id == id), None)
        return self._calls[-1] if self._calls else None

    def _open(self, place: int | None, id: str, name: str, arguments: str, freeform: bool) -> _Call:
        index = len(self._calls)
        owns_id = bool(id)
        if not id or any(call.id == id for call in self._calls):
            id = self._made_id(index, name, arguments) if name else ""
        call = _Call(index, id, name, freeform, owns_id)
        self._calls.append(call)
        if place is not None:
            self._places[place] = call
        return call

    def _made_id(self, index: int, name: str, arguments: str) -> str:
        origin = f"{self._seed}\n{index}\n{name}\n{arguments}".encode("utf-8", "replace")
        return f"call_{sha256(origin).hexdigest()[:24]}"
