"""Messages in words of no platform: what people send, and what they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

Json = Mapping[str, Any]


class Scene(Enum):
    DIRECT = "direct"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Person:
    """`id` is stable under one bot and scene; `name` may be ""."""

    id: str
    name: str = ""
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """`text` is what the platform itself recognised, such as the words of a voice message."""

    kind: Literal["image", "video", "voice", "file"]
    url: str
    name: str = ""
    media_type: str = ""
    size: int | None = None  # bytes
    text: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reply goes. `anchor` is what the platform needs to take it for a reply to one
    message (QQ: msg_id or event_id), and whatever else its adapter must know again.
    """

    conversation: str  # "qq:c2c:OPENID": unique under one bot
    scene: Scene
    anchor: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message to a bot. `id` is the platform's: the same id is the same message.

    `at` is Unix seconds by the platform's clock. `addressed`: it speaks to the bot, by a mention
    or because nobody else is there.
    """

    bot: str
    platform: str
    id: str
    place: Place
    sender: Person
    text: str
    at: float
    addressed: bool = True
    attachments: tuple[Attachment, ...] = ()
    quote: str = ""  # the text of the message it answers
    from_owner: bool = False  # the platform knows this person as an administrator here
    language: str = ""  # of the program they write with, where it tells: "zh" or "en"

    @property
    def turn_id(self) -> str:
        return f"{self.bot}:{self.id}"

    @property
    def lane(self) -> str:
        return f"{self.bot}:{self.place.conversation}"


class NoticeKind(Enum):
    JOINED = "joined"  # a friend or a group added the bot
    LEFT = "left"
    OPENED = "opened"  # proactive messages may be sent
    CLOSED = "closed"  # they may not
    DUE = "due"  # our own: what `person` is owed may be told now, unasked


@dataclass(frozen=True, slots=True)
class Notice:
    """An event that is no message."""

    bot: str
    platform: str
    id: str
    kind: NoticeKind
    place: Place
    at: float
    person: str = ""  # the id of whom it is about, where it is about one


@dataclass(frozen=True, slots=True)
class Whole:
    """A message, sent at once. `text` is Markdown; `plain` asks for it without."""

    text: str
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """One state of a message that grows: all of its text so far, which begins with what was sent
    before on append-only surfaces. `index` counts from 0; the last is `final`, always.

    `message_id` is what the first frame's receipt named; "" for the first.
    """

    index: int
    text: str
    final: bool
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Typing:
    """Shows that an answer is on its way."""

    seconds: int = 30


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, a sound or a file with an optional caption: its `data`, or the `url` where the
    platform finds it.
    """

    kind: Literal["image", "video", "voice", "file"]
    name: str
    media_type: str
    data: bytes = field(default=b"", repr=False)
    url: str = ""
    caption: str = ""


Content = Whole | Frame | Typing | Media


@dataclass(frozen=True, slots=True)
class Outbound:
    """`slot` numbers the replies to one inbound message from 1, the same for every repetition and
    for all frames of one message; platforms derive their own sequence from it.
    """

    place: Place
    content: Content
    slot: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a platform said of a message it took. `repeated`: it had it already. `pause`: seconds
    for which it wants no further frame of it, for all its others are to grow too.
    """

    message_id: str = ""
    repeated: bool = False
    pause: float = 0.0
    extra: Json = field(default_factory=dict)
