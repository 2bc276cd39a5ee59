"""What bytes are, by how they begin: a name or a sender's word proves nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Kind = Literal["image", "video", "voice", "file"]

_FORM = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}", re.ASCII)

UNKNOWN = "application/octet-stream"

_BEGINNINGS: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
    b"\xff\xf3": "audio/mpeg",
    b"\xff\xf2": "audio/mpeg",
    b"OggS": "audio/ogg",
    b"fLaC": "audio/flac",
    b"#!AMR": "audio/amr",
    b"#!SILK": "audio/silk",
    b"\x02#!SILK": "audio/silk",
}
_RIFF: Mapping[bytes, str] = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
# A picture, a sound or a film is what its bytes say; of these only the bytes are believed.
_PROVED = ("image/", "audio/", "video/")
_DRAWN = "image/svg+xml"  # a document with scripts: a file, whatever it is called


def sniffed(data: bytes) -> str:
    """The media type of a picture or a sound that is known; "" for anything else."""
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        return "audio/mp4" if data[8:11] == b"M4A" else "video/mp4"
    return next((kind for begins, kind in _BEGINNINGS.items() if data.startswith(begins)), "")


def media_type_of(data: bytes, told: str) -> str:
    """By its bytes; else what it is told to be, unless its bytes would have to show that."""
    told = told.partition(";")[0].strip().lower()
    told = told if _FORM.fullmatch(told) else ""
    believed = told if told == _DRAWN or not told.startswith(_PROVED) else ""
    return sniffed(data) or believed or UNKNOWN


def kind_of(media_type: str) -> Kind:
    """How people are shown it, of a type that `media_type_of` has told."""
    if media_type.startswith("image/") and media_type != _DRAWN:
        return "image"
    if media_type.startswith("audio/"):
        return "voice"
    return "video" if media_type == "video/mp4" else "file"
