"""`Proxy-Status` (RFC 9209): what every intermediary on the way says of the next hop."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..core.failure import Kind, Phase
from .report import DEPTH, Report, as_status

_LONGEST = 8192  # characters of the field that are read


@dataclass(frozen=True, slots=True)
class Member:
    """One intermediary and its parameters, values as text (RFC 8941, 3.1)."""

    name: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ErrorType:
    """What a registered error type means. `own` types speak of the intermediary itself."""

    kind: Kind | None  # None: the status decides
    phase: Phase
    own: bool = False


ERROR_TYPES: Mapping[str, ErrorType] = {
    "dns_timeout": ErrorType(Kind.DNS, Phase.RESOLVE),
    "dns_error": ErrorType(Kind.DNS, Phase.RESOLVE),
    "destination_not_found": ErrorType(Kind.NOT_FOUND, Phase.ADMIT, own=True),
    "destination_unavailable": ErrorType(Kind.OVERLOADED, Phase.ADMIT, own=True),
    "destination_ip_prohibited": ErrorType(Kind.FORBIDDEN, Phase.CONNECT),
    "destination_ip_unroutable": ErrorType(Kind.UNREACHABLE, Phase.CONNECT),
    "connection_refused": ErrorType(Kind.REFUSED, Phase.CONNECT),
    "connection_terminated": ErrorType(Kind.CLOSED, Phase.HEADERS),
    "connection_timeout": ErrorType(Kind.TIMEOUT, Phase.CONNECT),
    "connection_read_timeout": ErrorType(Kind.TIMEOUT, Phase.STREAM),
    "connection_write_timeout": ErrorType(Kind.TIMEOUT, Phase.WRITE),
    "connection_limit_reached": ErrorType(Kind.OVERLOADED, Phase.CONNECT, own=True),
    "tls_protocol_error": ErrorType(Kind.TLS, Phase.TLS),
    "tls_certificate_error": ErrorType(Kind.TLS_CERTIFICATE, Phase.TLS),
    "tls_alert_received": ErrorType(Kind.TLS, Phase.TLS),
    "http_request_error": ErrorType(None, Phase.ADMIT, own=True),
    "http_request_denied": ErrorType(Kind.FORBIDDEN, Phase.ADMIT, own=True),
    "http_response_incomplete": ErrorType(Kind.TRUNCATED, Phase.STREAM),
    "http_response_header_section_size": ErrorType(Kind.PROTOCOL, Phase.HEADERS),
    "http_response_header_size": ErrorType(Kind.PROTOCOL, Phase.HEADERS),
    "http_response_body_size": ErrorType(Kind.PROTOCOL, Phase.STREAM),
    "http_response_trailer_section_size": ErrorType(Kind.PROTOCOL, Phase.END),
    "http_response_trailer_size": ErrorType(Kind.PROTOCOL, Phase.END),
    "http_response_transfer_coding": ErrorType(Kind.CODING, Phase.STREAM),
    "http_response_content_coding": ErrorType(Kind.CODING, Phase.STREAM),
    "http_response_timeout": ErrorType(Kind.TIMEOUT, Phase.HEADERS),
    "http_upgrade_failed": ErrorType(Kind.PROTOCOL, Phase.HEADERS),
    "http_protocol_error": ErrorType(Kind.PROTOCOL, Phase.HEADERS),
    "proxy_internal_response": ErrorType(None, Phase.ADMIT, own=True),
    "proxy_internal_error": ErrorType(Kind.SERVER_ERROR, Phase.ADMIT, own=True),
    "proxy_configuration_error": ErrorType(Kind.SERVER_ERROR, Phase.ADMIT, own=True),
    "proxy_loop_detected": ErrorType(Kind.LOOP, Phase.ADMIT),
}

_UNKNOWN = ErrorType(Kind.SERVER_ERROR, Phase.HEADERS)

_STRING = r'"(?:[^"\\]|\\.)*"'
_WORD = r"[A-Za-z*][\w:/!#$%&'*+.^`|~-]*"
_ITEM = re.compile(rf"\s*(?P<item>{_STRING}|{_WORD})")
_PARAM = re.compile(
    rf"\s*;\s*(?P<key>[a-z*][a-z0-9_.*-]*)"
    rf"(?:=(?P<value>{_STRING}|{_WORD}|-?\d+(?:\.\d+)?|\?[01]|:[A-Za-z0-9+/=]*:))?"
)
_COMMA = re.compile(r"\s*,")


def members(field: str) -> tuple[Member, ...]:
    """The intermediaries, the one nearest to the origin first; what cannot be read ends it."""
    text = field[:_LONGEST]
    found: list[Member] = []
    place = 0
    while match := _ITEM.match(text, place):
        name, place = _plain(match["item"]), match.end()
        params: dict[str, str] = {}
        while param := _PARAM.match(text, place):
            params[param["key"]] = _plain(param["value"] or "?1")
            place = param.end()
        found.append(Member(name, params))
        comma = _COMMA.match(text, place)
        if comma is None:
            break
        place = comma.end()
    return tuple(found)


def told(field: str, status: int | None) -> Report:
    """What the intermediary nearest to us says, with what stands behind it nested.

    A member without an error that merely passed the present status on says nothing.
    """
    behind: Report | None = None
    outer = Report()
    previous = ""
    for member in members(field)[-DEPTH:]:
        received = as_status(member.params.get("received-status", ""))
        word = member.params.get("error", "")
        details = member.params.get("details", "")
        meaning = ERROR_TYPES.get(word, _UNKNOWN)
        if word and meaning.own:
            outer = Report(
                by=member.name, code=word, message=details, kind=meaning.kind, nested=behind
            )
        elif word or (received and (behind or received != status)):
            next_hop = member.params.get("next-hop", "") or previous or member.name
            behind = Report(
                by=next_hop,
                status=received,
                code=word,
                message=details or word.replace("_", " "),
                kind=meaning.kind if word else None,
                phase=meaning.phase if word else None,
                proxied=bool(behind),
                nested=behind,
            )
            outer = Report(by=member.name, code=word, message=details, proxied=True, nested=behind)
        previous = member.name
    return outer


def _plain(text: str) -> str:
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text
