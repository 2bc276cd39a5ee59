"""`holdfast.toml` to settings. All that is wrong with a file is told at once, with remedies.

Owns the shape of the file. Refuses to know dialects, vendors or sockets: `upstream.catalog`
turns these settings into routes.
"""

from __future__ import annotations

import ipaddress
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from .config_rules import bot_problems, cluster_problems
from .problems import HOURS, NAME, URL, ConfigError, Problem, Tongue, from_pydantic, key

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Secrets = tuple[SecretStr, ...]
Hours = Annotated[str, Field(pattern=HOURS)]

ENV = "env:"
CMD = "cmd:"
PATIENCE = 30.0  # seconds for a command that gives a secret
WILDCARD = "*"
_ENDPOINTS = ("/completions", "/responses", "/messages", "/embeddings")


class _Table(BaseModel):
    """A table of the file. A key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeoutSettings(_Table):
    connect: Seconds = 5.0
    write: Seconds = 30.0
    headers: Seconds = 30.0
    first_event: Seconds = 45.0
    bytes_idle: Seconds = 45.0
    content_idle: Seconds = 60.0


class ServerSettings(_Table):
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8700
    data_dir: Path = Path("holdfast-data")
    database_url: SecretStr = SecretStr("")  # of PostgreSQL; "" is an SQLite file in data_dir
    language: Tongue = "auto"
    max_incidents: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000  # older ones make room


class ProviderSettings(_Table):
    """A vendor or a proxy. Several keys are a pool."""

    dialect: Literal["chat", "responses", "messages"] = "chat"
    preset: Literal["none", "codex"] = "none"  # a backend with demands of its own
    base_url: Annotated[str, Field(pattern=URL)]
    api_keys: Secrets = ()
    continuation: Literal["auto", "native", "prefill", "instruct", "never"] = "auto"
    timeouts: TimeoutSettings = TimeoutSettings()
    headers: dict[str, SecretStr] = {}
    proxy: SecretStr = SecretStr("")  # a forward proxy's URL


class RouteSettings(_Table):
    """What clients ask for. A target is "provider/model"; "provider/*" keeps the client's name."""

    targets: Annotated[tuple[str, ...], Field(min_length=1)]
    deadline: Seconds = 900.0
    hedge: Seconds | None = None  # ask a second target after so many silent seconds
    max_attempts: Annotated[int, Field(ge=1, le=24)] = 5
    vision: bool | None = None  # whether its models take images, where the table does not know
    context_tokens: Annotated[int, Field(ge=1024)] | None = None  # question and answer together


class GatewaySettings(_Table):
    api_keys: Secrets = ()
    disclose: Literal["public", "tenant", "full"] = "full"
    max_concurrent: Annotated[int, Field(ge=1, le=100_000)] = 512
    max_body: Annotated[int, Field(ge=1024)] = 32 * 1024 * 1024  # bytes
    heartbeat: Seconds = 15.0
    keep_calls: Annotated[float, Field(ge=60)] = 86_400.0  # seconds after their end
    keep_responses: bool = True  # unless the client says `store: false`


class AccessSettings(_Table):
    """Who may talk to a bot. `allow` holds ids of people and groups, `owners` of administrators.

    "pairing": a stranger is given a one-time code, which an operator approves.
    """

    direct: Literal["open", "allow", "pairing"] = "pairing"
    group: Literal["open", "allow", "closed"] = "allow"
    allow: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


class RateSettings(_Table):
    """Messages within `seconds`; more are answered with a plain sentence."""

    person: Annotated[int, Field(ge=1)] = 20
    conversation: Annotated[int, Field(ge=1)] = 60
    seconds: Seconds = 60.0


class BotSettings(_Table):
    """A bot on a platform. The keys from `app_id` on belong to platform "qq"."""

    platform: Literal["qq", "webchat"]
    route: str
    persona: str = ""
    when_busy: Literal["queue", "merge", "interrupt"] = "queue"
    access: AccessSettings = AccessSettings()
    rate: RateSettings = RateSettings()
    tools: tuple[str, ...] = ()
    language: Tongue = "auto"
    wake: tuple[str, ...] = ()  # in groups, a message that begins so is meant for the bot
    quiet: Hours | None = None  # "23:00-07:00", local time: no answers but to owners
    show_reasoning: bool = False
    summary_route: str | None = None  # which route shortens long conversations
    caption_route: str | None = None  # which route describes images to a model that cannot see
    app_id: str = ""
    app_secret: SecretStr = SecretStr("")
    transport: Literal["websocket", "webhook"] = "websocket"
    api_base: str = "https://api.bot.qq.com"
    token_url: str = "https://api.bot.qq.com/app/getAppAccessToken"  # noqa: S105 - an address
    markdown: bool = True
    proactive: bool = False  # may messages be sent that answer none?


class McpSettings(_Table):
    """A server of tools: a command that speaks on its standard streams, or a URL."""

    command: tuple[str, ...] = ()
    env: dict[str, SecretStr] = {}
    url: str = ""
    headers: dict[str, SecretStr] = {}
    timeout: Seconds = 60.0


