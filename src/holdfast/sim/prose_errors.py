"""Error answers whose typed words say little: only their sentences tell what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.failure import Kind
from .error_answers import error_answer, openai
from .http1 import Headers
from .truth import Row

_BAD = "invalid_request_error"


def _anthropic(name: str, kind: Kind, en: str, zh: str, message: str) -> Row:
    body = {"type": "error", "error": {"type": _BAD, "message": message}}
    return error_answer(
        f"anthropic_{name}", 400, kind, (f"Anthropic: {en}", f"Anthropic：{zh}"), body
    )


def _other(
    name: str, status: int, kind: Kind, en: str, zh: str, body: Any, headers: Headers = ()
) -> Row:
    return error_answer(name, status, kind, (en, zh), body, headers)


PROSE_ERRORS: Sequence[Row] = (
    _anthropic(
        "signature",
        Kind.UNSUPPORTED,
        "thoughts come back to it which it has not signed.",
        "退回的思考不是由它签名的。",
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ),
    _anthropic(
        "longest",
        Kind.UNSUPPORTED,
        "the model gives no answer of that length.",
        "这个模型给不出这么长的回答。",
        "max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for it",
    ),
    _anthropic(
        "blocked",
        Kind.POLICY,
        "its filter blocks the answer.",
        "它的过滤器拦下了回答。",
        "Output blocked by content filtering policy",
    ),
    _other(
        "xai_safety",
        403,
        Kind.POLICY,
        "xAI: the content fails a check of safety.",
        "xAI：内容未通过安全检查。",
        {
            "code": "The caller does not have permission to execute the specified operation",
            "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO",
        },
    ),
    _other(
        "stepfun_blocked",
        451,
        Kind.POLICY,
        "StepFun: the content is blocked.",
        "阶跃星辰：内容被拦截。",
        openai("The content you provided or machine outputted is blocked.", "censorship_blocked"),
    ),
    _other(
        "cerebras_tokens",
        429,
        Kind.RATE_LIMITED,
        "Cerebras: too many tokens in a minute, which its code calls a quota.",
        "Cerebras：一分钟内 token 过多，错误码却叫 quota。",
        openai(
            "Tokens per minute limit exceeded - too many tokens processed.",
            "too_many_tokens_error",
            "token_quota_exceeded",
            "quota",
        )["error"],
    ),
    _other(
        "siliconflow_tokens",
        400,
        Kind.TOO_LONG,
        "SiliconFlow: more tokens than the model takes.",
        "硅基流动：token 数超过模型上限。",
        {
            "code": 20015,
            "message": "length of prompt_tokens (40000) must be less than max_seq_len.",
        },
    ),
    _other(
        "volcengine_context",
        400,
        Kind.TOO_LONG,
        "Volcengine: out of context.",
        "火山引擎：超出上下文。",
        openai("The request is out of context.", "BadRequest", "OutofContextError"),
    ),
    _other(
        "qwen_range",
        400,
        Kind.UNSUPPORTED,
        "Qwen: a number is beyond the range of this model.",
        "通义千问：数值超出这个模型的范围。",
        openai(
            "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]",
            "invalid_parameter_error",
            "invalid_parameter_error",
        ),
    ),
    _other(
        "moonshot_thoughts",
        400,
        Kind.UNSUPPORTED,
        "Moonshot: it wants the thoughts back that it had not.",
        "月之暗面：要求退回并不存在的思考。",
        openai(
            "thinking is enabled but reasoning_content is missing in assistant tool call message"
            " at index 2",
            _BAD,
        ),
    ),
    _other(
        "cohere_498",
        498,
        Kind.AUTH,
        "Cohere: the key is wrong, under a status of its own.",
        "Cohere：密钥不对，用的是自定义状态码。",
        {"message": "invalid token: please provide a valid API key"},
    ),
    _other(
        "bedrock_model",
        400,
        Kind.NOT_FOUND,
        "Bedrock: no model has that name.",
        "Bedrock：没有这个名字的模型。",
        {"message": "The provided model identifier is invalid."},
        (("x-amzn-errortype", "ValidationException:http://internal.amazon.com/coral/"),),
    ),
    _other(
        "llamacpp_flag",
        500,
        Kind.UNSUPPORTED,
        "llama.cpp: it was started without the flag for tools.",
        "llama.cpp：启动时没有打开工具的选项。",
        {
            "error": {
                "code": 500,
                "message": "tools param requires --jinja flag",
                "type": "server_error",
            }
        },
    ),
    error_answer(
        "boto_500",
        500,
        Kind.RATE_LIMITED,
        (
            "A gateway before Bedrock repeats what botocore says.",
            "Bedrock 前的网关照搬 botocore 的话。",
        ),
        {
            "detail": "An error occurred (ThrottlingException) when calling the ConverseStream"
            " operation (reached max retries: 4): Please wait before trying again."
        },
        nested=Kind.RATE_LIMITED,
    ),
)
