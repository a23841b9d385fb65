"""Reading a conversation's messages by seq: pages before, after or around a place. Constant queries, one index."""

import uuid
from typing import Final, Literal, NamedTuple

import msgspec

from conversations.message_rows import shapes, statement
from conversations.receipts import with_receipts
from conversations.seats import ask_seat, only
from conversations.shapes import MessageShape
from localroots_chat.database import Answer, ask, together
from localroots_chat.sql import id_in
from localroots_chat.wire import key_of

PAGE: Final = 50
PAGE_MOST: Final = 100

_NEWEST: Final = statement("WHERE m.conversation_id = %s ORDER BY m.seq DESC LIMIT %s")
_BEFORE: Final = statement("WHERE m.conversation_id = %s AND m.seq < %s ORDER BY m.seq DESC LIMIT %s")
_AFTER: Final = statement("WHERE m.conversation_id = %s AND m.seq > %s ORDER BY m.seq LIMIT %s")


class Place(NamedTuple):
    """Where in a conversation: before or after a seq (without it), around it (with it), or at the end."""

    kind: Literal["newest", "before", "after", "around"]
    seq: int = 0


class Page(msgspec.Struct, rename="camel"):
    """Messages from oldest to newest. `version` is the conversation's, read before the messages."""

    messages: list[MessageShape]
    version: int
    has_older: bool
    has_newer: bool


def page_of(person: int, conversation: str, place: Place, limit: int = PAGE, *, receipts: bool = False) -> Page:
    """A page of a conversation of the person with this key. Raises ChatError `not_found`.

    Two queries, three around a place, in one round trip; one more for `receipts`, which say who has read each message.
    """
    key = key_of(conversation)
    with together():
        asked_seat = ask_seat(person, key)
        older, newer = _ask(person, key, place, limit)
    seat = only(asked_seat)
    after = [] if newer is None else shapes(newer)
    before = [] if older is None else shapes(older)[: limit - len(after)]
    messages = [*reversed(before), *after]
    first, last = (messages[0].seq, messages[-1].seq) if messages else _nowhere(place, seat.last_seq)
    if receipts:
        messages = with_receipts(person, messages)
    return Page(messages, seat.version, has_older=first > seat.first_seq, has_newer=last < seat.last_seq)


def _ask(person: int, key: uuid.UUID, place: Place, limit: int) -> tuple[Answer | None, Answer | None]:
    """Asks for what is before, newest first, and for what is after, oldest first."""
    conversation = id_in(key)
    match place.kind:
        case "newest":
            return ask(_NEWEST, person, conversation, limit), None
        case "before":
            return ask(_BEFORE, person, conversation, place.seq, limit), None
        case "after":
            return None, ask(_AFTER, person, conversation, place.seq, limit)
    half = (limit + 1) // 2
    return (
        ask(_BEFORE, person, conversation, place.seq, limit),
        ask(_AFTER, person, conversation, place.seq - 1, half),
    )


def _nowhere(place: Place, last_seq: int) -> tuple[int, int]:
    """The seqs between which an empty page lies."""
    if place.kind == "before":
        return place.seq, place.seq - 1
    if place.kind == "after":
        return place.seq + 1, place.seq
    return 0, last_seq
