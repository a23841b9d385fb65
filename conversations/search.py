"""Finding messages in one's own conversations: all words of a search, each anywhere in a text, in any script.

PostgreSQL looks words of three letters and more up in an index of trigrams (migration 0005). Where they are frequent,
or shorter, one's own conversations are read from the newest messages on; SQLite always reads. The statements are
planned anew each time: what is quick for a rare word is slow for a frequent one.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from django.conf import settings
from django.db import connection

from conversations.message_rows import answered, statement
from conversations.participants import seat_of
from conversations.shapes import MessageShape, ReplyShape, excerpt_of
from localroots_chat.accounts.blocks import blocks
from localroots_chat.database import ask, json_list
from localroots_chat.errors import invalid
from localroots_chat.sql import TRIGRAM, anywhere, few, id_in, id_text, wanted
from localroots_chat.wire import is_text

PAGE: Final = 50
CHARACTERS_MOST: Final = 200
WORDS_MOST: Final = 10
RARE_MOST: Final = 2000


class ContextShape(msgspec.Struct):
    """The messages beside one that was found."""

    before: ReplyShape | None
    after: ReplyShape | None


class FoundShape(MessageShape, rename="camel", kw_only=True):
    """A message that was found. Its conversation is read around its `seq`."""

    context: ContextShape


def search(
    person: int, words: str, *, conversation: str | None, after: uuid.UUID | None, limit: int
) -> tuple[list[FoundShape], uuid.UUID | None]:
    """A page of messages with all of these words, newest first, and after which the next one begins.

    Raises ChatError `invalid_field`; `not_found` for a conversation that the person is not in. At most four queries.
    """
    patterns = _patterns(words)
    place = None if conversation is None else seat_of(person, conversation).conversation_id
    rows = _found(person, patterns, place, after, limit + 1)
    shapes = [answered(row) for row in rows]
    contexts = _contexts(person, shapes[:limit])
    page = [_with_context(shape, contexts) for shape in shapes[:limit]]
    return page, uuid.UUID(page[-1].id) if len(rows) > limit else None


def _patterns(text: str) -> list[str]:
    """For LIKE, one for each word."""
    words = text.split()
    if not is_text(text) or len(text) > CHARACTERS_MOST or not 1 <= len(words) <= WORDS_MOST:
        raise invalid("q", f"A search has 1 to {WORDS_MOST} words, and at most {CHARACTERS_MOST} characters.")
    return [anywhere(word) for word in words]


_LIKE: Final = "m.content ILIKE %s" if settings.POSTGRESQL else "m.content LIKE %s ESCAPE '\\'"
_VISIBLE: Final = "m.type <> 'SYSTEM' AND m.deleted_at IS NULL"
_NOT_HIDDEN: Final = f"NOT {blocks('p.user_id', 'm.sender_id')}"  # p being one's own seat
# Everything that matches, where that is little: then it does not matter how much there is in all.
_RARE: Final = f"SELECT m.id FROM conversations_message m WHERE {_VISIBLE} {{conditions}} LIMIT {RARE_MOST}"
_OF_THESE: Final = f"""(
  SELECT m.id FROM conversations_message m
  JOIN conversations_participant p ON p.conversation_id = m.conversation_id AND p.left_at IS NULL
  WHERE p.user_id = %s AND m.id = ANY(%s) AND {_NOT_HIDDEN} ORDER BY m.id DESC LIMIT %s
) AS w"""
# Else from the newest on in each of one's conversations, until there are enough: of what matches often, that is soon.
# The texts are read: the index would be asked for all matches again in each conversation. CASE hides the words from the
# planner, which then expects half of all messages to match and begins with the newest. Of words that it thinks rare, it
# sorts whole conversations first: 1,100 ms instead of 35 in 200 conversations of 5,000 messages.
_READ: Final = "CASE WHEN {} THEN TRUE ELSE FALSE END"
_EACH: Final = f"""(
  SELECT x.id FROM conversations_participant p CROSS JOIN LATERAL (
    SELECT m.id FROM conversations_message m
    WHERE m.conversation_id = p.conversation_id AND {_VISIBLE} AND {_NOT_HIDDEN} {{conditions}}
    ORDER BY m.seq DESC LIMIT %s) AS x
  WHERE p.user_id = %s AND p.left_at IS NULL {{seats}} ORDER BY x.id DESC LIMIT %s
) AS w"""
_ALL: Final = f"""(
  SELECT m.id FROM conversations_message m
  JOIN conversations_participant p ON p.conversation_id = m.conversation_id AND p.left_at IS NULL
  WHERE p.user_id = %s AND {_VISIBLE} AND {_NOT_HIDDEN} {{conditions}} ORDER BY m.id DESC LIMIT %s
) AS w"""


def _found(
    person: int, patterns: Sequence[str], conversation: uuid.UUID | None, after: uuid.UUID | None, limit: int
) -> list[Any]:
    """Rows of messages, newest first. Ids grow with the time of sending (UUIDv7)."""
    narrower = {"m.conversation_id = %s": conversation, "m.id < %s": after}
    given = {condition: id_in(key) for condition, key in narrower.items() if key is not None}
    asked = [*given.values(), *patterns]

    words = " AND ".join([_LIKE] * len(patterns))

    def conditions(words: str) -> str:
        return "".join(f" AND {one}" for one in [*given, words])

    if not settings.POSTGRESQL:
        return _rows(person, _ALL.format(conditions=conditions(words)), [person, *asked, limit])
    if conversation is None and any(len(pattern.strip("%")) >= TRIGRAM for pattern in patterns):
        rare = _asked(_RARE.format(conditions=conditions(words)), asked)
        if len(rare) < RARE_MOST:
            return _rows(person, _OF_THESE, [person, [key for (key,) in rare], limit])
    seats = "" if conversation is None else "AND p.conversation_id = %s"
    only_there = [] if conversation is None else [id_in(conversation)]
    picked = _EACH.format(conditions=conditions(_READ.format(words)), seats=seats)
    return _rows(person, picked, [*asked, limit, person, *only_there, limit])


def _rows(reader: int, picked: str, parameters: Sequence[Any]) -> list[Any]:
    """What is shown is put together after it was picked."""
    return _asked(statement("ORDER BY m.id DESC", wanted=picked, on="m.id = w.id"), [reader, *parameters])


def _asked(query: str, parameters: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


_NEIGHBOURS: Final = f"""
SELECT {id_text("m.conversation_id")}, m.seq, {id_text("m.id")}, u.public_id, substr(m.content, 1, 240),
  m.type <> 'SYSTEM' AND {blocks("i.me", "m.sender_id")}
