"""What moderators of a group see of the reports of its messages: everything but by whom, and nothing of their own."""

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.models import Case
from conversations.reports import NewReport, report
from groups import members, moderation
from groups.models import Group
from localroots_chat.accounts.models import User
from localroots_chat.errors import ChatError
from tests.conversations.conftest import say

pytestmark = pytest.mark.django_db


def reports(reporter: User, message: object, reason: str = "SPAM") -> None:
    report(reporter, NewReport("message", str(message), reason, "psst"))


def seen(person: User, group: Group) -> list[moderation.ReportedShape]:
    cases = moderation.reported(person, str(group.pk), after=0, limit=50)
    return [moderation.shape_of_case(case) for case in cases]


def test_what_is_open_with_its_reasons_and_without_who(group: Group, owner: User, member: User, outsider: User) -> None:
    members.join(outsider, str(group.pk))
    rude, decided = say(member, group.conversation, "rude", "a joke")
    for one, reason in ((owner, "SPAM"), (outsider, "ABUSE")):
        reports(one, rude.pk, reason)
    reports(owner, decided.pk)
    Case.objects.filter(message=decided).update(closed_at=decided.created_at)
    (case,) = seen(owner, group)
    assert (case.content, case.reasons, case.reports) == ("rude", {"SPAM": 1, "ABUSE": 1}, 2)
    assert (case.message_id, case.user.id) == (str(rude.pk), member.public_id)
    told = msgspec.json.encode(case).decode()
    assert not any(word in told for word in ("psst", outsider.public_id, owner.public_id))


def test_nobody_sees_what_is_said_to_be_wrong_with_their_own(group: Group, owner: User, member: User) -> None:
    members.set_role(owner, str(group.pk), member.public_id, "MODERATOR")
    reports(owner, say(member, group.conversation, "rude")[0].pk)
    reports(member, say(owner, group.conversation, "worse")[0].pk)
    assert [case.content for case in seen(owner, group)] == ["rude"]
    assert [case.content for case in seen(member, group)] == ["worse"]


def test_members_and_outsiders_are_refused(group: Group, member: User, outsider: User) -> None:
    for person, code in ((member, "forbidden"), (outsider, "not_found")):
        with pytest.raises(ChatError) as refused:
            seen(person, group)
        assert refused.value.code == code


def test_the_list_takes_three_queries(group: Group, owner: User, member: User) -> None:
    for message in say(member, group.conversation, "one", "two", "three"):
        reports(owner, message.pk)
    with CaptureQueriesContext(connection) as captured:
        assert len(seen(owner, group)) == 3
    assert len(captured) == 3
