"""Turns with any faults and any deaths: what must hold at the end of every one of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent.stage import (
    MemoryJournal,
    Stage,
    breaks,
    call,
    calls,
    chunk,
    refuses,
    says,
    sse,
    task,
)
from tests.upstream.virtual import run_virtual

from holdfast.agent.events import Ended, TextAdded, ToolAnswered, ToolAsked
from holdfast.agent.tools import AgentTool, tool
from holdfast.core.attempt import Continuation
from holdfast.upstream.memory import Broken, Reply

BEFORE = "I am sending the letter to Ann now, just as you have asked me to."
AFTER = "The letter to Ann is on its way, and she will have it in the morning, I hope."
WHOLE = f"{BEFORE}\n\n{AFTER}"

FAULTS = ("502", "silence", "reset", "eof", "cut call", "length", "slow")


def desk(sent: list[str]) -> list[AgentTool]:
    @tool(timeout=30)
    async def send(to: str) -> str:
        """Takes a while, in which the process may die."""
        sent.append(to)
        await asyncio.sleep(2)
        return "sent"

    return [send]


def model(faults: list[str]) -> Any:
    """Goes on with what it had begun; meets the faults one after the other, then no more."""

    def answer(body: Mapping[str, Any]) -> Reply:
        messages = body["messages"]
        begun = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
        served = any(message["role"] == "tool" for message in messages)
        text = (AFTER if served else BEFORE).removeprefix(begun)
        half = text[: len(text) // 2]
        match faults.pop(0) if faults else "":
            case "502":
                return refuses(502, {"message": "Upstream request failed"})
            case "silence":
                return Reply(think=3600.0)
            case "reset":
                return breaks(half, 1.0, Broken.RESET)
            case "eof":
                return breaks(half, 1.0)
            case "cut call" if not served:
                cut = {"tool_calls": [call("send", '{"to": "An')]}
                return Reply((sse(chunk({"content": half}), done=False), sse(chunk(cut))))
            case "length" if half:
                return says(half, "length")
            case "slow":
                return Reply((1.0, *_told(text, served).steps), think=2.0)
            case _:
                return _told(text, served)

    return answer


def _told(text: str, served: bool) -> Reply:
    return says(text) if served else calls(call("send", {"to": "Ann"}), text=text)


async def live(stage: Stage, journal: MemoryJournal, dies_after: float | None) -> bool:
    """Whether this life of the turn has come to the turn's end."""
    running = asyncio.create_task(stage.runner.run(task(tools=("send",)), journal))
    if dies_after is not None:
        await asyncio.wait({running}, timeout=dies_after)
        running.cancel()
    await asyncio.wait({running})
    await stage.executor.aclose()
    return not running.cancelled() and running.exception() is None


@settings(max_examples=150, deadline=None)
@given(
    faults=st.lists(st.sampled_from(FAULTS), max_size=5),
    deaths=st.lists(st.floats(0, 40), max_size=4),
)
def test_every_turn_has_one_end_and_no_tool_runs_twice(
    faults: list[str], deaths: list[float]
) -> None:
    sent: list[str] = []
    left = list(faults)

    async def main() -> MemoryJournal:
        journal = MemoryJournal()
        for dies_after in (*deaths, None):
            stage = Stage({"main": model(left)}, desk(sent), continuation=Continuation.PREFILL)
            if await live(stage, journal, dies_after):
                break
            journal = journal.after_kill(len(journal.entries))
        return journal

    journal = run_virtual(main())
    events = journal.events
    ends = [event for event in events if isinstance(event, Ended)]
    assert ends == [events[-1]]
    text = "".join(event.text for event in events if isinstance(event, TextAdded))
    assert WHOLE.startswith(text.rstrip("\n")), text
    if ends[0].outcome == "finished":
        assert text == WHOLE
    assert len(sent) <= 1
    asked = [event.call_id for event in events if isinstance(event, ToolAsked)]
    answered = [event.call_id for event in events if isinstance(event, ToolAnswered)]
    assert len(asked) == len(set(asked))
    assert answered == asked
    assert all(json.loads(e.arguments) for e in events if isinstance(e, ToolAsked))
    if not (faults or deaths):
        assert (ends[0], sent) == (Ended("finished"), ["Ann"])
