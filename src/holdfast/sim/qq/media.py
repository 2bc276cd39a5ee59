"""Files: `POST .../files`, and uploads in parts."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .refusal import Refused
from .rules import Place
from .world import Json, World

TYPES = {1: "image", 2: "video", 3: "voice", 4: "file"}
_MB = 1024 * 1024
LARGEST = {"image": 20 * _MB, "video": 30 * _MB, "voice": 20 * _MB, "file": 200 * _MB}
IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_SILK = (b"#!SILK", b"\x02#!SILK")
_VOICES = (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"OggS")
_FIRST_BYTES = 10_002_432  # of which `md5_10m` is the digest


@dataclass(frozen=True, slots=True)
class Stored:
    """`data` is None for what the platform fetches itself."""

    place: Place
    kind: str
    name: str
    data: bytes | None
    url: str
    expires: float | None

    @property
    def told(self) -> str:
        """How people see it."""
        return f"{self.kind}:{self.name or self.url}"


@dataclass(slots=True)
class Upload:
    place: Place
    kind: str
    name: str
    size: int
    md5: str
    sha1: str
    md5_10m: str
    parts: dict[int, bytes] = field(default_factory=dict)
    finished: set[int] = field(default_factory=set)
    pending: int = 0


class MediaDesk:
    def __init__(self, world: World) -> None:
        self._world = world
        self.files: dict[str, Stored] = {}
        self.uploads: dict[str, Upload] = {}

    def store(self, place: Place, target: str, body: Json) -> dict[str, Any]:
        """Takes a file by URL, by value, or from an upload. Raises Refused."""
        self._world.conversation(place, target)
        kind = TYPES.get(body.get("file_type", 0))
        if kind is None:
            raise Refused(850019)
        data, url, name = None, str(body.get("url") or ""), str(body.get("file_name") or "")
        if body.get("upload_id"):
            data, name = self._assembled(place, str(body["upload_id"]), name)
        elif body.get("file_data"):
            try:
                data = base64.b64decode(str(body["file_data"]), validate=True)
            except binascii.Error:
                raise Refused(850019) from None
        elif not url.startswith(("http://", "https://")):
            raise Refused(850026)
        if data is not None:
            self._judge(kind, data)
        ttl = self._world.rules.file_ttl
        info = f"AE86-{place}-{self._world.serial():06d}"
        expires = self._world.now() + ttl if ttl else None
        self.files[info] = Stored(place, kind, name, data, url, expires)
        return {"file_uuid": f"uuid-{info}", "file_info": info, "ttl": ttl}

    def shown(self, place: Place, media: object) -> Stored:
        """The file that a message shows. Raises Refused."""
        info = media.get("file_info") if isinstance(media, Mapping) else None
        stored = self.files.get(str(info))
        late = stored and stored.expires is not None and stored.expires < self._world.now()
        if stored is None or stored.place != place or late:
            raise Refused(304080)
        return stored

    def _judge(self, kind: str, data: bytes) -> None:
        """What a file is called says nothing: its bytes are looked at."""
        rules = self._world.rules
        if len(data) > min(LARGEST[kind], rules.max_file):
            raise Refused(850031)
        match kind:
            case "image":
                known = data.startswith(IMAGES)
            case "video":
                known = data[4:8] == b"ftyp"
            case "voice":
                wav = data[:4] == b"RIFF" and data[8:12] == b"WAVE"
                known = data.startswith(_SILK)
                known = known or (rules.voices == "common" and (wav or data.startswith(_VOICES)))
            case _:
                known = bool(data)
        if not known:
            raise Refused(850019)

    def prepare(self, place: Place, target: str, body: Json, origin: str) -> dict[str, Any]:
        self._world.conversation(place, target)
        kind = TYPES.get(body.get("file_type", 0))
        if kind is None:
            raise Refused(850019)
        size = int(str(body.get("file_size") or "0"))
        if not 0 < size <= self._world.rules.max_file:
            raise Refused(850031)
        upload_id = f"up{self._world.serial():06d}"
        rules = self._world.rules
        self.uploads[upload_id] = Upload(
            place,
            kind,
            str(body.get("file_name") or ""),
            size,
            str(body.get("md5") or ""),
            str(body.get("sha1") or ""),
            str(body.get("md5_10m") or ""),
            pending=rules.parts_pending,
        )
        block = rules.part_bytes
        count = -(-size // block)
        parts = [
            {
                "index": number + rules.part_index_from,
                "presigned_url": f"{origin}/cos/{upload_id}/{number + rules.part_index_from}",
                "block_size": str(min(block, size - number * block)),
            }
            for number in range(count)
        ]
        return {
            "upload_id": upload_id,
            "block_size": str(block),
            "parts": parts,
            "upload_config": {
                "concurrency": 1,
                "retry_timeout": 300,
                "retry_delay": rules.part_delay,
            },
        }

    def put(self, upload_id: str, part: int, data: bytes) -> bool:
        """Whether the object store knows where that belongs."""
        upload = self.uploads.get(upload_id)
        if upload is None:
            return False
        upload.parts[part] = data
        return True

    def finish_part(self, body: Json) -> None:
        upload = self.uploads.get(str(body.get("upload_id")))
        part = body.get("part_index")
        data = upload.parts.get(part) if upload and isinstance(part, int) else None
        if upload is None or data is None:
            raise Refused(50059)
        if upload.pending:
            upload.pending -= 1
            raise Refused(40093001)
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != body.get("md5"):
            raise Refused(50059, words="part md5 mismatch")
        upload.finished.add(int(str(part)))

    def _assembled(self, place: Place, upload_id: str, name: str) -> tuple[bytes, str]:
        upload = self.uploads.get(upload_id)
        if upload is None or upload.place != place or upload.finished != set(upload.parts):
            raise Refused(304080)
        data = b"".join(upload.parts[number] for number in sorted(upload.parts))
        digests = {
            upload.md5: hashlib.md5(data, usedforsecurity=False),
            upload.sha1: hashlib.sha1(data, usedforsecurity=False),
            upload.md5_10m: hashlib.md5(data[:_FIRST_BYTES], usedforsecurity=False),
        }
        if any(told and told != digest.hexdigest() for told, digest in digests.items()):
            raise Refused(50059, words="digest mismatch")
        if len(data) != upload.size:
            raise Refused(50059, words="size mismatch")
        return data, name or upload.name
