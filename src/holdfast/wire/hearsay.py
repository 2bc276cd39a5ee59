"""What a proxy's sentence says of the party behind it.

Gateways flatten what they met into one line: an exception name with the vendor's body after
it, the words of an HTTP library, a status. Here the line becomes a report inside the report.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..core.failure import Kind, Phase
from .lenient import embedded
from .report import Report, as_status
from .vendors import lookup

Read = Callable[[object], Report]

_WINDOW = 8192  # characters of a message that are read

# "litellm.RateLimitError: RateLimitError: OpenAIException - ...", with or without its parts.
_LITELLM = re.compile(
    r"^\s*(?P<own>litellm\.)?(?P<name>[A-Z]\w*(?:Error|Timeout|Exception)|Timeout): "
    r"(?:(?:litellm\.)?[A-Z]\w*: )*(?P<vendor>\w+?)"
    r"(?:Exception|_exception|(?(own)Error|Exception)) ?(?:-|:) ?(?P<rest>.*)$",
    re.DOTALL,
)
_LITELLM_TAIL = re.compile(
    r"(?:\n|\. |\.)?(?:Received Model Group=|Available Model Group|LiteLLM Retried).*$", re.DOTALL
)
_LITELLM_ALONE = re.compile(r"^\s*litellm\.(?P<name>[A-Z]\w*): (?P<rest>.*)$", re.DOTALL)
# The name of LiteLLM's class for every 400 that it cannot place: no blame can be taken from it.
_VAGUE_CLASSES = frozenset({"BadRequestError", "APIError", "InternalServerError"})

# botocore's sentence, which all that is built on it pass on.
_BOTOCORE = re.compile(
    r"^.{0,80}?An error occurred \((?P<word>\w+)\) when calling the \w+ operation[^:]{0,60}: ?"
    r"(?P<rest>.*)$",
    re.DOTALL,
)

# HTTP libraries name whom they asked: Go, reqwest, aiohttp, urllib3, a resolver.
_ASKED = (
    re.compile(
        r"\b(?:Get|Post|Put|Head|Patch|Delete|Do) \\?[\"']?(?:https?|wss?)://"
        r"(?P<host>[^/\"'\s?\\]+)[^\"'\s]*\\?[\"']?: (?P<cause>.+)$",
        re.DOTALL,
    ),
    re.compile(
        r"error sending request for url \((?:https?|wss?)://(?P<host>[^/)\s?]+)[^)]*\):?"
        r"(?P<cause>.*)$",
        re.DOTALL,
    ),
    re.compile(r"Cannot connect to host (?P<host>[\w.-]+:\d+) (?P<cause>.+)$", re.DOTALL),
    re.compile(r"HTTPS?ConnectionPool\(host='(?P<host>[^']+)'(?P<cause>.+)$", re.DOTALL),
    re.compile(r"\b(?P<cause>lookup (?P<host>[\w.-]+)(?: on \S+)?: .+)$", re.DOTALL),
    re.compile(r"\b(?P<cause>getaddrinfo \w+ (?P<host>[\w.-]+).*)$", re.DOTALL),
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Words of an HTTP library, and what had happened when it said them."""

    pattern: re.Pattern[str]
    kind: Kind
    phase: Phase


def _trouble(kind: Kind, phase: Phase, *alternatives: str) -> Trouble:
    return Trouble(re.compile("|".join(alternatives), re.IGNORECASE), kind, phase)


