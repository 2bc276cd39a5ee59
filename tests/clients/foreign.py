"""Clients that others wrote, each run as a program of its own.

`.ci/run` makes the environments and names their interpreters in `HOLDFAST_CLIENT_*`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.serving import environment

PATIENCE = 600.0  # seconds; only a hang reaches it, however busy the machine is
PROGRAMS = Path(__file__).parent / "programs"

KEY = "hf-canary-0123456789abcdef"

# What the client says it got: text, finish, ids, models; error, status, body, message if it failed.
Got = Mapping[str, Any]
Ask = Callable[[str, Mapping[str, Sequence[str]]], list[Got]]


@dataclass(frozen=True, slots=True)
class Client:
    """`ask` takes the base URL and the models of each mode; it answers in their order. All is
    asked by one process: some take long to load.
    """

    name: str
    modes: tuple[str, ...]
    ask: Ask
    sees_body: bool = True  # its errors carry the JSON body, not only the message

    def __str__(self) -> str:
        return self.name


def _python(interpreter: Callable[[], str], program: str) -> Ask:
    def ask(base_url: str, models: Mapping[str, Sequence[str]]) -> list[Got]:
        done = subprocess.run(
            [interpreter(), str(PROGRAMS / program), base_url, KEY],
            input=json.dumps(models),
            env=environment(LITELLM_LOCAL_MODEL_COST_MAP="True"),  # asks nobody for prices
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        got = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert len(got) == sum(map(len, models.values())), done.stdout
        return got

    return ask


def environment_of(name: str) -> Callable[[], str]:
    def interpreter() -> str:
        found = os.environ.get(name)
        if not found:
            pytest.skip(f"{name} names no interpreter; .ci/run makes one")
        return found

    return interpreter


def _curl(base_url: str, models: Mapping[str, Sequence[str]]) -> list[Got]:
    program = shutil.which("curl")
    if not program:
        pytest.skip("curl is not installed")
    return [
        _curl_one(program, base_url, model, mode == "stream")
        for mode, asked in models.items()
        for model in asked
    ]


def _curl_one(program: str, base_url: str, model: str, streams: bool) -> Got:
    messages = [{"role": "user", "content": "Hello!"}]
    body = {"model": model, "messages": messages, "stream": streams}
    done = subprocess.run(
        [
            program,
            "--silent",
            "--no-buffer",
            *("--header", f"authorization: Bearer {KEY}"),
            *("--header", "content-type: application/json"),
            *("--write-out", "\n%{http_code}"),
            *("--data", json.dumps(body)),
            f"{base_url}/chat/completions",
        ],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    text, _, status = done.stdout.rpartition("\n")
    got: dict[str, Any] = {"text": "", "finish": None, "ids": [], "models": []}
    if not streams or status != "200":
        return got | _document(json.loads(text), status)
    events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data")]
    whole = events[-1] == "[DONE]"
    assert whole == (done.returncode == 0), "curl tells a broken answer by its exit code"
    for event in map(json.loads, events[:-1] if whole else events):
        got["ids"] = sorted({*got["ids"], event["id"]})
        got["models"] = sorted({*got["models"], event["model"]})
        for choice in event["choices"]:
            got["text"] += choice["delta"].get("content") or ""
            got["finish"] = choice["finish_reason"] or got["finish"]
        if "error" in event:
            got |= _error(event["error"], None)
    return got


def _document(document: Mapping[str, Any], status: str) -> dict[str, Any]:
    if "error" in document:
        return _error(document["error"], int(status))
    choice = document["choices"][0]
    return {
        "text": choice["message"]["content"],
        "finish": choice["finish_reason"],
        "ids": [document["id"]],
        "models": [document["model"]],
    }


def _error(error: Mapping[str, Any], status: int | None) -> dict[str, Any]:
    return {"error": error["type"], "status": status, "body": error, "message": error["message"]}


_ALL = ("json", "stream", "json+async", "stream+async")

CLIENTS = (
    Client("openai", _ALL, _python(lambda: sys.executable, "openai_sdk.py")),
    Client("openai1", _ALL, _python(environment_of("HOLDFAST_CLIENT_OPENAI1"), "openai_sdk.py")),
    Client(
        "litellm",
        _ALL,
        _python(environment_of("HOLDFAST_CLIENT_LITELLM"), "litellm_sdk.py"),
        sees_body=False,
    ),
    Client("curl", ("json", "stream"), _curl),
)
