"""Messages that the screen has held: who sees them, and what becomes of them.

Their senders see them and may withdraw them; moderators of a higher rank, and staff, approve or refuse them. What is
approved is stored as any send is, with the next seq and the time of that moment, if its sender may still write there.
"""

import uuid
from collections.abc import Sequence
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from conversations.events import message_held
from conversations.models import Conversation, HeldMessage, Participant
from conversations.participants import RANK, may_moderate, present, seat_of
from conversations.sends import Send, Stored
from conversations.shapes import HeldShape, shape_of_attachment
from conversations.storing import Batch
from localroots_chat.accounts.models import User
from localroots_chat.accounts.people import shape_of
from localroots_chat.database import DatabaseNow
from localroots_chat.errors import ChatError, invalid, not_found
from localroots_chat.gateway import publish
from localroots_chat.wire import is_text, iso, key_of

ANSWER_MOST: Final = 500


def own_waiting(person: User, *, after: uuid.UUID | None, limit: int) -> Sequence[HeldMessage]:
    """The person's own messages that wait, oldest first, one more than `limit` where there are more. Two queries."""
    return _page(_waiting().filter(sender=person), after, limit)


def waiting_in(person: User, conversation: str, *, after: uuid.UUID | None, limit: int) -> Sequence[HeldMessage]:
    """What waits in a conversation, of what the person may see: their own, and as a moderator those of lower ranks.

    Raises ChatError `not_found`. Three queries.
    """
    seat = seat_of(person.pk, conversation)
    above = [role for role, rank in RANK.items() if rank >= RANK[seat.role]]
    peers = present().filter(conversation=OuterRef("conversation"), user=OuterRef("sender"), role__in=above)
    seen = Q(sender=person)
    if seat.role != Participant.Role.MEMBER:
        seen |= Q(~Exists(peers))
    return _page(_waiting().filter(seen, conversation=seat.conversation_id), after, limit)


@transaction.atomic
def approve(moderator: User, held: str) -> HeldShape:
    """Stores it. Raises ChatError `not_found`, `forbidden`: also where its sender can no longer write there."""
    return _approve(moderator, _moderated(moderator, held))


@transaction.atomic
def refuse(moderator: User, held: str, answer: str) -> HeldShape:
    """Refuses it, with an answer to its sender. Raises ChatError `not_found`, `forbidden`, `invalid_field`."""
    if not is_text(answer) or len(answer) > ANSWER_MOST:
        raise invalid("answer", f"An answer has at most {ANSWER_MOST} characters.")
    return _refuse(moderator, _moderated(moderator, held), answer.strip())


@transaction.atomic
def approve_as_staff(staff: User, held: HeldMessage) -> None:
    """The same for staff, who may. Raises ChatError `not_found` where it waits no more, `forbidden`."""
    _approve(staff, _locked(held))


@transaction.atomic
def refuse_as_staff(staff: User, held: HeldMessage, answer: str) -> None:
    """The same for staff, who may. Raises ChatError `not_found` where it waits no more."""
    _refuse(staff, _locked(held), answer)


@transaction.atomic
def withdraw(sender: User, held: str) -> None:
    """As if it had never been sent. Raises ChatError `not_found`."""
    found = _locked(_one(_waiting().filter(sender=sender), held))
    HeldMessage.objects.filter(pk=found.pk).delete()
    _told(found, "WITHDRAWN")


def shape_of_held(held: HeldMessage, state: str = "") -> HeldShape:
    """As its sender and moderators see it. Wants the sender and the files loaded."""
    return HeldShape(
        id=str(held.pk),
        conversation_id=str(held.conversation_id),
        client_id=held.client_id,
        type=held.type,
        content=held.content,
        attachments=[shape_of_attachment(row.told) for row in held.attachment_rows.all()],
        reply_to=None if held.reply_to_id is None else str(held.reply_to_id),
        sender=shape_of(held.sender),
        reason=held.reason,
        state=state or held.outcome or "WAITING",
        answer=held.answer,
        message_id=None if held.message_id is None else str(held.message_id),
        created_at=iso(held.created_at),
    )


# Which


def _waiting() -> QuerySet[HeldMessage]:
    return HeldMessage.objects.filter(outcome="").select_related("sender").prefetch_related("attachment_rows")


def _page(rows: QuerySet[HeldMessage], after: uuid.UUID | None, limit: int) -> Sequence[HeldMessage]:
    further = rows if after is None else rows.filter(pk__gt=after)
    return list(further.order_by("pk")[: limit + 1])


def _one(rows: QuerySet[HeldMessage], held: str) -> HeldMessage:
    found = rows.filter(pk=key_of(held, "held message")).first()
    if found is None:
        raise not_found("held message")
    return found


def _moderated(moderator: User, held: str) -> HeldMessage:
    """One that waits where this person keeps order, locked."""
    where = {"conversation__participants__user": moderator, "conversation__participants__left_at": None}
    found = _locked(_one(_waiting().filter(**where), held))
    if found.sender_id == moderator.pk:
        raise _own()
    if not may_moderate(seat_of(moderator.pk, found.conversation_id), found.sender_id):
        raise not_found("held message")
    return found


def _locked(held: HeldMessage) -> HeldMessage:
    """It, if it still waits. The conversation is locked first, as whoever writes does."""
    Conversation.objects.select_for_update(no_key=True).get(pk=held.conversation_id)
    return _one(_waiting().select_for_update(of=("self",)), str(held.pk))


# What becomes of it


def _approve(by: User, held: HeldMessage) -> HeldShape:
    send = Send(
        sender=held.sender_id,
        conversation=held.conversation_id,
        content=held.content,
        type=held.type,
        client_id=held.client_id,
        reply_to=held.reply_to_id,
        digest=held.digest,
        attachments=tuple(uuid.UUID(key) for key in held.attachment_ids),
        held=held.pk,
    )
    _decide(held, by, HeldMessage.Outcome.APPROVED, message_id=send.id)
    (stored,), items = Batch([send], wait_for_locks=True, approved=True).store()
    if not isinstance(stored, Stored):
        raise ChatError("forbidden", "Its sender can no longer write this here.")
    publish.on_commit(*items)
    return _told(held)


def _refuse(by: User, held: HeldMessage, answer: str) -> HeldShape:
    _decide(held, by, HeldMessage.Outcome.REFUSED, answer=answer)
    return _told(held)


def _decide(held: HeldMessage, by: User, outcome: str, **more: object) -> None:
    if held.sender_id == by.pk:
        raise _own()
    decided = {"outcome": outcome, "decided_by": by, **more}
    for name, value in decided.items():
        setattr(held, name, value)
    HeldMessage.objects.filter(pk=held.pk).update(**decided, decided_at=DatabaseNow())


def _own() -> ChatError:
    return ChatError("forbidden", "Others decide about one's own messages.")


def _told(held: HeldMessage, state: str = "") -> HeldShape:
    """What its sender is told of it, and who has asked is answered."""
    shape = shape_of_held(held, state)
    publish.on_commit(message_held(held.sender_id, shape))
    return shape
