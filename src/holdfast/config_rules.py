"""What must hold between tables of the file. Looks at the raw file, so that these problems are
found beside others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .problems import Problem, key

_QQ = ("app_id", "app_secret")


def bot_problems(raw: Mapping[str, Any]) -> Iterator[Problem]:
    pages = []
    for name, bot in _table(raw, "bots").items():
        if not isinstance(bot, dict):
            continue
        if bot.get("platform") == "qq":
            yield from _no_credentials(bot, ("bots", name))
        elif bot.get("platform") == "webchat":
            pages.append(name)
    for name in pages[1:]:
        yield Problem(
            key(("bots", name, "platform")),
            f'there is one web page, and "{pages[0]}" has it',
            f"网页只有一个，已归 “{pages[0]}” 使用",
            'keep one bot with platform = "webchat"',
            '只保留一个 platform = "webchat" 的机器人',
        )


def _no_credentials(bot: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Problem]:
    for name in _QQ:
        if not bot.get(name):
            yield Problem(
                key((*path, name)),
                "is missing, and QQ lets nobody in without it",
                "没有填写，QQ 不会放行",
                "copy it from the bot's page of the QQ open platform (secrets by env:NAME)",
                "请从 QQ 开放平台的机器人页面复制（密钥请用 env:变量名）",
            )


def _table(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = raw.get(name)
    return value if isinstance(value, dict) else {}
