"""Real MCP servers, in processes of their own, over both transports, alive and dying."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import uvloop
from mcp import MCPError, types
from pydantic import SecretStr
from tests import pictures, ports
from tests.agent.odd_http_mcp_server import TOO_BIG, odd_server
from tests.agent.stage import MemoryJournal, Stage, call, calls, in_turn, says, task
from tests.upstream.leaks import HANG, until, watched

from holdfast.agent import mcp_overheard, mcp_stdio, media
from holdfast.agent.events import ToolAnswered
from holdfast.agent.mcp import PATIENCE, PAUSE, McpServer
from holdfast.agent.mcp_leniency import mended_tool
from holdfast.agent.toolrun import run_tool
from holdfast.agent.tools import AgentTool, Toolbox, ToolContext
from holdfast.config import McpSettings
from holdfast.core.failure import Failure, Kind, StreamFailed
from holdfast.core.message import Image, ToolCall

pytestmark = pytest.mark.scenario

PROGRAM = str(Path(__file__).parent / "mcp_server.py")
CONTEXT = ToolContext()


class LoopClock:
    """Real time, which a test may move on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead

    def wall(self) -> float:
        return 1_700_000_000.0 + self.monotonic()


async def offered(server: McpServer) -> dict[str, AgentTool]:
    return {made.name: made for made in await server.tools() if isinstance(made, AgentTool)}


@dataclass
class Place:
    """A server of tools and the file in which it writes what it did."""

    server: McpServer
    ledger: Path
    clock: LoopClock
    kill: Callable[[], Awaitable[None]]
    restart: Callable[[], Awaitable[None]]
    tools: dict[str, AgentTool] = field(default_factory=dict)

    @property
    def written(self) -> list[str]:
        return self.ledger.read_text().splitlines() if self.ledger.exists() else []

    async def run(self, name: str, timeout: float | None = None, **arguments: Any) -> ToolAnswered:
        if not self.tools:
            self.tools = await offered(self.server)
        made = self.tools[f"box__{name}"]
        asked = ToolCall("c1", made.name, json.dumps(arguments))
        return await run_tool(made, asked, CONTEXT, self.clock)


@asynccontextmanager
async def on_streams(ledger: Path) -> AsyncIterator[Place]:
    settings = McpSettings(command=(sys.executable, PROGRAM, str(ledger)), timeout=HANG)
    clock = LoopClock()
    server = McpServer("box", settings, clock, patience=HANG)

    async def kill() -> None:
        """As a crash while nothing is under way."""
        link = server._link
        assert link
        assert link.client
        with pytest.raises(MCPError):
            await link.client.call_tool("pay", {"to": "nobody"})

    async def restart() -> None:
        """The next connection starts a process of its own."""

    try:
        yield Place(server, ledger, clock, kill, restart)
    finally:
        await server.aclose()


@asynccontextmanager
async def over_http(ledger: Path) -> AsyncIterator[Place]:
    clock = LoopClock()
    async with AsyncExitStack() as stack:
        port = stack.enter_context(ports.reserved())
        settings = McpSettings(url=f"http://127.0.0.1:{port}/mcp", timeout=HANG)
        server = McpServer("box", settings, clock, patience=HANG)
        processes: list[asyncio.subprocess.Process] = []

        async def restart() -> None:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, PROGRAM, str(ledger), str(port)),
                stderr=asyncio.subprocess.PIPE,
            )
            processes.append(process)
            assert process.stderr
            said = b""
            while b"Uvicorn running" not in said:
                said = await process.stderr.readline()
                assert said, "it ended before it served"

        async def kill() -> None:
            process = processes[-1]
            if process.returncode is None:
                process.kill()
            await process.communicate()

        await restart()
        stack.push_async_callback(kill)
        stack.push_async_callback(server.aclose)
        yield Place(server, ledger, clock, kill, restart)


