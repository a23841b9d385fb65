"""A person's conversations: the list, newest activity first, and one of them whole. A constant number of queries."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from django.conf import settings

from conversations.events import RECEIPTS_MOST
from conversations.message_rows import shapes, statement
from conversations.seats import OwnSeat, seat_in, seats_by_activity
from conversations.shapes import ConversationShape, MessageShape, ParticipantShape
from conversations.unread import Pointer, unread_at
from localroots_chat.accounts.blocks import neither_blocks
from localroots_chat.accounts.people import UserShape
from localroots_chat.database import Answer, ask, json_list, together
from localroots_chat.sql import few, id_text, time_text, wanted

PAGE: Final = 50
PARTICIPANTS_SHOWN: Final = 50

# The index participant_in_order has them in this order, so that a large group costs no more than a small one.
_FIRST: Final = f"""SELECT {"q.*" if settings.POSTGRESQL else "q.id"} FROM conversations_participant q
  WHERE q.conversation_id = w.c AND q.left_at IS NULL ORDER BY q.id LIMIT {PARTICIPANTS_SHOWN}"""
# How far others have read is shown as by receipts.
_READS_SHOWN: Final = f"""u.id = me.id OR u.receipts AND me.receipts AND c.member_count <= {RECEIPTS_MOST}
    AND {neither_blocks("u.id", "me.id")}"""
_AS_P: Final = "p" if settings.POSTGRESQL else ""
_MEMBERS: Final = f"""
SELECT {id_text("w.c")}, u.public_id, u.name, u.image, u.role, p.role,
  CASE WHEN {_READS_SHOWN} THEN p.last_read_seq ELSE 0 END, {time_text("p.joined_at")}
FROM (SELECT id, receipts FROM accounts_user WHERE id = %s) AS me CROSS JOIN {wanted(c="uuid")}
JOIN conversations_conversation c ON c.id = w.c
{"CROSS JOIN LATERAL" if settings.POSTGRESQL else "JOIN conversations_participant p ON p.id IN"} ({_FIRST}) {_AS_P}
JOIN accounts_user u ON u.id = p.user_id ORDER BY p.id"""
_LAST: Final = statement(
    f"WHERE {few('w.s')}", wanted=wanted(c="uuid", s="bigint"), on="m.conversation_id = w.c AND m.seq = w.s"
)


class Cursor(NamedTuple):
    """The last conversation of a page: its activity and its id."""

    updated_at: datetime
    id: uuid.UUID


def conversations_of(user: int, *, after: Cursor | None, limit: int) -> tuple[list[ConversationShape], Cursor | None]:
    """A page of the conversations of the person with this key, and where the next one begins. At most four queries
    for any page, in two round trips."""
    page = seats_by_activity(user, after, limit + 1)
    shown = page[:limit]
    more = Cursor(shown[-1].activity, uuid.UUID(shown[-1].conversation)) if len(page) > limit else None
    return shapes_of(shown), more


def conversation_of(user: int, conversation: str | uuid.UUID) -> ConversationShape:
    """One conversation as its member sees it. Raises ChatError `not_found`. At most four queries."""
    (shape,) = shapes_of([seat_in(user, conversation)])
    return shape


def shapes_of(seats: Sequence[OwnSeat]) -> list[ConversationShape]:
    """The conversations of these seats of one person, with members, last message and unread. At most three queries,
    in two round trips."""
    if not seats:
        return []
    with together():
        members, last = _ask_members(seats), _ask_last_messages(seats)
    members_of, last_of = _members(members), {shape.conversation_id: shape for shape in shapes(last)}
    unread = unread_at(Pointer(seat.id, seat.last_read_seq, seat.last_seq) for seat in seats)
    return [
        _shape(seat, members_of.get(seat.conversation, []), last_of.get(seat.conversation), unread.get(seat.id, 0))
        for seat in seats
    ]


def _ask_members(seats: Sequence[OwnSeat]) -> Answer:
    """Up to 50 members of each conversation, in the order of joining, as the person of these seats is answered."""
    return ask(_MEMBERS, seats[0].user, json_list({"c": _key_in(seat)} for seat in seats))


def _ask_last_messages(seats: Sequence[OwnSeat]) -> Answer:
    """The newest message of each conversation, as the person of these seats is answered."""
    return ask(_LAST, seats[0].user, json_list({"c": _key_in(seat), "s": seat.last_seq} for seat in seats))


def _key_in(seat: OwnSeat) -> str:
    return seat.conversation if settings.POSTGRESQL else seat.conversation.replace("-", "")


def _members(answer: Answer) -> dict[str, list[ParticipantShape]]:
    found: dict[str, list[ParticipantShape]] = {}
    for conversation, key, name, image, role, seat_role, read, joined in answer.rows():
        member = ParticipantShape(UserShape(key, name, image or None, role), seat_role, read, joined)
        found.setdefault(conversation, []).append(member)
    return found


def _shape(seat: OwnSeat, members: list[ParticipantShape], last: MessageShape | None, unread: int) -> ConversationShape:
    return ConversationShape(
        id=seat.conversation,
        type=seat.type,
        participants=members,
        participant_count=seat.member_count,
        group=seat.group,
        last_message=last,
        first_seq=seat.first_seq,
        last_seq=seat.last_seq,
        version=seat.version,
        last_read_seq=seat.last_read_seq,
        unread_count=unread,
        muted=seat.muted,
        silenced_until=seat.silenced_until,
        created_at=seat.created_at,
        updated_at=seat.updated_at,
    )
