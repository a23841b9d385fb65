"""How many messages a person has not read: computed, never kept, so that it cannot drift.

Counted are messages after the read pointer that are not one's own, not the server's, not deleted and not of somebody
whom one has blocked; per conversation to 999, beyond that the answer is 1000.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from localroots_chat.accounts.blocks import blocks
from localroots_chat.database import ask, json_list
from localroots_chat.sql import few, wanted

MOST: Final = 1000


def counted(upto: str) -> str:
    """The number of messages that the person of seat `p` has not read, as part of a statement.

    The inner LIMIT stops counting where nobody cares any more; (conversation, seq) is an index. What comes after `upto`
    is not counted: to somebody who was told the conversation's version, it is a change still to come.
    """
    return f"""(
  SELECT count(*) FROM (
    SELECT 1 FROM conversations_message m
    WHERE m.conversation_id = p.conversation_id AND m.seq > p.last_read_seq AND m.seq <= {upto}
      AND m.sender_id <> p.user_id AND m.type <> 'SYSTEM' AND m.deleted_at IS NULL
      AND NOT {blocks("p.user_id", "m.sender_id")}
    LIMIT {MOST}) AS counted)"""


_COUNT: Final = f"""
SELECT w.seat, {counted("w.upto")}
FROM {wanted(seat="bigint", upto="bigint")} JOIN conversations_participant p ON p.id = w.seat WHERE {few("w.seat")}
"""


class Pointer(NamedTuple):
    """How far the person of a seat (its key) has read, of how much."""

    seat: int
    last_read_seq: int
    last_seq: int


def unread_at(pointers: Iterable[Pointer]) -> dict[int, int]:
    """Unread messages by seat, of those that have any. At most one query."""
    behind = [{"seat": one.seat, "upto": one.last_seq} for one in pointers if one.last_read_seq < one.last_seq]
    return dict(ask(_COUNT, json_list(behind)).rows()) if behind else {}
