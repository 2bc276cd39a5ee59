"""A real MCP server for tests: `mcp_server.py LEDGER` on its standard streams,
`mcp_server.py LEDGER PORT` over HTTP.

What its tools do is written into the file LEDGER, a line each, before they answer.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp.types import (
    Annotations,
    AudioContent,
    BlobResourceContents,
    EmbeddedResource,
    ImageContent,
    TextContent,
    ToolAnnotations,
)

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests import pictures

PNG = base64.b64encode(pictures.png()).decode()
WAV = base64.b64encode(pictures.wav()).decode()
PDF = base64.b64encode(b"%PDF-1.7 a report").decode()
PAGE = base64.b64encode(pictures.PAGE).decode()

LEDGER = Path(sys.argv[1])
server = MCPServer("ledger")


def written(line: str) -> None:
    with LEDGER.open("a") as ledger:
        ledger.write(f"{line}\n")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """The sum of two numbers."""
    return a + b


@server.tool()
def note(text: str) -> str:
    """Writes a line."""
    written(text)
    return f"noted {text}"


@server.tool()
def fail(text: str) -> str:
    raise ValueError(f"cannot {text}")


@server.tool()
async def slow(seconds: float) -> str:
    written("slow began")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        written("slow cancelled")
        raise
    return "done"


@server.tool()
async def pay(to: str) -> str:
    """Has its effect, and takes the whole server down before it answers."""
    written(f"paid {to}")
    os._exit(1)


@server.tool(annotations=ToolAnnotations(idempotent_hint=True))
def set_it(value: str) -> str:
    """Harmless to repeat: takes the server down the first time only."""
    first = "set" not in LEDGER.read_text() if LEDGER.exists() else True
    written(f"set {value}")
    if first:
        os._exit(1)
    return f"it is {value}"


@server.tool()
def picture() -> list[TextContent | ImageContent]:
    """Text and an image."""
    return [
        TextContent(type="text", text="a dot"),
        ImageContent(type="image", data=PNG, mime_type="image/png"),
    ]


@server.tool()
def everything() -> list[AudioContent | EmbeddedResource | ImageContent]:
    """A sound, a file, a page that pretends to be a picture, and a picture for the model alone."""
    model_only = Annotations(audience=["assistant"])
    page = BlobResourceContents(
        uri="file:///r/caf%C3%A9.pdf", mime_type="application/pdf", blob=PDF
    )
    return [
        AudioContent(type="audio", data=WAV, mime_type="audio/wav"),
        EmbeddedResource(type="resource", resource=page),
        ImageContent(type="image", data=PAGE, mime_type="image/png"),
        ImageContent(type="image", data=PNG, mime_type="image/png", annotations=model_only),
        ImageContent(type="image", data="no base64!", mime_type="image/gif"),
    ]


if __name__ == "__main__":
    if len(sys.argv) > 2:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run()
