"""Messages that grow: `POST /v2/users/{openid}/stream_messages`.

What was delivered cannot be changed; a stream that never ends is rolled back by the clients.
"""

from __future__ import annotations

import uuid
from typing import Any

from .posting import check_text
from .refusal import PREFIX_CHANGED, Refused
from .seen import Conversation, Shown
from .world import Json, World

GENERATING, ENDED = 1, 10


class Streams:
    def __init__(self, world: World) -> None:
        self._world = world
        self._open: dict[str, tuple[Conversation, Shown]] = {}
        self._frames: list[float] = []

    def post(self, target: str, body: Json) -> dict[str, Any]:
        """One frame. Raises Refused; what breaks the rules of streams is a complaint as well."""
        conversation = self._world.conversation("c2c", target)
        mode = body.get("input_mode", "append")
        state, index = body.get("input_state", GENERATING), body.get("index", 0)
        form, piece = body.get("content_type", "text"), body.get("content_raw")
        if mode not in ("append", "replace") or state not in (GENERATING, ENDED):
            raise self._wrong("input_mode or input_state is none that is known")
        if form not in ("text", "markdown") or not isinstance(piece, str):
            raise self._wrong("content_type or content_raw is not what it must be")
        if not isinstance(index, int) or isinstance(index, bool) or index < 0:
            raise self._wrong("index is no number")
        self._throttle()
        if len(piece.encode()) > self._world.rules.frame_bytes:
            raise Refused(40054018)
        known = body.get("stream_msg_id")
        if known is None:
            shown = self._begin(conversation, body, form, piece)
        else:
            shown = self._grow(conversation, str(known), body, mode, piece)
        shown.frames.append(shown.body)
        shown.indexes.append(index)
        shown.finished = state == ENDED
        shown.last_at = self._world.now()
        self._world.changed()
        answer = self._world.receipt(shown)
        if self._world.rules.remain_msg_len is not None:
            answer["remain_msg_len"] = self._world.rules.remain_msg_len
        return answer

    def _begin(self, conversation: Conversation, body: Json, form: Any, piece: str) -> Shown:
        world = self._world
        slot = world.slot(conversation, body)
        anchor = world.anchor(conversation, body)
        if not piece:
            raise Refused(50006)
        if form == "markdown" and "c2c" not in world.rules.markdown:
            raise Refused(40034012)
        check_text(world, conversation, piece, "markdown")
        world.spend(conversation, anchor)
        world.taken.add(slot)
        number = world.serial()
        shown = Shown(
            id=str(uuid.UUID(int=number, version=4)),
            kind="stream",
            body=piece,
            at=world.now(),
            answers=str(body.get("msg_id") or body.get("event_id") or ""),
            seq=body.get("msg_seq", 1),
            format=form,
            finished=False,
            patience=world.rules.stream_patience,
        )
        self._open[shown.id] = (conversation, shown)
        conversation.shown.append(shown)
        return shown

    def _grow(
        self, conversation: Conversation, known: str, body: Json, mode: str, piece: str
    ) -> Shown:
        world = self._world
        owner, shown = self._open.get(known, (None, None))
        if shown is None or owner is not conversation:
            raise self._wrong(f"stream_msg_id {known!r} names no stream of this conversation")
        index = body.get("index", 0)
        idle = world.rules.stream_idle
        if idle is not None and world.now() - shown.last_at > idle and not shown.finished:
            shown.finished = shown.left = True
        if shown.left:
            raise Refused(50059, words="流式消息已结束")
        if mode == "replace" and piece == shown.body and _same(shown, body):
            raise Refused(40054005 if world.rules.frame_repeated == "known" else 50059)
        if shown.finished:
            raise self._wrong("a frame came after the last one")
        if index <= shown.indexes[-1]:
            raise self._wrong(f"index {index} does not follow {shown.indexes[-1]}")
        if body.get("msg_seq", 1) != shown.seq:
            raise self._wrong(f"msg_seq changed from {shown.seq} to {body.get('msg_seq', 1)}")
        if str(body.get("msg_id") or body.get("event_id") or "") != shown.answers:
            raise self._wrong("the stream names another message than it began with")
        text = shown.body + piece if mode == "append" else piece
        if not text.startswith(shown.body):
            world.complaints.append("a frame changed what had been delivered")
            raise PREFIX_CHANGED
        limit = world.rules.stream_chars
        if limit is not None and len(text) > limit:
            raise Refused(40054018)
        check_text(world, conversation, text, "markdown")
        shown.body = text
        return shown

    def _throttle(self) -> None:
        now = self._world.now()
        self._frames = [at for at in self._frames if now - at < 1.0]
        if len(self._frames) >= self._world.rules.frames_per_second:
            raise Refused(50002, 429)
        self._frames.append(now)

    def _wrong(self, why: str) -> Refused:
        self._world.complaints.append(why)
        return Refused(50059, words=why)


def _same(shown: Shown, body: Json) -> bool:
    """Whether the frame was had before: its answer was lost. An end is an end at any index."""
    ends = body.get("input_state") == ENDED
    return shown.finished == ends and (ends or body.get("index") == shown.indexes[-1])
