"""What asking an upstream has in common in all dialects: headers, and limits on what is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..core.attempt import Target
from ..core.tokens import estimate_tokens

LEAST_TOKENS = 16  # room that a continuation is always given, if the client gave as much

Headers = tuple[tuple[str, str], ...]


def bearer(target: Target) -> Headers:
    secret = target.credential.secret
    return (("authorization", f"Bearer {secret}"),) if secret else ()


# Of a client's headers those that say what its body may hold: of use to a target of its dialect.
PASSED = frozenset({"anthropic-beta", "anthropic-version", "openai-beta"})


def headers(target: Target, own: Headers, client: Headers = ()) -> Headers:
    """Ours, the client's, and those configured for the target, which win over both."""
    given = {name.lower() for name, _ in target.headers}
    asked = {name for name, _ in client}
    kept = tuple((name, value) for name, value in own if name not in asked)
    ours = (*kept, *client, ("content-type", "application/json"))
    return (*((name, value) for name, value in ours if name.lower() not in given), *target.headers)


def limits(body: Mapping[str, Any], names: Iterable[str], released: str) -> dict[str, int]:
    """What is left of the client's own limits after the tokens that were spent already."""
    spent = estimate_tokens(released)
    found = {name: body.get(name) for name in names}
    return {
        name: min(limit, max(LEAST_TOKENS, limit - spent))
        for name, limit in found.items()
        if isinstance(limit, int) and not isinstance(limit, bool)
    }