@pytest.fixture(
    params=[
        (on_streams, asyncio.new_event_loop),
        (on_streams, uvloop.new_event_loop),
        (over_http, None),
    ],
    ids=["stdio", "stdio on uvloop", "http"],
)
def at(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[Callable[[Place], Coroutine[Any, Any, None]]], None]:
    """Runs a test with a server that is there."""
    open_place, loop = request.param

    async def main(test: Callable[[Place], Coroutine[Any, Any, None]]) -> None:
        async with open_place(tmp_path / "ledger") as place:
            await test(place)

    def run(test: Callable[[Place], Coroutine[Any, Any, None]]) -> None:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(watched(main(test)))

    return run


At = Callable[[Callable[[Place], Coroutine[Any, Any, None]]], None]


def test_its_tools_are_listed_and_called_side_by_side_and_errors_told(at: At) -> None:
    async def test(place: Place) -> None:
        tools = await offered(place.server)
        added = tools["box__add"]
        assert added.tool.description == "The sum of two numbers."
        assert added.tool.parameters is not None
        assert added.tool.parameters["properties"]["a"]["type"] == "integer"
        assert added.timeout == HANG
        assert (added.pure, tools["box__set_it"].idempotent) == (True, True)
        assert not tools["box__note"].safe

        found = await place.run("add", a=20, b=22)
        assert (found.outcome, found.message.text) == ("ok", "42")
        failed = await place.run("fail", text="fly")
        assert failed.outcome == "error"
        assert failed.message.failed
        wrong = await place.run("add", a="one")
        assert wrong.outcome == "error"
        shown = await place.run("picture")
        assert shown.message.text.startswith("a dot\n[image-1.png (image/png, ")
        (picture,) = media.shown(shown.message)
        assert base64.b64decode(picture.data) == pictures.png()
        everything = await place.run("everything")
        assert [(file.name, file.media_type) for file in media.shown(everything.message)] == [
            ("voice-1.wav", "audio/wav"),
            ("café.pdf", "application/pdf"),
            ("file-3.bin", "application/octet-stream"),
        ]
        assert isinstance(everything.message.parts[-1], Image), "for the model alone"
        assert "[image/gif: it was not sent as base64" in everything.message.text

        all_four = await asyncio.gather(*(place.run("slow", seconds=0.2) for _ in range(4)))
        assert [answer.outcome for answer in all_four] == ["ok"] * 4
        assert place.written == ["slow began"] * 4

    at(test)


def test_a_server_that_dies_in_mid_call_leaves_the_outcome_unknown(at: At) -> None:
    async def test(place: Place) -> None:
        answer = await place.run("pay", to="bob")
        assert answer.outcome == "unknown"
        assert "not known whether this call took effect" in answer.message.text
        assert answer.failure is not None
        assert answer.failure["hop"] == "tool"
        assert place.written == ["paid bob"]
        await place.restart()
        again = await place.run("add", a=1, b=2)
        assert (again.outcome, again.message.text) == ("ok", "3")
        assert place.written == ["paid bob"]

    at(test)


def test_calls_beside_the_one_that_kills_the_server_are_not_left_hanging(at: At) -> None:
    async def test(place: Place) -> None:
        await place.run("add", a=1, b=1)
        slow = asyncio.create_task(place.run("slow", seconds=60))
        await until(lambda: "slow began" in place.written)
        assert (await place.run("pay", to="bob")).outcome == "unknown"
        assert (await slow).outcome == "unknown"

    at(test)


def test_a_server_that_died_unnoticed_is_found_dead_before_anything_is_asked(at: At) -> None:
    async def test(place: Place) -> None:
        assert (await place.run("add", a=1, b=1)).outcome == "ok"
        await place.kill()
        await place.restart()
        place.clock.ahead += 60
        answer = await place.run("note", text="once")
        assert answer.outcome == "ok"
        assert place.written[-1:] == ["once"]
        assert place.written.count("once") == 1

    at(test)


def test_a_call_that_is_given_up_is_cancelled_on_the_server(at: At) -> None:
    async def test(place: Place) -> None:
        await place.run("add", a=1, b=1)
        running = asyncio.create_task(place.run("slow", seconds=60))
        await until(lambda: "slow began" in place.written)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await place.run("add", a=1, b=1)).outcome == "ok"
        await until(lambda: "slow cancelled" in place.written)

    at(test)


