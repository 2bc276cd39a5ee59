"""Answers that look odd and are whole: nothing here may cost a second attempt or a character."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from ..core.failure import Phase
from .actions import Action, Close, Reset, Send, Stall, Wait
from .http1 import (
    EXTENDED,
    GZIP_ONLY_SAID,
    GZIP_UNSAID,
    GZIPPED,
    HTTP_1_0,
    SINGLE_BYTES,
    UNTIL_CLOSE,
    Framing,
)
from .scene import DONE, Actions, Scene, Style, as_json, told, until, whole, with_body
from .speech import ChatVoice, Payload, Speech
from .truth import Player, Position, Row, Truth

_EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </v1/models>; rel=preload\r\n\r\n"


def _row(
    name: str,
    en: str,
    zh: str,
    play: Player,
    position: Position = Position.BEFORE,
    finish: str = "stop",
) -> Row:
    return Row(Truth(name, None, Phase.END, en, zh, position, finish=finish), play)


def _styled(change: Callable[[Style], Style]) -> Player:
    return lambda scene: whole(replace(scene, style=change(scene.style)))


def _framed(framing: Framing) -> Player:
    return lambda scene: whole(replace(scene, framing=framing))


def _after(prologue: bytes) -> Player:
    return lambda scene: whole(replace(scene, prologue=prologue))


def _typed(content_type: str) -> Player:
    return lambda scene: whole(replace(scene, content_type=content_type))


def _said(change: Callable[[Speech], Speech]) -> Player:
    return lambda scene: whole(replace(scene, speech=change(scene.speech)))


def _closed_by(*closing: bytes) -> Player:
    """Finish and usage as ever, and these bytes for what comes after them."""
    return lambda scene: whole(scene, [*map(scene.style.event, scene.speech.closing), *closing])


def _then(*ending: Action) -> Player:
    """All pieces, finish and usage; then this, before the end of the body."""
    return lambda scene: (
        *told(scene, scene.count),
        *(map(scene.event, scene.speech.closing) if scene.stream else ()),
        *ending,
    )


def _finished(word: str) -> Player:
    def play(scene: Scene) -> Actions:
        cut = until(scene, scene.after)
        return whole(replace(cut, speech=replace(cut.speech, finish=word)))

    return play


def _slow_first(scene: Scene) -> Actions:
    head, opening, *rest = whole(scene)
    return (head, opening, Wait(scene.habits.late), *rest)


def _whole_json(scene: Scene) -> Actions:
    content = (("Content-Type", "application/json"),)
    return with_body(200, content, as_json(scene.speech.whole), scene.request_id)


def _every_delta(change: Callable[[Payload], Payload]) -> Callable[[Speech], Speech]:
    """Changes the delta of every choice of every piece."""

    def choice(old: Payload) -> Payload:
        return {**old, "delta": change(old["delta"])}

    return _every_choice(choice)


def _every_choice(change: Callable[[Payload], Payload]) -> Callable[[Speech], Speech]:
    def payload(old: Payload) -> Payload:
        return {**old, "choices": [change(choice) for choice in old["choices"]]}

    return lambda speech: replace(
        speech, pieces=tuple(tuple(map(payload, piece)) for piece in speech.pieces)
    )


def _as_message(choice: Payload) -> Payload:
    return {("message" if name == "delta" else name): value for name, value in choice.items()}


def _parts(delta: Payload) -> Payload:
    text = delta.get("content")
    return (
        {**delta, "content": [{"type": "text", "text": text}]} if isinstance(text, str) else delta
    )


def _as_text(choice: Payload) -> Payload:
    text = choice["delta"].get("content")
    return choice if text is None else {"index": choice["index"], "text": text}


def _enveloped(speech: Speech) -> Speech:
    return replace(
        speech,
        pieces=tuple(
            tuple({"code": 0, "msg": "ok", "data": payload} for payload in piece)
            for piece in speech.pieces
        ),
    )


def _text_of(piece: tuple[Payload, ...]) -> str:
    return piece[0]["choices"][0]["delta"].get("content") or ""


def _cumulative(speech: Speech) -> Speech:
    said = accumulate(map(_text_of, speech.pieces))
    pieces = (
        _voice(speech).chunk({"content": so_far}) if _text_of(piece) else piece
        for piece, so_far in zip(speech.pieces, said, strict=True)
    )
    return replace(speech, pieces=tuple(pieces))


_TELLING = 16  # bytes of an answer that nobody says twice


def _whole_again(speech: Speech) -> Speech:
    said = list(filter(None, map(_text_of, speech.pieces)))
    text = "".join(said)
    if len(said) < 2 or len(text.encode()) < _TELLING:
        return speech  # nobody could tell that it is no refrain
    again = _voice(speech).chunk({"content": text})
    return replace(speech, pieces=(*speech.pieces, again))


def _voice(speech: Speech) -> ChatVoice:
    """Only chat can be said in these ways; `script` sees to it."""
    assert isinstance(speech.voice, ChatVoice)
    return speech.voice


def _usage_with_finish(scene: Scene) -> Actions:
    *others, last = _voice(scene.speech).chunk({}, scene.speech.finish)
    events = [*others, {**last, "usage": scene.speech.usage}]
    return whole(scene, [*map(scene.style.event, events), scene.style.raw(DONE)])


def _null_finish(scene: Scene) -> Actions:
    nothing: dict[str, Any] = {"role": None, "content": None, "tool_calls": None}
    events = _voice(scene.speech).chunk(nothing, scene.speech.finish)
    return whole(scene, [*map(scene.style.event, events), scene.style.raw(DONE)])


def _finish_in_delta(scene: Scene) -> Actions:
    events = _voice(scene.speech).chunk({"finish_reason": scene.speech.finish})
    return whole(scene, [*map(scene.style.event, events), scene.style.raw(DONE)])


def _counted_from_one(scene: Scene) -> Actions:
    if _voice(scene.speech).choices > 1:
        return whole(scene)

    def later(payload: Payload) -> Payload:
        choices = [{**choice, "index": choice["index"] + 1} for choice in payload["choices"]]
        return {**payload, "choices": choices}

    speech = scene.speech
    closing = [scene.style.event(later(payload)) for payload in speech.closing]
    pieces = tuple(tuple(map(later, piece)) for piece in speech.pieces)
    opening = tuple(map(later, speech.opening))
    changed = replace(scene, speech=replace(speech, opening=opening, pieces=pieces))
    return whole(changed, [*closing, scene.style.raw(DONE)])


def _without_choices(speech: Speech) -> Speech:
    """Azure's first chunk, which is about the prompt."""
    filters = [{"prompt_index": 0, "content_filter_results": {}}]
    prelude = _voice(speech).bare(prompt_filter_results=filters)
    return replace(speech, opening=(prelude, *speech.opening))