class Role(StrEnum):
    """What a process of a cluster does; the only one of a machine does all."""

    ALL = "all"
    CONNECTOR = "connector"  # holds the sockets of bots, and delivers
    GATEWAY = "gateway"  # serves HTTP
    WORKER = "worker"  # runs turns


class ClusterSettings(_Table):
    """Many machines on one PostgreSQL database. NATS tells workers at once what they else find
    by looking.
    """

    nats: SecretStr = SecretStr("")  # URLs of its servers, with commas; "" is no cluster
    name: Annotated[str, Field(pattern=NAME)] = "holdfast"
    replicas: Annotated[int, Field(ge=1, le=5)] = 1  # of NATS servers that keep wake-ups
    lease: Annotated[float, Field(ge=1, le=300)] = 5.0  # seconds until a dead node's work is taken


class Settings(_Table):
    server: ServerSettings = ServerSettings()
    providers: dict[str, ProviderSettings] = {}
    routes: dict[str, RouteSettings] = {}
    gateway: GatewaySettings = GatewaySettings()
    bots: dict[str, BotSettings] = {}
    mcp: dict[str, McpSettings] = {}
    cluster: ClusterSettings = ClusterSettings()

    def listening(self, host: str | None, port: int | None) -> Self:
        """These settings with the address of the command line. Raises ConfigError."""
        if host and not self.gateway.api_keys and not is_loopback(host):
            raise ConfigError("--host", [_unprotected(host)], self.server.language)
        change = {"host": host, "port": port}
        server = {name: value for name, value in change.items() if value is not None}
        return self.model_copy(update={"server": self.server.model_copy(update=server)})


Rules = Callable[[Settings], Iterable[Problem]]
"""What other rooms know to be wrong with settings that are well formed."""


def _no_more(settings: Settings) -> Iterable[Problem]:
    return ()


def load(path: Path, env: Mapping[str, str], more: Rules = _no_more) -> Settings:
    """The settings in the file at `path`. Raises ConfigError with every problem found."""
    source = str(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(source, [_unreadable(error.strerror or "")]) from None
    except UnicodeDecodeError:
        raise ConfigError(source, [_unreadable("it is not UTF-8")]) from None
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
    resolved = _resolve(raw, env, (), problems)
    settings = None
    try:
        settings = Settings.model_validate(resolved)
        problems += more(settings)
    except ValidationError as error:
        problems += from_pydantic(error, Settings)
    problems += _unknown_targets(raw)
    problems += _odd_addresses(raw)
    problems += _open_gateway(raw)
    problems += [*bot_problems(raw), *cluster_problems(raw)]
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


def _resolve(
    value: Any, env: Mapping[str, str], path: tuple[str | int, ...], problems: list[Problem]
) -> Any:
    """`value` with every "env:NAME" in it replaced by what the environment holds, and every
    "cmd:COMMAND" by what the command writes."""
    if isinstance(value, dict):
        return {n: _resolve(v, env, (*path, n), problems) for n, v in value.items()}
    if isinstance(value, list):
        return [_resolve(v, env, (*path, i), problems) for i, v in enumerate(value)]
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
        why = f"it ended with status {ran.returncode}" if ran.returncode else "it wrote nothing"
        if not ran.returncode and lines[0].strip():
            return lines[0].strip(), None
    except subprocess.TimeoutExpired:
        why = f"it did not end within {PATIENCE:g} s"
    except (OSError, ValueError, IndexError):
        why = "it cannot be run"
    return CMD + command, Problem(
        path,
        f"the command gave no secret: {why}",
        f"命令没有给出密钥：{why}",
        "run it by hand; it must write the secret to its standard output",
        "请手工运行一次；它必须把密钥写到标准输出",
    )


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
        if isinstance(url, str) and url.rstrip("/").endswith(_ENDPOINTS):
            yield Problem(
                path,
                "names one endpoint, not the base of all",
                "写的是某个接口，而不是所有接口的基址",
                "leave out what follows /v1",
                "请去掉 /v1 之后的部分",
            )
        if isinstance(url, str) and "@" in urlsplit(url).netloc:
            yield Problem(
                path,
                "holds a user name or password",
                "含有用户名或密码",
                "put the secret in api_keys or headers",
                "请把密钥写到 api_keys 或 headers",
            )


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


def _open_gateway(raw: Mapping[str, Any]) -> Iterator[Problem]:
    server, gateway = raw.get("server", {}), raw.get("gateway", {})
    host = server.get("host", "127.0.0.1") if isinstance(server, dict) else "127.0.0.1"
    guarded = isinstance(gateway, dict) and gateway.get("api_keys")
    if not guarded and not is_loopback(str(host)):
        yield _unprotected(str(host))


def _unprotected(host: str) -> Problem:
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


def host_of(url: str) -> str:
    """The host (and port, if given) that `url` names, without user and password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _nothing_to_serve() -> Problem:
    return Problem(
        "routes",
        "no route is defined, so there is nothing to serve",
        "没有定义路由，因此没有可以提供的模型",
        'add [routes."NAME"] with targets = ["provider/model"]',
        '加上 [routes."名字"]，并写 targets = ["provider/model"]',
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
