"""Who has read a message, and when: of those who show it, to those who show it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations import history
from conversations.models import Conversation, Message, Participant, ReadReceipt
from conversations.reads import mark_read
from conversations.receipts import readers_of
from localroots_chat.accounts.models import Block, User
from localroots_chat.errors import ChatError
from tests.conversations.conftest import say

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk(talk: Conversation) -> Conversation:
    """They have been in it for two days."""
    Participant.objects.update(joined_at=timezone.now() - timedelta(days=2))
    return talk


@pytest.fixture
def carol(talk: Conversation) -> User:
    """She is the third in Alice's and Bob's conversation, which is a group then."""
    person = User.objects.create(public_id="carol", name="Carol")
    Participant.objects.create(conversation=talk, user=person, joined_at=timezone.now() - timedelta(days=2))
    Conversation.objects.update(type="GROUP", direct_key=None, member_count=3)
    return person


def read(reader: User, message: Message, *, ago: int = 0) -> None:
    """Reads up to this message; so many minutes ago."""
    mark_read(reader=reader, conversation=str(message.conversation_id), message=str(message.pk))
    receipt = ReadReceipt.objects.filter(reader=reader).latest("seq")
    ReadReceipt.objects.filter(pk=receipt.pk).update(read_at=timezone.now() - timedelta(minutes=ago))


def yesterday(sender: User, talk: Conversation, *contents: str) -> list[Message]:
    """These messages were sent a day ago."""
    messages = say(sender, talk, *contents)
    Message.objects.filter(conversation=talk).update(created_at=timezone.now() - timedelta(days=1))
    return messages


def readers(asker: User, message: Message) -> list[str]:
    return [one.user.name for one in readers_of(asker.pk, str(message.pk))]


def on_page(asker: User, talk: Conversation, place: history.Place | None = None) -> dict[str, list[str]]:
    """By text of the message, who has read it."""
    page = history.page_of(asker.pk, str(talk.pk), place or history.Place("newest"), receipts=True)
    return {one.content: [receipt.user_id for receipt in one.read_receipts or ()] for one in page.messages}


def test_whoever_came_as_far_has_read_it_at_their_first_move_over_it(
    alice: User, bob: User, carol: User, talk: Conversation
) -> None:
    one, two, three = yesterday(alice, talk, "one", "two", "three")
    read(bob, two, ago=50)
    read(bob, three, ago=40)
    read(carol, three, ago=45)
    assert [readers(alice, message) for message in (one, two, three)] == [["Bob", "Carol"]] * 2 + [["Carol", "Bob"]]
    assert on_page(alice, talk) == {"one": ["bob", "carol"], "two": ["bob", "carol"], "three": ["carol", "bob"]}
    first = readers_of(alice.pk, str(one.pk))[0]
    assert (first.user.id, first.read_at) == ("bob", readers_of(alice.pk, str(two.pk))[0].read_at)


def test_an_old_page_knows_who_has_read_far_beyond_it(alice: User, bob: User, carol: User, talk: Conversation) -> None:
    messages = yesterday(alice, talk, *"abcdefgh")
    read(bob, messages[1], ago=50)
    read(bob, messages[7], ago=40)
    read(carol, messages[6], ago=30)
    assert on_page(alice, talk, history.Place("before", 4)) == {
        "a": ["bob", "carol"],
        "b": ["bob", "carol"],
        "c": ["bob", "carol"],
    }


def test_neither_the_sender_nor_the_asker_is_named(alice: User, bob: User, carol: User, talk: Conversation) -> None:
    (one,) = say(bob, talk, "one")
    for reader in (alice, bob, carol):
        read(reader, one)
    assert readers(alice, one) == ["Carol"]
    assert readers(bob, one) == ["Alice", "Carol"]


def test_who_came_later_has_not_read_it(alice: User, bob: User, carol: User, talk: Conversation) -> None:
    one, two = yesterday(alice, talk, "one", "two")
    read(bob, two)
    read(carol, two)
    Participant.objects.filter(user=carol).update(joined_at=timezone.now() - timedelta(hours=1))
    assert readers(alice, one) == ["Bob"]
    (three,) = say(alice, talk, "three")
    read(carol, three)
    assert readers(alice, three) == ["Carol"]
    assert on_page(alice, talk) == {"one": ["bob"], "two": ["bob"], "three": ["carol"]}


def test_nobody_has_read_a_message_before_it_was_sent(alice: User, bob: User, talk: Conversation) -> None:
    one, two = say(alice, talk, "one", "two")
    read(bob, one)
    ReadReceipt.objects.update(read_at=timezone.now() - timedelta(seconds=20))
    mark_read(reader=bob, conversation=str(talk.pk), message=str(two.pk))  # the same move, gone on
    (receipt,) = readers_of(alice.pk, str(two.pk))
    assert receipt.read_at == history.page_of(alice.pk, str(talk.pk), history.Place("newest")).messages[1].created_at


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_who_does_not_show_is_not_shown_and_sees_none(alice: User, bob: User, talk: Conversation, who: str) -> None:
    (one,) = say(alice, talk, "one")
    read(bob, one)
    assert readers(alice, one) == ["Bob"]
    User.objects.filter(public_id=who).update(receipts=False)
    assert readers(alice, one) == []
    assert on_page(alice, talk) == {"one": []}


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_nothing_between_two_of_whom_one_has_blocked_the_other(
    alice: User, bob: User, talk: Conversation, who: str
) -> None:
    (one,) = say(alice, talk, "one")
    read(bob, one)
    blocker, blocked = (alice, bob) if who == "alice" else (bob, alice)
    Block.objects.create(blocker=blocker, blocked=blocked)
    assert readers(alice, one) == []


def test_large_conversations_tell_nobody(alice: User, bob: User, talk: Conversation) -> None:
    (one,) = say(alice, talk, "one")
    read(bob, one)
    Conversation.objects.update(member_count=51)
    assert readers(alice, one) == []


def test_who_has_left_is_not_named(alice: User, bob: User, carol: User, talk: Conversation) -> None:
    (one,) = say(alice, talk, "one")
    read(bob, one)
    Participant.objects.filter(user=bob).update(left_at=timezone.now())
    assert readers(alice, one) == []


def test_outsiders_are_told_nothing(bob: User, alice: User, mallory: User, talk: Conversation) -> None:
    (one,) = say(alice, talk, "one")
    with pytest.raises(ChatError) as refused:
        readers(mallory, one)
    assert refused.value.code == "not_found"


def test_what_it_costs(alice: User, bob: User, carol: User, talk: Conversation) -> None:
    messages = say(alice, talk, *"abcdefgh")
    for message in messages:
        read(bob, message, ago=10 - message.seq)
    with CaptureQueriesContext(connection) as captured:
        readers(alice, messages[0])
    assert len(captured) == 2
    with CaptureQueriesContext(connection) as captured:
        on_page(alice, talk)
    assert len(captured) == 3, "one more than without"
