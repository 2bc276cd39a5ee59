"""The answers that the simulated model knows by heart, in Chinese and in English.

Written for this purpose. `demo` is what an ordinary question gets; the others are chosen with
`text:NAME` in the question.
"""

from __future__ import annotations

from collections.abc import Mapping

_DEMO_EN = """\
This is a simulated model speaking: Holdfast plays it from a script, and no real model has read \
your question. It is here so that you can watch an answer survive.

Behind this sentence an upstream may be failing at this very moment. When it does, Holdfast keeps \
what you have already read, asks another target to go on from there, and joins the two parts \
without repeating or losing a word. Each failed attempt is written down with its phase and its \
cause, so nobody has to guess later.

To talk to a real model, name one in holdfast.toml and ask again."""

_DEMO_ZH = """\
这是模拟模型的回答：文字由 Holdfast 按剧本播放，没有真正的模型读过你的问题。它的用处，是让你亲眼看到一个回答怎样撑过故障。

就在你读这句话的时候，背后的上游也许正在出错。一旦出错，Holdfast 会留住你已经读到的内容，请另一个目标从断开的地方接着写，\
再把前后两段拼好，一个字不重复，一个字不遗漏。每一次失败的尝试都会连同阶段和原因记录下来，以后不必猜。

想和真正的模型对话，请在 holdfast.toml 里写上一个，然后再问一次。"""

_SHORT_EN = "Hold fast: the rope is short, but it reaches the shore."
_SHORT_ZH = "抓牢：绳子虽短，够得着岸。"

_LONG_EN = """\
A lighthouse keeper's log is a plain kind of book. The date comes first, then the wind, then the \
hour at which the lamp was lit and the hour at which it was put out. Nothing else is required, and \
most nights nothing else is written.

The interesting pages are the other ones. On 3 November the keeper notes that the clockwork \
stopped at twenty past two. He does not write that the lamp "had problems". He writes which wheel \
had cracked, how long the beam stood still, and that he turned the lens by hand until daylight, \
counting under his breath so that passing ships would still read the right signal. Fourteen \
seconds of light, six of dark: four hours and ten minutes of it.

No captain ever learned of that night, which is exactly what makes it a success. From the sea the \
signal never changed. On land there was a cracked wheel, a tired man and an honest line in the \
log, and because of that line a spare wheel lay in the drawer before the winter was over.

Two habits hide in this story. Keep the promise that others can see, even if you must turn the \
lens yourself. And write down what really happened, at the hour when it happened, in words that \
the next keeper can use. The first habit saves the ship tonight; the second saves the one after."""

_LONG_ZH = """\
灯塔看守人的日志是一种很朴素的本子。先写日期，再写风向，然后是点灯的时刻和熄灯的时刻。规矩只要求这些，多数夜晚也只写这些。

值得细读的是另外那些页。十一月三日，看守人记下：两点二十分，转动透镜的钟机停了。他没有写“灯出了点问题”，\
而是写明哪一个齿轮裂了，光束停了多久，以及他怎样用手推着透镜转到天亮。他一边推一边低声数数，好让过往的船只读到的仍是正确的信号：\
亮十四秒，暗六秒，就这样数了四小时十分钟。

没有一位船长知道那一夜的事，而这恰恰说明他做成了。从海上看，信号从未改变。岸上有一只裂开的齿轮，一个疲惫的人，和日志里一行诚实的字。\
也正因为那行字，冬天还没过完，抽屉里就多了一只备用齿轮。

后来接班的人翻到这一页，照着学会了三件事。第一，先把光续上，再去找原因；船在海上等不起。第二，续上的光必须和断掉之前一模一样，\
节奏差一秒，船长就会认成另一座灯塔，那比一片漆黑更危险。第三，找到原因之后，要用下一个人看得懂的话写下来：\
哪个零件，什么时刻，当时做了什么，为什么这样做。

还有一件事日志里没有写，是老看守人退休那天当面说的。他说，机器总会坏，风浪总会来，这些都不由我们决定。由我们决定的只有两样：\
手有没有离开透镜，笔有没有离开实情。前一样救今夜的船，后一样救以后的船。

说完他把钥匙挂回墙上，沿着石阶慢慢走下去。身后的灯准时亮起，亮十四秒，暗六秒，和三十年前一样。海面上有一艘船拉响汽笛，像是回答，又像只是路过。

新来的看守人翻开本子，写下日期，写下风向，写下点灯的时刻。然后他想了想，在页边添上一行小字：钟机运转正常，备用齿轮一只，已上油。"""

