"""`holdfast demo`: four failures played on real sockets, and what becomes of the answer."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..app import SystemClock, calling, new_ref
from ..core.attempt import Attempt, Continuation, Outcome, Target, Timeouts
from ..core.events import TextDelta
from ..core.failure import StreamFailed
from ..core.record import attempt_record, incident_record
from ..core.request import Request
from ..core.verdict import Language, plain
from ..resilience.policy import Policy, Route
from ..sim.upstream import SimulatedUpstream
from ..upstream.executor import Call, Executor
from .incidents import attempt_line, timeline
from .prose import Prose
from .words import say

PATIENCE = Timeouts(connect=2, headers=3, first_event=3, bytes_idle=1.5, content_idle=1.5)


@dataclass(frozen=True, slots=True)
class Scene:
    """A title in English and Chinese, and what each target in turn does."""

    titles: tuple[str, str]
    targets: tuple[tuple[str, str], ...]


SCENES: Sequence[Scene] = (
    Scene(
        (
            "1. The report that began it: a proxy answers 502, its own upstream was cut (EOF)",
            "1. 一切的起点：代理回答 502，因为它自己的上游断开了（EOF）",
        ),
        (("proxy/gpt-5.5", "sub2api_eof"), ("backup/gpt-5.4", "ok;text=short")),
    ),
    Scene(
        (
            "2. The connection is reset in the middle of the answer",
            "2. 回答到一半，连接被重置",
        ),
        (("proxy/gpt-5.5", "reset@30"), ("backup/gpt-5.4", "ok")),
    ),
    Scene(
        (
            "3. The upstream falls silent in the middle of the answer",
            "3. 回答到一半，上游不再出声",
        ),
        (("proxy/gpt-5.5", "stall@20"), ("backup/gpt-5.4", "ok")),
    ),
    Scene(
        (
            "4. Nothing works any more: the honest end",
            "4. 全部失效：一个诚实的结尾",
        ),
        (("proxy/gpt-5.5", "sub2api_502"), ("backup/gpt-5.4", "eof_before_headers")),
    ),
)


@dataclass(slots=True)
class Stage:
    """What is seen of one scene; an `upstream.executor.Observer`."""

    language: Language
    title: str
    text: str = ""
    verdict: str = ""
    attempts: list[Mapping[str, Any]] = field(default_factory=list)
    record: Mapping[str, Any] = field(default_factory=dict)

    def attempted(self, call: Call, attempt: Attempt) -> None:
        self.attempts.append(attempt_record(attempt, call.began))

    def ended(self, call: Call, outcome: Outcome) -> None:
        clock = SystemClock()
        self.record = incident_record(
            call.ref, clock.wall(), call.began, clock.monotonic(), "demo", outcome, {}
        )

    def __rich__(self) -> Group:
        columns = Table.grid(expand=True, padding=(0, 1))
        columns.add_column(ratio=5)
        columns.add_column(ratio=4)
        answer = Text(self.text)
        if self.verdict:
            answer.append(f"\n{self.verdict}" if self.text else self.verdict, "red")
        columns.add_row(
            Panel(Prose(answer), title=say("answer", self.language), title_align="left"),
            Panel(
                Group(*map(Prose, self.lines())),
                title=say("attempts", self.language),
                title_align="left",
            ),
        )
        return Group(Prose(Text(self.title, "bold")), columns)

    def lines(self) -> list[Text]:
        lines = []
        for attempt in self.attempts:
            lines.append(attempt_line(attempt, self.language))
            if attempt.get("decision") not in (None, "finish"):
                lines.append(Text(f"  → {say(attempt['decision'], self.language)}", "cyan"))
        return lines


async def play(console: Console, language: Language, pace: float = 0.02) -> None:
    """Plays every scene, `pace` seconds between pieces; then explains the last incident."""
    console.print(say("simulated", language), style="yellow")
    async with SimulatedUpstream() as upstream:
        for scene in SCENES:
            stage = Stage(language, scene.titles[language == "zh"])
            async with calling(f"demo-{secrets.token_hex(3)}", [stage]) as executor:
                await _play(console, stage, executor, _route(scene, upstream.base_url, pace))
    console.print()
    console.print(timeline(stage.record, language))


async def _play(console: Console, stage: Stage, executor: Executor, route: Route) -> None:
    live = Live(stage, console=console, refresh_per_second=15, vertical_overflow="visible")
    console.print()
    if console.is_terminal:
        with live:
            await _ask(stage, executor, route)
        return
    console.print(stage.title, style="bold", highlight=False, soft_wrap=True)
    await _ask(stage, executor, route)
    for line in (*stage.lines(), Text(stage.text), Text(stage.verdict, "red")):
        if line:
            console.print(line, soft_wrap=True)


async def _ask(stage: Stage, executor: Executor, route: Route) -> None:
    question = "你好，请讲讲看。" if stage.language == "zh" else "Tell me, please."
    body = {"model": "demo", "messages": [{"role": "user", "content": question}], "stream": True}
    request = Request("chat", "demo", body, language=stage.language)
    ref = new_ref()
    try:
        async with executor.call(request, route, ref) as call:
            async for batch in call:
                stage.text += "".join(e.text for e in batch if isinstance(e, TextDelta))
    except StreamFailed as failed:
        stage.verdict = plain(failed.failure, stage.language, ref=ref, released=len(stage.text))


def _route(scene: Scene, base_url: str, pace: float) -> Route:
    targets = tuple(
        Target(
            name,
            base_url=base_url,
            model=f"{model};pace={pace}",
            continuation=Continuation.INSTRUCT,
            timeouts=PATIENCE,
        )
        for name, model in scene.targets
    )
    return Route("demo", targets, Policy(deadline=30, max_attempts=3, per_target=1))
