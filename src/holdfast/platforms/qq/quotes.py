"""What was said, by the name under which it can be quoted: older events tell only the name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping

LIMIT = 5000  # messages
_CHARS = 2000  # of each


class Quotes(Mapping[str, str]):
    """Bounded; the oldest make room."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()

    def keep(self, name: str, text: str) -> None:
        if not (name and text):
            return
        self._texts[name] = text[:_CHARS]
        self._texts.move_to_end(name)
        while len(self._texts) > LIMIT:
            self._texts.popitem(last=False)

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)
