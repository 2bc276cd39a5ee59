"""The words vendors and proxies use for what went wrong: tables, most specific row first.

Sources: the vendors' pages on error codes, and the sources of the proxies named beside a row;
`models.md` 2.2-2.7 keeps the list. A wrong STOP loses an answer that another target would
have given, so INVALID and POLICY stand only where the word blames the request itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..core.failure import Kind

_ANY: frozenset[int] = frozenset()
_REQUEST = frozenset({400, 422})
_LIMIT = frozenset({429})

# Host suffix -> the name by which `Row.by` and people know the vendor.
_HOSTS: Mapping[str, str] = {
    "openai.com": "openai",
    "openai.azure.com": "azure",
    "azure.com": "azure",
    "anthropic.com": "anthropic",
    "googleapis.com": "google",
    "deepseek.com": "deepseek",
    "aliyuncs.com": "dashscope",
    "moonshot.cn": "moonshot",
    "moonshot.ai": "moonshot",
    "bigmodel.cn": "zhipu",
    "z.ai": "zhipu",
    "mistral.ai": "mistral",
    "groq.com": "groq",
    "x.ai": "xai",
    "openrouter.ai": "openrouter",
    "together.xyz": "together",
    "together.ai": "together",
    "siliconflow.cn": "siliconflow",
    "siliconflow.com": "siliconflow",
    "volces.com": "volcengine",
    "minimax.io": "minimax",
    "minimaxi.com": "minimax",
    "minimax.chat": "minimax",
    "cohere.com": "cohere",
    "cohere.ai": "cohere",
    "huggingface.co": "huggingface",
    "amazonaws.com": "aws",
    "baidubce.com": "baidu",
    "fireworks.ai": "fireworks",
    "perplexity.ai": "perplexity",
    "cerebras.ai": "cerebras",
    "models.github.ai": "github",
    "nvidia.com": "nvidia",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Typed words that mean `kind`, if the status and the vendor fit too.

    A word that is not `firm` only repeats the class of a status: more telling words, a nested
    report and a published phrase come before it.
    """

    kind: Kind
    words: str  # separated by blanks
    statuses: frozenset[int] = _ANY
    by: str = ""
    firm: bool = True

    def fits(self, status: int | None, by: str) -> bool:
        return (not self.statuses or status in self.statuses) and self.by in ("", by)


def vendor_of(host: str) -> str:
    """The vendor at `host` (a port may follow), or "" where none is known."""
    labels = host.rpartition("@")[2].partition(":")[0].lower().rstrip(".").split(".")
    suffixes = (".".join(labels[start:]) for start in range(len(labels)))
    return next((_HOSTS[suffix] for suffix in suffixes if suffix in _HOSTS), "")


_SEPARATORS = re.compile(r"[^0-9a-z.]+")
_DECORATION = re.compile(r"(?:error|exception)$")


def spellings(word: str) -> Iterator[str]:
    """`word` as the tables spell it, then its more general forms.

    "Throttling.RateQuota" -> "throttling.ratequota", "throttling"; "RateLimitError" and
    "rate_limit_error" -> "ratelimit".
    """
    plain = _SEPARATORS.sub("", word[:200].rpartition("#")[2].casefold()).strip(".")
    while plain:
        yield plain
        if bare := _DECORATION.sub("", plain):
            yield bare
        plain = plain.rpartition(".")[0]


