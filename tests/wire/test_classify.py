"""Error answers to failures: who said it, of whom, and what it calls for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.bodies import body

from holdfast.core.failure import Failure, Kind, Phase
from holdfast.core.verdict import explain
from holdfast.sim.prose_errors import PROSE_ERRORS
from holdfast.sim.proxy_errors import PROXY_ERRORS
from holdfast.sim.rate_limits import RATE_LIMITS
from holdfast.sim.truth import Row
from holdfast.sim.vendor_errors import VENDOR_ERRORS
from holdfast.wire import DIALECTS
from holdfast.wire.classify import classify_answer, classify_event
from holdfast.wire.dialect import ErrorAnswer

NOW = 1767225600.0  # 2026-01-01, the day of the simulator
HOST = "proxy.example"


def classified(
    status: int, data: bytes, headers: Mapping[str, str] | None = None, host: str = HOST
) -> Failure:
    return classify_answer(ErrorAnswer(status, headers or {}, data, host, Phase.HEADERS, NOW))


@pytest.mark.parametrize(
    "row",
    [*VENDOR_ERRORS, *PROSE_ERRORS, *PROXY_ERRORS, *RATE_LIMITS],
    ids=lambda row: row.truth.name,
)
def test_what_the_simulator_says_is_understood(row: Row) -> None:
    said = body(row.truth.name, {"stream": True, "messages": [{"role": "user", "content": "?"}]})
    failure = classified(said.status, said.data, said.headers)
    truth = row.truth
    assert (failure.kind, failure.phase, failure.status) == (truth.kind, truth.phase, truth.status)
    assert failure.retry_after == truth.retry_after
    if truth.nested:
        assert failure.nested
        assert failure.nested.kind is truth.nested
    assert failure.by
    assert ("x-request-id", said.headers["x-request-id"]) in failure.upstream_ids
    assert "words of the user" not in repr(failure)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of another shape, and what it means."""

    name: str
    status: int
    value: Any  # JSON, or text as it is
    kind: Kind
    nested: Kind | None = None  # the furthest that is told
    by: str = ""
    behind: str = ""  # whom the nested failure is about
    headers: Mapping[str, str] = field(default_factory=dict)
    host: str = HOST

    @property
    def data(self) -> bytes:
        text = self.value if isinstance(self.value, str) else json.dumps(self.value)
        return text.encode()


def _error(message: str, kind: str | None = None, code: Any = None) -> Any:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _google(metric: str) -> Any:
    said = f"Quota exceeded for {metric}. Please submit a quota increase request."
    return {"error": {"code": 429, "message": said, "status": "RESOURCE_EXHAUSTED"}}


def _tencent(code: str) -> Any:
    return {"Response": {"Error": {"Code": code, "Message": "?"}, "RequestId": "r"}}


_OVERLOADED = '{"error":{"message":"Overloaded","type":"overloaded_error"}}'
_HTML = {"content-type": "text/html"}

_LONG, _RATE = Kind.TOO_LONG, Kind.RATE_LIMITED

