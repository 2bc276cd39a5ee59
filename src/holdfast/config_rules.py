"""What must hold between tables of the file. Looks at the raw file, so that these problems are
found beside others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .problems import Problem, key

_NATS = ("nats://", "tls://", "env:", "cmd:", "ws://", "wss://")
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


def cluster_problems(raw: Mapping[str, Any]) -> Iterator[Problem]:
    nats = _table(raw, "cluster").get("nats")
    if not isinstance(nats, str) or not nats:
        return
    if not all(url.strip().startswith(_NATS) for url in nats.split(",")):
        yield Problem(
            "cluster.nats",
            "is no URL of a NATS server",
            "不是 NATS 服务器的 URL",
            'write it as "nats://host:4222" (several with commas; secrets by env:NAME)',
            '写成 "nats://主机:4222"（多个用逗号隔开；密钥请用 env:变量名）',
        )
    if not _table(raw, "server").get("database_url"):
        yield Problem(
            "server.database_url",
            "is missing: the nodes of a cluster share a PostgreSQL database",
            "没有填写：集群的各个节点共用一个 PostgreSQL 数据库",
            'set database_url = "postgresql://user@host/name" under [server], or remove [cluster]',
            '在 [server] 下写 database_url = "postgresql://用户@主机/库名"，或删去 [cluster]',
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