_TROUBLES: tuple[Trouble, ...] = (
    _trouble(
        Kind.TLS_CERTIFICATE,
        Phase.TLS,
        r"x509:",
        r"certificate[ _](?:verify|has expired|is not|signed by|unknown)",
        r"self[- ]signed certificate",
        r"unable to (?:verify|get local issuer)",
    ),
    _trouble(Kind.TIMEOUT, Phase.TLS, r"tls handshake timeout"),
    _trouble(
        Kind.TLS,
        Phase.TLS,
        r"\btls: ",
        r"\bssl[:_ ]",
        r"handshake fail",
        r"wrong_version_number",
        r"EPROTO\b",
    ),
    _trouble(
        Kind.DNS,
        Phase.RESOLVE,
        r"no such host",
        r"\bENOTFOUND\b",
        r"\bEAI_\w+",
        r"getaddrinfo",
        r"name or service not known",
        r"name resolution",
        r"name does not resolve",
        r"nodename nor servname",
        r"server misbehaving",
        r"unknownhost",
        r"dns error",
        r"failed to lookup address",
    ),
    _trouble(
        Kind.PROXY, Phase.CONNECT, r"proxyconnect", r"proxy authentication required", r"socks5?\b"
    ),
    _trouble(
        Kind.REFUSED,
        Phase.CONNECT,
        r"connection refused",
        r"\bECONNREFUSED\b",
        r"connect call failed",
        r"actively refused",
        r"all connection attempts failed",
    ),
    _trouble(
        Kind.UNREACHABLE,
        Phase.CONNECT,
        r"no route to host",
        r"network is unreachable",
        r"\bE(?:HOST|NET)UNREACH\b",
    ),
    _trouble(Kind.OVERLOADED, Phase.CONNECT, r"reset reason: overflow"),
    _trouble(
        Kind.TIMEOUT,
        Phase.CONNECT,
        r"dial tcp[^\n]*timeout",
        r"connect(?:ion)? ?tim(?:ed|e) ?out",
        r"UND_ERR_CONNECT_TIMEOUT",
        r"connecttimeout",
        r"tcp connect error[^\n]*timed out",
    ),
    _trouble(
        Kind.RESET,
        Phase.HEADERS,
        r"connection reset",
        r"\bECONNRESET\b",
        r"reset by peer",
        r"broken pipe",
        r"\bEPIPE\b",
        r"stream error: stream id",
        r"\bRST_STREAM\b",
        r"\bGOAWAY\b",
        r"reset reason: (?:remote|local) reset",
    ),
    _trouble(
        Kind.TIMEOUT,
        Phase.HEADERS,
        r"context deadline exceeded",
        r"client\.timeout",
        r"i/o timeout",
        r"timed[ -]?out",
        r"timeout awaiting",
        r"(?:read|response|request|stream|idle|upstream)[ _]?(?:request )?timeout",
        r"UND_ERR_HEADERS_TIMEOUT",
        r"\bETIMEDOUT\b",
        r"请求超时|响应超时|超时",
    ),
    _trouble(
        Kind.TRUNCATED,
        Phase.STREAM,
        r"incomplete (?:chunked )?read",
        r"without sending complete",
        r"premature(?:ly)? clos",
        r"(?:clos|disconnect|end|finish|stopp)ed\b[^.\n]{0,40}\b(?:before|without)\b[^\n]{0,40}"
        r"(?:complet|terminal|finish|message_stop|\bend\b|\[?\bdone\b)",
        r"payload is not completed",
        r"not enough data to satisfy",
        r"incompleteread",
        r"UND_ERR_BODY_TIMEOUT",
        r"^terminated$",
        r"\bunexpected EOF\b",
        r"error (?:reading|decoding) (?:a |the )?(?:response )?body",
    ),
    _trouble(
        Kind.CLOSED,
        Phase.HEADERS,
        r"\bEOF\b",
        r"server disconnected",
        r"socket hang up",
        r"other side closed",
        r"closed (?:the |idle )?connection",
        r"connection (?:was )?(?:closed|aborted|terminated)",
        r"reset reason: connection termination",
        r"transport connection broken",
        r"UND_ERR_SOCKET",
        r"remotedisconnected",
    ),
    _trouble(
        Kind.PROTOCOL,
        Phase.HEADERS,
        r"malformed http",
        r"illegal status line",
        r"invalid character [^\n]{0,40}looking for beginning of value",
        r"remoteprotocolerror",
        r"reset reason: protocol error",
        r"unexpected (?:token|end of json)",
        r"(?:json|response) (?:decode|parse|parsing) error",
    ),
    _trouble(
        Kind.CLOSED,
        Phase.CONNECT,
        r"connect(?:ion)? (?:error|fail)",
        r"fetch failed",
        r"network error",
        r"error sending request",
        r"failed to connect",
        r"连接失败|网络错误",
    ),
)

_STATUS = re.compile(
    r"(?:status(?:[_ -]?code)?|code|http(?:/[\d.]+)?|returned|received|responded(?: with)?)"
    r"\W{0,4}(?P<status>[345]\d\d)\b",
    re.IGNORECASE,
)
_UPSTREAM = re.compile(r"\bupstream\b|上游|provider returned (?:an )?error", re.IGNORECASE)


