"""Tools in namespaces, for targets whose tools stand in no groups: one name that tells both.

See OpenAI's reference of the Responses API, `tools[]` of type `namespace`, November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..fields import tables, text
from ..toolargs import fit_name, unused

Name = tuple[str, str]  # of a namespace, and of a tool in it


def flat_names(body: Mapping[str, Any]) -> dict[Name, str]:
    """What the tools that `body` holds in namespaces are called for a target that has none.

    What searches have brought stands in its input.
    """
    found = [tool for item in tables(body, "input") for tool in tables(item, "tools")]
    tools = [*tables(body, "tools"), *found]
    taken = {text(tool, "name") for tool in tools}
    names: dict[Name, str] = {}
    for group in tools:
        if text(group, "type") == "namespace":
            for tool in tables(group, "tools"):
                name = (text(group, "name"), text(tool, "name"))
                names[name] = unused(joined(*name), taken)
                taken.add(names[name])
    return names


def joined(namespace: str, name: str) -> str:
    return fit_name(f"{namespace}__{name}")
