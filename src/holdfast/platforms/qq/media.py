"""Files out: uploaded once, at once or in parts, and known again as long as the platform does."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...bot.event import Media
from ...core.clock import Clock
from ...core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ...wire.jsontext import dumps
from .api import Api
from .codec.errors import REPORTER
from .codec.reading import Json, number, table, tables, text
from .codec.requests import FILE_TYPES, FIRST_BYTES, Request, Site, Spot
from .http import Call, Http

UPLOAD_PATIENCE = 120.0  # seconds
FETCH_PATIENCE = 60.0  # seconds in which the platform fetches a URL
WHOLE = 8 * 1024 * 1024  # bytes up to which a file is sent in one piece
_KEPT = 1000  # files that are remembered
_EARLIER = 10.0  # seconds before its end from which on a file counts as gone
_NOT_YET = 40093001
_TAKEN: Mapping[str, frozenset[str]] = {
    "image": frozenset({"image/png", "image/jpeg"}),
    "video": frozenset({"video/mp4"}),
    "voice": frozenset({"audio/silk", "audio/mpeg", "audio/wav", "audio/ogg"}),
}
_RETRY_DELAY, _RETRY_TIMEOUT = 1.0, 300.0  # seconds, where the plan of an upload names none
_FOR_EVER = float("inf")


@dataclass(frozen=True, slots=True)
class _Known:
    file_info: str
    until: float


class Uploads:
    def __init__(self, api: Api, http: Http, clock: Clock) -> None:
        self._api = api
        self._http = http
        self._clock = clock
        self._known: OrderedDict[tuple[Site, int, str, str], _Known] = OrderedDict()

    async def file_info(self, media: Media, to: Spot, *, again: bool = False) -> str:
        """What a message names the file by; `again` if the platform does not know it any more.

        Raises StreamFailed (phase ADMIT: no message was sent).
        """
        kind = FILE_TYPES[media.kind]
        digest = hashlib.sha256(media.data or media.url.encode()).hexdigest()
        called = media.name if media.kind == "file" else ""  # which people are shown of files only
        key = (to.site, kind, digest, called)
        known = self._known.get(key)
        if known and not again and self._clock.monotonic() < known.until:
            return known.file_info
        try:
            answer = await self._upload(media, to, kind)
        except StreamFailed as failed:
            raise StreamFailed(replace(failed.failure, phase=Phase.ADMIT)) from failed
        file_info = text(answer, "file_info")
        if not file_info:
            raise StreamFailed(_broken("the answer to an upload holds no file_info"))
        ttl = number(answer, "ttl") or 0
        until = self._clock.monotonic() + ttl - _EARLIER if ttl else _FOR_EVER
        self._known[key] = _Known(file_info, until)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return file_info

    async def _upload(self, media: Media, to: Spot, kind: int) -> Json:
        about: dict[str, Any] = {"file_type": kind, "srv_send_msg": False}
        if media.name:
            about["file_name"] = media.name
        data = media.data
        if media.url:
            files = Request("POST", f"{to.path}/files", {**about, "url": media.url}, True)
            return await self._api.call(files, FETCH_PATIENCE)
        if len(data) > WHOLE:
            about["upload_id"] = await self._in_parts(media, to, kind, data)
        else:
            about["file_data"] = base64.b64encode(data).decode()
        return await self._api.call(
            Request("POST", f"{to.path}/files", about, repeatable=True), UPLOAD_PATIENCE
        )

    async def _in_parts(self, media: Media, to: Spot, kind: int, data: bytes) -> str:
        """The upload's id, when all of it is there. Where the parts are counted from differs."""
        prepare = {
            "file_type": kind,
            "file_name": media.name,
            "file_size": str(len(data)),
            "md5": _md5(data),
            "sha1": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
            "md5_10m": _md5(data[:FIRST_BYTES]),
        }
        plan = await self._api.call(Request("POST", f"{to.path}/upload_prepare", prepare))
        upload_id, block = text(plan, "upload_id"), number(plan, "block_size") or 0
        parts = sorted(tables(plan, "parts"), key=lambda part: number(part, "index") or 0)
        config = {**plan, **table(plan, "upload_config")}
        offset = 0
        for part in parts:
            size = number(part, "block_size") or block
            piece = data[offset : offset + size]
            offset += size
            await self._put(text(part, "presigned_url"), piece)
            finished = {
                "upload_id": upload_id,
                "part_index": number(part, "index") or 0,
                "block_size": str(len(piece)),
                "md5": _md5(piece),
            }
            await self._finish(Request("POST", f"{to.path}/upload_part_finish", finished), config)
        if not upload_id or offset < len(data):
            raise StreamFailed(_broken("the plan of an upload does not cover the file"))
        return upload_id

    async def _put(self, url: str, piece: bytes) -> None:
        """To the object store, whose URL is signed already: it takes no authorisation."""
        await self._http.ask(
            Call("PUT", url, body=piece, repeatable=True, patience=UPLOAD_PATIENCE, secrets=(url,))
        )

    async def _finish(self, request: Request, config: Mapping[str, Any]) -> None:
        """Asked again as long as the platform says that the part is not there yet."""
        told = number(config, "retry_delay")
        delay = _RETRY_DELAY if told is None else float(told)
        patience = float(number(config, "retry_timeout") or _RETRY_TIMEOUT)
        until = self._clock.monotonic() + patience
        while True:
            try:
                await self._api.call(request)
            except StreamFailed as failed:
                late = self._clock.monotonic() + delay > until
                if failed.failure.code != str(_NOT_YET) or late:
                    raise
                await asyncio.sleep(delay)
            else:
                return


def as_taken(media: Media) -> Media:
    """In the form in which the platform takes it: what is none of its pictures, sounds or films is
    a file.
    """
    taken = media.kind == "file" or media.media_type in ("", *_TAKEN[media.kind])
    return media if taken else replace(media, kind="file")


def form(fields: Mapping[str, str], media: Media) -> tuple[bytes, str]:
    """A multipart body with the file as `file_image` (guilds), and its content type."""
    boundary = f"holdfast-{hashlib.sha256(media.data).hexdigest()[:32]}"
    lines: list[bytes] = []
    for name, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}'
        lines.append(head.encode())
    safe = dumps(media.name or "file").decode()
    kind = media.media_type or "application/octet-stream"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file_image"; filename={safe}\r\n'
        f"Content-Type: {kind}\r\n\r\n"
    )
    lines.append(head.encode() + media.data)
    lines.append(f"--{boundary}--\r\n".encode())
    return b"\r\n".join(lines), f"multipart/form-data; boundary={boundary}"


def _md5(data: bytes) -> str:
    """As the platform asks; it protects nothing."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _broken(detail: str) -> Failure:
    return Failure(Kind.PROTOCOL, Phase.ADMIT, Hop.PLATFORM, detail=detail, by=REPORTER)