def test_a_harmless_call_is_made_again_when_its_server_died(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_streams(tmp_path / "ledger") as place:
            answer = await place.run("set_it", value="blue")
            assert (answer.outcome, answer.message.text) == ("ok", "it is blue")
            assert place.written == ["set blue", "set blue"]

    asyncio.run(watched(main()))


@pytest.mark.parametrize(
    ("settings", "kind", "told"),
    [
        (McpSettings(command=("no-such-command-here",)), Kind.UNAVAILABLE, "No such file"),
        (
            McpSettings(
                command=(
                    sys.executable,
                    "-c",
                    "import os, sys; sys.exit('no licence for ' + os.environ['KEY'])",
                ),
                env={"KEY": SecretStr("hunter2-hunter2")},
            ),
            Kind.UNAVAILABLE,
            "it said: no licence for [redacted]",
        ),
        (
            McpSettings(command=(sys.executable, "-c", "print('hello')")),
            Kind.UNAVAILABLE,
            "Connection closed",
        ),
    ],
    ids=["missing", "says why", "no protocol"],
)
def test_a_server_that_does_not_start_says_why(
    settings: McpSettings, kind: Kind, told: str
) -> None:
    async def main() -> None:
        server = McpServer("box", settings, LoopClock(), patience=HANG)
        with pytest.raises(StreamFailed) as failed:
            await server.tools()
        failure = failed.value.failure
        assert (failure.kind, failure.hop.value, failure.by) == (kind, "tool", "mcp:box")
        assert told in failure.detail
        assert "hunter2" not in repr(failure)
        await server.aclose()

    asyncio.run(watched(main()))


def test_a_server_that_is_not_there_is_told_by_its_errno() -> None:
    async def main() -> None:
        url = f"http://127.0.0.1:{ports.closed()}/mcp"
        server = McpServer("box", McpSettings(url=url), LoopClock())
        with pytest.raises(StreamFailed) as failed:
            await server.tools()
        assert failed.value.failure.kind is Kind.REFUSED
        assert failed.value.failure.cause == "ECONNREFUSED"
        await server.aclose()

    asyncio.run(watched(main()))


def test_a_server_that_does_not_start_is_not_waited_for_with_every_turn(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"

    async def main() -> None:
        clock = LoopClock()
        program = f"open({str(ledger)!r}, 'a').write('tried '); import sys; sys.exit('no')"
        settings = McpSettings(command=(sys.executable, "-c", program))
        server = McpServer("box", settings, clock, patience=HANG)

        async def ask() -> Failure:
            with pytest.raises(StreamFailed) as failed:
                await server.tools()
            return failed.value.failure

        told = [await ask() for _ in range(3)]
        assert ledger.read_text() == "tried "
        assert told[0] == told[1] == told[2]
        clock.ahead += PAUSE
        await ask()
        assert ledger.read_text() == "tried tried "
        clock.ahead += PAUSE
        await ask()
        assert ledger.read_text() == "tried tried "
        await server.aclose()

    asyncio.run(watched(main()))


def test_a_slow_starter_is_gone_without_and_found_later(tmp_path: Path) -> None:
    """It starts when the gate is opened, which is after the first turn has asked in vain."""
    gate = tmp_path / "gate"
    program = (
        f"import os, runpy, sys; open({str(gate)!r}).read(); sys.argv = [{PROGRAM!r}, 'x'];"
        f"runpy.run_path({PROGRAM!r}, run_name='__main__')"
    )
    os.mkfifo(gate)

    async def main() -> None:
        clock = LoopClock()
        server = McpServer("box", McpSettings(command=(sys.executable, "-c", program)), clock)
        asking = asyncio.create_task(server.tools())
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        clock.ahead += PATIENCE
        with pytest.raises(StreamFailed) as failed:
            await server.tools()
        assert failed.value.failure.detail == "it does not answer yet"
        opened = await asyncio.to_thread(open, gate, "w")
        opened.close()
        assert server._link
        await server._link.opened(HANG)
        assert "box__add" in [made.name for made in await server.tools()]
        await server.aclose()

    asyncio.run(watched(main()))


def test_a_turn_uses_a_server_and_survives_its_death(at: At) -> None:
    async def test(place: Place) -> None:
        script = in_turn(
            calls(call("box__add", {"a": 1, "b": 2})),
            calls(call("box__pay", {"to": "bob"})),
            says("I do not know whether bob was paid."),
        )
        stage = Stage({"main": script}, servers={"box": place.server})
        journal = MemoryJournal()
        ended = await stage.play(task(tools=("mcp:box",)), journal)
        assert ended.outcome == "finished"
        outcomes = [e.outcome for e in journal.events if isinstance(e, ToolAnswered)]
        assert outcomes == ["ok", "unknown"]
        assert place.written == ["paid bob"]

    at(test)


ODD = str(Path(__file__).with_name("odd_mcp_server.py"))


@pytest.mark.parametrize(
    ("name", "outcome", "words"),
    [
        ("chatter", "ok", "chatter was called"),
        ("garbage", "timeout", "did not finish within 1 s"),
        ("silent", "timeout", "did not finish within 1 s"),
        ("shapeless", "unknown", "no answer that can be read"),
        ("unknown_content", "ok", "[hologram]\nand words"),
        ("huge", "ok", "more characters; read on with"),
        ("half_emoji", "ok", "half of it: \ufffd"),
        ("control_signs", "ok", "a\t b"),
        ("latin_1", "ok", "latin_1 was called"),
        ("no_address", "ok", "[file-1.bin (application/octet-stream"),
        ("data_address", "ok", "[file-1.bin (application/octet-stream"),
        ("server_error", "error", "the disk is full"),
        ("internal_error", "error", "x is undefined"),
        (
            "endless",
            "unknown",
            "not known whether",
        ),
        ("noisy", "ok", "noisy was called"),
        ("deaf", "ok", "the last word"),
    ],
)
def test_a_server_that_answers_oddly_costs_that_call_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, outcome: str, words: str
) -> None:
    """An effect may have been had: what cannot be read is no failure that invites another try."""
    monkeypatch.setattr(mcp_stdio, "LARGEST", 4 << 20)

    async def main() -> None:
        settings = McpSettings(command=(sys.executable, ODD, str(tmp_path / "ledger")))
        server = McpServer("box", settings, LoopClock(), patience=HANG)
        tools = await offered(server)
        assert list(tools)[:4] == ["box__fine", "box__a_b", "box__a_b_2", "box__chatter"]
        for called, expected, said in ((name, outcome, words), ("a_b_2", "ok", "a/b was called")):
            made = tools[f"box__{called}"]
            if expected == "timeout":
                made = replace(made, timeout=1)
            call = ToolCall("c1", made.name, "{}")
            told = await run_tool(made, call, ToolContext(), LoopClock())
            assert (told.outcome, said in told.message.text) == (expected, True)
        await server.aclose()
        assert (tmp_path / "ledger").read_text().splitlines() == [name, "a/b"]

    asyncio.run(watched(main()))


@pytest.mark.parametrize(
    ("name", "outcome", "words"),
    [
        ("server_error", "error", "the disk is full"),
        ("internal_error", "error", "x is undefined"),
        ("parse_error", "error", "no JSON"),
        ("streamed_error", "error", "the disk is full"),
        ("refused_error", "error", "the sum is missing"),
        ("nameless_error", "error", "the sum is missing"),
        ("forbidden", "error", ""),
        ("no_session", "error", ""),
        ("failing", "unknown", ""),
        ("cut", "unknown", ""),
        ("cut_stream", "unknown", ""),
        ("no_json", "unknown", ""),
        ("accepted", "unknown", ""),
        ("a_page", "unknown", ""),
        ("too_big", "unknown", ""),
        ("packed", "ok", "it is packed"),
        ("bomb", "unknown", ""),
        ("streamed_big", "ok", "more characters; read on with"),
    ],
)
def test_over_http_what_the_server_says_is_told_and_what_it_does_not_say_is_unknown(
    monkeypatch: pytest.MonkeyPatch, name: str, outcome: str, words: str
) -> None:
    """An error of JSON-RPC, or a refusal of HTTP, is an answer: the call has ended in it."""
    monkeypatch.setattr(mcp_overheard, "LARGEST", TOO_BIG // 2)

    async def main() -> None:
        async with odd_server() as odd:
            settings = McpSettings(url=f"http://127.0.0.1:{odd.port}/mcp", timeout=20)
            server = McpServer("box", settings, LoopClock())
            tools = await offered(server)
            for called, expected, said in ((name, outcome, words), ("fine", "ok", "fine was")):
                call = ToolCall("c1", f"box__{called}", "{}")
                told = await run_tool(tools[call.name], call, ToolContext(), LoopClock())
                assert (told.outcome, said in told.message.text) == (expected, True)
            await server.aclose()
            assert odd.calls == [name, "fine"]

    asyncio.run(watched(main()))


def test_a_line_without_an_end_ends_that_connection_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_stdio, "LARGEST", 4 << 20)

    async def main() -> None:
        settings = McpSettings(command=(sys.executable, ODD, str(tmp_path / "ledger")))
        server = McpServer("box", settings, LoopClock(), patience=HANG)
        tools = await offered(server)
        asked = ToolCall("c1", "box__endless", "{}")
        told = await run_tool(tools[asked.name], asked, ToolContext(), LoopClock())
        assert told.failure
        assert "it wrote a line of more than 4 MB" in json.dumps(told.failure)
        await server.aclose()
        wordy = "while True: print('x' * 65536, end='')"
        server = McpServer(
            "box", McpSettings(command=(sys.executable, "-c", wordy)), LoopClock(), patience=HANG
        )
        with pytest.raises(StreamFailed) as failed:
            await server.tools()
        assert "it wrote a line of more than 4 MB" in failed.value.failure.detail
        await server.aclose()

    asyncio.run(watched(main()))


def test_a_tool_that_nobody_can_call_is_gone_without_and_the_others_are_there(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        command = (sys.executable, ODD, str(tmp_path / "ledger"), "bad")
        server = McpServer("box", McpSettings(command=command), LoopClock(), patience=HANG)
        for _ in range(2):
            opened, missing = await Toolbox((), {"box": server}).open(["mcp:box"])
            assert "box__fine" in opened
            assert [(one.name, one.failure.detail) for one in missing] == [
                ("box__bad", "inputSchema.type is 'array' and not 'object'")
            ]
        await server.aclose()

    asyncio.run(watched(main()))


@pytest.mark.parametrize(
    "listed",
    [
        {"name": "a"},
        {"name": "a", "inputSchema": None},
        {"name": "a", "inputSchema": {}},
        {"name": "a", "inputSchema": {"type": None}},
        {"name": "a", "inputSchema": {"type": ["null", "object"]}},
        {"name": "a", "description": 5, "annotations": "none", "icons": 1, "_meta": []},
        {"name": "a", "outputSchema": {"type": "array"}, "title": {}},
        {"name": "a", "from_next_year": {"x": 1}},
    ],
)
def test_a_tool_loses_what_nobody_can_read_of_it(listed: dict[str, Any]) -> None:
    made = types.Tool.model_validate(mended_tool(listed), by_name=False)
    assert (made.name, made.input_schema, made.output_schema) == ("a", {"type": "object"}, None)


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        ("a", "it is not an object"),
        ({"inputSchema": {}}, "name cannot be read"),
        ({"name": 1}, "name cannot be read"),
        ({"name": "a", "inputSchema": [1]}, "inputSchema is not an object"),
        ({"name": "a", "inputSchema": {"type": ["array", "null"]}}, "inputSchema.type is"),
    ],
)
def test_a_tool_that_cannot_be_called_says_why(listed: Any, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        mended_tool(listed)
