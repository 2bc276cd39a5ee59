"""Puts tool calls together from fragments, whichever way a vendor cuts and numbers them.

The rule is one index per call, `id` and `name` in its first fragment only. In the field
indexes are missing or the same for all calls, ids are missing, repeated, or change with every
fragment, a name comes in pieces, and a placeholder `{}` before the true arguments. What comes
out keeps the rule, but for such a name.

Arguments may be JSON inside a JSON string, and a fragment may hold all that came before it, or
come after a whole object. What such a fragment means only the last one shows: until then nothing
of it is told.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain, count, pairwise

from .jsontext import loads
from .jsonvalues import JsonValues

_UNFIT = re.compile(r"[^A-Za-z0-9_-]")

# What stands for "no arguments", and, in the first fragment, for "they will follow".
_NOTHING = frozenset({"", "{}", "null"})


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a fragment adds to the call at `index`: `id` once, as soon as it is known, `name` only
    when the call is new or its name grows.
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


def _rest(told: str, held: list[str]) -> str:
    """What `held` adds to arguments of which `told` is known: by the one reading of it that makes a
    whole object, if there is one.
    """
    joined, last = "".join(held), held[-1]
    if is_object(told + joined):
        return joined
    grows = all(longer.startswith(text) for text, longer in pairwise((told, *held)))
    if grows and is_object(last):
        return last[len(told) :]
    if is_object(told) and is_object(joined) and loads(told) == loads(joined):
        return ""
    return joined if told else _unquoted(joined, grows=grows, last=last)


def _unquoted(joined: str, *, grows: bool, last: str) -> str:
    """The object inside a JSON string, if that is what it is."""
    try:
        inside = loads(last if grows else joined)
    except ValueError:
        return joined
    return inside if isinstance(inside, str) and is_object(inside) else joined


@dataclass(slots=True)
class _Call:
    index: int
    id: str
    name: str
    freeform: bool  # the input is any text, not JSON
    owns_id: bool  # `id` is the vendor's own
    parts: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)  # what has come since one was in doubt
    size: int = 0  # characters of all parts
    scan: JsonValues = field(default_factory=JsonValues)  # of the parts that were looked at
    scanned: int = 0  # how many they are

    @property
    def text(self) -> str:
        return "".join(self.parts)

    @property
    def whole(self) -> bool:
        """Asked of many a fragment: all is read only where every bracket is closed."""
        new = "".join(self.parts[self.scanned :])
        self.scanned = len(self.parts)
        self.scan.feed(new.encode("utf-8", "surrogatepass"))
        return not (self.freeform or self.scan.size) and is_object(self.text)

    def tell(self, arguments: str) -> str:
        self.parts.append(arguments)
        self.size += len(arguments)
        return arguments

    def is_all_of(self, arguments: str) -> bool:
        """Whether `arguments` are all that was told."""
        return len(arguments) == self.size and arguments == self.text

    def is_followed_by(self, id: str, name: str, arguments: str) -> bool:
        """Whether a fragment that claims this call's place begins another call."""
        if not (name and self.name):
            return False
        if name != self.name:
            return bool(id or self.parts or not self.owns_id)
        if id and self.id and id != self.id:
            return self.whole
        return arguments.startswith("{") and self.whole and not self.is_all_of(arguments)

    def add(self, arguments: str) -> str:
        """What is new in `arguments`: no placeholder, and no repetition of the whole."""
        if not self.freeform:
            if not self.parts and arguments.strip() in _NOTHING:
                return ""
            if arguments.startswith("{") and self.is_all_of(arguments) and self.whole:
                return ""
            if self.held or self._is_doubtful(arguments):
                self.held.append(arguments)
                return ""
        return self.tell(arguments) if arguments else ""

    def settle(self) -> str:
        """What is new in all that was held, now that nothing follows."""
        if not self.held:
            return ""
        rest = _rest(self.text, self.held)
        self.held.clear()
        return self.tell(rest)

    def _is_doubtful(self, arguments: str) -> bool:
        if not self.parts:
            return arguments.lstrip().startswith('"')
        if not arguments.lstrip().startswith("{"):
            return False
        return self.whole or (len(arguments) >= self.size and arguments.startswith(self.text))


class ToolCalls:
    """The tool calls of one answer, or of one of its choices.

    `seed` should be unique to the answer: where a vendor gives no id, one is made from it.
    """

    def __init__(self, seed: str = "") -> None:
        self._seed = seed
        self._calls: list[_Call] = []
        self._places: dict[int, _Call] = {}  # by the vendor's own index
        self._ids: dict[str, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(
        self, place: int | None, id: str, name: str, arguments: str, *, freeform: bool = False
    ) -> Fragment:
        """`place` is the vendor's index, if it gave one. What says nothing begins no call."""
        call = self._find(place, id)
        if call is None and not (id or name or arguments):
            return Fragment(len(self._calls), "", "", "")
        if call is None or call.is_followed_by(id, name, arguments.strip()):
            call = self._open(place, id, name, arguments, freeform)
            return Fragment(call.index, call.id, call.name, call.add(arguments))
        late = "" if name == call.name else name
        call.name += late
        known = call.id
        if not known:
            self._name(call, self._fit_id(id, call.index, call.name, arguments))
        return Fragment(call.index, "" if known else call.id, late, call.add(arguments))

    def complete(self, place: int | None = None) -> list[Fragment]:
        """No more will come, or no more at `place`: what was held is told, and calls without
        arguments are given the empty object.
        """
        over = self._over(place)
        fragments = _settled(over)
        bare = [call for call in over if not call.parts and not call.freeform]
        for call in bare:
            call.tell("{}")
        return [*fragments, *(Fragment(call.index, "", "", "{}") for call in bare)]

    def cut(self) -> list[Fragment]:
        """No more will come, though more was meant to: what was held is told as it stands."""
        return _settled(self._calls)

    def fault(self) -> str:
        """Why the completed calls cannot be run; "" if they can."""
        for call in self._calls:
            if not call.name:
                return f"tool call {call.index} has no name"
            if not call.freeform and not call.whole:
                return f"the arguments of tool call {call.index} are not a whole JSON object"
        return ""

    def _over(self, place: int | None) -> list[_Call]:
        return self._calls if place is None else [self._places[place]]

    def _find(self, place: int | None, id: str) -> _Call | None:
        if place is not None:
            return self._places.get(place)
        if id:
            return self._ids.get(id)
        return self._calls[-1] if self._calls else None

    def _open(self, place: int | None, id: str, name: str, arguments: str, freeform: bool) -> _Call:
        index = len(self._calls)
        owns_id = bool(id)
        id = self._fit_id(id, index, name, arguments)
        call = _Call(index, "", name, freeform, owns_id)
        self._name(call, id)
        self._calls.append(call)
        if place is not None:
            self._places[place] = call
        return call

    def _fit_id(self, id: str, index: int, name: str, arguments: str) -> str:
        """`id`, or one that is made for a call with a name, if there is none or it is taken."""
        if id and id not in self._ids:
            return id
        return self._made_id(index, name, arguments) if name else ""

    def _name(self, call: _Call, id: str) -> None:
        call.id = id
        if id:
            self._ids[id] = call

    def _made_id(self, index: int, name: str, arguments: str) -> str:
        origin = f"{self._seed}\n{index}\n{name}\n{arguments}".encode("utf-8", "replace")
        return f"call_{sha256(origin).hexdigest()[:24]}"


def _settled(calls: list[_Call]) -> list[Fragment]:
    rests = [(call.index, call.settle()) for call in calls]
    return [Fragment(index, "", "", rest) for index, rest in rests if rest]
