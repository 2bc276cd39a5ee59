"""When to come back, in every form that vendors use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.wire.retry_after import LONGEST, retry_after

NOW = 1767225600.0  # Thu, 01 Jan 2026 00:00:00 GMT
DATE = "Thu, 01 Jan 2026 00:00:30 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "37s"}, 37.0),
        ({"retry-after": DATE}, 30.0),
        ({"retry-after": "2026-01-01T00:00:30Z"}, 30.0),
        ({"retry-after": DATE, "date": "Thu, 01 Jan 2026 00:00:20 GMT"}, 10.0),
        ({"retry-after": "Thu, 01 Jan 2015 00:00:00 GMT"}, 0.0),
        ({"retry-after": str(NOW + 12)}, 12.0),
        ({"retry-after": "1e9"}, 0.0),
        ({"retry-after": "99999999"}, LONGEST),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "-1", "retry-after": "2"}, 2.0),
        ({"x-ms-retry-after-ms": "900"}, 0.9),
        ({"x-retry-after": "8"}, 8.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "infinity"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_the_header_family(headers: Mapping[str, str], seconds: float | None) -> None:
    assert retry_after(headers, None, NOW, 429) == seconds


def test_a_date_is_no_number_of_seconds() -> None:
    assert retry_after({}, {"message": "try again after 2099-01-01 00:00:00"}, NOW, 429) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "6m0s"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "120ms"}, 0.12),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:45Z",
            },
            45.0,
        ),
        ({"ratelimit": "limit=100, remaining=0, reset=30"}, 30.0),
        ({"ratelimit": '"default";r=0;t=20'}, 20.0),
        ({"ratelimit": '"default";r=5;t=20'}, None),
        ({"x-ratelimit-reset": "17"}, 17.0),
        ({"x-ratelimit-reset-requests": "1m", "x-ratelimit-reset-tokens": "9s"}, 9.0),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "17"}, None),
    ],
)
def test_windows_count_once_they_are_exhausted(
    headers: Mapping[str, str], seconds: float | None
) -> None:
    assert retry_after(headers, None, NOW, 429) == seconds


def test_of_several_exhausted_windows_the_longest_counts() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "10s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "2m",
    }
    assert retry_after(headers, None, NOW, 429) == 120.0
    assert retry_after(headers, None, NOW, 500) is None  # an exhausted window is no reason


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"details": [{"retryDelay": "37s"}]}}, 37.0),
        ({"error": {"details": [{"retryDelay": {"seconds": 3}}]}}, 3.0),
        ({"error": {"resets_in_seconds": 90}}, 90.0),
        ({"error": {"resets_at": NOW + 60}}, 60.0),
        ({"retry_after_ms": 250}, 0.25),
        ({"error": {"message": "Rate limit reached. Please try again in 1.2s."}}, 1.2),
        ({"error": {"message": "Please try again in 1m30.5s"}}, 90.5),
        ({"error": {"message": "Retry after 20 seconds"}}, 20.0),
        ({"error": {"message": "请求过多，请在 20 秒后重试"}}, 20.0),
        ({"error": {"message": "您的额度将于 2026-01-01 08:01:00 重置"}}, 60.0),
        ("try again in 3 minutes", 180.0),
        ("Please slow down. Retry-After: 12", 12.0),
        ("try again later in 00:01:30", 90.0),
        ("Quota will be replenished in 02:11:05.", 7865.0),
        ("your limit resets at 2026-01-01T00:10:00Z", 600.0),
        (f"reset after {NOW + 100:.0f}", 100.0),
        ("下次可用时间：30秒后", 30.0),
        ({"errMsg": "请求过于频繁，请 3 秒后重试"}, 3.0),
        ({"error": "Model x is currently loading", "estimated_time": 20.5}, 20.5),
        ({"error": {"message": "You exceeded 20 requests per minute"}}, None),
        ({"input": {"message": "try again in 5s"}}, None),  # the prompt, echoed
    ],
)
def test_the_body(body: Any, seconds: float | None) -> None:
    found = retry_after({}, body, NOW, 429)
    assert found == (None if seconds is None else pytest.approx(seconds))


def test_a_point_in_time_says_nothing_to_who_has_no_clock() -> None:
    assert retry_after({"retry-after": DATE}, {"resets_at": NOW + 9}, None, 429) is None


@given(
    st.dictionaries(
        st.sampled_from(
            ["retry-after", "retry-after-ms", "date", "ratelimit", "x-ratelimit-reset"]
        ),
        st.text(max_size=30),
    ),
    st.one_of(st.text(max_size=60), st.dictionaries(st.text(max_size=10), st.floats())),
)
def test_nothing_makes_it_raise_or_leave_the_bounds(headers: dict[str, str], body: Any) -> None:
    wait = retry_after(headers, body, NOW, 429)
    assert wait is None or 0.0 <= wait <= LONGEST
