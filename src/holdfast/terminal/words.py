"""The terminal's own words in both languages, and which of them to speak."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.verdict import Language

_WORDS: Mapping[str, tuple[str, str]] = {
    "ref": ("reference", "编号"),
    "when": ("when", "时间"),
    "route": ("route", "路由"),
    "outcome": ("outcome", "结果"),
    "cause": ("first cause", "最初的原因"),
    "none": ("No incident is stored in {folder}.", "{folder} 里没有任何事件记录。"),
    "unknown": (
        "No incident has that reference id, or several begin with it.",
        "没有这个编号的事件，或有几个事件以它开头。",
    ),
    "open": ("under way", "进行中"),
    "recovered": ("recovered", "已挽回"),
    "failed": ("failed", "失败"),
    "cancelled": ("cancelled", "已取消"),
    "answered": ("answered", "已回答"),
    "released": ("{n} characters were given", "已给出 {n} 个字符"),
    "told": (": {what}, {time}", "：{what}，{time}"),
    "because": (" ({cause})", "（{cause}）"),
    "after": (" after {time}", "，历时 {time}"),
    "whole": ("the answer is whole", "回答完整"),
    "seam": (
        "joined by {rule} ({sure}), {n} repeated characters removed",
        "以 {rule} 拼接（{sure}），去掉重复的 {n} 个字符",
    ),
    "proved": ("proved", "已证实"),
    "likely": ("likely", "很可能"),
    "assumed": ("assumed", "未能证实"),
    "continue": ("go on from what was given", "从已给出的内容接着写"),
    "retry": ("ask the same target again", "再问同一个目标"),
    "failover": ("ask another target", "换一个目标"),
    "replace": ("give the whole answer anew", "把整个回答重新给出"),
    "hedge": ("two at once", "同时问两个"),
    "stop": ("stop", "停止"),
    "answer": ("answer", "回答"),
    "attempts": ("attempts", "尝试"),
    "simulated": (
        "Everything here is simulated on this machine: no real model is asked.",
        "这里的一切都在本机模拟，没有询问任何真正的模型。",
    ),
    "you": ("you", "你"),
    "chat_help": (
        "Ctrl-C stops an answer; an empty line, /quit or Ctrl-D ends.",
        "Ctrl-C 停止回答；空行、/quit 或 Ctrl-D 结束。",
    ),
    "stopped": ("(stopped)", "（已停止）"),
    "saved": (
        "(saved: {n} attempts; reference {ref})",
        "（已挽回：共尝试 {n} 次；编号 {ref}）",
    ),
    "no_route": (
        "No route is called {name}. There are: {names}",
        "没有叫 {name} 的路由。现有：{names}",
    ),
    "config_ok": (
        "{source}: nothing is wrong. Routes: {routes}",
        "{source}：没有问题。路由：{routes}",
    ),
    "config_none": (
        "No holdfast.toml here and no OPENAI_API_KEY: the simulated model would be served.\n"
        "Routes: {routes}",
        "这里没有 holdfast.toml，也没有设置 OPENAI_API_KEY：将使用模拟模型。\n路由：{routes}",
    ),
    "any": ("any model", "任意模型"),
    "ready": ("Holdfast is ready: {url}", "Holdfast 已就绪：{url}"),
    "ready_simulated": (
        "Holdfast is ready: {url} (SIMULATED MODEL, no key; route: demo)",
        "Holdfast 已就绪：{url} （模拟模型，没有密钥；路由：demo）",
    ),
    "probe_failed": ("gives no answer: {why}", "没有回答：{why}"),
    "probe_streams": ("answers, in a stream", "有回答，且逐段输出"),
    "probe_whole": ("answers, but all at once", "有回答，但一次性输出"),
    "probe_prefill": ("prefill, mark {mark}: {did}", "预填（标记 {mark}）：{did}"),
    "probe_honoured": ("goes on from it", "接着写"),
    "probe_echoed": ("repeats it, then goes on", "先重复一遍，再接着写"),
    "probe_ignored": ("ignores it and answers anew", "不理会，从头回答"),
    "probe_refused": ("refuses it", "拒绝"),
    "probe_failed_otherwise": ("fails", "出错"),
    "probe_joined": (
        "told to go on: joined by {rule}, {proved}",
        "要求续写：以 {rule} 拼接，{proved}",
    ),
    "probe_proved": ("proved by what it repeats", "重复的文字证明了接点"),
    "probe_unproved": ("not proved", "接点未经证明"),
    "probe_refused_joint": ("told to go on: cannot be joined: {why}", "要求续写：无法拼接：{why}"),
    "probe_as_set": ("continuation: {way}, as it is set", "续写方式：{way}，与当前设置一致"),
    "probe_suggest": (
        'better: continuation = "{way}" under [providers.{provider}]',
        "建议：在 [providers.{provider}] 下写 continuation = \"{way}\"",
    ),
    "probe_none": (
        "No target is named, only wildcards: there is nothing to ask.",
        "只有通配的目标，没有具体的模型可问。",
    ),
    "pairing_code": ("code", "配对码"),
    "pairing_bot": ("bot", "机器人"),
    "pairing_person": ("person", "对方"),
    "pairing_state": ("state", "状态"),
    "pairing_approved": ("may talk", "已批准"),
    "pairing_waits": ("waits", "等待批准"),
    "pairing_none": ("Nobody has asked to be paired.", "没有配对请求。"),
    "pairing_unknown": (
        "No code {code} waits: it may have expired. The person gets a new one by writing again.",
        "没有等待中的配对码 {code}，可能已过期。请对方再发一条消息以获得新的配对码。",
    ),
    "pairing_done": ("{person} may talk to {bot} now.", "{person} 现在可以和 {bot} 对话了。"),
    "pairing_removed": (
        "{person} may no longer talk to {bot}.",
        "{person} 不再可以和 {bot} 对话。",
    ),
    "pairing_nobody": (
        "{person} was not paired with {bot}.",
        "{person} 没有与 {bot} 配对。",
    ),
}  # fmt: skip


def say(word: str, language: Language, **values: object) -> str:
    return _WORDS[word][language == "zh"].format(**values)


def spoken(configured: str, env: Mapping[str, str]) -> Language:
    """The language of the configuration, else of the terminal's locale."""
    if configured == "zh":
        return "zh"
    if configured == "en":
        return "en"
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"
