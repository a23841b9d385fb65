"""Reactions: what counts as an emoji, one row for each person and emoji, and whose own an answer marks."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import emoji as emojis
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.catching_up import seat_moves
from conversations.edits import delete
from conversations.history import Place, page_of
from conversations.inbox import conversation_of, conversations_of
from conversations.message_rows import shapes, statement, told
from conversations.models import Conversation, Message, Participant, Reaction
from conversations.reactions import KINDS_MOST, emoji_of, react
from conversations.shapes import MessageShape, ReactionShape
from conversations.storing import Batch
from localroots_chat.accounts.models import User
from localroots_chat.database import ask
from localroots_chat.errors import ChatError
from localroots_chat.gateway.layer import Durable
from tests.conversations.conftest import make_direct, make_send, say

# A savepoint and its release; four to hold the message; whether it is there, who reacts, whether the other one is
# there, the row, the counts, the message, the conversation, one's own reactions.
QUERIES = 2 + 13

FACES = [chr(0x1F600 + number) for number in range(KINDS_MOST + 1)]


@pytest.fixture
def said(alice: User, talk: Conversation) -> Message:
    """What Alice has said."""
    (message,) = say(alice, talk, "Eggs?")
    return message


def put(person: User, message: object, emoji: str) -> MessageShape:
    key = message.pk if isinstance(message, Message) else message
    return react(person=person.pk, message=str(key), emoji=emoji)


def take(person: User, message: object, emoji: str) -> MessageShape:
    key = message.pk if isinstance(message, Message) else message
    return react(person=person.pk, message=str(key), emoji=emoji, remove=True)


def refused(person: User, message: object, emoji: str, *, remove: bool = False) -> ChatError:
    with pytest.raises(ChatError) as told:
        (take if remove else put)(person, message, emoji)
    return told.value


def counts(reactions: Sequence[ReactionShape]) -> dict[str, int]:
    """In the order shown."""
    return {one.emoji: one.count for one in reactions}


def mine(message: MessageShape | None) -> dict[str, bool]:
    assert message is not None
    return {one.emoji: bool(one.mine) for one in message.reactions}


def rows() -> list[tuple[str, str]]:
    return list(Reaction.objects.order_by("pk").values_list("user__public_id", "emoji"))


def version_of(message: Message) -> int:
    return Conversation.objects.get(pk=message.conversation_id).version


# Putting and taking away


def test_a_reaction_takes_the_next_version_of_the_message(alice: User, bob: User, said: Message) -> None:
    answer = put(bob, said, "🥕")
    assert [(one.emoji, one.count, one.mine) for one in answer.reactions] == [("🥕", 1, True)]
    assert (answer.version, answer.seq, answer.content, answer.edited_at) == (2, 1, "Eggs?", None)
    assert answer.updated_at > answer.created_at
    assert version_of(said) == 2
    assert rows() == [("bob", "🥕")]
    assert put(alice, said, "🥕").reactions[0].count == 2
    assert version_of(said) == 3


def test_a_second_time_nothing_changes(bob: User, said: Message) -> None:
    answer = put(bob, said, "🥕")
    assert put(bob, said, "🥕") == answer
    assert version_of(said) == 2
    assert rows() == [("bob", "🥕")]


def test_a_reaction_can_be_taken_away_by_whose_it_is(alice: User, bob: User, said: Message) -> None:
    put(alice, said, "🥕")
    put(bob, said, "🥕")
    answer = take(bob, said, "🥕")
    assert [(one.emoji, one.count, one.mine) for one in answer.reactions] == [("🥕", 1, False)]
    assert answer.version == 4
    assert rows() == [("alice", "🥕")]
    assert list(take(alice, said, "🥕").reactions) == []
    assert rows() == []


def test_taking_away_what_is_not_there_changes_nothing(alice: User, bob: User, said: Message) -> None:
    assert take(bob, said, "🥕").version == 1
    put(alice, said, "🥕")
    assert counts(take(bob, said, "🥕").reactions) == {"🥕": 1}
    assert version_of(said) == 2


def test_emoji_stand_in_the_order_in_which_each_came_first(alice: User, bob: User, said: Message) -> None:
    put(bob, said, "🥬")
    put(bob, said, "🥕")
    put(alice, said, "🥚")
    put(alice, said, "🥕")
    assert list(counts(put(alice, said, "🥬").reactions).items()) == [("🥬", 2), ("🥕", 2), ("🥚", 1)]
    assert list(counts(take(bob, said, "🥕").reactions).items()) == [("🥬", 2), ("🥚", 1), ("🥕", 1)]
    take(bob, said, "🥬")
    take(alice, said, "🥬")
    assert list(counts(put(bob, said, "🥬").reactions)) == ["🥚", "🥕", "🥬"], "gone and come again"


def test_reactions_belong_to_one_message(alice: User, bob: User, talk: Conversation) -> None:
    one, two = say(alice, talk, "one", "two")
    put(bob, one, "🥕")
    put(bob, two, "🥚")
    first, second = page_of(bob.pk, str(talk.pk), Place("newest")).messages
    assert (counts(first.reactions), counts(second.reactions)) == ({"🥕": 1}, {"🥚": 1})


def test_a_reaction_moves_no_conversation_up_the_list_and_makes_nothing_unread(
    alice: User, bob: User, talk: Conversation, said: Message
) -> None:
    talk.refresh_from_db()
    before = talk.updated_at, conversation_of(alice.pk, talk.pk).unread_count
    put(bob, said, "🥕")
    talk.refresh_from_db()
    assert (talk.updated_at, conversation_of(alice.pk, talk.pk).unread_count) == before
    assert talk.changed_at > talk.updated_at, "servers that were not told look here"


# Whose own an answer marks


def test_each_reader_is_told_which_are_their_own(alice: User, bob: User, talk: Conversation, said: Message) -> None:
    put(alice, said, "🥕")
    put(bob, said, "🥚")
    for person, own in ((alice, {"🥕": True, "🥚": False}), (bob, {"🥕": False, "🥚": True})):
        (shown,) = page_of(person.pk, str(talk.pk), Place("newest")).messages
        assert mine(shown) == own
        assert mine(conversation_of(person.pk, talk.pk).last_message) == own
        ((listed,), _) = conversations_of(person.pk, after=None, limit=50)
        assert mine(listed.last_message) == own


def test_what_is_told_to_everybody_marks_nobodys_own(bob: User, said: Message) -> None:
    put(bob, said, "🥕")
    (row,) = ask(statement("", reader=None)).rows()
    assert told(row).reactions == [ReactionShape("🥕", 1)]


def test_a_list_marks_each_messages_own(alice: User, bob: User, talk: Conversation) -> None:
    one, two, three = say(alice, talk, "one", "two", "three")
    put(bob, one, "🥕")
    put(alice, two, "🥕")
    read = shapes(ask(statement("ORDER BY m.seq"), bob.pk))
    assert [mine(shape) for shape in read] == [{"🥕": True}, {"🥕": False}, {}]
    assert not three.reactions


# What counts as an emoji

TAKEN = {
    "a carrot": "🥕",
    "a thumb of a skin tone": "👍🏽",
    "a family held together by joiners": "👨‍👩‍👧‍👦",
    "a farmer of a skin tone": "👩🏿‍🌾",
    "a couple of two skin tones": "👩🏻‍❤️‍💋‍👨🏿",
    "a flag of two letters": "🇩🇪",
    "a flag of tags": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "a flag with a joiner": "🏳️‍🌈",
    "a keycap": "1️⃣",
    "the keycap of a hash": "#️⃣",
    "a sign that can be text": "©️",
    "a face of 2024": "\U0001fae9",
}
SPELLINGS = {
    "a heart": ("❤", "❤️"),
    "a smile": ("☺", "☺️"),
    "a keycap": ("1\u20e3", "1️⃣"),
    "a rainbow flag": ("🏳\u200d🌈", "🏳️‍🌈"),
    "an eye in a bubble, half spelled out": ("👁️\u200d🗨", "👁️‍🗨️"),
}
NONE = {
    "nothing": "",
    "a letter": "x",
    "a word": "carrot",
    "a name": ":carrot:",
    "a digit": "1",
    "a hash": "#",
    "two carrots": "🥕🥕",
    "two emoji": "🥕🥚",
    "an emoji and a space": "🥕 ",
    "an emoji after a letter": "x🥕",
    "an emoji and a NUL": "🥕\0",
    "a NUL": "\0",
    "half a character": "\ud83e",
    "half a flag": "🇩",
    "a variation selector": "\ufe0f",
    "a joiner": "\u200d",
    "a heart that asks to be text": "❤\ufe0e",
    "a heart that asks twice": "❤️\ufe0f",
    "a carrot that asks to be an emoji": "🥕\ufe0f",
    "5,000 letters": "x" * 5_000,
    "5,000 carrots": "🥕" * 5_000,
    "5,000 variation selectors": "❤" + "\ufe0f" * 5_000,
    "markup": "<b>🥕</b>",
}


@pytest.mark.parametrize("what", TAKEN)
def test_an_emoji_is_taken(what: str, bob: User, said: Message) -> None:
    assert counts(put(bob, said, TAKEN[what]).reactions) == {TAKEN[what]: 1}
    assert rows() == [("bob", TAKEN[what])]
    assert counts(take(bob, said, TAKEN[what]).reactions) == {}


@pytest.mark.parametrize("what", SPELLINGS)
def test_two_spellings_are_one_emoji(what: str, alice: User, bob: User, said: Message) -> None:
    old, new = SPELLINGS[what]
    assert old != new
    put(alice, said, old)
    put(bob, said, new)
    assert counts(put(bob, said, old).reactions) == {new: 2}
    assert counts(take(alice, said, new).reactions) == {new: 1}
    assert counts(take(bob, said, old).reactions) == {}


@pytest.mark.parametrize("what", NONE)
def test_what_is_not_one_emoji_is_refused(what: str, bob: User, said: Message) -> None:
    for remove in (False, True):
        told = refused(bob, said, NONE[what], remove=remove)
        assert (told.code, told.field) == ("invalid_field", "emoji")
    assert (rows(), version_of(said)) == ([], 1)


def test_every_emoji_there_is_has_one_spelling_that_fits() -> None:
    longest = Reaction._meta.get_field("emoji").max_length or 0
    for text, data in emojis.EMOJI_DATA.items():
        if data["status"] == emojis.STATUS["component"]:
            with pytest.raises(ChatError):  # a skin tone, or hair, of nobody
                emoji_of(text)
            continue
        spelling = emoji_of(text)
        assert emoji_of(spelling) == spelling
        assert len(spelling) <= longest
        assert emoji_of(text.replace("\ufe0f", "")) == spelling


# How many


def test_a_message_has_at_most_fifty_different_emoji(alice: User, bob: User, said: Message) -> None:
    for face in FACES[:KINDS_MOST]:
        put(alice, said, face)
    told = refused(bob, said, FACES[KINDS_MOST])
    assert (told.code, told.field) == ("full", "emoji")
    assert version_of(said) == 1 + KINDS_MOST
    assert put(bob, said, FACES[0]).reactions[0].count == 2, "one that is there already"
    take(alice, said, FACES[1])
    answer = put(bob, said, FACES[KINDS_MOST])
    assert len(answer.reactions) == KINDS_MOST
    assert counts(answer.reactions)[FACES[KINDS_MOST]] == 1


# Who may not, and on what


@pytest.mark.parametrize("remove", [False, True])
def test_an_outsider_is_told_what_is_said_of_a_message_that_does_not_exist(
    remove: bool, bob: User, mallory: User, said: Message
) -> None:
    put(bob, said, "🥕")
    told = [refused(mallory, name, "🥕", remove=remove) for name in (said.pk, uuid.uuid4(), "no id", "\0")]
    assert {one.code for one in told} == {"not_found"}
    assert len({(one.message, one.field) for one in told}) == 1
    assert rows() == [("bob", "🥕")]


@pytest.mark.parametrize("remove", [False, True])
def test_somebody_who_has_left_is_an_outsider(remove: bool, bob: User, said: Message) -> None:
    put(bob, said, "🥕")
    Participant.objects.filter(user=bob).update(left_at=timezone.now())
    told = refused(bob, said, "🥕", remove=remove)
    unknown = refused(bob, uuid.uuid4(), "🥕", remove=remove)
    assert told.code == "not_found"
    assert (told.message, told.field) == (unknown.message, unknown.field)
    assert rows() == [("bob", "🥕")]


@pytest.mark.parametrize("remove", [False, True])
def test_nobody_reacts_to_what_the_server_says(remove: bool, bob: User, said: Message) -> None:
    Message.objects.update(type="SYSTEM", system={"kind": "joined", "userIds": []})
    told = refused(bob, said, "🥕", remove=remove)
    assert (told.code, told.field) == ("forbidden", "messageId")
    assert version_of(said) == 1


@pytest.mark.parametrize("remove", [False, True])
def test_nobody_reacts_to_what_was_taken_back(remove: bool, alice: User, bob: User, said: Message) -> None:
    put(bob, said, "🥕")
    delete(person=alice.pk, message=str(said.pk))
    told = refused(bob, said, "🥕", remove=remove)
    assert (told.code, told.field) == ("forbidden", "messageId")
    assert (rows(), version_of(said)) == ([], 3)


def test_somebody_silenced_may_take_away_but_not_put(bob: User, said: Message) -> None:
    put(bob, said, "🥕")
    Participant.objects.filter(user=bob).update(silenced_until=timezone.now() + timedelta(hours=1))
    told = refused(bob, said, "🥚")
    assert (told.code, told.field) == ("muted", None)
    assert put(bob, said, "🥕").version == 2, "what is there already"
    assert counts(take(bob, said, "🥕").reactions) == {}
    Participant.objects.filter(user=bob).update(silenced_until=timezone.now() - timedelta(seconds=1))
    assert counts(put(bob, said, "🥚").reactions) == {"🥚": 1}


def test_nobody_reacts_where_the_other_one_is_gone(alice: User, bob: User, said: Message) -> None:
    put(alice, said, "🥕")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert refused(alice, said, "🥚").code == "forbidden"
    assert counts(take(alice, said, "🥕").reactions) == {}
    User.objects.filter(pk=bob.pk).update(is_active=True)
    assert counts(put(alice, said, "🥚").reactions) == {"🥚": 1}


# Queries


def test_a_reaction_takes_a_stated_number_of_queries(alice: User, bob: User, said: Message) -> None:
    put(alice, said, "🥕")
    for work in (put, take):
        with CaptureQueriesContext(connection) as captured:
            work(bob, said, "🥚")
        assert len(captured) <= QUERIES, "\n".join(query["sql"][:120] for query in captured)


@pytest.mark.parametrize("reacted", [0, 1, 10])
def test_a_page_takes_one_query_more_for_any_number_of_reactions(
    reacted: int, alice: User, bob: User, talk: Conversation
) -> None:
    messages = say(alice, talk, *(f"message {number}" for number in range(10)))
    for message in messages[:reacted]:
        put(alice, message, "🥕")
        put(bob, message, "🥚")
    with CaptureQueriesContext(connection) as captured:
        page = page_of(bob.pk, str(talk.pk), Place("newest"))
    assert [len(message.reactions) for message in page.messages] == [2] * reacted + [0] * (10 - reacted)
    assert len(captured) == 2


@pytest.mark.parametrize("others", [1, 20])
def test_the_list_takes_no_query_more_for_any_number_of_reactions(alice: User, others: int) -> None:
    for number in range(others):
        other = User.objects.create(public_id=f"p{number}")
        (message,) = say(other, make_direct(alice, other), "hello")
        put(alice, message, "🥕")
    with CaptureQueriesContext(connection) as captured:
        shown, _ = conversations_of(alice.pk, after=None, limit=50)
    assert [mine(one.last_message) for one in shown] == [{"🥕": True}] * others
    assert len(captured) == 4


def test_events_say_of_nobody_whose_reactions_they_are(alice: User, bob: User, talk: Conversation) -> None:
    batch = Batch([make_send(alice, talk, "once")], wait_for_locks=False)
    batch.store()
    put(bob, Message.objects.get(), "🥕")
    _, items = batch.store()  # as after a COMMIT whose answer was lost: the event still has to go out
    (change,) = cast(Durable, items[0]).changes
    (move,) = seat_moves([(bob.pk, str(talk.pk))])
    for frame in (change[4], move.frame):
        assert b'"emoji":"\xf0\x9f\xa5\x95"' in frame
        assert b'"mine"' not in frame
