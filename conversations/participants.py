"""Who sits where. A look-up through a person's own seat is the permission: what it does not find, one may not see."""

import uuid
from collections.abc import Iterable

from django.db.models import F, QuerySet

from conversations.models import Message, Participant
from localroots_chat.errors import not_found
from localroots_chat.gateway.wiring import Seat
from localroots_chat.wire import key_of


def seat_of(user: int, conversation: str | uuid.UUID) -> Participant:
    """The seat of the person with this key, with its conversation. Raises ChatError `not_found`. One query."""
    key = conversation if isinstance(conversation, uuid.UUID) else key_of(conversation)
    seat = present().filter(user_id=user, conversation_id=key).select_related("conversation").first()
    if seat is None:
        raise not_found()
    return seat


def present() -> QuerySet[Participant]:
    """Seats that people have now."""
    return Participant.objects.filter(left_at=None)


def message_of(user: int, message: str) -> Message:
    """A message of a conversation the person is in, with that conversation. Raises ChatError `not_found`. One query."""
    found = (
        Message.objects.filter(
            pk=key_of(message, "message"),
            conversation__participants__user_id=user,
            conversation__participants__left_at=None,
        )
        .select_related("conversation", "sender", "reply_to__sender")
        .first()
    )
    if found is None:
        raise not_found("message")
    return found


def seats_of(users: Iterable[int]) -> dict[int, list[Seat]]:
    """Each person's seats, with where each conversation stands. One query for all of them."""
    rows = (
        present()
        .filter(user_id__in=users)
        .annotate(
            version=F("conversation__version"),
            seq=F("conversation__last_seq"),
            members=F("conversation__member_count"),
        )
        .values_list("user_id", "conversation_id", "version", "seq", "members")
    )
    found: dict[int, list[Seat]] = {}
    for user, conversation, version, seq, members in rows:
        found.setdefault(user, []).append(Seat(str(conversation), version, seq, members))
    return found
