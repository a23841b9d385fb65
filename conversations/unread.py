"""How many messages a person has not read: computed, never kept, so that it cannot drift.

Counted are messages after the read pointer that are not one's own, not the server's and not deleted; per
conversation to 999, beyond that the answer is 1000.
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import F

from conversations.models import Participant

MOST: Final = 1000

# The inner LIMIT stops counting where nobody cares any more; (conversation, seq) is an index. What comes after `upto`
# is not counted: to somebody who was told the conversation's version, it is a change still to come.
_COUNT: Final = f"""
SELECT p.user_id, p.conversation_id, (
  SELECT count(*) FROM (
    SELECT 1 FROM conversations_message m
    WHERE m.conversation_id = p.conversation_id AND m.seq > p.last_read_seq AND m.seq <= w.upto
      AND m.sender_id <> p.user_id AND m.type <> 'SYSTEM' AND m.deleted_at IS NULL
    LIMIT {MOST}) AS counted)
FROM {{wanted}} JOIN conversations_participant p ON p.id = w.seat
"""
_STATEMENT: Final = _COUNT.format(
    wanted="json_to_recordset(%s) AS w(seat bigint, upto bigint)"
    if settings.POSTGRESQL
    else "(SELECT value ->> 'seat' AS seat, value ->> 'upto' AS upto FROM json_each(%s)) AS w"
)


def unread_of(seats: Iterable[Participant]) -> dict[uuid.UUID, int]:
    """Unread messages by conversation, for seats of one person (with `conversation` loaded). At most one query."""
    behind = [
        (seat.pk, seat.conversation.last_seq) for seat in seats if seat.last_read_seq < seat.conversation.last_seq
    ]
    return {conversation: count for _, conversation, count in _count(behind)}


def unread_totals(users: Sequence[int]) -> dict[int, int]:
    """Unread messages in all conversations, by person. Two queries for any number of people."""
    behind = Participant.objects.filter(
        user_id__in=users, left_at=None, last_read_seq__lt=F("conversation__last_seq")
    ).values_list("pk", "conversation__last_seq")
    totals: dict[int, int] = {}
    for user, _, count in _count(list(behind)):
        totals[user] = totals.get(user, 0) + count
    return totals


def _count(seats: Sequence[tuple[int, int]]) -> list[tuple[int, uuid.UUID, int]]:
    """(person, conversation, unread) for seats and the seq up to which they are counted."""
    if not seats:
        return []
    wanted = json.dumps([{"seat": seat, "upto": upto} for seat, upto in seats])
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, [wanted])
        return [(user, _uuid(conversation), count) for user, conversation, count in cursor.fetchall()]


def _uuid(value: uuid.UUID | str) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
