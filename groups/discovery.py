"""Finding groups: by words of their name or description, by category, or one's own. Outsiders see the card only."""

import uuid
from typing import Final, Literal, NamedTuple

from django.conf import settings

from conversations.cards import CARD, CARD_SIZE, card_of
from conversations.shapes import GroupShape
from localroots_chat.database import ask
from localroots_chat.errors import not_found
from localroots_chat.sql import TRIGRAM, anywhere, id_in
from localroots_chat.wire import key_of

PAGE: Final = 50
RANK_MOST: Final = 3
ACTIVE_MOST: Final = 2**53

_PLACE: Final = "strpos" if settings.POSTGRESQL else "instr"  # of a text in a text, from 1; 0 where it is not
_WITH_SEAT: Final = """
JOIN conversations_conversation c ON c.id = g.conversation_id
LEFT JOIN conversations_participant p ON p.conversation_id = c.id AND p.user_id = w.me AND p.left_at IS NULL"""
_WITH_CARD: Final = f"{_WITH_SEAT} JOIN accounts_user o ON o.id = g.created_by_id"
_SEEN: Final = "(g.visibility = 'PUBLIC' OR p.id IS NOT NULL)"
_ACTIVE: Final = (  # in microseconds since 1970
    "(extract(epoch FROM c.updated_at) * 1000000)::bigint"
    if settings.POSTGRESQL
    else "CAST((julianday(c.updated_at) - 2440587.5) * 86400000000 AS INTEGER)"
)


def _found(match: str, *, first: bool = True) -> str:
    """The statement for the groups that match. They are found `first`, by themselves: a plan made for any words would
    begin elsewhere. The page is picked next: of all that match, only what is shown is put together.
    """
    order = "ORDER BY rank, -active, key"
    return f"""
WITH match AS {"MATERIALIZED" if first and settings.POSTGRESQL else ""} (
  SELECT g.* FROM (SELECT lower(CAST(%s AS text)) AS words, lower(CAST(%s AS text)) AS pattern) AS w
  CROSS JOIN groups_group g WHERE g.closed_at IS NULL AND {match})
SELECT {CARD}, rank, active FROM (
  SELECT * FROM (
    SELECT w.me, g.id AS key, {_ACTIVE} AS active, CASE WHEN w.words IN ('', lower(g.name)) THEN 0
      WHEN {_PLACE}(lower(g.name), w.words) = 1 THEN 1
      WHEN {_PLACE}(lower(g.name), w.words) > 1 OR {_PLACE}(lower(g.description), w.words) > 0 THEN 2 ELSE 3 END AS rank
    FROM (SELECT CAST(%s AS bigint) AS me, lower(CAST(%s AS text)) AS words, CAST(%s AS text) AS category,
      CAST(%s AS text) AS mine) AS w
    CROSS JOIN match g {_WITH_SEAT}
    WHERE {_SEEN} AND w.category IN ('', g.category)
      AND w.mine IN ('', CASE WHEN p.id IS NULL THEN 'false' ELSE 'true' END)
  ) AS found WHERE (rank, -active, key) > (%s, %s, %s) {order} LIMIT %s
) AS w JOIN groups_group g ON g.id = w.key {_WITH_CARD} {order}"""


_ALL: Final = _found("TRUE", first=False)
_READ: Final = _found(f"({_PLACE}(lower(g.name), w.words) > 0 OR {_PLACE}(lower(g.description), w.words) > 0)")
# From the index of trigrams (migration 0005), which also knows names that have something like the words:
# at 0.6 by pg_trgm's default. "tomatos" in "tomatoes and friends" is at 0.75, in "potatoes" at 0.13.
_LOOKED_UP: Final = _found(
    "(lower(g.name) LIKE w.pattern OR lower(g.description) LIKE w.pattern OR w.words <%% lower(g.name))"
)
_ONE: Final = f"""
SELECT {CARD} FROM (SELECT CAST(%s AS bigint) AS me) AS w CROSS JOIN groups_group g {_WITH_CARD}
WHERE g.closed_at IS NULL AND g.id = %s AND {_SEEN}"""


class Search(NamedTuple):
    """What somebody looks for; empty is anything."""

    words: str = ""
    category: str = ""
    mine: Literal["", "true", "false"] = ""


class Cursor(NamedTuple):
    """The last group of a page: how well it matched (0 best), when it was last active (microseconds since 1970), its
    id."""

    rank: int
    active: int
    id: uuid.UUID


_BEFORE_ALL: Final = Cursor(-1, 0, uuid.UUID(int=0))


def page_of(user: int, search: Search, *, after: Cursor | None, limit: int) -> tuple[list[GroupShape], Cursor | None]:
    """A page of public groups and of those of the person with this key, and where the next one begins.

    First names that are the words, then those that begin with them, then groups that have them anywhere, then names
    that are like them; among each other the liveliest first. One query.
    """
    at = after or _BEFORE_ALL
    words, category, mine = search
    asked = [words, anywhere(words), user, words, category, mine]
    rows = ask(_statement_for(words), *asked, at.rank, -at.active, id_in(at.id), limit + 1).rows()
    page = [card_of(row[:CARD_SIZE]) for row in rows[:limit]]
    if len(rows) <= limit:
        return page, None
    rank, active = rows[limit - 1][CARD_SIZE : CARD_SIZE + 2]
    return page, Cursor(rank, active, uuid.UUID(page[-1].id))


def _statement_for(words: str) -> str:
    if not words:
        return _ALL
    return _LOOKED_UP if settings.POSTGRESQL and len(words) >= TRIGRAM else _READ


def card(user: int, group: str) -> GroupShape:
    """One group as this person may see it. Raises ChatError `not_found`. One query."""
    rows = ask(_ONE, user, id_in(key_of(group, "group"))).rows()
    if not rows:
        raise not_found("group")
    return card_of(rows[0])
