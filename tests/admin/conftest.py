"""Staff at the admin's pages, and a village that talks, of any size."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from conversations.models import Attachment, Conversation, HeldMessage, Message, Participant, ReadReceipt
from groups.models import Group, Invitation, Sanction
from localroots_chat.accounts.models import SignIn, User
from localroots_chat.gateway.layer import Item
from tests.conversations.conftest import make_direct, say


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create(public_id="alice", name="Alice", role="FARMER")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create(public_id="bob", name="Bob")


@pytest.fixture
def talk(alice: User, bob: User) -> Conversation:
    return make_direct(alice, bob)


@pytest.fixture
def chief(db: None) -> User:
    """A superuser."""
    return User.objects.create_superuser("chief", "green-beans-and-rye", public_id="chief")


@pytest.fixture
def chief_at(chief: User) -> Client:
    """The admin as the superuser sees it."""
    return _at(chief)


@pytest.fixture
def clerk(db: None) -> User:
    """Staff without any rights yet."""
    return User.objects.create_user("clerk", "green-beans-and-rye", public_id="clerk", name="Clerk", is_staff=True)


@pytest.fixture
def clerk_at(clerk: User) -> Callable[..., Client]:
    """The admin as the clerk sees it with these rights: `clerk_at("accounts.change_user")`."""
    from django.contrib.auth.models import Permission

    def with_rights(*rights: str) -> Client:
        for right in rights:
            app, codename = right.split(".")
            clerk.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        return _at(clerk)

    return with_rights


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Item]:
    """What has been told to the connections, after COMMIT."""
    told: list[Item] = []
    monkeypatch.setattr("localroots_chat.gateway.publish._hand_over", told.extend)
    return told


def _at(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(client: Client, path: str, status: int = 200) -> str:
    """The page at this path."""
    answer: Any = client.get(path)
    assert answer.status_code == status, f"{path} answered {answer.status_code}"
    return str(answer.content.decode())


def settle(count: int) -> None:
    """Adds that many people, each with a sign-in, a talk with a common friend, an answered message, a receipt, and a
    group of their own with a silence and an invitation."""
    friend, _ = User.objects.get_or_create(public_id="friend", defaults={"name": "Friend"})
    for number in range(count):
        name = f"person-{User.objects.count()}"
        person = User.objects.create(public_id=name, username=name, name=f"Person {number}")
        SignIn.objects.create(user=person, expires_at=datetime.now(UTC) + timedelta(days=1))
        talk = make_direct(friend, person)
        first, _ = say(person, talk, "How do you do?", "Fine weather.")
        Message.objects.filter(pk=say(friend, talk, "Fine, thanks")[0].pk).update(reply_to=first)
        told = {"id": name, "name": "a.txt"}
        held = HeldMessage.objects.create(
            conversation=talk, sender=person, content="held", created_at=datetime.now(UTC)
        )
        where = {"uploader": person, "message": first, "held": held}
        Attachment.objects.create(**where, kind="FILE", name="a.txt", parts={"main": 1}, kept=1, key=name, told=told)
        ReadReceipt.objects.create(
            conversation=talk, reader=friend, message=first, seq=first.seq, read_at=datetime.now(UTC)
        )
        group = found(person, f"Group {number}", friend)
        Sanction.objects.create(group=group, user=friend, kind="SILENCE", imposed_by=person)
        Invitation.objects.create(
            group=group, code=name, created_by=person, expires_at=datetime.now(UTC) + timedelta(days=1)
        )


def found(owner: User, name: str, *members: User, category: str = "TIPS") -> Group:
    """A group of this owner, with its conversation."""
    conversation = Conversation.objects.create(type="GROUP", member_count=1 + len(members))
    Participant.objects.create(conversation=conversation, user=owner, role="OWNER")
    Participant.objects.bulk_create(Participant(conversation=conversation, user=member) for member in members)
    return Group.objects.create(conversation=conversation, name=name, category=category, created_by=owner)
