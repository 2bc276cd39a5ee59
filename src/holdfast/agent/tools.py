"""Python functions as tools of a model, and the tools that a bot is given by name.

    @tool(pure=True)
    async def weather(city: Annotated[str, "in English"], days: int = 1) -> str:
        \"\"\"The weather of a city, for the next days.\"\"\"

A plugin offers such a tool under the entry point group `holdfast.plugins`. What the model may
send is read off the signature; what it sends is checked before the function is called.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Annotated, Any, Literal, Protocol, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import to_json

from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.message import Tool
from ..wire.jsontext import loads
from .media import Media

PLUGINS = "holdfast.plugins"
MCP = "mcp:"  # before the name of a server, all of whose tools are meant
TIMEOUT = 60.0  # seconds
MOST = 128  # tools that a model is given: some vendors refuse a question with more
LIMIT = 16_000  # characters of output that a model is shown at once

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what vendors take as the name of a tool
_ARGUMENT = re.compile(r"^\s*(\w+)\s*(?:\([^)]*\))?:\s*(.+)$")
_SHOWN = 6  # problems with arguments that are told at once


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may know of whom it works for. `values` is the context of the task."""

    values: Mapping[str, Any] = field(default_factory=dict)
    language: Literal["zh", "en"] = "en"
    pages: Mapping[str, str] = field(default_factory=dict)  # whole outputs, by call id


@dataclass(frozen=True, slots=True)
class Output:
    """What a tool brought. `failed`: it is an error that the model should know of. `broken` are
    the types of media that could not be read.
    """

    text: str
    failed: bool = False
    media: tuple[Media, ...] = ()
    broken: tuple[str, ...] = ()


class ToolFailed(Exception):
    """A tool could not do what it was asked. The text is for the model, and shown to it."""


class OutcomeUnknown(Exception):
    """Nobody knows whether the call took effect, e.g. because its server died."""


Runs = Callable[[Mapping[str, Any], ToolContext], Awaitable[Output]]


def no_fault(arguments: str) -> str:
    """For tools whose arguments are checked where they run."""
    return ""


@dataclass(frozen=True, slots=True)
class AgentTool:
    """A tool with what must be known to run it. Implements `judging.Declared`.

    `pure`: it changes nothing. `idempotent`: called twice, it changes no more than once.
    `timeout` in seconds; `limit` in characters.
    """

    tool: Tool
    run: Runs
    check: Callable[[str], str] = no_fault
    pure: bool = False
    idempotent: bool = False
    timeout: float = TIMEOUT
    limit: int = LIMIT

    @property
    def name(self) -> str:
        return self.tool.name

    @property
    def safe(self) -> bool:
        return self.pure or self.idempotent

    def fault(self, arguments: str) -> str:
        return self.check(arguments)


def tool(
    *,
    name: str = "",
    pure: bool = False,
    idempotent: bool = False,
    timeout: float = TIMEOUT,
    limit: int = LIMIT,
) -> Callable[[Callable[..., Any]], AgentTool]:
    """Makes a tool of a function, plain or async; plain ones run in a thread.

    Parameters are described by `Annotated[..., "text"]`, a pydantic `Field`, or the "Args:"
    of the docstring. One that is annotated `ToolContext` is filled in and not shown. The
    function returns text, or anything that can be JSON, or `Media`, or a list of text and `Media`;
    `ToolFailed` tells the model why not.

    Raises TypeError for a function that cannot be a tool, ValueError for a name that cannot be.
    """

    def make(function: Callable[..., Any]) -> AgentTool:
        called = name or function.__name__
        if not NAME.fullmatch(called):
            raise ValueError(f"{called!r} cannot be the name of a tool: use {NAME.pattern}")
        description, described = _docstring(function)
        model, context = _model(function, described)
        return AgentTool(
            tool=Tool(called, description, _schema(model)),
            run=_runner(function, model, context),
            check=lambda arguments: _fault(model, arguments),
            pure=pure,
            idempotent=idempotent,
            timeout=timeout,
            limit=limit,
        )

    return make


@cache
def installed() -> EntryPoints:
    """What installed packages offer. Every start waits for the look at all of them, so one look."""
    return entry_points(group=PLUGINS)


def plugins(found: Iterable[EntryPoint] | None = None) -> list[AgentTool]:
    """The tools among the installed plugins; middlewares and commands are for others.

    Raises whatever a plugin raises when it is imported: a bot must not start without it unnoticed.
    """
    offered = installed() if found is None else found
    return [made for entry in offered if isinstance(made := entry.load(), AgentTool)]


@dataclass(frozen=True, slots=True)
class Missing:
    """A tool, or a server of tools, that a turn has to do without."""

    name: str
    failure: Failure


class ToolServer(Protocol):
    """Many tools from one place that may be away."""

    async def tools(self) -> Sequence[AgentTool | Missing]:
        """What it offers, and what it names but cannot be used. Raises StreamFailed."""
        ...


