"""How far somebody has read: one pointer per seat, which only moves forward, and receipts as its moves."""

from datetime import timedelta
from typing import Final

import msgspec
from django.db import transaction
from django.utils import timezone

from conversations import events
from conversations.models import Message, Participant, ReadReceipt
from conversations.participants import seat_of
from conversations.unread import Pointer, unread_at
from localroots_chat.accounts.models import User
from localroots_chat.database import DatabaseNow
from localroots_chat.errors import not_found
from localroots_chat.gateway import publish
from localroots_chat.wire import key_of

_EXTEND_SECONDS: Final = 30


class ReadAnswer(msgspec.Struct, rename="camel"):
    """Where the pointer is now, and what is left to read."""

    conversation_id: str
    last_read_seq: int
    unread_count: int


@transaction.atomic
def mark_read(*, reader: User, conversation: str, message: str, connection: str = "") -> ReadAnswer:
    """Moves the reader's pointer to this message, never back. Raises ChatError `not_found`. At most 7 queries."""
    seat = seat_of(reader.pk, conversation)
    reached = _message_in(seat, message)
    moved = Participant.objects.filter(pk=seat.pk, last_read_seq__lt=reached.seq).update(last_read_seq=reached.seq)
    seat.refresh_from_db(fields=["last_read_seq"])  # another device may have been further
    unread = unread_at([Pointer(seat.pk, seat.last_read_seq, seat.conversation.last_seq)]).get(seat.pk, 0)
    if moved:
        if reader.receipts and seat.conversation.member_count <= events.RECEIPTS_MOST:
            _keep_receipt(reader, reached)
        event = events.ReadEvent(str(seat.conversation_id), str(reached.id), reader.public_id, reached.seq)
        members = seat.conversation.member_count
        publish.on_commit(*events.message_read(reader, event, unread=unread, members=members, connection=connection))
    return ReadAnswer(str(seat.conversation_id), seat.last_read_seq, unread)


def _message_in(seat: Participant, message: str) -> Message:
    key = key_of(message, "message")
    found = Message.objects.filter(pk=key, conversation_id=seat.conversation_id).first()
    if found is None:
        raise not_found("message")
    return found


def _keep_receipt(reader: User, reached: Message) -> None:
    """A new move of the pointer; one made within 30 seconds of the last is the same move gone on."""
    newest = ReadReceipt.objects.filter(conversation_id=reached.conversation_id, reader=reader).order_by("-seq").first()
    if newest is not None and newest.read_at > timezone.now() - timedelta(seconds=_EXTEND_SECONDS):
        ReadReceipt.objects.filter(pk=newest.pk).update(message=reached, seq=reached.seq)
    else:
        ReadReceipt.objects.create(
            conversation_id=reached.conversation_id,
            reader=reader,
            message=reached,
            seq=reached.seq,
            read_at=DatabaseNow(),
        )
