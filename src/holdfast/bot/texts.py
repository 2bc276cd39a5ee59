"""Every sentence that a person in a chat can read, in English and Chinese. One table, one door."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..agent.events import Ended
from ..core.failure import Failure, Hop, Kind, Phase
from ..core.verdict import Language, plain

TEXTS: Mapping[str, tuple[str, str]] = {
    # how a turn ended
    "length": (
        "(The answer reached its length limit. Send /continue for more.)",
        "（已达到长度上限，发送 /continue 或“继续”可接着写）",
    ),
    "too_many_steps": (
        "(I stopped after {steps} steps without coming to an end. Send /continue to go on.)",
        "（已经做了 {steps} 步仍未完成，先停在这里；发送 /continue 或“继续”可接着做）",
    ),
    "repeated_calls": (
        "(I stopped because I was asking for the same thing again and again.)",
        "（我在反复做同样的事，所以先停下来了）",
    ),
    "spoken_call": (
        "(The model tried to use a tool in a way that cannot be carried out, so nothing was done."
        " You can send /retry, or choose another model with /model.)",
        "（模型使用工具的方式无法执行，因此什么都没有做。"
        "可以发送 /retry（重试），或用 /model 换一个模型）",
    ),
    "stopped": ("(Stopped.)", "（已停止）"),
    "filtered": (
        "(The model's content filter ended the answer here.)",
        "（模型的内容过滤在这里终止了回答）",
    ),
    "empty": (
        "The model had nothing to say to this. You can put the question differently.",
        "模型对此没有给出任何回答，可以换个说法再问一次。",
    ),
    "refused": ("The model declined this request.", "模型拒绝了这个请求。"),
    "cut": (
        "The answer broke off here and is not complete. Send /continue to go on.{ref}",
        "回答在这里中断，以上内容不完整。发送 /continue 或“继续”可接着写。{ref}",
    ),
    "restarted": (
        "The service was restarted while it answered, and the answer was lost. Please send your "
        "message again, or /retry.{ref}",
        "回答到一半时服务重启，回答丢失了。请重发消息，或发送 /retry（重试）。{ref}",
    ),
    "internal": (
        "Something went wrong inside; it has been recorded. Please try again.{ref}",
        "服务内部出错，已经记录，请重试。{ref}",
    ),
    "too_late": (
        "I could not get to this message for more than a day, so I leave it unanswered. If it "
        "still matters, please send it again.{ref}",
        "这条消息超过一天没能处理，就不再回答了；如果仍有需要，请重新发送。{ref}",
    ),
    # what happened to the delivery
    "more": (
        "(Too long for this chat. Send /continue for the rest.)",
        "（内容太长，这里放不下；发送 /continue 或“继续”看余下部分）",
    ),
    "window": (
        "(I am still writing, but this chat allows no further reply to your message. "
        "The rest comes when you write again, or send /continue.)",
        "（还没写完，但平台不允许再回复这条消息了；余下部分会在你下次发消息时补上，"
        "也可以发送 /continue 或“继续”）",
    ),
    "owed": (
        "(First the rest of my earlier answer, which I could not send in time:)",
        "（先补上之前没能及时发出的回答：）",
    ),
    "due": (
        "(The rest of my earlier answer, which I could not send in time:)",
        "（补上之前没能及时发出的回答：）",
    ),
    "owed_end": (
        "(That was the rest. Now to your message:)",
        "（以上是补发的内容，下面回答你的新消息：）",
    ),
    "owed_more": (
        "(There is more of it; it comes when you write again, or send /continue. "
        "Now to your message:)",
        "（还有一部分，你下次发消息时会补上，也可以发送 /continue 或“继续”。下面回答你的新消息：）",
    ),
    "rewritten": (
        "(What stands above is void; the answer is given anew below.)",
        "（以上内容作废，重新回答如下）",
    ),
    "again": (
        "(Possibly a repetition: it is not known whether the message before arrived.)",
        "（可能重复：无法确认前一条消息是否送达）",
    ),
    "stub": (
        "(The message above broke off; here is the answer from its beginning.)",
        "（上面那条消息中断了，下面从头给出回答）",
    ),
    "platform_refused": (
        "The chat platform did not accept the answer's text.{ref}",
        "聊天平台没有接受这条回答的内容。{ref}",
    ),
    # what a person should know of a turn
    "rescued": (
        "(The model failed on the way; the answer was held on to.){ref}",
        "（模型中途出了故障，回答已经接上）{ref}",
    ),
    "compacted": (
        "(The conversation is long: its older part was shortened for the model.)",
        "（对话较长，较早的部分已为模型作了压缩）",
    ),
    "tool_unknown": (
        "The outcome of {tool} is unknown; to avoid doing it twice I did not repeat it. "
        "Please check before you go on.",
        "工具 {tool} 的执行结果未知；为避免重复操作，没有自动重试，请先确认再继续。",
    ),
    "image_unseen": (
        "(The model could not look at the picture; I answered without it.)",
        "（模型没能看图片，回答时没有看图）",
    ),
    # before a turn
    "node_full": (
        "I am at my limit at the moment and did not take your message. Please send it again "
        "in a minute.",
        "现在消息太多，这条没有处理，请过一分钟再发一次。",
    ),
    "lane_full": (
        "You have sent more messages than I can keep waiting. Please let me answer first, "
        "then send it again.",
        "等待处理的消息太多，这条没有收下。请等我答完再发。",
    ),
    "store_failed": (
        "I cannot take messages at the moment: my storage does not work. Please try again later.",
        "暂时无法接收消息：存储出了问题，请稍后再试。",
    ),
    "pairing": (
        "Hello! I do not know you yet. Please give this code to whoever runs me: {code}\n"
        "They approve it with: holdfast pairing approve {code}\n"
        "It is valid for {minutes} minutes.",
        "你好！我还不认识你。请把这个配对码交给管理员：{code}\n"
        "管理员执行：holdfast pairing approve {code}\n"
        "{minutes} 分钟内有效。",
    ),
    "not_allowed": (
        "Sorry, I may not talk here. The operator can allow it: {id}",
        "抱歉，我在这里没有被允许回答。管理员可以放行：{id}",
    ),
    "rate_person": (
        "That was many messages at once. Please wait {seconds} s, then send it again.",
        "消息发得太快了，请等 {seconds} 秒再发。",
    ),
    "rate_conversation": (
        "This chat has sent many messages at once. Please wait {seconds} s, then send it again.",
        "这个会话的消息太多了，请等 {seconds} 秒再发。",
    ),
    "quiet": (
        "It is quiet time ({hours}); I shall not answer until {until}.",
        "现在是静默时段（{hours}），{until} 之后我再回答。",
    ),
    "nothing_said": (
        "You addressed me without saying anything. How can I help? (/help)",
        "你叫了我但没有说内容，需要我做什么？（/help 或“帮助”）",
    ),
    "joined": (
        "Hello! Write to me and I answer. /help shows what else I can do.",
        "你好！直接发消息给我就行。发送 /help 或“帮助”查看我还能做什么。",
    ),
    # commands
    "help": ("These are my commands:\n{commands}", "可用的命令：\n{commands}"),
    "unknown_command": (
        "I do not know the command /{name}. /help shows those I know.",
        "没有 /{name} 这个命令。发送 /help 查看有哪些命令。",
    ),
    "new": (
        "A new conversation begins: I no longer consider what was said before.",
        "新的对话开始了：之前的内容我不再参考。",
    ),
    "nothing_runs": ("I am not answering anything at the moment.", "现在没有正在进行的回答。"),
    "stopping": ("I have stopped.", "好的，已停止。"),
    "nothing_to_retry": ("There is no earlier message to answer again.", "没有可以重试的消息。"),
    "nothing_to_continue": (
        "The last answer is complete; there is nothing to go on with.",
        "上一条回答是完整的，没有可以接着写的内容。",
    ),
    "go_on": (
        "Your last message broke off. Go on exactly where it stopped: do not repeat anything of "
        "it, and say nothing about the interruption.",
        "你上一条消息中断了。请从断开的地方接着写，不要重复已有的内容，也不要提及中断。",
    ),
    "model_is": (
        "This conversation uses {route}.\nThere are: {routes}\nChange it with /model NAME.",
        "当前使用 {route}。\n可选：{routes}\n用“/model 名字”切换。",
    ),
    "model_set": ("From now on this conversation uses {route}.", "之后这个会话使用 {route}。"),
    "model_unknown": (
        "There is no model called {route}. There are: {routes}",
        "没有叫 {route} 的模型。可选：{routes}",
    ),
    "persona_is": (
        "My persona here:\n{persona}\nChange it with /persona TEXT; /persona default resets it.",
        "当前人设：\n{persona}\n用“/persona 文字”修改，“/persona default”恢复默认。",
    ),
    "persona_none": (
        "I have no persona here. Set one with /persona TEXT.",
        "这里没有设置人设。用“/persona 文字”设置。",
    ),
    "persona_long": (
        "That is too long for a persona: {limit} characters at most.",
        "人设太长了，最多 {limit} 个字。",
    ),
    "persona_set": ("I have taken on that persona.", "好的，人设已更新。"),
    "persona_reset": ("I am myself again.", "好的，已恢复默认人设。"),
    "owners_only": ("Only my administrators may do this.", "只有管理员可以这样做。"),
    "status": (
        "Model: {route}\nWaiting messages: {waiting}\nMessages remembered: {history}\n"
        "Language: English",
        "模型：{route}\n等待中的消息：{waiting}\n记住的消息：{history}\n语言：中文",
    ),
    "why_none": (
        "Nothing went wrong that I know of.",
        "据我所知，没有出过问题。",
    ),
    "why_unknown": (
        "I know of no such incident in this conversation.{ref}",
        "这个会话里没有这个事件。{ref}",
    ),
    "why_recovered": (
        "The last answer met trouble, but it is complete: {what} "
        "I asked {n} times in all.{ref}",
        "上一条回答遇到了问题，但内容是完整的：{what}一共询问了 {n} 次。{ref}",
    ),
    "why_early": (
        "I could not answer: {what}{ref}",
        "没能回答的原因：{what}{ref}",
    ),
    "why_failed": (
        "I could not answer: {what} I asked {n} times in all.{ref}",
        "没能回答的原因：{what}一共询问了 {n} 次。{ref}",
    ),
    "why_cut": (
        "The answer broke off: {what} I asked {n} times in all.{ref}",
        "回答中断的原因：{what}一共询问了 {n} 次。{ref}",
    ),
    "why_attempt": ("{number}. {target}: {explained}", "{number}. {target}：{explained}"),
    "why_stopped": (" Then no more was tried: {reason}.", "之后没有再试：{reason}。"),
    "why_attempt_whole": (
        "{number}. {target}: the answer is whole.",
        "{number}. {target}：回答完整。",
    ),
    # what /why says of a kind, to someone who knows nothing of the machinery
    "what_unreached": (
        "the model's service could not be reached.",
        "模型服务连接不上。",
    ),
    "what_broke": (
        "the connection to the model broke.",
        "与模型的连接中断了。",
    ),
    "what_slow": ("no answer came in time.", "没有及时得到回答。"),
    "what_busy": ("the model was overloaded.", "模型过载。"),
    "what_account": (
        "the service's account with the model's vendor is not accepted at the moment.",
        "模型账号目前不可用。",
    ),
    "what_setup": ("the service is not set up correctly.", "服务配置有误。"),
    "what_vendor": ("the model's service reported an error of its own.", "模型服务自身出错。"),
    "what_long": (
        "the conversation is longer than the model can take.",
        "对话超过了模型能处理的长度。",
    ),
    "what_refused": ("the model declined the request.", "模型拒绝了这个请求。"),
    "what_internal": ("there was a fault in my own program.", "我自己的程序出了错。"),
    # media
    "media_named": ("[{kind}: {name}]", "[{kind}：{name}]"),
    "media_image": ("image", "图片"),
    "media_video": ("video", "视频"),
    "media_voice": ("voice message", "语音"),
    "media_file": ("file", "文件"),
    "media_unread": ("(it could not be read: {reason})", "（无法读取：{reason}）"),
    "media_too_big": ("larger than {limit}", "超过 {limit}"),
    "media_not_text": ("not a text", "不是文本"),
    "media_no_picture": ("not a picture", "不是图片"),
    "media_too_many": ("only {limit} pictures are looked at", "只看前 {limit} 张图片"),
    "media_unseen": ("only pictures and texts can be", "只能看图片和文本"),
    "media_unavailable": ("it could not be fetched", "无法下载"),
    "media_cut": (
        "(only the first {signs} characters are shown)",
        "（只取了前 {signs} 个字符）",
    ),
    "media_left_out": (
        "({name} could not be shown: it is larger than {limit}, or there were too many.)",
        "（{name} 无法展示：超过 {limit}，或数量太多）",
    ),
    "media_unsupported": (
        "({name} cannot be sent in this chat: the platform takes no such files here.)",
        "（这里无法发送 {name}：平台在此处不支持这类文件）",
    ),
    "media_no_room": (
        "({name} could not be sent: no reply, or no time, was left for it. "
        "You can ask for it again.)",
        "（{name} 没能发出：剩余的回复次数或时间不够了，可以再要一次）",
    ),
    "media_not_taken": (
        "({name} could not be sent: the platform did not take it.)",
        "（{name} 没能发出：平台没有接受）",
    ),
    "media_unknown": (
        "(It is not known whether {name} arrived; it was not sent a second time.)",
        "（无法确认 {name} 是否送达，没有重复发送）",
    ),
    "quoted": ("(In answer to: “{text}”)", "（回复：“{text}”）"),
}  # fmt: skip

# The person in a chat knows no gateway and no key; these kinds read differently there.
_IN_A_CHAT: Mapping[Kind, tuple[str, str]] = {
    Kind.INVALID: (
        "The model's service does not accept this message as it stands. Please put it differently, "
        "or begin anew with /new.",
        "模型服务无法处理这条消息，请换个说法，或发送 /new 开始新对话。",
    ),
    Kind.TOO_LONG: (
        "The conversation is longer than the model can take. Begin anew with /new.",
        "对话超过了模型能处理的长度，请发送 /new 开始新话题。",
    ),
    Kind.NO_ROUTE: (
        "The model chosen for this conversation no longer exists. Choose another with /model.",
        "这个会话选择的模型已不存在，请用 /model 换一个。",
    ),
    Kind.CAPACITY: (
        "I am at my limit at the moment. Please try again shortly.",
        "现在忙不过来，请稍后再试。",
    ),
    Kind.DENIED: (
        "The service is not set up correctly; the operator can see why.",
        "服务配置有误，管理员可以查到原因。",
    ),
}
_SAME_AS = {Kind.UNSUPPORTED: Kind.INVALID, Kind.LOOP: Kind.DENIED}

# Of all that may be noted in a turn, what its reader is told at the end.
TOLD = frozenset({"tool_unknown", "image_unseen", "media_left_out"})

_WHAT: Mapping[Kind, str] = {
    Kind.DNS: "what_unreached",
    Kind.REFUSED: "what_unreached",
    Kind.UNREACHABLE: "what_unreached",
    Kind.TLS: "what_unreached",
    Kind.TLS_CERTIFICATE: "what_unreached",
    Kind.PROXY: "what_unreached",
    Kind.POOL: "what_busy",
    Kind.UNAVAILABLE: "what_unreached",
    Kind.RESET: "what_broke",
    Kind.CLOSED: "what_broke",
    Kind.TRUNCATED: "what_broke",
    Kind.TIMEOUT: "what_slow",
    Kind.DEADLINE: "what_slow",
    Kind.RATE_LIMITED: "what_busy",
    Kind.OVERLOADED: "what_busy",
    Kind.CAPACITY: "what_busy",
    Kind.STOPPING: "what_internal",
    Kind.STORE: "what_internal",
    Kind.QUOTA: "what_account",
    Kind.AUTH: "what_account",
    Kind.FORBIDDEN: "what_account",
    Kind.NOT_FOUND: "what_setup",
    Kind.NO_ROUTE: "what_setup",
    Kind.CONFIG: "what_setup",
    Kind.DENIED: "what_setup",
    Kind.LOOP: "what_setup",
    Kind.TOO_LONG: "what_long",
    Kind.POLICY: "what_refused",
    Kind.INTERNAL: "what_internal",
}

_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_OTHER_SCRIPT = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")  # kana and hangul: not Chinese
_LETTERS = re.compile(r"[A-Za-z]{2,}")
_QUOTED_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_TOKEN = re.compile(r"[!-~]+")
_CODE = re.compile(r"://|[_={}\[\]<>\\]|[A-Za-z0-9]\(")  # in words that nobody speaks
_ASKED = re.compile("[:：\n]")  # what is asked stands before it, what it is asked of behind


def say(key: str, language: Language, /, **values: Any) -> str:
    """The sentence `key`. `ref`, where a sentence has room for one, is the bare reference id."""
    if "ref" in values:
        values["ref"] = reference(str(values["ref"]), language)
    return TEXTS[key][language == "zh"].format_map(_Given(values))


def reference(ref: str, language: Language) -> str:
    if not ref:
        return ""
    return f"（编号 {ref}）" if language == "zh" else f" (ref {ref})"


def failed(failure: Failure, language: Language, ref: str = "") -> str:
    """What a person is told of a failure before which they had read nothing."""
    kind = _SAME_AS.get(failure.kind, failure.kind)
    known = _IN_A_CHAT.get(kind)
    if known:
        return known[language == "zh"] + reference(ref, language)
    return plain(replace(failure, hop=Hop.UPSTREAM), language, ref=ref)


def ending(ended: Ended, language: Language, shown: bool) -> str:
    """The sentence with which a turn ends; "" if its answer needs none.

    `shown`: the person has text of an answer, so a failure cut it.
    """
    if ended.outcome == "finished" and not ended.key:
        return ""
    if ended.outcome == "failed" and shown:
        return say("cut", language, ref=ended.ref)
    if ended.outcome == "refused" and shown and ended.key:
        return say("filtered", language)
    failure = failure_in(ended) if ended.outcome == "failed" else None
    if failure:
        return failed(failure, language, ended.ref)
    if ended.key in TEXTS:
        return say(ended.key, language, **{**ended.values, "ref": ended.ref})
    if ended.outcome == "failed":
        return say("internal", language, ref=ended.ref)
    tells = ended.key or (shown and ended.outcome != "refused")
    return say(_OUTCOMES[ended.outcome], language, ref=ended.ref) if tells else ""


_OUTCOMES = {"finished": "empty", "limited": "length", "stopped": "stopped", "refused": "refused"}


def failure_in(ended: Ended) -> Failure | None:
    """The failure that an ending records, as far as sentences need it."""
    word = (ended.failure or {}).get("kind", ended.key)
    if word not in _KINDS:
        return None
    return Failure(_KINDS[word], Phase.END)


_KINDS: Mapping[str, Kind] = {kind.value: kind for kind in Kind}


def what(kind: str, language: Language) -> str:
    """What went wrong, for someone who knows nothing of upstreams."""
    known = _KINDS.get(kind)
    return say(_WHAT.get(known, "what_vendor") if known else "what_vendor", language)


def spoken(text: str) -> Language | None:
    """The language of a person's words; None if they do not tell (a number, code, an emoji). Who
    asks in Chinese of something long in English does so before it, or in the last line.
    """
    text = _QUOTED_CODE.sub("", text).strip()
    text = _TOKEN.sub(lambda token: "" if _CODE.search(token[0]) else token[0], text)
    if _CHINESE.search(text) and not _OTHER_SCRIPT.search(text):
        parts = (text, _ASKED.split(text, maxsplit=1)[0], text.rpartition("\n")[2])
        return "zh" if any(map(_mostly_chinese, parts)) else "en"
    return "en" if _LETTERS.search(text) else None


def _mostly_chinese(text: str) -> bool:
    chinese = len(_CHINESE.findall(text))
    return chinese > 0 and chinese * 2 >= len(_LETTERS.findall(text))


class _Given(dict[str, Any]):
    """What is not given is left out: a sentence is shown rather than a KeyError."""

    def __missing__(self, key: str) -> str:
        return ""
