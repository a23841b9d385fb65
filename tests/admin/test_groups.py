"""What staff may do about groups: with a reason, told to the members, and kept in the history."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from conversations.models import Message, Participant
from groups import invitations, members
from groups.invitations import NewInvitation
from groups.models import Group, Invitation, Sanction
from localroots_chat.accounts.models import User
from localroots_chat.accounts.team import team
from localroots_chat.errors import ChatError
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


def act(client: Client, page: str, action: str, row: Any, *, state: str = "", **more: str) -> str:
    """What the page says after this action; `state` is its filter's."""
    path = reverse(f"admin:{page}_changelist", query={"state": state} if state else None)
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
    assert (ban.user, ban.kind, ban.reason, ban.imposed_by) == (bob, "BAN", "Sells cars", team())
    said = Message.objects.get(conversation=eggs.conversation)
    assert (said.system, said.sender) == ({"kind": "member_banned", "userIds": ["bob"]}, team())
    assert any(isinstance(item, Durable) for item in published)
    act(client, "groups_member", "ban_these_members", seat_of(eggs, alice), reason="Too")
    assert seat_of(eggs, alice).left_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_group_is_handed_over(clerk_at: Callable[..., Client], eggs: Group, alice: User, bob: User) -> None:
    client = clerk_at(*RIGHTS)
    act(client, "groups_member", "hand_the_group_over", seat_of(eggs, bob), reason="She has left the valley")
    assert (seat_of(eggs, alice).role, seat_of(eggs, bob).role) == ("MODERATOR", "OWNER")


@pytest.mark.django_db(transaction=True)
def test_roles_silences_and_removals(clerk_at: Callable[..., Client], eggs: Group, bob: User) -> None:
    client = clerk_at(*RIGHTS)

    def member(action: str) -> Participant:
        act(client, "groups_member", action, seat_of(eggs, bob), reason="As agreed")
        return seat_of(eggs, bob)

    assert member("make_these_members_moderators").role == "MODERATOR"
    assert member("make_these_moderators_members").role == "MEMBER"
    for action, days in (("silence_these_members_for_a_day", 1), ("silence_these_members_for_a_week", 7)):
        until = member(action).silenced_until
        assert until is not None
        assert abs(until - now() - timedelta(days=days)) < timedelta(minutes=5)
    assert member("remove_these_members").left_at is not None
    assert [entry.change_message.partition(":")[0] for entry in LogEntry.objects.order_by("pk")] == [
        "Make these members moderators",
        "Make these moderators members",
        "Silence these members for a day",
        "Silence these members for a week",
        "Remove these members",
    ]


@pytest.mark.django_db(transaction=True)
def test_what_was_imposed_is_lifted_and_a_code_revoked(
    clerk_at: Callable[..., Client], eggs: Group, alice: User, bob: User, clerk: User
) -> None:
    client = clerk_at(*RIGHTS, "groups.view_sanction", "groups.view_invitation")
    act(client, "groups_member", "silence_these_members_for_a_day", seat_of(eggs, bob), reason="Shouts")
    silence = Sanction.objects.get(kind="SILENCE")
    act(client, "groups_sanction", "lift_these", silence, reason="Has calmed down")
    silence.refresh_from_db()
    assert (silence.lifted_by, seat_of(eggs, bob).silenced_until) == (clerk, None)

    act(client, "groups_member", "ban_these_members", seat_of(eggs, bob), reason="Sells cars")
    ban = Sanction.objects.get(kind="BAN")
    act(client, "groups_sanction", "lift_these", ban, reason="Sold them all")
    members.join(bob, str(eggs.pk))
    assert "no such sanction" in act(client, "groups_sanction", "lift_these", ban, reason="Again").lower()

    code = invitations.invite(alice, str(eggs.pk), NewInvitation()).code
    act(client, "groups_invitation", "revoke_these", Invitation.objects.get(), reason="Was published")
    with pytest.raises(ChatError):
        invitations.accept(User.objects.create(public_id="carol"), code)
    assert LogEntry.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_who_may_only_look_does_nothing(clerk_at: Callable[..., Client], eggs: Group, bob: User) -> None:
    client = clerk_at("groups.view_group", "groups.view_member")
    assert "close_these_groups" not in text_of(client, reverse("admin:groups_group_changelist"))
    act(client, "groups_group", "close_these_groups", eggs, reason="Because")
    act(client, "groups_member", "ban_these_members", seat_of(eggs, bob), reason="Because")
    assert not is_closed(eggs)
    assert seat_of(eggs, bob).left_at is None
    assert not LogEntry.objects.exists()
