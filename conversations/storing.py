"""Storing some sends in one transaction: a handful of statements, the same for one send and for a hundred.

When and with whom a send is stored is writer.py's business.
"""

import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from django.conf import settings
from django.db import DataError, IntegrityError, transaction

from conversations.events import message_held
from conversations.message_rows import message_for_everybody, own_messages
from conversations.models import Attachment, HeldMessage, Message
from conversations.screening import rulings_on_sends
from conversations.sends import HeldAnswer, Send, Stored, no_such_attachment
from conversations.shapes import HeldShape, MessageShape, ReplyShape, excerpt_of, shape_of_attachment, unquoted
from conversations.statements import STATEMENTS
from localroots_chat.accounts.blocks import cannot_write, you_block
from localroots_chat.accounts.people import UserShape
from localroots_chat.database import Answer, ask, json_list, tell, together
from localroots_chat.errors import ChatError, invalid, not_found
from localroots_chat.gateway.layer import ChangeTuple, Durable, Item
from localroots_chat.gateway.protocol import event_frame, raw
from localroots_chat.screening.screen import Ruling, Verdict, refusal
from localroots_chat.sql import id_in, id_out, ids, time_in, time_out
from localroots_chat.wire import iso

_log = logging.getLogger(__name__)

LOCK_SECONDS: Final = 2


class Locked(Exception):
    """The conversation is held by somebody else at the moment."""


LOCKED: Final = Locked()

Outcome = Stored | HeldAnswer | Exception


class _Seat(msgspec.Struct):
    silenced_until: datetime | None
    sender: UserShape
    recipient_gone: bool
    recipient_blocked: bool


class _Head(msgspec.Struct):
    seq: int
    version: int
    changed: bool = False


class Batch:
    """Some sends, stored in one transaction. May be tried again after a lost connection: ids find what was stored.

    The screen looks at them first, unless a moderator has.
    """

    def __init__(self, sends: Sequence[Send], *, wait_for_locks: bool, approved: bool = False) -> None:
        self.sends, self.wait_for_locks = sends, wait_for_locks
        self._tried = False
        self._rulings: Mapping[uuid.UUID, Ruling] | None = {} if approved else None

    def store(self) -> tuple[list[Outcome], list[Item]]:
        """One outcome per send, in order, and what is to be published. Runs in a database thread."""
        if self._rulings is None:
            self._rulings = rulings_on_sends(self.sends)
        return self._store(self.sends, self._rulings)

    def _store(self, sends: Sequence[Send], rulings: Mapping[uuid.UUID, Ruling]) -> tuple[list[Outcome], list[Item]]:
        again, self._tried = self._tried, True
        try:
            with transaction.atomic(), together():
                return _Transaction(sends, rulings, wait_for_locks=self.wait_for_locks, again=again).run()
        except (DataError, IntegrityError):
            if len(sends) == 1:
                _log.exception("A message could not be stored")
                return [invalid("content", "This message cannot be stored.")], []
        # One bad send must not take the others with it: halve until it stands alone.
        half = len(sends) // 2
        first, news = self._store(sends[:half], rulings)
        second, later = self._store(sends[half:], rulings)
        return first + second, news + later


_ClientKey = tuple[uuid.UUID, int, str]


