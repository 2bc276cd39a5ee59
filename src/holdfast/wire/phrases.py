"""Sentences that vendors publish for faults to which they give no word of their own.

Read only where no typed field decides. None says INVALID, and POLICY needs a sentence that can
mean nothing else, since a STOP taken from prose could lose an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core.failure import Kind

_WINDOW = 2048  # characters of a message that are read
_CLIENT = frozenset({None, 200, 400, 401, 402, 403, 404, 413, 422, 429})
_BODY = frozenset({None, 200, 400, 413, 422, 500})  # 500: vLLM and llama.cpp of some ages
_FORM = frozenset({None, 200, 400, 404, 405, 415, 422})
_LOCAL = frozenset({500, 501})  # llama.cpp and others like it
_LIMIT = frozenset({None, 200, 400, 403, 429, 500, 503})
_MONEY = _CLIENT | {412, 500}  # a spent account is told under any of them
_BUSY = frozenset({None, 200, 400, 429, 500, 502, 503, 529})


@dataclass(frozen=True, slots=True)
class Phrase:
    kind: Kind
    pattern: re.Pattern[str]
    statuses: frozenset[int | None]


def _phrase(kind: Kind, statuses: frozenset[int | None], *alternatives: str) -> Phrase:
    return Phrase(kind, re.compile("|".join(alternatives), re.IGNORECASE), statuses)


_PHRASES: tuple[Phrase, ...] = (
    _phrase(
        Kind.FORBIDDEN,
        _CLIENT,
        r"location is not supported for the api",
        r"(?:country|region)[^.]{0,40} not supported",
        r"unusual traffic from your",
        r"sorry, you have been blocked",
        r"unable to load site",
        r"attention required! \| cloudflare",
        r"just a moment\.\.\.",
        r"error code: 10(?:0[6-9]|1[02]|20)\b",
        r"organization has been (?:disabled|restricted)",
        r"insufficient permissions?|missing scopes?",
        r"not authorized to (?:perform|access|invoke|use)\b",
        r"account (?:is not active|has been deactivated)",
        r"无权访问|没有权限|账号已被锁定|已被封禁",
    ),
    _phrase(
        Kind.TOO_LONG,
        _BODY,
        r"maximum (?:context|prompt) length",
        r"maximum input (?:token )?length",
        r"context[ _](?:window|length|size)[^.]{0,60}exceed",
        r"exceed[^.]{0,80}context",
        r"(?:prompt|input|request) is too (?:long|large)",
        r"input token count[^.]{0,40}exceeds",
        r"exceeds? the (?:maximum|max) (?:number of )?(?:allowed )?(?:input )?tokens",
        r"too many (?:input )?tokens(?! per |, please wait)",  # Bedrock says that of its rate limit
        r"range of input length should be",
        r"tokens? \+ `?max_(?:new_)?tokens`? must be",
        r"max_tokens must be at least 1, got -\d",  # vLLM: what the prompt leaves of the context
        r"(?:tokens?|prompt|inputs?|context|messages?)\b[^.]{0,80} (?:longer|larger|greater|bigger"
        r"|more) than [^.]{0,60}(?:context|tokens?|maximum|limit|length)",
        r"must (?:have|be) (?:less|fewer) than \d+ tokens",
        r"context (?:length|window|size) of only",
        r"reduce the length of (?:the|your) (?:messages|prompt|input)",
        r"(?:上下文|输入|内容|提示词?|prompt)[^。，]{0,4}(?:长度|过长|太长|超长|超出|超过)",
        r"token count[^.]{0,40} exceeds? the (?:limit|maximum)",
        r"\bmax(?:imum)? (?:length of|input (?:characters|length))[^.]{0,40} is \d",
        r"(?:request|prompt|input|messages?) exceed(?:s|ed)?\b[^.]{0,20} tokens? limit",
        r"exceed(?:s|ed)? max(?:imum)? (?:message|input|prompt|context) tokens",
        r"tokens?\s?数?量?[^。，每分秒日天]{0,4}(?:超过|超出|超限)(?![^。，]{0,6}(?:每|分钟|秒|日))",
        r"超(?:过|出)[^。]{0,20}(?:上下文|最大长度|长度限制)",
        r"(?:prompt|input)[ _]tokens?\b[^.]{0,40} must be (?:less|fewer|smaller)",
        r"(?:prompt|input|message|tokens?) length\b[^.]{0,40} exceeds?\b",
        r"exceed(?:s|ed)? `?max_(?:num_tokens|model_len|seq_len|(?:prompt|input)_\w+)",
        r"max_(?:num_tokens|model_len|seq_len|(?:prompt|input)_\w+)`? exceeded",
        r"(?:conversation|messages?|context)(?: is| are)? too (?:long|large)",
        r"\bfit\b[^.]{0,20} (?:in|into|within)\b[^.]{0,30} context",
    ),
    _phrase(Kind.TOO_LONG, frozenset({413, 429}), r"request too large for"),
    _phrase(
        Kind.AUTH,
        _CLIENT | {498},
        r"(?:incorrect|invalid|expired|missing|wrong|no) api[ _-]?key",
        r"api[ _-]?key[^.]{0,30}(?:not valid|invalid|expired|not found|is missing)",
        r"(?:didn't|did not) provide an api key",
        r"invalid (?:authentication|access token|token|credentials?|bearer)",
        r"(?:parse|validate|verify) your authentication token",
        r"access[ _-]?token (?:is |has )?(?:invalid|expired|no longer valid)",
        r"authentication (?:fails|failed|error|required)",
        r"not authenticated|\Aunauthorized\b",
        r"无效的令牌|令牌(?:无效|已过期|不存在|状态不可用|已?被?禁用)|未提供令牌|鉴权失败|身份验证失败",
        r"(?:api key|token|密钥|签名)\s*(?:无效|错误|不正确|非法|失效|已过期)",
    ),
    # A wait that is named is a wait, whatever else the sentence says of plans and billing.
    _phrase(
        Kind.RATE_LIMITED,
        _LIMIT - {500, 503},
        r"(?:try again|retry) (?:in|after) \d",
        r"error-code#(?:token|rate)-limit",
        # Google names the metric.
        r"quota exceeded\b.{0,200}(?:\bper (?:second|minute)\b|_per_(?:minute|base_model))",
        r"秒后(?:再试|重试)",
    ),
    _phrase(
        Kind.QUOTA,
        _MONEY,
        r"exceeded your (?:current|monthly|daily) (?:quota|usage)",
        r"credit balance is too low",
        r"insufficient (?:account )?(?:balance|credits?|quota|funds)",
        r"balance is (?:insufficient|not enough)",
        r"(?:not|n't) (?:have )?(?:any|enough) (?:credits?|balance|quota)",
        r"requires more credits",
        r"(?:spend(?:ing)?|usage|budget|credit) (?:limit|cap)[^.]{0,40}(?:reached|exceeded)",
        r"(?:exceed|reach)(?:ed|ing) (?:your|the)[^.]{0,30}"
        r" (?:spend(?:ing)?|usage|budget|credit) (?:limit|cap)",
        r"(?:daily|weekly|monthly)\b[^.]{0,20} limit (?:reached|exceeded)",
        r"limit exceeded \((?:daily|weekly|monthly|total)",
        r"(?:out|run out) of [^.]{0,20}(?:quota|credits?)\b",
        r"used (?:up|all)\b[^.]{0,40}(?:quota|credits?|allocation|allowance|points)\b",
        r"(?:quota|credits?|allocation|allowance|points)\b[^.]{0,60}"
        r"(?:used up|exhausted|expired|run out)",
        r"budget has been exceeded",
        r"quota (?:has been |is )?(?:exhausted|used up|exceeded)",
        r"free (?:allocated )?quota",
        r"account (?:is in arrears|has an overdue)",
        r"(?:每日|每天|当日|今日|每月|本月)[^。，]{0,12}(?:上限|限额|用完|用尽)",
        r"(?:余额|余量|额度|配额|资源包)\s*(?:不足|已?用[尽完]|已?耗尽)|欠费|套餐[^。]{0,10}到期",
    ),
    _phrase(
        Kind.UNSUPPORTED,
        _FORM,
        r"(?:does|do) not (?:currently )?support",
        r"(?:doesn't|don't) support",
        r"(?:is|are)(?: not|n't) (?:currently )?(?:supported|allowed|permitted|enabled)",
        r"requires? [^.]{0,60}(?:--[a-z]|to be (?:set|enabled))",
        r"not supported (?:with|by|for|in|on)",
        r"unsupported",
        r"no endpoints found that support",
        r"(?:unrecognized|unknown|unexpected) (?:request )?(?:argument|parameter|field|name|key)",
        r"extra (?:inputs|fields) (?:are )?not permitted",
        r"supported values are",
        r"prefill",
        r"(?:conversation|last message|messages) must (?:end|be)",
        r"expected last role",
        r"cannot be (?:used|combined|specified) (?:with|together)",
        r"暂?不支持",
        r"must be set to (?:true|false)\b|only supports? stream",
        # Another model may give longer answers, or another range of a number.
        r"maximum allowed number of output tokens",
        r"(?:supports?|allows?) at most \d+ (?:completion |output )?tokens",
        r"range of [`']?\w+[`']? (?:should be|is) [\[(]",
        # Each vendor takes a part of JSON Schema only.
        r"invalid (?:json )?schema\b|not a valid [\w ]{0,30}schema\b|\bschema didn't specify",
        # What a vendor has signed or thought, another cannot take back, and one may miss.
        r"\bsignature\b[^.]{0,30}\b(?:thinking|thought|reasoning)|thinking\.signature",
        r"\bthought[ _]signatures?\b",
        r"reasoning_content\b[^.]{0,80}(?:missing|required|passed back)",
        r"must start with a thinking block",
    ),
    _phrase(
        Kind.UNSUPPORTED,
        _LOCAL,
        r"requires? [^.]{0,60}--[a-z]",
        r"(?:image|audio|video|tool|multimodal)s?\b[^.]{0,30} (?:is|are)(?: not|n't) supported",
        r"does not support (?:images?|audio|video|tools?|multimodal)",
    ),
    _phrase(  # one-api and new-api: the model is known, and nothing that serves it is up now
        Kind.OVERLOADED,
        frozenset({503}),
        r"no (?:available )?channels?[^.]{0,20} (?:available )?for (?:this )?model",
        r"无可用渠道",
    ),
    _phrase(
        Kind.NOT_FOUND,
        _FORM | {503, 500, 403, 410},
        r"(?:model|deployment|endpoint)\b[^.]{0,120}"
        r"(?:not found|does not exist|not exist\b|no longer|decommissioned|has been deprecated)",
        r"no such model",
        r"model (?:identifier|name|id)\b[^.]{0,40}\binvalid|invalid model (?:identifier|name|id)\b",
        r"unknown model",
        r"not a valid model",
        r"no (?:available )?channels?[^.]{0,20} (?:available )?for (?:this )?model",
        r"no endpoints found",
        r"无可用渠道|模型不存在|模型未开通|没有可用的?模型",
    ),
    _phrase(  # nginx and Go: the base URL lacks an s
        Kind.NOT_FOUND,
        frozenset({400, 497}),
        r"plain http request was sent to https port",
        r"sent an http request to an https server",
    ),
    _phrase(
        Kind.OVERLOADED,
        _BUSY,
        r"overload",
        r"(?:at|over|exceeded?) (?:full )?capacity|capacity (?:temporarily |is )?exceeded",
        r"server is (?:currently )?busy|\btoo busy\b",
        r"(?:is|are) (?:currently|still) loading",
        r"loading model",
        r"no healthy upstream",
        r"no (?:available|usable|healthy) (?:accounts?|instances?|workers?|backends?|keys?)",
        r"high demand",
        r"(?:queue|maximum queue size)[^.]{0,30}(?:full|exceeded)",
        r"server busy, please try again",
        r"服务(?:器)?繁忙|系统繁忙|访问量过大|负载(?:已?饱和|[较过]高)|过载|无可用账号|没有可用账号",
    ),
    _phrase(
        Kind.RATE_LIMITED,
        _LIMIT,
        r"rate[ -]?limit",
        r"too many (?:concurrent )?(?:requests|connections)",
        r"throttl",
        r"requests? per (?:second|minute|hour|day)|tokens? per (?:second|minute|hour)",
        r"\b(?:qps|qpm|rpm|tpm)\b[^.]{0,30}(?:limit|exceed)",
        r"request limit (?:reached|exceeded)|traffic limit|reduce (?:your )?concurrency",
        r"(?:concurrency|concurrent requests?) (?:limit|exceeded)",
        r"限流|流控|频率(?:过高|超限|限制)|请求过于频繁|速率限制|并发数?过高|请求数?过多|请求限制",
    ),
    _phrase(
        Kind.POLICY,
        frozenset({None, 200, 400, 403, 422, 451}),
        r"(?:violat|trigger)\w*[^.]{0,80}(?:content|usage|safety)[a-z ]{0,12}"
        r" (?:polic(?:y|ies)|guidelines)",
        r"(?:output|response|prompt|request)\b[^.]{0,20} blocked by [^.]{0,20}"
        r"(?:content|safety)[a-z ]{0,12} polic(?:y|ies)",
        r"flagged as potentially violating|unsafe or sensitive content",
        r"不安全或敏感内容|(?:内容|文本|图片|安全)审核(?:不|未)通过",
        r"内容[^。，]{0,6}(?:涉嫌违规|违规|不合规|敏感)",
    ),
)


def phrased(message: str, status: int | None) -> Kind | None:
    """What `message` means by a published sentence, or None."""
    text = message[:_WINDOW].replace("\u2019", "'")
    for phrase in _PHRASES:
        if status in phrase.statuses and phrase.pattern.search(text):
            return phrase.kind
    return None
