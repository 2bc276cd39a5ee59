"""A tool server as a process of our own, spoken to on its standard streams, a JSON text a line.

The SDK's own client reads lines without a bound, and looks at all of a long one again with each of
its pieces: a server that writes a line without an end would have all memory, and the event loop.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import anyio
from mcp import types
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

LARGEST = 48 * 1024 * 1024  # bytes of one message: all media of a turn, as base64, and words
LEAVE = 2.0  # seconds in which a server ends by itself, and then those in which it obeys
_STDERR = 2048  # bytes that are kept of what a server says about itself
_PIECE = 64 * 1024
_IN, _OUT = 0, 1

Heard = SessionMessage | Exception


class Program:
    """A transport for the SDK, to be entered once. Raises OSError if it cannot be started.

    `said` is the end of what the server wrote on its standard error, and `fault` says what was
    wrong with what it wrote on its standard output.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.said = b""
        self.fault = ""
        self.ended = False  # it hears no more, or is heard no more
        self._command = command
        self._env = get_default_environment() | dict(env)

    @asynccontextmanager
    async def streams(self) -> AsyncIterator[tuple[Any, Any]]:
        process, transport = await self._started()
        heard, reading = anyio.create_memory_object_stream[Heard](0)
        writing, said = anyio.create_memory_object_stream[SessionMessage](0)
        tasks = [
            asyncio.create_task(self._hear(process, heard)),
            asyncio.create_task(_say(process, transport, said)),
        ]
        try:
            yield reading, writing
        finally:
            reading.close()
            writing.close()
            process.part()
            try:
                await _stop(process, transport, at_once=bool(self.fault))
            finally:
                transport.close()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _started(self) -> tuple[_Process, asyncio.SubprocessTransport]:
        loop = asyncio.get_running_loop()
        transport, process = await loop.subprocess_exec(
            lambda: _Process(self), *self._command, env=self._env, start_new_session=True
        )
        process.out.set_transport(cast(asyncio.Transport, transport.get_pipe_transport(_OUT)))
        return process, transport

    async def _hear(self, process: _Process, heard: Any) -> None:
        with heard:
            try:
                async for line in self._lines(process.out):
                    await heard.send(_read(line))
            except anyio.BrokenResourceError:  # nobody listens; it may be stuck in the middle of it
                while await process.out.read(_PIECE):
                    pass
            finally:
                process.part()

    async def _lines(self, out: asyncio.StreamReader) -> AsyncIterator[bytearray]:
        line = bytearray()
        while piece := await out.read(_PIECE):
            *ends, rest = piece.split(b"\n")
            for end in ends:
                yield line + end
                line.clear()
            line += rest
            if len(line) > LARGEST:
                self.fault = f"it wrote a line of more than {LARGEST >> 20} MB"
                return


class _Process(asyncio.SubprocessProtocol):
    """What happens to a process."""

    def __init__(self, program: Program) -> None:
        self.out = asyncio.StreamReader()
        self.exited = asyncio.Event()
        self.takes = asyncio.Event()  # whether it reads what it is told
        self.takes.set()
        self.listens = True  # whether what it writes is still wanted
        self._program = program

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd != _OUT:
            self._program.said = (self._program.said + data)[-_STDERR:]
        elif self.listens:
            self.out.feed_data(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == _IN:
            self._program.ended = True
            self.takes.set()
        if fd == _OUT or (fd == _IN and exc):
            self.part()

    def part(self) -> None:
        """Nothing more is wanted of it."""
        self._program.ended = True
        if self.listens:
            self.listens = False
            self.out.feed_eof()

    def process_exited(self) -> None:
        self.exited.set()

    def pause_writing(self) -> None:
        self.takes.clear()

    def resume_writing(self) -> None:
        self.takes.set()


def _read(line: bytearray) -> Heard:
    text = line.decode("utf-8", "replace")
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(text, by_name=False))
    except ValidationError as refused:
        return refused


async def _say(process: _Process, transport: asyncio.SubprocessTransport, said: Any) -> None:
    pipe = _input(transport)
    async with said:
        async for message in said:
            if pipe.is_closing():
                return process.part()  # it hears nothing any more
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            pipe.write(text.encode("utf-8", "replace") + b"\n")
            await process.takes.wait()


async def _stop(
    process: _Process, transport: asyncio.SubprocessTransport, *, at_once: bool
) -> None:
    """As the protocol has it: its input ends, then it is told to end, then it is ended, and with
    it all that it has started.
    """
    _input(transport).close()
    group, by_itself = transport.get_pid(), False
    try:
        by_itself = not at_once and await _exits(process)
        if not by_itself:
            _signal(group, signal.SIGTERM)
            await _exits(process)
    finally:
        if not by_itself:
            _signal(group, signal.SIGKILL)
    await _exits(process)


def _input(transport: asyncio.SubprocessTransport) -> asyncio.WriteTransport:
    return cast(
        asyncio.WriteTransport, transport.get_pipe_transport(_IN)
    )  # uvloop's is no subclass


async def _exits(process: _Process) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(LEAVE):
            await process.exited.wait()
    return process.exited.is_set()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
