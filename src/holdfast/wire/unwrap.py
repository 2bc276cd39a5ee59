"""Error answers of every shape to reports: who says it, of whom, in which typed words.

Fields that vendors define are read first, however their names are written. Where none of them
says a word, the first sentence under a name that promises one is taken. What may echo the
request (a validator's `input`, a page's body) is left where it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from . import fronts, proxy_status
from .dialect import ErrorAnswer
from .hearsay import overhear
from .hidden import TEXT, fields_of, sentence_in, value_in
from .lenient import is_text, parse, plain
from .peer import peer_report
from .report import DEPTH, Report, as_status, as_text
from .vendors import vendor_of

_LONGEST = 65536  # bytes of a body that are read
_ITEMS = 8  # members of a list that are read

# Names are spelt as `lenient.plain` leaves them: "error_msg", "errorMsg" and "ErrorMsg" are one.
_CODES = ("code", "errorcode", "errcode")
_TYPES = ("type", "errortype", "errorname")
_MESSAGES = (
    "message",
    "msg",
    "errormessage",
    "errormsg",
    "errordescription",
    "statusmsg",
    "errmsg",
    "faultstring",
    "detail",
    "description",
    "title",
)
_PARAMS = ("param", "parameter", "field")
_STATUSES = ("status", "statuscode", "httpstatus", "httpcode", "rawstatuscode")

# Members in which the same party goes on, in the order of trust.
_ENVELOPES = ("error", "errors", "detail", "response", "baseresp", "err", "fault", "message")
# Members in which a proxy keeps what it was told.
_BEHIND = (
    "upstreamerror",
    "upstream",
    "upstreamresponse",
    "upstreambody",
    "originalerror",
    "providererror",
    "innererror",
    "cause",
    "raw",
)
_BEHIND_STATUS = ("upstreamstatus", "upstreamstatuscode", "providerstatus", "originalstatuscode")
_PROVIDERS = ("providername", "provider", "upstreamprovider")

_CODE_HEADERS = (
    "x-amzn-errortype",
    "x-ms-error-code",
    "x-openai-authorization-error",
    "x-vercel-error",
    "ngrok-error-code",
    "x-error-code",
)
_CHALLENGE = re.compile(r'\berror(?P<part>_description)?="(?P<said>[^"]{1,200})"')


@dataclass(frozen=True, slots=True)
class Reading:
    """A report, and the body's value (parsed, else its text) in which a wait may stand."""

    report: Report
    value: object
    empty: bool = False


def unwrap(answer: ErrorAnswer) -> Reading:
    """What `answer` reports, body and headers together. Never raises."""
    text = _decoded(answer)
    value = value_in(text, answer.headers)
    if value is None:
        report = _spoken(text, answer.headers)
    else:
        report = _named(read_error(value), answer.headers)
    words = tuple(
        word.partition(":")[0].strip()
        for name in _CODE_HEADERS
        if (word := answer.headers.get(name, ""))
    )
    report = replace(report, reasons=(*report.reasons, *words))
    report = _challenged(report, answer.headers.get("www-authenticate", ""))
    empty = not text.strip() and report.silent
    good = answer.status is None or 200 <= answer.status < 300
    if not good:
        report = replace(report, status=answer.status)
        report = _with_proxies(overhear(report, _whole), answer)
    elif report.silent:
        report = replace(report, status=answer.status)
    by = report.by or vendor_of(answer.host) or answer.host
    return Reading(replace(report, by=by), text if value is None else value, empty)


def read_error(error: object) -> Report:
    """What an error member, a whole body around one, or a sentence reports."""
    report = _worded(_read(error, 0), error)
    return overhear(_named(report, {}), _whole)


def _worded(report: Report, value: object) -> Report:
    """`report` with the first sentence that stands anywhere in `value`, if it has none."""
    if report.message or report.nested or report.kind:
        return report
    return replace(report, message=sentence_in(value))


def _challenged(report: Report, challenge: str) -> Report:
    """`report` with what a WWW-Authenticate header says (RFC 6750, section 3)."""
    said = {match["part"] or "": match["said"] for match in _CHALLENGE.finditer(challenge)}
    reasons = (*report.reasons, said[""]) if "" in said else report.reasons
    return replace(report, reasons=reasons, message=report.message or said.get("_description", ""))


