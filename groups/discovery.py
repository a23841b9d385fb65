"""Finding groups: by words of their name or description, by category, or one's own. Outsiders see the card only."""

import uuid
from typing import Final, Literal, NamedTuple

from django.conf import settings

from conversations.cards import CARD, CARD_SIZE, card_of
from conversations.shapes import GroupShape
from localroots_chat.database import ask
from localroots_chat.errors import not_found
from localroots_chat.sql import id_in
from localroots_chat.wire import key_of

PAGE: Final = 50
RANK_MOST: Final = 3
MEMBERS_MOST: Final = 2**31 - 1  # what the column can hold

_PLACE: Final = "strpos" if settings.POSTGRESQL else "instr"  # of a text in a text, from 1; 0 where it is not
_SEEN: Final = """
CROSS JOIN groups_group g
JOIN conversations_conversation c ON c.id = g.conversation_id
JOIN accounts_user o ON o.id = g.created_by_id
LEFT JOIN conversations_participant p ON p.conversation_id = c.id AND p.user_id = w.me AND p.left_at IS NULL
WHERE g.closed_at IS NULL AND (g.visibility = 'PUBLIC' OR p.id IS NOT NULL)"""
_FOUND: Final = f"""
SELECT * FROM (
  SELECT {CARD}, CASE WHEN w.words IN ('', lower(g.name)) THEN 0
    ELSE CASE {_PLACE}(lower(g.name), w.words) WHEN 0 THEN 3 WHEN 1 THEN 1 ELSE 2 END END AS rank,
    c.member_count AS members, g.id AS key
  FROM (SELECT CAST(%s AS bigint) AS me, lower(CAST(%s AS text)) AS words, CAST(%s AS text) AS category,
    CAST(%s AS text) AS mine) AS w
  {_SEEN}
    AND w.category IN ('', g.category) AND w.mine IN ('', CASE WHEN p.id IS NULL THEN 'false' ELSE 'true' END)
    AND ({_PLACE}(lower(g.name), w.words) > 0 OR {_PLACE}(lower(g.description), w.words) > 0 OR w.words = '')
) AS found
WHERE (rank, -members, key) > (%s, %s, %s) ORDER BY rank, -members, key LIMIT %s"""
_ONE: Final = f"SELECT {CARD} FROM (SELECT CAST(%s AS bigint) AS me) AS w {_SEEN} AND g.id = %s"


class Search(NamedTuple):
    """What somebody looks for; empty is anything."""

    words: str = ""
    category: str = ""
    mine: Literal["", "true", "false"] = ""


class Cursor(NamedTuple):
    """The last group of a page: how well it matched (0 best), its size, its id."""

    rank: int
    members: int
    id: uuid.UUID


_BEFORE_ALL: Final = Cursor(-1, 0, uuid.UUID(int=0))


def page_of(user: int, search: Search, *, after: Cursor | None, limit: int) -> tuple[list[GroupShape], Cursor | None]:
    """A page of public groups and of those of the person with this key, and where the next one begins.

    Names that equal or begin with the words come first, then the largest. One query.
    """
    at = after or _BEFORE_ALL
    rows = ask(_FOUND, user, *search, at.rank, -at.members, id_in(at.id), limit + 1).rows()
    page = [card_of(row[:CARD_SIZE]) for row in rows[:limit]]
    if len(rows) <= limit:
        return page, None
    return page, Cursor(rows[limit - 1][CARD_SIZE], page[-1].member_count, uuid.UUID(page[-1].id))


def card(user: int, group: str) -> GroupShape:
    """One group as this person may see it. Raises ChatError `not_found`. One query."""
    rows = ask(_ONE, user, id_in(key_of(group, "group"))).rows()
    if not rows:
        raise not_found("group")
    return card_of(rows[0])