_ROWS: tuple[Row, ...] = (
    # The same word means different things at different vendors, or with different statuses.
    Row(Kind.RATE_LIMITED, "insufficient_quota", by="dashscope", firm=False),
    Row(Kind.TOO_LONG, "rate_limit_exceeded tokens tokens_limit_reached", frozenset({413})),
    Row(Kind.NOT_FOUND, "permission_denied", frozenset({404})),
    Row(Kind.AUTH, "access_denied", frozenset({401})),
    Row(  # new-api: none of its channels for the model is up now
        Kind.OVERLOADED, "no_available_channel get_channel_failed model_not_found", frozenset({503})
    ),
    # Numbers of single vendors; the status must agree where a proxy hides the vendor.
    Row(Kind.AUTH, "1000 1001 1002 1003 1004 1100", by="zhipu"),
    Row(Kind.FORBIDDEN, "1110 1111 1112 1121 1220 1311", by="zhipu"),
    Row(Kind.QUOTA, "1113 1304 1308 1309 1310", by="zhipu"),
    Row(Kind.NOT_FOUND, "1211 1221 1222", by="zhipu"),
    Row(Kind.UNSUPPORTED, "1210 1212 1215", by="zhipu"),
    Row(Kind.INVALID, "1213 1214", by="zhipu"),
    Row(Kind.TOO_LONG, "1261", by="zhipu"),
    Row(Kind.POLICY, "1300 1301", by="zhipu"),
    Row(Kind.RATE_LIMITED, "1231 1302 1303 1313", by="zhipu"),
    Row(Kind.OVERLOADED, "1305 1312", by="zhipu"),
    Row(Kind.SERVER_ERROR, "1120 1200 1230 1234", by="zhipu"),
    Row(Kind.QUOTA, "1113 1304 1308 1309 1310", _LIMIT),
    Row(Kind.RATE_LIMITED, "1302 1303 1313", _LIMIT),
    Row(Kind.OVERLOADED, "1305 1312", _LIMIT),
    Row(Kind.TOO_LONG, "1261", frozenset({400})),
    Row(Kind.POLICY, "1301", frozenset({400})),
    Row(Kind.NOT_FOUND, "1211", frozenset({400, 404})),
    Row(Kind.AUTH, "1000 1001 1002 1003 1004", frozenset({401})),
    Row(Kind.TIMEOUT, "1001", by="minimax"),
    Row(Kind.RATE_LIMITED, "1002 1039 1041", by="minimax"),
    Row(Kind.AUTH, "1004 2049", by="minimax"),
    Row(Kind.QUOTA, "1008 2056", by="minimax"),
    Row(Kind.POLICY, "1026 1027", by="minimax"),
    Row(Kind.INVALID, "2013", by="minimax", firm=False),
    Row(Kind.SERVER_ERROR, "1000 1013 1024 1033", by="minimax"),
    Row(Kind.SERVER_ERROR, "1 336000", by="baidu"),
    Row(Kind.OVERLOADED, "2 336100", by="baidu"),
    Row(Kind.NOT_FOUND, "3", by="baidu"),
    Row(Kind.RATE_LIMITED, "4 18 336501 336502", by="baidu"),
    Row(Kind.FORBIDDEN, "6", by="baidu"),
    Row(Kind.QUOTA, "17 19", by="baidu"),
    Row(Kind.AUTH, "13 14 15 100 110 111", by="baidu"),
    # Spark's numbers stand in a 200, which is read without knowing whose it is.
    Row(Kind.OVERLOADED, "10008 10110"),
    Row(Kind.POLICY, "10013 10014 10019"),
    Row(Kind.TOO_LONG, "10907 10910"),
    Row(Kind.FORBIDDEN, "11200"),
    Row(Kind.QUOTA, "11201"),
    Row(Kind.RATE_LIMITED, "10007 11202 11203"),
    Row(Kind.NOT_FOUND, "20012", frozenset({400, 404})),
    Row(Kind.QUOTA, "30001", frozenset({402, 403})),
    Row(Kind.OVERLOADED, "50505", frozenset({503})),
    Row(Kind.FORBIDDEN, "1006 1007 1008 1009 1010 1012 1020 1106", by="cloudflare"),
    Row(Kind.RATE_LIMITED, "1015 1027", by="cloudflare"),
    Row(Kind.AUTH, "10000", by="cloudflare"),
    Row(Kind.AUTH, "ModelArts.81002 ModelArts.81003 ModelArts.81004"),
    Row(Kind.QUOTA, "ModelArts.81005"),
    Row(Kind.NOT_FOUND, "ModelArts.81009"),
    Row(Kind.POLICY, "ModelArts.81011"),
    Row(Kind.RATE_LIMITED, "ModelArts.81101 ModelArts.81103"),
    # Too much for the model; another or a shorter request may pass.
    Row(
        Kind.TOO_LONG,
        "context_length_exceeded context_window_exceeded exceed_context_size request_too_large"
        " RequestTooLarge context_too_long prompt_too_long input_too_long max_tokens_exceeded"
        " string_above_max_length tokens_limit_reached payload_too_large content_too_large"
        " model_context_window_exceeded context_overflow token_limit_exceeded OutofContext"
        " InvalidParameter.InputTooLong",
    ),
    # The account is spent; waiting a little does not help.
    Row(
        Kind.QUOTA,
        "insufficient_quota insufficient_user_quota pre_consume_token_quota_failed"
        " credit_balance_exhausted organization_spend_limit_exceeded"
        " project_spend_limit_exceeded organization_usage_limit_exceeded"
        " enforced_spend_limit_reached usage_limit_reached usage_not_included billing"
        " billing_not_active OperationDenied.ServiceOverdue billing_hard_limit_reached"
        " payment_required exceeded_current_quota"
        " Arrearage AccountOverdue insufficient_balance insufficient_credit"
        " insufficient_credits insufficient_funds quota_exceeded quota_exhausted"
        " quotaExceeded budget_exceeded ExceededBudget BudgetExceeded"
        " AllocationQuota.FreeTierOnly Throttling.FreeQuota spend_limit_reached"
        " entitlement_required entitlement_inactive entitlement_daily_limit_exceeded"
        " entitlement_total_limit_exceeded channel:upstream_quota_exhausted"
        " InvalidSubscription subscription_not_found reject_no_credit quote_exceeded"
        " rate_limit_exceeded_daily SetLimitExceeded QuotaExhausted credits_exhausted"
        " ServiceQuotaExceeded monthly_limit_exceeded daily_limit_exceeded"
        " USAGE_LIMIT_EXCEEDED SUBSCRIPTION_NOT_FOUND INSUFFICIENT_BALANCE"
        " ResourceInsufficient.ChargeResourceExhausted FailedOperation.ResourcePackExhausted"
        " FailedOperation.FreeResourcePackExhausted FailedOperation.ServiceStopArrears",
    ),
    # A policy names the content.
    Row(
        Kind.POLICY,
        "content_filter content_policy_violation ContentPolicyViolation"
        " ResponsibleAIPolicyViolation invalid_prompt cyber_policy bio_policy"
        " DataInspectionFailed data_inspection_failed moderation moderation_blocked"
        " sensitive_words_detected prompt_blocked SensitiveContentDetected"
        " InputTextSensitiveContentDetected InputImageSensitiveContentDetected"
        " OutputTextSensitiveContentDetected InputTextRiskDetection InputImageRiskDetection"
        " OutputTextRiskDetection safety_check_failed content_moderation prohibited_content"
        " violation_fee.grok.csam content_safety image_content_policy_violation"
        " data_may_contain_sensitive_content censorship_blocked"
        " OperationDenied.TextIllegalDetected OperationDenied.ImageIllegalDetected",
    ),
    # A part of the request that this target does not know; another may.
    Row(
        Kind.UNSUPPORTED,
        "unsupported_parameter unsupported_value unknown_parameter UnsupportedParams"
        " unsupported_model unsupported_operation OperationNotSupported unsupported_media_type"
        " integer_above_max_value integer_below_min_value decimal_above_max_value"
        " decimal_below_min_value array_above_max_length invalid_image_url"
        " invalid_request_message_order not_supported_for_model UnsupportedModel"
        " previous_response_not_found extra_forbidden literal enum union_tag_invalid"
        " less_than_equal less_than greater_than_equal greater_than too_long unimplemented"
        " not_implemented model_not_supported tool_use_failed json_validate_failed"
        " convert_request_failed unexpected_keyword_argument encrypted_content_invalid"
        " invalid_encrypted_content thinking_signature_invalid",
    ),
    Row(
        Kind.NOT_FOUND,
        "model_not_found ModelNotFound invalid_model unknown_model DeploymentNotFound"
        " model_decommissioned model_not_active model_not_available model_terms_required"
        " model_not_exist InvalidEndpointOrModel ModelNotOpen InvalidEndpoint"
        " unavailable_model not_found NotFound resource_not_found ResourceNotFound"
        " no_such_model model_deprecated unsupported_route ModelUnavailable",
    ),
    Row(
        Kind.FORBIDDEN,
        "unsupported_country_region_territory permission permission_denied PermissionDenied"
        " forbidden account_deactivated account_suspended organization_restricted"
        " ip_not_authorized missing_scope insufficient_permissions access_terminated"
        " access_denied AccessDenied AccessDenied.Unpurchased no_access ModelAccessDenied"
        " token_not_authorized_for_model SERVICE_DISABLED API_KEY_SERVICE_BLOCKED"
        " CONSUMER_SUSPENDED data_residency_mismatch user_blocked key_model_access_denied"
        " team_model_access_denied insufficient_scope",
    ),
    Row(
        Kind.AUTH,
        "invalid_api_key InvalidApiKey authentication authentication_failed unauthorized"
        " unauthenticated AuthFailure AuthenticationError API_KEY_INVALID token_expired"
        " token_invalidated token_revoked invalid_token expired_api_key invalid_authentication auth"
        " invalid_authorization ACCESS_TOKEN_EXPIRED CREDENTIALS_MISSING"
        " UnrecognizedClient InvalidSignature ExpiredToken MissingAuthenticationToken"
        " incomplete_signature invalid_grant invalid_client token_not_found_in_db expired_key"
        " API_KEY_REQUIRED INVALID_API_KEY API_KEY_EXPIRED no_api_key refresh_token_reused",
    ),
    Row(
        Kind.OVERLOADED,
        "overloaded server_is_overloaded server_overloaded ServerOverloaded slow_down"
        " engine_overloaded unavailable service_unavailable ServiceUnavailable"
        " service_tier_capacity_exceeded capacity_exceeded NoCapacity model_overloaded"
        " flex_capacity_exceeded model_loading ModelNotReady over_capacity no_provider_available"
        " insufficient_system_resource temporarily_unavailable EngineOverloaded"
        " channel:no_available_key token_concurrency_unavailable no_accounts"
        " auth_unavailable server_busy resource_unavailable",
    ),
    # A proxy says that what stands behind it failed.
    Row(
        Kind.BAD_GATEWAY,
        "upstream bad_gateway bad_response_status_code bad_response bad_response_body"
        " do_request_failed read_response_body_failed empty_response aws_invoke"
        " upstream_connection upstream_timeout upstream_unavailable upstream_request_failed"
        " provider provider_api provider_internal_server channel:invalid_key"
        " channel:aws_client channel:response_time_exceeded APIConnection api_connection"
        " stream_read connection network upstream_server gateway stream_disconnected"
        " MidStreamFallback",
    ),
    Row(
        Kind.TIMEOUT,
        "timeout request_timeout RequestTimeOut deadline_exceeded gateway_timeout APITimeout"
        " vector_store_timeout ModelTimeout timed_out",
    ),
    # Words for the wait that hide a spent account now and then: phrases may refine them.
    Row(
        Kind.RATE_LIMITED,
        "rate_limit rate_limits rate_limited rate_limit_exceeded RateLimitReached"
        " rate_limit_reached too_many_requests TooManyRequests requests tokens throttling"
        " Throttled LimitRequests limit_requests limit_burst_rate resource_exhausted"
        " concurrency_limit token_concurrency_limit_reached RequestLimitExceeded LimitExceeded"
        " RateLimitExceeded EndpointRPMExceeded EndpointTPMExceeded ModelAccountRpmRateLimit"
        " ModelAccountTpmRateLimit ModelAccountIpmRateLimit APIAccountRpmRateLimit",
        firm=False,
    ),
    Row(
        Kind.SERVER_ERROR,
        "server api internal internal_server InternalServer internal_service"
        " InternalService SystemError unknown aborted data_loss count_token_failed"
        " model_price get_channel_failed gen_relay_info_failed query_data update_data"
        " invalid_api_type json_marshal_failed model_error backend generation incomplete_generation"
        " InternalFailure channel:param_override_invalid channel:header_override_invalid"
        " channel:model_mapped internal_proxy",
        firm=False,
    ),
    # The request is wrong, whoever reads it.
    Row(
        Kind.INVALID,
        "missing_required_parameter invalid_type invalid_json missing json_invalid"
        " MissingParameter empty_array invalid_json_schema",
        _REQUEST,
    ),
    Row(
        Kind.INVALID,
        "invalid_request InvalidRequest BadRequest bad_request invalid_argument"
        " InvalidParameter invalid_parameter invalid_value failed_precondition out_of_range"
        " validation Validation UnprocessableEntity unprocessable_entity invalid_params"
        " bad_request_body read_request_body_failed invalid_input invalid_request_body"
        " parameter_error string_type int_type float_type bool_type list_type dict_type"
        " model_attributes_type int_parsing value value_error",
        firm=False,
    ),
)