def _whole(value: object) -> Report:
    """What was found inside a sentence; it may hold a sentence of its own, but no deeper."""
    inner = _named(_read(value, 2), {})
    return overhear(inner, lambda deeper: _read(deeper, DEPTH // 2))


def _decoded(answer: ErrorAnswer) -> str:
    kind = answer.headers.get("content-type", "").lower()
    chinese = any(name in kind for name in ("gbk", "gb2312", "gb18030"))
    body = answer.body[:_LONGEST]
    return body.decode("gb18030" if chinese else "utf-8", "replace").lstrip("\ufeff")


def _spoken(text: str, headers: Mapping[str, str]) -> Report:
    """A page, a line of text, the typed fields of broken JSON, or nothing."""
    by = fronts.server(text, headers)
    if not is_text(text):
        return Report(by=by)
    if fronts.is_page(text, headers):
        return Report(by=by, message=fronts.headings(text))
    if text.lstrip()[:1] in ("{", "["):
        return _own(fields_of(text), 0)
    report = Report(by=by, message=text.strip()[:TEXT].strip('"'))
    return replace(report, by=fronts.gateway(report, headers) or by)


def _named(report: Report, headers: Mapping[str, str]) -> Report:
    return replace(report, by=report.by or fronts.gateway(report, headers))


def _with_proxies(report: Report, answer: ErrorAnswer) -> Report:
    """`report` with what `Proxy-Status` adds: who reports, and what it met."""
    told = proxy_status.told(answer.headers.get("proxy-status", ""), answer.status)
    if not told.by:
        return report
    nested = report.nested or told.nested
    kind = report.kind if report.words or report.nested else told.kind
    return replace(
        report,
        by=report.by or told.by,
        kind=kind,
        code=report.code or (told.code if not report.type else ""),
        message=report.message or told.message,
        proxied=report.proxied or told.proxied,
        nested=nested,
    )


def _read(value: object, depth: int) -> Report:
    if depth > DEPTH:
        return Report()
    match value:
        case dict():
            return _object(value, depth)
        case list():
            return _list(value, depth)
        case str():
            return _string(value, depth)
        case bytes():
            return _string(value[:_LONGEST].decode("utf-8", "replace"), depth)
        case _:
            return Report()


def _string(text: str, depth: int) -> Report:
    text = text[:_LONGEST]
    if text.lstrip()[:1] in ("{", "[", '"'):
        value = parse(text)
        if isinstance(value, dict | list | str) and value != text:
            return _read(value, depth + 1)
    if fronts.is_page(text):
        said = fronts.headings(text)
        return Report(by=fronts.server(text, {}), status=fronts.status_in(said), message=said)
    return Report(message=text.strip())


def _list(items: list[object], depth: int) -> Report:
    """Google wraps its object in an array; validators list every field they object to."""
    objects = [item for item in items[:_ITEMS] if isinstance(item, dict)]
    if objects and all("loc" in item for item in objects):
        return _validator(objects)
    if objects:
        return _read(objects[0], depth + 1)
    return _read(items[0], depth + 1) if items else Report()


def _validator(objects: list[dict[str, object]]) -> Report:
    """pydantic's `detail`: place, type and reason of each; never `input`, which is the prompt."""
    said = []
    for item in objects[:3]:
        place = ".".join(_scalars(item.get("loc")))
        said.append(f"{place}: {as_text(item.get('msg'))}")
    types = tuple(as_text(item.get("type")) for item in objects[:3])
    return Report(
        type=types[0],
        reasons=types[1:],
        param=".".join(_scalars(objects[0].get("loc"))),
        message="; ".join(said),
    )


def _object(value: Mapping[object, object], depth: int) -> Report:
    fields = {plain(key): held for key, held in value.items() if isinstance(key, str)}
    record = fields.get("holdfast")
    if isinstance(record, dict):
        return peer_report(record, as_text(fields.get("message")))
    own = _own(fields, depth)
    for name in _ENVELOPES:
        held = fields.get(name)
        if isinstance(held, dict | list) and held:
            return _around(own, _read(held, depth + 1))
    for name, held in fields.items():  # {"throttlingException": {...}}
        if name.endswith(("exception", "error", "fault")) and isinstance(held, dict) and held:
            named = _read(held, depth + 1)
            return _around(own, replace(named, type=named.type or name))
    said = as_text(fields.get("error"))
    if said and not (own.message or own.code):
        return _around(own, _string(said, depth + 1))
    if said and own.message:
        return replace(own, code=own.code or said)
    if not (said or own.message or own.nested):  # a header or a result around it
        inside = (_read(held, depth + 1) for held in fields.values() if isinstance(held, dict))
        for inner in inside:
            if inner.words or inner.message:
                return _around(own, inner)
    return _sentence(replace(own, message=own.message or said), depth)


def _own(fields: Mapping[str, object], depth: int) -> Report:
    """The typed fields of one object."""
    code = _first(fields, _CODES)
    status = next(filter(None, (as_status(fields.get(name)) for name in _STATUSES)), None)
    reasons = [*_details(fields.get("details")), *_inner_codes(fields.get("innererror"))]
    words = [as_text(fields.get(name)) for name in ("status", "reason")]
    reasons += [word for word in words if word and " " not in word and as_status(word) is None]
    if "baseresp" not in fields and "statusmsg" in fields:
        code = code or as_text(fields.get("statuscode"))
    message = _first(fields, _MESSAGES)
    title = as_text(fields.get("title"))  # RFC 9457
    if title and message != title and "message" not in fields:
        message = f"{title}: {message}"
    if " " in code:  # xAI writes a sentence where others have a word
        message, code = f"{code}: {message or as_text(fields.get('error'))}", ""
    report = Report(
        by="minimax" if "statusmsg" in fields else "",
        status=status or as_status(code),
        code=code,
        type=_problem_type(_first(fields, _TYPES)),
        reasons=tuple(filter(None, reasons)),
        param=_first(fields, _PARAMS),
        message=message,
    )
    return _with_behind(report, fields, depth)


def _with_behind(report: Report, fields: Mapping[str, object], depth: int) -> Report:
    """`report` with what it keeps of its upstream in members of its own."""
    metadata = fields.get("metadata")
    held = metadata if isinstance(metadata, dict) else {}
    members: dict[str, object] = {
        **fields,
        **{plain(key): item for key, item in held.items() if isinstance(key, str)},
    }
    flagged = ("moderation",) if held.get("reasons") or "flagged_input" in held else ()
    report = replace(report, reasons=(*flagged, *report.reasons))
    provider = _first(members, _PROVIDERS).lower()
    status = next(filter(None, (as_status(members.get(name)) for name in _BEHIND_STATUS)), None)
    told = next((members[name] for name in _BEHIND if members.get(name)), None)
    if told is None and status is None and not provider:
        return report
    nested = overhear(_read(told, depth + 1), _whole)
    passed = report.status if report.status and report.status < 500 else None
    nested = replace(
        nested,
        by=provider or nested.by,
        status=nested.status or status or passed,
        reasons=(*flagged, *nested.reasons),
        message=nested.message or report.message,
    )
    by = report.by or ("openrouter" if "provider_name" in held else "")
    return replace(report, by=by, proxied=True, nested=nested)


def _around(own: Report, inner: Report) -> Report:
    """One party's words, told partly beside and partly inside an envelope."""
    beside = "" if own.type.lower() in ("error", "response.failed") else own.type
    return replace(
        inner,
        by=inner.by or own.by,
        status=inner.status or own.status,
        code=inner.code or own.code,
        type=inner.type or beside,
        reasons=(*inner.reasons, *own.reasons),
        param=inner.param or own.param,
        message=inner.message or own.message,
        proxied=inner.proxied or own.proxied,
        nested=inner.nested or own.nested,
    )


def _sentence(own: Report, depth: int) -> Report:
    """A message that is itself a whole body: the same words over again, one party further."""
    if own.message.lstrip()[:1] not in ("{", "[") or own.nested:
        return own
    inner = _string(own.message, depth + 1)
    if inner.message == own.message:
        return own
    return replace(own, message="", proxied=True, nested=inner)


def _details(value: object) -> list[str]:
    """The reasons and quota names among Google's `details`."""
    words: list[str] = []
    for item in islice(value if isinstance(value, list) else (), _ITEMS):
        if isinstance(item, dict):
            words.append(as_text(item.get("reason")))
            violations = item.get("violations")
            for violation in islice(violations if isinstance(violations, list) else (), _ITEMS):
                if isinstance(violation, dict):
                    words.append(as_text(violation.get("quotaId")))
    # The day's quota is spent even where the minute's is too.
    return sorted(words, key=lambda word: "PerDay" not in word)


def _inner_codes(value: object) -> list[str]:
    """Azure's inner errors, the innermost and most telling first."""
    codes: list[str] = []
    while isinstance(value, dict) and len(codes) < DEPTH:
        codes.append(as_text(value.get("code")))
        value = value.get("innererror")
    return codes[::-1]


def _problem_type(text: str) -> str:
    """RFC 9457 names a type by a URI; its last part is the word."""
    if text.startswith(("http://", "https://", "urn:", "about:", "tag:")):
        word = text.rstrip("/").replace(":", "/").rpartition("/")[2]
        return "" if word == "blank" else word.partition("#")[0]
    return text


def _first(fields: Mapping[str, object], names: Iterable[str]) -> str:
    return next(filter(None, (as_text(fields.get(name)) for name in names)), "")


def _scalars(value: object) -> list[str]:
    items = value if isinstance(value, list | tuple) else ()
    return [as_text(item) for item in islice(items, _ITEMS)]
