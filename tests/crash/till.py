"""A server of tools that takes no time to start: `till.py LEDGER PID TAKES`.

Its one tool writes a line into the file LEDGER, and answers after TAKES seconds. Which process it
is stands in the file PID.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

LEDGER, PID, TAKES = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
PAY = {"name": "pay", "description": "Pays.", "inputSchema": {"type": "object", "properties": {}}}


def result_of(method: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    """None for what is not known here."""
    match method:
        case "initialize":
            version = asked["protocolVersion"]
            info = {"name": "till", "version": "1"}
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        case "tools/list":
            return {"tools": [PAY]}
        case "tools/call":
            with LEDGER.open("a", encoding="utf-8") as ledger:
                ledger.write("paid\n")
            time.sleep(TAKES)  # it is the tool that takes this long
            return {"content": [{"type": "text", "text": "paid"}]}
        case "ping":
            return {}
        case _:
            return None


PID.write_text(str(os.getpid()), encoding="utf-8")
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = result_of(message["method"], message.get("params") or {})
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    if result is None:
        answer |= {"error": {"code": -32601, "message": "not known here"}}
    else:
        answer |= {"result": result}
    print(json.dumps(answer), flush=True)
