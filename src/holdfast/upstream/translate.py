"""Exceptions to failures, once, at the boundary: by type and errno, never by text.

The whole chain is walked: causes, suppressed contexts and exception groups, since HTTP
libraries hide the errno behind `raise ... from None` (models of both httpx and httpx2).
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator

import httpcore2
import httpx2

from ..core.failure import STALE, Cause, Failure, Hop, Kind, Phase
from ..core.redact import scrub
from ..wire.lenient import is_text
from .progress import Progress

LONGEST = 256  # characters: parsers repeat the line that they could not read
_DEPTH = 16  # links of a chain that are kept
_OWN_NUMBERS = (ssl.SSLError, socket.gaierror)  # their errno is none of the system's

_ERRNO: dict[int, Kind] = {
    errno.ECONNREFUSED: Kind.REFUSED,
    errno.ENETUNREACH: Kind.UNREACHABLE,
    errno.EHOSTUNREACH: Kind.UNREACHABLE,
    errno.ENETDOWN: Kind.UNREACHABLE,
    errno.EHOSTDOWN: Kind.UNREACHABLE,
    errno.EADDRNOTAVAIL: Kind.UNREACHABLE,
    errno.EACCES: Kind.UNREACHABLE,
    errno.EPERM: Kind.UNREACHABLE,
    errno.EINVAL: Kind.UNREACHABLE,
    errno.EAFNOSUPPORT: Kind.UNREACHABLE,
    errno.ECONNRESET: Kind.RESET,
    errno.ECONNABORTED: Kind.RESET,
    errno.EPIPE: Kind.RESET,
    errno.ETIMEDOUT: Kind.TIMEOUT,
    errno.EMFILE: Kind.POOL,
    errno.ENFILE: Kind.POOL,
    errno.ENOBUFS: Kind.POOL,
    errno.ENOMEM: Kind.POOL,
}

# What an exchange over HTTP may raise.
EXCHANGE = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpcore2.ConnectError,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
    OSError,
)

# What a link of the chain says by its type alone; the first row that fits counts. Without a
# phase it is where the attempt had come to.
_TYPES: tuple[tuple[type[BaseException], Kind, Phase | None], ...] = (
    (socket.gaierror, Kind.DNS, Phase.RESOLVE),
    (UnicodeError, Kind.DNS, Phase.RESOLVE),
    (ssl.SSLCertVerificationError, Kind.TLS_CERTIFICATE, Phase.TLS),
    (ssl.SSLError, Kind.TLS, None),
    (httpcore2.ProxyError, Kind.PROXY, Phase.CONNECT),
    (httpcore2.PoolTimeout, Kind.POOL, None),
    (httpcore2.UnsupportedProtocol, Kind.CONFIG, Phase.ADMIT),
    (httpcore2.LocalProtocolError, Kind.CONFIG, None),
    (httpx2.InvalidURL, Kind.CONFIG, Phase.ADMIT),
    (httpx2.DecodingError, Kind.CODING, None),
    (TimeoutError, Kind.TIMEOUT, None),
)

# What they say when nothing behind them says more.
_VAGUE: tuple[tuple[type[BaseException], Kind], ...] = (
    (ConnectionError, Kind.RESET),
    (httpcore2.ConnectError, Kind.REFUSED),
    (httpcore2.NetworkError, Kind.CLOSED),
    (httpcore2.TimeoutException, Kind.TIMEOUT),
)

_RESOLVER = {
    value: name for name, value in vars(socket).items() if name.startswith("EAI_") and value
}

_ANSWERLESS = frozenset({Kind.CLOSED, Kind.RESET})
_CONNECTING = frozenset({Phase.RESOLVE, Phase.CONNECT, Phase.TLS})
_ASKING = frozenset({Phase.WRITE, Phase.HEADERS})
_OURS = frozenset({Kind.INTERNAL, Kind.CONFIG, Kind.POOL})


def failure_from(error: BaseException, progress: Progress) -> Failure:
    """What `error` means for an attempt that has come as far as `progress` says."""
    chain = tuple(links(error))
    kind, phase = _classify(chain, progress)
    foreign = _foreign(progress) if kind is Kind.PROTOCOL and phase in _ASKING else ""
    stale = progress.reused and kind in _ANSWERLESS and phase in _ASKING
    return Failure(
        kind,
        phase,
        Hop.ENGINE if kind in _OURS else Hop.UPSTREAM,
        detail=foreign or _detail(chain),
        code=STALE if stale else None,
        cause_chain=tuple(map(_cause, chain)),
    )


def links(error: BaseException) -> Iterator[BaseException]:
    """`error` and everything behind it, outermost first, each once."""
    seen: set[int] = set()
    queue = [error]
    while queue and len(seen) < _DEPTH:
        link = queue.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        members = link.exceptions if isinstance(link, BaseExceptionGroup) else ()
        behind = (link.__cause__ or link.__context__, *members)
        queue += [exception for exception in behind if exception is not None]


def _classify(chain: tuple[BaseException, ...], progress: Progress) -> tuple[Kind, Phase]:
    """The outermost link that says something counts; of several addresses, one that was reached."""
    phase = progress.phase
    found = [verdict for link in chain if (verdict := _said(link, progress))]
    reached = [verdict for verdict in found if verdict[0] is not Kind.UNREACHABLE]
    if found:
        return (reached or found)[0]
    for link in reversed(chain):
        for known, kind in _VAGUE:
            if isinstance(link, known):
                return (Kind.TLS if phase is Phase.TLS else kind), phase
    return Kind.INTERNAL, phase


def _said(link: BaseException, progress: Progress) -> tuple[Kind, Phase] | None:
    """What one link says for certain, without regard to the others."""
    phase = progress.phase
    if isinstance(link, OSError) and not isinstance(link, _OWN_NUMBERS):
        kind = _ERRNO.get(link.errno or 0)
        if kind:
            return kind, phase
    for known, kind, own_phase in _TYPES:
        if isinstance(link, known):
            # A broken record in mid-stream is no handshake that another try would repeat.
            broken = kind is Kind.TLS and phase is not Phase.TLS
            return (Kind.PROTOCOL if broken else kind), own_phase or phase
    if isinstance(link, httpcore2.RemoteProtocolError):
        return _broken_http(progress), phase
    return None


def _broken_http(progress: Progress) -> Kind:
    """The parser gave up: on nonsense, or because the bytes ended where more were due."""
    if progress.phase in _CONNECTING:
        return Kind.PROXY  # the only one who speaks HTTP before we have asked anything
    if progress.phase in _ASKING:
        return Kind.CLOSED if progress.ended and not _foreign(progress) else Kind.PROTOCOL
    return Kind.TRUNCATED if progress.ended else Kind.CODING


_HTTP = b"HTTP/"
_LANGUAGES = (
    ("TLS: the address may have to begin with https", rb"[\x14-\x17]\x03[\x00-\x04]"),
    ("HTTP/2", rb"\x00[\x00-\xff]{2}[\x04\x07]"),
    ("SSH", rb"SSH-"),
)


def _foreign(progress: Progress) -> str:
    """What the peer speaks instead of HTTP/1.1; "" if that is what it speaks."""
    opening = progress.opening
    if opening.startswith(_HTTP) or _HTTP.startswith(opening):
        return ""
    for name, pattern in _LANGUAGES:
        if re.match(pattern, opening, re.DOTALL):
            return f"the peer speaks {name}"
    text = opening.decode("utf-8", "replace")
    said = f": {scrub(text)}" if is_text(text) else ""
    return f"the peer does not speak HTTP{said}"


def _cause(link: BaseException) -> Cause:
    number = link.errno if isinstance(link, OSError) else None
    reason = ""
    if isinstance(link, socket.gaierror):
        number, reason = None, _RESOLVER.get(link.errno, "")
    elif isinstance(link, ssl.SSLError):
        number, reason = None, getattr(link, "reason", None) or ""
    kind = type(link)
    name = f"{kind.__module__}.{kind.__qualname__}"
    return Cause(name, scrub(str(link), LONGEST), number, reason)


def _detail(chain: tuple[BaseException, ...]) -> str:
    """The words of the innermost link that has any."""
    words = [_words(link) for link in chain if str(link)]
    return scrub(words[-1], LONGEST) if words else ""


def _words(link: BaseException) -> str:
    """OpenSSL hides what is wrong with a certificate behind its own name for that."""
    return link.verify_message if isinstance(link, ssl.SSLCertVerificationError) else str(link)
