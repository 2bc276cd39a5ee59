"""How a client's body becomes a `Prompt`: members that are there and of the wanted type.

Everything here raises `Untold` with the name of the member as the client wrote it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from .untold import Untold

T = TypeVar("T")

_NOTHING: tuple[object, ...] = (None, False, 0, "", [], {})


class Members:
    """One JSON object of a body. `path` is where it stands: "", "messages[0]"."""

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise Untold(path, "an object is needed here")
        self.value: Mapping[str, Any] = value
        self.path = path

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def known(self, names: Collection[str], losable: Collection[str] = ()) -> None:
        """Refuses a member that says something and has no place in a prompt."""
        for name, value in self.value.items():
            if name not in names and name not in losable and value not in _NOTHING:
                raise Untold(self.at(name), "a target of another dialect cannot be asked this")

    def optional(self, name: str, kind: type[T]) -> T | None:
        value = self.value.get(name)
        if value is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Untold(self.at(name), f"it is not of the type {kind.__name__}")
        return value

    def number(self, name: str) -> float | None:
        value = self.value.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Untold(self.at(name), "it is not a number")
        return value

    def text(self, name: str) -> str:
        return self.optional(name, str) or ""

    def inside(self, name: str) -> Members | None:
        value = self.value.get(name)
        return None if value is None else Members(value, self.at(name))

    def each(self, name: str) -> list[Members]:
        value: list[Any] = self.optional(name, list) or []
        return [Members(item, f"{self.at(name)}[{index}]") for index, item in enumerate(value)]

    def untold(self, name: str, why: str) -> Untold:
        return Untold(self.at(name), why)