SAYINGS = (
    Said("go", 400, "Client sent an HTTP request to an HTTPS server.", Kind.NOT_FOUND),
    Said("another protocol", 426, "Upgrade Required", Kind.NOT_FOUND),
    Said(
        "bedrock, tokens of a day",
        400,
        {
            "__type": "ThrottlingException",
            "message": "Too many tokens per day, please wait before trying again.",
        },
        Kind.RATE_LIMITED,
    ),
    # LiteLLM flattens an exception of the vendor's SDK into its message.
    Said(
        "litellm, a body written by Python",
        400,
        _error(
            "litellm.BadRequestError: OpenAIException - Error code: 400 - {'error': {'message': "
            "'too long', 'type': 'invalid_request_error', 'code': 'context_length_exceeded'}}"
        ),
        Kind.TOO_LONG,
        Kind.TOO_LONG,
        "litellm",
        "openai",
    ),
    Said(
        "litellm, authentication of its own upstream",
        401,
        _error("litellm.AuthenticationError: AnthropicException - invalid x-api-key"),
        Kind.BAD_GATEWAY,
        Kind.AUTH,
        "litellm",
        "anthropic",
    ),
    # Go's HTTP client: whom it asked, and what happened.
    Said(
        "go, deadline",
        500,
        _error(
            'do request failed: Post "https://up.example/v1/chat/completions": context deadline '
            "exceeded (Client.Timeout exceeded while awaiting headers)",
            "new_api_error",
        ),
        Kind.BAD_GATEWAY,
        Kind.TIMEOUT,
        "new-api",
        "up.example",
    ),
    Said(
        "go, resolver",
        502,
        _error('Post "https://up.example/v1": dial tcp: lookup up.example: no such host'),
        Kind.BAD_GATEWAY,
        Kind.DNS,
        behind="up.example",
    ),
    Said(
        "go, certificate",
        502,
        _error('Post "https://up.example/v1": x509: certificate signed by unknown authority'),
        Kind.BAD_GATEWAY,
        Kind.TLS_CERTIFICATE,
        behind="up.example",
    ),
    Said(
        "node, reset",
        500,
        {"error": "fetch failed: read ECONNRESET"},
        Kind.BAD_GATEWAY,
        Kind.RESET,
    ),
    # A body inside a message.
    Said(
        "a body in a message",
        500,
        _error(_OVERLOADED),
        Kind.OVERLOADED,
        Kind.OVERLOADED,
    ),
    Said(
        "a body after words",
        502,
        _error(f"upstream error: status 529: {_OVERLOADED}", "upstream_error"),
        Kind.OVERLOADED,
        Kind.OVERLOADED,
    ),
    # Servers of open models.
    Said(
        "vllm",
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens.",
            "type": "BadRequestError",
            "code": 400,
        },
        Kind.TOO_LONG,
    ),
    Said("tgi", 429, {"error": "Model is overloaded", "error_type": "overloaded"}, Kind.OVERLOADED),
    Said(
        "hugging face",
        503,
        {"error": "Model x/y is currently loading", "estimated_time": 20.0},
        Kind.OVERLOADED,
    ),
    Said("ollama", 500, {"error": "llama runner process has terminated"}, Kind.SERVER_ERROR),
    # Vendors with words of their own.
    Said(
        "dashscope",
        401,
        {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "x"},
        Kind.AUTH,
        by="dashscope",
        host="dashscope.aliyuncs.com",
    ),
    Said(
        "google, per day",
        429,
        {
            "error": {
                "code": 429,
                "status": "RESOURCE_EXHAUSTED",
                "message": "You exceeded your current quota.",
                "details": [
                    {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}
                ],
            }
        },
        Kind.QUOTA,
        by="google",
        host="generativelanguage.googleapis.com:443",
    ),
    Said(
        "azure, deployment",
        404,
        {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}},
        Kind.NOT_FOUND,
    ),
    Said(
        "aws, type in a header",
        400,
        {"message": "Too many tokens, please wait before trying again."},
        Kind.RATE_LIMITED,
        headers={"x-amzn-errortype": "ThrottlingException:http://x"},
    ),
    # What stands before servers.
    Said("envoy, timeout", 504, "upstream request timeout", Kind.BAD_GATEWAY, Kind.TIMEOUT),
    Said("cloudflare, text", 502, "error code: 502", Kind.BAD_GATEWAY, by="cloudflare"),
    Said("cloudflare, limit", 429, "error code: 1015", Kind.RATE_LIMITED, by="cloudflare"),
    Said(
        "a page in Chinese coding",
        502,
        "<html><title>502 Bad Gateway</title><h1>nginx</h1></html>",
        Kind.BAD_GATEWAY,
        by="nginx",
        headers={"content-type": "text/html; charset=gbk", "server": "nginx"},
    ),
    Said(
        "litellm, a stream without an end",
        500,
        _error(
            "litellm.APIConnectionError: openai closed the responses stream before any terminal"
            " event (response.completed, response.incomplete or response.failed)"
        ),
        Kind.BAD_GATEWAY,
        Kind.TRUNCATED,
        by="litellm",
    ),
    Said(
        "aiohttp, less than was promised",
        500,
        _error(
            "Response payload is not completed: <TransferEncodingError: 400, message='Not enough"
            " data to satisfy transfer length header.'>"
        ),
        Kind.BAD_GATEWAY,
        Kind.TRUNCATED,
    ),
    Said(
        "urllib3, less than was promised",
        500,
        _error("('Connection broken: IncompleteRead(0 bytes read)', IncompleteRead(0 bytes read))"),
        Kind.BAD_GATEWAY,
        Kind.TRUNCATED,
    ),
    Said(
        "a stream that says that another did not end",
        502,
        _error("Stream ended without finish_reason"),
        Kind.BAD_GATEWAY,
        Kind.TRUNCATED,
    ),
    Said(
        "varnish, whose heading says its title again",
        503,
        "<html><head><title>503 Backend fetch failed</title></head><body>"
        "<h1>Error 503 Backend fetch failed</h1><p>Varnish cache server</p></body></html>",
        Kind.BAD_GATEWAY,
        by="varnish",
        headers={"content-type": "text/html", "server": "Varnish"},
    ),
    Said(
        "h2o, in a word",
        502,
        "I/O error (head)",
        Kind.BAD_GATEWAY,
        by="h2o",
        headers={"content-type": "text/plain", "server": "h2o/2.2.5"},
    ),
    Said(
        "lighttpd, whose backend died",
        500,
        "<?xml version='1.0'?><html><head><title>500 Internal Server Error</title></head></html>",
        Kind.SERVER_ERROR,
        by="lighttpd",
        headers={"content-type": "text/html", "server": "lighttpd/1.4.69"},
    ),
    Said(
        "proxy-status, two hops",
        502,
        "",
        Kind.BAD_GATEWAY,
        Kind.TIMEOUT,
        by="edge",
        headers={"proxy-status": "origin; error=connection_timeout, edge; received-status=504"},
    ),
    Said(
        "new-api, saturated",
        429,
        _error("当前分组上游负载已饱和，请稍后再试", "new_api_error"),
        Kind.OVERLOADED,
    ),
    Said(
        "one-api, no channel",
        503,
        _error("当前分组 default 下对于模型 gpt-0 无可用渠道", "one_api_error"),
        Kind.OVERLOADED,
    ),
    # Another Holdfast tells its own record.
    Said(
        "holdfast",
        502,
        {
            "error": {
                "message": "could not be reached",
                "holdfast": {
                    "kind": "connection_refused",
                    "hop": "upstream",
                    "attempts": [
                        {
                            "target": "far/m",
                            "kind": "connection_refused",
                            "phase": "connect",
                            "cause": "ECONNREFUSED",
                        }
                    ],
                },
            }
        },
        Kind.BAD_GATEWAY,
        Kind.REFUSED,
        "holdfast",
        "far/m",
    ),
    Said(
        "holdfast, about us",
        401,
        {"error": {"message": "no", "holdfast": {"kind": "denied", "hop": "client"}}},
        Kind.AUTH,
        by="holdfast",
    ),
    # Shapes of nobody's format: spelling, wrapping and sort of body differ, the words are there.
    Said(
        "names in capitals",
        403,
        {"ErrorCode": "X1", "ErrorMessage": "Balance is insufficient"},
        Kind.QUOTA,
    ),
    Said(
        "a flag and a reason", 503, {"error": True, "reason": "the queue is full"}, Kind.OVERLOADED
    ),
    Said(
        "far inside",
        400,
        {"status": "fail", "payload": {"fault": {"cause": [{"text": "prompt is too long"}]}}},
        Kind.TOO_LONG,
    ),
    Said(
        "apigee",
        401,
        {
            "fault": {
                "faultstring": "Invalid ApiKey",
                "detail": {"errorcode": "oauth.v2.InvalidApiKey"},
            }
        },
        Kind.AUTH,
    ),
    Said(
        "an exception as a member",
        200,
        {"throttlingException": {"message": "wait"}},
        Kind.RATE_LIMITED,
    ),
    Said(
        "a header around the code",
        200,
        {"header": {"code": 7, "message": "rate limit"}},
        Kind.RATE_LIMITED,
    ),
    Said("a list of sentences", 429, ["Your credit limit is reached"], Kind.QUOTA),
    Said(
        "a word made of known ones",
        400,
        {"code": "ProviderQuotaExceeded", "message": "no"},
        Kind.QUOTA,
    ),
    Said(
        "problem details",
        422,
        {"title": "You are out of credits", "detail": "It is 30 short", "status": 422},
        Kind.QUOTA,
    ),
    Said(
        "events under an error status",
        400,
        'event: error\ndata: {"error":{"code":"insufficient_quota"}}\n\ndata: [DONE]\n\n',
        Kind.QUOTA,
    ),
    Said("lines of JSON", 400, '{"error":{"code":"insufficient_quota"}}\n{"x":1}\n', Kind.QUOTA),
    Said(
        "JSON that is cut",
        429,
        '{"error":{"message":"You exceeded your current quota, pl","code":"insufficient_quota","p',
        Kind.QUOTA,
    ),
    Said(
        "XML of an object store",
        503,
        "<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Slow down</Message></Error>",
        Kind.OVERLOADED,
        headers={"content-type": "application/xml"},
    ),
    Said(
        "a form",
        400,
        "error=invalid_client&error_description=who+are+you",
        Kind.AUTH,
        headers={"content-type": "application/x-www-form-urlencoded"},
    ),
    Said(
        "only a challenge",
        401,
        "",
        Kind.AUTH,
        headers={"www-authenticate": 'Bearer error="invalid_token", error_description="late"'},
    ),
    Said(
        "an allowance of a minute, called a quota",
        429,
        {"error": {"message": "Quota exceeded for metric m", "details": [{"retryDelay": "37s"}]}},
        Kind.RATE_LIMITED,
    ),
    Said(
        "tokens compared",
        400,
        _error("9000 tokens is longer than the context length", "BadRequestError", 400),
        Kind.TOO_LONG,
    ),
    Said(
        "a switch of the server's",
        400,
        _error("tool choice requires --enable-tools to be set", "BadRequestError"),
        Kind.UNSUPPORTED,
    ),
    Said(
        "an HTTP library names a status",
        500,
        {"message": "AxiosError: Request failed with status code 429"},
        Kind.RATE_LIMITED,
        Kind.RATE_LIMITED,
    ),
    Said("a status that is repeated", 503, "HTTP Error 503. Try later.", Kind.OVERLOADED),
    Said("a wait for what is not up yet", 503, "Warming up, try again in 20 s", Kind.OVERLOADED),
    Said("a day's allowance", 429, {"message": "已达到每日调用上限"}, Kind.QUOTA),
    Said("a key that is switched off", 400, {"message": "该令牌状态不可用"}, Kind.AUTH),
    Said("too much text", 400, {"message": "输入内容过长，最多 100 字"}, Kind.TOO_LONG),
    Said("a limit of characters", 200, {"error_msg": "the max input characters is 20000"}, _LONG),
    Said("a limit of a question", 200, {"message": "the max length of x is 2000"}, _LONG),
    Said("tokens over a limit", 400, {"message": "请求的token数超出了模型限制"}, _LONG),
    Said("tokens over a limit of time", 429, {"message": "token数超过每分钟限制"}, _RATE),
    Said("an image and its text", 400, "Total tokens exceed max message tokens", _LONG),
    Said("a stale access token", 200, {"error_msg": "Access token no longer valid"}, Kind.AUTH),
    Said("what was written", 451, {"message": "您的请求内容不合规"}, Kind.POLICY),
    Said("who was refused", 403, {"message": "账号审核未通过"}, Kind.FORBIDDEN),
    Said("a spent package", 200, {"message": "资源包余量已用尽"}, Kind.QUOTA),
    Said("a spent account", 200, _tencent("FailedOperation.ServiceStopArrears"), Kind.QUOTA),
    Said("a spent pack", 200, _tencent("FailedOperation.ResourcePackExhausted"), Kind.QUOTA),
    Said("a text refused", 200, _tencent("OperationDenied.TextIllegalDetected"), Kind.POLICY),
    Said("a minute's quota, Gemini", 429, _google("metric 'API requests per minute'"), _RATE),
    Said(
        "a minute's quota, Vertex",
        429,
        _google("aiplatform.googleapis.com/online_prediction_requests_per_base_model"),
        _RATE,
    ),
    Said("a day's quota", 429, _google("metric 'API requests per day'"), Kind.QUOTA),
    Said("a busy model", 500, _error("当前模型负载较高，请稍后重试"), Kind.OVERLOADED),
    Said("what a prompt leaves", 400, _error("max_tokens must be at least 1, got -29."), _LONG),
    Said(
        "a schema of another vendor",
        400,
        _error("tools[0].function.parameters is not a valid moonshot flavored json schema"),
        Kind.UNSUPPORTED,
    ),
    Said(
        "moderation before a provider",
        403,
        {
            "error": {
                "message": "The model requires moderation and the input was flagged",
                "code": 403,
                "metadata": {"reasons": ["violence"], "provider_name": "OpenAI"},
            }
        },
        Kind.POLICY,
        Kind.POLICY,
    ),
    Said("flow control", 200, {"message": "AppIdQpsOverFlowError:(秒级流控超限)"}, _RATE),
    # Nothing said.
    Said("silence, 425", 425, "", Kind.PROTOCOL),
    Said("silence, 400", 400, "", Kind.UNSUPPORTED),
    Said("silence, 429", 429, "", Kind.RATE_LIMITED),
    Said("silence, 503", 503, "", Kind.OVERLOADED),
    Said("a redirect", 302, "", Kind.NOT_FOUND),
)


