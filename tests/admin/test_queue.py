"""The queue of reports: what is most urgent first, and decisions that take effect at once and stay in the history."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from conversations.models import Case, Conversation, Message
from conversations.reports import NewReport, report
from groups import moderation
from groups.models import Group, Sanction
from groups.moderation import Sentence
from localroots_chat.accounts.models import User
from localroots_chat.accounts.team import team
from localroots_chat.errors import ChatError
from localroots_chat.gateway.layer import Durable, Item, Personal, Revoked, Seated
from tests.admin.conftest import found
from tests.admin.test_groups import act
from tests.conversations.conftest import make_send, say, store

RIGHTS = ("conversations.view_case", "conversations.change_case")
REMOVES, KEEPS_ORDER, SUSPENDS = "conversations.delete_message", "groups.change_group", "accounts.change_user"
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


def test_what_was_said_beside_it_is_for_whoever_may_read_messages(
    clerk_at: Callable[..., Client], alice: User, bob: User, talk: Conversation
) -> None:
    said = say(bob, talk, *(f"line {number}." for number in range(1, 12)))
    case = reported(alice, said[5])
    path = reverse(f"admin:{QUEUE}_change", args=[case.pk])
    shown = clerk_at(*RIGHTS).get(path).content.decode()
    assert "line 6." in shown
    assert "line 5." not in shown
    shown = clerk_at("conversations.view_message").get(path).content.decode()
    assert [number for number in range(1, 12) if f"line {number}." in shown] == list(range(2, 11))
    assert "<b>→</b> Bob: line 6." in shown


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
    assert "decided already" in act(client, QUEUE, "dismiss_these_reports", rude, reason="Again", state="any")
    (entry,) = LogEntry.objects.all()
    assert (entry.user, entry.change_message) == (clerk, "Dismiss these reports: Not so rude")


def test_removing_the_message_is_told_to_everybody(
    clerk_at: Callable[..., Client], rude: Case, published: list[Item]
) -> None:
    act(clerk_at(*RIGHTS, REMOVES), QUEUE, "remove_these_messages", rude, reason="Rude")
    rude.refresh_from_db()
    assert rude.outcome == "REMOVED"
    assert rude.message is not None
    assert (rude.message.content, rude.message.deleted_at is not None) == ("", True)
    assert any(isinstance(item, Durable) for item in published)


def test_suspending_closes_the_account_and_its_sockets(
    clerk_at: Callable[..., Client], rude: Case, bob: User, published: list[Item]
) -> None:
    act(clerk_at(*RIGHTS, SUSPENDS), QUEUE, "suspend_these_people", rude, reason="Rude again")
    bob.refresh_from_db()
    assert bob.is_active is False
    assert [item.person for item in published if isinstance(item, Revoked)] == [bob.pk]


def test_a_warning_is_a_note_to_the_person(
    clerk_at: Callable[..., Client], rude: Case, bob: User, clerk: User, published: list[Item]
) -> None:
    asked = act(clerk_at(*RIGHTS), QUEUE, "warn_these_people", rude)
    assert "The person reads it." in asked
    act(clerk_at(*RIGHTS), QUEUE, "warn_these_people", rude, reason="Be kind to each other")
    rude.refresh_from_db()
    assert (rude.outcome, rude.closed_by) == ("WARNED", clerk)
    note = Message.objects.get(type="SYSTEM")
    assert (note.sender, note.system) == (team(), {"kind": "warned", "userIds": ["bob"]})
    assert note.content == "About your message “rude words”: Be kind to each other"
    assert {seat.user for seat in note.conversation.participants.all()} == {bob, team()}
    assert str(note.conversation_id) in [item.topic for item in published if isinstance(item, Durable | Seated)]
    (answer,) = store(make_send(bob, note.conversation, "But…"))
    assert isinstance(answer, ChatError)
    assert answer.code == "forbidden"


@pytest.mark.parametrize(("kind", "told"), [("user", "About your account: "), ("group", "About your group Eggs: ")])
def test_a_warning_says_what_it_is_about(
    clerk_at: Callable[..., Client], alice: User, bob: User, talk: Conversation, kind: str, told: str
) -> None:
    group = found(bob, "Eggs", alice)
    report(alice, NewReport(kind, {"user": "bob", "group": str(group.pk)}[kind], "FRAUD"))
    for _ in range(2):
        act(clerk_at(*RIGHTS), QUEUE, "warn_these_people", Case.objects.get(), reason="Nobody is to be cheated")
    notes = Message.objects.filter(system__kind="warned")
    assert [note.content for note in notes] == [f"{told}Nobody is to be cheated"], "decided once"


def in_group(owner: User, rude: User, *members: User) -> tuple[Group, Message]:
    group = found(owner, "Eggs", rude, *members)
    return group, say(rude, group.conversation, "rude words")[0]


def test_silencing_where_it_was_said(
    clerk_at: Callable[..., Client], alice: User, bob: User, published: list[Item]
) -> None:
    for action, days in (("silence_these_people_for_a_day", 1), ("silence_these_people_for_a_week", 7)):
        group, message = in_group(alice, bob)
        case = reported(alice, message)
        act(clerk_at(*RIGHTS, KEEPS_ORDER), QUEUE, action, case, reason="Rude")
        case.refresh_from_db()
        seat = group.conversation.participants.get(user=bob)
        assert case.outcome == "SILENCED"
        assert seat.silenced_until is not None
        assert abs(seat.silenced_until - now() - timedelta(days=days)) < timedelta(minutes=5)
        assert Sanction.objects.get(group=group).imposed_by == team(), "members do not learn who of the staff it was"
        assert any(isinstance(item, Personal) and item.person == bob.pk for item in published)


def test_a_longer_silence_is_not_shortened(clerk_at: Callable[..., Client], alice: User, bob: User) -> None:
    group, message = in_group(alice, bob)
    longer = moderation.silence(alice, str(group.pk), Sentence("bob", "Shouts", "2100-01-01T00:00:00Z"))
    client = clerk_at(*RIGHTS, KEEPS_ORDER)
    asked = act(client, QUEUE, "silence_these_people_for_a_day", reported(alice, message))
    assert "The group's moderators read it." in unescape(asked)
    act(client, QUEUE, "silence_these_people_for_a_day", Case.objects.get(), reason="Rude")
    assert Case.objects.get().outcome == "SILENCED"
    (row,) = moderation.sanctions(alice, str(group.pk), Sanction.Kind.SILENCE, after=0, limit=10)
    assert moderation.shape_of_sanction(row) == longer


def test_nobody_is_silenced_in_a_direct_conversation_or_for_no_message(
    clerk_at: Callable[..., Client], alice: User, bob: User, rude: Case
) -> None:
    report(alice, NewReport("user", "bob", "ABUSE"))
    for case in Case.objects.all():
        act(clerk_at(*RIGHTS, KEEPS_ORDER), QUEUE, "silence_these_people_for_a_day", case, reason="Rude")
        case.refresh_from_db()
        assert case.closed_at is None, "all of it or nothing"


def test_closing_the_group(clerk_at: Callable[..., Client], alice: User, bob: User, rude: Case) -> None:
    group = found(bob, "Stolen eggs", alice)
    report(alice, NewReport("group", str(group.pk), "ILLEGAL"))
    client = clerk_at(*RIGHTS, KEEPS_ORDER)
    act(client, QUEUE, "close_these_groups", Case.objects.get(kind="group"), reason="Stolen")
    group.refresh_from_db()
    assert group.closed_at is not None
    assert Case.objects.get(kind="group").outcome == "CLOSED"
    closed = Message.objects.get(conversation=group.conversation, type="SYSTEM")
    assert (closed.sender, closed.content) == (team(), "LocalRoots team closed the group.")
    act(client, QUEUE, "close_these_groups", rude, reason="Stolen")
    rude.refresh_from_db()
    assert rude.closed_at is None


def test_each_decision_wants_the_right_to_what_it_changes(clerk_at: Callable[..., Client], rude: Case) -> None:
    client = clerk_at(*RIGHTS)
    shown = page(client)
    wanted = {
        "remove_these_messages": REMOVES,
        "silence_these_people_for_a_day": KEEPS_ORDER,
        "close_these_groups": KEEPS_ORDER,
        "suspend_these_people": SUSPENDS,
    }
    for action in wanted:
        assert action not in shown
        act(client, QUEUE, action, rude, reason="Rude")
        rude.refresh_from_db()
        assert rude.closed_at is None, action
    for action, right in wanted.items():
        assert action in page(clerk_at(right)), action


def test_accounts_of_staff_are_not_suspended_here(clerk_at: Callable[..., Client], rude: Case, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    act(clerk_at(*RIGHTS, SUSPENDS), QUEUE, "suspend_these_people", rude, reason="Rude")
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
