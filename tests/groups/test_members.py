"""Coming, going and roles: what each change costs, who may make it, and what it leaves behind."""

import json
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations import edits, history, inbox
from conversations.catching_up import read_after
from conversations.events import RECEIPTS_MOST
from conversations.models import Conversation, EarlierText, Message, Participant
from conversations.sync import SyncRequest, sync
from groups import lifecycle, members, moderation, ownership
from groups.lifecycle import GroupChanges
from groups.models import Group, Sanction
from groups.moderation import Sentence
from localroots_chat.accounts.models import User
from localroots_chat.errors import ChatError
from tests.conversations.conftest import make_send, store
from tests.groups.conftest import crowd, found
from tests.support.sockets import Frame, assert_in_order

pytestmark = pytest.mark.django_db

# Of any size of the group. A change: its transaction, the lock and the group, one's own seat, whether one is banned;
# the seats; the message, the conversation, the group's card; what a new member sees; the group as the answer; the time.
CREATE_QUERIES = 17
CHANGES = {"join": 16, "add": 18, "rename": 12, "leave": 12}
QUERIES = CHANGES | {"send": 7, "page": 3, "list": 4, "history": 2, "sync": 11}


def head_of(group: Group) -> Conversation:
    return Conversation.objects.get(pk=group.conversation_id)


def code_of(attempt: Callable[[], object]) -> str:
    with pytest.raises(ChatError) as refused:
        attempt()
    return refused.value.code


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [2, 4_990])
def test_everything_costs_the_same_in_a_group_of_any_size(
    size: int, owner: User, member: User, group: Group, outsider: User
) -> None:
    crowd(group, size)
    key, talk = str(group.pk), group.conversation
    newcomer = User.objects.create(public_id="nora", name="Nora")
    steps: dict[str, Callable[[], object]] = {
        "join": lambda: members.join(outsider, key),
        "add": lambda: members.add(owner, key, newcomer.public_id),
        "page": lambda: members.page_of(outsider, key, after=0, limit=50),
        "rename": lambda: lifecycle.update(owner, key, GroupChanges(name=f"Eggs {size}")),
        "send": lambda: store(make_send(member, talk, "A dozen", client_id="a")),
        "list": lambda: inbox.conversations_of(outsider.pk, after=None, limit=50),
        "history": lambda: history.page_of(outsider.pk, str(talk.pk), history.Place("newest")),
        "sync": lambda: sync(outsider.pk, SyncRequest({str(talk.pk): 1})),
        "leave": lambda: members.leave(outsider, key),
    }
    counted: dict[str, int] = {}
    for name, step in steps.items():
        with CaptureQueriesContext(connection) as captured:
            step()
        counted[name] = len(captured)
    who_has_read_what = 1 if size <= RECEIPTS_MOST else 0  # is told in small groups alone
    assert counted == {**QUERIES, "sync": QUERIES["sync"] + who_has_read_what}


@pytest.mark.parametrize("size", [1, 50])
def test_a_group_is_made_with_the_same_queries_for_any_number_of_members(size: int, owner: User) -> None:
    people = User.objects.bulk_create(User(public_id=f"p{n}", name=f"P {n}") for n in range(size))
    with CaptureQueriesContext(connection) as captured:
        made = found(owner, people)
    queries = [one for one in captured if "SAVEPOINT" not in one["sql"]]
    assert len(queries) == 1 + CREATE_QUERIES, "and one that reads it here"
    assert head_of(made).member_count == size + 1


def test_a_change_takes_a_version_for_its_event_and_one_for_its_message(
    group: Group, owner: User, outsider: User
) -> None:
    before = head_of(group)
    members.add(owner, str(group.pk), outsider.public_id)
    after = head_of(group)
    assert (after.version, after.last_seq, after.meta_version) == (
        before.version + 2,
        before.last_seq + 1,
        after.version,
    )
    assert after.member_count == before.member_count + 1
    message = Message.objects.get(conversation=after, seq=after.last_seq)
    assert (message.type, message.version) == ("SYSTEM", after.version)
    assert message.content == "Olivia added Oscar."
    assert message.system == {"kind": "member_added", "userIds": ["oscar"]}


