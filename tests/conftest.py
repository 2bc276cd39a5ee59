"""No test reaches beyond this machine, and none can do so unnoticed."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent.parent))  # `from tests.upstream.peers import ...`

settings.register_profile("any machine", deadline=None)  # how fast it is proves nothing
settings.load_profile("any machine")

# Every client and every server that is started reads whom it trusts: here that is nobody, which is
# read in no time.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "nobody.pem")

_HERE = frozenset({"127.0.0.1", "::1", "localhost", ""})
_ASKED_FOR_A_NAME = frozenset(
    {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyname_ex"}
)
_SENT_TO_AN_ADDRESS = frozenset({"socket.connect", "socket.sendto"})

_breaches: list[str] = []


class BeyondLoopback(Exception):
    """Stops the attempt itself; the test fails even if something swallows this."""


def _is_here(host: object) -> bool:
    if host is None:
        return True
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    return name.lower() in _HERE or name.lower().rstrip(".").endswith(".invalid")


def _guard(event: str, args: tuple[object, ...]) -> None:
    """Python's audit hook (PEP 578): it sees every call of the socket module, on every thread."""
    if event in _ASKED_FOR_A_NAME:
        host = args[0]
    elif event in _SENT_TO_AN_ADDRESS and isinstance(args[1], tuple):  # else a Unix socket
        host = args[1][0]
    else:
        return
    if not _is_here(host):
        breach = f"{event} of {host!r}: tests stay on 127.0.0.1, ::1, localhost and *.invalid"
        _breaches.append(breach)
        raise BeyondLoopback(breach)


sys.addaudithook(_guard)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    _breaches.clear()
    yield
    if _breaches:
        pytest.fail("; ".join(_breaches), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Elsewhere a test may lack what it needs; in continuous integration that is a failure."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report