class Toolbox:
    """All tools that bots can be given."""

    def __init__(
        self, tools: Iterable[AgentTool], servers: Mapping[str, ToolServer] | None = None
    ) -> None:
        """Raises ValueError if two tools have the same name."""
        self._tools: dict[str, AgentTool] = {}
        self._servers = servers or {}
        for made in tools:
            if made.name in self._tools:
                raise ValueError(f"two tools are called {made.name!r}")
            self._tools[made.name] = made

    def known(self) -> list[str]:
        """What settings may name."""
        return sorted([*self._tools, *(MCP + name for name in self._servers)])

    async def open(self, names: Sequence[str]) -> tuple[dict[str, AgentTool], list[Missing]]:
        """The tools called so, by name, and what could not be had."""
        opened: dict[str, AgentTool] = {}
        missing: list[Missing] = []
        for found in await asyncio.gather(*map(self._had, dict.fromkeys(names))):
            for made in found:
                if isinstance(made, Missing):
                    missing.append(made)
                else:
                    opened.setdefault(made.name, made)
        left_out = list(opened)[MOST:]
        for name in left_out:
            del opened[name]
        if left_out:
            missing.append(_too_many(left_out))
        return opened, missing

    async def _had(self, name: str) -> Sequence[AgentTool | Missing]:
        try:
            return await self._find(name)
        except StreamFailed as failed:
            return [Missing(name, failed.failure)]

    async def _find(self, name: str) -> Sequence[AgentTool | Missing]:
        server, _, single = name.removeprefix(MCP).partition("/")
        if name.startswith(MCP) and server in self._servers:
            offered = await self._servers[server].tools()
            if not single:
                return offered
            found = [made for made in offered if made.name in (single, f"{server}__{single}")]
            return found or _absent(name)
        return [self._tools[name]] if name in self._tools else _absent(name)


def _too_many(left_out: Sequence[str]) -> Missing:
    detail = f"a model is given {MOST} tools, and {len(left_out)} more were offered"
    return Missing(left_out[0], Failure(Kind.CONFIG, Phase.ADMIT, Hop.TOOL, detail=detail))


def _absent(name: str) -> Sequence[AgentTool | Missing]:
    detail = f"no tool is called {name!r}"
    raise StreamFailed(Failure(Kind.CONFIG, Phase.ADMIT, Hop.TOOL, detail=detail))


# From a signature to a schema, and from arguments to a call.


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The text before "Args:", and what is said there of each parameter."""
    text = inspect.getdoc(function) or ""
    before, _, section = text.partition("Args:")
    described: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if line and not line[0].isspace():
            break  # the next section
        if found := _ARGUMENT.match(line):
            name = found[1]
            described[name] = found[2].strip()
        elif name and line.strip():
            described[name] += f" {line.strip()}"
    return before.strip(), described


def _model(
    function: Callable[..., Any], described: Mapping[str, str]
) -> tuple[type[BaseModel], str]:
    """A model of the arguments, and the parameter that takes the context, "" if none does."""
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    context = ""
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"a tool takes named parameters only, not {parameter}")
        if parameter.name not in hints:
            raise TypeError(f"the parameter {parameter.name!r} needs a type: the model is told it")
        hint = hints[parameter.name]
        if hint is ToolContext:
            context = parameter.name
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        told = _told(hint) or described.get(parameter.name)
        fields[parameter.name] = (hint, Field(default, description=told))
    config = ConfigDict(extra="forbid")
    return create_model(function.__name__, __config__=config, **fields), context


def _told(hint: Any) -> str | None:
    """The description that an annotation gives."""
    if get_origin(hint) is not Annotated:
        return None
    for extra in get_args(hint)[1:]:
        if isinstance(extra, str):
            return extra
        if isinstance(extra, FieldInfo) and extra.description:
            return extra.description
    return None


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = _untitled(model.model_json_schema())
    assert isinstance(schema, dict)
    schema.pop("description", None)
    return schema


def _untitled(value: Any, *, names: bool = False) -> Any:
    """Without pydantic's titles, which cost tokens and say nothing. A property may be called
    "title": `names` says that the keys are names.
    """
    if isinstance(value, dict):
        return {
            key: _untitled(inner, names=key in ("properties", "$defs") and not names)
            for key, inner in value.items()
            if names or key != "title"
        }
    return [_untitled(inner) for inner in value] if isinstance(value, list) else value


def _fault(model: type[BaseModel], arguments: str) -> str:
    try:
        model.model_validate(loads(arguments))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        said = (f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in found[:_SHOWN])
        return "; ".join(said)
    except ValueError:
        return "the arguments are not JSON"
    return ""


def _runner(function: Callable[..., Any], model: type[BaseModel], context: str) -> Runs:
    async def run(arguments: Mapping[str, Any], given: ToolContext) -> Output:
        checked = model.model_validate(arguments)
        values = {name: getattr(checked, name) for name in model.model_fields}
        if context:
            values[context] = given
        if inspect.iscoroutinefunction(function):
            return _output(await function(**values))
        return _output(await asyncio.to_thread(function, **values))

    return run


def _output(value: Any) -> Output:
    if isinstance(value, Output):
        return value
    if isinstance(value, Media):
        return Output("", media=(value,))
    if isinstance(value, list | tuple) and any(isinstance(one, Media) for one in value):
        told = [_output(one) for one in value]
        return Output(
            "\n".join(one.text for one in told if one.text),
            media=tuple(media for one in told for media in one.media),
        )
    if value is None:
        return Output("")
    if isinstance(value, bytes | bytearray):
        return Output(value.decode("utf-8", "replace"))
    try:
        return Output(value if isinstance(value, str) else to_json(value, fallback=repr).decode())
    except ValueError:  # the tool has done its work, which must not look undone
        return Output(f"(done; its {type(value).__name__} cannot be shown as text)")