ON_THE_WAY: Sequence[Row] = (
    _row("ok", "A whole answer.", "一个完整的回答。", whole),
    _row(
        "slow_headers",
        "The headers are late, and all is well.",
        "响应头来得晚，但一切正常。",
        lambda scene: (Wait(scene.habits.late), *whole(scene)),
    ),
    _row(
        "slow_first",
        "The first words are late, and all is well.",
        "开头的字来得晚，但一切正常。",
        _slow_first,
    ),
    _row(
        "informational",
        "An interim response (103) comes first.",
        "先来了一个临时响应（103）。",
        lambda scene: (Send(_EARLY), *whole(scene)),
    ),
    _row(
        "close_unannounced",
        "The connection is closed after the answer without having said so.",
        "回答之后连接被关闭，事先没有说明。",
        lambda scene: (*whole(scene), Close()),
    ),
    _row(
        "until_close",
        "A body without a length, which ends with the connection.",
        "没有长度的正文，随连接一起结束。",
        _framed(UNTIL_CLOSE),
    ),
    _row("http_1_0", "An HTTP/1.0 server.", "HTTP/1.0 的服务器。", _framed(HTTP_1_0)),
    _row(
        "chunk_extensions",
        "HTTP chunks with extensions, and a trailer.",
        "HTTP 分块带扩展，末尾还有 trailer。",
        _framed(EXTENDED),
    ),
    _row(
        "blank_line_first",
        "A blank line comes before the status line.",
        "状态行之前先来了一个空行。",
        lambda scene: (Send(b"\r\n"), *whole(scene)),
    ),
    _row("gzip", "The stream is compressed.", "流是压缩过的。", _framed(GZIPPED)),
    _row(
        "gzip_unsaid",
        "The stream is compressed, and no header says so.",
        "流是压缩过的，响应头却没有说明。",
        _framed(GZIP_UNSAID),
    ),
    _row(
        "gzip_only_said",
        "A header says that the stream is compressed, and it is not.",
        "响应头说流是压缩过的，其实不是。",
        _framed(GZIP_ONLY_SAID),
    ),
    _row(
        "split_utf8",
        "Every byte comes alone.",
        "每个字节都单独到来。",
        _framed(SINGLE_BYTES),
    ),
    _row(
        "text_plain",
        "The stream calls itself plain text.",
        "流自称是纯文本。",
        _typed("text/plain; charset=utf-8"),
    ),
    _row(
        "no_content_type",
        "The stream has no content type.",
        "流没有内容类型。",
        _typed(""),
    ),
    _row(
        "json_content_type",
        "The stream calls itself JSON.",
        "流自称是 JSON。",
        _typed("application/json"),
    ),
    _row(
        "whole_json",
        "One JSON document instead of the stream that was asked for.",
        "要的是流，来的却是一整份 JSON。",
        _whole_json,
    ),
)

