"""The read pointer: forward only, one's own, and receipts as its moves."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import Conversation, Participant, ReadReceipt
from conversations.reads import mark_read
from localroots_chat.accounts.models import User
from localroots_chat.errors import ChatError
from tests.conversations.conftest import make_direct, say

QUERIES = 9  # savepoint and its release, seat, message, pointer, newest receipt, receipt, unread (one or none)


def read(reader: User, talk: Conversation, message: object) -> tuple[int, int]:
    answer = mark_read(reader=reader, conversation=str(talk.id), message=str(message))
    return answer.last_read_seq, answer.unread_count


def test_the_pointer_moves_forward_and_never_back(alice: User, bob: User, talk: Conversation) -> None:
    one, two, three = say(bob, talk, "one", "two", "three")
    assert read(alice, talk, two.id) == (2, 1)
    assert read(alice, talk, one.id) == (2, 1)
    assert read(alice, talk, three.id) == (3, 0)
    assert Participant.objects.get(user=bob).last_read_seq == 0


def test_moves_within_half_a_minute_are_one_receipt(alice: User, bob: User, talk: Conversation) -> None:
    one, two, three = say(bob, talk, "one", "two", "three")
    read(alice, talk, one.id)
    read(alice, talk, two.id)
    assert list(ReadReceipt.objects.values_list("reader", "seq")) == [(alice.pk, 2)]
    ReadReceipt.objects.update(read_at=timezone.now() - timedelta(seconds=31))
    read(alice, talk, three.id)
    assert list(ReadReceipt.objects.order_by("seq").values_list("seq", flat=True)) == [2, 3]


def test_large_conversations_keep_the_pointer_alone(alice: User, bob: User, talk: Conversation) -> None:
    Conversation.objects.update(member_count=51)
    (one,) = say(bob, talk, "one")
    assert read(alice, talk, one.id) == (1, 0)
    assert not ReadReceipt.objects.exists()


def test_a_message_of_another_conversation_is_not_found(alice: User, bob: User, talk: Conversation) -> None:
    other = make_direct(alice, User.objects.create(public_id="carol"))
    (foreign,) = say(alice, other, "elsewhere")
    for message in (foreign.id, "no id", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(ChatError) as refused:
            read(bob, talk, message)
        assert refused.value.code == "not_found"


def test_an_outsider_can_read_nothing(bob: User, mallory: User, talk: Conversation) -> None:
    (one,) = say(bob, talk, "one")
    with pytest.raises(ChatError) as refused:
        read(mallory, talk, one.id)
    assert refused.value.code == "not_found"


def test_reading_takes_a_stated_number_of_queries(alice: User, bob: User, talk: Conversation) -> None:
    messages = say(bob, talk, *"abcdefgh")
    with CaptureQueriesContext(connection) as captured:
        read(alice, talk, messages[3].id)
    assert len(captured) <= QUERIES, [query["sql"][:80] for query in captured]


def test_who_does_not_show_what_they_read_leaves_no_receipt(alice: User, bob: User, talk: Conversation) -> None:
    (one,) = say(bob, talk, "one")
    User.objects.filter(pk=alice.pk).update(receipts=False)
    alice.refresh_from_db()
    assert read(alice, talk, one.id) == (1, 0)
    assert not ReadReceipt.objects.exists(), "nor when they show it one day"
