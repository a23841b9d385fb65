"""What staff may do about groups: with a reason, told to the members, and kept in the history."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from conversations.models import Message, Participant
from groups.models import Group, Sanction
from localroots_chat.accounts.models import User
from localroots_chat.gateway.layer import Durable, Item, Unseated
from tests.admin.conftest import found, text_of

RIGHTS = ("groups.view_group", "groups.view_member", "groups.change_group")


@pytest.fixture
def eggs(alice: User, bob: User) -> Group:
    return found(alice, "Eggs", bob)


def seat_of(group: Group, user: User) -> Participant:
    return Participant.objects.get(conversation=group.conversation, user=user)


def is_closed(group: Group) -> bool:
    return Group.objects.get(pk=group.pk).closed_at is not None


def act(client: Client, page: str, action: str, row: Any, **more: str) -> str:
    path = reverse(f"admin:{page}_changelist")
    answer = client.post(path, {"action": action, "_selected_action": row.pk, **more}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_group_is_closed_with_a_reason(
    clerk_at: Callable[..., Client], eggs: Group, published: list[Item], clerk: User
) -> None:
    client = clerk_at(*RIGHTS)
    page = act(client, "groups_group", "close_these_groups", eggs)
    assert "Eggs" in page
    assert 'name="reason"' in page
    assert not is_closed(eggs), "it asks first"

    assert "done" in act(client, "groups_group", "close_these_groups", eggs, reason="Only advertisements")
    assert is_closed(eggs)
    assert not Participant.objects.filter(conversation=eggs.conversation, left_at=None).exists()
    assert sum(isinstance(item, Unseated) for item in published) == 2
    (entry,) = LogEntry.objects.all()
    assert (entry.user, entry.object_id, entry.change_message) == (
        clerk,
        str(eggs.pk),
        "Close these groups: Only advertisements",
    )
    assert "There is no such group" in act(client, "groups_group", "close_these_groups", eggs, reason="Again")
    assert LogEntry.objects.count() == 1, "what was refused was not done"


@pytest.mark.django_db(transaction=True)
def test_a_member_is_banned_with_a_reason_even_the_owner(
    clerk_at: Callable[..., Client], eggs: Group, published: list[Item], alice: User, bob: User, clerk: User
) -> None:
    client = clerk_at(*RIGHTS)
    act(client, "groups_member", "ban_these_members", seat_of(eggs, bob), reason="Sells cars")
    assert seat_of(eggs, bob).left_at is not None
    ban = Sanction.objects.get()
    assert (ban.user, ban.kind, ban.reason, ban.imposed_by) == (bob, "BAN", "Sells cars", clerk)
    said = Message.objects.get(conversation=eggs.conversation)
    assert (said.system, said.sender) == ({"kind": "member_banned", "userIds": ["bob"]}, clerk)
    assert any(isinstance(item, Durable) for item in published)
    act(client, "groups_member", "ban_these_members", seat_of(eggs, alice), reason="Too")
    assert seat_of(eggs, alice).left_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_group_is_handed_over(clerk_at: Callable[..., Client], eggs: Group, alice: User, bob: User) -> None:
    client = clerk_at(*RIGHTS)
    act(client, "groups_member", "hand_the_group_over", seat_of(eggs, bob), reason="She has left the valley")
    assert (seat_of(eggs, alice).role, seat_of(eggs, bob).role) == ("MODERATOR", "OWNER")


@pytest.mark.django_db(transaction=True)
def test_who_may_only_look_does_nothing(clerk_at: Callable[..., Client], eggs: Group, bob: User) -> None:
    client = clerk_at("groups.view_group", "groups.view_member")
    assert "close_these_groups" not in text_of(client, reverse("admin:groups_group_changelist"))
    act(client, "groups_group", "close_these_groups", eggs, reason="Because")
    act(client, "groups_member", "ban_these_members", seat_of(eggs, bob), reason="Because")
    assert not is_closed(eggs)
    assert seat_of(eggs, bob).left_at is None
    assert not LogEntry.objects.exists()
