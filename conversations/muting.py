"""Turning the notifications of one conversation off, for oneself: on all of one's devices."""

from django.db import transaction

from conversations import events
from conversations.inbox import conversation_of
from conversations.participants import seat_of
from conversations.shapes import ConversationShape
from localroots_chat.database import DatabaseNow
from localroots_chat.gateway import publish
from localroots_chat.gateway.layer import Personal


@transaction.atomic
def mute(person: int, conversation: str, *, muted: bool) -> ConversationShape:
    """Turns them off, or on again; the person's sockets hear how the conversation is now. At most six queries.

    Raises ChatError `not_found`.
    """
    seat = seat_of(person, conversation)
    if seat.muted != muted:
        seat.muted, seat.changed_at = muted, DatabaseNow()
        seat.save(update_fields=["muted", "changed_at"])
    shape = conversation_of(person, seat.conversation_id)
    publish.on_commit(Personal(person, events.conversation_new(shape)))
    return shape
