"""`holdfast chat`: a conversation with any route, streamed; Ctrl-C stops one answer."""

from __future__ import annotations

import asyncio
import select
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from rich.console import Console

from ..app import new_ref
from ..core.events import ReasoningDelta, RefusalDelta, TextDelta
from ..core.failure import StreamFailed
from ..core.request import Request
from ..core.verdict import Language, explain, plain
from ..resilience.policy import Route
from ..upstream.executor import Executor
from .words import say

Message = dict[str, Any]


async def talk(
    console: Console, executor: Executor, route: Route, language: Language, *, simulated: bool
) -> None:
    """Reads questions from standard input until it ends. Talks of itself only to a terminal."""
    person = sys.stdin.isatty()
    if person and simulated:
        console.print(say("simulated", language), style="yellow")
    if person:
        console.print(f"{route.name}: {say('chat_help', language)}", style="dim", highlight=False)
    prompt = f"{say('you', language)} > " if person else ""
    messages: list[Message] = []
    while True:
        question = _read(prompt)
        if question.strip() in ("", "/quit"):
            return
        messages.append({"role": "user", "content": question})
        answer = await _interruptible(
            lambda: _answer(console, executor, route, list(messages), language)
        )
        if answer is None:
            console.print(f"\n{say('stopped', language)}", style="yellow", highlight=False)
            messages.pop()
        elif answer:
            messages.append({"role": "assistant", "content": answer})
        else:
            messages.pop()


async def _answer(
    console: Console,
    executor: Executor,
    route: Route,
    messages: list[Message],
    language: Language,
) -> str:
    """The answer's text; "" if the call failed, which is told."""
    body = {"model": route.name, "messages": messages, "stream": True}
    request = Request("chat", route.name, body, language=language)
    ref, text = new_ref(), ""
    try:
        async with executor.call(request, route, ref) as call:
            async for batch in call:
                for event in batch:
                    if isinstance(event, TextDelta | RefusalDelta):
                        text += event.text
                        console.out(event.text, end="", highlight=False)
                    elif isinstance(event, ReasoningDelta):
                        console.out(event.text, end="", highlight=False, style="dim")
            console.print()
            if call.outcome and call.outcome.recovered:
                saved = say("saved", language, n=len(call.attempts), ref=ref)
                _tell(console, saved, "green")
            return text
    except StreamFailed as failed:
        console.print()
        _tell(console, explain(failed.failure, language), "dim")
        sentence = plain(failed.failure, language, ref=ref, released=len(text))
        _tell(console, sentence, "red")
        return ""


async def _interruptible(work: Callable[[], Awaitable[str]]) -> str | None:
    """Runs `work`; None if Ctrl-C stopped it."""
    task = asyncio.ensure_future(work())
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        with suppress(asyncio.CancelledError):
            return await task
        return None
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _tell(console: Console, text: str, style: str) -> None:
    """Something about the answer, which is none itself: a reference must stay in one piece."""
    console.print(text, style=style, highlight=False, soft_wrap=True)


def _read(prompt: str) -> str:
    """One line, "" at the end of input or after Ctrl-C.

    It holds up the event loop, in which nothing is under way meanwhile: a thread that reads
    could not be stopped by Ctrl-C.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _ask(prompt) if prompt else input()
    except (EOFError, KeyboardInterrupt):
        if prompt:
            print()
        return ""
    finally:
        signal.signal(signal.SIGINT, before)


def _ask(prompt: str) -> str:
    """Raises EOFError, KeyboardInterrupt.

    A signal between the prompt and the reading would wait for the end of the line; the
    wake-up descriptor ends the waiting instead, whenever the signal comes.
    """
    woken, waker = socket.socketpair()
    with woken, waker:
        waker.setblocking(False)
        before = signal.set_wakeup_fd(waker.fileno())
        try:
            print(prompt, end="", flush=True)
            select.select([sys.stdin, woken], [], [])
        finally:
            signal.set_wakeup_fd(before)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")
