"""What the platform's error codes call for: the whole table, and the odd answers around it."""

from __future__ import annotations

import json

import pytest

from holdfast.core.failure import Failure, Hop, Kind, Remedy
from holdfast.platforms.qq.codec.errors import MEANINGS, Meaning, code_of, failure, meaning_of

NOW = 1_800_000_000.0
TRACE = {"x-tps-trace-id": "0af7651916cd43dd", "content-type": "application/json"}


def of(status: int, body: object, headers: dict[str, str] | None = None) -> Failure | None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure(status, TRACE if headers is None else headers, raw, NOW)


def failed(status: int, body: object, headers: dict[str, str] | None = None) -> Failure:
    found = of(status, body, headers)
    assert found is not None
    assert found.hop is Hop.PLATFORM
    return found


# The platform's classes of errors, and what may be done about them.
CLASSES: list[tuple[Meaning, list[int], Kind, Remedy]] = [
    (Meaning.TOKEN, [11244, 11243], Kind.AUTH, Remedy.FAILOVER),
    (Meaning.CREDENTIALS, [100007, 100016, 10004], Kind.AUTH, Remedy.FAILOVER),
    (
        Meaning.RATE,
        [50002, 22009, 20028, 40034100, 1100100, 100001],
        Kind.RATE_LIMITED,
        Remedy.RETRY,
    ),
    (
        Meaning.BUSY,
        [50001, 304018, 50055001, 50055002, 50055006, 40054006, 306003, 306005, 306006],
        Kind.SERVER_ERROR,
        Remedy.RETRY,
    ),
    (Meaning.ONCE, [11242, 11252, 11263, 11281], Kind.SERVER_ERROR, Remedy.RETRY),
    (Meaning.FILE_GONE, [304080, 304082, 304083, 40034004], Kind.SERVER_ERROR, Remedy.RETRY),
    (Meaning.REPEATED, [40054005], Kind.INVALID, Remedy.STOP),
    (
        Meaning.ANCHOR,
        [*range(40034024, 40034028), 304026, 304027, 304103, 40034005, 40034031, 40034128],
        Kind.NOT_FOUND,
        Remedy.FAILOVER,
    ),
    (
        Meaning.MARKDOWN,
        [
            *range(40034008, 40034013),
            *range(50054, 50058),
            22006,
            50037,
            304036,
            304041,
            40034124,
            40034127,
        ],
        Kind.UNSUPPORTED,
        Remedy.REBUILD,
    ),
    (
        Meaning.KEYBOARD,
        [304037, 304038, 304039, 304040, 305007, 40034029],
        Kind.UNSUPPORTED,
        Remedy.REBUILD,
    ),
    (
        Meaning.LENGTH,
        [40054007, 40054018, 40054014, 40054015],
        Kind.TOO_LONG,
        Remedy.REBUILD,
    ),
    (Meaning.URL, [304003, 40054010, 40034028], Kind.INVALID, Remedy.STOP),
    (Meaning.VIOLATION, [40034006, 304025, 1100101], Kind.POLICY, Remedy.STOP),
    (
        Meaning.CHAT,
        [40034101, 40054003, 40054002, 850018, 40054004, 40054013, 40034102, 40034105],
        Kind.FORBIDDEN,
        Remedy.FAILOVER,
    ),
    (
        Meaning.BOT,
        [11253, 11254, 11265, 40054016, 340067],
        Kind.FORBIDDEN,
        Remedy.FAILOVER,
    ),
    (Meaning.PREFIX, [40007, 40113003], Kind.DIVERGED, Remedy.FAILOVER),
]


@pytest.mark.parametrize(
    ("code", "meaning", "kind", "remedy"),
    [(code, meaning, kind, remedy) for meaning, codes, kind, remedy in CLASSES for code in codes],
)
def test_codes(code: int, meaning: Meaning, kind: Kind, remedy: Remedy) -> None:
    found = failed(400, {"message": "失败", "code": code, "err_code": code})
    assert meaning_of(found) is meaning
    assert (found.kind, found.remedy, found.code) == (kind, remedy, str(code))
    assert found.upstream_ids == (("x-tps-trace-id", "0af7651916cd43dd"),)


def test_no_code_stands_twice() -> None:
    assert len({*MEANINGS}) == len(MEANINGS)


def test_the_more_precise_number_counts_if_it_is_known() -> None:
    assert code_of({"code": 11298, "err_code": 40023002}) == 40023002
    assert code_of({"code": 40034128, "err_code": 999}) == 40034128
    assert code_of({"code": 5, "err_code": 6}) == 6
    assert code_of({"code": "11244"}) == 11244
    assert code_of({"code": 0}) is None
    assert code_of([]) is None


def test_a_missing_address_is_no_expired_token() -> None:
    body = {"message": "接口访问源IP不在白名单", "code": 11298, "err_code": 40023002}
    found = failed(401, body)
    assert meaning_of(found) is Meaning.ADDRESS
    assert (found.kind, found.param) == (Kind.FORBIDDEN, "bot")
    assert "IP whitelist" in found.detail
    assert "接口访问源IP不在白名单" in found.detail


def test_failure_comes_with_http_200_too() -> None:
    found = failed(200, {"code": 100016, "message": "invalid appid or secret"})
    assert (found.kind, found.param) == (Kind.AUTH, "bot")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"id": "x"}),
        (200, {}),
        (200, {"code": 0, "message": "ok"}),
        (204, b""),
        (202, {"code": 304023, "message": "waiting"}),
        (201, {"code": 304024}),
    ],
)
def test_success(status: int, body: object) -> None:
    assert of(status, body) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (502, Kind.BAD_GATEWAY),
        (503, Kind.OVERLOADED),
        (504, Kind.BAD_GATEWAY),
        (500, Kind.SERVER_ERROR),
        (429, Kind.RATE_LIMITED),
        (413, Kind.TOO_LONG),
        (401, Kind.AUTH),
        *((status, Kind.PROTOCOL) for status in (200, 301, 302, 400, 403, 404, 405, 418)),
    ],
)
def test_pages_of_html(status: int, kind: Kind) -> None:
    found = failed(status, b"<html>TAPISIX</html>", {"retry-after": "3"})
    assert (found.kind, found.code, found.status) == (kind, None, status)
    assert "html" not in found.detail
    assert found.retry_after == 3.0


def test_codes_nobody_knows_are_not_tried_again() -> None:
    found = failed(400, {"code": 77777777, "message": "新的错误"})
    assert (found.remedy, found.code, found.detail) == (Remedy.STOP, "77777777", "新的错误")
    assert meaning_of(found) is None


def test_secrets_in_the_platform_s_words_are_hidden() -> None:
    found = failed(400, {"code": 1, "message": 'bad {"clientSecret":"s3cr3t-value"}'})
    assert "s3cr3t-value" not in found.detail
