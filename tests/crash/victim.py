"""A process that accepts, runs and answers turns, and is to be killed at any moment.

Arguments: the port of the platform, then what `nodes.node` takes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from tests.crash.nodes import node
from tests.crash.platform import answer

from holdfast.engine.ports import Engine, Journal, Overloaded, Turn
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.ports import Delivery, DeliveryState, StoreFailed

S = DeliveryState


class Line:
    """The connection to the platform."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._count = 0

    def tell(self, **message: Any) -> None:
        self._writer.write(json.dumps(message).encode() + b"\n")

    async def ask(self, **message: Any) -> None:
        """Returns once the platform has answered."""
        self._count += 1
        done = self._asked[self._count] = asyncio.get_running_loop().create_future()
        self.tell(id=self._count, **message)
        await done

    async def listen(self, engine: Engine) -> None:
        self.tell(hello=True)
        while line := await self._reader.readline():
            heard = json.loads(line)
            if "say" in heard:
                turn = Turn(heard["say"], heard["lane"], {}, 1.0)
                try:
                    await engine.accept(turn)
                except (StoreFailed, Overloaded):
                    continue  # it will be said again
                self.tell(ack=turn.id)
            else:
                asked = self._asked.pop(heard["id"])
                if not asked.done():  # else whoever asked was cancelled meanwhile
                    asked.set_result(None)
        sys.exit("the platform is gone")


class Agent:
    """Says its pieces, uses a tool once, delivers the whole: as an agent and a bot would."""

    def __init__(self, name: str, line: Line, outbox: SqlDeliveries) -> None:
        self._name = name
        self._line = line
        self._outbox = outbox

    async def __call__(self, turn: Turn, journal: Journal) -> None:
        self._line.tell(life=turn.id, node=self._name)
        kinds = [entry.event["type"] for entry in journal.past]
        said = [e.event["text"] for e in journal.past if e.event["type"] == "text_added"]
        for piece in answer(turn.id)[len(said) :]:
            said.append(piece)
            journal.add({"type": "text_added", "text": piece})
            await self._line.ask(think=turn.id)
        if "tool_asked" not in kinds:
            journal.add({"type": "tool_asked"})
            await journal.settle()
            await self._line.ask(tool=turn.id)
            journal.add({"type": "tool_answered"})
        await journal.settle()
        await self._deliver(turn, "".join(said))
        journal.add({"type": "ended"})

    async def _deliver(self, turn: Turn, text: str) -> None:
        key = f"{turn.id}:answer"
        await asyncio.wrap_future(self._outbox.put([Delivery(key, turn.id, 1, {"text": text})]))
        if await asyncio.to_thread(self._outbox.move, key, S.SENDING):
            await self._line.ask(send=key, lane=turn.lane, turn=turn.id, text=text)
            await asyncio.to_thread(self._outbox.move, key, S.DELIVERED)


async def main(port: int, arguments: list[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    line = Line(reader, writer)
    async with node(arguments) as made:
        agent = Agent(str(os.getpid()), line, made.outbox)
        async with asyncio.TaskGroup() as group:
            for work in made.works(agent):
                group.create_task(work)
            group.create_task(line.listen(made.engine))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
