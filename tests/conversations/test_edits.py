"""Changing and taking back what one has said: by whom, until when, and what is left of it."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from conversations import changing
from conversations.edits import delete, edit
from conversations.history import Place, page_of
from conversations.inbox import conversation_of
from conversations.models import Conversation, EarlierText, Message, Participant, Reaction
from conversations.participants import message_of, sitting
from conversations.reactions import react
from conversations.sends import Stored
from conversations.shapes import MessageShape
from localroots_chat.accounts.models import User
from localroots_chat.errors import ChatError
from tests.conversations.conftest import make_send, say, store

# A savepoint and its release; four to hold the message; whether the other one is there, the earlier text, the message,
# the conversation, one's own reactions.
EDIT_QUERIES = 2 + 10
# As above; the earlier text, the reactions' rows, the message, the conversation.
DELETE_QUERIES = 2 + 10

Change = Callable[[User, object], MessageShape]


def change(person: User, message: object, content: str = "Eggs!") -> MessageShape:
    return edit(editor=person.pk, message=str(message), content=content)


def take_back(person: User, message: object) -> MessageShape:
    return delete(person=person.pk, message=str(message))


def refusal(work: Callable[..., object], *args: object) -> tuple[str, str, str | None]:
    """What is said to whoever tries: code, sentence, field."""
    with pytest.raises(ChatError) as refused:
        work(*args)
    return refused.value.code, refused.value.message, refused.value.field


def code_and_field(work: Callable[..., object], *args: object) -> tuple[str, str | None]:
    code, _, field = refusal(work, *args)
    return code, field


def version_of(talk: Conversation) -> int:
    talk.refresh_from_db()
    return talk.version


def age(message: Message, seconds: int) -> None:
    Message.objects.filter(pk=message.pk).update(created_at=timezone.now() - timedelta(seconds=seconds))


def silence(person: User, *, hours: int) -> None:
    Participant.objects.filter(user=person).update(silenced_until=timezone.now() + timedelta(hours=hours))


def make_system(message: Message) -> None:
    Message.objects.filter(pk=message.pk).update(type="SYSTEM", system={"kind": "joined", "userIds": []})


def texts_before(message: Message) -> list[str]:
    return list(EarlierText.objects.filter(message=message).order_by("pk").values_list("content", flat=True))


def as_read(shape: MessageShape) -> Any:
    """As clients read it."""
    return msgspec.json.decode(msgspec.json.encode(shape))


def retry(sender: User, talk: Conversation, content: str, client_id: str) -> Any:
    """The answer to a send: its message and whether that was there, or the refusal."""
    (outcome,) = store(make_send(sender, talk, content, client_id=client_id))
    return (msgspec.json.decode(outcome.message), outcome.duplicate) if isinstance(outcome, Stored) else outcome


# Changing


def test_an_edit_takes_the_next_version_and_keeps_its_place(alice: User, bob: User, talk: Conversation) -> None:
    first, last = say(alice, talk, "Egs?", "Milk?")
    talk.refresh_from_db()
    activity, changed = talk.updated_at, talk.changed_at

    answer = change(alice, first.pk, "Eggs?")

    assert (answer.content, answer.seq, answer.version) == ("Eggs?", 1, 3)
    assert answer.edited_at == answer.updated_at
    assert answer.edited_at is not None
    assert answer.edited_at >= answer.created_at
    assert answer.deleted_at is None
    assert version_of(talk) == 3
    assert talk.last_seq == 2
    assert talk.updated_at == activity, "an edit does not move the conversation up the list"
    assert talk.changed_at > changed, "servers that were not told look here"
    assert page_of(bob.pk, str(talk.pk), Place("newest")).messages[0] == answer
    last.refresh_from_db()
    assert (last.version, last.edited_at) == (2, None)


def test_an_edit_is_stored_in_nfc(alice: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "Mohren?")
    assert change(alice, said.pk, "Mo\u0308hren?").content == "Möhren?"
    said.refresh_from_db()
    assert said.content == "Möhren?"


def test_the_same_text_again_is_no_change(alice: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "Mohren?")
    assert change(alice, said.pk, "Mohren?").edited_at is None
    assert version_of(talk) == 1
    answer = change(alice, said.pk, "Möhren?")
    for same in ("Möhren?", "Mo\u0308hren?"):
        assert change(alice, said.pk, same) == answer
    assert version_of(talk) == 2
    assert texts_before(said) == ["Mohren?"]


def test_a_message_can_be_changed_for_a_quarter_of_an_hour(alice: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "one")
    age(said, 890)
    assert change(alice, said.pk, "two").version == 2
    age(said, 910)
    assert code_and_field(change, alice, said.pk, "three") == ("forbidden", "messageId")
    assert change(alice, said.pk, "two").content == "two", "who has not heard the answer may ask again"
    assert version_of(talk) == 2
    assert texts_before(said) == ["one"]


def test_how_long_is_a_setting(alice: User, talk: Conversation, settings: Settings) -> None:
    (said,) = say(alice, talk, "one")
    age(said, 50)
    settings.CHAT_EDIT_SECONDS = 40
    assert code_and_field(change, alice, said.pk, "two") == ("forbidden", "messageId")
    settings.CHAT_EDIT_SECONDS = 60
    assert change(alice, said.pk, "two").version == 2
    settings.CHAT_EDIT_SECONDS = 0
    assert code_and_field(change, alice, said.pk, "three") == ("forbidden", "messageId")


@pytest.mark.parametrize(
    ("content", "code"),
    [("", "body_empty"), ("\u200b", "body_empty"), ("x" * 4_001, "body_too_long"), ("a\0b", "invalid_field")],
    ids=["nothing", "nothing visible", "too much", "a NUL"],
)
def test_an_edit_says_what_a_message_may_say(alice: User, talk: Conversation, content: str, code: str) -> None:
    (said,) = say(alice, talk, "one")
    assert code_and_field(change, alice, said.pk, content) == (code, "content")
    assert change(alice, said.pk, "x" * 4_000).version == 2


def test_an_earlier_text_is_kept_with_the_time_of_its_end(alice: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "one")
    change(alice, said.pk, "two")
    answer = change(alice, said.pk, "three")
    assert texts_before(said) == ["one", "two"]
    said.refresh_from_db()
    newest = EarlierText.objects.order_by("pk").last()
    assert newest is not None
    assert (newest.replaced_at, answer.version) == (said.edited_at, 3)


def test_an_edit_keeps_the_reactions(alice: User, bob: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "one")
    react(person=bob.pk, message=str(said.pk), emoji="🥕")
    react(person=alice.pk, message=str(said.pk), emoji="🥚")
    answer = change(alice, said.pk, "two")
    assert [(one.emoji, one.count, one.mine) for one in answer.reactions] == [("🥕", 1, False), ("🥚", 1, True)]


def test_answers_quote_the_new_text_when_they_are_read_again(alice: User, bob: User, talk: Conversation) -> None:
    (asked,) = say(alice, talk, "Egs?")
    store(make_send(bob, talk, "A dozen", reply_to=asked.pk))
    change(alice, asked.pk, "Eggs?")
    _, reply = page_of(bob.pk, str(talk.pk), Place("newest")).messages
    assert reply.reply_to is not None
    assert (reply.reply_to.excerpt, reply.version) == ("Eggs?", 2)
    take_back(alice, asked.pk)
    _, reply = page_of(bob.pk, str(talk.pk), Place("newest")).messages
    assert reply.reply_to is not None
    assert (reply.reply_to.id, reply.reply_to.excerpt) == (str(asked.pk), "")


def test_a_retry_of_what_was_edited_since_gets_the_message_as_it_is_now(alice: User, talk: Conversation) -> None:
    retry(alice, talk, "Egs?", "c1")
    edited = change(alice, Message.objects.get().pk, "Eggs?")
    assert retry(alice, talk, "Egs?", "c1") == (as_read(edited), True)
    assert retry(alice, talk, "Eggs?", "c1").code == "client_id_reused", "compared with what was first sent"
    assert Message.objects.count() == 1


# Taking back


def test_what_was_taken_back_leaves_an_empty_place(alice: User, bob: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "Eggs?")
    change(alice, said.pk, "Eggs!")
    react(person=bob.pk, message=str(said.pk), emoji="🥕")
    react(person=alice.pk, message=str(said.pk), emoji="🥚")

    answer = take_back(alice, said.pk)

    assert (answer.content, list(answer.reactions), answer.seq, answer.version) == ("", [], 1, 5)
    assert answer.deleted_at == answer.updated_at
    assert answer.deleted_at is not None
    assert version_of(talk) == 5
    assert talk.last_seq == 1
    assert page_of(bob.pk, str(talk.pk), Place("newest")).messages == [answer]
    assert conversation_of(bob.pk, talk.pk).last_message == answer
    assert not Reaction.objects.exists()
    assert texts_before(said) == ["Eggs?", "Eggs!"]


def test_taking_back_again_is_no_change(alice: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "Eggs?")
    answer = take_back(alice, said.pk)
    assert take_back(alice, said.pk) == answer
    assert version_of(talk) == 2
    assert texts_before(said) == ["Eggs?"]


def test_what_was_taken_back_is_no_longer_unread(alice: User, bob: User, talk: Conversation) -> None:
    one, _ = say(alice, talk, "one", "two")
    assert conversation_of(bob.pk, talk.pk).unread_count == 2
    change(alice, one.pk, "One")
    assert conversation_of(bob.pk, talk.pk).unread_count == 2, "an edit makes nothing unread, nor read"
    take_back(alice, one.pk)
    assert conversation_of(bob.pk, talk.pk).unread_count == 1
    assert sitting([bob.pk])[bob.pk].unread.total == 1


def test_it_is_never_too_late_to_take_back(alice: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "Eggs?")
    age(said, 100_000)
    assert take_back(alice, said.pk).version == 2


def test_a_retry_of_what_was_taken_back_gets_its_empty_place(alice: User, talk: Conversation) -> None:
    retry(alice, talk, "Eggs?", "c1")
    gone = take_back(alice, Message.objects.get().pk)
    assert retry(alice, talk, "Eggs?", "c1") == (as_read(gone), True)
    assert retry(alice, talk, "Milk?", "c1").code == "client_id_reused"


# Who may not

EACH: list[Change] = [change, take_back]


@pytest.mark.parametrize("work", EACH)
def test_only_ones_own_messages_can_be_changed(work: Change, alice: User, bob: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "Eggs?")
    assert code_and_field(work, bob, said.pk) == ("forbidden", "messageId")
    assert version_of(talk) == 1
    assert work(alice, said.pk).version == 2


@pytest.mark.parametrize("work", EACH)
def test_the_servers_words_are_nobodys_own(work: Change, alice: User, talk: Conversation) -> None:
    """Even of whom they are about."""
    own, system = say(alice, talk, "Eggs?", "Alice came in")
    make_system(system)
    assert code_and_field(work, alice, system.pk) == ("forbidden", "messageId")
    assert work(alice, own.pk).version == 3


def test_an_empty_place_cannot_be_filled_again(alice: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "Eggs?")
    take_back(alice, said.pk)
    assert code_and_field(change, alice, said.pk) == ("forbidden", "messageId")
    assert version_of(talk) == 2


@pytest.mark.parametrize("work", EACH)
def test_an_outsider_is_told_what_is_said_of_a_message_that_does_not_exist(
    work: Change, alice: User, mallory: User, talk: Conversation
) -> None:
    (said,) = say(alice, talk, "Eggs?")
    told = {refusal(work, mallory, name) for name in (said.pk, uuid.uuid4(), "no id", str(said.pk).upper(), "\0")}
    assert {code for code, _, _ in told} == {"not_found"}
    assert len(told) == 1
    assert work(alice, said.pk).version == 2


@pytest.mark.parametrize("work", EACH)
def test_somebody_who_has_left_is_an_outsider_to_their_own_words(work: Change, alice: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "Eggs?")
    Participant.objects.filter(user=alice).update(left_at=timezone.now())
    told = refusal(work, alice, said.pk)
    assert told == refusal(work, alice, uuid.uuid4())
    assert told[0] == "not_found"
    Participant.objects.filter(user=alice).update(left_at=None)
    assert work(alice, said.pk).version == 2


def test_somebody_silenced_may_take_back_but_not_change(alice: User, talk: Conversation) -> None:
    one, two = say(alice, talk, "one", "two")
    silence(alice, hours=1)
    assert code_and_field(change, alice, one.pk) == ("muted", None)
    assert change(alice, one.pk, "one").version == 1
    assert take_back(alice, two.pk).version == 3
    silence(alice, hours=-1)
    assert change(alice, one.pk).version == 4


def test_nothing_new_is_said_to_somebody_who_is_gone(alice: User, bob: User, talk: Conversation) -> None:
    one, two = say(alice, talk, "one", "two")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert code_and_field(change, alice, one.pk) == ("forbidden", None)
    assert take_back(alice, two.pk).version == 3
    User.objects.filter(pk=bob.pk).update(is_active=True)
    assert change(alice, one.pk).version == 4


def test_in_a_group_one_who_is_gone_stops_nobody(alice: User, bob: User) -> None:
    group = Conversation.objects.create(type="GROUP", member_count=2)
    Participant.objects.bulk_create(Participant(conversation=group, user=user) for user in (alice, bob))
    (said,) = say(alice, group, "one")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert change(alice, said.pk).version == 2


# While one waits for the lock


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Something that happens after the next change has looked its message up, and before it has the lock."""

    def happens(work: Callable[[], object]) -> None:
        def looked_up(person: int, message: str) -> Message:
            found = message_of(person, message)
            monkeypatch.setattr(changing, "message_of", message_of)
            work()
            return found

        monkeypatch.setattr(changing, "message_of", looked_up)

    return happens


