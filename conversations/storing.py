"""Storing some sends in one transaction: a handful of statements, the same for one send and for a hundred.

When and with whom a send is stored is writer.py's business.
"""

import hashlib
import logging
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from django.conf import settings
from django.db import DataError, IntegrityError, transaction
from uuid_utils.compat import uuid7

from conversations.message_rows import message_for_everybody, own_messages
from conversations.shapes import MessageShape, ReplyShape, excerpt_of, unquoted
from conversations.statements import STATEMENTS
from localroots_chat.accounts.blocks import cannot_write, you_block
from localroots_chat.accounts.people import UserShape
from localroots_chat.database import Answer, ask, json_list, tell, together
from localroots_chat.errors import ChatError, invalid, not_found
from localroots_chat.gateway.layer import ChangeTuple, Durable, Item
from localroots_chat.gateway.protocol import encode, event_frame, raw
from localroots_chat.sql import id_in, id_out, ids, time_in, time_out
from localroots_chat.wire import iso

_log = logging.getLogger(__name__)

LOCK_SECONDS: Final = 2


class Send(msgspec.Struct, frozen=True):
    """A message on its way in, its content already checked. `id` will be the message's."""

    sender: int
    conversation: uuid.UUID
    content: str
    type: str
    client_id: str | None
    reply_to: uuid.UUID | None
    digest: str
    id: uuid.UUID = msgspec.field(default_factory=uuid7)


class Stored(msgspec.Struct):
    """The answer to a send after COMMIT: the wire's Message as JSON, and whether it was there before."""

    message: msgspec.Raw
    duplicate: bool


def digest_of(content: str, type_: str, reply_to: uuid.UUID | None) -> str:
    """What tells an honest retry from another text under the same clientId: 128 bits of what was first sent."""
    return hashlib.blake2b(encode([type_, content, reply_to]), digest_size=16).hexdigest()


class Locked(Exception):
    """The conversation is held by somebody else at the moment."""


LOCKED: Final = Locked()

Outcome = Stored | Exception


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
    """Some sends, stored in one transaction. May be tried again after a lost connection: ids find what was stored."""

    def __init__(self, sends: Sequence[Send], *, wait_for_locks: bool) -> None:
        self.sends, self.wait_for_locks = sends, wait_for_locks
        self._tried = False

    def store(self) -> tuple[list[Outcome], list[Item]]:
        """One outcome per send, in order, and what is to be published. Runs in a database thread."""
        outcomes, changes = self._store(self.sends)
        return outcomes, [Durable(str(conversation), some) for conversation, some in changes.items()]

    def _store(self, sends: Sequence[Send]) -> "tuple[list[Outcome], _Changes]":
        try:
            return self._store_together(sends)
        except (DataError, IntegrityError):
            if len(sends) == 1:
                _log.exception("A message could not be stored")
                return [invalid("content", "This message cannot be stored.")], {}
        # One bad send must not take the others with it: halve until it stands alone.
        half = len(sends) // 2
        first, first_changes = self._store(sends[:half])
        second, second_changes = self._store(sends[half:])
        for conversation, some in second_changes.items():
            first_changes.setdefault(conversation, []).extend(some)
        return first + second, first_changes

    def _store_together(self, sends: Sequence[Send]) -> "tuple[list[Outcome], _Changes]":
        again, self._tried = self._tried, True
        with transaction.atomic(), together():
            return _Transaction(sends, wait_for_locks=self.wait_for_locks, again=again).run()


_Changes = dict[uuid.UUID, list[ChangeTuple]]
_ClientKey = tuple[uuid.UUID, int, str]


