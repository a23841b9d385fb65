"""The list of conversations: order, last message, exact unread counts, pages, and a constant number of queries."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.inbox import conversations_of
from conversations.models import Conversation, Message, Participant
from conversations.participants import sitting
from localroots_chat.accounts.models import User
from localroots_chat.errors import ChatError
from tests.conversations.conftest import make_direct, say

QUERIES = 4  # seats with conversations and groups, members, last messages, unread


def inbox(user: User) -> list[Any]:
    return conversations_of(user.pk, after=None, limit=50)[0]


@pytest.mark.django_db(transaction=True)  # each message has its own time
def test_newest_activity_comes_first(alice: User, bob: User, talk: Conversation) -> None:
    other = make_direct(alice, User.objects.create(public_id="carol", name="Carol"))
    say(alice, other, "to carol")
    say(bob, talk, "to alice")
    first, second = inbox(alice)
    assert (first.id, second.id) == (str(talk.id), str(other.id))
    assert first.last_message.content == "to alice"
    assert {one.user.name for one in first.participants} == {"Alice", "Bob"}


def test_nobody_sees_conversations_of_others(mallory: User, talk: Conversation) -> None:
    assert inbox(mallory) == []


def test_unread_leaves_out_ones_own_the_servers_and_the_deleted(alice: User, bob: User, talk: Conversation) -> None:
    from django.utils import timezone

    say(bob, talk, "one", "two", "three")
    say(alice, talk, "mine")
    Message.objects.filter(content="two").update(content="", deleted_at=timezone.now())
    Message.objects.filter(content="three").update(type="SYSTEM", system={"kind": "joined", "userIds": []})
    assert inbox(alice)[0].unread_count == 1
    assert inbox(bob)[0].unread_count == 1
    found = sitting([alice.pk, bob.pk])
    assert (found[alice.pk].unread.total, found[bob.pk].unread.total) == (1, 1)


@pytest.mark.parametrize(("messages", "shown"), [(999, 999), (1000, 1000), (1300, 1000)])
def test_unread_is_exact_to_999(alice: User, bob: User, talk: Conversation, messages: int, shown: int) -> None:
    from django.utils import timezone

    now = timezone.now()
    Message.objects.bulk_create(
        Message(conversation=talk, sender=bob, seq=i, version=i, content="x", created_at=now, updated_at=now)
        for i in range(1, messages + 1)
    )
    Conversation.objects.filter(pk=talk.pk).update(last_seq=messages, version=messages)
    assert inbox(alice)[0].unread_count == shown


def test_pages_hold_each_conversation_once_even_at_equal_times(alice: User) -> None:
    made = [make_direct(alice, User.objects.create(public_id=f"p{i}")) for i in range(7)]
    Conversation.objects.update(updated_at=made[0].created_at)
    seen, after = list[str](), None
    while True:
        page, after = conversations_of(alice.pk, after=after, limit=3)
        seen += [one.id for one in page]
        if after is None:
            break
    assert sorted(seen) == sorted(str(one.id) for one in made)
    assert len(seen) == 7


@pytest.mark.parametrize("others", [1, 20])
def test_the_list_takes_the_same_number_of_queries_for_any_length(alice: User, others: int) -> None:
    for i in range(others):
        other = User.objects.create(public_id=f"p{i}")
        say(other, make_direct(alice, other), "hello")
    with CaptureQueriesContext(connection) as captured:
        assert len(inbox(alice)) == others
    assert len(captured) == QUERIES


def test_at_most_fifty_members_are_shown(alice: User) -> None:
    group = Conversation.objects.create(type="GROUP", member_count=60)
    people = [alice, *(User.objects.create(public_id=f"p{i}") for i in range(59))]
    Participant.objects.bulk_create(Participant(conversation=group, user=user) for user in people)
    (shown,) = inbox(alice)
    assert (len(shown.participants), shown.participant_count) == (50, 60)


def test_somebody_who_has_left_is_not_shown_and_sees_nothing(alice: User, bob: User, talk: Conversation) -> None:
    from conversations.participants import seat_of

    assert seat_of(bob.pk, talk.id).user_id == bob.pk
    Participant.objects.filter(user=bob).update(left_at=talk.created_at)
    assert inbox(bob) == []
    assert [one.user.id for one in inbox(alice)[0].participants] == ["alice"]
    with pytest.raises(ChatError) as refused:
        seat_of(bob.pk, talk.id)
    assert refused.value.code == "not_found"
