"""Who sits where. A look-up through a person's own seat is the permission: what it does not find, one may not see."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from django.conf import settings
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When

from conversations.events import RECEIPTS_MOST
from conversations.models import Message, Participant
from conversations.unread import counted
from localroots_chat.accounts.models import Block, User
from localroots_chat.database import ask, together
from localroots_chat.errors import not_found
from localroots_chat.gateway.wiring import Seat, Unread
from localroots_chat.sql import AMONG, id_text, keys
from localroots_chat.wire import key_of


def seat_of(user: int, conversation: str | uuid.UUID) -> Participant:
    """The seat of the person with this key, with its conversation. Raises ChatError `not_found`. One query."""
    key = conversation if isinstance(conversation, uuid.UUID) else key_of(conversation)
    seat = present().filter(user_id=user, conversation_id=key).select_related("conversation").first()
    if seat is None:
        raise not_found()
    return seat


RANK: Final[Mapping[str, int]] = {Participant.Role.MEMBER: 1, Participant.Role.MODERATOR: 2, Participant.Role.OWNER: 3}


def may_moderate(seat: Participant, other: int) -> bool:
    """Whether the person of this seat stands above somebody else (a key) in that conversation. Whoever has left it
    stands where members do. One query, none for members."""
    if seat.user_id == other or RANK[seat.role] == RANK[Participant.Role.MEMBER]:
        return False
    role = present().filter(conversation=seat.conversation_id, user=other).values_list("role", flat=True).first()
    return RANK[seat.role] > RANK[role or Participant.Role.MEMBER]


def with_reads_for(reader: User, seats: QuerySet[Participant]) -> QuerySet[Participant]:
    """These seats with `shown_seq`: how far their people have read, as far as this person is shown it; else 0."""
    apart = Block.objects.filter(
        Q(blocker=reader, blocked=OuterRef("user")) | Q(blocker=OuterRef("user"), blocked=reader)
    )
    shown = Q(user=reader)
    if reader.receipts:
        shown |= Q(~Exists(apart), user__receipts=True, conversation__member_count__lte=RECEIPTS_MOST)
    return seats.annotate(shown_seq=Case(When(shown, then=F("last_read_seq")), default=0))


def present() -> QuerySet[Participant]:
    """Seats that people have now."""
    return Participant.objects.filter(left_at=None)


def message_of(user: int, message: str) -> Message:
    """A message of a conversation the person is in, with that conversation. Raises ChatError `not_found`. One query."""
    found = (
        Message.objects.filter(
            pk=key_of(message, "message"),
            conversation__participants__user_id=user,
            conversation__participants__left_at=None,
        )
        .select_related("conversation", "sender", "reply_to__sender")
        .first()
    )
    if found is None:
        raise not_found("message")
    return found


_SEAT: Final = f"{id_text('c.id')}, c.version, c.last_seq, c.member_count"
# One row for each person: a row for each seat would cost more than all else about connecting.
_SITTING: Final = f"""
SELECT user_id, {"json_agg(seat)::text" if settings.POSTGRESQL else "json_group_array(json(seat))"},
  sum(unread), sum(CASE WHEN muted THEN unread ELSE 0 END)
FROM (
  SELECT p.user_id, p.muted, {"json_build_array" if settings.POSTGRESQL else "json_array"}({_SEAT}) AS seat,
    CASE WHEN p.last_read_seq < c.last_seq THEN {counted("c.last_seq")} ELSE 0 END AS unread
  FROM conversations_participant p JOIN conversations_conversation c ON c.id = p.conversation_id
  WHERE p.left_at IS NULL AND p.user_id {AMONG}) AS seats
GROUP BY user_id"""
_read_seats: Final = msgspec.json.Decoder(list[Seat]).decode
_BLOCKS: Final = f"SELECT blocker_id, blocked_id FROM accounts_block WHERE blocker_id {AMONG} OR blocked_id {AMONG}"


class Sitting(NamedTuple):
    """A person's seats, how many messages they have not read in all of them, and with whom (keys) they have a block."""

    seats: list[Seat]
    unread: Unread
    blocked: list[int]
    blocked_by: list[int]


def sitting(users: Sequence[int]) -> dict[int, Sitting]:
    """Where these people (keys) sit, and with whom they have a block. Two queries for all, in one round trip."""
    among = keys(users)
    with together():
        asked_seats, asked_blocks = ask(_SITTING, among), ask(_BLOCKS, among, among)
    found = {user: Sitting([], Unread(0, 0), [], []) for user in users}
    for user, seats, total, muted in asked_seats.rows():
        found[user] = Sitting(_read_seats(seats), Unread(int(total), int(muted)), [], [])
    for blocker, blocked in asked_blocks.rows():
        if blocker in found:
            found[blocker].blocked.append(blocked)
        if blocked in found:
            found[blocked].blocked_by.append(blocker)
    return found
