"""An MCP server on its standard streams that speaks oddly: `odd_mcp_server.py LEDGER [BAD ...]`.

It lists tools as no server should, those called BAD with a schema that is none, and answers a
call of each other in the way that its name says. What is called is written into the file
LEDGER, a line each.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

LEDGER = Path(sys.argv[1])
OBJECT = {"type": "object"}
TOOLS: list[dict[str, Any]] = [
    {"name": "fine", "inputSchema": OBJECT},
    {"name": "fine", "inputSchema": OBJECT, "description": "the second of this name"},
    {"name": "a.b", "inputSchema": OBJECT},
    {"name": "a/b", "inputSchema": OBJECT},
    *(
        {"name": name, "inputSchema": OBJECT}
        for name in (
            *("chatter", "garbage", "shapeless", "unknown_content", "silent", "huge"),
            *("half_emoji", "control_signs", "latin_1", "server_error", "internal_error"),
            *("no_address", "data_address", "endless", "noisy", "deaf"),
        )
    ),
]
BLOCKS: dict[str, list[dict[str, Any]]] = {
    "unknown_content": [{"type": "hologram", "data": "?"}, {"type": "text", "text": "and words"}],
    "no_address": [{"type": "resource", "resource": {"uri": "file://[r/a.bin", "blob": "AAAA"}}],
    "data_address": [{"type": "resource", "resource": {"uri": "data:,AAAA", "blob": "AAAA"}}],
}
TOOLS += [{"name": name, "inputSchema": {"type": "array"}} for name in sys.argv[2:]]


def say(message: Any) -> None:
    print(message if isinstance(message, str) else json.dumps(message), flush=True)


def answer(id: Any, result: Any) -> None:
    say({"jsonrpc": "2.0", "id": id, "result": result})


def hostile(id: Any, name: str) -> None:
    while name == "endless":
        sys.stdout.write("x" * 65536)
    if name == "noisy":
        sys.stderr.write("still here\n" * 500_000)
        answer(id, {"content": [{"type": "text", "text": "noisy was called"}]})
    if name == "deaf":
        os.close(0)
        answer(id, {"content": [{"type": "text", "text": "the last word"}]})
        signal.pause()


def called(id: Any, name: str) -> None:
    with LEDGER.open("a") as ledger:
        ledger.write(f"{name}\n")
    match name:
        case "chatter":
            say("DEBUG: this is no JSON")
            say({"jsonrpc": "2.0", "method": "notifications/nobody/knows", "params": {}})
            say({"jsonrpc": "2.0", "id": 4711, "result": {}})
        case "garbage":
            return say("\x00{{{{ not an answer")
        case "shapeless":
            return answer(id, {"content": "not a list"})
        case "unknown_content" | "no_address" | "data_address":
            return answer(id, {"content": BLOCKS[name]})
        case "half_emoji":
            return answer(id, {"content": [{"type": "text", "text": "half of it: \ud83d"}]})
        case "control_signs":
            text = {"content": [{"type": "text", "text": "aTAB b"}]}
            return say(
                json.dumps({"jsonrpc": "2.0", "id": id, "result": text}).replace("TAB", "\t")
            )
        case "latin_1":
            sys.stdout.buffer.write("Übertragung läuft\n".encode("latin-1"))
        case "server_error":
            error = {"code": -32000, "message": "the disk is full"}
            return say({"jsonrpc": "2.0", "id": id, "error": error})
        case "internal_error":
            error = {"code": -32603, "message": "TypeError: x is undefined"}
            return say({"jsonrpc": "2.0", "id": id, "error": error})
        case "silent" | "endless" | "noisy" | "deaf":
            return hostile(id, name)
        case "huge":
            return answer(id, {"content": [{"type": "text", "text": "x" * 3_000_000}]})
        case _:
            pass
    return answer(id, {"content": [{"type": "text", "text": f"{name} was called"}]})


for line in sys.stdin:
    request = json.loads(line)
    id, params = request.get("id"), request.get("params") or {}
    match request.get("method"):
        case "initialize":
            version = params["protocolVersion"]
            info = {"name": "odd", "version": "1"}
            capabilities: dict[str, Any] = {"tools": {}}
            answer(
                id, {"protocolVersion": version, "capabilities": capabilities, "serverInfo": info}
            )
        case "tools/list":
            answer(id, {"tools": TOOLS})
        case "tools/call":
            called(id, params["name"])
        case _ if id is not None:
            error = {"code": -32601, "message": "Method not found"}
            say({"jsonrpc": "2.0", "id": id, "error": error})
        case _:
            pass  # a notification
