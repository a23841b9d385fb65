"""What somebody has missed, read from the database: the truth behind every live event.

Heads are read before rows. The other order loses what commits in between.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Final

from django.db.models import Q

from conversations import system_messages
from conversations.cards import card_for_all
from conversations.changing import updated_frame
from conversations.epochs import count_sweep
from conversations.events import conversation_gone, conversation_new
from conversations.inbox import conversation_of
from conversations.message_rows import quoted_of, sender_of, statement, told
from conversations.models import Conversation, Participant
from conversations.shapes import GroupShape
from localroots_chat.accounts.live_settings import changed_since
from localroots_chat.accounts.models import SignIn, User
from localroots_chat.database import ask, database_clock
from localroots_chat.errors import ChatError
from localroots_chat.gateway.protocol import event_frame
from localroots_chat.gateway.wiring import Change, Head, Missed, Seat, SeatMove
from localroots_chat.sql import id_in

REPAIR_MOST: Final = 500

_CHANGED: Final = statement("WHERE m.conversation_id = %s AND m.version > %s ORDER BY m.version LIMIT %s", reader=None)


def read_after(topic: str, version: int, seq: int) -> Head:
    """Where the conversation stands, and the messages that changed after `version`, as events.

    A message is new to those who have heard up to `seq`, whatever happened to it since. Two queries, and one where
    members or settings have changed.
    """
    key = uuid.UUID(topic)
    head = Conversation.objects.values_list("version", "last_seq").get(pk=key)
    rows = ask(_CHANGED, id_in(key), version, REPAIR_MOST + 1).rows()
    card = cache(partial(card_for_all, key))
    changes: list[Change] = []
    prev = version
    for row in rows[:REPAIR_MOST]:
        changes += _changes(row, prev, seq, card)
        prev = changes[-1].version
    complete = len(rows) <= REPAIR_MOST
    return Head(head[0] if complete else prev, head[1] if complete else seq, changes)


def _changes(row: Sequence[Any], prev: int, seq: int, card: Callable[[], GroupShape | None]) -> list[Change]:
    shape = told(row)
    if shape.seq > seq and shape.system is not None:
        return system_messages.changes(shape, card(), prev=prev)
    if shape.seq > seq:
        envelope = {"conversationId": shape.conversation_id, "prev": prev, "version": shape.version}
        frame = event_frame("message:new", shape, envelope)
    else:
        frame = updated_frame(shape, prev)
    sender = sender_of(row)
    return [Change(prev, shape.version, max(seq, shape.seq), sender, frame, sender, quoted_of(row))]


def missed_since(since: float, topics: Sequence[str], people: Sequence[int]) -> Missed:
    """What has changed since this database time: versions of these conversations; seats, access, settings and blocks
    of these people. Seven queries; two more where settings or blocks have changed, of whomever.
    """
    counted = count_sweep()
    now, begin = database_clock(), datetime.fromtimestamp(since, UTC)
    wanted, listening = set(topics), set(people)
    versions = Conversation.objects.filter(changed_at__gt=begin).values_list("pk", "version")
    seats = Participant.objects.filter(changed_at__gt=begin).values_list("user_id", "conversation_id", "left_at")
    revoked = User.objects.filter(access_changed_at__gt=begin).filter(Q(tokens_valid_after__gt=0) | Q(is_active=False))
    return Missed(
        now=now,
        epoch=counted.value,
        sweeps=counted.sweeps,
        versions=[(str(key), version) for key, version in versions if str(key) in wanted],
        seats=[(user, str(key), left is None) for user, key, left in seats if user in listening],
        revoked=[
            (pk, changed.timestamp() if active else now)
            for pk, changed, active in revoked.values_list("pk", "access_changed_at", "is_active")
            if pk in listening
        ],
        ended=[
            (user, str(pk))
            for pk, user in SignIn.objects.filter(ended_at__gt=begin).values_list("pk", "user_id")
            if user in listening
        ],
        settings=changed_since(begin),
    )


def seat_moves(pairs: Sequence[tuple[int, str]]) -> list[SeatMove]:
    """What these people (keys) are to be told about their seats in these conversations. Four queries for each seat
    that is held, one for all."""
    wanted = Q()
    for user, conversation in pairs:
        wanted |= Q(user_id=user, conversation_id=conversation)
    seats = Participant.objects.filter(wanted).values_list("user_id", "conversation_id", "left_at")
    return [_seat_move(user, conversation, held=left is None) for user, conversation, left in seats]


def _seat_move(user: int, conversation: uuid.UUID, *, held: bool) -> SeatMove:
    topic = str(conversation)
    try:
        shape = conversation_of(user, conversation) if held else None
    except ChatError:  # lost meanwhile
        shape = None
    if shape is None:
        return SeatMove(user, topic, None, conversation_gone(topic))
    found = Seat(topic, shape.version, shape.last_seq, shape.participant_count)
    return SeatMove(user, topic, found, conversation_new(shape))
