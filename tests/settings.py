"""The shape of holdfast.toml, walked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args, get_origin

from pydantic import BaseModel


def tables(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Every table that a file can have, as its heading names it."""
    for name, field in model.model_fields.items():
        many = get_origin(field.annotation) is dict
        kind = get_args(field.annotation)[1] if many else field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            wanted = '"NAME"' if name == "routes" else "NAME"
            here = f"{path}{name}.{wanted}" if many else f"{path}{name}"
            yield here, kind
            yield from tables(kind, f"{here}.")
