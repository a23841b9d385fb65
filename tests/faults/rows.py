"""Rows written straight into the database, as by a server that did not come to tell anybody."""

import uuid
from typing import LiteralString

import psycopg

from tests.faults.rig import Rig
from tests.support.people import Person


def found(rig: Rig, *members: Person) -> str:
    """The conversation of a new group."""
    key = str(uuid.uuid4())
    _execute(
        rig,
        "INSERT INTO conversations_conversation (id, type, first_seq, last_seq, version, meta_version, member_count)"
        " VALUES (%s, 'GROUP', 1, 0, 0, 0, %s)",
        [key, len(members)],
    )
    for member in members:
        gain_seat(rig, member, key)
    return key


def gain_seat(rig: Rig, person: Person, conversation: str) -> None:
    person.arrives()
    _execute(
        rig,
        "INSERT INTO conversations_participant (conversation_id, user_id, role, last_read_seq, muted)"
        " SELECT %s, id, 'MEMBER', 0, false FROM accounts_user WHERE public_id = %s",
        [conversation, person.id],
    )


def lose_seat(rig: Rig, person: Person, conversation: str) -> None:
    _execute(
        rig,
        "UPDATE conversations_participant SET left_at = now(), changed_at = now() WHERE conversation_id = %s"
        " AND user_id = (SELECT id FROM accounts_user WHERE public_id = %s)",
        [conversation, person.id],
    )


def say(rig: Rig, person: Person, conversation: str, content: str) -> None:
    _execute(
        rig,
        "WITH head AS (UPDATE conversations_conversation SET version = version + 1, last_seq = last_seq + 1,"
        " updated_at = now(), changed_at = now() WHERE id = %s RETURNING id, version, last_seq)"
        " INSERT INTO conversations_message"
        " (id, conversation_id, sender_id, seq, version, digest, type, content, created_at, updated_at)"
        " SELECT %s, head.id, accounts_user.id, last_seq, version, '', 'TEXT', %s, now(), now()"
        " FROM head, accounts_user WHERE public_id = %s",
        [conversation, uuid.uuid4(), content, person.id],
    )


def _execute(rig: Rig, statement: LiteralString, parameters: list[object]) -> None:
    with psycopg.connect(rig.postgres.url) as database:
        assert database.execute(statement, parameters).rowcount == 1
