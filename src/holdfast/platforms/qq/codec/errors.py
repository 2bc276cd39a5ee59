"""What the platform's error answers mean: one table of codes, one of meanings.

A `Failure` made here has the platform's number as `code`, what it is about as `param`
(anchor, chat, bot, markdown, keyboard, length, url, file, prefix), and the trace id among its
`upstream_ids`. Codes: the official tables of 2026-09; unknown ones are never tried again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import Enum, auto

from ....core.failure import Failure, Hop, Kind, Phase
from ....core.redact import scrub, upstream_ids
from ....wire.retry_after import retry_after
from .reading import Json, number, text

REPORTER = "qq"


class Meaning(Enum):
    TOKEN = auto()  # a new access token is needed
    CREDENTIALS = auto()  # app id or secret are wrong
    ADDRESS = auto()  # our IP address is not permitted
    RATE = auto()
    BUSY = auto()
    ONCE = auto()  # the platform's own trouble: one more try at most
    REPEATED = auto()  # it has the message already
    WAITING = auto()  # it has the message, an audit comes first
    ANCHOR = auto()  # what was to be answered cannot be any more
    MARKDOWN = auto()
    KEYBOARD = auto()
    LENGTH = auto()
    URL = auto()
    VIOLATION = auto()
    CHAT = auto()  # this conversation is closed to the bot
    BOT = auto()  # the bot itself is: an operator must see to it
    FILE = auto()
    FILE_GONE = auto()  # uploaded once, it must be uploaded again
    PREFIX = auto()  # a stream's delivered text would change


_CODES: Mapping[Meaning, Iterable[int]] = {
    Meaning.TOKEN: (11241, 11243, 11244),
    Meaning.CREDENTIALS: (10004, 11245, 11251, 11261, 11275, 100007, 100016),
    Meaning.ADDRESS: (11298, 40023002),
    Meaning.RATE: (20028, 22009, 50002, 100001, 1100100, 40034100, 40093002),
    Meaning.BUSY: (
        50001,
        304018,  # no gateway session: one that was lost is there again soon
        306003,
        306005,
        306006,
        40054006,
        50055001,
        50055002,
        50055006,
    ),
    Meaning.ONCE: (11242, 11252, 11263, 11281),
    Meaning.REPEATED: (40054005,),
    Meaning.WAITING: (304023, 304024),
    Meaning.ANCHOR: (
        304026,
        304027,
        304103,
        40034005,
        *range(40034024, 40034028),
        40034031,
        40034128,
    ),
    Meaning.MARKDOWN: (
        22006,
        50037,
        *range(50054, 50058),
        304036,
        304041,
        *range(40034008, 40034013),
        40034124,
        40034127,
    ),
    Meaning.KEYBOARD: (*range(304037, 304041), 305007, 40034029),
    Meaning.LENGTH: (40054007, 40054014, 40054015, 40054018),
    Meaning.URL: (304003, 40034028, 40054010),
    Meaning.VIOLATION: (304025, 1100101, 40034006),
    Meaning.CHAT: (850018, 40034101, 40034102, 40034105, 40054002, 40054003, 40054004, 40054013),
    Meaning.BOT: (11253, 11254, 11264, 11265, 11282, 340067, 40054016),
    Meaning.FILE: (850019, 850026, 850027, 850031),
    Meaning.FILE_GONE: (304080, 304082, 304083, 40034004),
    Meaning.PREFIX: (40007, 40113003),
}

MEANINGS: Mapping[int, Meaning] = {
    code: meaning for meaning, codes in _CODES.items() for code in codes
}

# Of those about Markdown, the ones that say that this bot may send none at all here; the others
# speak of one message.
_FORBID_MARKDOWN = frozenset({"22006", "50056", "304036", "304041", "40034012", "40034127"})

_KINDS: Mapping[Meaning, tuple[Kind, str | None]] = {
    Meaning.TOKEN: (Kind.AUTH, None),
    Meaning.CREDENTIALS: (Kind.AUTH, "bot"),
    Meaning.ADDRESS: (Kind.FORBIDDEN, "bot"),
    Meaning.RATE: (Kind.RATE_LIMITED, None),
    Meaning.BUSY: (Kind.SERVER_ERROR, None),
    Meaning.ONCE: (Kind.SERVER_ERROR, None),
    Meaning.REPEATED: (Kind.INVALID, None),
    Meaning.WAITING: (Kind.INVALID, None),
    Meaning.ANCHOR: (Kind.NOT_FOUND, "anchor"),
    Meaning.MARKDOWN: (Kind.UNSUPPORTED, "markdown"),
    Meaning.KEYBOARD: (Kind.UNSUPPORTED, "keyboard"),
    Meaning.LENGTH: (Kind.TOO_LONG, "length"),
    Meaning.URL: (Kind.INVALID, "url"),
    Meaning.VIOLATION: (Kind.POLICY, None),
    Meaning.CHAT: (Kind.FORBIDDEN, "chat"),
    Meaning.BOT: (Kind.FORBIDDEN, "bot"),
    Meaning.FILE: (Kind.INVALID, "file"),
    Meaning.FILE_GONE: (Kind.SERVER_ERROR, "file"),
    Meaning.PREFIX: (Kind.DIVERGED, "prefix"),
}

_UNAUTHORISED = 401  # without a code that says more, a new token may help
_STATUSES: Mapping[int, Kind] = {
    _UNAUTHORISED: Kind.AUTH,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    413: Kind.TOO_LONG,
    429: Kind.RATE_LIMITED,
    502: Kind.BAD_GATEWAY,
    503: Kind.OVERLOADED,
    504: Kind.BAD_GATEWAY,
}

# Those that mean the same whoever says them.
_ANYBODYS = frozenset({_UNAUTHORISED, 408, 413, 429})

# What an operator can do about it, beside the platform's own words.
_HINTS: Mapping[Meaning, str] = {
    Meaning.CREDENTIALS: "check app_id and app_secret (请检查 app_id 和 app_secret)",
    Meaning.ADDRESS: "add this server's address to the IP whitelist in the bot's console "
    "(请在机器人管理端的 IP 白名单中加入本服务器的地址)",
}


def code_of(body: object) -> int | None:
    """The number of an error body: the more precise one, unless only the other is known."""
    if not isinstance(body, dict):
        return None
    told = [code for name in ("err_code", "code") if (code := number(body, name))]
    return next((code for code in told if code in MEANINGS), told[0] if told else None)


def meaning_of(failure: Failure) -> Meaning | None:
    """What one of our own failures means to this platform."""
    if failure.hop is not Hop.PLATFORM:
        return None
    code = failure.code or ""
    known = MEANINGS.get(int(code)) if code.isdecimal() else None
    return Meaning.TOKEN if known is None and failure.status == _UNAUTHORISED else known


def forbids_markdown(failure: Failure) -> bool:
    """Whether there is no use in trying Markdown again in such a place."""
    return failure.hop is Hop.PLATFORM and failure.code in _FORBID_MARKDOWN


def failure(
    status: int, headers: Mapping[str, str], body: bytes, received_at: float
) -> Failure | None:
    """What an answer means, if not success: None is success, or "taken, and audited first".

    `headers` have lower-case names; `received_at` is Unix seconds. An error may come with HTTP
    200 and a page of HTML with any status.
    """
    value = parsed(body)
    code = code_of(value)
    if 200 <= status < 300:
        if code is None and (isinstance(value, dict) or not body.strip()):
            return None
        if code in _CODES_OF_WAITING:
            return None
    meaning = MEANINGS.get(code or 0)
    if meaning is not None:
        kind, about = _KINDS[meaning]
    else:
        kind, about = _unknown(status, value), None
    return Failure(
        kind,
        Phase.FIRST,
        Hop.PLATFORM,
        detail=_detail(value, meaning),
        status=status,
        code=str(code) if code else None,
        param=about,
        retry_after=retry_after(headers, value, received_at, status),
        upstream_ids=upstream_ids(headers),
        by=REPORTER,
    )


_CODES_OF_WAITING = frozenset(_CODES[Meaning.WAITING])


def parsed(body: bytes) -> object:
    """The body's JSON, or None."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value


def _unknown(status: int, value: object) -> Kind:
    """By the HTTP status alone. Neither a success nor a refusal is the platform's word if it cannot
    be read: a page comes from something on the way, which may let the next request through.
    """
    if not isinstance(value, dict) and status < 500 and status not in _ANYBODYS:
        return Kind.PROTOCOL
    return _STATUSES.get(status, Kind.SERVER_ERROR if status >= 500 else Kind.INVALID)


def _detail(value: object, meaning: Meaning | None) -> str:
    """The platform's words, never those of an HTML page; and what to do, where that is known."""
    body: Json = value if isinstance(value, dict) else {}
    hint = _HINTS.get(meaning) if meaning else None
    return scrub("; ".join(part for part in (text(body, "message", "msg"), hint) if part))
