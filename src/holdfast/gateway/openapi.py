"""What the gateway can be asked, as an OpenAPI 3.1 document: data, written by hand.

Of a dialect's own fields only those are described that the gateway looks at; all others go
through, so no object is closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import __version__
from ..core.failure import Hop, Kind, Phase

Json = Mapping[str, Any]

_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}


def _object(required: tuple[str, ...] = (), **properties: Json) -> Json:
    return {"type": "object", "required": list(required), "properties": properties}


def _list_of(items: Json, **more: Any) -> Json:
    return {"type": "array", "items": items, **more}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _named(*kinds: type[Kind] | type[Phase] | type[Hop]) -> Json:
    return {"enum": [value.value for kind in kinds for value in kind]}


_OURS = _object(
    ("ref", "kind", "phase", "hop", "retryable", "released_chars", "attempts"),
    ref=_TEXT,
    kind=_named(Kind),
    phase=_named(Phase),
    hop=_named(Hop),
    retryable={"type": "boolean"},
    retry_after_ms=_or_null(_COUNT),
    released_chars=_COUNT,
    attempts=_list_of({"type": "object"}),
)
_ERROR = _object(
    ("message", "type", "code", "param", "holdfast"),
    message=_TEXT,
    type=_TEXT,
    code=_or_null(_TEXT),
    param=_or_null(_TEXT),
    holdfast=_ref("Holdfast"),
)
_PROBLEM = _object(
    ("type", "title", "status", "detail", "instance"),
    type=_TEXT,
    title=_TEXT,
    status=_COUNT,
    detail=_TEXT,
    instance=_TEXT,
)
_STATUSES = ["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]

SCHEMAS: Json = {
    "ServerEvent": _object(("data",), data=_TEXT, event=_TEXT, id=_TEXT),
    "Model": {"type": "string", "minLength": 1},
    "Holdfast": _OURS,
    "Error": _object(("error",), error=_ERROR),
    "MessagesError": _object(("type", "error"), type={"const": "error"}, error=_ERROR),
    "Problem": _PROBLEM,
    "ChatRequest": _object(
        ("model", "messages"),
        model=_ref("Model"),
        messages=_list_of(_object(("role",), role=_TEXT), minItems=1),
        stream={"type": "boolean"},
    ),
    "ChatAnswer": _object(
        ("id", "object", "created", "model", "choices"),
        id=_TEXT,
        object={"const": "chat.completion"},
        created=_COUNT,
        model=_TEXT,
        choices=_list_of(_object(("index", "message", "finish_reason"), index=_COUNT)),
    ),
    "ResponsesRequest": _object(
        ("model", "input"),
        model=_ref("Model"),
        input={"anyOf": [_TEXT, _list_of({"type": "object"})]},
        stream={"type": "boolean"},
        background={"type": "boolean"},
        store={"type": "boolean"},
        previous_response_id=_or_null(_TEXT),
    ),
    "Response": _object(
        ("id", "object", "created_at", "model", "status", "output"),
        id=_TEXT,
        object={"const": "response"},
        created_at=_COUNT,
        model=_TEXT,
        status={"enum": _STATUSES},
        output=_list_of({"type": "object"}),
    ),
    "Items": _object(
        ("object", "data", "first_id", "last_id", "has_more"),
        object={"const": "list"},
        data=_list_of({"type": "object"}),
        first_id=_or_null(_TEXT),
        last_id=_or_null(_TEXT),
        has_more={"type": "boolean"},
    ),
    "Deleted": _object(("id", "deleted"), id=_TEXT, deleted={"const": True}),
    "MessagesRequest": _object(
        ("model", "messages", "max_tokens"),
        model=_ref("Model"),
        messages=_list_of(_object(("role", "content"), role=_TEXT), minItems=1),
        max_tokens={"type": "integer", "minimum": 1},
        stream={"type": "boolean"},
    ),
    "Message": _object(
        ("id", "type", "role", "model", "content", "stop_reason", "usage"),
        id=_TEXT,
        type={"const": "message"},
        role={"const": "assistant"},
        model=_TEXT,
        content=_list_of({"type": "object"}),
    ),
    "CountRequest": _object(
        ("model", "messages"), model=_ref("Model"), messages=_list_of({"type": "object"})
    ),
    "Count": _object(("input_tokens", "estimated"), input_tokens=_COUNT, estimated={"const": True}),
    "EmbeddingsRequest": _object(
        ("model", "input"), model=_ref("Model"), input={"anyOf": [_TEXT, _list_of(_TEXT)]}
    ),
    "Embeddings": _object(
        ("object", "data"), object={"const": "list"}, data=_list_of({"type": "object"})
    ),
    "ModelEntry": _object(("id", "object"), id=_TEXT, object={"const": "model"}),
    "ModelList": _object(("data",), object={"const": "list"}, data=_list_of(_ref("ModelEntry"))),
    "Call": _object(
        ("id", "ref", "model", "created", "state", "events"),
        id=_TEXT,
        ref=_TEXT,
        model=_TEXT,
        created=_COUNT,
        state={"enum": ["waiting", "running", "ended"]},
        events=_TEXT,
    ),
    "Stopped": _object(("id", "stopped"), id=_TEXT, stopped={"type": "boolean"}),
    "IncidentList": _object(("data",), data=_list_of(_object(("ref", "at", "outcome", "kind")))),
    "Incident": _object(("schema", "ref", "at", "outcome", "attempts")),
    "Health": _object(("status", "version"), status={"const": "ok"}, version=_TEXT),
    "Readiness": _object(
        ("status", "routes_without_target"),
        status={"enum": ["ready", "degraded", "draining"]},
        routes_without_target=_list_of(_TEXT),
    ),
    "Document": _object(("openapi", "info", "paths")),
}


def _content(schema: str, *, stream: bool = False) -> Json:
    content: dict[str, Any] = {"application/json": {"schema": _ref(schema)}}
    return {**content, "text/event-stream": {"schema": _ref("ServerEvent")}} if stream else content


def _failed(error: str) -> Json:
    told = {**_content(error), "application/problem+json": {"schema": _ref("Problem")}}
    return {"description": "What failed, where and why, under `error.holdfast`", "content": told}


def _operation(
    summary: str,
    answer: str,
    *parameters: Json,
    body: str = "",
    stream: bool = False,
    open_to_all: bool = False,
    error: str = "Error",
    more: Json | None = None,
) -> Json:
    done = {"description": "Done", "content": _content(answer, stream=stream)}
    made: dict[str, Any] = {
        "summary": summary,
        "responses": {"200": done, **(more or {}), "4XX": _failed(error), "5XX": _failed(error)},
    }
    if parameters:
        made["parameters"] = list(parameters)
    if body:
        made["requestBody"] = {"required": True, "content": _content(body)}
    if open_to_all:
        made["security"] = []
    return made


def _parameter(place: str, name: str, schema: Json, about: str) -> Json:
    required = {"required": True} if place == "path" else {}
    return {"in": place, "name": name, "schema": schema, "description": about, **required}


_KEPT = (
    _parameter("header", "X-Holdfast-Resume", {"enum": ["1"]}, "events carry ids; come back later"),
    _parameter(
        "header",
        "Idempotency-Key",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[A-Za-z0-9_-]+$"},
        "the same key and body is the same call",
    ),
)
_ID = _parameter("path", "id", {"type": "string", "minLength": 1}, "as it was answered")
_NUMBER: Json = {"type": "integer", "minimum": 0}

PATHS: Json = {
    "/v1/chat/completions": {
        "post": _operation("Chat", "ChatAnswer", *_KEPT, body="ChatRequest", stream=True)
    },
    "/v1/responses": {
        "post": _operation("Respond", "Response", *_KEPT, body="ResponsesRequest", stream=True)
    },
    "/v1/responses/{id}": {
        "get": _operation(
            "A response that is kept",
            "Response",
            _ID,
            _parameter("query", "stream", {"type": "boolean"}, "its events instead"),
            _parameter("query", "starting_after", _NUMBER, "only those after this number"),
            stream=True,
        ),
        "delete": _operation("Forget a response", "Deleted", _ID),
    },
    "/v1/responses/{id}/input_items": {
        "get": _operation(
            "All that a response was asked",
            "Items",
            _ID,
            _parameter("query", "order", {"enum": ["asc", "desc"]}, "the newest first, or last"),
            _parameter("query", "limit", {**_NUMBER, "minimum": 1, "maximum": 100}, "so many"),
            _parameter("query", "after", _TEXT, "only those after this item"),
        )
    },
    "/v1/responses/{id}/cancel": {"post": _operation("Give a response up", "Response", _ID)},
    "/v1/messages": {
        "post": _operation(
            "Messages",
            "Message",
            *_KEPT,
            body="MessagesRequest",
            stream=True,
            error="MessagesError",
        )
    },
    "/v1/messages/count_tokens": {
        "post": _operation("Estimate", "Count", body="CountRequest", error="MessagesError")
    },
    "/v1/embeddings": {
        "post": _operation("Embeddings", "Embeddings", *_KEPT[1:], body="EmbeddingsRequest")
    },
    "/v1/models": {"get": _operation("What can be asked for", "ModelList")},
    "/v1/models/{id}": {"get": _operation("One of them", "ModelEntry", _ID)},
    "/v1/calls/{id}": {"get": _operation("How a call stands", "Call", _ID)},
    "/v1/calls/{id}/events": {
        "get": _operation(
            "Its answer again",
            "ChatAnswer",
            _ID,
            _parameter("query", "after", _NUMBER, "only the events after this one"),
            _parameter("header", "Last-Event-ID", {"type": "string", "pattern": "^[0-9]+$"}, "so"),
            stream=True,
        )
    },
    "/v1/calls/{id}/cancel": {"post": _operation("Give a call up", "Stopped", _ID)},
    "/api/incidents": {
        "get": _operation(
            "What went wrong, the newest first",
            "IncidentList",
            _parameter("query", "limit", _NUMBER, "at most so many"),
            _parameter("query", "before", {"type": "number", "minimum": 0}, "Unix seconds"),
        )
    },
    "/api/incidents/{id}": {"get": _operation("One story, whole", "Incident", _ID)},
    "/healthz": {"get": _operation("Is it alive?", "Health", open_to_all=True)},
    "/readyz": {
        "get": _operation(
            "Could it answer now?",
            "Readiness",
            open_to_all=True,
            more={"503": {"description": "Not now", "content": _content("Readiness")}},
        )
    },
    "/metrics": {
        "get": {
            "summary": "For Prometheus",
            "responses": {
                "200": {"description": "Counters", "content": {"text/plain": {"schema": _TEXT}}},
                "4XX": _failed("Error"),
            },
        }
    },
    "/openapi.json": {"get": _operation("This document", "Document", open_to_all=True)},
}

DOCUMENT: Json = {
    "openapi": "3.1.0",
    "info": {"title": "Holdfast", "version": __version__},
    "security": [{"bearer": []}, {"key": []}, {}],
    "paths": PATHS,
    "components": {
        "schemas": SCHEMAS,
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        },
    },
}
