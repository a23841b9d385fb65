"""People and conversations made straight in the database, for tests of what lies behind the doors."""

from collections.abc import Callable
from typing import Any

import pytest

from conversations.direct import direct_key
from conversations.models import Conversation, Message, Participant
from conversations.sends import Send, digest_of
from conversations.storing import Batch, Outcome
from localroots_chat.accounts.models import User

MakeSend = Callable[..., Send]


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create(public_id="alice", name="Alice", role="FARMER")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create(public_id="bob", name="Bob")


@pytest.fixture
def mallory(db: None) -> User:
    return User.objects.create(public_id="mallory", name="Mallory")


@pytest.fixture
def talk(alice: User, bob: User) -> Conversation:
    """The direct conversation of Alice and Bob; Mallory is not in it."""
    return make_direct(alice, bob)


def make_direct(one: User, other: User) -> Conversation:
    made = Conversation.objects.create(type="DIRECT", direct_key=direct_key(one.pk, other.pk), member_count=2)
    Participant.objects.create(conversation=made, user=one)
    Participant.objects.create(conversation=made, user=other)
    return made


def make_send(sender: User, conversation: Conversation, content: str = "hello", **fields: Any) -> Send:
    return Send(
        sender=sender.pk,
        conversation=conversation.id,
        content=content,
        type=None if fields.get("attachments") else "TEXT",
        client_id=fields.get("client_id"),
        reply_to=fields.get("reply_to"),
        digest=digest_of(content, "TEXT", fields.get("reply_to")),
        attachments=fields.get("attachments", ()),
    )


def store(*sends: Send) -> list[Outcome]:
    """What becomes of these sends, in one batch."""
    outcomes, _ = Batch(sends, wait_for_locks=False).store()
    return outcomes


def say(sender: User, conversation: Conversation, *contents: str) -> list[Message]:
    """Stores these texts, one after the other."""
    for content in contents:
        store(make_send(sender, conversation, content))
    newest = Message.objects.filter(conversation=conversation).order_by("-seq")[: len(contents)]
    return list(reversed(newest))