class _Transaction:
    """The statements of one batch: lock, seats, known ids, insert, heads."""

    def __init__(self, sends: Sequence[Send], *, wait_for_locks: bool, again: bool) -> None:
        self.sends, self.wait_for_locks, self.again = sends, wait_for_locks, again
        self.changes: _Changes = {}
        self.rows: list[dict[str, Any]] = []
        self.now = datetime.min

    def run(self) -> tuple[list[Outcome], _Changes]:
        # All are asked before the first is answered: one round trip. Each sees what the lock has waited for.
        heads, seats, known, answered = self._lock(), self._ask_seats(), self._ask_known(), self._ask_answered()
        self.heads = self._read_heads(heads.rows())
        self.seats = _read_seats(seats.rows())
        self.known = {} if known is None else _read_known(known.rows())
        self.answered = {} if answered is None else _read_answered(answered.rows())
        earlier = self._find_stored_before() if self.again else {}
        self.written: dict[_ClientKey, tuple[str, Stored]] = {}
        outcomes = [earlier.get(send.id) or self._place(send) for send in self.sends]
        self._write()
        return self._with_known(outcomes), self.changes

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
        if send.reply_to is None:
            return self._append(send, seat, head, None)
        answered = self.answered.get((send.conversation, send.reply_to, send.sender))
        if answered is None:
            return ChatError("not_found", "There is no such message here.", field="replyTo")
        return self._append(send, seat, head, answered)

    def _sent_before(self, send: Send) -> Outcome | None:
        if send.client_id is None:
            return None
        key = (send.conversation, send.sender, send.client_id)
        if key in self.written:  # in this very batch
            digest, stored = self.written[key]
            return Stored(stored.message, True) if digest == send.digest else _reused()
        if key in self.known:
            digest, found = self.known[key]
            return _Known(found) if digest == send.digest else _reused()
        return None

    def _append(self, send: Send, seat: _Seat, head: _Head, answered: "_Answered | None") -> Stored:
        head.seq, head.version, head.changed = head.seq + 1, head.version + 1, True
        at = iso(self.now)
        shape = MessageShape(
            id=str(send.id),
            conversation_id=str(send.conversation),
            seq=head.seq,
            version=head.version,
            client_id=send.client_id,
            type=send.type,
            content=send.content,
            reply_to=None if answered is None else answered.shape,
            sender=seat.sender,
            sender_id=seat.sender.id,
            created_at=at,
            updated_at=at,
        )
        message = raw(shape)
        self._publish(send, message, shape, 0 if answered is None else answered.sender)
        stored = Stored(message if answered is None or not answered.is_hidden else raw(_unquoted(shape)), False)
        self.rows.append(self._row(send, head))
        if send.client_id is not None:
            self.written[send.conversation, send.sender, send.client_id] = (send.digest, stored)
        return stored

    def _publish(self, send: Send, message: msgspec.Raw, shape: MessageShape, quoted: int) -> None:
        """`message` is the shape as everybody may see it, as JSON."""
        prev = shape.version - 1
        envelope = {"conversationId": shape.conversation_id, "prev": prev, "version": shape.version}
        frame = event_frame("message:new", message, envelope)
        change = (prev, shape.version, shape.seq, send.sender, frame, send.sender, quoted)
        self.changes.setdefault(send.conversation, []).append(change)

    def _row(self, send: Send, head: _Head) -> dict[str, Any]:
        at = time_in(self.now)
        return {
            "i": id_in(send.id),
            "c": id_in(send.conversation),
            "u": send.sender,
            "s": head.seq,
            "v": head.version,
            "k": send.client_id,
            "d": send.digest,
            "t": send.type,
            "b": send.content,
            "r": None if send.reply_to is None else id_in(send.reply_to),
            "at": at,
            "upd": at,
        }

    def _write(self) -> None:
        if not self.rows:
            return
        tell(STATEMENTS.insert, json_list(self.rows))
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


def _read_known(rows: Sequence[Any]) -> dict[_ClientKey, tuple[str, uuid.UUID]]:
    return {(id_out(c), sender, client_id): (digest, id_out(key)) for c, sender, client_id, digest, key in rows}


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


def _unquoted(message: MessageShape) -> MessageShape:
    return msgspec.structs.replace(message, reply_to=message.reply_to and unquoted(message.reply_to))


class _Known(Exception):
    """The send was stored before, as this message."""

    def __init__(self, message: uuid.UUID) -> None:
        super().__init__(message)
        self.message = message


def _reused() -> ChatError:
    return ChatError("client_id_reused", "This clientId was used for another message here.", field="clientId")