@pytest.mark.parametrize("said", SAYINGS, ids=lambda said: said.name)
def test_other_shapes(said: Said) -> None:
    failure = classified(said.status, said.data, said.headers, said.host)
    nested = failure.nested
    assert failure.kind is said.kind, failure
    if said.nested:
        assert failure.root.kind is said.nested
    assert said.by in ("", failure.by)
    assert said.behind in ("", nested.by if nested else "")


@pytest.mark.parametrize(
    "sentence",
    [
        "Input length 9000 exceeds the maximum length 8192",
        "total message token length exceed model limit",
        "The sum of prompt length and query length should not exceed max_num_tokens (4096)",
        "max_prompt_length exceeded",
        "Conversation too long",
        "The prompt does not fit into the context",
    ],
)
def test_a_prompt_may_be_too_long_in_many_words(sentence: str) -> None:
    data = json.dumps({"error": {"message": sentence, "type": "invalid_request_error"}}).encode()
    assert classified(400, data).kind is Kind.TOO_LONG


def test_a_heading_that_says_the_title_again_is_told_once() -> None:
    page = b"<title>503 Backend fetch failed</title><h1>Error 503 Backend fetch failed</h1>"
    failure = classified(503, page, {"content-type": "text/html"})
    assert failure.detail == "Error 503 Backend fetch failed"


