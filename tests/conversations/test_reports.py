"""Reporting: what one sees and nothing else, all reports of one thing together, and what it was then kept."""

from typing import Any

import pytest
from uuid_utils.compat import uuid7

from conversations import edits
from conversations.models import Case, Conversation, Report
from conversations.reports import NewReport, report
from groups import lifecycle
from groups.lifecycle import NewGroup
from localroots_chat.accounts.models import User
from localroots_chat.errors import ChatError
from tests.conversations.conftest import make_direct, say

pytestmark = pytest.mark.django_db


def reports(reporter: User, kind: str, target: object, *, reason: str = "SPAM", note: str = "") -> bool:
    """Whether it is new."""
    shape, is_new = report(reporter, NewReport(kind, str(target), reason, note))
    assert (shape.kind, shape.target_id, shape.reason, shape.note) == (kind, str(target), reason, note)
    return is_new


def refused(reporter: User, kind: str, target: object, **more: Any) -> tuple[str, str | None]:
    with pytest.raises(ChatError) as error:
        reports(reporter, kind, target, **more)
    return error.value.code, error.value.field


def test_reports_of_the_same_are_one_case(alice: User, bob: User, talk: Conversation) -> None:
    carol = User.objects.create(public_id="carol", name="Carol")
    talk.participants.create(user=carol)
    (rude,) = say(bob, talk, "rude")
    assert reports(alice, "message", rude.pk, note="Third time")
    assert reports(alice, "message", rude.pk, reason="ABUSE", note="Fourth time") is False
    assert reports(carol, "message", rude.pk, reason="ABUSE")
    case = Case.objects.get()
    assert (case.reports, case.user, case.message, case.conversation) == (2, bob, rude, talk)
    assert list(case.rows.order_by("pk").values_list("reporter", "reason", "note")) == [
        (alice.pk, "ABUSE", "Fourth time"),
        (carol.pk, "ABUSE", ""),
    ]


def test_what_it_was_is_kept_whatever_becomes_of_it(alice: User, bob: User, talk: Conversation) -> None:
    (rude,) = say(bob, talk, "rude")
    reports(alice, "message", rude.pk)
    edits.edit(editor=bob.pk, message=str(rude.pk), content="kind")
    edits.delete(person=bob.pk, message=str(rude.pk))
    snapshot = Case.objects.get().snapshot
    assert (snapshot["content"], snapshot["sender"], snapshot["seq"]) == ("rude", "bob", 1)


def test_after_a_decision_a_new_report_is_a_new_case(alice: User, bob: User, talk: Conversation) -> None:
    (rude,) = say(bob, talk, "rude")
    reports(alice, "message", rude.pk)
    Case.objects.update(closed_at=rude.created_at, closed_by=alice, outcome="DISMISSED")
    assert reports(alice, "message", rude.pk)
    assert Case.objects.count() == 2


def test_nobody_reports_what_they_do_not_see(alice: User, bob: User, mallory: User, talk: Conversation) -> None:
    (said,) = say(bob, talk, "hello")
    secret = lifecycle.create(bob, NewGroup(name="Secret", category="TIPS", visibility="PRIVATE"), uuid7())
    for kind, target in (("message", said.pk), ("user", "bob"), ("group", secret.id)):
        assert refused(mallory, kind, target) == refused(mallory, kind, uuid7()) == ("not_found", None)
    assert reports(alice, "user", "bob")
    assert reports(mallory, "user", "alice"), "a farmer, whom everybody may find"
    assert refused(alice, "user", "alice") == ("not_found", None)


def test_groups_are_reported_by_who_may_find_them(alice: User, bob: User, mallory: User) -> None:
    public = lifecycle.create(bob, NewGroup(name="Eggs", category="TIPS", description="Cheap!"), uuid7())
    private = lifecycle.create(
        bob, NewGroup(name="Secret", category="TIPS", visibility="PRIVATE", member_ids=["alice"]), uuid7()
    )
    assert reports(mallory, "group", public.id)
    assert reports(alice, "group", private.id)
    assert reports(alice, "group", public.id)
    case = Case.objects.get(snapshot__name="Eggs")
    assert (case.reports, case.user, str(case.conversation_id)) == (2, bob, public.conversation_id)
    assert case.snapshot == {"id": public.id, "name": "Eggs", "description": "Cheap!", "image": ""}


def test_what_is_wrong_is_named(alice: User, bob: User, talk: Conversation) -> None:
    own, theirs = say(alice, talk, "mine")[0], say(bob, talk, "theirs")[0]
    assert refused(alice, "message", own.pk) == ("invalid_field", "id")
    assert refused(alice, "page", theirs.pk) == ("invalid_field", "kind")
    assert refused(alice, "message", theirs.pk, reason="BORING") == ("invalid_field", "reason")
    for note in ("x" * 1001, "\0"):
        assert refused(alice, "message", theirs.pk, note=note) == ("invalid_field", "note")
    group = lifecycle.create(bob, NewGroup(name="Eggs", category="TIPS", member_ids=["alice"]), uuid7())
    created = Conversation.objects.get(pk=group.conversation_id).messages.get()
    assert refused(alice, "message", created.pk) == ("invalid_field", "id")
    assert not Report.objects.exists()


def test_two_cases_of_two_people(alice: User, bob: User) -> None:
    carol = User.objects.create(public_id="carol")
    for other in (bob, carol):
        make_direct(alice, other)
        assert reports(alice, "user", other.public_id)
    assert Case.objects.count() == 2
