"""The shape of `holdfast.toml`: every table, every key, its limits and what it is without one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from ..problems import HOURS, NAME, ORIGIN, URL, ConfigError, Tongue
from .rules import is_loopback, unprotected

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Secrets = tuple[SecretStr, ...]
Hours = Annotated[str, Field(pattern=HOURS)]
Count = Annotated[int, Field(ge=0, le=10_000)]
Origin = Annotated[str, Field(pattern=ORIGIN)]

WILDCARD = "*"


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
    keep_messages: Annotated[int, Field(ge=604_800)] = 31_536_000  # seconds after their end


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
    origins: tuple[Origin, ...] = ()  # of pages elsewhere whose scripts may ask
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
    shard: tuple[Count, Count] = (0, 1)  # of its guilds: which part, of how many
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
            raise ConfigError("--host", [unprotected(host)], self.server.language)
        change = {"host": host, "port": port}
        server = {name: value for name, value in change.items() if value is not None}
        return self.model_copy(update={"server": self.server.model_copy(update=server)})
