"""Who sits where. A look-up through a person's own seat is the permission: what it does not find, one may not see."""

import uuid
from collections.abc import Sequence
from typing import Final, NamedTuple

from django.db.models import QuerySet

from conversations.models import Message, Participant
from conversations.unread import Pointer, unread_at
from localroots_chat.database import ask
from localroots_chat.errors import not_found
from localroots_chat.gateway.wiring import Seat
from localroots_chat.sql import AMONG, id_text, keys
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


_ARRIVING: Final = f"""
SELECT p.user_id, {id_text("c.id")}, c.version, c.last_seq, c.member_count, p.id, p.last_read_seq
FROM conversations_participant p JOIN conversations_conversation c ON c.id = p.conversation_id
WHERE p.left_at IS NULL AND p.user_id {AMONG}"""


class Sitting(NamedTuple):
    """A person's seats, and how many messages they have not read in all of them."""

    seats: list[Seat]
    unread: int


def sitting(users: Sequence[int]) -> dict[int, Sitting]:
    """Where these people (keys) sit, of those who sit anywhere. Two queries for all of them."""
    rows = ask(_ARRIVING, keys(users)).rows()
    unread = unread_at(Pointer(row[5], row[6], row[3]) for row in rows)
    seats: dict[int, list[Seat]] = {}
    totals: dict[int, int] = {}
    for user, conversation, version, seq, members, seat, _ in rows:
        seats.setdefault(user, []).append(Seat(conversation, version, seq, members))
        totals[user] = totals.get(user, 0) + unread.get(seat, 0)
    return {user: Sitting(held, totals[user]) for user, held in seats.items()}
