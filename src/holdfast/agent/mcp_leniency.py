"""What an MCP server sends, mended before the SDK judges it.

The SDK refuses a whole listing for one tool that breaks the specification, and a whole answer for
one block of a type that it does not know, or for half an emoji. Here a tool loses the members that
nobody can read, and is left out only where its name or its schema is none of its own; a block is
named in its place. And the SDK tells the loss of a connection by codes that servers use for errors
of their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any

from mcp import types
from mcp.client import Transport
from mcp.shared.message import SessionMessage
from pydantic import TypeAdapter, ValidationError

from ..wire.jsontext import dumps, loads

_NEEDED = frozenset({"name", "inputSchema"})
_BLOCK: TypeAdapter[types.ContentBlock] = TypeAdapter(types.ContentBlock)

_OWN = -32099  # the code of an error that the server itself has told
LOST = types.CONNECTION_CLOSED  # of one that only says that no answer came, or none that is one

# Told of a tool that had to be left out: its name, or what stood there, and why.
Refused = Callable[[str, str], None]


# Whether the server itself has ended the request of this id with an error; None: as its code says.
Ended = Callable[[Any], bool | None]


def always(request: Any) -> bool:
    """Where every error that comes is the server's own; over HTTP the SDK tells some itself."""
    return True


@asynccontextmanager
async def lenient(
    transport: Transport, refused: Refused, ended: Ended
) -> AsyncIterator[tuple[Any, Any]]:
    """`transport`, whose listings hold nothing that the SDK refuses, and whose errors tell the
    server's own from lost answers.
    """
    async with transport as (reading, writing):
        yield _Mended(reading, refused, ended), writing


class _Mended:
    """A stream of the SDK, as far as the SDK uses it: its protocol has no public name."""

    def __init__(self, stream: Any, refused: Refused, ended: Ended) -> None:
        self._stream = stream
        self._refused = refused
        self._ended = ended

    async def receive(self) -> SessionMessage | Exception:
        return self._read(await self._stream.receive())

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> _Mended:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        return self._read(await self._stream.__anext__())

    async def __aenter__(self) -> _Mended:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stream.__aexit__(kind, error, trace)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)  # the SDK asks some streams for more

    def _read(self, said: SessionMessage | Exception) -> SessionMessage | Exception:
        if isinstance(said, ValidationError):
            said = _read_again(said)
        match said:
            case SessionMessage(message=types.JSONRPCResponse(result=result)):
                if isinstance(tools := result.get("tools"), list):
                    result["tools"] = [made for tool in tools if (made := self._tool(tool))]
                if isinstance(content := result.get("content"), list):
                    result["content"] = [_block(block) for block in content]
            case SessionMessage(message=types.JSONRPCError(id=id, error=error)):
                ended = self._ended(id)
                error.code = error.code if ended is None else _OWN if ended else LOST
            case _:
                pass
        return said

    def _tool(self, listed: Any) -> dict[str, Any] | None:
        try:
            return mended_tool(listed)
        except ValueError as error:
            named = listed.get("name") if isinstance(listed, dict) else listed
            self._refused(str(named)[:100], str(error))
            return None


def _read_again(refused: ValidationError) -> SessionMessage | ValidationError:
    """A line that is no JSON to the SDK, and is to most others: half an emoji, a bare tab."""
    line = refused.errors()[0]["input"]
    try:
        value = loads(dumps(loads(line))) if isinstance(line, str) else line
        return SessionMessage(types.jsonrpc_message_adapter.validate_python(value, by_name=False))
    except ValueError:
        return refused


def mended_tool(listed: Any) -> dict[str, Any]:
    """A tool as listed, less what cannot be read of it. Raises ValueError if it cannot be called.

    The schema of its results goes as well: the SDK would hold back an answer that breaks it.
    """
    if not isinstance(listed, dict):
        raise ValueError("it is not an object")
    schema = listed.get("inputSchema")
    schema = {} if schema is None else schema
    if not isinstance(schema, dict):
        raise ValueError("inputSchema is not an object")
    of = schema.get("type") or "object"
    if isinstance(of, list) and "object" in of:
        of = "object"
    if of != "object":
        raise ValueError(f"inputSchema.type is {str(of)[:100]!r} and not 'object'")
    tool = listed | {"inputSchema": schema | {"type": of}, "outputSchema": None}
    try:
        types.Tool.model_validate(tool, by_name=False)
    except ValidationError as error:
        bad = {str(one["loc"][0]) for one in error.errors()}
        if bad & _NEEDED:
            raise ValueError(f"{' and '.join(sorted(bad & _NEEDED))} cannot be read") from None
        tool = {name: member for name, member in tool.items() if name not in bad}
    return {name: member for name, member in tool.items() if member is not None}


def _block(block: Any) -> Any:
    try:
        _BLOCK.validate_python(block, by_name=False)
    except ValidationError:
        named = block.get("type") if isinstance(block, dict) else None
        return {"type": "text", "text": f"[{str(named)[:100]}]" if named else ""}
    return block