def _index() -> dict[str, list[Row]]:
    index: dict[str, list[Row]] = {}
    for row in _ROWS:
        for word in row.words.split():
            # The barest form is the last of those that keep every dotted part.
            forms = [form for form in spellings(word) if form.count(".") == word.count(".")]
            index.setdefault(forms[-1], []).append(row)
    return index


_INDEX: Mapping[str, list[Row]] = _index()

# Google names the exhausted quota in words of many forms (quotaId): "...PerDayPerProject...".
_QUOTA_PERIODS = (
    (re.compile(r"per(?:day|week|month)"), Kind.QUOTA),
    (re.compile(r"per(?:minute|second|hour)"), Kind.RATE_LIMITED),
)


# What words amount to that no row knows, by what they are made of; the first that fits counts.
_MADE_OF = tuple(
    Row(kind, pattern, firm=False)
    for kind, pattern in (
        (
            Kind.TOO_LONG,
            r"context.*(?:exceed|length|size|overflow)|(?:prompt|input).*(?:toolong|exceed)",
        ),
        (
            Kind.QUOTA,
            r"(?:quota|credits?|balance|budget|spend).*(?:exceed|exhaust|insufficient|limit|empty)"
            r"|(?:insufficient|exceeded|exhausted|notenough).*(?:quota|credit|balance|fund|budget)",
        ),
        (Kind.RATE_LIMITED, r"ratelimit|toomany|throttl|(?:qps|rpm|tpm).*(?:limit|exceed)"),
        (
            Kind.AUTH,
            r"unauth|authfail|(?:invalid|expired|wrong|missing).*(?:key|token|credential|jwt)",
        ),
        (Kind.NOT_FOUND, r"(?:model|deployment|endpoint).*(?:notfound|notexist|unknown)"),
        (Kind.OVERLOADED, r"overload|nocapacity|toobusy|serverbusy|queuefull"),
        (Kind.TIMEOUT, r"timeout|timedout|deadlineexceed"),
    )
)


