"""What can go wrong, where, and what it calls for."""

from __future__ import annotations

import errno as errno_names
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Hop(Enum):
    """The network segment to blame."""

    CLIENT = "client"  # caller -> gateway
    PLATFORM = "platform"  # chat platform <-> bot
    ENGINE = "engine"  # Holdfast itself
    UPSTREAM = "upstream"  # executor -> model endpoint
    TOOL = "tool"
    STORE = "store"


class Phase(Enum):
    """How far an attempt had come. Declared in the order in which an attempt passes them."""

    ADMIT = "admit"  # before any target was asked
    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    WRITE = "write"
    HEADERS = "headers"
    FIRST = "first"  # headers are here, no content yet
    STREAM = "stream"
    END = "end"  # the bytes ended; was it whole?


class Kind(Enum):
    """What happened. Stable, low-cardinality words: clients, metrics and records use them."""

    DNS = "dns_error"
    REFUSED = "connection_refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TLS_CERTIFICATE = "tls_certificate"
    TLS = "tls_protocol"
    PROXY = "proxy"
    POOL = "pool_exhausted"
    RESET = "connection_reset"
    CLOSED = "connection_closed"
    PROTOCOL = "protocol"
    CODING = "content_coding"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    TOOL_ARGUMENTS = "tool_arguments"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    AUTH = "auth"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    UNSUPPORTED = "unsupported"
    TOO_LONG = "too_long"
    INVALID = "invalid"
    POLICY = "policy"
    DIVERGED = "diverged"
    DENIED = "denied"
    NO_ROUTE = "no_route"
    UNAVAILABLE = "unavailable"
    CAPACITY = "capacity"
    STOPPING = "stopping"
    STORE = "store"
    LOOP = "loop"
    CONFIG = "config"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


