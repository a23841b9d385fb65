"""The pages of the admin: the thread of a conversation, links from one thing to the next, and nothing to change."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import pytest
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.models import Conversation, Message, Participant, ReadReceipt
from groups.models import Group
from localroots_chat.accounts.models import SignIn, User
from tests.admin.conftest import found, text_of
from tests.conversations.conftest import make_direct, make_send, say, store

READ_ONLY: Final = [SignIn, Conversation, Message, Participant, ReadReceipt, Group]


def page_of(row: models.Model, query: str = "") -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]) + query


def list_of(model: type[models.Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def everything(alice: User, bob: User) -> dict[type[models.Model], models.Model]:
    """One row of each kind."""
    talk = make_direct(alice, bob)
    (message,) = say(alice, talk, "Good morning")
    now = datetime.now(UTC)
    return {
        User: alice,
        SignIn: SignIn.objects.create(user=alice, expires_at=now),
        Conversation: talk,
        Message: message,
        Participant: Participant.objects.get(conversation=talk, user=bob),
        ReadReceipt: ReadReceipt.objects.create(conversation=talk, reader=bob, message=message, seq=1, read_at=now),
        Group: found(alice, "Seed swap", bob),
    }


# The thread


def test_a_conversations_page_shows_what_was_said_in_order(
    chief_at: Client, alice: User, bob: User, talk: Conversation
) -> None:
    say(alice, talk, "Good morning")
    say(bob, talk, "Any eggs left?")
    page = text_of(chief_at, page_of(talk))
    assert page.index("Good morning") < page.index("Any eggs left?")
    assert f'href="{page_of(alice)}">Alice</a>' in page
    assert f'href="{page_of(Message.objects.get(seq=2))}">#2</a>' in page


def test_a_thread_goes_back_page_by_page_and_forward_again(chief_at: Client, alice: User, talk: Conversation) -> None:
    say(alice, talk, *(f"Line {number}." for number in range(1, 121)))

    newest = text_of(chief_at, page_of(talk))
    assert "Line 71." in newest
    assert "Line 70." not in newest
    assert 'href="?before=71#' in newest
    assert "Newer" not in newest

    middle = text_of(chief_at, page_of(talk, "?before=71"))
    assert "Line 21." in middle
    assert "Line 70." in middle
    assert "Line 71." not in middle
    assert 'href="?before=21#' in middle
    assert 'href="?before=121#' in middle

    oldest = text_of(chief_at, page_of(talk, "?before=21"))
    assert "Line 1." in oldest
    assert "Older" not in oldest
    assert 'href="?before=71#' in oldest


@pytest.mark.parametrize("before", ["nonsense", "-1", "", "1e3", "9" * 18, "9" * 5000])
def test_a_place_that_is_none_shows_the_newest(chief_at: Client, alice: User, talk: Conversation, before: str) -> None:
    say(alice, talk, "Good morning")
    assert "Good morning" in text_of(chief_at, page_of(talk, f"?before={before}"))


def test_a_thread_marks_what_was_edited_deleted_answered_and_said_by_the_server(
    chief_at: Client, alice: User, bob: User, talk: Conversation
) -> None:
    (asked,) = say(alice, talk, "Eggs?")
    store(make_send(bob, talk, "Six left", reply_to=asked.pk))
    now = datetime.now(UTC)
    for text, change in (
        ("Edited", {"edited_at": now}),
        ("Deleted", {"deleted_at": now, "content": ""}),
        ("Bob was here", {"type": "SYSTEM", "system": {"kind": "x", "userIds": []}}),
    ):
        (said,) = say(bob, talk, text)
        Message.objects.filter(pk=said.pk).update(**change)

    page = text_of(chief_at, page_of(talk))

    assert re.search(r'class="thread-answered" href="[^"]+">\s*#1 Alice: Eggs\?', page)
    assert re.search(r'class="thread-mark"[^>]*>edited<', page)
    assert 'class="thread-message thread-right thread-deleted"' in page
    assert re.search(r"deleted \d{4}-\d\d-\d\d", page)
    assert re.search(r'class="thread-system" id="seq-5">\s*Bob was here', page)


def test_what_people_write_is_never_read_as_markup(chief_at: Client, alice: User, bob: User) -> None:
    trick = "<script>alert(1)</script>"
    User.objects.update(name=trick)
    talk = make_direct(alice, bob)
    (first,) = say(alice, talk, trick)
    store(make_send(bob, talk, trick, reply_to=first.pk))
    group = found(alice, trick, bob)
    rows = [alice, talk, *Message.objects.all(), group, group.conversation, *Participant.objects.all()]
    pages = [page_of(row) for row in rows] + [list_of(type(row)) for row in rows]
    for path in pages:
        page = text_of(chief_at, path)
        assert trick not in page, path
        assert "&lt;script&gt;alert(1)" in page, path


def test_a_conversation_of_thousands_asks_and_shows_no_more_than_a_small_one(chief_at: Client, alice: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            text_of(chief_at, page_of(group.conversation))
        return len(captured)

    group = found(alice, "Seed swap", *_people(2))
    say(alice, group.conversation, "Line 1", "Line 2", "Line 3")
    queries()
    few = queries()
    Participant.objects.bulk_create(
        Participant(conversation=group.conversation, user=user) for user in _people(60, start=2)
    )
    say(alice, group.conversation, *(f"Line {number}" for number in range(60)))
    assert queries() == few

    page = text_of(chief_at, page_of(group.conversation))
    assert page.count("field-last_read_seq") == 50
    assert page.count('class="thread-message"') == 50


def _people(count: int, start: int = 0) -> list[User]:
    rows = (User(public_id=f"p{number}", name=f"P {number}") for number in range(start, start + count))
    return User.objects.bulk_create(rows)


def test_who_may_see_conversations_may_not_therefore_read_them(
    clerk_at: Callable[..., Client], alice: User, talk: Conversation
) -> None:
    say(alice, talk, "Between us")
    page = text_of(clerk_at("conversations.view_conversation"), page_of(talk))
    assert "Alice &amp; Bob" in page
    assert "Between us" not in page
    assert "field-person" not in page
    both = text_of(clerk_at("conversations.view_message", "conversations.view_participant"), page_of(talk))
    assert "Between us" in both
    assert "field-person" in both


# Links


def test_one_comes_from_each_thing_to_what_belongs_to_it(chief_at: Client, alice: User, bob: User) -> None:
    rows = everything(alice, bob)
    group = Group.objects.get()
    talk, message = rows[Conversation], rows[Message]
    store(make_send(bob, Conversation.objects.get(pk=talk.pk), "And to you", reply_to=message.pk))
    answer = Message.objects.get(content="And to you")
    wanted = {
        page_of(alice): [
            f"{list_of(Conversation)}?person={alice.pk}",
            f"{list_of(Message)}?sender={alice.pk}",
            f"{list_of(SignIn)}?person={alice.pk}",
            f"{list_of(ReadReceipt)}?reader={alice.pk}",
            f"{list_of(Participant)}?person={alice.pk}",
        ],
        page_of(talk): [
            f"{list_of(Message)}?conversation={talk.pk}",
            f"{list_of(Participant)}?conversation={talk.pk}",
            f"{list_of(ReadReceipt)}?conversation={talk.pk}",
            page_of(alice),
            page_of(bob),
        ],
        page_of(group.conversation): [page_of(group)],
        page_of(group): [page_of(group.conversation), page_of(alice)],
        page_of(answer): [page_of(talk, "?before=27#seq-2"), page_of(talk), page_of(bob), page_of(message)],
        page_of(rows[ReadReceipt]): [page_of(message), page_of(bob), page_of(talk)],
    }
    for path, links in wanted.items():
        page = text_of(chief_at, path)
        for link in links:
            assert f'href="{link}"' in page, f"{path} has no link to {link}"
            text_of(chief_at, link)


# Nothing to change


@pytest.mark.parametrize("model", READ_ONLY)
def test_not_even_a_superuser_changes_what_clients_hold(
    chief_at: Client, alice: User, bob: User, model: type[models.Model]
) -> None:
    row = everything(alice, bob)[model]
    page = text_of(chief_at, page_of(row))
    assert 'name="_save"' not in page
    assert not re.search(r'<(select|textarea|input type="text")[^>]*name="(?!q")', page)
    before = model._default_manager.filter(pk=row.pk).values().get()
    assert chief_at.post(page_of(row), {"content": "Something else", "name": "Something else"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).values().get() == before
    text_of(chief_at, f"{list_of(model)}add/", status=403)


@pytest.mark.parametrize("model", [*READ_ONLY, User])
def test_nothing_is_deleted_row_by_row(chief_at: Client, alice: User, bob: User, model: type[models.Model]) -> None:
    row = everything(alice, bob)[model]
    delete = page_of(row).replace("/change/", "/delete/")
    assert delete not in text_of(chief_at, page_of(row))
    assert chief_at.post(delete, {"post": "yes"}).status_code == 403
    chief_at.post(list_of(model), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", [*READ_ONLY, User])
def test_staff_without_the_right_see_nothing(
    clerk_at: Callable[..., Client], alice: User, bob: User, model: type[models.Model]
) -> None:
    row = everything(alice, bob)[model]
    client = clerk_at()
    text_of(client, list_of(model), status=403)
    text_of(client, page_of(row), status=403)


# The browser's rules


def test_pages_have_no_scripts_or_styles_of_their_own(chief_at: Client, alice: User, bob: User) -> None:
    """The Content-Security-Policy would forbid them."""
    rows = everything(alice, bob)
    paths = [page_of(row) for row in rows.values()] + [list_of(model) for model in rows]
    paths += ["/admin/", f"{list_of(User)}add/", page_of(alice).replace("change", "history")]
    for path in paths:
        answer = chief_at.get(path)
        page = answer.content.decode()
        assert "unsafe-inline" not in answer["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", page), path
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page), path
        assert "LocalRoots Chat" in page


@pytest.mark.parametrize("model", [*READ_ONLY, User])
def test_a_page_of_what_does_not_exist_leads_back(chief_at: Client, model: type[models.Model]) -> None:
    path = f"{list_of(model)}nonsense/change/"
    answer = chief_at.get(path)
    assert answer.status_code == 302
