"""Who has read a message, and when: told of those who show it, to those who show it, in conversations of at most 50.

Message m was read by somebody at their first receipt whose seq is m's or higher (models.ReadReceipt).
"""

import uuid
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from conversations.events import RECEIPTS_MOST
from conversations.message_rows import message_seen_by
from conversations.shapes import MessageShape, ReceiptShape
from localroots_chat.accounts.blocks import neither_blocks
from localroots_chat.accounts.people import UserShape
from localroots_chat.database import ask
from localroots_chat.sql import id_in, time_text
from localroots_chat.wire import Time


class ReaderShape(msgspec.Struct, rename="camel"):
    """Somebody who has read a message, and when."""

    user: UserShape
    read_at: Time


# Nothing to, and nothing of, those who do not show what they read, or with whom one has a block.
_SHOWN: Final = f"""
FROM conversations_readreceipt r
JOIN conversations_conversation c ON c.id = r.conversation_id AND c.member_count <= {RECEIPTS_MOST}
JOIN conversations_participant p ON p.conversation_id = c.id AND p.user_id = r.reader_id AND p.left_at IS NULL
JOIN accounts_user u ON u.id = r.reader_id AND u.receipts
JOIN accounts_user me ON me.id = %s AND me.receipts AND me.id <> u.id
WHERE r.conversation_id = %s AND r.seq >= %s AND {neither_blocks("u.id", "me.id")}"""
# A reader's moves on a page, and the first one that goes over its end
_MOVES: Final = f"""
SELECT u.public_id, u.name, u.image, u.role, r.seq, {time_text("r.read_at")}, {time_text("p.joined_at")} {_SHOWN}
  AND r.seq <= (SELECT coalesce(min(x.seq), %s) FROM conversations_readreceipt x
    WHERE x.conversation_id = r.conversation_id AND x.reader_id = r.reader_id AND x.seq >= %s)
ORDER BY r.read_at, r.seq, u.id"""


class _Move(NamedTuple):
    """A reader's pointer came to `seq` at this time; they are there since `joined`."""

    reader: UserShape
    seq: int
    at: str
    joined: str


def readers_of(person: int, message: str) -> list[ReaderShape]:
    """Who else has read this message, in the order of reading; not its sender. At most 50.

    Raises ChatError `not_found`. Two queries.
    """
    found = message_seen_by(person, message)
    return _readers(found, _moves(person, found.conversation_id, found.seq, found.seq))


def with_receipts(person: int, messages: Sequence[MessageShape]) -> list[MessageShape]:
    """Consecutive messages of one conversation, each with who else has read it. One query."""
    if not messages:
        return []
    moves = _moves(person, messages[0].conversation_id, messages[0].seq, messages[-1].seq)
    return [
        msgspec.structs.replace(
            message,
            read_receipts=[ReceiptShape(one.user.id, one.read_at) for one in _readers(message, moves)],
        )
        for message in messages
    ]


def _moves(person: int, conversation: str, first: int, last: int) -> list[_Move]:
    rows = ask(_MOVES, person, id_in(uuid.UUID(conversation)), first, last, last).rows()
    return [_Move(UserShape(row[0], row[1], row[2] or None, row[3]), *row[4:]) for row in rows]


def _readers(message: MessageShape, moves: Sequence[_Move]) -> list[ReaderShape]:
    """A move that went on for half a minute has the time of its beginning, which may be before the message. Whoever
    came after the message has not read it, unless they did so when they were there before."""
    found: dict[str, ReaderShape] = {}
    for move in moves:
        is_theirs = message.created_at >= move.joined or move.at < move.joined
        if move.seq >= message.seq and is_theirs and move.reader.id not in {message.sender_id, *found}:
            found[move.reader.id] = ReaderShape(move.reader, max(move.at, message.created_at))
    return list(found.values())