def overhear(report: Report, read: Read) -> Report:
    """`report` with what its message says of the party behind the reporter, if anything."""
    if report.nested or report.kind or not report.message:
        return report
    message = report.message[:_WINDOW]
    for listen in (_litellm, _botocore, _flattened, _transport, _blame):
        heard = listen(report, message, read)
        if heard:
            return heard
    return report


def _litellm(report: Report, message: str, read: Read) -> Report | None:
    match = _LITELLM.match(message)
    if match is None:
        return _litellm_alone(report, message)
    name, vendor = match["name"], match["vendor"].lower()
    nested = read(_LITELLM_TAIL.sub("", match["rest"]))
    told = "" if name in _VAGUE_CLASSES else name
    nested = replace(
        nested,
        by=nested.by or vendor,
        status=nested.status or _passed_on(report.status),
        type=nested.type or told,
    )
    return replace(
        report,
        by=report.by or "litellm",
        message=message[: match.start("rest")].rstrip(" -:"),
        proxied=True,
        nested=nested,
    )


def _litellm_alone(report: Report, message: str) -> Report | None:
    """Its own sentence about what it met, without the vendor's words."""
    match = _LITELLM_ALONE.match(message)
    if match is None:
        return None
    named = replace(report, by=report.by or "litellm")
    trouble = _met(match["rest"])
    return _behind(named, trouble) if trouble.kind else named


def _botocore(report: Report, message: str, read: Read) -> Report | None:
    match = _BOTOCORE.match(message)
    if match is None:
        return None
    nested = read(match["rest"])
    return _behind(report, replace(nested, by=nested.by or "aws", type=match["word"]))


def _flattened(report: Report, message: str, read: Read) -> Report | None:
    """A vendor's body inside the sentence."""
    found = embedded(message)
    if found is None:
        return None
    nested = read(found.value)
    if not (nested.words or nested.message):
        return None
    status = nested.status or _status_in(found.before) or _passed_on(report.status)
    return replace(
        report,
        message=found.before,
        proxied=True,
        nested=replace(nested, status=status, by=nested.by or _asked(found.before)),
    )


def _transport(report: Report, message: str, _: Read) -> Report | None:
    """The words of the HTTP library with which the proxy asked."""
    for pattern in _ASKED:
        match = pattern.search(message)
        if match:
            host = match["host"].rpartition("@")[2]
            cause = match["cause"].strip() or message
            return _behind(report, replace(_met(cause), by=host))
    if not _may_speak_of_upstream(report):
        return None
    trouble = _met(message)
    return _behind(report, trouble) if trouble.kind else None


def _blame(report: Report, message: str, _: Read) -> Report | None:
    """No more than that the upstream failed, perhaps with its status."""
    said, accused = _status_in(message), _accuses(report)
    # A 5xx that names another status has it from the party behind it.
    other = said is not None and (report.status or 0) >= 500 and said != report.status
    status = said if accused or other else None
    if status is None and not (accused or _UPSTREAM.search(message)):
        return None
    return _behind(report, Report(status=status, message=message))


def _behind(report: Report, nested: Report) -> Report:
    return replace(report, proxied=True, nested=nested)


def _met(cause: str) -> Report:
    """The report that a library's words amount to; without a kind if they are not known."""
    for trouble in _TROUBLES:
        if trouble.pattern.search(cause):
            return Report(message=cause, kind=trouble.kind, phase=trouble.phase)
    return Report(message=cause, phase=Phase.HEADERS)


def _accuses(report: Report) -> bool:
    rows = (lookup(word, report.status, report.by) for word in report.words)
    return any(row is not None and row.kind is Kind.BAD_GATEWAY for row in rows)


def _may_speak_of_upstream(report: Report) -> bool:
    """A party that answers 4xx with a word of its own speaks of us, and means the request."""
    rows = [lookup(word, report.status, report.by) for word in report.words]
    if any(row and row.firm and row.kind is not Kind.BAD_GATEWAY for row in rows):
        return False
    return report.status is None or report.status >= 500 or _accuses(report)


def _passed_on(status: int | None) -> int | None:
    """A proxy that flattens a 4xx passes it on; its 5xx is its own."""
    return status if status is not None and status < 500 else None


def _status_in(text: str) -> int | None:
    match = _STATUS.search(text)
    return as_status(match["status"]) if match else None


def _asked(text: str) -> str:
    match = re.search(r"(?:https?|wss?)://([^/\s\"'?\\]+)", text)
    return match[1].rpartition("@")[2] if match else ""
