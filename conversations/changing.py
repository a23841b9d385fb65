"""Changing one message: the lock, the next version, the event. Who may do what is the callers' business.

Whoever writes locks the conversation first, as the writer does; its row's lock makes the order of commits the order
of versions.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from conversations.message_rows import message_for_everybody, message_now
from conversations.models import Conversation, Message, Participant
from conversations.participants import message_of, seat_of
from conversations.shapes import MessageShape
from localroots_chat.accounts.blocks import check_may_write
from localroots_chat.accounts.models import User
from localroots_chat.database import DatabaseNow
from localroots_chat.errors import ChatError
from localroots_chat.gateway import publish
from localroots_chat.gateway.layer import Durable
from localroots_chat.gateway.protocol import event_frame
from localroots_chat.gateway.wiring import Change


class Held:
    """A message whose conversation is locked until the transaction ends, and the seat of the person who asked."""

    def __init__(self, seat: Participant, message: Message, now: datetime) -> None:
        self.seat, self.message, self.now = seat, message, now

    def check_may_write(self) -> None:
        """Raises ChatError `muted`; in a direct conversation `forbidden` where the other one has gone, or has blocked
        this person, and `blocked` where it is this person who has."""
        until = self.seat.silenced_until
        if until is not None and until > self.now:
            raise ChatError("muted", "Moderators let you only read here for now.")
        conversation = self.seat.conversation
        if conversation.type == Conversation.Type.DIRECT:
            others = User.objects.filter(seats__conversation=conversation).exclude(pk=self.seat.user_id)
            check_may_write(self.seat.user_id, others)

    def as_it_is(self) -> MessageShape:
        """The message, as the person is answered. One query."""
        return message_now(self.seat.user_id, self.message.pk)

    def store(self, *fields: str, told: Mapping[str, Any] | None = None) -> MessageShape:
        """Stores these fields as the conversation's next version and tells everybody, with `told` beside the message.

        Returns what the person is answered. Four queries.
        """
        conversation, message = self.seat.conversation, self.message
        conversation.version += 1
        message.version, message.updated_at = conversation.version, self.now
        message.save(update_fields=["version", "updated_at", *fields])
        conversation.changed_at = DatabaseNow()
        conversation.save(update_fields=["version", "changed_at"])
        prev, seen = message.version - 1, message_for_everybody(message.pk)
        frame = updated_frame(seen.message, prev, told)
        change = Change(
            prev, message.version, conversation.last_seq, self.seat.user_id, frame, seen.sender, seen.quoted
        )
        publish.on_commit(Durable(str(conversation.pk), [change]))
        return self.as_it_is()


def hold(person: int, message: str) -> Held:
    """The message, for the person with this key to change. To be called in a transaction.

    Raises ChatError `not_found`. Four queries.
    """
    seen = message_of(person, message)
    now = _lock(seen)
    seat = seat_of(person, seen.conversation_id)
    return Held(seat, Message.objects.get(pk=seen.pk), now)


def hold_as_staff(staff: User, message: Message) -> Held:
    """The same for staff, who need no seat there. Three queries."""
    now = _lock(message)
    seat = Participant(conversation=Conversation.objects.get(pk=message.conversation_id), user=staff)
    return Held(seat, Message.objects.get(pk=message.pk), now)


def _lock(message: Message) -> datetime:
    """Locks its conversation. Returns the database's time in whole milliseconds."""
    locked = Conversation.objects.select_for_update(no_key=True).annotate(now=DatabaseNow())
    now: datetime = locked.values_list("now", flat=True).get(pk=message.conversation_id)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def updated_frame(message: MessageShape, prev: int, told: Mapping[str, Any] | None = None) -> bytes:
    """`message:updated`: put this message by its id."""
    data: MessageShape | dict[str, Any] = {**msgspec.to_builtins(message), **told} if told else message
    envelope = {"conversationId": message.conversation_id, "prev": prev, "version": message.version}
    return event_frame("message:updated", data, envelope)
