"""From a function to what a model may call."""

from __future__ import annotations

import asyncio
from importlib.metadata import EntryPoint
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from tests.upstream.virtual import run_virtual

from holdfast.agent.tools import AgentTool, Output, Toolbox, ToolContext, plugins, tool
from holdfast.core.failure import Failure, Hop, Kind, Phase, StreamFailed


class Place(BaseModel):
    city: str
    title: str = ""


@tool(pure=True, timeout=3, limit=99)
async def weather(
    place: Place,
    days: Annotated[int, Field(ge=1, le=7, description="how many")] = 1,
    unit: Literal["C", "F"] = "C",
    note: Annotated[str | None, "whatever"] = None,
    *,
    context: ToolContext,
) -> str:
    """The weather somewhere.

    Args:
        place: where it is,
            with a city
        unit (str): of temperature

    Returns: words
    """
    return f"{place.city} {days} {unit} {note} {context.values.get('person')}"


def run(made: AgentTool, context: ToolContext | None = None, **arguments: Any) -> Output:
    return asyncio.run(_run(made, context or ToolContext(), arguments))


async def _run(made: AgentTool, context: ToolContext, arguments: dict[str, Any]) -> Output:
    return await made.run(arguments, context)


def test_the_schema_says_what_the_signature_says() -> None:
    assert weather.name == "weather"
    assert weather.tool.description == "The weather somewhere."
    assert weather.tool.parameters == {
        "$defs": {
            "Place": {
                "properties": {
                    "city": {"type": "string"},
                    "title": {"default": "", "type": "string"},
                },
                "required": ["city"],
                "type": "object",
            }
        },
        "additionalProperties": False,
        "properties": {
            "place": {"$ref": "#/$defs/Place", "description": "where it is, with a city"},
            "days": {
                "default": 1,
                "description": "how many",
                "maximum": 7,
                "minimum": 1,
                "type": "integer",
            },
            "unit": {
                "default": "C",
                "description": "of temperature",
                "enum": ["C", "F"],
                "type": "string",
            },
            "note": {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "default": None,
                "description": "whatever",
            },
        },
        "required": ["place"],
        "type": "object",
    }
    assert (weather.safe, weather.timeout, weather.limit) == (True, 3, 99)


def test_it_is_called_with_what_was_sent_and_whom_it_works_for() -> None:
    context = ToolContext({"person": "Ann"})
    found = run(weather, context, place={"city": "Oslo"}, days=2)
    assert found == Output("Oslo 2 C None Ann")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ("{}", "place: Field required"),
        ('{"place":{}}', "place.city: Field required"),
        ('{"place":{"city":"x"},"days":8}', "days: Input should be less than or equal to 7"),
        ('{"place":{"city":"x"},"context":{}}', "context: Extra inputs are not permitted"),
        ('{"place":{"city":"x"}}', ""),
    ],
)
def test_arguments_are_checked_before_it_is_called(arguments: str, fault: str) -> None:
    assert weather.fault(arguments) == fault


def test_a_fault_does_not_repeat_what_was_sent() -> None:
    assert "hunter2" not in weather.fault('{"place":"hunter2"}')


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        (None, ""),
        (7, "7"),
        ({"a": [1, "é"]}, '{"a":[1,"é"]}'),
        (Place(city="x"), '{"city":"x","title":""}'),
        (Output("bad", failed=True), "bad"),
    ],
)
def test_what_it_returns_becomes_text(value: Any, text: str) -> None:
    @tool()
    def give() -> Any:
        return value

    found = run(give)
    assert (found.text, found.failed) == (text, isinstance(value, Output))


def endless() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"\xffhi", "\ufffdhi"),
        ({"when": 1j}, '{"when":"1j"}'),
        (endless(), "(done; its list cannot be shown as text)"),
    ],
)
def test_what_cannot_be_text_does_not_look_undone(value: Any, text: str) -> None:
    @tool()
    async def it() -> Any:
        return value

    async def main() -> Output:
        return await it.run({}, ToolContext())

    assert asyncio.run(main()) == Output(text)


def test_what_cannot_be_a_tool_is_told_when_it_is_made() -> None:
    def anything(*what: str) -> str: ...  # type: ignore[empty-body]

    def untyped(what) -> str: ...  # type: ignore[no-untyped-def, empty-body]

    with pytest.raises(TypeError, match="named parameters"):
        tool()(anything)
    with pytest.raises(TypeError, match="'what' needs a type"):
        tool()(untyped)
    with pytest.raises(ValueError, match="cannot be the name"):
        tool(name="no spaces")(run)


def test_plugins_offer_tools_and_other_things() -> None:
    found = [
        EntryPoint("weather", "tests.agent.test_tools:weather", "holdfast.plugins"),
        EntryPoint("other", "tests.agent.test_tools:Place", "holdfast.plugins"),
    ]
    assert [made.name for made in plugins(found)] == ["weather"]


class Server:
    def __init__(self, *names: str) -> None:
        self.names = names

    async def tools(self) -> list[AgentTool]:
        if not self.names:
            raise StreamFailed(Failure(Kind.REFUSED, Phase.CONNECT, Hop.TOOL))
        return [tool(name=name)(lambda: "") for name in self.names]


def test_a_bot_has_the_tools_that_its_settings_name() -> None:
    box = Toolbox([weather], {"files": Server("files__read", "files__write"), "away": Server()})
    assert box.known() == ["mcp:away", "mcp:files", "weather"]

    async def main() -> None:
        opened, missing = await box.open(("weather", "mcp:files"))
        assert list(opened) == ["weather", "files__read", "files__write"]
        assert not missing
        opened, missing = await box.open(("mcp:files/read", "mcp:files/gone", "mcp:away", "what"))
        assert list(opened) == ["files__read"]
        kinds = [(one.name, one.failure.kind) for one in missing]
        assert kinds == [
            ("mcp:files/gone", Kind.CONFIG),
            ("mcp:away", Kind.REFUSED),
            ("what", Kind.CONFIG),
        ]

    run_virtual(main())


def test_a_model_is_given_no_more_tools_than_vendors_take() -> None:
    box = Toolbox([weather], {"many": Server(*(f"many__{n}" for n in range(5000)))})

    async def main() -> None:
        opened, (missing,) = await box.open(("mcp:many", "weather"))
        assert len(opened) == 128
        assert missing.failure.detail == "a model is given 128 tools, and 4873 more were offered"
        opened, _ = await box.open(("weather", "mcp:many"))
        assert next(iter(opened)) == "weather"

    run_virtual(main())


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two tools are called 'weather'"):
        Toolbox([weather, weather])
