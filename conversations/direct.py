"""Opening a direct conversation: one for each pair of people, however many open it at once."""

import uuid
from collections.abc import Mapping
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from conversations import events
from conversations.inbox import conversation_of
from conversations.models import Conversation, Participant
from conversations.shapes import ConversationShape
from localroots_chat.accounts.blocks import check_may_write
from localroots_chat.accounts.models import User
from localroots_chat.accounts.tokens import is_person_id
from localroots_chat.database import database_clock
from localroots_chat.errors import invalid, not_found
from localroots_chat.gateway import publish


def open_direct(opener: User, other_id: str) -> tuple[ConversationShape, bool]:
    """The conversation of these two, and whether it is new.

    Raises ChatError `not_found` for an unknown person, `invalid_field` for oneself, `forbidden` for somebody who
    cannot be written to, `blocked` for somebody whom the opener has blocked.
    """
    other = User.objects.filter(public_id=other_id).first() if is_person_id(other_id) else None
    if other is None:
        raise not_found("person")
    if other.pk == opener.pk:
        raise invalid("userId", "A conversation needs another person.")
    known = _between(opener, other).first()
    if known is not None:
        return conversation_of(opener.pk, known), False
    check_may_write(opener.pk, User.objects.filter(pk=other.pk))
    key, is_new = find_or_make(opener, other)
    return conversation_of(opener.pk, key), is_new


def find_or_make(opener: User, other: User) -> tuple[uuid.UUID, bool]:
    """The conversation of these two, whether or not they want one, and whether it is new."""
    known = _between(opener, other).first()
    if known is not None:
        return known, False
    try:
        return _create(opener, other), True
    except IntegrityError:  # the other one, or another tab, was first
        return _between(opener, other).get(), False


def direct_key(one: int, other: int) -> str:
    """The same for both orders of two people's keys."""
    return f"{min(one, other)}:{max(one, other)}"


def _between(one: User, other: User) -> QuerySet[Conversation, uuid.UUID]:
    return Conversation.objects.filter(direct_key=direct_key(one.pk, other.pk)).values_list("pk", flat=True)


@transaction.atomic
def _create(opener: User, other: User) -> uuid.UUID:
    key = direct_key(opener.pk, other.pk)
    conversation = Conversation.objects.create(type=Conversation.Type.DIRECT, direct_key=key, member_count=2)
    Participant.objects.bulk_create([Participant(conversation=conversation, user=user) for user in (opener, other)])
    shapes = {user.pk: conversation_of(user.pk, conversation.pk) for user in (opener, other)}
    transaction.on_commit(partial(_tell, shapes), robust=True)
    return conversation.pk


def _tell(shapes: Mapping[int, ConversationShape]) -> None:
    at = database_clock()
    publish.on_commit(*(events.conversation_gained(person, shape, at) for person, shape in shapes.items()))
