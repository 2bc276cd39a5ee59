"""Answers that look odd and are whole: nothing here may cost a second attempt or a character."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..core.failure import Phase
from .actions import Close, Reset, Send, Stall, Wait
from .http1 import (
    EXTENDED,
    GZIP_ONLY_SAID,
    GZIP_UNSAID,
    GZIPPED,
    HTTP_1_0,
    PACKED_TRANSFER,
    SINGLE_BYTES,
    UNTIL_CLOSE,
)
from .manners import (
    after,
    another_choice,
    as_message,
    as_text,
    call_announced,
    closed_by,
    counted_from_one,
    cumulative,
    enveloped,
    every_choice,
    every_delta,
    filtered,
    finish_in_delta,
    finished,
    framed,
    json_lines,
    json_list,
    null_finish,
    parts,
    said,
    slow_first,
    stall_beside_finish,
    styled,
    then,
    typed,
    usage_with_finish,
    whole_again,
    whole_json,
    whole_json_open,
    without_choices,
)
from .scene import whole
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
        slow_first,
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
        framed(UNTIL_CLOSE),
    ),
    _row("http_1_0", "An HTTP/1.0 server.", "HTTP/1.0 的服务器。", framed(HTTP_1_0)),
    _row(
        "chunk_extensions",
        "HTTP chunks with extensions, and a trailer.",
        "HTTP 分块带扩展，末尾还有 trailer。",
        framed(EXTENDED),
    ),
    _row(
        "blank_line_first",
        "A blank line comes before the status line.",
        "状态行之前先来了一个空行。",
        lambda scene: (Send(b"\r\n"), *whole(scene)),
    ),
    _row("gzip", "The stream is compressed.", "流是压缩过的。", framed(GZIPPED)),
    _row(
        "gzip_unsaid",
        "The stream is compressed, and no header says so.",
        "流是压缩过的，响应头却没有说明。",
        framed(GZIP_UNSAID),
    ),
    _row(
        "gzip_only_said",
        "A header says that the stream is compressed, and it is not.",
        "响应头说流是压缩过的，其实不是。",
        framed(GZIP_ONLY_SAID),
    ),
    _row(
        "packed_transfer",
        "The stream is compressed on its way, as a transfer coding.",
        "流在传输途中被压缩（transfer coding）。",
        framed(PACKED_TRANSFER),
    ),
    _row(
        "split_utf8",
        "Every byte comes alone.",
        "每个字节都单独到来。",
        framed(SINGLE_BYTES),
    ),
    _row(
        "text_plain",
        "The stream calls itself plain text.",
        "流自称是纯文本。",
        typed("text/plain; charset=utf-8"),
    ),
    _row(
        "no_content_type",
        "The stream has no content type.",
        "流没有内容类型。",
        typed(""),
    ),
    _row(
        "json_content_type",
        "The stream calls itself JSON.",
        "流自称是 JSON。",
        typed("application/json"),
    ),
    _row(
        "whole_json",
        "One JSON document instead of the stream that was asked for.",
        "要的是流，来的却是一整份 JSON。",
        whole_json,
    ),
    _row(
        "whole_json_open",
        "One JSON document, and the body never ends.",
        "一整份 JSON，之后正文一直不结束。",
        whole_json_open,
    ),
)

WRITTEN_ODDLY: Sequence[Row] = (
    _row(
        "crlf",
        "Lines end with CR LF.",
        "行尾是 CR LF。",
        styled(lambda style: replace(style, line_end=b"\r\n")),
    ),
    _row(
        "cr",
        "Lines end with a lone CR.",
        "行尾只有一个 CR。",
        styled(lambda style: replace(style, line_end=b"\r")),
    ),
    _row(
        "bom",
        "The stream begins with a byte order mark.",
        "流以 BOM 开头。",
        after(b"\xef\xbb\xbf"),
    ),
    _row(
        "no_space",
        "No space stands after `data:`.",
        "data: 后面没有空格。",
        styled(lambda style: replace(style, field=b"data:")),
    ),
    _row(
        "many_lines",
        "The JSON of an event is spread over many data lines.",
        "一个事件的 JSON 分写在多行 data 里。",
        styled(lambda style: replace(style, indent=True)),
    ),
    _row(
        "fields",
        "Events carry names, ids and retry times.",
        "事件带有名称、编号和重连时间。",
        styled(lambda style: replace(style, before=b"event: message\nid: 7\nretry: 3000\n")),
    ),
    _row(
        "comments",
        "A comment stands before every event.",
        "每个事件前都有注释。",
        styled(lambda style: replace(style, before=b": OPENROUTER PROCESSING\n\n")),
    ),
    _row(
        "padding",
        "The stream begins with padding and blank lines.",
        "流以填充和空行开头。",
        after(b":" + b" " * 2048 + b"\n\n\n\n"),
    ),
    _row(
        "escaped",
        "All text is ASCII with \\u escapes.",
        "文本全部写成 \\u 转义的 ASCII。",
        styled(lambda style: replace(style, escape=True)),
    ),
    _row(
        "signs_of_life",
        "Events that are no JSON keep the line alive.",
        "不是 JSON 的事件只是为了保活。",
        styled(lambda style: replace(style, before=b"event: ping\ndata: 2026-01-01\n\n")),
    ),
    _row(
        "data_twice",
        "A proxy has marked as data what was marked already.",
        "代理给已经带 data: 的行又加了一次 data:。",
        styled(lambda style: replace(style, field=b"data: data: ")),
    ),
    _row(
        "no_blank_lines",
        "No blank line stands between the events.",
        "事件之间没有空行。",
        styled(lambda style: replace(style, gap=b"")),
    ),
    _row(
        "disguised",
        "A byte order mark, padding and capitals stand where lines should begin with `data:`.",
        "本应以 data: 开头的行，前面却有 BOM 和填充，还写成了大写。",
        styled(lambda style: replace(style, field=b"\xef\xbb\xbf\0 DATA : ")),
    ),
    _row(
        "escaped_line_ends",
        "The line ends after an event are written out as backslashes and letters.",
        "事件后面的换行被写成了反斜杠加字母。",
        styled(lambda style: replace(style, ending=b"\\n\\n")),
    ),
    _row(
        "raw_line_ends",
        "The JSON of an event has line ends, and only its first line is marked as data.",
        "事件的 JSON 带有换行，却只有第一行标着 data:。",
        styled(lambda style: replace(style, indent=True, bare=True)),
    ),
    _row(
        "json_lines",
        "A JSON text a line, without the form of events.",
        "每行一个 JSON，没有事件流的格式。",
        json_lines,
    ),
    _row(
        "json_list",
        "One JSON list, which grows chunk by chunk (Google).",
        "一个 JSON 列表，数据块逐个写入（Google）。",
        json_list,
    ),
    _row(
        "texts_of_json",
        "All JSON texts come in one event, with a comma after each.",
        "所有 JSON 都写在同一个事件里，每个后面跟一个逗号。",
        styled(lambda style: replace(style, ending=b",", gap=b"")),
    ),
    _row(
        "json_in_json",
        "The JSON of an event stands in a JSON string.",
        "事件的 JSON 又被装进一个 JSON 字符串。",
        styled(lambda style: replace(style, quoted=True)),
    ),
    _row(
        "of_tomorrow",
        "Every object has a member that nobody knows yet; events of unknown types come between.",
        "每个对象都多出一个没人认识的成员，事件之间还有类型未知的事件。",
        styled(lambda style: replace(style, news=True)),
    ),
)

SAID_ODDLY: Sequence[Row] = (
    _row(
        "stop_on_every_chunk",
        "Every chunk has the finish reason `stop`.",
        "每个数据块都带着结束原因 stop。",
        said(every_choice(lambda choice: {**choice, "finish_reason": "stop"})),
    ),
    _row(
        "role_on_every_chunk",
        "Every chunk names the role.",
        "每个数据块都写着角色。",
        said(every_delta(lambda delta: {"role": "assistant", **delta})),
    ),
    _row(
        "usage_on_last",
        "The usage comes with the finish reason, not in a chunk of its own.",
        "用量和结束原因写在同一个数据块里。",
        usage_with_finish,
    ),
    _row(
        "stall_beside_finish",
        "The finish reason stands beside the last words; then silence.",
        "结束原因和最后几个字写在一起，之后再没有声音。",
        stall_beside_finish,
    ),
    _row(
        "null_finish",
        "The last delta is full of nulls.",
        "最后的增量里全是 null。",
        null_finish,
    ),
    _row(
        "empty_choices",
        "The first chunk has no choices (Azure).",
        "第一个数据块没有 choices（Azure）。",
        said(without_choices),
    ),
    _row(
        "message_member",
        "Chunks have a `message` where a `delta` is due.",
        "数据块里写的是 message，而不是 delta。",
        said(every_choice(as_message)),
    ),
    _row(
        "empty_call",
        "Every delta has a function call of which nothing is said.",
        "每个增量都带着一个内容全空的函数调用。",
        said(every_delta(lambda delta: {**delta, "function_call": {"name": "", "arguments": ""}})),
    ),
    _row(
        "content_parts",
        "The content is a list of parts.",
        "内容是由部件组成的列表。",
        said(every_delta(parts)),
    ),
    _row(
        "text_member",
        "Choices have a `text`, as in completions of the older form.",
        "choices 里写的是旧式补全的 text。",
        said(every_choice(as_text)),
    ),
    _row(
        "in_an_envelope",
        "Each chunk stands in an envelope of the sender's own.",
        "每个数据块都装在发送方自己的外壳里。",
        said(enveloped),
    ),
    _row(
        "cumulative",
        "Every delta holds all the text so far.",
        "每个增量都包含到此为止的全部文本。",
        said(cumulative),
    ),
    _row(
        "whole_again",
        "The last delta is the whole answer again.",
        "最后一个增量把整个回答又说了一遍。",
        said(whole_again),
    ),
    _row(
        "counted_from_one",
        "The only choice has the index 1.",
        "唯一的 choice 编号是 1。",
        counted_from_one,
    ),
    _row(
        "another_choice",
        "Two choices come where one was asked for.",
        "只要一个 choice，却来了两个。",
        another_choice,
    ),
    _row(
        "filter_results",
        "Results of a filter come in chunks without a delta, also after the end (Azure).",
        "过滤器的结果写在没有 delta 的数据块里，结束之后也有（Azure）。",
        filtered,
    ),
    _row(
        "finish_in_delta",
        "The finish reason stands in the delta.",
        "结束原因写在 delta 里。",
        finish_in_delta,
    ),
    _row(
        "call_announced",
        "The finish reason says that a tool is called, and none is.",
        "结束原因说调用了工具，其实没有。",
        call_announced,
    ),
)

ENDED_ODDLY: Sequence[Row] = (
    _row(
        "no_done",
        "The finish reason comes, but no [DONE].",
        "有结束原因，没有 [DONE]。",
        closed_by(),
    ),
    _row(
        "done_spaced",
        "Spaces stand after [DONE].",
        "[DONE] 后面还有空格。",
        closed_by(b"data: [DONE]  \n\n"),
    ),
    _row(
        "length",
        "The model has reached its length limit: that is a whole answer, too.",
        "模型达到长度上限：这也是完整的回答。",
        finished("length"),
        Position.CHUNK,
        "length",
    ),
    _row(
        "content_filter",
        "The vendor's filter ends the answer and says so.",
        "供应商的过滤器结束了回答，并且说明了。",
        finished("content_filter"),
        Position.CHUNK,
        "content_filter",
    ),
    _row(
        "reset_after_finish",
        "The connection is reset after the finish reason.",
        "给出结束原因之后，连接被重置。",
        then(Reset()),
        Position.AFTER,
    ),
    _row(
        "eof_after_finish",
        "The connection is closed after the finish reason, before the body ends.",
        "给出结束原因之后，正文还没结束，连接就被关闭。",
        then(Close()),
        Position.AFTER,
    ),
    _row(
        "stall_after_finish",
        "Silence after the finish reason.",
        "给出结束原因之后，再没有声音。",
        then(Stall()),
        Position.AFTER,
    ),
)

HEALTHY: Sequence[Row] = (*ON_THE_WAY, *WRITTEN_ODDLY, *SAID_ODDLY, *ENDED_ODDLY)
