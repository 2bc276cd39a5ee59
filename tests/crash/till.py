"""A server of tools that takes no time to start: `till.py LEDGER PID TAKES`.

Its tool `pay` writes a line into the file LEDGER, and answers after TAKES seconds; `draw`, which
changes nothing, returns a picture. Which process it is stands in the file PID once it has told of
its tools.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

LEDGER, PID, TAKES = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
PAY = {"name": "pay", "description": "Pays.", "inputSchema": {"type": "object", "properties": {}}}
DRAW = {**PAY, "name": "draw", "annotations": {"readOnlyHint": True}}
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg"
    "=="
)


def result_of(method: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    """None for what is not known here."""
    match method:
        case "initialize":
            version = asked["protocolVersion"]
            info = {"name": "till", "version": "1"}
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        case "tools/list":
            return {"tools": [PAY, DRAW]}
        case "tools/call" if asked["name"] == "draw":
            time.sleep(TAKES)
            new = base64.b64encode(PICTURE + os.urandom(8)).decode()  # another each time
            return {"content": [{"type": "image", "mimeType": "image/png", "data": new}]}
        case "tools/call":
            with LEDGER.open("a", encoding="utf-8") as ledger:
                ledger.write("paid\n")
            time.sleep(TAKES)  # it is the tool that takes this long
            return {"content": [{"type": "text", "text": "paid"}]}
        case "ping":
            return {}
        case _:
            return None


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
    if message["method"] == "tools/list":  # one that dies before is no server of tools yet
        new = PID.with_suffix(".new")
        new.write_text(str(os.getpid()), encoding="utf-8")
        new.replace(PID)  # whoever reads it reads all of it