class _Transaction:
    """The statements of one batch: lock, seats, known ids, insert, heads; one more where something is held."""

    def __init__(
        self, sends: Sequence[Send], rulings: Mapping[uuid.UUID, Ruling], *, wait_for_locks: bool, again: bool
    ) -> None:
        self.sends, self.rulings, self.wait_for_locks, self.again = sends, rulings, wait_for_locks, again
        self.changes: dict[uuid.UUID, list[ChangeTuple]] = {}
        self.rows: list[dict[str, Any]] = []
        self.held: list[dict[str, Any]] = []
        self.claims: list[dict[str, Any]] = []
        self.claims_held: list[dict[str, Any]] = []
        self.news: list[Item] = []
        self.now = datetime.min

    def run(self) -> tuple[list[Outcome], list[Item]]:
        # All are asked before the first is answered: one round trip. Each sees what the lock has waited for.
        heads, seats, known, answered = self._lock(), self._ask_seats(), self._ask_known(), self._ask_answered()
        claims = self._ask_claims()
        self.heads = self._read_heads(heads.rows())
        self.seats = _read_seats(seats.rows())
        self.known = {} if known is None else _read_known(known.rows())
        self.answered = {} if answered is None else _read_answered(answered.rows())
        self.free = {} if claims is None else _read_claims(claims.rows())
        earlier = self._find_stored_before() if self.again else {}
        self.written: dict[_ClientKey, tuple[str, Stored | HeldAnswer]] = {}
        outcomes = [earlier.get(send.id) or self._place(send) for send in self.sends]
        self._write()
        changes = [Durable(str(conversation), some) for conversation, some in self.changes.items()]
        return self._with_known(outcomes), [*changes, *self.news]

    # What there is

    def _lock(self) -> Answer:
        if self.wait_for_locks and settings.POSTGRESQL:
            tell(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        statement = STATEMENTS.lock_waiting if self.wait_for_locks else STATEMENTS.lock
        return ask(statement, ids(sorted({send.conversation for send in self.sends})))

    def _ask_seats(self) -> Answer:
        wanted = {(send.conversation, send.sender) for send in self.sends}
        return ask(STATEMENTS.seats, json_list({"c": id_in(c), "u": u} for c, u in wanted))

    def _ask_known(self) -> Answer | None:
        wanted = [
            {"c": id_in(send.conversation), "u": send.sender, "k": send.client_id}
            for send in self.sends
            if send.client_id is not None
        ]
        return ask(STATEMENTS.known, json_list(wanted)) if wanted else None

    def _ask_answered(self) -> Answer | None:
        wanted = {(send.reply_to, send.sender) for send in self.sends if send.reply_to is not None}
        return ask(STATEMENTS.answered, json_list({"m": id_in(m), "u": u} for m, u in wanted)) if wanted else None

    def _ask_claims(self) -> Answer | None:
        wanted = [
            {"a": id_in(key), "u": send.sender, "h": id_in(send.held or send.id)}
            for send in self.sends
            for key in send.attachments
        ]
        return ask(STATEMENTS.claims, json_list(wanted)) if wanted else None

    def _read_heads(self, rows: Sequence[Any]) -> dict[uuid.UUID, _Head]:
        if rows:
            self.now = time_out(rows[0][3])
        return {id_out(key): _Head(seq, version) for key, seq, version, _ in rows}

    def _find_stored_before(self) -> dict[uuid.UUID, Stored]:
        """After a connection was lost during COMMIT: what that COMMIT did store, still to be published."""
        rows = ask(STATEMENTS.stored, ids([send.id for send in self.sends])).rows()
        stored = [id_out(key) for (key,) in rows]
        shapes = own_messages(stored) if stored else {}
        found = {}
        for send in self.sends:
            if send.id in shapes:
                told = message_for_everybody(send.id)
                self._publish(send, raw(told.message), told.message, told.quoted)
                found[send.id] = Stored(raw(shapes[send.id]), False)
        return found

    # What becomes of each send

    def _place(self, send: Send) -> Outcome:
        seat = self.seats.get((send.conversation, send.sender))
        if seat is None:  # before everything else: an outsider learns nothing, not even that an id was used
            return not_found()
        head = self.heads.get(send.conversation)
        if head is None:
            return LOCKED
        if seat.recipient_blocked:
            return you_block()
        if seat.recipient_gone:
            return cannot_write()
        if seat.silenced_until is not None and seat.silenced_until > self.now:
            return ChatError("muted", "Moderators let you only read here for now.")
        before = self._sent_before(send)
        if before is not None:
            return before
        answered = None
        if send.reply_to is not None:
            answered = self.answered.get((send.conversation, send.reply_to, send.sender))
            if answered is None:
                return ChatError("not_found", "There is no such message here.", field="replyTo")
        ruling = self.rulings.get(send.id)
        if ruling is not None and ruling.verdict is Verdict.REFUSE:
            return refusal(ruling)
        claimed = self._claim(send)
        if isinstance(claimed, ChatError):
            return claimed
        return (
            self._append(send, seat, head, answered, claimed)
            if ruling is None
            else self._hold(send, seat, ruling, claimed)
        )

    def _sent_before(self, send: Send) -> Outcome | None:
        if send.client_id is None:
            return None
        key = (send.conversation, send.sender, send.client_id)
        if key in self.written:  # in this very batch
            digest, answer = self.written[key]
            again = Stored(answer.message, True) if isinstance(answer, Stored) else answer
            return again if digest == send.digest else _reused()
        if key in self.known:
            digest, found = self.known[key]
            return found if digest == send.digest else _reused()
        return None

    def _claim(self, send: Send) -> "list[_Claimed] | ChatError":
        """The files that it names, which nobody else can claim from now on."""
        found = [self.free.get((key, send.sender)) for key in send.attachments]
        claimed = [one for one in found if one is not None]
        if len(claimed) < len(send.attachments):
            return no_such_attachment()
        if send.type == Message.Type.IMAGE and any(one.kind != Attachment.Kind.IMAGE for one in claimed):
            return invalid("attachmentIds", "A message of type IMAGE has pictures alone.")
        for key in send.attachments:
            del self.free[key, send.sender]
        return claimed

    def _append(
        self, send: Send, seat: _Seat, head: _Head, answered: "_Answered | None", claimed: "Sequence[_Claimed]"
    ) -> Stored:
        head.seq, head.version, head.changed = head.seq + 1, head.version + 1, True
        at = iso(self.now)
        type_ = _type_of(send, claimed)
        told = [one.told for one in claimed]
        attachments = [shape_of_attachment(one) for one in told]
        shape = MessageShape(
            id=str(send.id),
            conversation_id=str(send.conversation),
            seq=head.seq,
            version=head.version,
            client_id=send.client_id,
            type=type_,
            content=send.content,
            attachment_url=attachments[0].url if attachments else None,
            attachments=attachments,
            reply_to=None if answered is None else answered.shape,
            sender=seat.sender,
            sender_id=seat.sender.id,
            created_at=at,
            updated_at=at,
        )
        message = raw(shape)
        self._publish(send, message, shape, 0 if answered is None else answered.sender)
        stored = Stored(message if answered is None or not answered.is_hidden else raw(_unquoted(shape)), False)
        self.rows.append(self._row(send, head) | {"t": type_, "x": told})
        self.claims += [{"a": id_in(key), "m": id_in(send.id)} for key in send.attachments]
        if send.client_id is not None:
            self.written[send.conversation, send.sender, send.client_id] = (send.digest, stored)
        return stored

    def _hold(self, send: Send, seat: _Seat, ruling: Ruling, claimed: "Sequence[_Claimed]") -> HeldAnswer:
        attachments = [str(key) for key in send.attachments]
        self.held.append(self._said(send) | {"t": _type_of(send, claimed), "x": attachments, "why": ruling.reason})
        self.claims_held += [{"a": id_in(key), "m": id_in(send.id)} for key in send.attachments]
        shape = HeldShape(
            id=str(send.id),
            conversation_id=str(send.conversation),
            client_id=send.client_id,
            type=_type_of(send, claimed),
            content=send.content,
            attachments=[shape_of_attachment(one.told) for one in claimed],
            reply_to=None if send.reply_to is None else str(send.reply_to),
            sender=seat.sender,
            reason=ruling.reason,
            state="WAITING",
            created_at=iso(self.now),
        )
        self.news.append(message_held(send.sender, shape))
        answer = HeldAnswer()
        if send.client_id is not None:
            self.written[send.conversation, send.sender, send.client_id] = (send.digest, answer)
        return answer

    def _publish(self, send: Send, message: msgspec.Raw, shape: MessageShape, quoted: int) -> None:
        """`message` is the shape as everybody may see it, as JSON."""
        prev = shape.version - 1
        envelope = {"conversationId": shape.conversation_id, "prev": prev, "version": shape.version}
        frame = event_frame("message:new", message, envelope)
        change = (prev, shape.version, shape.seq, send.sender, frame, send.sender, quoted)
        self.changes.setdefault(send.conversation, []).append(change)

    def _row(self, send: Send, head: _Head) -> dict[str, Any]:
        return self._said(send) | {"s": head.seq, "v": head.version, "upd": time_in(self.now)}

    def _said(self, send: Send) -> dict[str, Any]:
        return {
            "i": id_in(send.id),
            "c": id_in(send.conversation),
            "u": send.sender,
            "k": send.client_id,
            "d": send.digest,
            "t": send.type,
            "b": send.content,
            "r": None if send.reply_to is None else id_in(send.reply_to),
            "at": time_in(self.now),
        }

    def _write(self) -> None:
        if self.held:
            tell(STATEMENTS.hold, json_list(self.held))
        if self.claims_held:
            tell(STATEMENTS.claim_held, json_list(self.claims_held))
        if not self.rows:
            return
        tell(STATEMENTS.insert, json_list(self.rows))
        if self.claims:
            tell(STATEMENTS.claim, json_list(self.claims))
        changed = [(key, head) for key, head in self.heads.items() if head.changed]
        tell(STATEMENTS.heads, json_list({"c": id_in(key), "s": head.seq, "v": head.version} for key, head in changed))

    def _with_known(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Retries get their message as it is now."""
        known = [outcome.message for outcome in outcomes if isinstance(outcome, _Known)]
        if not known:
            return outcomes
        shapes = own_messages(known)
        return [
            Stored(raw(shapes[outcome.message]), True) if isinstance(outcome, _Known) else outcome
            for outcome in outcomes
        ]


def _read_seats(rows: Sequence[Any]) -> dict[tuple[uuid.UUID, int], _Seat]:
    return {
        (id_out(conversation), user): _Seat(
            silenced_until=None if silenced is None else time_out(silenced),
            sender=UserShape(public_id, name, image or None, role),
            recipient_gone=bool(gone) or not active,
            recipient_blocked=bool(blocked),
        )
        for conversation, user, silenced, public_id, name, image, role, active, gone, blocked in rows
    }


def _read_known(rows: Sequence[Any]) -> "dict[_ClientKey, tuple[str, Outcome]]":
    return {
        (id_out(c), sender, client_id): (digest, _became(key, outcome))
        for c, sender, client_id, digest, key, outcome in rows
    }


def _became(message: Any, outcome: str | None) -> Outcome:
    if message is not None:
        return _Known(id_out(message))
    return _refused_before() if outcome == HeldMessage.Outcome.REFUSED else HeldAnswer()


def _refused_before() -> ChatError:
    return ChatError("content_refused", "A moderator has refused this message.", field="content")


class _Answered(NamedTuple):
    """The message that somebody answers, whose sender (a key) they may have blocked."""

    shape: ReplyShape
    sender: int
    is_hidden: bool


def _read_answered(rows: Sequence[Any]) -> dict[tuple[uuid.UUID, uuid.UUID, int], _Answered]:
    return {
        (id_out(conversation), id_out(key), asker): _Answered(
            ReplyShape(str(id_out(key)), seq, public_id, excerpt_of(content)), sender, bool(is_hidden)
        )
        for key, conversation, seq, public_id, content, sender, asker, is_hidden in rows
    }


class _Claimed(NamedTuple):
    """A file that nobody has sent yet, and what is told of it."""

    kind: str
    told: dict[str, Any]


def _read_claims(rows: Sequence[Any]) -> dict[tuple[uuid.UUID, int], _Claimed]:
    return {(id_out(key), uploader): _Claimed(kind, msgspec.json.decode(told)) for key, uploader, kind, told in rows}


def _type_of(send: Send, claimed: Sequence[_Claimed]) -> str:
    if send.type is not None:
        return send.type
    pictures = all(one.kind == Attachment.Kind.IMAGE for one in claimed)
    return Message.Type.IMAGE if pictures else Message.Type.FILE


def _unquoted(message: MessageShape) -> MessageShape:
    return msgspec.structs.replace(message, reply_to=message.reply_to and unquoted(message.reply_to))


class _Known(Exception):
    """The send was stored before, as this message."""

    def __init__(self, message: uuid.UUID) -> None:
        super().__init__(message)
        self.message = message


def _reused() -> ChatError:
    return ChatError("client_id_reused", "This clientId was used for another message here.", field="clientId")
