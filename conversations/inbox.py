"""A person's conversations: the list, newest activity first, and one of them whole. A constant number of queries."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from conversations.models import Message, Participant
from conversations.participants import present, seat_of
from conversations.reactions import answers_to
from conversations.shapes import ConversationShape, MessageShape, conversation_shape
from conversations.unread import unread_of
from localroots_chat.accounts.models import User

PAGE: Final = 50
PARTICIPANTS_SHOWN: Final = 50


class Cursor(NamedTuple):
    """The last conversation of a page: its activity and its id."""

    updated_at: datetime
    id: uuid.UUID


def conversations_of(user: User, *, after: Cursor | None, limit: int) -> tuple[list[ConversationShape], Cursor | None]:
    """A page of the person's conversations and where the next one begins. At most five queries for any page."""
    seats = _seats(user)
    if after is not None:
        same = Q(conversation__updated_at=after.updated_at, conversation_id__lt=after.id)
        seats = seats.filter(Q(conversation__updated_at__lt=after.updated_at) | same)
    page = list(seats.order_by("-conversation__updated_at", "-conversation_id")[: limit + 1])
    shown = page[:limit]
    last = shown[-1].conversation if len(page) > limit else None
    return shapes_of(shown), None if last is None else Cursor(last.updated_at, last.id)


def conversation_of(user: User, conversation: str | uuid.UUID) -> ConversationShape:
    """One conversation as its member sees it. Raises ChatError `not_found`. At most five queries."""
    return shape_of_seat(seat_of(user.pk, conversation))


def shape_of_seat(seat: Participant) -> ConversationShape:
    """The conversation of this seat, as it was when the seat was read. At most four queries more."""
    (shape,) = shapes_of([seat])
    return shape


def shapes_of(seats: Sequence[Participant]) -> list[ConversationShape]:
    """The conversations of these seats of one person, with members, last message and unread. At most four queries."""
    others, last, unread = _others(seats), _last_messages(seats), unread_of(seats)
    return [
        conversation_shape(
            seat,
            others.get(seat.conversation_id, []),
            last.get(seat.conversation_id),
            unread.get(seat.conversation_id, 0),
        )
        for seat in seats
    ]


def _seats(user: User) -> QuerySet[Participant]:
    return present().filter(user=user).select_related("conversation__group__created_by")


def _others(seats: Sequence[Participant]) -> dict[uuid.UUID, list[Participant]]:
    """Up to 50 members of each conversation, in the order of joining."""
    place = Window(RowNumber(), partition_by=F("conversation_id"), order_by=F("id").asc())
    rows = (
        present()
        .filter(conversation_id__in=[seat.conversation_id for seat in seats])
        .annotate(place=place)
        .filter(place__lte=PARTICIPANTS_SHOWN)
        .select_related("user")
        .order_by("id")
    )
    found: dict[uuid.UUID, list[Participant]] = {}
    for row in rows:
        found.setdefault(row.conversation_id, []).append(row)
    return found


def _last_messages(seats: Sequence[Participant]) -> dict[uuid.UUID, MessageShape]:
    """The newest message of each conversation, as the person of these seats is answered."""
    wanted = Q()
    for seat in seats:
        wanted |= Q(conversation_id=seat.conversation_id, seq=seat.conversation.last_seq)
    rows = list(Message.objects.filter(wanted).select_related("sender", "reply_to__sender")) if wanted else []
    shapes = answers_to(seats[0].user_id, rows) if seats else []
    return {message.conversation_id: shape for message, shape in zip(rows, shapes, strict=True)}
