"""What is read of each event that has words of its own here; all else in it travels beside them."""

from __future__ import annotations

from collections.abc import Mapping

from ..beside import Rest
from ..fields import ANY, Known
from .words import ENDS, ITEM_DONE


def _names(*names: str, **inside: Known | None) -> Known:
    return {**dict.fromkeys(names), **inside}


_WHERE = ("type", "sequence_number", "item_id", "output_index")
_IN_PART = (*_WHERE, "content_index")
_IN_SUMMARY = (*_WHERE, "summary_index")

_LOGPROB = _names("token", "logprob", "bytes", "top_logprobs")
_ANNOTATION = _names(
    *("type", "url", "title", "start_index", "end_index"),
    *("file_id", "filename", "index", "container_id"),
)
_PART = _names("type", "text", "refusal", annotations=_ANNOTATION, logprobs=_LOGPROB)
_INSIDE: Known = {"content": _PART, "summary": _PART}
_TOLD_ITEM: Known = {ANY: None, **_INSIDE}  # its own members are read when it is told
_LAST_ITEM = _names(
    *("type", "id", "status", "role", "phase", "encrypted_content"),
    *("call_id", "name", "namespace", "arguments", "input"),
    **_INSIDE,
)
_LAST = _names("type", "sequence_number", response={ANY: None, "output": _LAST_ITEM})

_KNOWN: Mapping[str, Known] = {
    **dict.fromkeys(ENDS, _LAST),
    "response.output_item.added": _names(*_WHERE, item=_TOLD_ITEM),
    ITEM_DONE: _names(*_WHERE, item=_TOLD_ITEM),
    "response.content_part.added": _names(*_IN_PART, part=_PART),
    "response.content_part.done": _names(*_IN_PART, part=_PART),
    "response.output_text.delta": _names(*_IN_PART, "delta", "logprobs"),
    "response.output_text.done": _names(*_IN_PART, "text", logprobs=_LOGPROB),
    "response.output_text.annotation.added": _names(*_IN_PART, "annotation_index", "annotation"),
    "response.refusal.delta": _names(*_IN_PART, "delta"),
    "response.refusal.done": _names(*_IN_PART, "refusal"),
    "response.reasoning_summary_part.added": _names(*_IN_SUMMARY, part=_PART),
    "response.reasoning_summary_part.done": _names(*_IN_SUMMARY, part=_PART),
    "response.reasoning_summary_text.delta": _names(*_IN_SUMMARY, "delta"),
    "response.reasoning_summary_text.done": _names(*_IN_SUMMARY, "text"),
    "response.reasoning_text.delta": _names(*_IN_PART, "delta"),
    "response.reasoning_text.done": _names(*_IN_PART, "text"),
    "response.function_call_arguments.delta": _names(*_WHERE, "delta"),
    "response.function_call_arguments.done": _names(*_WHERE, "arguments", "name"),
    "response.custom_tool_call_input.delta": _names(*_WHERE, "delta"),
    "response.custom_tool_call_input.done": _names(*_WHERE, "input"),
}

REST = Rest(_KNOWN)