def test_a_redirect_says_where_it_leads() -> None:
    location = {"location": "https://else.example/v1?key=s3cr3t"}
    failure = classified(308, b"<html><title>Moved</title>", location)
    assert failure.detail == "it redirects to https://else.example/v1"
    assert "https://else.example/v1" in failure.detail_zh


_NAMES = (
    "message",
    "errorMsg",
    "Error_Message",
    "reason",
    "faultString",
    "errDescription",
    "detail",
)


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize(
    "wrap", ["{}", '{{"data":{}}}', "[{}]", '{{"outer":{{"list":[{}]}}}}', '"{}"']
)
def test_a_sentence_is_found_wherever_it_stands(name: str, wrap: str) -> None:
    body = json.dumps({name: "the lamp is cold"})
    text = wrap.format(json.dumps(body)[1:-1] if wrap == '"{}"' else body)
    assert "the lamp is cold" in repr(classified(500, text.encode()))


@pytest.mark.parametrize(
    "body",
    [
        '{"detail":[{"input":"words of the user"}]}',
        '{"error":{"code":"x"},"request":{"messages":[{"content":"words of the user"}]}}',
        '{"error":{"code":"x","body":"{\\"message\\":\\"words of the user\\"}","mess',
        '{"messages":[{"role":"user","content":"words of the user","message":"words of the user"',
    ],
)
def test_what_the_request_said_is_not_told_again(body: str) -> None:
    failure = classified(400, body.encode())
    assert "words of the user" not in repr(failure)


