"""Values that stand elsewhere: "env:NAME" in the environment, "cmd:COMMAND" in what it writes."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from typing import Any

from ..problems import Problem, key

ENV = "env:"
CMD = "cmd:"
PATIENCE = 30.0  # seconds for a command that gives a secret


def resolve(
    value: Any, env: Mapping[str, str], path: tuple[str | int, ...], problems: list[Problem]
) -> Any:
    """`value` with every "env:NAME" in it replaced by what the environment holds, and every
    "cmd:COMMAND" by what the command writes."""
    if isinstance(value, dict):
        return {n: resolve(v, env, (*path, n), problems) for n, v in value.items()}
    if isinstance(value, list):
        return [resolve(v, env, (*path, i), problems) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value
    found, problem = value, None
    if value.startswith(ENV):
        found, problem = _from_env(value.removeprefix(ENV), env, key(path))
    elif value.startswith(CMD):
        found, problem = _from_command(value.removeprefix(CMD), key(path))
    if problem:
        problems.append(problem)
    return found


def _from_env(name: str, env: Mapping[str, str], path: str) -> tuple[str, Problem | None]:
    if env.get(name):
        return env[name], None
    return ENV + name, Problem(
        path,
        f"the environment variable {name} is not set",
        f"没有设置环境变量 {name}",
        f"set {name} before starting, or remove this entry",
        f"启动前设置 {name}，或删去这一项",
    )


def _from_command(command: str, path: str) -> tuple[str, Problem | None]:
    """The first line that the command writes; without a shell, so nothing in it is expanded."""
    try:
        words = shlex.split(command)
        ran = subprocess.run(words, capture_output=True, timeout=PATIENCE, check=False)  # noqa: S603 - the operator's own command
        lines = ran.stdout.decode().split("\n")
        why, why_zh = "it wrote nothing", "它什么都没有输出"
        if ran.returncode:
            why, why_zh = f"it ended with status {ran.returncode}", f"退出状态为 {ran.returncode}"
        if not ran.returncode and lines[0].strip():
            return lines[0].strip(), None
    except subprocess.TimeoutExpired:
        why, why_zh = f"it did not end within {PATIENCE:g} s", f"{PATIENCE:g} 秒内没有结束"
    except (OSError, ValueError, IndexError):
        why, why_zh = "it cannot be run", "无法运行"
    return CMD + command, Problem(
        path,
        f"the command gave no secret: {why}",
        f"命令没有给出密钥：{why_zh}",
        "run it by hand; it must write the secret to its standard output",
        "请手工运行一次；它必须把密钥写到标准输出",
    )