WRITTEN_ODDLY: Sequence[Row] = (
    _row(
        "crlf",
        "Lines end with CR LF.",
        "行尾是 CR LF。",
        _styled(lambda style: replace(style, line_end=b"\r\n")),
    ),
    _row(
        "cr",
        "Lines end with a lone CR.",
        "行尾只有一个 CR。",
        _styled(lambda style: replace(style, line_end=b"\r")),
    ),
    _row(
        "bom",
        "The stream begins with a byte order mark.",
        "流以 BOM 开头。",
        _after(b"\xef\xbb\xbf"),
    ),
    _row(
        "no_space",
        "No space stands after `data:`.",
        "data: 后面没有空格。",
        _styled(lambda style: replace(style, field=b"data:")),
    ),
    _row(
        "many_lines",
        "The JSON of an event is spread over many data lines.",
        "一个事件的 JSON 分写在多行 data 里。",
        _styled(lambda style: replace(style, indent=True)),
    ),
    _row(
        "fields",
        "Events carry names, ids and retry times.",
        "事件带有名称、编号和重连时间。",
        _styled(lambda style: replace(style, before=b"event: message\nid: 7\nretry: 3000\n")),
    ),
    _row(
        "comments",
        "A comment stands before every event.",
        "每个事件前都有注释。",
        _styled(lambda style: replace(style, before=b": OPENROUTER PROCESSING\n\n")),
    ),
    _row(
        "padding",
        "The stream begins with padding and blank lines.",
        "流以填充和空行开头。",
        _after(b":" + b" " * 2048 + b"\n\n\n\n"),
    ),
    _row(
        "escaped",
        "All text is ASCII with \\u escapes.",
        "文本全部写成 \\u 转义的 ASCII。",
        _styled(lambda style: replace(style, escape=True)),
    ),
    _row(
        "signs_of_life",
        "Events that are no JSON keep the line alive.",
        "不是 JSON 的事件只是为了保活。",
        _styled(lambda style: replace(style, before=b"event: ping\ndata: 2026-01-01\n\n")),
    ),
    _row(
        "data_twice",
        "A proxy has marked as data what was marked already.",
        "代理给已经带 data: 的行又加了一次 data:。",
        _styled(lambda style: replace(style, field=b"data: data: ")),
    ),
    _row(
        "no_blank_lines",
        "No blank line stands between the events.",
        "事件之间没有空行。",
        _styled(lambda style: replace(style, gap=b"")),
    ),
    _row(
        "raw_line_ends",
        "The JSON of an event has line ends, and only its first line is marked as data.",
        "事件的 JSON 带有换行，却只有第一行标着 data:。",
        _styled(lambda style: replace(style, indent=True, bare=True)),
    ),
    _row(
        "json_in_json",
        "The JSON of an event stands in a JSON string.",
        "事件的 JSON 又被装进一个 JSON 字符串。",
        _styled(lambda style: replace(style, quoted=True)),
    ),
)

