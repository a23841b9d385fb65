"""Who may know of whom whether they are here: people who share a direct conversation or a small group, unless one of
them has blocked the other."""

from collections.abc import Sequence
from typing import Final

import msgspec

from localroots_chat.accounts.blocks import neither_blocks
from localroots_chat.database import ask
from localroots_chat.sql import AMONG, id_text, keys, time_text

MEMBERS_MOST: Final = 200


class Contact(msgspec.Struct):
    """Somebody of whom one may know. `shared` are the conversations that one shares, by which one may.

    `seen_at` is the hour in which they were last here, where they let others know it.
    """

    key: int
    id: str
    appears_offline: bool
    seen_at: str | None
    shared: set[str]


_CONTACTS: Final = f"""
SELECT u.id, u.public_id, u.appear_offline, CASE WHEN u.last_seen THEN {time_text("u.seen_at")} END, {id_text("c.id")}
FROM accounts_user u
JOIN conversations_participant theirs ON theirs.user_id = u.id AND theirs.left_at IS NULL
JOIN conversations_participant mine ON mine.conversation_id = theirs.conversation_id AND mine.left_at IS NULL
JOIN conversations_conversation c ON c.id = mine.conversation_id
WHERE u.public_id {AMONG} AND mine.user_id = %s AND u.id <> mine.user_id AND u.is_active
  AND (c.type = 'DIRECT' OR c.member_count <= {MEMBERS_MOST})
  AND {neither_blocks("u.id", "mine.user_id")}"""


def contacts_of(person: int, own_id: str, asked: Sequence[str]) -> dict[str, Contact]:
    """Those of the people with these public ids of whom somebody (their key, their public id) may know, and they
    themselves if they ask. One query."""
    found = {own_id: Contact(person, own_id, False, None, set())} if own_id in asked else {}
    for key, public_id, appears_offline, seen_at, conversation in ask(_CONTACTS, keys(asked), person).rows():
        if public_id not in found:
            found[public_id] = Contact(key, public_id, bool(appears_offline), seen_at, set())
        found[public_id].shared.add(conversation)
    return found
