"""Error answers as model vendors write them: shapes and codes of November 2026."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.failure import Kind
from .error_answers import TEXT, error_answer, openai
from .truth import Row

_BAD = "invalid_request_error"

OPENAI: Sequence[Row] = (
    error_answer(
        "openai_400",
        400,
        Kind.INVALID,
        ("OpenAI: the request is invalid.", "OpenAI：请求无效。"),
        openai(
            "Invalid type for 'temperature': expected a decimal.",
            _BAD,
            "invalid_type",
            "temperature",
        ),
    ),
    error_answer(
        "openai_parameter",
        400,
        Kind.UNSUPPORTED,
        ("OpenAI: the model does not know this parameter.", "OpenAI：模型不支持这个参数。"),
        openai(
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            _BAD,
            "unsupported_parameter",
            "max_tokens",
        ),
    ),
    error_answer(
        "openai_context",
        400,
        Kind.TOO_LONG,
        ("OpenAI: the request exceeds the context window.", "OpenAI：请求超出上下文窗口。"),
        openai(
            "This model's maximum context length is 8192 tokens.",
            _BAD,
            "context_length_exceeded",
            "messages",
        ),
    ),
    error_answer(
        "openai_policy",
        400,
        Kind.POLICY,
        ("OpenAI: the content policy refuses the request.", "OpenAI：内容政策拒绝了请求。"),
        openai("The request was rejected by the safety system.", _BAD, "content_policy_violation"),
    ),
    error_answer(
        "openai_401",
        401,
        Kind.AUTH,
        ("OpenAI: the key is wrong.", "OpenAI：密钥不对。"),
        openai("Incorrect API key provided: sk-sim****0000.", _BAD, "invalid_api_key"),
    ),
    error_answer(
        "openai_403",
        403,
        Kind.FORBIDDEN,
        ("OpenAI: the region is not served.", "OpenAI：不服务这个地区。"),
        openai(
            "Country, region, or territory not supported",
            "request_forbidden",
            "unsupported_country_region_territory",
        ),
    ),
    error_answer(
        "openai_404",
        404,
        Kind.NOT_FOUND,
        ("OpenAI: there is no such model.", "OpenAI：没有这个模型。"),
        openai("The model `gpt-0` does not exist.", _BAD, "model_not_found", "model"),
    ),
    error_answer(
        "openai_413",
        413,
        Kind.TOO_LONG,
        ("OpenAI: the body is too large.", "OpenAI：请求体太大。"),
        openai("Request body exceeds the limit.", _BAD, "request_too_large"),
    ),
    error_answer(
        "openai_429",
        429,
        Kind.RATE_LIMITED,
        ("OpenAI: too many requests.", "OpenAI：请求过多。"),
        openai("Rate limit reached for requests.", "requests", "rate_limit_exceeded"),
    ),
    error_answer(
        "openai_quota",
        429,
        Kind.QUOTA,
        ("OpenAI: the account has no credit left.", "OpenAI：账户余额用完了。"),
        openai("You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
    ),
    error_answer(
        "openai_500",
        500,
        Kind.SERVER_ERROR,
        ("OpenAI: an error of the server's own.", "OpenAI：服务器自己出错。"),
        openai("The server had an error while processing your request.", "server_error"),
    ),
    error_answer(
        "openai_503",
        503,
        Kind.OVERLOADED,
        ("OpenAI: the engine is overloaded.", "OpenAI：引擎过载。"),
        openai("The engine is currently overloaded, please try again later.", "server_error"),
    ),
    error_answer(
        "openai_slow_down",
        503,
        Kind.OVERLOADED,
        ("OpenAI: traffic rose too fast.", "OpenAI：流量增长过快。"),
        openai("Slow down.", "service_unavailable_error", "slow_down"),
    ),
)

ANTHROPIC: Sequence[Row] = tuple(
    error_answer(
        f"anthropic_{name}",
        status,
        kind,
        meaning,
        {"type": "error", "error": {"type": word, "message": message}, "request_id": "req_sim"},
        headers=(("request-id", "req_sim"),),
    )
    for name, status, kind, meaning, word, message in (
        (
            "prefill",
            400,
            Kind.UNSUPPORTED,
            ("Claude 4.6: it does not go on from a prefill.", "Claude 4.6：不接受预填的回答。"),
            _BAD,
            "This model does not support assistant message prefill.",
        ),
        (
            "401",
            401,
            Kind.AUTH,
            ("Anthropic: the key is wrong.", "Anthropic：密钥不对。"),
            "authentication_error",
            "invalid x-api-key",
        ),
        (
            "402",
            402,
            Kind.QUOTA,
            ("Anthropic: billing does not allow it.", "Anthropic：账单不允许。"),
            "billing_error",
            "Your credit balance is too low.",
        ),
        (
            "413",
            413,
            Kind.TOO_LONG,
            ("Anthropic: the request is too large.", "Anthropic：请求太大。"),
            "request_too_large",
            "Request exceeds the maximum size",
        ),
        (
            "429",
            429,
            Kind.RATE_LIMITED,
            ("Anthropic: too many requests.", "Anthropic：请求过多。"),
            "rate_limit_error",
            "This request would exceed your rate limit.",
        ),
        (
            "500",
            500,
            Kind.SERVER_ERROR,
            ("Anthropic: an error of the server's own.", "Anthropic：服务器自己出错。"),
            "api_error",
            "Internal server error",
        ),
        (
            "529",
            529,
            Kind.OVERLOADED,
            ("Anthropic: overloaded.", "Anthropic：过载。"),
            "overloaded_error",
            "Overloaded",
        ),
    )
)

_GOOGLE_OVERLOADED = {
    "error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}
}

OTHERS: Sequence[Row] = (
    error_answer(
        "google_key",
        400,
        Kind.AUTH,
        (
            "Google: the key is wrong, though the status says 400.",
            "Google：状态是 400，其实是密钥不对。",
        ),
        {
            "error": {
                "code": 400,
                "message": "API key not valid. Please pass a valid API key.",
                "status": "INVALID_ARGUMENT",
                "details": [
                    {
                        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": "API_KEY_INVALID",
                        "domain": "googleapis.com",
                    }
                ],
            }
        },
    ),
    error_answer(
        "google_503",
        503,
        Kind.OVERLOADED,
        ("Google: overloaded.", "Google：过载。"),
        _GOOGLE_OVERLOADED,
    ),
    error_answer(
        "google_array",
        503,
        Kind.OVERLOADED,
        ("Google: overloaded, said in a list.", "Google：过载，写在列表里。"),
        [_GOOGLE_OVERLOADED],
    ),
    error_answer(
        "deepseek_402",
        402,
        Kind.QUOTA,
        ("DeepSeek: the balance is used up.", "DeepSeek：余额不足。"),
        openai("Insufficient Balance", "unknown_error", _BAD),
    ),
    error_answer(
        "qwen_inspection",
        400,
        Kind.POLICY,
        ("Qwen: the inspection of content refuses it.", "通义千问：内容检查未通过。"),
        openai(
            "Input data may contain inappropriate content.",
            "data_inspection_failed",
            "data_inspection_failed",
        ),
    ),
    error_answer(
        "qwen_arrears",
        400,
        Kind.QUOTA,
        ("Qwen: the account is in arrears.", "通义千问：账户欠费。"),
        openai(
            "Access denied, please make sure your account is in good standing.",
            "Arrearage",
            "Arrearage",
        ),
    ),
    error_answer(
        "glm_balance",
        429,
        Kind.QUOTA,
        ("GLM: the balance is used up.", "智谱：余额不足。"),
        {"error": {"code": "1113", "message": "您的账户已欠费，请充值后重试。"}},
    ),
    error_answer(
        "azure_filter",
        400,
        Kind.POLICY,
        ("Azure: the content filter refuses the prompt.", "Azure：内容过滤器拒绝了提示。"),
        {
            "error": {
                "message": "The response was filtered.",
                "type": None,
                "param": "prompt",
                "code": "content_filter",
                "status": 400,
                "innererror": {"code": "ResponsibleAIPolicyViolation"},
            }
        },
    ),
    error_answer(
        "fastapi_422",
        422,
        Kind.INVALID,
        ("FastAPI: a field is missing.", "FastAPI：缺少字段。"),
        {
            "detail": [
                {
                    "type": "missing",
                    "loc": ["body", "messages", 0, "role"],
                    "msg": "Field required",
                    "input": {"content": "words of the user"},
                }
            ]
        },
    ),
    error_answer(
        "moonshot_tokens",
        400,
        Kind.TOO_LONG,
        ("Moonshot: more tokens than the model takes.", "月之暗面：token 数超过模型上限。"),
        openai("Invalid request: Your request exceeded model token limit: 8192", _BAD),
    ),
    error_answer(
        "moved",
        308,
        Kind.NOT_FOUND,
        ("The address has moved: a redirect.", "地址已迁移：重定向。"),
        b"",
        headers=(*TEXT, ("Location", "https://elsewhere.example/v1")),
    ),
    error_answer(
        "usage_limit_reached",
        429,
        Kind.QUOTA,
        ("Codex: the plan's allowance is used up.", "Codex：套餐额度已用完。"),
        {
            "error": {
                "type": "usage_limit_reached",
                "message": "The usage limit has been reached",
                "plan_type": "plus",
                "resets_in_seconds": 3600,
            }
        },
        headers=(
            ("x-codex-primary-used-percent", "100"),
            ("x-codex-primary-window-minutes", "300"),
            ("x-codex-primary-reset-after-seconds", "3600"),
        ),
        retry_after=3600,
    ),
    error_answer(
        "ollama_404",
        404,
        Kind.NOT_FOUND,
        ("Ollama: the model is not there.", "Ollama：没有这个模型。"),
        {"error": 'model "llama0" not found, try pulling it first'},
    ),
)

VENDOR_ERRORS: Sequence[Row] = (*OPENAI, *ANTHROPIC, *OTHERS)
