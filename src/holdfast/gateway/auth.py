"""Who may ask. Without keys the gateway listens on loopback only, which `config` sees to."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from ..config import is_loopback
from ..core.failure import Failure, Hop, Kind, Phase


def denied(
    headers: Mapping[str, str], keys: Sequence[str], origins: Sequence[str] = ()
) -> Failure | None:
    """Why a request with these headers may not pass; None if it may.

    `origins` are those of pages that may use a gateway without keys (RFC 6454).
    Every key is compared in constant time, so that none can be guessed sign by sign.
    """
    if not keys:
        return _foreign(headers, origins)
    offered = key_of(headers).encode()
    matches = [hmac.compare_digest(offered, key.encode()) for key in keys]
    if any(matches):
        return None
    code = "invalid_api_key" if offered else "missing_api_key"
    return Failure(Kind.DENIED, Phase.ADMIT, Hop.CLIENT, code=code)


def key_of(headers: Mapping[str, str]) -> str:
    """The key as clients of OpenAI send it, or else as those of Anthropic do."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "").strip()


def _foreign(headers: Mapping[str, str], origins: Sequence[str]) -> Failure | None:
    """A web page elsewhere must not use a keyless gateway through its visitor's browser."""
    named = [f"//{headers.get('host', 'localhost')}"]
    if (origin := headers.get("origin", "//localhost")) not in origins:
        named.append(origin)
    if all(is_loopback(urlsplit(name).hostname or "") for name in named):
        return None
    detail = "without a key this gateway answers to localhost only; set gateway.api_keys or origins"
    return Failure(
        Kind.DENIED,
        Phase.ADMIT,
        Hop.CLIENT,
        detail,
        code="foreign_origin",
        detail_zh="没有设置密钥的网关只回答本机（localhost）；请设置 gateway.api_keys 或 origins",
    )
