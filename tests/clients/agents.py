"""Agents and SDKs that others wrote, which may speak any of the served dialects."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.clients.foreign import KEY, PATIENCE, PROGRAMS, environment_of
from tests.serving import environment

# What is asked, and what the client says it got. A task names `dialect`, `model`, `question` and
# `stream`, perhaps `system`, `tools` (names), `structured`, `image` (PNG in base64) and `limit`.
Task = Mapping[str, Any]
Got = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Agent:
    """`served` are the dialects that it speaks."""

    name: str
    interpreter: Callable[[], str]
    program: str
    served: tuple[str, ...] = ("chat", "responses", "messages")

    def __str__(self) -> str:
        return self.name

    def ask(self, base_url: str, tasks: Sequence[Task]) -> list[Got]:
        """The answers to the tasks, in their order, by one process: it takes long to load."""
        done = subprocess.run(
            [self.interpreter(), str(PROGRAMS / self.program), base_url, KEY],
            input=json.dumps(tasks),
            env=environment(LITELLM_LOCAL_MODEL_COST_MAP="True"),  # asks nobody for prices
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        got = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert len(got) == len(tasks), (done.stdout, done.stderr)
        return got


AGENTS = (
    Agent("pydantic-ai", environment_of("HOLDFAST_CLIENT_PYDANTIC_AI"), "pydantic_ai_agent.py"),
    Agent(
        "openai-agents",
        environment_of("HOLDFAST_CLIENT_OPENAI_AGENTS"),
        "openai_agents.py",
        ("chat", "responses"),
    ),
    Agent("litellm", environment_of("HOLDFAST_CLIENT_LITELLM"), "litellm_agent.py"),
)
