"""What somebody has missed, read from the database: the truth behind every live event.

Heads are read before rows. The other order loses what commits in between.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from django.db.models import Q

from conversations.changing import updated_frame
from conversations.epochs import count_sweep
from conversations.events import conversation_gone, conversation_new
from conversations.inbox import shape_of_seat
from conversations.models import Conversation, Message, Participant
from conversations.shapes import message_shape
from localroots_chat.accounts.models import SignIn, User
from localroots_chat.database import database_clock
from localroots_chat.gateway.protocol import event_frame, raw
from localroots_chat.gateway.wiring import Change, Head, Missed, Seat, SeatMove

REPAIR_MOST: Final = 500


def read_after(topic: str, version: int, seq: int) -> Head:
    """Where the conversation stands, and the messages that changed after `version`, as events.

    A message is new to those who have heard up to `seq`, whatever happened to it since. Two queries.
    """
    key = uuid.UUID(topic)
    head = Conversation.objects.values_list("version", "last_seq").get(pk=key)
    rows = (
        Message.objects.filter(conversation_id=key, version__gt=version)
        .select_related("sender", "reply_to__sender")
        .order_by("version")[: REPAIR_MOST + 1]
    )
    changes: list[Change] = []
    prev = version
    for row in rows[:REPAIR_MOST]:
        changes.append(_change(topic, row, prev, seq))
        prev = row.version
    complete = len(rows) <= REPAIR_MOST
    return Head(head[0] if complete else prev, head[1] if complete else seq, changes)


def _change(topic: str, row: Message, prev: int, seq: int) -> Change:
    if row.seq > seq:
        envelope = {"conversationId": topic, "prev": prev, "version": row.version}
        frame = event_frame("message:new", raw(message_shape(row)), envelope)
    else:
        frame = updated_frame(row, prev)
    return Change(prev, row.version, max(seq, row.seq), row.sender_id, frame)


def missed_since(since: float, topics: Sequence[str], people: Sequence[int]) -> Missed:
    """What has changed since this database time: versions of these conversations, seats and access of these people.

    Five queries.
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
    )


def seat_moves(pairs: Sequence[tuple[int, str]]) -> list[SeatMove]:
    """What these people (keys) are to be told about their seats in these conversations. Four queries for each seat
    that is held, one for all that are lost."""
    wanted = Q()
    for user, conversation in pairs:
        wanted |= Q(user_id=user, conversation_id=conversation)
    return [
        _seat_move(seat)
        for seat in Participant.objects.filter(wanted).select_related("conversation__group__created_by")
    ]


def _seat_move(seat: Participant) -> SeatMove:
    topic = str(seat.conversation_id)
    if seat.left_at is not None:
        return SeatMove(seat.user_id, topic, None, conversation_gone(topic))
    conversation = seat.conversation
    found = Seat(topic, conversation.version, conversation.last_seq, conversation.member_count)
    return SeatMove(seat.user_id, topic, found, conversation_new(shape_of_seat(seat)))
