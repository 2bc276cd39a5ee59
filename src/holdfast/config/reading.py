"""`holdfast.toml` to settings. All that is wrong with a file is told at once, with remedies."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..problems import ConfigError, Problem, Tongue, from_pydantic
from .rules import all_problems, unsendable
from .secrets import ENV, resolve
from .settings import WILDCARD, Settings

Rules = Callable[[Settings], Iterable[Problem]]
"""What other rooms know to be wrong with settings that are well formed."""


def _no_more(settings: Settings) -> Iterable[Problem]:
    return ()


def load(path: Path, env: Mapping[str, str], more: Rules = _no_more) -> Settings:
    """The settings in the file at `path`. Raises ConfigError with every problem found."""
    source = str(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(source, [_unreadable(error.strerror or "")]) from None
    except UnicodeDecodeError:
        raise ConfigError(source, [_NOT_UTF_8]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, [_malformed(str(error))]) from None
    settings = parse(raw, env, source, more)
    folder = path.parent / settings.server.data_dir
    server = settings.server.model_copy(update={"data_dir": folder})
    return settings.model_copy(update={"server": server})


def parse(
    raw: Mapping[str, Any], env: Mapping[str, str], source: str, more: Rules = _no_more
) -> Settings:
    """Settings from parsed TOML. Raises ConfigError with every problem found."""
    problems: list[Problem] = []
    resolved = resolve(raw, env, (), problems)
    settings = None
    try:
        settings = Settings.model_validate(resolved)
        problems += more(settings)
    except ValidationError as error:
        problems += from_pydantic(error, Settings)
    problems += all_problems(raw)
    problems += unsendable(resolved)
    if problems or settings is None:
        raise ConfigError(source, problems, _language(raw))
    return settings


def from_env(env: Mapping[str, str]) -> Settings | None:
    """The provider that `OPENAI_API_KEY` or `OPENAI_BASE_URL` names, any model; None without.

    Raises ConfigError.
    """
    secret, base_url = env.get("OPENAI_API_KEY", ""), env.get("OPENAI_BASE_URL", "")
    if not (secret or base_url):
        return None
    provider: dict[str, Any] = {"base_url": base_url or "https://api.openai.com/v1"}
    if secret:
        provider["api_keys"] = [f"{ENV}OPENAI_API_KEY"]
    raw = {
        "providers": {"openai": provider},
        "routes": {WILDCARD: {"targets": ["openai/*"]}},
    }
    return parse(raw, env, "OPENAI_BASE_URL, OPENAI_API_KEY")


def _language(raw: Mapping[str, Any]) -> Tongue:
    """The language asked for, even by a file that is wrong elsewhere."""
    server = raw.get("server")
    match server.get("language") if isinstance(server, dict) else None:
        case "zh":
            return "zh"
        case "en":
            return "en"
        case _:
            return "auto"


_NOT_UTF_8 = Problem(
    "",
    "the file is not UTF-8",
    "文件不是 UTF-8 编码",
    "save it again with the encoding UTF-8",
    "请用 UTF-8 编码重新保存",
)


def _unreadable(reason: str) -> Problem:
    return Problem(
        "",
        f"the file cannot be read: {reason}",
        f"无法读取文件：{reason}",
        "check the path given with --config",
        "请检查 --config 给出的路径",
    )


def _malformed(reason: str) -> Problem:
    return Problem(
        "",
        f"not valid TOML: {reason}",
        f"不是有效的 TOML：{reason}",
        "mend that line; strings need quotes",
        "请修改那一行；字符串要加引号",
    )