def test_what_is_taken_back_meanwhile_is_not_changed(
    alice: User, talk: Conversation, meanwhile: Callable[..., None]
) -> None:
    (said,) = say(alice, talk, "Eggs?")
    meanwhile(lambda: take_back(alice, said.pk))
    assert code_and_field(change, alice, said.pk) == ("forbidden", "messageId")


@pytest.mark.parametrize("work", EACH)
def test_who_is_taken_out_meanwhile_changes_nothing(
    work: Change, alice: User, talk: Conversation, meanwhile: Callable[..., None]
) -> None:
    (said,) = say(alice, talk, "Eggs?")
    meanwhile(lambda: Participant.objects.filter(user=alice).update(left_at=timezone.now()))
    assert refusal(work, alice, said.pk)[0] == "not_found"
    said.refresh_from_db()
    assert (said.content, said.version) == ("Eggs?", 1)


@pytest.mark.parametrize("work", EACH)
def test_what_is_said_meanwhile_has_the_version_before(
    work: Change, alice: User, bob: User, talk: Conversation, meanwhile: Callable[..., None]
) -> None:
    (said,) = say(alice, talk, "Eggs?")
    meanwhile(lambda: say(bob, talk, "Milk?"))
    assert work(alice, said.pk).version == 3
    assert (version_of(talk), talk.last_seq) == (3, 2)


# Queries


def test_an_edit_takes_a_stated_number_of_queries(alice: User, bob: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "one")
    react(person=bob.pk, message=str(said.pk), emoji="🥕")
    with CaptureQueriesContext(connection) as captured:
        change(alice, said.pk)
    assert len(captured) == EDIT_QUERIES, "\n".join(query["sql"][:120] for query in captured)


def test_taking_back_takes_a_stated_number_of_queries(alice: User, bob: User, talk: Conversation) -> None:
    (said,) = say(alice, talk, "one")
    for emoji in "🥕🥚🥬":
        react(person=bob.pk, message=str(said.pk), emoji=emoji)
    with CaptureQueriesContext(connection) as captured:
        take_back(alice, said.pk)
    assert len(captured) == DELETE_QUERIES, "\n".join(query["sql"][:120] for query in captured)