def test_who_missed_the_events_of_a_change_is_given_them_from_its_message(
    group: Group, owner: User, member: User, outsider: User
) -> None:
    key, before = str(group.pk), head_of(group)
    members.add(owner, key, outsider.public_id)
    members.set_role(owner, key, member.public_id, "MODERATOR")
    lifecycle.update(owner, key, GroupChanges(name="Many eggs"))
    ownership.hand_over(owner, key, member.public_id)
    members.leave(owner, key)
    head = read_after(str(group.conversation_id), before.version, before.last_seq)
    frames = [Frame(json.loads(change.frame)) for change in head.changes]
    assert [frame.event for frame in frames] == [
        *("group:member_added", "message:new"),
        *("group:member_updated", "message:new"),
        *("group:updated", "message:new"),
        *("group:member_updated", "group:member_updated", "message:new"),
        *("group:member_removed", "message:new"),
    ]
    assert_in_order(frames)
    assert frames[0].prev == before.version
    assert [
        (frame.data["userId"], frame.data["role"]) for frame in frames if frame.event == "group:member_updated"
    ] == [
        (member.public_id, "MODERATOR"),
        (member.public_id, "OWNER"),
        (owner.public_id, "MODERATOR"),
    ]
    assert "myRole" not in frames[4].data
    assert frames[-1].version == head.version == head_of(group).version


def test_who_has_heard_the_event_is_given_the_message_alone(group: Group, owner: User, outsider: User) -> None:
    before = head_of(group)
    members.add(owner, str(group.pk), outsider.public_id)
    head = read_after(str(group.conversation_id), before.version + 1, before.last_seq)
    assert [Frame(json.loads(change.frame)).event for change in head.changes] == ["message:new"]
    assert head.changes[0].prev == before.version + 1


def test_what_changes_nothing_is_told_to_nobody(group: Group, owner: User, member: User) -> None:
    key, before = str(group.pk), head_of(group).version
    assert members.add(owner, key, member.public_id)[1] is False
    members.join(member, key)
    members.set_role(owner, key, member.public_id, "MEMBER")
    lifecycle.update(owner, key, GroupChanges(name="Eggs", description=""))
    assert head_of(group).version == before


def test_ranks(group: Group, owner: User, member: User, outsider: User) -> None:
    key = str(group.pk)
    other = User.objects.create(public_id="mona", name="Mona")
    members.join(outsider, key)
    members.add(owner, key, other.public_id)
    members.set_role(owner, key, member.public_id, "MODERATOR")
    members.set_role(owner, key, other.public_id, "MODERATOR")
    assert code_of(lambda: members.remove(member, key, owner.public_id)) == "forbidden"
    assert code_of(lambda: members.remove(member, key, other.public_id)) == "forbidden"
    assert code_of(lambda: moderation.ban(member, key, Sentence(user_id=other.public_id))) == "forbidden"
    assert code_of(lambda: members.set_role(member, key, outsider.public_id, "MODERATOR")) == "forbidden"
    assert code_of(lambda: members.set_role(owner, key, owner.public_id, "MEMBER")) == "forbidden"
    assert code_of(lambda: members.set_role(owner, key, member.public_id, "OWNER")) == "invalid_field"
    assert code_of(lambda: members.remove(outsider, key, member.public_id)) == "forbidden"
    members.remove(member, key, outsider.public_id)
    assert Participant.objects.get(conversation=group.conversation_id, user=outsider).left_at is not None


def test_who_leaves_comes_back_as_a_member(group: Group, owner: User, member: User) -> None:
    key = str(group.pk)
    members.set_role(owner, key, member.public_id, "MODERATOR")
    members.leave(member, key)
    assert members.join(member, key).my_role == "MEMBER"
    assert Participant.objects.filter(conversation=group.conversation_id, user=member).count() == 1


def test_a_full_group_takes_nobody(group: Group, owner: User, outsider: User, settings: object) -> None:
    settings.CHAT_GROUP_MEMBERS = 2  # type: ignore[attr-defined]
    assert code_of(lambda: members.join(outsider, str(group.pk))) == "full"
    assert code_of(lambda: members.add(owner, str(group.pk), outsider.public_id)) == "full"
    assert head_of(group).member_count == 2


