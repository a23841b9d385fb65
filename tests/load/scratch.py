"""Rows by the million, for the growth figures: people with few and with many conversations, short and long histories.

SQL, because the rows are many, and the same from run to run. They go into an empty, migrated database of their own.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import psycopg

PREFIX: Final = "g"  # people are g0, g1, …: owners first, then those whom they talk with
FEW_MESSAGES: Final = 5  # in conversations whose length does not matter


class Owner(NamedTuple):
    """Somebody with so many direct conversations of so many messages each."""

    conversations: int
    messages: int = FEW_MESSAGES


_PEOPLE: Final = """
INSERT INTO accounts_user (public_id, name, password, email, image, role, language, is_superuser, is_staff, is_active,
  appear_offline, receipts, last_seen, profile_applied, tokens_valid_after)
SELECT %(prefix)s || i, 'Person ' || i, '!', '', '', 'CUSTOMER', '', false, false, true, false, true, true, 0, 0
FROM generate_series(0, %(people)s - 1) i"""

_CONVERSATIONS: Final = """
WITH owner AS (SELECT * FROM unnest(%(conversations)s::int[], %(messages)s::int[])
  WITH ORDINALITY AS o (conversations, messages, number)),
talk AS (SELECT one.id AS one, other.id AS other, messages, gen_random_uuid() AS id,
    now() - make_interval(secs => place) AS at
  FROM owner CROSS JOIN LATERAL generate_series(1, conversations) place
  JOIN accounts_user one ON one.public_id = %(prefix)s || (number - 1)
  JOIN accounts_user other ON other.public_id = %(prefix)s || (%(owners)s + place - 1)),
made AS (INSERT INTO conversations_conversation
    (id, type, direct_key, member_count, first_seq, last_seq, version, meta_version, updated_at)
  SELECT id, 'DIRECT', least(one, other) || ':' || greatest(one, other), 2, 1, messages, messages, 0, at FROM talk)
INSERT INTO conversations_participant (conversation_id, user_id, role, muted, last_read_seq)
SELECT talk.id, person, 'MEMBER', false, messages FROM talk CROSS JOIN LATERAL unnest(ARRAY[one, other]) person"""

_MESSAGES: Final = """
INSERT INTO conversations_message
  (id, conversation_id, sender_id, seq, version, digest, type, content, created_at, updated_at)
SELECT gen_random_uuid(), c.id, split_part(c.direct_key, ':', (1 + mod(seq, 2))::int)::bigint, seq, seq, '', 'TEXT',
  'message number ' || seq || ' about tomatoes and eggs', at, at
FROM conversations_conversation c CROSS JOIN LATERAL generate_series(1, c.last_seq) seq
CROSS JOIN LATERAL (SELECT c.updated_at - make_interval(secs => c.last_seq - seq) AS at) time"""


def fill(database_url: str, owners: Sequence[Owner]) -> None:
    """These people, numbered from 0, and everything they own."""
    values = {
        "prefix": PREFIX,
        "owners": len(owners),
        "people": len(owners) + max(owner.conversations for owner in owners),
        "conversations": [owner.conversations for owner in owners],
        "messages": [owner.messages for owner in owners],
    }
    with psycopg.connect(database_url, autocommit=True) as connection:
        # Foreign keys are right by construction; looking each of them up would take most of the time.
        connection.execute("SET session_replication_role = replica")
        for statement in (_PEOPLE, _CONVERSATIONS, _MESSAGES):
            connection.execute(statement, values)
        connection.execute("VACUUM ANALYZE")


def conversations_of(database_url: str, owner: int) -> list[str]:
    """The ids of an owner's conversations, newest activity first."""
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT c.id::text FROM conversations_conversation c JOIN conversations_participant p "
            "ON p.conversation_id = c.id JOIN accounts_user u ON u.id = p.user_id "
            "WHERE u.public_id = %s ORDER BY c.updated_at DESC",
            [f"{PREFIX}{owner}"],
        )
        return [row[0] for row in found]