def test_a_list_of_words_is_part_of_its_sentence() -> None:
    """LiteLLM names its deployments at the end of what it has to say."""
    said = "No deployments available, try again in 5 seconds. cooldown_list=['a1b2', 'c3d4']"
    failure = classified(429, json.dumps(_error(said, code="429")).encode())
    assert (failure.detail, failure.nested) == (said, None)


def test_bytes_that_are_no_text_are_not_quoted() -> None:
    failure = classified(502, bytes(range(256)), {"content-type": "text/plain", "server": "nginx"})
    assert (failure.kind, failure.by) == (Kind.BAD_GATEWAY, "nginx")
    assert failure.detail == ""


def test_the_incident_that_began_it_all_is_read_as_the_proxys_own_trouble() -> None:
    """A user saw no more than "upstream_error: Upstream request failed"."""
    told = classified(502, json.dumps(_error("Upstream request failed", "upstream_error")).encode())
    assert "answered 502: its own upstream failed" in explain(told, "en")
    assert "The request was not at fault." in explain(told, "en")
    assert "是它自己的上游失败了" in explain(told, "zh")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "code", "type", "detail", "metadata", "raw", "status", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values, st.sampled_from([200, 400, 401, 429, 500, 502, 503]))
def test_no_body_makes_it_raise(value: Any, status: int) -> None:
    failure = classified(status, json.dumps(value).encode())
    assert failure.status == status
    assert isinstance(classify_event(value, Phase.STREAM).kind, Kind)


