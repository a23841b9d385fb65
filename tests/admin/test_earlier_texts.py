"""What a message said before it was changed or taken back, and what people put on it, as moderators see it."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.edits import delete, edit
from conversations.models import Conversation, Message
from conversations.reactions import react
from localroots_chat.accounts.models import User
from tests.admin.conftest import text_of
from tests.admin.test_pages import list_of, page_of
from tests.conversations.conftest import say


@pytest.fixture
def said(alice: User, talk: Conversation) -> Message:
    """What Alice has said."""
    (message,) = say(alice, talk, "Rotten eggs")
    return message


def change(message: Message, *contents: str) -> None:
    for content in contents:
        edit(editor=message.sender_id, message=str(message.pk), content=content)


def put(person: User, message: Message, *emoji: str) -> None:
    for one in emoji:
        react(person=person.pk, message=str(message.pk), emoji=one)


def shown_in(page: str, field: str) -> str:
    """What the page has in this row."""
    found = re.search(rf'class="form-row field-{field}">(.*?)</div>\s*</div>\s*</div>', page, re.DOTALL)
    assert found, f"no {field} on the page"
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[1]))


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        text_of(client, path)
    return len(captured)


def test_a_messages_page_has_its_earlier_texts_oldest_first(chief_at: Client, said: Message) -> None:
    change(said, "Stale eggs", "Fresh eggs")
    page = text_of(chief_at, page_of(said))
    earlier = shown_in(page, "earlier_texts")
    assert earlier.index("Rotten eggs") < earlier.index("Stale eggs")
    assert "Fresh eggs" not in earlier
    assert "Fresh eggs" in shown_in(page, "content")
    assert len(re.findall(r"until \w{3} \w{3}", earlier)) == 2


def test_what_was_taken_back_can_still_be_judged(chief_at: Client, said: Message) -> None:
    delete(person=said.sender_id, message=str(said.pk))
    page = text_of(chief_at, page_of(said))
    assert "Rotten eggs" in shown_in(page, "earlier_texts")
    assert "Rotten eggs" not in shown_in(page, "content")
    for path in (page_of(said.conversation), list_of(Message)):
        assert "Rotten eggs" not in text_of(chief_at, path)


def test_what_was_never_changed_has_none(chief_at: Client, alice: User, said: Message) -> None:
    (other,) = say(alice, said.conversation, "Milk")
    change(other, "Fresh milk")
    page = text_of(chief_at, page_of(said))
    assert shown_in(page, "earlier_texts").split()[-1] == "–"
    assert shown_in(page, "reacted").split()[-1] == "–"


def test_a_messages_page_counts_its_reactions(chief_at: Client, alice: User, bob: User, said: Message) -> None:
    put(bob, said, "🥕", "🥚")
    put(alice, said, "🥕")
    assert "🥕 2, 🥚 1" in shown_in(text_of(chief_at, page_of(said)), "reacted")


def test_earlier_texts_are_never_read_as_markup(chief_at: Client, said: Message) -> None:
    trick = "<script>alert(1)</script>"
    change(said, trick, "Fresh eggs")
    page = text_of(chief_at, page_of(said))
    assert trick not in page
    assert "&lt;script&gt;alert(1)" in page


def test_only_who_may_read_messages_reads_what_they_said(clerk_at: Callable[..., Client], said: Message) -> None:
    change(said, "Fresh eggs")
    allowed = ("conversations.view_conversation", "conversations.view_participant")
    client = clerk_at(*allowed)
    assert "Rotten eggs" not in text_of(client, page_of(said.conversation))
    assert "Rotten eggs" not in text_of(client, page_of(said), status=403)
    assert "Rotten eggs" in text_of(clerk_at(*allowed, "conversations.view_message"), page_of(said))


def test_nothing_of_them_is_changed_by_posting(chief_at: Client, bob: User, said: Message) -> None:
    change(said, "Fresh eggs")
    put(bob, said, "🥕")
    before = Message.objects.values().get()
    fields = {"earlier_texts-0-content": "Nothing", "reactions": "[]", "content": "Nothing", "edited_at": ""}
    assert chief_at.post(page_of(said), fields).status_code == 403
    assert Message.objects.values().get() == before
    assert list(said.earlier_texts.values_list("content", flat=True)) == ["Rotten eggs"]


def test_a_page_asks_the_same_number_of_questions_for_few_changes_and_for_many(
    chief_at: Client, alice: User, bob: User, said: Message
) -> None:
    thread, messages = page_of(said.conversation), reverse("admin:conversations_message_changelist")
    paths = (page_of(said), thread, messages)
    text_of(chief_at, page_of(said))
    none = [queries_of(chief_at, path) for path in paths]
    change(said, *(f"Eggs of {number} days" for number in range(20)))
    put(bob, said, *"🥕🥚🥬🍅🌽")
    put(alice, said, *"🥕🥚🥬🍅🌽")
    assert "Eggs of 18 days" in text_of(chief_at, page_of(said))
    assert [queries_of(chief_at, path) for path in paths] == none
