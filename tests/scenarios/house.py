"""A whole house on real sockets: simulated upstreams, the gateway behind uvicorn, real clients."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import trustme
import uvloop
from openai import AsyncOpenAI, OpenAI
from tests.pulse import Pulse
from tests.upstream.leaks import HANG, until, watched

from holdfast.app import Running, gateway
from holdfast.config import Settings
from holdfast.serving import Server
from holdfast.sim.upstream import SimulatedUpstream

T = TypeVar("T")

LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
PATIENT = dict.fromkeys(("connect", "headers", "first_event", "bytes_idle", "content_idle"), HANG)


@dataclass(frozen=True, slots=True)
class House:
    """Where everything is. `sim` is asked over HTTP, `sim_tls` has a certificate of nobody's."""

    url: str
    data_dir: Path
    running: Running
    sim: SimulatedUpstream
    sim_tls: SimulatedUpstream
    http: httpx2.AsyncClient
    openai: AsyncOpenAI
    blocking: OpenAI
    pulse: Pulse  # of both upstreams' models, where they have a pace

    async def record(self, ref: str) -> dict[str, Any]:
        """The incident's record, as the gateway serves it."""
        answer = await self.http.get(f"/api/incidents/{ref}")
        assert answer.status_code == 200, (ref, answer.text)
        record: dict[str, Any] = answer.json()
        return record

    async def metrics(self) -> str:
        return (await self.http.get("/metrics")).text


@cache
def nobody() -> ssl.SSLContext:
    """A certificate that no client trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


Layout = Callable[[SimulatedUpstream, SimulatedUpstream], Mapping[str, Any]]


@asynccontextmanager
async def house(layout: Layout, key: str = "") -> AsyncIterator[House]:
    """`layout` makes the configuration, `data_dir` and port left out, from the two upstreams."""
    with tempfile.TemporaryDirectory() as folder:
        pulse = Pulse()
        async with (
            SimulatedUpstream(sleep=pulse.sleep) as sim,
            SimulatedUpstream(sleep=pulse.sleep, ssl_context=nobody()) as sim_tls,
        ):
            raw = {**layout(sim, sim_tls)}
            raw["server"] = {**raw.get("server", {}), "data_dir": Path(folder)}
            async with gateway(Settings.model_validate(raw)) as running, served(running) as url:
                headers = {"authorization": f"Bearer {key}"} if key else {}
                base, given = f"{url}/v1", key or "none"
                async with (
                    httpx2.AsyncClient(base_url=url, headers=headers, timeout=HANG) as http,
                    AsyncOpenAI(base_url=base, api_key=given, max_retries=0) as patient,
                ):
                    with OpenAI(base_url=base, api_key=given, max_retries=0) as blocking:
                        place, sims = Path(folder), (sim, sim_tls)
                        yield House(url, place, running, *sims, http, patient, blocking, pulse)


@asynccontextmanager
async def served(running: Running) -> AsyncIterator[str]:
    """The gateway at a free port, stopped as SIGTERM stops it."""
    addresses: list[str] = []
    server = Server(running.app, running.services, addresses.append, running.farewell)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: bool(addresses))
        try:
            yield addresses[0]
        finally:
            server.should_exit = True
            await serving


def run(main: Coroutine[Any, Any, T], loop: str = "asyncio") -> T:
    """Runs `main` on that event loop; it must leave no task and no unhandled error behind."""

    async def soon() -> T:
        async with asyncio.timeout(HANG):
            return await watched(main)

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(soon())
