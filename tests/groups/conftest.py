"""Groups made straight in the database, for tests of what lies behind the doors."""

from collections.abc import Sequence

import pytest
from uuid_utils.compat import uuid7

from conversations.models import Participant
from groups import lifecycle
from groups.lifecycle import NewGroup
from groups.models import Group
from localroots_chat.accounts.models import User


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create(public_id="olivia", name="Olivia")


@pytest.fixture
def member(db: None) -> User:
    return User.objects.create(public_id="max", name="Max")


@pytest.fixture
def outsider(db: None) -> User:
    return User.objects.create(public_id="oscar", name="Oscar")


@pytest.fixture
def group(owner: User, member: User) -> Group:
    """Olivia's group, Max is in it."""
    return found(owner, [member])


def found(owner: User, members: Sequence[User] = (), **fields: str) -> Group:
    asked = NewGroup(name="Eggs", category="FOOD_SHARE", member_ids=[one.public_id for one in members], **fields)
    return Group.objects.select_related("conversation").get(pk=lifecycle.create(owner, asked, uuid7()).id)


def crowd(group: Group, count: int) -> list[User]:
    """So many more members, without a message about each."""
    people = User.objects.bulk_create(User(public_id=f"crowd-{n}", name=f"Person {n}") for n in range(count))
    Participant.objects.bulk_create(Participant(conversation=group.conversation, user=one) for one in people)
    group.conversation.member_count += count
    group.conversation.save(update_fields=["member_count"])
    return people
