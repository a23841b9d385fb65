"""Finding what was said: parts of words in any script, in one's own conversations alone."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from conversations import edits
from conversations.models import Conversation, Message, Participant
from conversations.search import FoundShape, search
from localroots_chat.accounts.models import User
from localroots_chat.errors import ChatError
from tests.conversations.conftest import make_direct, say


def found(person: User, words: str, talk: Conversation | None = None) -> list[FoundShape]:
    page, _ = search(person.pk, words, conversation=None if talk is None else str(talk.pk), after=None, limit=50)
    return page


def texts(person: User, words: str) -> list[str]:
    return [shape.content for shape in found(person, words)]


@pytest.mark.parametrize(
    "words", ["tomat", "TOMATOES", "omatoe", "ripe tom", "the ripe tomatoes", "  ripe   tomatoes  "]
)
def test_parts_of_words_in_any_order(words: str, alice: User, bob: User, talk: Conversation) -> None:
    say(alice, talk, "The tomatoes are ripe")
    say(bob, talk, "So are the eggs")
    assert texts(bob, words) == ["The tomatoes are ripe"]


@pytest.mark.parametrize("text", ["今天有番茄吗", "Помидоры поспели", "الطماطم ناضجة", "Käse aus dem Allgäu", "🍅🍅"])
def test_any_script(text: str, alice: User, bob: User, talk: Conversation) -> None:
    say(alice, talk, text)
    say(alice, talk, "nothing of that")
    assert texts(bob, text[1:4]) == [text]
    assert texts(bob, text) == [text]


@pytest.mark.parametrize("words", ["100%", "a_b", "back\\slash", "'; DROP TABLE"])
def test_signs_mean_themselves(words: str, alice: User, talk: Conversation) -> None:
    say(alice, talk, "100 times aXb, backslash and ; DROP a TABLE")
    say(alice, talk, f"here: {words} of it")
    assert texts(alice, words) == [f"here: {words} of it"]


def test_nothing_of_what_one_may_not_see(alice: User, bob: User, mallory: User, talk: Conversation) -> None:
    (secret,), (taken_back,) = say(alice, talk, "secret eggs"), say(bob, talk, "more eggs")
    edits.delete(person=bob.pk, message=str(taken_back.pk))
    Message.objects.create(
        conversation=talk, sender=alice, seq=3, version=4, type="SYSTEM", content="Alice likes eggs",
        system={"kind": "x", "userIds": []}, created_at=now(), updated_at=now(),
    )  # fmt: skip
    say(mallory, make_direct(mallory, bob), "eggs of Mallory's")
    assert texts(alice, "eggs") == ["secret eggs"]
    assert texts(mallory, "eggs") == ["eggs of Mallory's"]
    with pytest.raises(ChatError, match="no such conversation"):
        found(mallory, "eggs", talk)
    Participant.objects.filter(user=alice).update(left_at=now())
    assert texts(alice, "eggs") == []
    assert [shape.id for shape in found(bob, "eggs", talk)] == [str(secret.pk)]


def test_newest_first_page_by_page_with_what_is_beside(alice: User, bob: User, talk: Conversation) -> None:
    other = make_direct(alice, User.objects.create(public_id="carol"))
    said = [say(alice, talk if number % 2 else other, f"eggs {number}")[0] for number in range(7)]
    say(bob, talk, "milk")
    seen: list[FoundShape] = []
    after: uuid.UUID | None = None
    while True:
        page, after = search(alice.pk, "eggs", conversation=None, after=after, limit=3)
        seen += page
        if after is None:
            break
    assert [shape.id for shape in seen] == [str(message.pk) for message in reversed(said)]
    newest = next(shape for shape in seen if shape.content == "eggs 5")
    assert newest.context.before is not None
    assert newest.context.after is not None
    assert (newest.context.before.excerpt, newest.context.after.excerpt) == ("eggs 3", "milk")
    assert seen[-1].context.before is None


def test_three_queries_for_any_page(alice: User, talk: Conversation) -> None:
    for number in range(20):
        say(alice, talk, f"eggs {number}")
    with CaptureQueriesContext(connection) as captured:
        assert len(found(alice, "eggs", talk)) == 20
    assert len(captured) == 3


@pytest.mark.parametrize("words", ["", "   ", "a\0b", "x" * 201, "a b c d e f g h i j k"])
def test_what_is_no_search_is_refused(words: str, alice: User) -> None:
    with pytest.raises(ChatError) as refused:
        found(alice, words)
    assert (refused.value.code, refused.value.field) == ("invalid_field", "q")