_CODE_EN = """\
Retrying is easy; knowing when to stop is the real work. Here is a small retry loop with a budget:

```python
def ask(targets, budget):
    for target in targets:
        while budget.take():
            answer = target.ask()
            if answer.whole:
                return answer
            if not answer.retryable:
                break  # another target may still work
    raise Exhausted(targets)
```

What each line of defence costs and gives:

| defence | costs | gives |
|---|---|---|
| retry | time | luck a second chance |
| failover | a second account | independence |
| continuation | one held-back sentence | an unbroken answer |

Before you ship it, check that:

1. the budget is shared by all calls, not counted per call;
2. a cut answer is never taken for a whole one;
3. the reason of every failure is kept:
   - the phase,
   - the cause,
   - what was decided.

That is all. The loop is nine lines long, the thinking behind it is not."""

_CODE_ZH = """\
重试很容易，难的是知道什么时候该停。下面是一个带预算的重试循环：

```python
def ask(targets, budget):
    for target in targets:
        while budget.take():
            answer = target.ask()
            if answer.whole:
                return answer
            if not answer.retryable:
                break  # 换一个目标也许还行
    raise Exhausted(targets)
```

每一道防线的代价和收获：

| 防线 | 代价 | 收获 |
|---|---|---|
| 重试 | 时间 | 给运气第二次机会 |
| 换目标 | 多一个账号 | 互不牵连 |
| 续写 | 扣住一句话 | 不断的回答 |

上线之前，请确认：

1. 预算由所有调用共享，而不是每次调用各算各的；
2. 被截断的回答绝不会当成完整的回答；
3. 每次失败的原因都留了下来：
   - 阶段，
   - 根因，
   - 做了什么决定。

就这些。循环只有九行，背后的思考不止九行。"""

_EMOJI_EN = (
    "Greetings from the deck 👋🏽! The crew is small: a family 👨‍👩‍👧‍👦, a scientist 👩🏾‍🔬, one very old "
    "pirate 🏴‍☠️ and a cat 🐈‍⬛. Our flag today is 🏳️‍🌈, tomorrow 🇫🇮. The cook spells cafe\u0301 with a "
    "combining accent, Zu\u0308rich too, and n\u0303u with a tilde of its own; he counts 1️⃣ 2️⃣ 3️⃣ and "
    "signs with 𝓗𝓸𝓵𝓭. Hindi says नमस्ते, Thai says สวัสดี, Arabic says مرحبًا. Still with us? 💙👍🏿"
)

_EMOJI_ZH = (
    "甲板上向你问好👋🏽！船员不多：一家四口👨‍👩‍👧‍👦，一位科学家👩🏾‍🔬，一个老海盗🏴‍☠️，还有一只黑猫🐈‍⬛。今天挂🏳️‍🌈，"
    "明天挂🇫🇮。厨师写 cafe\u0301 用组合重音，写 Zu\u0308rich 也一样；他数 1️⃣ 2️⃣ 3️⃣，落款是 𝓗𝓸𝓵𝓭。生僻字也带上：𠮷野家、𡃁仔、㐂。"
    "印地语说 नमस्ते，泰语说 สวัสดี，阿拉伯语说 مرحبًا。还在吗？💙👍🏿"
)

_JSON_EN = '{"simulated": true, "lamp": {"light": 14, "dark": 6}, "log": ["lit", "turned by hand"]}'
_JSON_ZH = '{"模拟": true, "灯": {"亮": 14, "暗": 6}, "日志": ["点灯", "手推透镜"]}'

TEXTS: Mapping[str, Mapping[str, str]] = {
    "demo": {"en": _DEMO_EN, "zh": _DEMO_ZH},
    "short": {"en": _SHORT_EN, "zh": _SHORT_ZH},
    "long": {"en": _LONG_EN, "zh": _LONG_ZH},
    "code": {"en": _CODE_EN, "zh": _CODE_ZH},
    "emoji": {"en": _EMOJI_EN, "zh": _EMOJI_ZH},
    "json": {"en": _JSON_EN, "zh": _JSON_ZH},
}

REASONING: Mapping[str, str] = {
    "en": "The question asks for a known text. I look it up, check the language and recite it.",
    "zh": "这个问题要的是一段已知的文字。先查到它，看清语言，再原样说出来。",
}

# What a model says when it is told to go on, but would rather say something else.
OTHER_WORDS: Mapping[str, str] = {
    "en": "Let me put it differently. Think of a bridge: what matters is not one plank but the "
    "cable that carries them all.",
    "zh": "换个说法吧。想象一座桥：要紧的不是哪一块木板，而是吊着所有木板的那根钢索。",
}

NOTHING_MISSING: Mapping[str, str] = {
    "en": "The answer above is already complete.",
    "zh": "上面的回答已经完整，没有需要补充的内容。",
}

ANNOUNCEMENT: Mapping[str, str] = {
    "en": "Sure, here is the continuation:\n\n",
    "zh": "好的，接着上文继续：\n\n",
}
