"""Which request means what: the HTTP interface of the platform, without sockets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

from ..reading import RawRequest
from .media import MediaDesk
from .posting import CONTENT, post, post_guild, recall
from .refusal import Refused
from .rules import Place
from .streams import Streams
from .tokens import TokenDesk
from .world import World

Json = dict[str, Any]

_PLACES: Mapping[str, Place] = {
    "users": "c2c",
    "groups": "group",
    "channels": "channel",
    "dms": "dm",
}
_PERSONAL = re.compile(r"/v2/(users|groups)/([^/]+)/(\w+)(?:/([^/]+))?")
_GUILD = re.compile(r"/(channels|dms)/([^/]+)/messages(?:/([^/]+))?")
_COS = re.compile(r"/cos/([^/]+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Json | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came, and how it was answered."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Json
    status: int
    code: int = 0


@dataclass(slots=True)
class Interaction:
    at: float
    answered: list[int] = field(default_factory=list)
    late: bool = False


class Desk:
    """`live` tells whether a gateway session is on; `origin` is where presigned URLs lead."""

    def __init__(
        self,
        world: World,
        tokens: TokenDesk,
        bot: Json,
        live: Callable[[], bool],
        gateway: Callable[[], Json],
    ) -> None:
        self.origin = ""
        self.media = MediaDesk(world)
        self.streams = Streams(world)
        self.interactions: dict[str, Interaction] = {}
        self.asked: list[Asked] = []
        self._world = world
        self._tokens = tokens
        self._bot = bot
        self._live = live
        self._gateway = gateway

    def answer(self, request: RawRequest) -> Answer:
        body: Json = {}
        code = 0
        try:
            body = _body(request)
            answer = self._answer(request, body)
        except Refused as refused:
            code = refused.err_code
            answer = refusal(refused)
        path = request.path.partition("?")[0]
        kept = {} if path.endswith("getAppAccessToken") else body
        self.asked.append(Asked(request.method, path, request.headers, kept, answer.status, code))
        return answer

    def _answer(self, request: RawRequest, body: Json) -> Answer:
        method, path = request.method, request.path.partition("?")[0]
        if (method, path) == ("POST", "/app/getAppAccessToken"):
            return Answer(200, self._tokens.issue(body))
        if method == "PUT" and (match := _COS.fullmatch(path)):
            return self._put(match, request)
        self._tokens.check(request.headers.get("authorization"))
        match method, path:
            case "GET", "/users/@me":
                return Answer(200, self._bot)
            case "GET", "/gateway":
                return Answer(200, {"url": self._gateway()["url"]})
            case "GET", "/gateway/bot":
                return Answer(200, self._gateway())
            case "POST", "/users/@me/dms":
                return self._open_dm(body)
            case _:
                return self._elsewhere(method, path, body)

    def _elsewhere(self, method: str, path: str, body: Json) -> Answer:
        if method == "PUT" and path.startswith("/interactions/"):
            return self._acknowledge(path.rpartition("/")[2], body)
        if match := _PERSONAL.fullmatch(path):
            return self._personal(method, match, body)
        if match := _GUILD.fullmatch(path):
            return self._guild(method, match, body)
        raise Refused(404, 404, "no such API")

    def _personal(self, method: str, match: re.Match[str], body: Json) -> Answer:
        place, target = _PLACES[match[1]], match[2]
        match method, match[3], match[4]:
            case "POST", "messages", None:
                return Answer(200, post(self._world, self.media, place, target, body))
            case "DELETE", "messages", str(message_id):
                recall(self._world, place, target, message_id)
                return Answer(200, {})
            case "POST", "stream_messages", None if place == "c2c":
                return Answer(200, self.streams.post(target, body))
            case "POST", "files", None:
                stored = self.media.store(place, target, body)
                if body.get("srv_send_msg"):
                    shown = {"msg_type": 7, "media": {"file_info": stored["file_info"]}}
                    stored |= post(self._world, self.media, place, target, shown)
                return Answer(200, stored)
            case "POST", "upload_prepare", None:
                return Answer(200, self.media.prepare(place, target, body, self.origin))
            case "POST", "upload_part_finish", None:
                self.media.finish_part(body)
                return Answer(200, {})
            case _:
                raise Refused(404, 404, "no such API")

    def _guild(self, method: str, match: re.Match[str], body: Json) -> Answer:
        place, target = _PLACES[match[1]], match[2]
        if method == "POST" and match[3] is None:
            sent = post_guild(self._world, place, target, body, self._bot, live=self._live())
            return Answer(200, sent)
        if method == "DELETE" and match[3]:
            recall(self._world, place, target, match[3])
            return Answer(204)
        raise Refused(405, 405, "method not allowed")

    def _open_dm(self, body: Json) -> Answer:
        target = f"dm-{body.get('recipient_id')}"
        self._world.conversation("dm", target)
        created = str(int(self._world.now()))
        return Answer(
            200, {"guild_id": target, "channel_id": f"c-{target}", "create_time": created}
        )

    def _put(self, match: re.Match[str], request: RawRequest) -> Answer:
        """The object store: presigned, so it takes no other authorisation."""
        if "authorization" in request.headers:
            return Answer(400, {"message": "only one auth mechanism allowed"})
        known = self.media.put(match[1], int(match[2]), request.body)
        return Answer(200 if known else 404, {})

    def _acknowledge(self, interaction_id: str, body: Json) -> Answer:
        interaction = self.interactions.get(interaction_id)
        if interaction is None:
            raise Refused(40034025)
        if interaction.answered:
            self._world.complaints.append("an interaction was acknowledged twice")
        interaction.late = self._world.now() - interaction.at > 3.0
        interaction.answered.append(int(body.get("code", 0)))
        self._world.changed()
        return Answer(204)


def refusal(refused: Refused) -> Answer:
    return Answer(
        refused.status,
        {"message": refused.words, "code": refused.code, "err_code": refused.err_code},
    )


def _body(request: RawRequest) -> Json:
    """JSON, or the fields of a form with the names of its files, and their contents beside."""
    if not request.body or request.path.startswith("/cos/"):
        return {}
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return _form(kind, request.body)
    try:
        value = json.loads(request.body)
    except ValueError:
        raise Refused(50059, words="the body is no JSON") from None
    if not isinstance(value, dict):
        raise Refused(50059, words="the body is no JSON object")
    return value


def _form(kind: str, body: bytes) -> Json:
    whole = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body, policy=HTTP)
    fields: Json = {}
    for part in whole.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
        fields[name] = part.get_filename() or text
        if part.get_filename():
            fields[f"{name}{CONTENT}"] = content
    return fields
