"""What must hold between tables of the file. Looks at the raw file, so that these problems are
found beside others.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..problems import Problem, key

_ENDPOINTS = ("/completions", "/responses", "/messages", "/embeddings")
_NATS = ("nats://", "tls://", "env:", "cmd:", "ws://", "wss://")
_QQ = ("app_id", "app_secret")
_DATABASES = ("postgresql://", "postgresql+", "env:", "cmd:")
_KEY = re.compile(r"[!-~]*")


def all_problems(raw: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _unknown_targets(raw)
    yield from _odd_addresses(raw)
    yield from _open_gateway(raw)
    yield from _bots(raw)
    yield from _database(raw)
    yield from _cluster(raw)


def _unknown_targets(raw: Mapping[str, Any]) -> Iterator[Problem]:
    """Looks at the raw file, so that these are found beside other problems."""
    providers = raw.get("providers")
    known = list(providers) if isinstance(providers, dict) else []
    routes = raw.get("routes")
    if not (isinstance(routes, dict) and routes):
        yield _nothing_to_serve()
        return
    for name, route in routes.items():
        targets = route.get("targets") if isinstance(route, dict) else None
        for number, target in enumerate(targets if isinstance(targets, list) else ()):
            provider, slash, model = str(target).partition("/")
            path = key(("routes", name, "targets", number))
            if not (provider and slash and model):
                yield Problem(
                    path,
                    f'"{target}" is not of the form "provider/model"',
                    f"“{target}” 不是 “provider/model” 的形式",
                    f'write the provider first, e.g. "{(known or ["proxy"])[0]}/{target}"',
                    f"先写 provider，例如 “{(known or ['proxy'])[0]}/{target}”",
                )
            elif provider not in known:
                yield Problem.unknown(path, provider, known, "provider")


def _odd_addresses(raw: Mapping[str, Any]) -> Iterator[Problem]:
    providers = raw.get("providers")
    for name, provider in providers.items() if isinstance(providers, dict) else ():
        url = provider.get("base_url") if isinstance(provider, dict) else None
        path = key(("providers", name, "base_url"))
        if not isinstance(url, str):
            continue
        if not _names_a_port(url):
            yield Problem(
                path,
                "names no host and port that can be asked",
                "其中的主机和端口无法访问",
                "mend what stands before the first single /; ports end at 65535",
                "请修改第一个单独的 / 之前的部分；端口最大为 65535",
            )
        elif "@" in urlsplit(url).netloc:
            yield Problem(
                path,
                "holds a user name or password",
                "含有用户名或密码",
                "put the secret in api_keys or headers",
                "请把密钥写到 api_keys 或 headers",
            )
        if url.rstrip("/").endswith(_ENDPOINTS):
            yield Problem(
                path,
                "names one endpoint, not the base of all",
                "写的是某个接口，而不是所有接口的基址",
                "leave out what follows /v1",
                "请去掉 /v1 之后的部分",
            )


def _names_a_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def unsendable(resolved: Mapping[str, Any]) -> Iterator[Problem]:
    """Keys that no request can carry. Looks at what the variables and commands gave."""
    for name, provider in _table(resolved, "providers").items():
        keys = provider.get("api_keys") if isinstance(provider, dict) else None
        for number, secret in enumerate(keys if isinstance(keys, list) else ()):
            if isinstance(secret, str) and not _KEY.fullmatch(secret):
                yield Problem(
                    key(("providers", name, "api_keys", number)),
                    "holds a blank, a line end or a sign that is not ASCII",
                    "含有空格、换行或非 ASCII 字符",
                    'write the key alone, without "Bearer" and as it was given',
                    "请只写密钥本身，不带 “Bearer”，并照原样填写",
                )


def _open_gateway(raw: Mapping[str, Any]) -> Iterator[Problem]:
    server, gateway = raw.get("server", {}), raw.get("gateway", {})
    host = server.get("host", "127.0.0.1") if isinstance(server, dict) else "127.0.0.1"
    guarded = isinstance(gateway, dict) and gateway.get("api_keys")
    if not guarded and not is_loopback(str(host)):
        yield unprotected(str(host))


def unprotected(host: str) -> Problem:
    """Anybody could use the providers' keys through an open gateway."""
    return Problem(
        "gateway.api_keys",
        f"no key is required although the server listens on {host}",
        f"服务监听 {host}，却不要求密钥",
        'add api_keys = ["env:HOLDFAST_KEY"] under [gateway], or listen on 127.0.0.1',
        '在 [gateway] 下写 api_keys = ["env:HOLDFAST_KEY"]，或改为监听 127.0.0.1',
    )


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _nothing_to_serve() -> Problem:
    return Problem(
        "routes",
        "no route is defined, so there is nothing to serve",
        "没有定义路由，因此没有可以提供的模型",
        'add [routes."NAME"] with targets = ["provider/model"]',
        '加上 [routes."名字"]，并写 targets = ["provider/model"]',
    )


def _bots(raw: Mapping[str, Any]) -> Iterator[Problem]:
    pages = []
    for name, bot in _table(raw, "bots").items():
        if not isinstance(bot, dict):
            continue
        if bot.get("platform") == "qq":
            yield from _no_credentials(bot, ("bots", name))
            yield from _no_part(bot, ("bots", name, "shard"))
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


def _no_part(bot: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Problem]:
    match bot.get("shard"):
        case [int(part), int(parts)] if part >= parts:
            yield Problem(
                key(path),
                f"there is no part {part} of {parts}: they are counted from 0",
                f"{parts} 个分片中没有第 {part} 个：从 0 开始计数",
                f"write a part below {parts}, as in [0, {max(parts, 1)}]",
                f"请写小于 {parts} 的编号，例如 [0, {max(parts, 1)}]",
            )


def _database(raw: Mapping[str, Any]) -> Iterator[Problem]:
    url = _table(raw, "server").get("database_url")
    if isinstance(url, str) and url and not url.startswith(_DATABASES):
        yield Problem(
            "server.database_url",
            "is no URL of a PostgreSQL database",
            "不是 PostgreSQL 数据库的 URL",
            'write it as "postgresql://user@host/name", or leave it out for SQLite',
            '写成 "postgresql://用户@主机/库名"；用 SQLite 就不要写',
        )


def _cluster(raw: Mapping[str, Any]) -> Iterator[Problem]:
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
