"""Faults of a body on its way: cut, reset, silent, miscounted, miscoded.

Each is played after "@K" pieces of an answer that had begun well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..core.failure import Kind, Phase
from .actions import Action, Close, Drip, Reset, Send, Stall, Wait
from .http1 import GZIPPED, LAST_CHUNK, UNTIL_CLOSE, chunk
from .scene import Actions, Scene, head_of, told
from .truth import Player, Position, Row, Truth

_BEAT = 0.02  # seconds in which what was sent can be read before it is spoiled


def _row(
    name: str, kind: Kind, phase: Phase, en: str, zh: str, play: Player, cause: str = ""
) -> Row:
    return Row(Truth(name, kind, phase, en, zh, Position.CHUNK, cause), play)


def _then(*ending: Action) -> Player:
    return lambda scene: (*told(scene, scene.after), *ending)


def _drip(scene: Scene) -> Actions:
    sign = scene.frame(b": keep-alive\n\n") if scene.stream else b"\n"
    return (*told(scene, scene.after), Drip(sign, scene.habits.every))


def _end_of_connection(scene: Scene) -> Actions:
    return (*told(replace(scene, framing=UNTIL_CLOSE), scene.after), Close())


def _short_length(scene: Scene) -> Actions:
    """A length is promised that the body never reaches."""
    plain = replace(scene, framing=UNTIL_CLOSE)
    _, *body = told(plain, scene.after)
    return (Send(head_of(plain, (("Content-Length", "10000000"),))), *body, Close())


def _gzip_garbage(scene: Scene) -> Actions:
    garbage = bytes(range(255, 127, -1))
    begun = told(replace(scene, framing=GZIPPED), scene.after)
    return (*begun, Wait(_BEAT), Send(chunk(garbage) + LAST_CHUNK))


BODY_FAULTS: Sequence[Row] = (
    _row(
        "eof",
        Kind.TRUNCATED,
        Phase.STREAM,
        "The connection is closed in the middle of the body.",
        "正文传到一半，连接被关闭。",
        _then(Close()),
        "EOF",
    ),
    _row(
        "eof_in_chunk",
        Kind.TRUNCATED,
        Phase.STREAM,
        "The connection is closed in the middle of an HTTP chunk.",
        "一个 HTTP 分块才传了一半，连接被关闭。",
        _then(Send(b'1a4\r\ndata: {"id":'), Close()),
        "EOF",
    ),
    _row(
        "reset",
        Kind.RESET,
        Phase.STREAM,
        "The connection is reset in the middle of the body.",
        "正文传到一半，连接被重置。",
        _then(Reset()),
        "ECONNRESET",
    ),
    _row(
        "close_end",
        Kind.TRUNCATED,
        Phase.END,
        "A body without a length ends with the connection, before the answer does.",
        "没有长度的正文随连接一起结束，而回答还没有完。",
        _end_of_connection,
        "EOF",
    ),
    _row(
        "short_length",
        Kind.TRUNCATED,
        Phase.STREAM,
        "The body is shorter than its Content-Length.",
        "正文比 Content-Length 声明的要短。",
        _short_length,
        "EOF",
    ),
    _row(
        "bad_chunk_header",
        Kind.CODING,
        Phase.STREAM,
        "The length of an HTTP chunk is not a number.",
        "HTTP 分块的长度不是数字。",
        _then(Send(b"zz\r\ndata: {}\r\n"), Close()),
    ),
    _row(
        "gzip_garbage",
        Kind.CODING,
        Phase.STREAM,
        "A compressed body turns into garbage.",
        "压缩的正文变成了乱码。",
        _gzip_garbage,
    ),
    _row(
        "stall",
        Kind.TIMEOUT,
        Phase.STREAM,
        "The answer falls silent; the connection stays open.",
        "回答不再出声，连接却还开着。",
        _then(Stall()),
    ),
    _row(
        "drip",
        Kind.TIMEOUT,
        Phase.STREAM,
        "From here on there are only keep-alive comments.",
        "从此只有保活注释，再没有内容。",
        _drip,
    ),
)
