"""The writer's SQL: the same texts for one send and for a hundred, since each list is one parameter."""

from typing import Final, NamedTuple

from django.conf import settings

from localroots_chat.accounts.blocks import blocks
from localroots_chat.sql import AMONG, NOW, few, wanted


class Statements(NamedTuple):
    """What the writer asks, in its order."""

    lock: str
    lock_waiting: str
    seats: str
    known: str
    stored: str
    answered: str
    claims: str
    insert: str
    hold: str
    claim: str
    claim_held: str
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
SELECT w.c, w.u, w.k, coalesce(m.digest, h.digest), m.id, h.outcome
FROM {wanted}
LEFT JOIN conversations_message m ON m.conversation_id = w.c AND m.sender_id = w.u AND m.client_id = w.k
LEFT JOIN conversations_heldmessage h ON h.conversation_id = w.c AND h.sender_id = w.u AND h.client_id = w.k
  AND h.outcome <> 'APPROVED'"""
_ANSWERED = """
SELECT m.id, m.conversation_id, m.seq, u.public_id, m.content, m.sender_id, w.u, m.type <> 'SYSTEM' AND {hidden}
FROM {wanted} JOIN conversations_message m ON m.id = w.m JOIN accounts_user u ON u.id = m.sender_id"""
# In the order of keys, so that two batches that name the same wait for each other in the same order.
_CLAIMS = """
SELECT a.id, a.uploader_id, a.kind, a.told
FROM {wanted} JOIN conversations_attachment a ON a.id = w.a AND a.uploader_id = w.u
WHERE {few} AND a.stored_at IS NOT NULL AND a.message_id IS NULL AND (a.held_id IS NULL OR a.held_id = w.h)
ORDER BY a.id"""
_CLAIM = "UPDATE conversations_attachment AS a SET {column} = w.m FROM {wanted} WHERE a.id = w.a"
_INSERT = """
INSERT INTO conversations_message
  (id, conversation_id, sender_id, seq, version, client_id, digest, type, content, attachments, reply_to_id,
   created_at, updated_at)
SELECT w.* FROM {wanted} WHERE true"""
# A batch that is tried again finds what it has held by its ids.
_HOLD = """
INSERT INTO conversations_heldmessage
  (id, conversation_id, sender_id, client_id, digest, type, content, attachment_ids, reply_to_id, reason, created_at)
SELECT w.* FROM {wanted} WHERE true ON CONFLICT (id) DO NOTHING"""
_HEADS = """
UPDATE conversations_conversation AS c SET last_seq = w.s, version = w.v, updated_at = {now}, changed_at = {now}
FROM {wanted} WHERE c.id = w.c"""

# FOR NO KEY UPDATE leaves alone those who only refer to the row; SKIP LOCKED, because one conversation that is
# held elsewhere must not keep the others of the batch waiting. On SQLite BEGIN IMMEDIATE has locked everything.
_LOCK: Final = f"SELECT id, last_seq, version, {NOW} FROM conversations_conversation WHERE id {AMONG} ORDER BY id"
_FOR_UPDATE, _SKIP_LOCKED = (" FOR NO KEY UPDATE", " SKIP LOCKED") if settings.POSTGRESQL else ("", "")
_OF_ATTACHMENTS = f"{_FOR_UPDATE} OF a" if settings.POSTGRESQL else ""

STATEMENTS: Final = Statements(
    lock=_LOCK + _FOR_UPDATE + _SKIP_LOCKED,
    lock_waiting=_LOCK + _FOR_UPDATE,
    seats=_SEATS.format(wanted=wanted(c="uuid", u="bigint")) + f"\nWHERE {few('w.u')}",
    known=_KNOWN.format(wanted=wanted(c="uuid", u="bigint", k="text"))
    + f"\nWHERE {few('w.u')} AND (m.id IS NOT NULL OR h.id IS NOT NULL)",
    stored=f"SELECT id FROM conversations_message WHERE id {AMONG}",
    answered=_ANSWERED.format(wanted=wanted(m="uuid", u="bigint"), hidden=blocks("w.u", "m.sender_id"))
    + f"\nWHERE {few('w.u')}",
    claims=_CLAIMS.format(wanted=wanted(a="uuid", u="bigint", h="uuid"), few=few("w.u")) + _OF_ATTACHMENTS,
    claim=_CLAIM.format(wanted=wanted(a="uuid", m="uuid"), column="message_id"),
    claim_held=_CLAIM.format(wanted=wanted(a="uuid", m="uuid"), column="held_id"),
    insert=_INSERT.format(
        wanted=wanted(
            i="uuid",
            c="uuid",
            u="bigint",
            s="bigint",
            v="bigint",
            k="text",
            d="text",
            t="text",
            b="text",
            x="jsonb",
            r="uuid",
            at="timestamptz",
            upd="timestamptz",
        ),
    ),
    hold=_HOLD.format(
        wanted=wanted(
            i="uuid",
            c="uuid",
            u="bigint",
            k="text",
            d="text",
            t="text",
            b="text",
            x="jsonb",
            r="uuid",
            why="text",
            at="timestamptz",
        ),
    ),
    heads=_HEADS.format(now=NOW, wanted=wanted(c="uuid", s="bigint", v="bigint")) + f" AND {few('w.v')}",
)
