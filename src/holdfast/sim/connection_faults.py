"""Faults before an answer has a head: of the address, of the connection, of the status line."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.failure import Kind, Phase
from .actions import Close, Reset, Send, Stall
from .scene import Actions, Scene, head_of
from .truth import Row, Truth


def _address(name: str, kind: Kind, phase: Phase, en: str, zh: str, cause: str = "") -> Truth:
    return Truth(name, kind, phase, en, zh, cause=cause, status=None, address=True)


def _headless(name: str, kind: Kind, en: str, zh: str, cause: str = "") -> Truth:
    return Truth(name, kind, Phase.HEADERS, en, zh, cause=cause, status=None)


# What only a base URL can bring about; `SimulatedUpstream.address_for` has it.
ADDRESSES: Sequence[Truth] = (
    _address(
        "refuse",
        Kind.REFUSED,
        Phase.CONNECT,
        "Nothing listens at the port.",
        "端口上没有服务在监听。",
        "ECONNREFUSED",
    ),
    _address(
        "dns",
        Kind.DNS,
        Phase.RESOLVE,
        "The host name does not exist.",
        "主机名不存在。",
        "EAI_NONAME",
    ),
    _address(
        "blackhole",
        Kind.TIMEOUT,
        Phase.CONNECT,
        "The host never answers the request to connect.",
        "主机对连接请求毫无回应。",
    ),
    _address(
        "tls_plain",
        Kind.TLS,
        Phase.TLS,
        "The port speaks plain HTTP, not TLS.",
        "端口说的是明文 HTTP，而不是 TLS。",
        "WRONG_VERSION_NUMBER",
    ),
    _address(
        "tls_untrusted",
        Kind.TLS_CERTIFICATE,
        Phase.TLS,
        "The certificate is signed by nobody the client trusts.",
        "客户端不信任证书的签发者。",
        "CERTIFICATE_VERIFY_FAILED",
    ),
    _address(
        "tls_cut",
        Kind.TLS,
        Phase.TLS,
        "The connection ends in the middle of the TLS handshake.",
        "TLS 握手进行到一半，连接就结束了。",
    ),
    _address(
        "tls_reset",
        Kind.RESET,
        Phase.TLS,
        "The connection is reset in the middle of the TLS handshake.",
        "TLS 握手进行到一半，连接被重置。",
        "ECONNRESET",
    ),
    _address(
        "tls_stall",
        Kind.TIMEOUT,
        Phase.TLS,
        "The TLS handshake is never answered.",
        "TLS 握手始终得不到回应。",
    ),
)


def _half_head(scene: Scene) -> Send:
    whole = head_of(scene)
    return Send(whole[: whole.index(b"\r\n") + 12])  # the status line and a piece of a header


def _endless_head(scene: Scene) -> Actions:
    padding = b"".join(b"X-Padding-%d: %b\r\n" % (n, b"." * 1000) for n in range(300))
    return (Send(head_of(scene)[:-2]), Send(padding), Send(b"\r\n"), Close())


def _interim_flood(scene: Scene) -> Actions:
    interim = b"HTTP/1.1 102 Processing\r\n\r\n" * 1000
    return (*(Send(interim) for _ in range(20)), Stall())


CONNECTION_FAULTS: Sequence[Row] = (
    Row(
        _headless(
            "eof_before_headers",
            Kind.CLOSED,
            "The connection is closed before a single byte of the answer.",
            "还没有收到回答的任何字节，连接就被关闭。",
            "EOF",
        ),
        lambda scene: (Close(),),
    ),
    Row(
        _headless(
            "reset_before_headers",
            Kind.RESET,
            "The connection is reset before a single byte of the answer.",
            "还没有收到回答的任何字节，连接就被重置。",
            "ECONNRESET",
        ),
        lambda scene: (Reset(),),
    ),
    Row(
        _headless(
            "eof_in_status",
            Kind.CLOSED,
            "The connection is closed in the middle of the status line.",
            "状态行才收到一半，连接就被关闭。",
            "EOF",
        ),
        lambda scene: (Send(head_of(scene)[:11]), Close()),
    ),
    Row(
        _headless(
            "eof_in_headers",
            Kind.CLOSED,
            "The connection is closed in the middle of the headers.",
            "响应头才收到一半，连接就被关闭。",
            "EOF",
        ),
        lambda scene: (_half_head(scene), Close()),
    ),
    Row(
        _headless(
            "reset_in_headers",
            Kind.RESET,
            "The connection is reset in the middle of the headers.",
            "响应头才收到一半，连接被重置。",
            "ECONNRESET",
        ),
        lambda scene: (_half_head(scene), Reset()),
    ),
    Row(
        _headless(
            "garbage_status",
            Kind.PROTOCOL,
            "Something that is not HTTP answers.",
            "应答的不是 HTTP 服务。",
        ),
        lambda scene: (Send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), Close()),
    ),
    Row(
        _headless(
            "endless_headers",
            Kind.PROTOCOL,
            "The headers are far longer than anyone accepts.",
            "响应头长得没有人会接受。",
        ),
        _endless_head,
    ),
    Row(
        _headless(
            "interim_flood",
            Kind.PROTOCOL,
            "Interim responses (102) come without end, and never an answer.",
            "临时响应（102）没完没了，却始终没有回答。",
        ),
        _interim_flood,
    ),
    Row(
        _headless(
            "stall_headers",
            Kind.TIMEOUT,
            "The request is taken and never answered.",
            "请求被收下，却始终没有回应。",
        ),
        lambda scene: (Stall(),),
    ),
    Row(
        _headless(
            "stall_in_headers",
            Kind.TIMEOUT,
            "The answer stops in the middle of the headers.",
            "响应头才收到一半，就再也没有下文。",
        ),
        lambda scene: (_half_head(scene), Stall()),
    ),
)
