"""A connection to PostgreSQL that does not wait for ever for a server that says nothing.

The kernel notices a network that is gone. A server that is stopped, and a network that swallows
what it takes, it does not notice, and whoever asks there would never come back.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.waiting import Ready

T = TypeVar("T")


class Answering(Connection[Any]):
    """It is closed when nothing is heard for `silence` seconds: what was asked may yet be done."""

    silence = 10.0

    def wait(self, gen: Generator[Any, Any, T], *how: Any, **more: Any) -> T:
        return super().wait(self._within_silence(gen), *how, **more)

    def _within_silence(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """`gen`, which is gone on with every moment, whether there is anything new or not."""
        heard = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready != Ready.NONE:
                    heard = now
                elif now - heard >= self.silence:
                    self.close()
                    raise OperationalError("the server does not answer")
                wanted = gen.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result
