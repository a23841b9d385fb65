"""The lists of the admin: how much they ask of the database, and that they find what one looks for."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from uuid_utils.compat import uuid7

from conversations import admin as conversations_admin
from conversations.models import Conversation, Message, Participant, ReadReceipt
from localroots_chat.accounts import admin_pages
from localroots_chat.accounts.models import SignIn, User
from tests.admin.conftest import found, settle, text_of
from tests.conversations.conftest import make_direct, say

LISTS: Final = [
    "accounts_user",
    "accounts_signin",
    "conversations_conversation",
    "conversations_message",
    "conversations_attachment",
    "conversations_heldmessage",
    "conversations_participant",
    "conversations_readreceipt",
    "groups_group",
    "groups_member",
    "groups_sanction",
    "groups_invitation",
]


def address(name: str, query: str = "") -> str:
    return reverse(f"admin:{name}_changelist") + query


def queries_of(client: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        text_of(client, path)
    return [query["sql"] for query in captured]


def rows_in(page: str) -> int:
    return page.split('<table id="result_list">')[-1].count("<tr>") - 1 if "result_list" in page else 0


@pytest.mark.parametrize("name", LISTS)
def test_a_list_asks_the_same_number_of_questions_for_few_rows_and_for_many(chief_at: Client, name: str) -> None:
    settle(3)
    text_of(chief_at, address(name))
    few = queries_of(chief_at, address(name))
    assert rows_in(text_of(chief_at, address(name))) >= 3

    settle(27)
    many = queries_of(chief_at, address(name))

    assert rows_in(text_of(chief_at, address(name))) >= 30
    assert len(many) == len(few), "\n".join(many)


@pytest.mark.parametrize("name", LISTS)
def test_a_search_does_so_too(chief_at: Client, name: str) -> None:
    settle(3)
    text_of(chief_at, address(name, "?q=o"))
    few = queries_of(chief_at, address(name, "?q=o"))
    settle(27)
    assert len(queries_of(chief_at, address(name, "?q=o"))) == len(few)


@pytest.mark.parametrize("name", LISTS)
def test_no_list_counts_more_than_it_must(chief_at: Client, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(7)
    monkeypatch.setattr(admin_pages, "COUNTED_AT_MOST", 5)
    counts = [sql for sql in queries_of(chief_at, address(name)) if "COUNT(*)" in sql]
    assert len(counts) == 1
    assert "LIMIT 5" in counts[0]
    assert "5+" in text_of(chief_at, address(name))


def test_the_pages_of_a_long_list_end_where_its_count_ends(
    chief_at: Client, alice: User, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(alice, talk, *(f"Line {number}" for number in range(8)))
    monkeypatch.setattr(admin_pages, "COUNTED_AT_MOST", 6)
    monkeypatch.setattr(conversations_admin.MessageAdmin, "list_per_page", 3)
    assert "Line 7" in text_of(chief_at, address("conversations_message"))
    last = text_of(chief_at, address("conversations_message", "?p=2"))
    assert "Line 2" in last
    assert "Line 1" not in last


# What is found


def test_people_are_found_by_name_and_by_either_id(chief_at: Client, alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(username="alice-of-the-hill")
    for words in ("Alice", "alice", "hill"):
        page = text_of(chief_at, address("accounts_user", f"?q={words}"))
        assert rows_in(page) == 1, words
        assert "Alice" in page


def test_a_list_of_people_says_how_many_conversations_each_is_in(chief_at: Client, alice: User, bob: User) -> None:
    make_direct(alice, bob)
    left = found(bob, "Left", alice)
    Participant.objects.filter(conversation=left.conversation, user=alice).update(left_at=datetime.now(UTC))
    page = text_of(chief_at, address("accounts_user", "?q=alice"))
    assert '<td class="field-seats">1</td>' in page
    page = text_of(chief_at, address("accounts_user", "?q=bob"))
    assert '<td class="field-seats">2</td>' in page


@pytest.mark.parametrize("words", ["Bob", "bob alice", "squash", "Gourd", "{id}"])
def test_conversations_are_found_by_their_people_by_group_and_by_id(
    chief_at: Client, alice: User, bob: User, words: str
) -> None:
    talk = make_direct(alice, bob)
    other = make_direct(alice, User.objects.create(public_id="carol", name="Carol"))
    group = found(User.objects.create(public_id="dave", name="Dave"), "Gourds & squash")
    wanted = group.conversation if words in ("squash", "Gourd") else talk

    page = text_of(chief_at, address("conversations_conversation", f"?q={words.format(id=talk.pk)}"))

    assert rows_in(page) == 1
    assert str(wanted.pk) in page
    assert str(other.pk) not in page


def test_a_conversation_is_called_after_its_people_or_its_group(chief_at: Client, alice: User, bob: User) -> None:
    make_direct(alice, bob)
    found(alice, "Gourds", bob)
    page = text_of(chief_at, address("conversations_conversation"))
    assert "Alice &amp; Bob" in page
    assert "Gourds" in page


@pytest.mark.parametrize("words", ["turnips", "any turnips", "bob", "{id}", "{conversation}"])
def test_messages_are_found_by_words_sender_and_id(
    chief_at: Client, alice: User, bob: User, talk: Conversation, words: str
) -> None:
    say(alice, make_direct(alice, User.objects.create(public_id="carol")), "Elsewhere: any parsnips?")
    (message,) = say(bob, talk, "Any TURNIPS left?")
    page = text_of(
        chief_at, address("conversations_message", f"?q={words.format(id=message.pk, conversation=talk.pk)}")
    )
    assert rows_in(page) == 1
    assert str(message.pk) in page


def test_only_the_newest_messages_are_gone_through_unless_one_says_whose(
    chief_at: Client, alice: User, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations_admin, "NEWEST", 2)
    say(alice, talk, "Line 1", "Line 2", "Line 3")
    assert rows_in(text_of(chief_at, address("conversations_message"))) == 2
    assert rows_in(text_of(chief_at, address("conversations_message", "?q=Line+1"))) == 0
    for query in (f"?conversation={talk.pk}", f"?sender={alice.pk}", "?sent=ever", "?sent=day"):
        assert rows_in(text_of(chief_at, address("conversations_message", query))) == 3, query


def test_messages_are_found_by_when_they_were_sent(chief_at: Client, alice: User, talk: Conversation) -> None:
    say(alice, talk, "Today")
    (old,) = say(alice, talk, "Ten days ago")
    then = datetime.now(UTC) - timedelta(days=10)
    key = uuid.UUID(int=(int(then.timestamp() * 1000) << 80) + 7)
    Message.objects.filter(pk=old.pk).update(id=key)
    assert rows_in(text_of(chief_at, address("conversations_message", "?sent=week"))) == 1
    assert rows_in(text_of(chief_at, address("conversations_message", "?sent=month"))) == 2


def test_messages_are_in_the_order_of_an_index(chief_at: Client, alice: User, talk: Conversation) -> None:
    say(alice, talk, "Line 1", "Line 2")
    everywhere = next(sql for sql in queries_of(chief_at, address("conversations_message")) if "content" in sql)
    assert 'ORDER BY "conversations_message"."id" DESC' in everywhere
    here = address("conversations_message", f"?conversation={talk.pk}")
    one = next(sql for sql in queries_of(chief_at, here) if "content" in sql)
    assert 'ORDER BY "conversations_message"."conversation_id" ASC, "conversations_message"."seq" DESC' in one


@pytest.mark.parametrize("state", ["edited", "deleted"])
def test_messages_are_found_by_their_marks(chief_at: Client, alice: User, talk: Conversation, state: str) -> None:
    say(alice, talk, "Plain")
    (marked,) = say(alice, talk, "Marked")
    Message.objects.filter(pk=marked.pk).update(content="", **{f"{state}_at": datetime.now(UTC)})
    page = text_of(chief_at, address("conversations_message", f"?state={state}"))
    assert rows_in(page) == 1
    assert f'<td class="field-marks">{state}</td>' in page


def test_groups_are_found_by_category_and_say_whose_they_are(chief_at: Client, alice: User, bob: User) -> None:
    found(bob, "Seed swap", alice, category="FOOD_SHARE")
    found(alice, "Harvest talk")
    page = text_of(chief_at, address("groups_group", "?category__exact=FOOD_SHARE"))
    assert rows_in(page) == 1
    assert f'<a href="/admin/accounts/user/{bob.pk}/change/">Bob</a>' in page


def test_sign_ins_are_found_by_what_became_of_them(chief_at: Client, alice: User) -> None:
    now = datetime.now(UTC)
    SignIn.objects.create(user=alice, expires_at=now + timedelta(days=1))
    SignIn.objects.create(user=alice, expires_at=now + timedelta(days=1), ended_at=now)
    SignIn.objects.create(user=alice, expires_at=now - timedelta(days=1))
    for state in ("signed in", "ended", "expired"):
        assert rows_in(text_of(chief_at, address("accounts_signin", f"?state={state}&q=alice"))) == 1, state


# What belongs to one person or one conversation


@pytest.mark.parametrize(
    ("name", "query", "rows"),
    [
        ("conversations_conversation", "person={bob}", 2),
        ("conversations_participant", "person={bob}", 2),
        ("conversations_participant", "conversation={talk}", 2),
        ("conversations_message", "sender={bob}", 1),
        ("conversations_message", "conversation={talk}", 2),
        ("conversations_readreceipt", "reader={bob}", 1),
        ("conversations_readreceipt", "conversation={talk}", 1),
        ("accounts_signin", "person={bob}", 1),
    ],
)
def test_a_list_is_narrowed_and_says_to_whom(
    chief_at: Client, alice: User, bob: User, talk: Conversation, name: str, query: str, rows: int
) -> None:
    settle(3)
    found(bob, "Seed swap")
    (message, _) = [*say(alice, talk, "From Alice"), *say(bob, talk, "From Bob")]
    ReadReceipt.objects.create(conversation=talk, reader=bob, message=message, seq=1, read_at=datetime.now(UTC))
    SignIn.objects.create(user=bob, expires_at=datetime.now(UTC))

    page = text_of(chief_at, address(name, "?" + query.format(bob=bob.pk, talk=talk.pk)))

    assert rows_in(page) == rows
    assert page.split('id="changelist-filter"')[1].count("Bob"), "the filter names what it is set to"


@pytest.mark.parametrize(
    "query", ["?conversation=nonsense", "?sender=nonsense", "?sender=0", f"?conversation={uuid7()}"]
)
def test_a_list_narrowed_to_nothing_is_empty(chief_at: Client, alice: User, talk: Conversation, query: str) -> None:
    say(alice, talk, "Hello")
    assert rows_in(text_of(chief_at, address("conversations_message", query))) == 0


def test_a_filter_of_thousands_is_no_list_of_choices(chief_at: Client) -> None:
    settle(3)
    page = text_of(chief_at, address("conversations_message"))
    assert "By sender" not in page
    assert "By time" in page


def test_nobody_looks_into_people_through_the_messages_list(clerk_at: Callable[..., Client], alice: User) -> None:
    """A lookup by address would tell a password's hash, one letter after the other."""
    client = clerk_at("conversations.view_message", "accounts.view_user")
    text_of(client, address("conversations_message", "?sender__password__startswith=a"), status=400)
    text_of(client, address("accounts_user", "?password__startswith=a"), status=400)