class Remedy(Enum):
    """What a kind of failure calls for."""

    RETRY = "retry"  # the same target may work, later
    FAILOVER = "failover"  # only another target may work
    REBUILD = "rebuild"  # the same target may work if it is asked differently
    STOP = "stop"  # nothing we can send would work


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the remedy table: the remedy, and what the kind means in English and Chinese."""

    remedy: Remedy
    meaning: str
    meaning_zh: str


RULES: Mapping[Kind, Rule] = {
    Kind.DNS: Rule(Remedy.RETRY, "the host name did not resolve", "域名解析失败"),
    Kind.REFUSED: Rule(Remedy.RETRY, "nothing listens at that address", "该地址没有服务在监听"),
    Kind.UNREACHABLE: Rule(
        Remedy.FAILOVER, "no network route to the address", "到该地址没有网络路由"
    ),
    Kind.TIMEOUT: Rule(
        Remedy.RETRY, "nothing came within the limit of the phase", "在该阶段的时限内没有任何响应"
    ),
    Kind.TLS_CERTIFICATE: Rule(Remedy.FAILOVER, "the certificate is not trusted", "证书不受信任"),
    Kind.TLS: Rule(Remedy.FAILOVER, "the TLS handshake failed", "TLS 握手失败"),
    Kind.PROXY: Rule(
        Remedy.FAILOVER, "the forward proxy would not open a tunnel", "转发代理没有建立隧道"
    ),
    Kind.POOL: Rule(Remedy.RETRY, "no free connection of our own", "我方没有可用的连接"),
    Kind.RESET: Rule(Remedy.RETRY, "the peer reset the connection", "对方重置了连接"),
    Kind.CLOSED: Rule(
        Remedy.RETRY, "the peer closed the connection without an answer", "对方没有回答就关闭了连接"
    ),
    Kind.PROTOCOL: Rule(
        Remedy.RETRY,
        "the answer is not valid HTTP, SSE or JSON",
        "回答不是有效的 HTTP、SSE 或 JSON",
    ),
    Kind.CODING: Rule(
        Remedy.RETRY, "the content or transfer coding is broken", "内容编码或传输编码损坏"
    ),
    Kind.TRUNCATED: Rule(
        Remedy.RETRY, "the answer ended before it said that it was whole", "回答没有说完就结束了"
    ),
    Kind.EMPTY: Rule(
        Remedy.RETRY, "the answer finished with nothing in it", "回答结束了，但里面什么都没有"
    ),
    Kind.TOOL_ARGUMENTS: Rule(
        Remedy.RETRY,
        "the arguments of a tool call are not whole JSON",
        "工具调用的参数不是完整的 JSON",
    ),
    Kind.SERVER_ERROR: Rule(
        Remedy.RETRY, "the upstream reports an error of its own", "上游报告它自己出错"
    ),
    Kind.BAD_GATEWAY: Rule(
        Remedy.RETRY,
        "a proxy on the way reports that its upstream failed",
        "途中的代理报告它的上游失败",
    ),
    Kind.OVERLOADED: Rule(Remedy.RETRY, "the upstream is overloaded", "上游过载"),
    Kind.RATE_LIMITED: Rule(Remedy.RETRY, "too many requests for this key", "这个密钥的请求太频繁"),
    Kind.QUOTA: Rule(
        Remedy.FAILOVER, "the account has no credit or allowance left", "账号没有余额或额度"
    ),
    Kind.AUTH: Rule(Remedy.FAILOVER, "the upstream does not accept the key", "上游不接受这个密钥"),
    Kind.FORBIDDEN: Rule(
        Remedy.FAILOVER,
        "the upstream forbids this account, region or address",
        "上游拒绝这个账号、地区或地址",
    ),
    Kind.NOT_FOUND: Rule(
        Remedy.FAILOVER, "the upstream has no such model or path", "上游没有这个模型或路径"
    ),
    Kind.UNSUPPORTED: Rule(
        Remedy.REBUILD,
        "the upstream does not support a part of the request",
        "上游不支持请求中的某一项",
    ),
    Kind.TOO_LONG: Rule(
        Remedy.REBUILD, "the request exceeds the context of the model", "请求超出了模型的上下文长度"
    ),
    Kind.INVALID: Rule(
        Remedy.STOP, "the upstream rejects the request as invalid", "上游认为请求无效"
    ),
    Kind.POLICY: Rule(
        Remedy.STOP, "a content policy refuses the request", "内容策略拒绝了这个请求"
    ),
    Kind.DIVERGED: Rule(
        Remedy.FAILOVER,
        "a continuation does not fit what was released",
        "续写的内容和已经给出的内容接不上",
    ),
    Kind.DENIED: Rule(
        Remedy.STOP,
        "the client's key is missing or not accepted",
        "客户端没有提供密钥，或密钥不被接受",
    ),
    Kind.NO_ROUTE: Rule(Remedy.STOP, "no route has that name", "没有这个名字的路由"),
    Kind.UNAVAILABLE: Rule(Remedy.STOP, "every target is taken out for now", "所有目标都暂时停用"),
    Kind.CAPACITY: Rule(
        Remedy.STOP, "Holdfast is at its concurrency limit", "Holdfast 已达到并发上限"
    ),
    Kind.STOPPING: Rule(Remedy.STOP, "Holdfast is shutting down", "Holdfast 正在停止"),
    Kind.STORE: Rule(
        Remedy.STOP, "Holdfast's database does not answer", "Holdfast 的数据库没有应答"
    ),
    Kind.LOOP: Rule(
        Remedy.STOP, "the request came back to the gateway that sent it", "请求又回到了发出它的网关"
    ),
    Kind.CONFIG: Rule(Remedy.STOP, "the configuration is wrong", "配置有误"),
    Kind.DEADLINE: Rule(Remedy.STOP, "the deadline of the call has passed", "整个调用的时限已过"),
    Kind.CANCELLED: Rule(
        Remedy.STOP,
        "the reader left, or another attempt answered first",
        "读者已离开，或另一次尝试先有了回答",
    ),
    Kind.INTERNAL: Rule(Remedy.FAILOVER, "a fault of Holdfast itself", "Holdfast 自身出错"),
}

REMEDIES: Mapping[Kind, Remedy] = {kind: rule.remedy for kind, rule in RULES.items()}


@dataclass(frozen=True, slots=True)
class Cause:
    """One link of an exception chain, kept as data: scrubbed text, never a live object."""

    type: str
    message: str = ""
    errno: int | None = None
    reason: str = ""  # a TLS reason or resolver code, e.g. CERTIFICATE_VERIFY_FAILED, EAI_NONAME

    @property
    def label(self) -> str:
        """The shortest word that names the cause: ECONNRESET, EAI_NONAME, ...; "" if none."""
        if self.reason or self.errno is None:
            return self.reason
        return errno_names.errorcode.get(self.errno, str(self.errno))


# The `code` of an answer that was asked to go on and ended by itself without a new word.
NOTHING_MORE = "nothing_more"

# The `code` of an answer that said that it ended, though it was not whole: no bytes were missing.
SAID_TO_END = "said_to_end"

# The `code` where a request was not sent: the dialect of the target cannot say a part of it.
UNTOLD = "unsupported_field"

# The `code` where a connection that was kept from an earlier request died before it answered.
STALE = "stale_connection"


@dataclass(frozen=True, slots=True)
class Failure:
    """A classified failure: a value first, raised only inside `StreamFailed`.

    `retry_after` is in seconds from the moment of failure. `by` names who reported it when
    that was not Holdfast itself ("sub2api", "nginx", a host). `nested` is what that reporter
    says of *its* upstream. `upstream_ids` are header names and values for support tickets.
    `detail` is in the reporter's words; where those are Holdfast's own, `detail_zh` says the same
    in Chinese. All text is scrubbed before it gets here (`core.redact`). `reworded` is whether what
    asked knows by it how the target is to be asked: the same question may go there once more.
    """

    kind: Kind
    phase: Phase
    hop: Hop = Hop.UPSTREAM
    detail: str = ""
    status: int | None = None
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    cause_chain: tuple[Cause, ...] = ()
    upstream_ids: tuple[tuple[str, str], ...] = ()
    by: str = ""
    nested: Failure | None = None
    detail_zh: str = ""
    reworded: bool = False

    @property
    def remedy(self) -> Remedy:
        return REMEDIES[self.kind]

    @property
    def untold(self) -> bool:
        """Whether nobody was asked: the dialect of the target has no words for it."""
        return self.code == UNTOLD and self.hop is Hop.ENGINE

    @property
    def root(self) -> Failure:
        """The failure furthest from us: what the last proxy in the chain says of its upstream."""
        return self.nested.root if self.nested else self

    @property
    def cause(self) -> str:
        """The root cause in a word or a short phrase, for one column of a table."""
        root = self.root
        return self._label or root.detail or root.code or RULES[root.kind].meaning

    @property
    def cause_zh(self) -> str:
        root = self.root
        said = root.detail_zh or root.detail or root.code
        return self._label or said or RULES[root.kind].meaning_zh

    @property
    def _label(self) -> str:
        """What names the cause in any language: an errno, a resolver's code, EOF."""
        labels = [cause.label for cause in self.cause_chain if cause.label]
        if labels:
            return labels[-1]
        ended = self.kind in _EOF and self.code in (None, STALE)
        return "EOF" if ended and self.nested is None else ""


_EOF = frozenset({Kind.CLOSED, Kind.TRUNCATED})


class StreamFailed(Exception):
    """Carries a `Failure` over call boundaries; the only exception that does."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.hop.value}.{failure.phase.value}.{failure.kind.value}")
        self.failure = failure