SAID_ODDLY: Sequence[Row] = (
    _row(
        "stop_on_every_chunk",
        "Every chunk has the finish reason `stop`.",
        "每个数据块都带着结束原因 stop。",
        _said(_every_choice(lambda choice: {**choice, "finish_reason": "stop"})),
    ),
    _row(
        "role_on_every_chunk",
        "Every chunk names the role.",
        "每个数据块都写着角色。",
        _said(_every_delta(lambda delta: {"role": "assistant", **delta})),
    ),
    _row(
        "usage_on_last",
        "The usage comes with the finish reason, not in a chunk of its own.",
        "用量和结束原因写在同一个数据块里。",
        _usage_with_finish,
    ),
    _row(
        "null_finish",
        "The last delta is full of nulls.",
        "最后的增量里全是 null。",
        _null_finish,
    ),
    _row(
        "empty_choices",
        "The first chunk has no choices (Azure).",
        "第一个数据块没有 choices（Azure）。",
        _said(_without_choices),
    ),
    _row(
        "message_member",
        "Chunks have a `message` where a `delta` is due.",
        "数据块里写的是 message，而不是 delta。",
        _said(_every_choice(_as_message)),
    ),
    _row(
        "content_parts",
        "The content is a list of parts.",
        "内容是由部件组成的列表。",
        _said(_every_delta(_parts)),
    ),
    _row(
        "text_member",
        "Choices have a `text`, as in completions of the older form.",
        "choices 里写的是旧式补全的 text。",
        _said(_every_choice(_as_text)),
    ),
    _row(
        "in_an_envelope",
        "Each chunk stands in an envelope of the sender's own.",
        "每个数据块都装在发送方自己的外壳里。",
        _said(_enveloped),
    ),
    _row(
        "cumulative",
        "Every delta holds all the text so far.",
        "每个增量都包含到此为止的全部文本。",
        _said(_cumulative),
    ),
    _row(
        "whole_again",
        "The last delta is the whole answer again.",
        "最后一个增量把整个回答又说了一遍。",
        _said(_whole_again),
    ),
    _row(
        "counted_from_one",
        "The only choice has the index 1.",
        "唯一的 choice 编号是 1。",
        _counted_from_one,
    ),
    _row(
        "finish_in_delta",
        "The finish reason stands in the delta.",
        "结束原因写在 delta 里。",
        _finish_in_delta,
    ),
)

ENDED_ODDLY: Sequence[Row] = (
    _row(
        "no_done",
        "The finish reason comes, but no [DONE].",
        "有结束原因，没有 [DONE]。",
        _closed_by(),
    ),
    _row(
        "done_spaced",
        "Spaces stand after [DONE].",
        "[DONE] 后面还有空格。",
        _closed_by(b"data: [DONE]  \n\n"),
    ),
    _row(
        "length",
        "The model has reached its length limit: that is a whole answer, too.",
        "模型达到长度上限：这也是完整的回答。",
        _finished("length"),
        Position.CHUNK,
        "length",
    ),
    _row(
        "content_filter",
        "The vendor's filter ends the answer and says so.",
        "供应商的过滤器结束了回答，并且说明了。",
        _finished("content_filter"),
        Position.CHUNK,
        "content_filter",
    ),
    _row(
        "reset_after_finish",
        "The connection is reset after the finish reason.",
        "给出结束原因之后，连接被重置。",
        _then(Reset()),
        Position.AFTER,
    ),
    _row(
        "eof_after_finish",
        "The connection is closed after the finish reason, before the body ends.",
        "给出结束原因之后，正文还没结束，连接就被关闭。",
        _then(Close()),
        Position.AFTER,
    ),
    _row(
        "stall_after_finish",
        "Silence after the finish reason.",
        "给出结束原因之后，再没有声音。",
        _then(Stall()),
        Position.AFTER,
    ),
)

HEALTHY: Sequence[Row] = (*ON_THE_WAY, *WRITTEN_ODDLY, *SAID_ODDLY, *ENDED_ODDLY)
