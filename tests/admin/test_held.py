"""The list of what waits: oldest first, approved or refused by whoever has the right, and kept in the history."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.models import Conversation, HeldMessage, Message
from localroots_chat.accounts.models import User
from localroots_chat.gateway.layer import Durable, Item, Personal
from tests.admin.conftest import found, text_of
from tests.admin.test_groups import act
from tests.conversations.conftest import make_send, store
from tests.support.screen import Choose

LIST = "conversations_heldmessage"
RIGHTS = ("conversations.view_heldmessage", "conversations.change_heldmessage")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _screened(choose: Choose) -> None:
    choose()


def wait(sender: User, conversation: Conversation, *contents: str) -> list[HeldMessage]:
    store(*(make_send(sender, conversation, content) for content in contents))
    return list(HeldMessage.objects.order_by("-pk")[: len(contents)])[::-1]


def page(client: Client, **query: Any) -> str:
    return text_of(client, reverse(f"admin:{LIST}_changelist", query=query))


def test_what_waits_is_shown_oldest_first_and_the_rest_apart(
    clerk_at: Callable[..., Client], alice: User, bob: User, talk: Conversation
) -> None:
    first, second = wait(bob, talk, "casino one", "casino two")
    wait(bob, found(alice, "Eggs", bob).conversation, "see evil.com")
    client = clerk_at(*RIGHTS)
    shown = page(client)
    assert shown.index("casino one") < shown.index("casino two") < shown.index("see evil.com")
    for wanted in ("Not without a moderator.", "Links are looked at first.", "Direct", "Eggs", "Bob"):
        assert wanted in shown, wanted
    act(client, LIST, "refuse_these_messages", first, reason="No")
    assert "casino one" not in page(client)
    assert "casino one" in page(client, state="closed")
    assert "casino two" not in page(client, state="closed")
    assert "casino two" in page(client, q="bob")
    assert "casino two" not in page(client, q="alice")
    details = text_of(client, reverse(f"admin:{LIST}_change", args=[second.pk]))
    for wanted in ("casino two", "Not without a moderator."):
        assert wanted in details, wanted


def test_approving_says_it(
    clerk_at: Callable[..., Client], clerk: User, bob: User, talk: Conversation, published: list[Item]
) -> None:
    (row,) = wait(bob, talk, "a casino")
    act(clerk_at(*RIGHTS), LIST, "approve_these_messages", row, reason="It is a theatre")
    row.refresh_from_db()
    said = Message.objects.get()
    assert (row.outcome, row.decided_by, row.message) == ("APPROVED", clerk, said)
    assert (said.content, said.sender, said.seq) == ("a casino", bob, 1)
    assert any(isinstance(item, Durable) for item in published)
    assert any(isinstance(item, Personal) and item.person == bob.pk for item in published)
    assert LogEntry.objects.get().change_message == "Approve these messages: It is a theatre"


def test_the_sender_reads_why_it_was_refused(clerk_at: Callable[..., Client], bob: User, talk: Conversation) -> None:
    (row,) = wait(bob, talk, "a casino")
    client = clerk_at(*RIGHTS)
    assert "The sender reads it." in act(client, LIST, "refuse_these_messages", row)
    act(client, LIST, "refuse_these_messages", row, reason="No gambling")
    row.refresh_from_db()
    assert (row.outcome, row.answer) == ("REFUSED", "No gambling")
    assert "no such held message" in act(client, LIST, "approve_these_messages", row, reason="Yes", state="any")


def test_what_cannot_be_said_any_more_is_named_and_waits(
    clerk_at: Callable[..., Client], alice: User, bob: User, talk: Conversation
) -> None:
    (row,) = wait(bob, talk, "a casino")
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert "can no longer write this here" in act(clerk_at(*RIGHTS), LIST, "approve_these_messages", row, reason="Fine")
    row.refresh_from_db()
    assert row.outcome == ""
    assert not LogEntry.objects.exists()


def test_who_may_only_look_decides_nothing(clerk_at: Callable[..., Client], bob: User, talk: Conversation) -> None:
    (row,) = wait(bob, talk, "a casino")
    client = clerk_at(RIGHTS[0])
    assert "approve_these_messages" not in page(client)
    act(client, LIST, "approve_these_messages", row, reason="Because")
    row.refresh_from_db()
    assert row.outcome == ""


def test_the_list_takes_the_same_queries_for_any_number(
    clerk_at: Callable[..., Client], bob: User, talk: Conversation
) -> None:
    client = clerk_at(*RIGHTS)
    counted = []
    for _ in range(2):
        wait(bob, talk, "casino one", "casino two", "casino three")
        with CaptureQueriesContext(connection) as captured:
            page(client)
        counted.append(len(captured))
    assert counted[0] == counted[1]
