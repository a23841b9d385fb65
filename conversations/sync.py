"""Resuming: what has changed in a person's conversations since the versions that a client holds.

Heads are read before changes, so that nothing falls between the two. Changes are the newest states of messages: a
long absence costs one row for each message touched, not one for each change. Works across servers, restarts and
days, since all of it is read from the database.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from django.db.models import Exists, OuterRef, Q

from conversations.epochs import epoch
from conversations.events import RECEIPTS_MOST
from conversations.inbox import shapes_of
from conversations.message_rows import shapes, statement
from conversations.participants import present
from conversations.seats import OwnSeat, seats_among, seats_gained
from conversations.shapes import ConversationShape, MessageShape
from conversations.unread import Pointer, unread_at
from localroots_chat.accounts.models import Block
from localroots_chat.database import ask, database_clock, json_list
from localroots_chat.errors import ChatError, invalid
from localroots_chat.gateway.protocol import encode
from localroots_chat.sql import few, id_in, wanted
from localroots_chat.wire import Time, iso_of_epoch, key_of, moment_of

CURSORS_MOST: Final = 500
MESSAGES_MOST: Final = 100
BYTES_MOST: Final = 131_072
BEHIND_MOST: Final = 500
NEW_MOST: Final = 50
_VERSION_MOST: Final = 2**53
_OVERLAP: Final = timedelta(seconds=15)  # what a transaction may take to commit, and clocks may differ


class SyncRequest(msgspec.Struct):
    """{cursors: {id: version or [version, lastReadSeq]}, since?, epoch?}"""

    cursors: dict[str, Any]
    since: str | None = None
    epoch: str | None = None


class HeadShape(msgspec.Struct, rename="camel"):
    """Where a conversation stands. `reads` are the others' read pointers, where there are at most 50 members."""

    version: int
    first_seq: int
    last_seq: int
    last_read_seq: int
    unread_count: int
    reads: dict[str, int] | msgspec.UnsetType = msgspec.UNSET


class SyncShape(msgspec.Struct, rename="camel"):
    """What has changed. The next cursor of a conversation is its head's version; while it is in `more`, the version
    of the last of its changes here, if there are any."""

    epoch: str
    server_time: Time
    heads: dict[str, HeadShape] = {}
    changes: dict[str, list[MessageShape]] = {}
    conversations: list[ConversationShape] = []
    more: list[str] = []
    gone: list[str] = []
    reset: list[str] = []
    new: list[ConversationShape] = []
    list_stale: bool = False


class Cursor(NamedTuple):
    """What a client holds of a conversation: its version, and its own read pointer if it says so."""

    version: int
    last_read_seq: int | None


class _Behind(NamedTuple):
    """A seat whose holder lacks changes."""

    seat: OwnSeat
    version: int


def sync(user: int, request: SyncRequest) -> SyncShape:
    """What the person with this key has missed. A constant number of queries (at most 16).

    Raises ChatError `cursor_invalid`, `invalid_field`.
    """
    cursors = _read_cursors(request.cursors)
    since = _read_since(request.since)
    now, current = iso_of_epoch(database_clock()), epoch()
    seats = {seat.conversation: seat for seat in seats_among(user, _keys(cursors))}
    gone = [key for key in cursors if key not in seats]
    if request.epoch not in (None, current):
        return SyncShape(current, now, gone=gone, reset=list(seats), list_stale=True)
    behind, reset = _compare(seats, cursors, since)
    changes, more = _changes(user, behind)
    new, list_stale = _new(user, cursors, since)
    return SyncShape(
        current,
        now,
        heads=_heads([seat for key, seat in seats.items() if key not in reset and _differs(seat, cursors[key])]),
        changes=changes,
        conversations=shapes_of([one.seat for one in behind if one.seat.meta_version > one.version]),
        more=more,
        gone=gone,
        reset=reset,
        new=new,
        list_stale=list_stale,
    )


# What the client says


def _read_cursors(given: Mapping[str, Any]) -> dict[str, Cursor]:
    if len(given) > CURSORS_MOST:
        raise invalid("cursors", f"At most {CURSORS_MOST} conversations at once.")
    return {key: _read_cursor(key, value) for key, value in given.items()}


def _read_cursor(key: str, value: Any) -> Cursor:
    parts = value if isinstance(value, list) else [value]
    if not 1 <= len(parts) <= 2 or not all(type(part) is int and 0 <= part <= _VERSION_MOST for part in parts):
        raise ChatError(
            "cursor_invalid",
            "A cursor is a version or [version, lastReadSeq], whole numbers from 0 to 2^53.",
            field=f"cursors.{key[:64]}",
        )
    return Cursor(parts[0], parts[1] if len(parts) == 2 else None)


def _read_since(text: str | None) -> datetime | None:
    try:
        return None if text is None else moment_of(text, "since") - _OVERLAP
    except OverflowError:  # of the year 1
        raise invalid("since", "Expected a serverTime of an earlier answer.") from None


# What the database says


def _keys(cursors: Mapping[str, Cursor]) -> list[uuid.UUID]:
    return [key for text in cursors if (key := _key(text)) is not None]


def _key(text: str) -> uuid.UUID | None:
    try:
        return key_of(text)
    except ChatError:
        return None


