"""Data in an address: `data:image/png;base64,...` (RFC 2397)."""

from __future__ import annotations

import re

from ..core.message import File, Image

_DATA = re.compile(r"data:([^;,]*)(?:;[^;,]*)*;base64,(.*)", re.DOTALL)


def image(url: str, detail: str = "") -> Image:
    found = _DATA.fullmatch(url)
    if found is None:
        return Image(url=url, detail=detail)
    return Image(data=found[2], media_type=found[1], detail=detail)


def image_url(image: Image) -> str:
    return image.url or _url(image.media_type, image.data)


def file(name: str, data: str) -> File:
    """`data` is an address with data in it, or bare base64."""
    found = _DATA.fullmatch(data)
    if found is None:
        return File(name=name, data=data)
    return File(name=name, data=found[2], media_type=found[1])


def file_url(file: File) -> str:
    return file.url or _url(file.media_type, file.data)


def _url(media_type: str, data: str) -> str:
    return f"data:{media_type};base64,{data}"
