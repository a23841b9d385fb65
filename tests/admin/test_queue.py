"""The queue of reports: what is most urgent first, and decisions that take effect at once and stay in the history."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.models import Case, Conversation, Message
from conversations.reports import NewReport, report
from localroots_chat.accounts.models import User
from localroots_chat.gateway.layer import Durable, Item, Revoked
from tests.admin.test_groups import act
from tests.conversations.conftest import say

RIGHTS = ("conversations.view_case", "conversations.change_case")
QUEUE = "conversations_case"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rude(alice: User, bob: User, talk: Conversation) -> Case:
    """Bob's message, which Alice has reported."""
    return reported(alice, say(bob, talk, "rude words")[0])


def reported(reporter: User, message: Message, **more: str) -> Case:
    report(reporter, NewReport("message", str(message.pk), more.get("reason", "ABUSE"), more.get("note", "")))
    return Case.objects.get(message=message, closed_at=None)


def page(client: Client, **query: Any) -> str:
    answer = client.get(reverse(f"admin:{QUEUE}_changelist", query=query))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_most_reported_come_first_and_decided_ones_are_apart(
    clerk_at: Callable[..., Client], alice: User, bob: User, talk: Conversation, rude: Case
) -> None:
    carol = User.objects.create(public_id="carol")
    talk.participants.create(user=carol)
    more, decided = say(bob, talk, "more rude words", "a joke")
    for one in (alice, carol):
        reported(one, more)
    Case.objects.filter(pk=reported(alice, decided).pk).update(closed_at=decided.created_at, outcome="DISMISSED")
    client = clerk_at(*RIGHTS)
    shown = page(client)
    assert shown.index("more rude words") < shown.index("message: rude words".capitalize())
    assert "a joke" not in shown
    assert "a joke" in page(client, state="closed")
    assert "rude words" not in page(client, state="closed")
    assert "a joke" in page(client, state="any")
    assert "rude words" not in page(client, rows__reason__exact="SPAM")


def test_a_case_shows_what_is_needed_to_decide(clerk_at: Callable[..., Client], alice: User, rude: Case) -> None:
    assert rude.message is not None
    Message.objects.filter(pk=rude.message.pk).update(content="kind words")
    report(alice, NewReport("message", str(rude.message.pk), "ABUSE", "He always does"))
    client = clerk_at(*RIGHTS, "conversations.view_conversation", "conversations.view_message")
    shown = client.get(reverse(f"admin:{QUEUE}_change", args=[rude.pk])).content.decode()
    for wanted in ("rude words", "Bob", "He always does", "Alice", f"#seq-{rude.message.seq}"):
        assert wanted in shown, wanted


def test_the_list_takes_the_same_queries_for_any_number(
    clerk_at: Callable[..., Client], alice: User, bob: User, talk: Conversation
) -> None:
    client = clerk_at(*RIGHTS)
    counted = []
    for _ in range(2):
        for message in say(bob, talk, "one", "two", "three"):
            reported(alice, message)
        with CaptureQueriesContext(connection) as captured:
            page(client)
        counted.append(len(captured))
    assert counted[0] == counted[1]


def test_dismissing(clerk_at: Callable[..., Client], rude: Case, clerk: User) -> None:
    client = clerk_at(*RIGHTS)
    act(client, QUEUE, "dismiss_these_reports", rude, reason="Not so rude")
    rude.refresh_from_db()
    assert (rude.outcome, rude.closed_by) == ("DISMISSED", clerk)
    assert rude.closed_at is not None
    assert (
        "decided already" in act(client, QUEUE, "dismiss_these_reports", rude, reason="Again", state="any")
        or rude.closed_by == clerk
    )
    (entry,) = LogEntry.objects.all()
    assert (entry.user, entry.change_message) == (clerk, "Dismiss these reports: Not so rude")


def test_removing_the_message_is_told_to_everybody(
    clerk_at: Callable[..., Client], rude: Case, published: list[Item]
) -> None:
    act(clerk_at(*RIGHTS), QUEUE, "remove_these_messages", rude, reason="Rude")
    rude.refresh_from_db()
    assert rude.outcome == "REMOVED"
    assert rude.message is not None
    assert (rude.message.content, rude.message.deleted_at is not None) == ("", True)
    assert any(isinstance(item, Durable) for item in published)


def test_suspending_closes_the_account_and_its_sockets(
    clerk_at: Callable[..., Client], rude: Case, bob: User, published: list[Item]
) -> None:
    act(clerk_at(*RIGHTS), QUEUE, "suspend_these_people", rude, reason="Rude again")
    bob.refresh_from_db()
    assert bob.is_active is False
    assert [item.person for item in published if isinstance(item, Revoked)] == [bob.pk]


def test_accounts_of_staff_are_not_suspended_here(clerk_at: Callable[..., Client], rude: Case, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    act(clerk_at(*RIGHTS), QUEUE, "suspend_these_people", rude, reason="Rude")
    bob.refresh_from_db()
    rude.refresh_from_db()
    assert (bob.is_active, rude.closed_at) == (True, None), "all of it or nothing"


def test_who_may_only_look_decides_nothing(clerk_at: Callable[..., Client], rude: Case) -> None:
    client = clerk_at("conversations.view_case")
    assert "dismiss_these_reports" not in page(client)
    act(client, QUEUE, "dismiss_these_reports", rude, reason="Because")
    rude.refresh_from_db()
    assert rude.closed_at is None


def test_the_history_tells_who_did_what_and_why_and_cannot_be_changed(
    clerk_at: Callable[..., Client], rude: Case, clerk: User
) -> None:
    client = clerk_at(*RIGHTS, "admin.view_logentry", "admin.delete_logentry", "admin.change_logentry")
    act(client, QUEUE, "dismiss_these_reports", rude, reason="Not so rude")
    shown = client.get(reverse("admin:admin_logentry_changelist")).content.decode()
    for wanted in ("Dismiss these reports: Not so rude", "message of Bob", "Clerk"):
        assert wanted in shown, wanted
    entry = LogEntry.objects.get()
    for page in ("change", "delete"):
        path = reverse(f"admin:admin_logentry_{page}", args=[entry.pk])
        assert client.post(path, {"change_message": "Nothing", "post": "yes"}).status_code == 403
    assert LogEntry.objects.get().change_message == "Dismiss these reports: Not so rude"
    bare = clerk_at()
    clerk.user_permissions.clear()
    assert bare.get(reverse("admin:admin_logentry_changelist")).status_code == 403
