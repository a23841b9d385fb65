"""manage.py demo fills the database as if people had talked for weeks: whole, numbered, read and unread, and once."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management.base import CommandError
from django.db import models
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from conversations.direct import open_direct
from conversations.models import Conversation, Message, Participant, ReadReceipt
from groups.models import Group
from localroots_chat.accounts.models import User
from localroots_chat.demo.communities import COMMUNITIES
from localroots_chat.demo.directs import DIRECTS
from localroots_chat.demo.people import PASSWORD, PEOPLE
from localroots_chat.demo.talks import Community
from tests.demo.conftest import Told

TABLES: list[type[models.Model]] = [User, Conversation, Group, Participant, Message, ReadReceipt]


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row of the demo's tables."""
    return {table.__name__: list(table._default_manager.order_by("pk").values()) for table in TABLES}


def inbox_of(username: str) -> list[dict[str, Any]]:
    """What GET /api/conversations/ tells this person."""
    client = Client()
    client.force_login(User.objects.get(username=username))
    found: list[dict[str, Any]] = client.get("/api/conversations/?limit=100").json()["results"]
    return found


def name_of(conversation: dict[str, Any], username: str) -> str:
    """The group's name, or the other one's user name."""
    if conversation["group"]:
        return str(conversation["group"]["name"])
    (other,) = (one["user"]["id"] for one in conversation["participants"] if one["user"]["id"] != f"demo-{username}")
    return str(other).removeprefix("demo-")


def written_unread() -> Iterator[tuple[str, str, int]]:
    """(person, conversation, unread messages) as the demo's texts want it."""
    for talk in (*DIRECTS, *COMMUNITIES):
        writers = [line.who for sitting in talk.sittings for line in sitting.lines]
        for person in talk.members:
            newest = writers[len(writers) - talk.behind.get(person, 0) :]
            assert person not in newest, f"{person} has answered and can't be behind in {talk}"
            if isinstance(talk, Community):
                where = talk.name
            else:
                (where,) = (one for one in talk.between if one != person)
            yield person, where, len(newest)


# Who is there


def test_a_dozen_people_can_sign_in(marketplace: Told) -> None:
    assert len(PEOPLE) == 12
    for one in PEOPLE:
        user = authenticate(username=one.username, password=PASSWORD)
        assert isinstance(user, User)
        assert (user.public_id, user.name, user.role) == (f"demo-{one.username}", one.name, one.role)
        assert f"{one.username} " in marketplace.answer
        assert f"{one.name}, {one.role.lower()}" in marketplace.answer
    assert PASSWORD in marketplace.answer
    admin = authenticate(username="admin", password=PASSWORD)
    assert isinstance(admin, User)
    assert admin.is_staff
    assert admin.is_superuser


def test_farmers_and_customers_are_both_there(marketplace: Told) -> None:
    assert {user.role for user in User.objects.filter(is_staff=False)} == {"FARMER", "CUSTOMER"}


def test_everybody_shows_their_picture_to_others(marketplace: Told) -> None:
    for one in inbox_of("maria"):
        assert all(seat["user"]["image"].startswith("data:image/svg+xml,") for seat in one["participants"])


def test_an_administrator_who_is_there_stays_as_they_are(db: None) -> None:
    User.objects.create_superuser("admin", "my own", name="Me")
    Told()
    assert authenticate(username="admin", password="my own") is not None


# What was said


def test_messages_are_numbered_without_a_gap(marketplace: Told) -> None:
    conversations = list(Conversation.objects.all())
    assert len(conversations) == len(DIRECTS) + len(COMMUNITIES)
    for conversation in conversations:
        messages = list(conversation.messages.order_by("seq"))
        assert [one.seq for one in messages] == list(range(conversation.first_seq, conversation.last_seq + 1))
        assert [one.version for one in messages] == [one.seq for one in messages]
        assert conversation.version >= conversation.last_seq
        assert conversation.updated_at == messages[-1].created_at
        assert conversation.created_at < messages[0].created_at


def test_rows_obey_every_rule_of_their_models(marketplace: Told) -> None:
    for table in TABLES:
        rows = list(table._default_manager.all())
        assert rows
        for row in rows:
            row.full_clean()


def test_seats_are_those_of_the_members(marketplace: Told) -> None:
    for conversation in Conversation.objects.prefetch_related("participants"):
        seats = [seat for seat in conversation.participants.all() if seat.left_at is None]
        assert conversation.member_count == len(seats)
        writers = set(conversation.messages.values_list("sender_id", flat=True))
        assert writers <= {seat.user_id for seat in seats}
        first = conversation.messages.earliest("seq").created_at
        assert all(seat.joined_at <= first for seat in seats)


def test_opening_a_direct_conversation_finds_it(marketplace: Told) -> None:
    shape, new = open_direct(User.objects.get(username="tom"), "demo-maria")
    assert not new
    assert shape.last_seq > 60


def test_each_category_has_a_group_with_an_owner_and_somebody_to_help(marketplace: Told) -> None:
    groups = Group.objects.select_related("conversation")
    assert sorted(group.category for group in groups) == sorted(Group.Category.values)
    assert groups.get(category="FOOD_SHARE").name == "Valley food share"
    for group in groups:
        roles = list(group.conversation.participants.values_list("role", flat=True))
        assert group.description
        assert roles.count("OWNER") == 1
        assert group.conversation.participants.get(role="OWNER").user == group.created_by
        assert "MODERATOR" in roles


