"""A plugin with a tool that must not run twice: what it does stays in a file."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from holdfast.agent.tools import ToolContext, tool

LEDGER = "HOLDFAST_CRASH_LEDGER"  # names the file
TAKES = 0.1  # seconds, in which the process may be killed


@tool()
async def pay(context: ToolContext) -> str:
    """Pays for the conversation that asks."""
    _write(f"{context.values['conversation']}\n")
    await asyncio.sleep(TAKES)
    return "paid"


def _write(line: str) -> None:
    with Path(os.environ[LEDGER]).open("a", encoding="utf-8") as ledger:
        ledger.write(line)
