"""How a client's body becomes a `Prompt`: members that are there and of the wanted type.

Everything here raises `Untold` with the name of the member as the client wrote it. What nobody
has read by the end is refused, so that nothing is left out by forgetting it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from ..core.failure import Failure
from ..core.message import Message, Role, said
from .untold import Untold

T = TypeVar("T")

_NOTHING: tuple[object, ...] = (None, False, 0, "", [], {})
_PLACE = re.compile(r"\[\d+\]")


class Members:
    """One JSON object of a body. `path` is where it stands: "", "messages[0]"."""

    __slots__ = ("_inside", "_losable", "_read", "_value", "path")

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise Untold(path, "an object is needed here")
        self.path = path
        self._value: Mapping[str, Any] = value
        self._read: set[str] = set()
        self._inside: list[Members] = []
        self._losable = False

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def get(self, name: str) -> Any:
        """The member as it is, for a reader who takes all of it."""
        self._read.add(name)
        return self._value.get(name)

    @property
    def whole(self) -> Mapping[str, Any]:
        """The object itself, for who looks around without having read it."""
        return self._value

    def seen(self, *names: str) -> None:
        """These members have been read elsewhere."""
        self._read.update(names)

    def plain(self, roles: Mapping[str, Role]) -> Message | None:
        """A message that holds a role and words, and nothing else to be read: the common case,
        worth a short cut.
        """
        value = self._value
        words = value.get("content")
        if len(value) != 2 or not words or not isinstance(words, str):
            return None
        role = roles.get(str(value.get("role")))
        if role is None:
            return None
        self._losable = True
        return said(role, words)

    def may_lose_the_rest(self) -> None:
        """What is not read of this object, nor of those inside it, is a listed loss."""
        self._losable = True

    def optional(self, name: str, kind: type[T]) -> T | None:
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Untold(self.at(name), f"it is not of the type {kind.__name__}")
        return value

    def number(self, name: str) -> float | None:
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Untold(self.at(name), "it is not a number")
        return value

    def text(self, name: str) -> str:
        return self.optional(name, str) or ""

    def texts(self, name: str) -> tuple[str, ...]:
        words = self.optional(name, list) or ()
        if not all(isinstance(word, str) for word in words):
            raise self.untold(name, "it is not a list of strings")
        return tuple(words)

    def inside(self, name: str) -> Members | None:
        value = self.get(name)
        return None if value is None else self._holding(value, self.at(name))

    def each(self, name: str) -> list[Members]:
        value: list[Any] = self.optional(name, list) or []
        path = self.at(name)
        return [self._holding(item, f"{path}[{index}]") for index, item in enumerate(value)]

    def _holding(self, value: object, path: str) -> Members:
        member = Members(value, path)
        self._inside.append(member)
        return member

    def untold(self, name: str, why: str) -> Untold:
        return Untold(self.at(name), why)

    def refuse_unread(self, losses: Collection[str]) -> None:
        """Raises for the first member that says something and that nobody has read.

        `losses` are names of members that may be left out; "[]" in them stands for any element.
        """
        if self._losable:
            return
        for name, value in self._value.items():
            unread = name not in self._read and value not in _NOTHING
            if unread and _PLACE.sub("[]", self.at(name)) not in losses:
                raise self.untold(name, "a target of another dialect cannot be asked this")
        for member in self._inside:
            member.refuse_unread(losses)


def hosted(tool: Members) -> Untold:
    """Of a tool that only the vendor of the client's dialect has."""
    return tool.untold("type", f"{tool.text('type')} is a tool of this dialect's vendor")


def go_without(searches: Iterable[Members], own: Collection[object]) -> None:
    """Leaves searches of the web out where the client has tools of its `own` to go on with."""
    for search in searches:
        if not own:
            raise hosted(search)
        search.may_lose_the_rest()


def read_whole(
    body: Mapping[str, Any], read: Callable[[Members], T], losses: Collection[str]
) -> T | Failure:
    """What `read` makes of all of `body` but `losses`; a failure names the first member left."""
    try:
        members = Members(body)
        found = read(members)
        members.refuse_unread(losses)
    except Untold as untold:
        return untold.failure
    return found