def _compare(
    seats: Mapping[str, OwnSeat], cursors: Mapping[str, Cursor], since: datetime | None
) -> tuple[list[_Behind], list[str]]:
    """Who lacks changes, newest activity first, and who holds what cannot be brought up to date."""
    behind: list[_Behind] = []
    reset: list[str] = []
    for key, seat in seats.items():
        version, head = cursors[key].version, seat.version
        if version > head or head - version > BEHIND_MOST or _looks_new(seat, version, since):
            reset.append(key)
        elif version < head:
            behind.append(_Behind(seat, version))
    behind.sort(key=lambda one: one.seat.activity, reverse=True)
    return behind, reset


def _looks_new(seat: OwnSeat, version: int, since: datetime | None) -> bool:
    """Whether what the client holds has been shown differently since, as after a block. Clients that do not say since
    when they know what they hold, are told so until something new has happened."""
    if seat.looks_new_since is None:
        return False
    return version <= seat.looks_new_from if since is None else seat.looks_new_since > since


def _differs(seat: OwnSeat, cursor: Cursor) -> bool:
    return seat.version > cursor.version or cursor.last_read_seq not in (None, seat.last_read_seq)


def _heads(seats: Sequence[OwnSeat]) -> dict[str, HeadShape]:
    unread = unread_at(Pointer(seat.id, seat.last_read_seq, seat.last_seq) for seat in seats)
    reads = _reads(seats)
    return {
        seat.conversation: HeadShape(
            version=seat.version,
            first_seq=seat.first_seq,
            last_seq=seat.last_seq,
            last_read_seq=seat.last_read_seq,
            unread_count=unread.get(seat.id, 0),
            reads=reads.get(seat.conversation, msgspec.UNSET),
        )
        for seat in seats
    }


def _reads(seats: Sequence[OwnSeat]) -> dict[str, dict[str, int]]:
    """How far the others have read, of those who show it, and have no block with oneself. Nothing to somebody who does
    not show it. One query."""
    small = [uuid.UUID(seat.conversation) for seat in seats if seat.member_count <= RECEIPTS_MOST]
    if not small:
        return {}
    me = seats[0].user
    apart = Block.objects.filter(Q(blocker=me, blocked=OuterRef("user")) | Q(blocker=OuterRef("user"), blocked=me))
    rows = (
        present()
        .filter(~Exists(apart), conversation__in=small)
        .values_list("conversation_id", "user_id", "user__public_id", "user__receipts", "last_read_seq")
    )
    listed = list(rows)
    if not any(user == me and shown for _, user, _, shown, _ in listed):
        return {}
    found: dict[str, dict[str, int]] = {str(key): {} for key in small}
    for conversation, user, public_id, shown, seq in listed:
        if shown and user != me:
            found[str(conversation)][public_id] = seq
    return found


def _changes(user: int, behind: Sequence[_Behind]) -> tuple[dict[str, list[MessageShape]], list[str]]:
    """The messages that changed, a page by count and bytes, and the conversations of which there are more."""
    asked, left = _that_fit(behind)
    found = _changed_messages(user, asked)
    page = _first_that_fit(found)
    cut = found[page].conversation_id if page < len(found) else None
    keys = [one.seat.conversation for one in asked]
    unfinished = keys[keys.index(cut) :] if cut is not None else []
    changes: dict[str, list[MessageShape]] = {}
    for shape in found[:page]:
        changes.setdefault(shape.conversation_id, []).append(shape)
    return changes, unfinished + [one.seat.conversation for one in left]


def _that_fit(behind: Sequence[_Behind]) -> tuple[Sequence[_Behind], Sequence[_Behind]]:
    """Those whose changes fill a page, and the others. A conversation has at most as many changed messages as
    versions, so nobody is asked about in vain."""
    room = MESSAGES_MOST
    for number, one in enumerate(behind):
        if room <= 0:
            return behind[:number], behind[number:]
        room -= one.seat.version - one.version
    return behind, []


_CHANGED: Final = statement(
    f"WHERE {few('w.n')} ORDER BY w.n, m.version LIMIT %s",
    wanted=wanted(n="int", c="uuid", v="bigint", h="bigint"),
    on="m.conversation_id = w.c AND m.version > w.v AND m.version <= w.h",
)


def _changed_messages(user: int, behind: Sequence[_Behind]) -> list[MessageShape]:
    """Conversation by conversation, oldest version first, one more than a page holds. At most one query."""
    if not behind:
        return []
    rows = [
        {"n": n, "c": id_in(uuid.UUID(one.seat.conversation)), "v": one.version, "h": one.seat.version}
        for n, one in enumerate(behind)
    ]
    return shapes(ask(_CHANGED, user, json_list(rows), MESSAGES_MOST + 1))


def _first_that_fit(shapes: Sequence[MessageShape]) -> int:
    size = 0
    for number, shape in enumerate(shapes):
        size += len(encode(shape))
        if number == MESSAGES_MOST or (number > 0 and size > BYTES_MOST):
            return number
    return len(shapes)


def _new(user: int, cursors: Mapping[str, Cursor], since: datetime | None) -> tuple[list[ConversationShape], bool]:
    """Conversations gained since then, and whether the client's list lacks anything else."""
    if since is None:
        return [], False
    held = _keys(cursors)
    seats = seats_gained(user, since, held, NEW_MOST + 1)
    shown = seats[:NEW_MOST]
    others = present().filter(user_id=user, conversation__changed_at__gt=since)
    active = others.exclude(conversation__in=held).exclude(pk__in=[seat.id for seat in shown])
    return shapes_of(shown), len(seats) > NEW_MOST or active.exists()