def test_talks_are_long_lively_and_of_several_scripts(marketplace: Told) -> None:
    texts = "".join(Message.objects.values_list("content", flat=True))
    for script in ("🍅", "味噌", "شكراً", "Дякую", "https://"):
        assert script in texts
    assert Conversation.objects.filter(last_seq__gt=60).exists()
    answers = list(Message.objects.filter(reply_to__isnull=False).select_related("reply_to"))
    assert len(answers) > 10
    for answer in answers:
        assert answer.reply_to is not None
        assert answer.reply_to.conversation_id == answer.conversation_id
        assert answer.reply_to.seq < answer.seq
    bruce = Message.objects.get(content="Bruce?").reply_to
    assert bruce is not None
    assert bruce.content.endswith("and Bruce.")


def test_maria_and_tom_end_with_the_goats(marketplace: Told) -> None:
    (talk,) = (one for one in inbox_of("maria") if name_of(one, "maria") == "tom")
    assert talk["lastMessage"]["content"].endswith("we may be out with the goats.")


def test_it_took_weeks_and_ended_today(marketplace: Told) -> None:
    times = list(Message.objects.order_by("created_at").values_list("created_at", flat=True))
    now = timezone.now()
    assert times[-1] < now
    assert times[-1] - times[0] > timedelta(weeks=4)
    for table, field in [(Conversation, "updated_at"), (ReadReceipt, "read_at"), (User, "created_at")]:
        assert not table._default_manager.filter(**{f"{field}__gt": now}).exists()


# What was read


def test_unread_counts_are_those_that_were_written(marketplace: Told) -> None:
    told = {
        (one.username, name_of(each, one.username)): each["unreadCount"]
        for one in PEOPLE
        for each in inbox_of(one.username)
    }
    wanted = {(person, where): unread for person, where, unread in written_unread()}
    assert told == wanted
    behind = [person for (person, _), unread in wanted.items() if unread]
    assert len(set(behind)) >= 8
    assert behind.count("maria") >= 3
    assert 0 in told.values()


def test_pointers_stand_where_the_receipts_end(marketplace: Told) -> None:
    for seat in Participant.objects.all():
        receipts = list(
            ReadReceipt.objects.filter(conversation=seat.conversation_id, reader=seat.user_id).order_by("seq")
        )
        assert seat.last_read_seq == (receipts[-1].seq if receipts else 0)
        for earlier, later in pairwise(receipts):
            assert later.read_at - earlier.read_at > timedelta(seconds=30), "would be the same move, gone on"


def test_nobody_reads_before_it_is_written_or_answers_before_reading(marketplace: Told) -> None:
    receipts = list(ReadReceipt.objects.select_related("message"))
    assert len(receipts) > 100
    for receipt in receipts:
        assert receipt.seq == receipt.message.seq
        assert receipt.conversation_id == receipt.message.conversation_id
        assert receipt.message.sender_id != receipt.reader_id
        assert receipt.read_at > receipt.message.created_at
    for seat in Participant.objects.select_related("conversation"):
        messages = list(seat.conversation.messages.order_by("seq"))
        moves = {
            one.seq: one.read_at
            for one in receipts
            if (one.conversation_id, one.reader_id) == (seat.conversation_id, seat.user_id)
        }
        for earlier, own in pairwise(messages):
            if own.sender_id == seat.user_id != earlier.sender_id:
                assert min(at for seq, at in moves.items() if seq >= earlier.seq) < own.created_at


def test_the_list_is_ordered_by_the_last_message(marketplace: Told) -> None:
    for one in PEOPLE:
        times = [each["lastMessage"]["createdAt"] for each in inbox_of(one.username)]
        assert len(times) >= 5
        assert times == sorted(times, reverse=True)


def test_somebody_has_muted_a_conversation_of_each_kind(marketplace: Told) -> None:
    muted = Participant.objects.filter(muted=True)
    assert {seat.conversation.type for seat in muted.select_related("conversation")} == {"DIRECT", "GROUP"}


# Once, or not at all


def test_a_second_run_changes_nothing_and_says_so(marketplace: Told) -> None:
    before = everything()
    again = Told()
    assert everything() == before
    assert marketplace.done == "The demo marketplace has been made."
    assert again.done == "The demo marketplace is here already; nothing was changed."
    assert again.answer == marketplace.answer


@pytest.mark.parametrize(
    "known", [{"username": "maria", "public_id": "demo-maria"}, {"username": "maria"}, {"public_id": "demo-maria"}]
)
def test_where_only_some_are_known_nothing_is_changed(db: None, known: dict[str, str]) -> None:
    User.objects.create(name="Maria Lindqvist", **known)
    before = everything()
    told = Told()
    assert everything() == before
    assert told.done.startswith("Nothing was changed, since these names are taken: maria.")


def test_a_demo_that_fails_leaves_nothing(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the power went")

    monkeypatch.setattr(ReadReceipt.objects, "bulk_create", fail)
    with pytest.raises(RuntimeError):
        Told()
    assert not any(everything().values())


def test_production_refuses_it(db: None, settings: Settings) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="not for production"):
        Told()
    assert not User.objects.exists()