FROM (SELECT CAST(%s AS bigint) AS me) AS i CROSS JOIN {wanted(c="uuid", s="bigint")}
JOIN conversations_message m ON m.conversation_id = w.c AND m.seq = w.s
JOIN accounts_user u ON u.id = m.sender_id WHERE {few("w.s")}"""


def _contexts(person: int, shapes: Sequence[MessageShape]) -> Mapping[tuple[str, int], ReplyShape]:
    """The messages beside these, by conversation and seq, as the person with this key may see them. One query."""
    places = {(one.conversation_id, seq) for one in shapes for seq in (one.seq - 1, one.seq + 1) if seq > 0}
    if not places:
        return {}
    wanted = json_list({"c": id_in(uuid.UUID(key)), "s": seq} for key, seq in sorted(places))
    return {
        (key, seq): ReplyShape(id_, seq, None, "") if is_hidden else ReplyShape(id_, seq, sender, excerpt_of(text))
        for key, seq, id_, sender, text, is_hidden in ask(_NEIGHBOURS, person, wanted).rows()
    }


def _with_context(shape: MessageShape, contexts: Mapping[tuple[str, int], ReplyShape]) -> FoundShape:
    beside = (contexts.get((shape.conversation_id, seq)) for seq in (shape.seq - 1, shape.seq + 1))
    return FoundShape(**msgspec.structs.asdict(shape), context=ContextShape(*beside))
