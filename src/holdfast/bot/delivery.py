"""What is sent to a platform, and when: a turn's events, its limits and time -> sends.

A pure machine that one driver works: `hear` what happened in the turn, ask for the `next` move,
tell how a send went (`taken`, `failed`). It can be made again at any time from the parts that
were stored and the journal: then the person who has read half a message gets its other half.

Rules that hold whatever fails: one reply is kept back for the end until the end is sent; what
may have arrived is sent again only where the platform recognises it, else it says so; a message
that grows is always brought to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..agent.events import TurnEvent
from ..core.failure import Failure, Kind, Remedy
from ..core.request import Surface
from . import texts
from .adapter import Capabilities
from .event import Content, Frame, Outbound, Receipt, Typing, Whole
from .exhibits import due, media_of, unshown
from .failing import (
    CRASH,
    PATIENCE,
    RETOLD,
    may_be_tried,
    may_have_arrived,
    passes,
    pause,
    retelling,
    was_reached,
)
from .markdown import part, reopening
from .moves import Move, Over, Owed, Reply, Send, Wait
from .parts import Owing, Part, State
from .script import Script, Spans, first, join, length, until
from .told import Told
from .wording import finished, for_good, paragraphs, text_of, trimmed, verdict

FRAME_PATIENCE = 120.0  # seconds in which a growing message is tried before others follow it
BURIAL = 60.0  # seconds in which one that broke is still tried to be ended, when all is told
OPENING = 24  # signs that a growing message begins with: if its name is lost, no more stay behind
SLOW = 6.0  # seconds of silence after which "typing" is worth a reply
TYPING_SHOWN = 25.0  # seconds after which a costless "typing" is shown anew
RESTS = 15.0  # seconds after which a growing message that does not grow is sent as it is
MEDIA_PATIENCE = 60.0  # seconds in which a picture is tried before the words go on without it
MEDIA_TIME = 150.0  # seconds for which all pictures that fail may hold up the words of one answer
SMALLEST = 200  # signs; a message that is too long even so has another fault
FENCE_ROOM = 12  # signs kept free to close a code block


class Delivery:
    """The delivery of one turn. `now` is in seconds on the axis of `reply.at`."""

    def __init__(
        self,
        reply: Reply,
        capabilities: Capabilities,
        script: Script,
        now: float,
        parts: Sequence[Part] = (),
    ) -> None:
        self._reply = reply
        self._can = capabilities
        self._script = script
        self._told = Told(parts)
        self._began = now
        self._limit = capabilities.max_chars
        self._sending: Part | None = None
        self._again: Part | None = None  # to be sent as it is
        self._not_before = now  # back-off
        self._frame_at = now  # when the next frame may go
        self._tries = 0
        self._sent_at = now  # the send that is under way
        self._since: float | None = None  # when the platform began to fail
        self._media_left = MEDIA_TIME
        self._unbegun: int | None = None  # the slot of a stream whose first frame was not taken
        self._ending_stream = False  # a broken one, with what it has
        self._unwanted = False  # the platform refuses the text itself
        self._plain = any(kept.plain for kept in parts)
        self._whole_only = any(
            kept.form == "stream" and kept.state in (State.UNKNOWN, State.FAILED) for kept in parts
        )
        self._over = False
        self._given_up = False  # over without an end that the person has
        self._typed_at = now
        self._buried: set[int] = set()  # broken streams that are no longer tried to be ended
        self._leaving_since: float | None = None
        self._deadline = _deadline(reply, capabilities, now)
        self._recover(now)

    def hear(self, event: TurnEvent) -> None:
        if self._script.ended is None:
            self._script.hear(event)

    def next(self, now: float) -> Move:
        """What to do now. After a Send, tell `taken` or `failed` before asking again."""
        if self._over or self._can.live:
            return self._leave(now)
        if now < self._not_before:
            return Wait(self._not_before)
        if self._behind(now):
            return Wait(self._deadline)
        if self._again:
            again, self._again = self._again, None
            if again.form != "media" or again.exhibit < len(self._script.exhibits):
                return self._send(again, now)
            self._drop(again)  # its result has not been read again in time
        last = self._told.last
        if last and last.open:
            return self._grow(last, now)
        return self._begin(now)

    def taken(self, receipt: Receipt, now: float) -> Part:
        """The platform has it. Returns the part as it is to be stored."""
        sent = self._sent()
        self._tries, self._since = 0, None
        known = sent.message_id or receipt.message_id
        if sent.form == "stream" and not known and not sent.final:
            # Recognised as a repetition, or taken without a name: nobody can make it grow, or end.
            self._whole_only = True
            return self._keep(replace(sent, state=State.UNKNOWN, doubtful=False, seen=sent.end))
        self._ending_stream = False
        self._frame_at = now + max(self._can.frame_interval, receipt.pause)
        return self._keep(
            replace(
                sent,
                state=State.DELIVERED,
                message_id=known,
                acked=sent.end,
                seen=sent.end,
                doubtful=False,
            )
        )

    def failed(self, failure: Failure, now: float, jitter: float) -> Part:
        """It was not taken, or nobody knows. Returns the part as it is to be stored."""
        sent = self._sent()
        doubt = may_have_arrived(failure)
        sent = replace(
            sent, doubtful=sent.doubtful or doubt, seen=max(sent.seen, sent.end if doubt else 0)
        )
        self._tries += 1
        self._since = self._sent_at if self._since is None else self._since
        self._not_before = now + pause(failure, self._tries, jitter)
        if sent.form == "typing":
            self._not_before = now
            return self._drop(sent)
        if self._over:
            return self._not_buried(sent, failure)
        if sent.form == "stream":
            return self._frame_failed(sent, failure, doubt, now)
        if sent.form == "media":
            return self._media_failed(sent, failure, doubt, now)
        return self._whole_failed(sent, failure, doubt, now)

    def _behind(self, now: float) -> bool:
        """Whether an earlier life told more than was read of the journal so far."""
        told, script = self._told, self._script
        unread = max(told.exhibits, default=-1) >= len(script.exhibits)
        behind = unread or len(script.text) < told.reach
        return behind and not self._late(now) and script.ended is None

    def _late(self, now: float) -> bool:
        return self._deadline is not None and now >= self._deadline

    # -- what to send

    def _begin(self, now: float) -> Move:
        """No message is open."""
        if self._told.closed:
            self._over = True
            return self._leave(now)
        start, opening = self._told.position, self._opening()
        lead, rest = self._lead(opening), trimmed(self._script, start, bool(opening))
        exhibit = self._due(now)
        if exhibit is not None:
            return self._show(exhibit, start, lead, rest, now)
        if self._script.ended or self._late(now) or self._unwanted:
            return self._close(start, lead, rest, now)
        streams = self._can.surface is not Surface.NONE and not self._whole_only
        if (
            streams
            and self._script.growing
            and self._told.left(self._can) >= 2
            and (spans := self._beginning(lead, rest))
        ):
            slot, self._unbegun = self._unbegun or self._told.free_slot, None
            opened = Part(slot, "stream", start, spans, lead, acked=start, seen=start)
            return self._send(opened, now)
        typing_at = self._typing_at()
        if typing_at is not None and typing_at <= now:
            return self._send(Part(self._told.free_slot, "typing"), now)
        times = [at for at in (typing_at, self._deadline) if at is not None]
        return Wait(min(times) if times else None)

    def _due(self, now: float) -> int | None:
        """The exhibit that comes next, if it may be shown. One reply stays for the end; words go
        first in the last moment, and where exhibits have held them up for long.
        """
        out_of_time = self._late(now) or self._media_left <= 0
        if self._unwanted or out_of_time or self._told.left(self._can) < 2:
            return None
        return due(self._script, self._told.exhibits, self._can.media)

    def _show(self, number: int, start: int, lead: str, rest: Spans, now: float) -> Move:
        """An exhibit, behind the words that came before it if there are replies for both."""
        self._unbegun = None  # what comes later has a later slot
        before = until(rest, self._script.exhibits[number].at)
        text = self._script.read(before).rstrip()
        sent = Part(self._told.free_slot, "media", start, acked=start, seen=start)
        if not text or self._told.left(self._can) < 3:
            return self._send(replace(sent, exhibit=number), now)
        whole = replace(sent, form="whole", lead=lead, plain=self._plain)
        room = self._limit - len(lead) - FENCE_ROOM
        cut = len(text) if len(text) <= room else part(text, max(room, 1))
        return self._send(finished(self._script, whole, first(before, cut), ""), now)

    def _grow(self, stream: Part, now: float) -> Move:
        """A message is open: its next frame, or its last. One that grows holds no picture: it ends
        before it.
        """
        script = self._script
        replaces = self._can.surface is Surface.REPLACE
        if script.stale(stream.spans) and not replaces:
            return self._send(self._voided(stream), now)
        if replaces:
            spans = script.rest(stream.start)
        else:
            spans = join(stream.spans, script.rest(stream.end))
        room = self._room(stream.lead)
        exhibit = self._due(now)
        if exhibit is not None:
            spans = until(spans, script.exhibits[exhibit].at)
        elif script.ended:
            return self._send(self._last_frame(stream, spans, room), now)
        text = script.read(spans)
        if len(text) > room - FENCE_ROOM and self._told.left(self._can) >= 1:
            cut = first(spans, part(text, room - FENCE_ROOM))
            cut = cut if replaces else self._atleast(cut, stream)
            return self._send(finished(self._script, stream, cut, ""), now)
        if exhibit is not None:
            ended = first(spans, len(text.rstrip()))
            ended = ended if replaces else self._atleast(ended, stream)
            return self._send(finished(self._script, stream, ended, ""), now)
        fresh = for_good(self._script, stream.lead, first(spans, room - FENCE_ROOM))
        fresh = fresh if replaces else self._atleast(fresh, stream)
        rests = fresh == stream.spans and not stream.doubtful
        frame_at = self._frame_at + (RESTS - self._can.frame_interval if rests else 0.0)
        if now < frame_at:
            return Wait(frame_at)
        return self._send(replace(stream, spans=fresh, index=stream.index + 1), now)

    def _voided(self, stream: Part) -> Part:
        """Its end, and what it was; where there is no room, the next message says that."""
        note = texts.say("rewritten", self._script.language)
        told = replace(finished(self._script, stream, stream.spans, note), void=True)
        fits = len(text_of(self._script, told)) <= self._room("")
        return told if fits else finished(self._script, stream, stream.spans, "")

    def _last_frame(self, stream: Part, spans: Spans, room: int) -> Part:
        text = self._script.read(spans).rstrip()
        tail = self._end(bool(text))
        ended = finished(self._script, stream, first(spans, len(text)), tail)
        if len(text_of(self._script, ended)) <= room + len(stream.lead):
            return replace(ended, closing=True)
        owing = self._told.left(self._can) < 1
        if owing:
            tail = paragraphs(texts.say("more", self._script.language), tail)
        room -= FENCE_ROOM + (len(tail) + 2 if owing else 0)
        cut = first(spans, part(text, max(room, 1)))
        if self._can.surface is not Surface.REPLACE:
            cut = self._atleast(cut, stream)
        return replace(
            finished(self._script, stream, cut, tail if owing else ""),
            closing=owing,
            owing="length" if owing else "",
        )

    def _close(self, start: int, lead: str, rest: Spans, now: float) -> Move:
        """Everything that is left, in whole messages; the last of them ends the delivery."""
        text = "" if self._unwanted else self._script.read(rest).rstrip()
        tail = self._end(bool(text))
        if not (text or tail) or self._told.left(self._can) < 1:
            self._over, self._given_up = True, bool(text or tail)
            return self._leave(now)
        owing: Owing = "refused" if self._unwanted else "" if self._script.ended else "window"
        # The space before a rest that was trimmed belongs to it: `start` stays the place.
        whole = Part(
            self._told.free_slot,
            "whole",
            start,
            lead=lead,
            plain=self._plain,
            acked=start,
            seen=start,
        )
        complete = finished(self._script, whole, first(rest, len(text)), tail)
        if len(text_of(self._script, complete)) <= self._limit:
            return self._send(replace(complete, closing=True, owing=owing), now)
        if self._told.left(self._can) > 1:
            cut = first(rest, part(text, max(self._limit - len(lead) - FENCE_ROOM, 1)))
            return self._send(finished(self._script, whole, cut, ""), now)
        tail = paragraphs(texts.say("more", self._script.language), tail)
        room = self._limit - len(lead) - len(tail) - 2 - FENCE_ROOM
        cut = first(rest, part(text, max(room, 1)))
        return self._send(
            replace(finished(self._script, whole, cut, tail), closing=True, owing="length"), now
        )

    def _leave(self, now: float) -> Move:
        """Before the delivery ends, streams that broke are brought to their end, if possible."""
        for kept in self._told.broken_streams():
            if kept.slot not in self._buried and not self._can.live:
                if self._leaving_since is None:
                    self._leaving_since = self._not_before = now
                if now < self._not_before:
                    return Wait(self._not_before)
                place = kept.seen if kept.doubtful else kept.acked
                spans = until(kept.spans, place)
                return self._send(
                    replace(finished(self._script, kept, spans, ""), index=kept.index + 1), now
                )
        return Over(self._owed())

    def _send(self, sent: Part, now: float) -> Send:
        sent = replace(sent, state=State.SENDING)
        self._sending, self._sent_at = sent, now
        self._told.keep(sent)
        content: Content
        match sent.form:
            case "typing":
                self._typed_at = now
                content = Typing()
            case "media":
                content = media_of(self._script.exhibits[sent.exhibit].file)
            case "whole":
                content = Whole(text_of(self._script, sent), sent.plain)
            case "stream":
                content = Frame(
                    sent.index, text_of(self._script, sent), sent.final, sent.message_id
                )
        outbound = Outbound(self._reply.place, content, sent.slot)
        until = self._media_until(now) if sent.form == "media" else None
        return Send(outbound, f"{self._reply.turn}/{sent.slot}", sent, until)

    def _media_until(self, now: float) -> float:
        until = (now if self._since is None else self._since) + self._media_left
        return until if self._deadline is None else min(until, self._deadline)

    # -- what a failed send leads to

    def _not_buried(self, sent: Part, failure: Failure) -> Part:
        """The end of a stream that broke before was not taken either."""
        assert self._leaving_since is not None
        late = self._not_before >= self._leaving_since + BURIAL
        if late or not passes(failure) or failure.kind is Kind.DIVERGED:
            self._buried.add(sent.slot)
        return self._drop(sent)

    def _frame_failed(self, sent: Part, failure: Failure, doubt: bool, now: float) -> Part:
        """A frame that may still be taken keeps its message together, and its time comes again."""
        blind = not sent.message_id and doubt and not self._can.recognises_repeats
        late = self._deadline is not None and now < self._deadline <= self._not_before
        hopeless = blind or late or failure.kind is Kind.DIVERGED  # what was shown stays shown
        if passes(failure) and not hopeless and self._may_try(failure, FRAME_PATIENCE, now):
            if not (sent.message_id or sent.doubtful):
                self._unbegun = sent.slot
                return self._drop(sent)
            if sent.message_id and not sent.final:
                kept = until(sent.spans, max(sent.acked, sent.seen))
                return self._keep(replace(sent, state=State.DELIVERED, spans=kept))
            self._again = replace(sent, index=sent.index + 1) if sent.message_id else sent
            return self._keep(sent)
        self._tries, self._whole_only, self._not_before = 0, True, now
        if not sent.message_id or self._ending_stream:
            self._ending_stream = False
            return self._drop(sent)
        self._ending_stream = True
        broken = replace(sent, closing=False, owing="")
        spans = until(broken.spans, broken.seen if broken.doubtful else broken.acked)
        self._again = replace(finished(self._script, broken, spans, ""), index=broken.index + 1)
        return self._keep(broken)

    def _whole_failed(self, sent: Part, failure: Failure, doubt: bool, now: float) -> Part:
        if doubt and not self._can.recognises_repeats:
            told = self._told.unknown
            self._over = self._given_up = told >= RETOLD
            self._not_before = max(self._not_before, now + retelling(told))
            return self._drop(sent)
        if not doubt:
            if failure.kind is Kind.TOO_LONG and self._limit > SMALLEST:
                self._limit = max(SMALLEST, min(self._limit, len(text_of(self._script, sent))) // 2)
                self._not_before = now
                return self._drop(sent)
            if failure.kind is Kind.UNSUPPORTED and not sent.plain:
                self._plain = True
                self._not_before = now
                self._again = replace(sent, plain=True)
                return self._keep(sent)
            if failure.remedy in (Remedy.STOP, Remedy.REBUILD) and not self._unwanted:
                self._unwanted = True
                self._not_before = now
                self._over = self._given_up = not sent.spans
                return self._drop(sent)
        if passes(failure) and self._may_try(failure, PATIENCE, now):
            self._again = sent
            return self._keep(sent)
        self._over = self._given_up = True
        return self._drop(sent)

    def _media_failed(self, sent: Part, failure: Failure, doubt: bool, now: float) -> Part:
        """Nothing is shown twice: what may be there is sent again only where that is recognised."""
        blind = doubt and not self._can.recognises_repeats
        patience = MEDIA_PATIENCE if was_reached(failure) else PATIENCE
        assert self._since is not None
        failing = now - self._since + (failure.retry_after or 0.0)
        in_time = self._not_before - self._since < self._media_left
        may = passes(failure) and failing < patience and in_time
        if may and not (blind or self._late(self._not_before)):
            self._again = sent
            return self._keep(sent)
        self._media_left -= now - self._since
        self._tries, self._since, self._not_before = 0, None, now
        return self._drop(sent)

    def _may_try(self, failure: Failure, patience: float, now: float) -> bool:
        assert self._since is not None
        return may_be_tried(failure, now - self._since, patience)

    def _drop(self, sent: Part) -> Part:
        """Nobody sends it again. Without doubt, and without a name, the platform has not got it."""
        lost = not (sent.doubtful or sent.message_id)
        state = State.FAILED if lost else State.UNKNOWN
        return self._keep(replace(sent, state=state, closing=False, owing=""))

    def _keep(self, kept: Part) -> Part:
        self._sending = None
        self._told.keep(kept)
        return kept

    def _sent(self) -> Part:
        assert self._sending is not None, "nothing is being sent"
        return self._sending

    def _recover(self, now: float) -> None:
        """What was being sent when the process ended may or may not have arrived."""
        for kept in self._told:
            if kept.state is State.SENDING:
                self._sending = kept
                self.failed(CRASH, now, 0.0)
        self._since = None

    # -- what there is to say

    def _opening(self) -> str:
        """The lines that opened the code block or table which the next message goes on with."""
        position = self._told.position
        told = self._script.read(until(self._script.rest(0), position))
        rest = self._script.read(self._script.rest(position))
        return reopening(told, rest) if rest else ""

    def _lead(self, opening: str) -> str:
        """What a new message begins with: what it says of the last, and the block it is in."""
        last, language = self._told.last, self._script.language
        if self._told.stub:
            lead = texts.say("stub", language) + "\n\n"
        elif self._told.repeats:
            lead = texts.say("again", language) + "\n\n"
        elif last and not last.void and self._script.stale(last.spans):
            lead = texts.say("rewritten", language) + "\n\n"
        else:
            lead = ""
        return f"{lead}{opening}\n" if opening else lead

    def _beginning(self, lead: str, rest: Spans) -> Spans:
        """What a growing message shows first: no more than it must. () as long as all is open."""
        few = for_good(self._script, lead, first(rest, OPENING))
        return few or for_good(self._script, lead, first(rest, self._room(lead) - FENCE_ROOM))

    def _room(self, lead: str) -> int:
        """How many signs a growing message has beside its lead."""
        return min(self._limit, self._can.frame_chars or self._limit) - len(lead)

    def _atleast(self, spans: Spans, stream: Part) -> Spans:
        """What was shown stays shown."""
        return spans if length(spans) > length(stream.spans) else stream.spans

    def _end(self, more: bool) -> str:
        """The sentence for the end, after one for each exhibit that the person has not been
        shown; "" if what was said needs none.
        """
        language, ended = self._script.language, self._script.ended
        if self._unwanted:
            end = texts.say("platform_refused", language, ref=ended.ref if ended else "")
        elif ended is None:
            end = texts.say("window", language)
        else:
            end = verdict(self._script, more)
        return paragraphs(*unshown(self._script, self._told.exhibits, self._can.media), end)

    def _typing_at(self) -> float | None:
        """When to show that an answer is on its way, if it is worth it."""
        if not self._can.typing:
            return None
        shown = self._told.typing
        if self._can.typing_takes_reply:
            return self._began + SLOW if not shown and self._told.left(self._can) >= 3 else None
        return self._began if not shown else self._typed_at + TYPING_SHOWN

    def _owed(self) -> Owed | None:
        """None if they have all. Of a turn that goes on after its window more is to come."""
        place = self._told.position
        missing = self._script.read(self._script.rest(place)).strip()
        closed = self._told.closed
        owing = closed.owing if closed else ""  # who was not told of it cannot ask for it
        if self._can.live or not (missing or self._given_up or owing == "window"):
            return None
        return Owed(place, on_request=owing in ("length", "refused"))


def _deadline(reply: Reply, can: Capabilities, now: float) -> float | None:
    """When the window for replies is about to close. One that has closed already may have been
    closed by a clock that is wrong: that it is too late is the platform's to say.
    """
    if can.window is None or now >= reply.at + can.window:
        return None
    return min(reply.at, now) + can.window - min(15.0, can.window / 10)
