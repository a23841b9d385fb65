"""The contract's rules are the database's: what no door lets through, no other code can store either."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from conversations.models import Conversation, Epoch, Message, Participant, Reaction, ReadReceipt
from groups.models import Group
from localroots_chat.accounts.models import Block, User
from tests.conversations.conftest import say


def message(talk: Conversation, sender: User, seq: int, version: int, **fields: object) -> Message:
    now = timezone.now()
    return Message.objects.create(
        conversation=talk, sender=sender, seq=seq, version=version, created_at=now, updated_at=now, **fields
    )


BROKEN: dict[str, Callable[[Conversation, User], object]] = {
    "a second conversation of a pair": lambda talk, user: Conversation.objects.create(
        type="DIRECT", direct_key=talk.direct_key
    ),
    "a direct conversation without a pair": lambda talk, user: Conversation.objects.create(type="DIRECT"),
    "a group with a pair": lambda talk, user: Conversation.objects.create(type="GROUP", direct_key="1:2"),
    "a second seat": lambda talk, user: Participant.objects.create(conversation=talk, user=user),
    "an unknown role": lambda talk, user: Participant.objects.update(role="KING"),
    "a seq twice": lambda talk, user: message(talk, user, 1, 9),
    "a version twice": lambda talk, user: message(talk, user, 9, 1),
    "a seq of zero": lambda talk, user: message(talk, user, 0, 9),
    "a version below the seq": lambda talk, user: message(talk, user, 9, 8),
    "a clientId twice": lambda talk, user: [message(talk, user, n, n, client_id="x") for n in (8, 9)],
    "a SYSTEM message that says nothing": lambda talk, user: message(talk, user, 9, 9, type="SYSTEM"),
    "a person speaking as the system": lambda talk, user: message(talk, user, 9, 9, system={"kind": "joined"}),
    "an unknown type": lambda talk, user: message(talk, user, 9, 9, type="POLL"),
    "a deleted message with text": lambda talk, user: Message.objects.update(deleted_at=timezone.now()),
    "a version behind the seq": lambda talk, user: Conversation.objects.update(version=0),
    "a second epoch": lambda talk, user: Epoch.objects.create(pk=2, value="x"),
    "a receipt twice": lambda talk, user: [
        ReadReceipt.objects.create(
            conversation=talk, reader=user, message=talk.messages.get(), seq=1, read_at=timezone.now()
        )
        for _ in range(2)
    ],
    "a reaction twice": lambda talk, user: [
        Reaction.objects.create(message=talk.messages.get(), user=user, emoji="👍") for _ in range(2)
    ],
    "a group of an unknown category": lambda talk, user: Group.objects.create(
        conversation=talk, name="x", category="CARS", created_by=user
    ),
    "a group without a name": lambda talk, user: Group.objects.create(conversation=talk, name="", created_by=user),
    "a person without an id": lambda talk, user: User.objects.create(public_id=""),
    "a block twice": lambda talk, user: [
        Block.objects.create(blocker=user, blocked=User.objects.exclude(pk=user.pk)[0]) for _ in range(2)
    ],
    "a block of oneself": lambda talk, user: Block.objects.create(blocker=user, blocked=user),
    "an id twice": lambda talk, user: User.objects.create(public_id=user.public_id),
    "an unknown role of a person": lambda talk, user: User.objects.update(role="STAFF"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_the_database_refuses(broken: str, alice: User, talk: Conversation) -> None:
    say(alice, talk, "hello")
    with pytest.raises(IntegrityError), transaction.atomic():
        BROKEN[broken](talk, alice)


def test_two_messages_may_both_be_without_client_id(alice: User, talk: Conversation) -> None:
    assert len(say(alice, talk, "one", "two")) == 2
