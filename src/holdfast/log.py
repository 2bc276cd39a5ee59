"""Logs for people on a terminal and for machines elsewhere; every value is scrubbed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from .core.redact import scrub

Event = MutableMapping[str, Any]


def configure(env: Mapping[str, str], level: int = logging.INFO) -> None:
    """Sets up structlog and routes the standard library's loggers through it, to stderr.

    Colour goes to terminals only, and not where NO_COLOR is set (no-color.org).
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        clean,
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(colors=not env.get("NO_COLOR"))
    else:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(max(level, logging.WARNING))  # tells every start


def clean(logger: Any, method: str, event: Event) -> Event:
    """A processor: no secret and no control sign leaves in a log line."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _lines(value) if name == "exception" else scrub(value)
    return event


def _lines(traceback: str) -> str:
    """A traceback keeps its lines and their indentation."""
    lines = traceback.splitlines()
    return "\n".join(line[: len(line) - len(line.lstrip())] + scrub(line) for line in lines)
