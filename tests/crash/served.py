"""`holdfast serve` as processes that are to be killed, and started again on the same data."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
from tests.launching import Launcher
from tests.serving import PATIENCE, environment

AGAIN = 0.5  # seconds
PLUGIN = Path(__file__).parent / "plugin"


class Life:
    """One process. `url` is known once it is ready."""

    def __init__(self, pid: int, output: int, errors: Path) -> None:
        self.url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()
        self.pid = pid
        self._errors = errors
        self._listening = asyncio.create_task(self._listen(output))
        try:
            self._pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            self.over.set()  # whoever waits for it reads why
        else:
            asyncio.get_running_loop().add_reader(self._pidfd, self._ended)

    def signal(self, number: signal.Signals) -> None:
        """Raises AssertionError if it has ended by itself."""
        self._must_live()
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:  # nobody has told us yet
            raise self._ended_by_itself() from None

    async def kill(self) -> None:
        """As `kill -9` does it; returns when the process is gone. It must not be gone before."""
        self.signal(signal.SIGKILL)
        await self.over.wait()

    async def survives(self, seconds: float) -> None:
        """Returns after that time, in which it must not end by itself."""
        try:
            async with asyncio.timeout(seconds):
                await self.over.wait()
        except TimeoutError:
            return
        self._must_live()

    async def stop(self) -> None:
        """As an operator does it."""
        self.signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await self.over.wait()

    async def ready(self) -> str:
        """Its address. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({self.url})
        self._must_live()
        return await self.url

    def _must_live(self) -> None:
        if self.over.is_set() or self.url.cancelled():
            raise self._ended_by_itself()

    def _ended_by_itself(self) -> AssertionError:
        said = self._errors.read_text("utf-8")[-4000:]
        return AssertionError(f"process {self.pid} ended by itself; the last of its log:\n{said}")

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self.over.set()

    async def _listen(self, output: int) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(output, "rb")
        )
        try:
            line = (await reader.readline()).decode()
            if "http://" in line:
                self.url.set_result("http://" + line.partition("http://")[2].split()[0])
            else:
                self.url.cancel()
            await reader.read()
        finally:
            transport.close()


class Lives:
    """One life after the other on the same folder. Clients ask `current` and `after`, by `http`.

    An async context manager; leaving ends the last life, if it still lives.
    """

    def __init__(self, launcher: Launcher, folder: Path, env: Mapping[str, str]) -> None:
        self.count = 0
        self.http = httpx2.AsyncClient(timeout=PATIENCE)
        self._launcher = launcher
        self._folder = folder
        paths = [str(PLUGIN), os.environ.get("PYTHONPATH", "")]
        self._env = environment(PYTHONPATH=os.pathsep.join(filter(None, paths)), **env)
        self._life: Life | None = None
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._life is not None and not self._life.over.is_set():
            await self._life.kill()
        await self.http.aclose()

    def begin(self, *arguments: str) -> Life:
        told = self._folder / "stderr.txt"
        with told.open("a", encoding="utf-8") as errors:
            given = ("--port", "0", *arguments)
            launched = self._launcher.launch(self._folder, self._env, *given, errors=errors)
        self._life = Life(*launched, told)
        self.count += 1
        self._changed.set()
        self._changed = asyncio.Event()
        return self._life

    @property
    def life(self) -> Life:
        """The last that was begun."""
        assert self._life is not None
        return self._life

    async def url(self) -> tuple[int, str]:
        """The number and the address of a life that is ready, whenever there is one."""
        while True:
            number, life = self.count, self._life
            if life is not None:
                await asyncio.wait({life.url})
                if not life.url.cancelled():
                    return number, life.url.result()
            await self.after(number)

    async def soon(self, number: int) -> None:
        """Returns when it is time to ask again: at another life's begin, or a little later."""
        try:
            async with asyncio.timeout(AGAIN):
                await self.after(number)
        except TimeoutError:
            pass

    async def after(self, number: int) -> None:
        """Returns once there is another life than that."""
        while self.count <= number:
            await self._changed.wait()
