"""Where the suite finds its databases: a file, and a schema of its own in a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlsplit
from uuid import uuid4

import nats
import psycopg
import pytest
from tests.upstream.leaks import HANG

from holdfast.store.tables import METADATA

NATS = os.environ.get("HOLDFAST_TEST_NATS", "nats://127.0.0.1:4222")
POSTGRES = os.environ.get("HOLDFAST_TEST_POSTGRES", "postgresql://127.0.0.1:5432/test")

Place = Path | str


@cache
def why_no_postgres() -> str:
    """Why it cannot be had; "" if it can."""
    try:
        psycopg.connect(POSTGRES, connect_timeout=int(HANG)).close()
    except psycopg.OperationalError as error:
        return f"HOLDFAST_TEST_POSTGRES ({POSTGRES}) cannot be reached: {error}"
    return ""


@cache
def why_no_nats() -> str:
    """Why a NATS server with JetStream cannot be had; "" if it can."""
    url = urlsplit(NATS)
    try:
        at = (url.hostname or "", url.port or 4222)
        with socket.create_connection(at, timeout=HANG) as server:
            greeting = server.makefile("rb").readline()
    except OSError as error:
        return f"HOLDFAST_TEST_NATS ({NATS}) cannot be reached: {error}"
    if not json.loads(greeting.removeprefix(b"INFO ")).get("jetstream"):
        return f"HOLDFAST_TEST_NATS ({NATS}) runs without JetStream"
    return ""


def lacking(reason: str) -> None:
    """Skips a test for want of a server; where everything must run, it fails instead."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def nats_prefix() -> Iterator[str]:
    """A prefix for subjects and streams that nobody else uses; what is under it is removed."""
    if why_no_nats():
        lacking(why_no_nats())
    prefix = f"holdfast{uuid4().hex}"
    yield prefix
    asyncio.run(_remove(prefix))


async def _remove(prefix: str) -> None:
    client = await nats.connect(NATS)
    js = client.jetstream()
    for stream in await js.streams_info():
        if prefix in (stream.config.name or ""):
            await js.delete_stream(stream.config.name or "")
    await client.close()


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
