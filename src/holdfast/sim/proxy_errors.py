"""Error answers of what stands between us and a model: gateways, CDNs, web servers.

What such an answer says of the proxy's own upstream is the nested kind.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..core.failure import Kind
from .error_answers import HTML, JSON, TEXT, error_answer, openai
from .truth import Row

_REFUSED_TEXT = (
    b"upstream connect error or disconnect/reset before headers. reset reason: connection refused"
)
_RAW = json.dumps(
    {"error": {"message": "Rate limit reached for requests", "code": "rate_limit_exceeded"}}
)


def _page(title: str, by: str) -> bytes:
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>{by}</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


def _cloudflare_page(code: int, title: str) -> bytes:
    return (
        f"<!DOCTYPE html>\n<html lang=en-US>\n<head><title>sim.example | {code}: {title}</title>"
        f"</head>\n<body><div id=cf-wrapper><div id=cf-error-details><h1><span>{title}</span>"
        f" <span>Error code {code}</span></h1></div></div></body>\n</html>\n"
    ).encode()


def _cloudflare(name: str, status: int, kind: Kind, title: str, meaning: tuple[str, str]) -> Row:
    headers = (*HTML, ("Server", "cloudflare"), ("CF-Ray", "8f00000000000000-HEL"))
    return error_answer(
        name, status, kind, meaning, _cloudflare_page(status, title), headers=headers
    )


def _nginx(name: str, status: int, kind: Kind, title: str, meaning: tuple[str, str]) -> Row:
    headers = (*HTML, ("Server", "nginx/1.27.2"))
    page = _page(f"{status} {title}", "nginx/1.27.2")
    return error_answer(name, status, kind, meaning, page, headers=headers)


MODEL_PROXIES: Sequence[Row] = (
    error_answer(
        "sub2api_502",
        502,
        Kind.BAD_GATEWAY,
        (
            "sub2api: its upstream failed, and it does not say how.",
            "sub2api：它的上游失败了，没说原因。",
        ),
        {"error": {"message": "Upstream request failed", "type": "upstream_error"}},
    ),
    error_answer(
        "sub2api_eof",
        502,
        Kind.BAD_GATEWAY,
        ("sub2api: its upstream closed the connection.", "sub2api：它的上游关闭了连接。"),
        {
            "error": {
                "message": 'Post "https://upstream.invalid/backend-api/codex/responses": EOF',
                "type": "upstream_error",
            }
        },
        nested=Kind.CLOSED,
    ),
    error_answer(
        "newapi_500",
        500,
        Kind.BAD_GATEWAY,
        ("new-api: it could not reach the channel's upstream.", "new-api：请求渠道的上游失败。"),
        openai(
            'Post "https://upstream.invalid/v1/chat/completions": dial tcp 192.0.2.1:443: '
            "connect: connection refused (request id: 2026010100000000000000sim)",
            "new_api_error",
            "do_request_failed",
        ),
        nested=Kind.REFUSED,
    ),
    error_answer(
        "newapi_503",
        503,
        Kind.OVERLOADED,
        ("new-api: no channel is free for the model.", "new-api：模型没有可用渠道。"),
        openai(
            "No available channel for model gpt-0 under group default",
            "new_api_error",
            "model_not_found",
        ),
    ),
    error_answer(
        "oneapi_502",
        502,
        Kind.BAD_GATEWAY,
        ("one-api: the upstream answered with a bad status.", "one-api：上游返回了错误的状态码。"),
        openai("bad response status code 502", "upstream_error", "bad_response_status_code"),
    ),
    error_answer(
        "litellm_429",
        429,
        Kind.RATE_LIMITED,
        ("LiteLLM: its upstream limits the rate.", "LiteLLM：它的上游在限流。"),
        openai(
            "litellm.RateLimitError: RateLimitError: OpenAIException - "
            "Rate limit reached for requests",
            "throttling_error",
            "429",
        ),
        nested=Kind.RATE_LIMITED,
    ),
    error_answer(
        "litellm_500",
        500,
        Kind.BAD_GATEWAY,
        ("LiteLLM: its upstream has an error of its own.", "LiteLLM：它的上游自己出错。"),
        openai(
            "litellm.InternalServerError: InternalServerError: OpenAIException - "
            "The server had an error while processing your request",
            "internal_server_error",
            "500",
        ),
        nested=Kind.SERVER_ERROR,
    ),
    error_answer(
        "openrouter_429",
        429,
        Kind.RATE_LIMITED,
        ("OpenRouter: a provider limits the rate.", "OpenRouter：某个供应商在限流。"),
        {
            "error": {
                "code": 429,
                "message": "Provider returned error",
                "metadata": {"raw": _RAW, "provider_name": "Lighthouse"},
            },
            "user_id": "user_sim",
        },
        nested=Kind.RATE_LIMITED,
    ),
    error_answer(
        "openrouter_502",
        502,
        Kind.BAD_GATEWAY,
        ("OpenRouter: the provider failed.", "OpenRouter：供应商失败了。"),
        {
            "error": {
                "code": 502,
                "message": "Provider returned error",
                "metadata": {"raw": "Internal Server Error", "provider_name": "Lighthouse"},
            }
        },
        nested=Kind.SERVER_ERROR,
    ),
    error_answer(
        "openrouter_402",
        402,
        Kind.QUOTA,
        ("OpenRouter: no credit left.", "OpenRouter：余额不足。"),
        {"error": {"code": 402, "message": "Insufficient credits"}},
    ),
)

WEB_SERVERS: Sequence[Row] = (
    _nginx(
        "nginx_502",
        502,
        Kind.BAD_GATEWAY,
        "Bad Gateway",
        ("nginx: its upstream failed.", "nginx：它的上游失败了。"),
    ),
    _nginx(
        "nginx_https_400",
        400,
        Kind.NOT_FOUND,
        "The plain HTTP request was sent to HTTPS port",
        ("nginx: HTTP was spoken to a port for HTTPS.", "nginx：向 HTTPS 端口说了 HTTP。"),
    ),
    _nginx(
        "nginx_504",
        504,
        Kind.BAD_GATEWAY,
        "Gateway Time-out",
        ("nginx: its upstream did not answer in time.", "nginx：它的上游没有及时回应。"),
    ),
    _nginx(
        "nginx_413",
        413,
        Kind.TOO_LONG,
        "Request Entity Too Large",
        ("nginx: the body is too large.", "nginx：请求体太大。"),
    ),
    _cloudflare(
        "cloudflare_502",
        502,
        Kind.BAD_GATEWAY,
        "Bad gateway",
        ("Cloudflare: the origin failed.", "Cloudflare：源站失败。"),
    ),
    _cloudflare(
        "cloudflare_520",
        520,
        Kind.BAD_GATEWAY,
        "Web server is returning an unknown error",
        ("Cloudflare: the origin's answer makes no sense.", "Cloudflare：源站的回答无法理解。"),
    ),
    _cloudflare(
        "cloudflare_524",
        524,
        Kind.BAD_GATEWAY,
        "A timeout occurred",
        ("Cloudflare: the origin did not answer in time.", "Cloudflare：源站没有及时回应。"),
    ),
    _cloudflare(
        "cloudflare_403",
        403,
        Kind.FORBIDDEN,
        "Sorry, you have been blocked",
        ("Cloudflare: this address is blocked.", "Cloudflare：这个地址被拦截。"),
    ),
    error_answer(
        "envoy_503",
        503,
        Kind.BAD_GATEWAY,
        ("Envoy: its upstream refuses connections.", "Envoy：它的上游拒绝连接。"),
        _REFUSED_TEXT,
        headers=(*TEXT, ("Server", "envoy")),
        nested=Kind.REFUSED,
    ),
    error_answer(
        "proxy_status_502",
        502,
        Kind.BAD_GATEWAY,
        ("A proxy names the cause in Proxy-Status.", "代理在 Proxy-Status 里写明了原因。"),
        b"",
        headers=(("Proxy-Status", "edge.example; error=connection_refused"),),
        nested=Kind.REFUSED,
    ),
    error_answer(
        "problem_json",
        503,
        Kind.OVERLOADED,
        ("Problem details (RFC 9457): overloaded.", "问题详情（RFC 9457）：过载。"),
        json.dumps(
            {
                "type": "https://sim.example/problems/overloaded",
                "title": "The model is overloaded",
                "status": 503,
            }
        ).encode(),
        headers=(("Content-Type", "application/problem+json"),),
    ),
    error_answer(
        "aws_504",
        504,
        Kind.BAD_GATEWAY,
        ("API Gateway: the endpoint did not answer in time.", "API Gateway：后端没有及时回应。"),
        {"message": "Endpoint request timed out"},
    ),
    error_answer(
        "apigee_429",
        429,
        Kind.RATE_LIMITED,
        ("Apigee: the rate limit of the proxy.", "Apigee：代理自己的限流。"),
        {
            "fault": {
                "faultstring": "Rate limit exceeded. Identifier : sim",
                "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"},
            }
        },
    ),
    error_answer(
        "xml_503",
        503,
        Kind.OVERLOADED,
        ("An error in XML: slow down.", "XML 写的错误：请放慢速度。"),
        b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Slow down</Message></Error>",
        headers=(("Content-Type", "application/xml"),),
    ),
    error_answer(
        "events_400",
        400,
        Kind.QUOTA,
        ("Events under an error's status: no credit.", "错误状态码下的事件流：余额不足。"),
        b'event: error\ndata: {"error":{"message":"No credit","code":"insufficient_quota"}}\n\n',
        headers=(("Content-Type", "text/event-stream"),),
    ),
    error_answer(
        "challenge_401",
        401,
        Kind.AUTH,
        ("Only WWW-Authenticate says what is wrong.", "只有 WWW-Authenticate 说明了原因。"),
        b"",
        headers=(("WWW-Authenticate", 'Bearer error="invalid_token"'),),
    ),
    error_answer(
        "brotli_502",
        502,
        Kind.BAD_GATEWAY,
        ("A 502 in a coding that nobody asked for.", "用没人要求的编码压缩的 502。"),
        bytes(range(128, 200)),
        headers=(("Content-Type", "application/json"), ("Content-Encoding", "br")),
    ),
    error_answer(
        "text_500",
        500,
        Kind.SERVER_ERROR,
        ("Bare text: an error of the server's own.", "纯文本：服务器自己出错。"),
        b"Internal Server Error",
        headers=TEXT,
    ),
    error_answer(
        "empty_500",
        500,
        Kind.SERVER_ERROR,
        ("A 500 without a body.", "没有正文的 500。"),
        b"",
    ),
    error_answer(
        "empty_502",
        502,
        Kind.BAD_GATEWAY,
        ("A 502 without a body.", "没有正文的 502。"),
        b"",
    ),
    error_answer(
        "cut_502",
        502,
        Kind.BAD_GATEWAY,
        ("A 502 whose JSON is cut.", "JSON 被截断的 502。"),
        b'{"error":{"message":"Upstream request fai',
        headers=JSON,
    ),
)

PROXY_ERRORS: Sequence[Row] = (*MODEL_PROXIES, *WEB_SERVERS)
