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
    "none": ("No incident is stored.", "没有任何事件记录。"),
    "unknown": ("No incident has that reference id.", "没有这个编号的事件。"),
    "open": ("under way", "进行中"),
    "recovered": ("recovered", "已挽回"),
    "failed": ("failed", "失败"),
    "cancelled": ("cancelled", "已取消"),
    "answered": ("answered", "已回答"),
    "released": ("{n} characters were given", "已给出 {n} 个字符"),
    "asked": ("asked", "询问"),
    "whole": ("the answer is whole", "回答完整"),
    "lost": ("lost", "失败"),
    "seam": (
        "joined by {rule}, {n} repeated characters removed",
        "以 {rule} 拼接，去掉重复的 {n} 个字符",
    ),
    "continue": ("go on from what was given", "从已给出的内容接着写"),
    "retry": ("ask the same target again", "再问同一个目标"),
    "failover": ("ask another target", "换一个目标"),
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
    "config_ok": ("{file}: nothing is wrong. Routes: {routes}", "{file}：没有问题。路由：{routes}"),
    "ready": ("Holdfast is ready: {url}", "Holdfast 已就绪：{url}"),
    "ready_simulated": (
        "Holdfast is ready: {url}   (SIMULATED MODEL: no key is set; try the route \"demo\")",
        "Holdfast 已就绪：{url}   （模拟模型：没有设置密钥；请试路由 “demo”）",
    ),
    "store_failed": (
        "cannot use the data folder {folder}: {reason}. Remedy: make it writable, or set "
        "server.data_dir",
        "无法使用数据目录 {folder}：{reason}。处理办法：使其可写，或设置 server.data_dir",
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
