"""A person's own seats, each with its conversation as it stands, as rows. Whoever has no seat finds none.

For changing a seat or a conversation there are the models (participants.py).
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from conversations.cards import CARD, card_of
from conversations.shapes import GroupShape
from localroots_chat.database import Answer, ask
from localroots_chat.errors import not_found
from localroots_chat.sql import AMONG, NOW, id_in, id_text, ids, moment_in, moment_out, time_text
from localroots_chat.wire import key_of


class OwnSeat(NamedTuple):
    """One person's seat. Times are the wire's, `activity` is what the list is ordered by."""

    id: int
    user: int
    role: str
    last_read_seq: int
    muted: bool
    silenced_until: str | None
    conversation: str
    type: str
    first_seq: int
    last_seq: int
    version: int
    meta_version: int
    member_count: int
    created_at: str
    updated_at: str
    activity: datetime
    looks_new_from: int
    looks_new_since: datetime | None
    group: GroupShape | None


_COLUMNS: Final = ", ".join(
    [
        "p.id, p.user_id, p.role, p.last_read_seq, p.muted",
        f"CASE WHEN p.silenced_until > {NOW} THEN {time_text('p.silenced_until')} END",
        id_text("c.id"),
        "c.type, c.first_seq, c.last_seq, c.version, c.meta_version, c.member_count",
        *(time_text("c.created_at"), time_text("c.updated_at"), "c.updated_at"),
        "p.looks_new_from, p.looks_new_since",
        CARD,
    ]
)
_JOINS: Final = """
JOIN conversations_conversation c ON c.id = p.conversation_id
LEFT JOIN groups_group g ON g.conversation_id = c.id
LEFT JOIN accounts_user o ON o.id = g.created_by_id"""
_OWN: Final = "p.left_at IS NULL AND p.user_id = %s"
_SEATS: Final = f"SELECT {_COLUMNS} FROM conversations_participant p {_JOINS} WHERE {_OWN}"
_ONE: Final = f"{_SEATS} AND c.id = %s"
_SOME: Final = f"{_SEATS} AND c.id {AMONG}"
_GAINED: Final = f"{_SEATS} AND p.changed_at > %s AND NOT c.id {AMONG} ORDER BY p.changed_at DESC LIMIT %s"


def _newest(condition: str) -> str:
    """The page is picked first: of somebody with a thousand conversations, only what is shown is put together."""
    order = "ORDER BY c.updated_at DESC, c.id DESC"
    return f"""
SELECT {_COLUMNS} FROM (
  SELECT p.id FROM conversations_participant p JOIN conversations_conversation c ON c.id = p.conversation_id
  WHERE {_OWN} {condition} {order} LIMIT %s
) AS picked JOIN conversations_participant p ON p.id = picked.id {_JOINS} {order}"""


_PAGE: Final = _newest("")
_NEXT_PAGE: Final = _newest("AND (c.updated_at, c.id) < (%s, %s)")


def seat_in(user: int, conversation: str | uuid.UUID) -> OwnSeat:
    """The person's seat in this conversation. Raises ChatError `not_found`. One query."""
    key = conversation if isinstance(conversation, uuid.UUID) else key_of(conversation)
    return only(ask_seat(user, key))


def ask_seat(user: int, conversation: uuid.UUID) -> Answer:
    """Asks for one seat; `only` reads it."""
    return ask(_ONE, user, id_in(conversation))


def only(answer: Answer) -> OwnSeat:
    """The seat that was asked for. Raises ChatError `not_found`."""
    rows = answer.rows()
    if not rows:
        raise not_found()
    return _seat(rows[0])


def seats_among(user: int, conversations: Sequence[uuid.UUID]) -> list[OwnSeat]:
    """The person's seats in these conversations. One query."""
    return [_seat(row) for row in ask(_SOME, user, ids(conversations)).rows()]


def seats_by_activity(user: int, after: tuple[datetime, uuid.UUID] | None, limit: int) -> list[OwnSeat]:
    """The person's seats, newest activity first, `after` that of this time and id. One query."""
    if after is None:
        return [_seat(row) for row in ask(_PAGE, user, limit).rows()]
    return [_seat(row) for row in ask(_NEXT_PAGE, user, moment_in(after[0]), id_in(after[1]), limit).rows()]


def seats_gained(user: int, since: datetime, but: Sequence[uuid.UUID], limit: int) -> list[OwnSeat]:
    """The person's seats that were gained or changed since this time of the database, newest first. One query."""
    return [_seat(row) for row in ask(_GAINED, user, moment_in(since), ids(but), limit).rows()]


def _seat(row: Sequence[Any]) -> OwnSeat:
    return OwnSeat._make(
        [
            *(*row[:4], bool(row[4]), *row[5:15], moment_out(row[15])),
            *(row[16], row[17] and moment_out(row[17]), card_of(row[18:]) if row[18] else None),
        ]
    )
