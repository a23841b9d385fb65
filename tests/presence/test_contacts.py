"""Of whom one may know whether they are here."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Participant
from localroots_chat.accounts.models import Block, User
from localroots_chat.database import DatabaseNow
from presence.contacts import Contact, contacts_of
from presence.last_seen import note
from tests.conversations.conftest import make_direct

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return User.objects.create(public_id="ann")


@pytest.fixture
def ben() -> User:
    return User.objects.create(public_id="ben")


def group_of(*people: User, members: int) -> Conversation:
    made = Conversation.objects.create(type="GROUP", member_count=members)
    Participant.objects.bulk_create(Participant(conversation=made, user=one) for one in people)
    return made


def known_to(person: User, *others: str) -> dict[str, Contact]:
    with CaptureQueriesContext(connection) as captured:
        found = contacts_of(person.pk, person.public_id, others)
    assert len(captured) == 1
    return found


def test_people_who_share_a_direct_conversation_or_a_small_group(ann: User, ben: User) -> None:
    assert known_to(ann, "ben", "nobody") == {}
    big = group_of(ann, ben, members=201)
    assert known_to(ann, "ben") == {}
    small = group_of(ann, ben, members=200)
    assert known_to(ann, "ben")["ben"].shared == {str(small.pk)}
    direct = make_direct(ann, ben)
    assert known_to(ann, "ben")["ben"].shared == {str(small.pk), str(direct.pk)}
    assert str(big.pk) not in known_to(ben, "ann")["ann"].shared


@pytest.mark.parametrize("who", ["ann", "ben"])
def test_nothing_of_who_has_left_or_has_been_left(ann: User, ben: User, who: str) -> None:
    make_direct(ann, ben)
    Participant.objects.filter(user__public_id=who).update(left_at=DatabaseNow())
    assert known_to(ann, "ben") == {}


@pytest.mark.parametrize("who", ["ann", "ben"])
def test_nothing_between_two_of_whom_one_has_blocked_the_other(ann: User, ben: User, who: str) -> None:
    make_direct(ann, ben)
    blocker, blocked = (ann, ben) if who == "ann" else (ben, ann)
    Block.objects.create(blocker=blocker, blocked=blocked)
    assert known_to(ann, "ben") == known_to(ben, "ann") == {}


def test_nothing_of_closed_accounts(ann: User, ben: User) -> None:
    make_direct(ann, ben)
    User.objects.filter(pk=ben.pk).update(is_active=False)
    assert known_to(ann, "ben") == {}


def test_oneself(ann: User) -> None:
    assert known_to(ann, "ann")["ann"].key == ann.pk


def test_when_somebody_was_here_is_known_to_the_hour_and_where_they_let_others_know(ann: User, ben: User) -> None:
    make_direct(ann, ben)
    assert known_to(ann, "ben")["ben"].seen_at is None
    with CaptureQueriesContext(connection) as captured:
        note([ann.pk, ben.pk])
    assert len(captured) == 2
    ben.refresh_from_db()
    assert ben.seen_at is not None
    assert (ben.seen_at.minute, ben.seen_at.second, ben.seen_at.microsecond) == (0, 0, 0)
    assert known_to(ann, "ben")["ben"].seen_at == f"{ben.seen_at:%Y-%m-%dT%H}:00:00.000Z"
    User.objects.update(last_seen=False)
    assert known_to(ann, "ben")["ben"].seen_at is None
    User.objects.update(seen_at=datetime(2026, 1, 1, tzinfo=UTC))
    note([ben.pk])
    ben.refresh_from_db()
    assert ben.seen_at == datetime(2026, 1, 1, tzinfo=UTC), "it is not kept of who does not want it"
