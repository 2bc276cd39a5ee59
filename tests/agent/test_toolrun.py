"""Whatever a tool does, its call has one answer."""

from __future__ import annotations

import asyncio
import errno
from datetime import UTC, datetime

import pytest
from tests.upstream.virtual import LoopClock, run_virtual

from holdfast.agent.builtins import builtins
from holdfast.agent.events import ToolAnswered
from holdfast.agent.fetching import Fetcher
from holdfast.agent.toolrun import KEPT, LEAVE, READ, page, run_tool
from holdfast.agent.tools import AgentTool, OutcomeUnknown, Output, ToolContext, ToolFailed, tool
from holdfast.core.message import ToolCall


def raising(error: BaseException, *, pure: bool = False) -> AgentTool:
    @tool(name="it", pure=pure, timeout=5)
    async def it() -> str:
        raise error

    return it


def answer(
    made: AgentTool, arguments: str = "{}", context: ToolContext | None = None
) -> ToolAnswered:
    call = ToolCall("c1", made.name, arguments)
    return run_virtual(run_tool(made, call, context or ToolContext(), LoopClock()))


def test_a_result_is_told_with_how_long_it_took() -> None:
    @tool()
    async def it() -> str:
        await asyncio.sleep(0.25)
        return "done"

    told = answer(it)
    assert (told.outcome, told.message.text, told.ms) == ("ok", "done", 250)
    assert (told.message.answers, told.message.failed) == ("c1", False)


def test_no_output_is_told_as_such() -> None:
    @tool()
    async def it() -> None: ...

    assert answer(it).message.text == "(no output)"


def test_what_a_tool_says_of_its_failure_is_shown_to_the_model() -> None:
    told = answer(raising(ToolFailed("no such city")))
    assert (told.outcome, told.message.text) == ("error", "no such city")
    assert told.message.failed


def test_an_exception_is_a_failure_with_its_cause_and_no_secret() -> None:
    told = answer(raising(RuntimeError("key sk-abcdefghijklmnop was refused\nbadly")))
    assert told.outcome == "error"
    assert told.message.text == "The tool failed: RuntimeError: key [redacted] was refused badly"
    assert told.failure is not None
    assert (told.failure["hop"], told.failure["kind"]) == ("tool", "internal")


def test_the_errno_of_an_exception_is_kept() -> None:
    error = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    told = answer(raising(error))
    assert told.failure is not None
    assert (told.failure["kind"], told.failure["cause"]) == ("connection_reset", "ECONNRESET")


def test_a_time_limit_of_the_tools_own_is_no_time_limit_of_ours() -> None:
    told = answer(raising(TimeoutError("the database did not answer")))
    assert told.outcome == "error"
    assert "the database did not answer" in told.message.text


@pytest.mark.parametrize(("pure", "outcome"), [(True, "error"), (False, "unknown")])
def test_a_lost_call_is_unknown_where_it_may_have_had_an_effect(pure: bool, outcome: str) -> None:
    told = answer(raising(OutcomeUnknown("the server died"), pure=pure))
    assert told.outcome == outcome
    assert ("not known whether" in told.message.text) is not pure


def test_a_cancellation_inside_a_tool_is_a_failure_of_that_tool() -> None:
    @tool()
    async def it() -> str:
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task
        return "never"

    told = answer(it)
    assert (told.outcome, told.message.text) == ("error", "The tool failed: CancelledError")


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (BaseExceptionGroup("a", [SystemExit()]), "BaseExceptionGroup: a (1 sub-exception)"),
        (Unspeakable(), "Unspeakable"),
    ],
    ids=["exit", "group", "no words"],
)
def test_whatever_a_tool_raises_is_its_failure_alone(error: BaseException, words: str) -> None:
    told = answer(raising(error))
    assert (told.outcome, told.message.text) == ("error", f"The tool failed: {words}")


@pytest.mark.parametrize("leaves", [True, False])
def test_a_tool_that_does_not_leave_is_left_behind(leaves: bool) -> None:
    @tool(timeout=5)
    async def it() -> str:
        for _ in range(1 if leaves else 20):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue
        return "late"

    async def main() -> tuple[ToolAnswered, float]:
        loop = asyncio.get_running_loop()
        told = await run_tool(it, ToolCall("c1", "it", "{}"), ToolContext(), LoopClock())
        took = loop.time()
        await asyncio.sleep(2000)
        return told, took

    told, took = run_virtual(main())
    assert told.outcome == "timeout"
    assert took == (5.0 if leaves else 5.0 + LEAVE)
    assert told.failure is not None
    assert ("does not stop" in told.failure["message"]) is not leaves


