"""The document says what the gateway does: whatever it allows is answered as it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from tests.serving import configuration, serving, vendor
from tests.upstream.leaks import HANG

from holdfast.gateway.app import ANSWERS
from holdfast.gateway.calls import CALLS
from holdfast.gateway.openapi import DOCUMENT, PATHS
from holdfast.gateway.responses import RESPONSES

OPERATIONS = [(path, method) for path, methods in PATHS.items() for method in methods]
CHECKS = ("status_code", "content_type", "response_schema")  # conform


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    with vendor() as upstream:
        told = configuration(upstream.base_url, {"fine": ["ok"]})
        (folder / "holdfast.toml").write_text(told)
        with serving(folder) as served:
            yield served.url


@pytest.fixture(scope="module")
def schema(url: str) -> Any:
    """As it is served; of the models one can be asked."""
    told = httpx2.get(f"{url}/openapi.json").json()
    assert told == DOCUMENT
    told["components"]["schemas"]["Model"] = {"enum": ["fine", "nobody"]}
    import schemathesis  # noqa: PLC0415 - takes seconds, and every worker collects the tests

    return schemathesis.openapi.from_dict(told)


@pytest.fixture(scope="module")
def checks() -> list[Any]:
    import schemathesis.checks  # noqa: PLC0415 - as above
    import schemathesis.specs.openapi.checks as openapi  # noqa: PLC0415

    conform = [getattr(openapi, f"{name}_conformance") for name in CHECKS]
    return [schemathesis.checks.not_a_server_error, *conform]


@pytest.mark.scenario
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_what_the_document_allows_is_answered_as_it_says(
    url: str, schema: Any, checks: list[Any], path: str, method: str
) -> None:
    @settings(
        max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=schema[path][method].as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=url, checks=checks, timeout=HANG)

    ask()


def test_every_resource_is_in_the_document() -> None:
    made = {(path, "post") for path in ANSWERS}
    for resource in (CALLS, RESPONSES):
        for method, rest in resource.methods:
            made.add((f"{resource.path}{{id}}/{rest}".rstrip("/"), method.lower()))
    assert made <= set(OPERATIONS)