def test_a_ban_that_is_over_keeps_nobody_out(group: Group, owner: User, outsider: User) -> None:
    key = str(group.pk)
    moderation.ban(owner, key, Sentence(user_id=outsider.public_id, until="2100-01-01T00:00:00Z"))
    assert code_of(lambda: members.join(outsider, key)) == "forbidden"
    moderation.ban(owner, key, Sentence(user_id=outsider.public_id))
    assert code_of(
        lambda: moderation.ban(owner, key, Sentence(user_id=outsider.public_id, until="2020-01-01T00:00:00Z"))
    ) == ("invalid_field")
    moderation.lift(owner, key, outsider.public_id, Sanction.Kind.BAN)
    assert members.join(outsider, key).my_role == "MEMBER"
    assert group.sanctions.count() == 2, "what was imposed stays on record"


def test_where_an_owner_has_to_go_the_group_has_the_next_one_at_once(group: Group, owner: User, member: User) -> None:
    key, staff = str(group.pk), User.objects.create(public_id="stella", name="Stella")
    older, moderator = (User.objects.create(public_id=name, name=name.title()) for name in ("otto", "mona"))
    for one in (older, moderator):
        members.join(one, key)
    members.set_role(owner, key, moderator.public_id, "MODERATOR")
    User.objects.filter(pk=member.pk).update(is_active=False)  # he has been there longest

    def owners() -> list[str]:
        seats = Participant.objects.filter(conversation=group.conversation_id, role="OWNER", left_at=None)
        return [seat.user.name for seat in seats]

    moderation.ban(staff, key, Sentence(owner.public_id), as_staff=True)
    assert owners() == ["Mona"]
    members.remove(staff, key, moderator.public_id, as_staff=True)
    assert owners() == ["Otto"]
    members.remove(staff, key, older.public_id, as_staff=True)
    assert owners() == ["Max"], "a closed account is better than nobody"
    said = Message.objects.filter(conversation=group.conversation_id, type="SYSTEM").order_by("seq")
    assert [message.system["kind"] for message in said if message.system][-6:] == [
        *("owner_changed", "member_banned"),
        *("owner_changed", "member_removed"),
        *("owner_changed", "member_removed"),
    ]
    assert said.last().system == {"kind": "member_removed", "userIds": ["otto"]}  # type: ignore[union-attr]


def test_the_last_one_who_has_to_go_closes_the_group(owner: User) -> None:
    alone = found(owner)
    moderation.ban(owner, str(alone.pk), Sentence(owner.public_id), as_staff=True)
    alone.refresh_from_db()
    assert alone.closed_at is not None


def test_moderators_take_back_what_members_of_a_lower_rank_have_said(
    group: Group, owner: User, member: User, outsider: User
) -> None:
    key = str(group.pk)
    moderator, gone = (User.objects.create(public_id=name, name=name.title()) for name in ("mona", "gina"))
    for one in (moderator, gone, outsider):
        members.join(one, key)
    members.set_role(owner, key, moderator.public_id, "MODERATOR")
    said: dict[str, Message] = {}
    for one in (owner, moderator, member, gone):
        store(make_send(one, group.conversation, f"of {one.name}"))
        said[one.name] = Message.objects.get(conversation=group.conversation, content=f"of {one.name}")
    members.leave(gone, key)

    def may(person: User, whose: str) -> bool:
        try:
            edits.delete(person=person.pk, message=str(said[whose].pk))
        except ChatError as refused:
            return refused.code != "forbidden"
        return True

    assert [may(member, name) for name in ("Olivia", "Mona", "Gina")] == [False] * 3
    assert [may(moderator, name) for name in ("Olivia", "Max", "Gina")] == [False, True, True]
    assert [may(owner, name) for name in ("Mona", "Olivia")] == [True, True]
    removed = EarlierText.objects.get(message=said["Max"])
    assert (removed.content, removed.replaced_by) == ("of Max", moderator)
    system = Message.objects.filter(conversation=group.conversation, type="SYSTEM").first()
    assert system is not None
    assert code_of(lambda: edits.delete(person=owner.pk, message=str(system.pk))) == "forbidden"