def test_the_cancellation_of_a_call_goes_through() -> None:
    @tool()
    async def it() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        call = ToolCall("c1", "it", "{}")
        running = asyncio.create_task(run_tool(it, call, ToolContext(), LoopClock()))
        asyncio.get_running_loop().call_later(1, running.cancel)
        with pytest.raises(asyncio.CancelledError):
            await running

    run_virtual(main())


def test_a_function_that_blocks_does_not_stop_the_others() -> None:
    @tool()
    def it(n: int) -> str:
        return str(n * n)

    async def main() -> list[str]:
        made = [ToolCall(f"c{n}", "it", f'{{"n":{n}}}') for n in range(5)]
        told = await asyncio.gather(
            *(run_tool(it, call, ToolContext(), LoopClock()) for call in made)
        )
        return [one.message.text for one in told]

    assert asyncio.run(main()) == ["0", "1", "4", "9", "16"]


def test_long_output_is_shown_in_part_and_kept_whole() -> None:
    @tool(limit=10)
    async def it() -> str:
        return "0123456789abcdef"

    told = answer(it)
    assert told.message.text == (
        "0123456789\n\n[6 more characters; read on with read_more(call_id=c1, offset=10)]"
    )
    assert told.rest == "0123456789abcdef"
    more = answer(READ, '{"call_id":"c1","offset":10}', ToolContext(pages={"c1": told.rest}))
    assert (more.outcome, more.message.text, more.rest) == ("ok", "abcdef", "")


def test_endless_output_is_kept_up_to_a_limit() -> None:
    shown, kept = page("x" * (3 * KEPT), 100, "c1", "en")
    assert len(shown) < 300
    assert len(kept) < KEPT + 100


@pytest.mark.parametrize(
    "arguments", ['{"call_id":"c9","offset":0}', '{"call_id":"c1","offset":99}']
)
def test_reading_on_where_there_is_nothing_is_told(arguments: str) -> None:
    told = answer(READ, arguments, ToolContext(pages={"c1": "short"}))
    assert told.outcome == "error"


def test_an_output_that_says_it_failed_has_failed() -> None:
    @tool()
    async def it() -> Output:
        return Output("not today", failed=True)

    told = answer(it)
    assert (told.outcome, told.message.text, told.message.failed) == ("error", "not today", True)


# The built-in ones.


def built_in(name: str, arguments: str) -> ToolAnswered:
    async def main() -> ToolAnswered:
        fetcher = Fetcher()
        made = next(one for one in builtins(LoopClock(), fetcher) if one.name == name)
        assert made.fault(arguments) == ""
        told = await run_tool(made, ToolCall("c1", name, arguments), ToolContext(), LoopClock())
        await fetcher.aclose()
        return told

    return run_virtual(main())


def test_the_time_is_told_in_any_zone() -> None:
    told = built_in("time", '{"zone":"Asia/Shanghai"}')
    assert told.message.text == "Wednesday, 2023-11-15 06:13:20 +0800 (Asia/Shanghai)"
    here = datetime.fromtimestamp(1_700_000_000, UTC).astimezone()
    assert built_in("time", "{}").message.text.startswith(f"{here:%A, %Y-%m-%d %H:%M:%S %z}")


@pytest.mark.parametrize("zone", ["Atlantis/Capital", "../etc/passwd", "/etc/localtime", "\\u0000"])
def test_a_zone_that_is_none_is_told(zone: str) -> None:
    assert built_in("time", f'{{"zone":"{zone}"}}').outcome == "error"


def test_the_calculator_tells_values_and_faults() -> None:
    assert built_in("calculator", '{"expression":"0.1+0.2"}').message.text == "0.3"
    told = built_in("calculator", '{"expression":"1/0"}')
    assert (told.outcome, told.message.text) == ("error", "division by zero")


def test_fetch_refuses_the_house() -> None:
    async def main() -> ToolAnswered:
        fetcher = Fetcher()
        made = next(one for one in builtins(LoopClock(), fetcher) if one.name == "fetch")
        call = ToolCall("c1", "fetch", '{"url":"http://127.0.0.1/admin"}')
        told = await run_tool(made, call, ToolContext(), LoopClock())
        await fetcher.aclose()
        return told

    told = asyncio.run(main())
    assert (told.outcome, told.failure) == ("error", None)
    assert told.message.text == "127.0.0.1 is not on the public internet"
