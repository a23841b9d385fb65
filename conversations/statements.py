"""The writer's SQL. The same texts for one send and for a hundred: each list is one parameter.

Placeholders by the hundred cost more in the driver than the statements cost in the database. JSON carries rows on
both databases; ids are UUIDs on PostgreSQL and 32 hexadecimal digits on SQLite, as Django stores them.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.conf import settings

from localroots_chat.database import DatabaseNow


class Statements(NamedTuple):
    """What the writer asks, in its order."""

    lock: str
    lock_waiting: str
    seats: str
    known: str
    stored: str
    answered: str
    insert: str
    heads: str


_SEATS = """
SELECT p.conversation_id, p.user_id, p.silenced_until, u.public_id, u.name, u.image, u.role, u.is_active,
       c.type = 'DIRECT' AND EXISTS (
         SELECT 1 FROM conversations_participant o JOIN accounts_user ou ON ou.id = o.user_id
         WHERE o.conversation_id = c.id AND o.user_id <> p.user_id AND (NOT ou.is_active OR EXISTS (
           SELECT 1 FROM accounts_block b WHERE b.blocker_id = o.user_id AND b.blocked_id = p.user_id))),
       c.type = 'DIRECT' AND EXISTS (
         SELECT 1 FROM conversations_participant o JOIN accounts_block b
           ON b.blocker_id = p.user_id AND b.blocked_id = o.user_id
         WHERE o.conversation_id = c.id)
FROM {wanted}
JOIN conversations_participant p ON p.conversation_id = w.c AND p.user_id = w.u AND p.left_at IS NULL
JOIN conversations_conversation c ON c.id = p.conversation_id
JOIN accounts_user u ON u.id = p.user_id"""
_KNOWN = """
SELECT m.conversation_id, m.sender_id, m.client_id, m.digest, m.id
FROM {wanted}
JOIN conversations_message m ON m.conversation_id = w.c AND m.sender_id = w.u AND m.client_id = w.k"""
_ANSWERED = """
SELECT m.id, m.conversation_id, m.seq, u.public_id, m.content
FROM conversations_message m JOIN accounts_user u ON u.id = m.sender_id WHERE m.id {among}"""
_INSERT = """
INSERT INTO conversations_message
  (id, conversation_id, sender_id, seq, version, client_id, digest, type, content, reply_to_id, created_at, updated_at)
SELECT {columns} FROM {wanted} WHERE true"""
_HEADS = """
UPDATE conversations_conversation AS c SET last_seq = w.s, version = w.v, updated_at = {now}, changed_at = {now}
FROM {wanted} WHERE c.id = w.c"""

# FOR NO KEY UPDATE leaves alone those who only refer to the row; SKIP LOCKED, because one conversation that is
# held elsewhere must not keep the others of the batch waiting.
_LOCK = (
    "SELECT id, last_seq, version, now() FROM conversations_conversation "
    "WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
)

_POSTGRESQL: Final = Statements(
    lock=_LOCK + " SKIP LOCKED",
    lock_waiting=_LOCK,
    seats=_SEATS.format(wanted="json_to_recordset(%s) AS w(c uuid, u bigint)"),
    known=_KNOWN.format(wanted="json_to_recordset(%s) AS w(c uuid, u bigint, k text)"),
    stored="SELECT id FROM conversations_message WHERE id = ANY(%s)",
    answered=_ANSWERED.format(among="= ANY(%s)"),
    insert=_INSERT.format(
        columns="w.*",
        wanted="json_to_recordset(%s) AS w(i uuid, c uuid, u bigint, s bigint, v bigint, k text, d text, t text, "
        "b text, r uuid, at timestamptz, upd timestamptz)",
    ),
    heads=_HEADS.format(now="now()", wanted="json_to_recordset(%s) AS w(c uuid, s bigint, v bigint)"),
)

_NOW_SQLITE: Final = DatabaseNow.SQLITE
_IN_SQLITE: Final = "IN (SELECT value FROM json_each(%s))"


def columns(*names: str) -> str:
    """What json_each has, as columns of these names."""
    return ", ".join(f"value ->> '{name}' AS {name}" for name in names)


_LOCK_SQLITE: Final = (  # BEGIN IMMEDIATE has locked the whole database
    f"SELECT id, last_seq, version, {_NOW_SQLITE} FROM conversations_conversation WHERE id {_IN_SQLITE}"
)
_SQLITE: Final = Statements(
    lock=_LOCK_SQLITE,
    lock_waiting=_LOCK_SQLITE,
    seats=_SEATS.format(wanted=f"(SELECT {columns('c', 'u')} FROM json_each(%s)) AS w"),
    known=_KNOWN.format(wanted=f"(SELECT {columns('c', 'u', 'k')} FROM json_each(%s)) AS w"),
    stored=f"SELECT id FROM conversations_message WHERE id {_IN_SQLITE}",
    answered=_ANSWERED.format(among=_IN_SQLITE),
    insert=_INSERT.format(columns=columns(*"icusvkdtbr", "at", "upd"), wanted="json_each(%s)"),
    heads=_HEADS.format(now=_NOW_SQLITE, wanted=f"(SELECT {columns('c', 's', 'v')} FROM json_each(%s)) AS w"),
)

STATEMENTS: Final = _POSTGRESQL if settings.POSTGRESQL else _SQLITE


def id_in(value: uuid.UUID) -> str:
    """A key inside a JSON parameter."""
    return str(value) if settings.POSTGRESQL else value.hex


def id_out(value: uuid.UUID | str) -> uuid.UUID:
    """A key from a row."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def ids(values: Sequence[uuid.UUID]) -> Any:
    """A list of keys as one parameter."""
    return list(values) if settings.POSTGRESQL else json.dumps([value.hex for value in values])


def time_in(moment: datetime) -> str:
    """A time inside a JSON parameter."""
    return moment.isoformat() if settings.POSTGRESQL else moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def time_out(value: datetime | str) -> datetime:
    """A time from a row, in whole milliseconds, as the wire shows it."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
