"""Where the suite finds its databases: a file, and a schema of its own in a real PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest

from holdfast.store.tables import METADATA

POSTGRES = os.environ.get("HOLDFAST_TEST_POSTGRES", "postgresql://127.0.0.1:5432/test")

Place = Path | str


@cache
def why_no_postgres() -> str:
    """Why it cannot be had; "" if it can."""
    try:
        psycopg.connect(POSTGRES, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        return f"HOLDFAST_TEST_POSTGRES ({POSTGRES}) cannot be reached: {error}"
    return ""


def lacking(reason: str) -> None:
    """Skips a test for want of a server; where everything must run, it fails instead."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def postgres_schema() -> Iterator[str]:
    """The URL of an empty schema, which is dropped again."""
    if why_no_postgres():
        lacking(why_no_postgres())
    schema = f"holdfast_{uuid4().hex}"
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"'.encode())
        try:
            yield f"{POSTGRES}?options={quote(f'-csearch_path={schema}')}"
        finally:
            connection.execute(f'DROP SCHEMA "{schema}" CASCADE'.encode())


def emptied(url: str) -> str:
    """The schema behind `url` as a fresh one is, without the price of making one."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = [table.name for table in METADATA.sorted_tables]
        connection.execute("; ".join(f"DELETE FROM {name}" for name in tables).encode())
    return url