@given(st.binary(max_size=200), st.integers(200, 599))
def test_no_bytes_make_it_raise(data: bytes, status: int) -> None:
    assert classified(status, data).status == status


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (
            {"code": "1302", "message": "High concurrency usage, please reduce concurrency"},
            Kind.RATE_LIMITED,
        ),
        ({"code": "1305", "message": "The API has triggered a traffic limit."}, Kind.RATE_LIMITED),
        (
            {"code": "1301", "message": "System detected potentially unsafe or sensitive content."},
            Kind.POLICY,
        ),
        (
            {
                "success": False,
                "errors": [{"code": 3040, "message": "Capacity temporarily exceeded"}],
            },
            Kind.OVERLOADED,
        ),
    ],
)
def test_a_number_of_nobody_knows_whom_is_judged_by_its_sentence(error: Any, kind: Kind) -> None:
    """In a 200 nothing says whose numbers they are."""
    assert classify_event(error, Phase.STREAM).kind is kind


def test_a_doubled_exception_is_no_sign_of_a_proxy() -> None:
    data = json.dumps({"errors": [{"message": "AiError: AiError: Request timeout", "code": 3046}]})
    assert classified(408, data.encode(), host="api.cloudflare.com").by != "litellm"


@pytest.mark.parametrize(
    ("host", "code", "kind"),
    [
        ("open.bigmodel.cn", "1302", Kind.RATE_LIMITED),
        ("open.bigmodel.cn:443", "1113", Kind.QUOTA),
        ("api.minimax.io", "1008", Kind.QUOTA),
        ("gateway.example", "1302", Kind.SERVER_ERROR),
        ("", "1302", Kind.SERVER_ERROR),
    ],
)
@pytest.mark.parametrize("dialect", ["chat", "responses", "messages"])
def test_a_number_inside_a_stream_means_what_its_vendor_means_by_it(
    dialect: str, host: str, code: str, kind: Kind
) -> None:
    error = {"type": "error", "error": {"code": code, "message": "Sorry."}}
    decoder = DIALECTS[dialect].decoder("text/event-stream", host)
    (failure,) = decoder.receive_data(b"data: %b\n\n" % json.dumps(error).encode())
    assert isinstance(failure, Failure)
    assert failure.kind is kind


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Not authenticated", Kind.AUTH),
        ("Unauthorized", Kind.AUTH),
        ("Authentication required", Kind.AUTH),
        ("User: arn:x is not authorized to perform: bedrock:InvokeModel", Kind.FORBIDDEN),
        ("Model too busy, unable to get response in less than 60 second(s)", Kind.OVERLOADED),
    ],
)
def test_sentences_under_a_200(sentence: str, kind: Kind) -> None:
    assert classify_event({"message": sentence}, Phase.FIRST).kind is kind


def test_a_switch_of_protocols_is_no_empty_answer() -> None:
    assert classified(101, b"").kind is Kind.PROTOCOL
