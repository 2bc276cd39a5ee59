"""What the simulated QQ permits: one field for every limit and for every point on which the
sources of its protocol disagree, so that a bot can be proved under both readings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Place = Literal["c2c", "group", "channel", "dm"]

GUILDS, GUILD_MEMBERS, DIRECT_MESSAGES = 1 << 0, 1 << 1, 1 << 12
GROUP_AND_C2C, INTERACTIONS, PUBLIC_GUILD_MESSAGES = 1 << 25, 1 << 26, 1 << 30
KNOWN_INTENTS = sum(1 << bit for bit in (0, 1, 9, 10, 12, 18, 19, 24, 25, 26, 27, 28, 29, 30))
GRANTED = (
    GUILDS | GUILD_MEMBERS | DIRECT_MESSAGES | GROUP_AND_C2C | INTERACTIONS | PUBLIC_GUILD_MESSAGES
)


@dataclass(slots=True)
class Rules:
    """May be changed while the simulator runs. Times in seconds; None: not enforced.

    Windows, lives and rates go by the simulator's clock, which tests advance; heartbeats and
    the patience of sockets by real time.
    """

    # Replies to one message or event (documents: 4 and 5; older ones 5; probes: none enforced).
    c2c_replies: int | None = 4
    group_replies: int | None = 5
    c2c_window: float = 3600.0
    group_window: float = 300.0
    event_window: float = 1800.0
    typing_counts: bool = True
    refusal_takes_slot: bool = False  # is a (msg_id, msg_seq) used up by a refused message?

    # Messages that answer nothing.
    proactive: bool = False
    proactive_per_minute: int = 20

    # Contents.
    markdown: set[Place] = field(default_factory=lambda: {"c2c", "group"})
    filtered: set[Place] = field(default_factory=lambda: {"group", "channel", "dm"})  # of URLs
    markdown_beside_content: Literal["ignored", "refused"] = "ignored"
    unknown_quotes: Literal["ignored", "refused"] = "ignored"  # no source tells
    text_chars: int = 5000
    markdown_chars: int = 32_000
    guild_chars: int = 2000

    # Streams.
    frame_bytes: int = 20 * 1024
    stream_chars: int | None = None
    frames_per_second: int = 50
    stream_patience: float = 60.0  # after which clients roll an unfinished stream back
    frame_repeated: Literal["known", "refused"] = "known"  # one that it had (no source tells)
    stream_idle: float | None = None  # without a frame, after which the platform ends a stream
    remain_msg_len: int | None = 0  # in answers; documented, but seen to be 0

    # Media.
    file_ttl: int = 300
    max_file: int = 200 * 1024 * 1024
    voices: Literal["common", "silk"] = "common"  # are MP3, WAV and OGG voices, too?
    part_bytes: int = 5 * 1024 * 1024
    part_index_from: int = 0  # documents: 0; one client: 1
    parts_pending: int = 0  # how often a finished part is answered "not yet"
    part_delay: int = 1  # after which it may be asked again

    # Events.
    full_messages: bool = False  # groups send all messages, and all as GROUP_MESSAGE_CREATE
    both_group_events: bool = False  # a mention comes as both types
    repeats: int = 0  # how often every event is pushed once more
    one_id: bool = True  # a person has the same id in private chats and in groups
    old_payloads: bool = False  # as of 2024: no message_type, no elements, URLs without scheme

    # Tokens.
    token_life: float = 7200.0
    expires_in: Literal["text", "number", "fraction", "zero", "absent"] = "text"
    allowed_address: bool = True  # the caller is on the list of permitted IPs

    # The gateway.
    granted: int = GRANTED
    heartbeat_interval: float = 45.0
    hello_patience: float = 10.0  # for identify or resume
    session_life: float = 1800.0
    sessions_left: int = 1500
    lost_session: Literal["op9", "4006"] = "op9"
    replay_more: int = 0  # events before the sequence number that are replayed as well

    # Webhooks.
    webhook_patience: float = 5.0
    webhook_tries: int = 3
    webhook_pause: float = 0.05  # between them, real time
    webhook_deaf: int = 0  # how many acknowledgements of an event do not arrive