def lookup(word: str, status: int | None, by: str) -> Row | None:
    """The first row that knows `word` in this place, or else what it is made of."""
    for form in spellings(word):
        for row in _INDEX.get(form, ()):
            if row.fits(status, by):
                return row
        for period, kind in _QUOTA_PERIODS:
            if period.search(form):
                return Row(kind, word)
    made = next(spellings(word), "")
    return next((row for row in _MADE_OF if re.search(row.words, made)), None)


# What a status means when nothing else is known (RFC 9110 section 15, and the numbers that
# Cloudflare, nginx, AWS and vendors add).
_UNTYPED: Mapping[int, Kind] = {
    401: Kind.AUTH,
    402: Kind.QUOTA,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    405: Kind.NOT_FOUND,
    406: Kind.NOT_FOUND,
    407: Kind.PROXY,
    408: Kind.TIMEOUT,
    409: Kind.SERVER_ERROR,
    410: Kind.NOT_FOUND,
    411: Kind.NOT_FOUND,  # how we ask is no fault of what is asked: something else listens there
    413: Kind.TOO_LONG,
    418: Kind.FORBIDDEN,
    421: Kind.PROTOCOL,
    423: Kind.SERVER_ERROR,
    424: Kind.BAD_GATEWAY,
    425: Kind.PROTOCOL,
    426: Kind.NOT_FOUND,
    429: Kind.RATE_LIMITED,
    440: Kind.AUTH,  # IIS: a session has ended
    444: Kind.CLOSED,
    449: Kind.SERVER_ERROR,
    451: Kind.FORBIDDEN,
    460: Kind.BAD_GATEWAY,  # AWS, as 499 is nginx's
    495: Kind.AUTH,
    496: Kind.AUTH,
    497: Kind.NOT_FOUND,  # nginx: HTTP at a port for HTTPS
    498: Kind.OVERLOADED,  # Groq: the flex tier is full
    499: Kind.BAD_GATEWAY,
    501: Kind.UNSUPPORTED,
    502: Kind.BAD_GATEWAY,
    503: Kind.OVERLOADED,
    504: Kind.BAD_GATEWAY,
    505: Kind.UNSUPPORTED,
    507: Kind.OVERLOADED,
    508: Kind.BAD_GATEWAY,
    509: Kind.QUOTA,
    511: Kind.FORBIDDEN,
    529: Kind.OVERLOADED,
    530: Kind.BAD_GATEWAY,
    598: Kind.BAD_GATEWAY,
    599: Kind.BAD_GATEWAY,
}

# Statuses by which Cloudflare names the fault of the origin behind it.
ORIGIN_FAULTS: Mapping[int, Kind] = {
    504: Kind.TIMEOUT,
    520: Kind.PROTOCOL,
    521: Kind.REFUSED,
    522: Kind.TIMEOUT,
    523: Kind.UNREACHABLE,
    524: Kind.TIMEOUT,
    525: Kind.TLS,
    526: Kind.TLS_CERTIFICATE,
    527: Kind.CLOSED,
    530: Kind.DNS,
    598: Kind.TIMEOUT,
    599: Kind.TIMEOUT,
}


def by_status(status: int | None) -> Kind:
    """What `status` means by itself.

    A bare 400 does not blame the request plainly (a proxy's own limits end so too), so the
    target is left without a final verdict on the request. A redirect leads to a login page or
    another API: this path does not answer.
    """
    if status is None:
        return Kind.SERVER_ERROR
    if status < 300:
        return Kind.PROTOCOL
    if status < 400:
        return Kind.NOT_FOUND
    if status in ORIGIN_FAULTS and status not in _UNTYPED:
        return Kind.BAD_GATEWAY
    return _UNTYPED.get(status, Kind.UNSUPPORTED if status < 500 else Kind.SERVER_ERROR)
