"""What the screen holds or refuses: stored apart, told to nobody else, decided once, and then said like anything."""

import threading
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from uuid_utils.compat import uuid7

from conversations import edits, held
from conversations.attachments import find, purge, purgeable
from conversations.held import own_waiting, waiting_in
from conversations.models import Attachment, Conversation, HeldMessage, Message, Participant
from conversations.sends import HeldAnswer, Stored
from conversations.storing import Batch, Outcome
from groups import lifecycle, members
from groups.lifecycle import GroupChanges, NewGroup
from localroots_chat.accounts.models import Block, User
from localroots_chat.errors import ChatError
from localroots_chat.gateway.layer import Durable, Item, Personal
from localroots_chat.screening.screen import ALLOWED, Ruling, Text
from tests.conversations.conftest import make_direct, make_send, say, store
from tests.conversations.test_writer import COUNT, code, message
from tests.support.screen import Choose

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _screened(choose: Choose) -> None:
    choose()


@pytest.fixture
def carol(db: None) -> User:
    return User.objects.create(public_id="carol", name="Carol")


@pytest.fixture
def tips(alice: User, bob: User, carol: User) -> Conversation:
    """A group: Alice's, with Carol to keep order and Bob as a member."""
    return found(alice, bob, carol)


def found(owner: User, member: User, moderator: User, category: str = "TIPS") -> Conversation:
    ids = [member.public_id, moderator.public_id]
    group = lifecycle.create(owner, NewGroup(name="Eggs", category=category, member_ids=ids), uuid7())
    members.set_role(owner, group.id, moderator.public_id, "MODERATOR")
    return Conversation.objects.get(pk=group.conversation_id)


def wait(sender: User, conversation: Conversation, content: str = "a casino", **more: Any) -> HeldMessage:
    assert store(make_send(sender, conversation, content, **more)) == [HeldAnswer()]
    return HeldMessage.objects.order_by("pk").last() or pytest.fail("nothing was held")


def refusal(work: Callable[..., object], *args: Any, **fields: Any) -> str:
    with pytest.raises(ChatError) as error:
        work(*args, **fields)
    return error.value.code


def contents(rows: Sequence[HeldMessage]) -> list[str]:
    return [row.content for row in rows]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Item]:
    told: list[Item] = []
    monkeypatch.setattr("localroots_chat.gateway.publish._hand_over", told.extend)
    return told


def states_told(items: Sequence[Item], to: User) -> list[str]:
    frames = [msgspec.json.decode(item.frame) for item in items if isinstance(item, Personal) and item.person == to.pk]
    return [frame["data"]["state"] for frame in frames if frame["event"] == "message:held"]


# Sending


def test_what_is_held_has_no_place_and_what_is_refused_is_not_kept(alice: User, talk: Conversation) -> None:
    outcomes = store(*(make_send(alice, talk, content) for content in ("one", "a casino", "spam", "two")))
    assert [message(outcomes[0])["seq"], message(outcomes[3])["seq"]] == [1, 2]
    assert outcomes[1] == HeldAnswer()
    assert isinstance(outcomes[2], ChatError)
    assert (outcomes[2].code, outcomes[2].field, outcomes[2].message) == ("content_refused", "content", "No spam.")
    talk.refresh_from_db()
    assert (talk.last_seq, talk.version) == (2, 2)
    row = HeldMessage.objects.get()
    assert (row.content, row.sender, row.reason, row.outcome) == ("a casino", alice, "Not without a moderator.", "")


def test_the_sender_alone_hears_of_it(alice: User, talk: Conversation) -> None:
    _, items = Batch([make_send(alice, talk, "a casino", client_id="x")], wait_for_locks=False).store()
    (item,) = items
    assert isinstance(item, Personal)
    assert item.person == alice.pk
    frame = msgspec.json.decode(item.frame)
    assert frame["event"] == "message:held"
    assert {key: frame["data"][key] for key in ("clientId", "content", "state", "reason", "messageId")} == {
        "clientId": "x",
        "content": "a casino",
        "state": "WAITING",
        "reason": "Not without a moderator.",
        "messageId": None,
    }


def test_a_retry_is_held_once(alice: User, talk: Conversation) -> None:
    def one() -> Any:
        return make_send(alice, talk, "a casino", client_id="x")

    assert store(one(), one()) == [HeldAnswer(), HeldAnswer()]
    assert store(one()) == [HeldAnswer()]
    assert code(store(make_send(alice, talk, "tomatoes", client_id="x"))[0]) == "client_id_reused"
    assert HeldMessage.objects.count() == 1
    assert not Message.objects.exists()


def test_a_retry_is_held_once_even_if_nobody_looks_any_more(alice: User, talk: Conversation, settings: Any) -> None:
    wait(alice, talk, client_id="x")
    settings.CHAT_SCREEN = []
    assert store(make_send(alice, talk, "a casino", client_id="x")) == [HeldAnswer()]
    assert message(store(make_send(alice, talk, "a casino"))[0])["seq"] == 1


def test_a_commit_whose_answer_was_lost_holds_once(alice: User, talk: Conversation) -> None:
    batch = Batch([make_send(alice, talk, "a casino"), make_send(alice, talk, "eggs")], wait_for_locks=False)
    batch.store()
    (again, eggs), _ = batch.store()
    assert (again, message(eggs)["seq"]) == (HeldAnswer(), 1)
    assert (HeldMessage.objects.count(), Message.objects.count()) == (1, 1)


def test_who_may_not_write_learns_nothing_of_the_screen(mallory: User, bob: User, talk: Conversation) -> None:
    for content in ("a casino", "spam", "eggs"):
        assert code(store(make_send(mallory, talk, content))[0]) == "not_found"
        assert code(store(make_send(mallory, Conversation(type="DIRECT"), content))[0]) == "not_found"
    Participant.objects.filter(user=bob).update(silenced_until=now().replace(year=2100))
    assert code(store(make_send(bob, talk, "a casino"))[0]) == "muted"
    assert not HeldMessage.objects.exists()


def test_a_message_that_was_stored_before_the_rule_stays_what_it_is(
    alice: User, talk: Conversation, settings: Any, choose: Choose
) -> None:
    settings.CHAT_SCREEN = []
    (first,) = store(make_send(alice, talk, "spam", client_id="x"))
    choose()
    (again,) = store(make_send(alice, talk, "spam", client_id="x"))
    assert message(again) == message(first)


def test_the_screen_knows_where_it_is_said(
    alice: User, bob: User, carol: User, talk: Conversation, choose: Choose
) -> None:
    seen: list[Text] = []

    def watches(texts: Sequence[Text]) -> Sequence[Ruling]:
        seen.extend(texts)
        return [ALLOWED] * len(texts)

    choose(watches)
    news = found(alice, bob, carol, category="NEWS")
    seen.clear()
    store(make_send(alice, talk, "one"), make_send(bob, news, "two"))
    assert seen == [
        Text("one", "message", "content", "DIRECT", alice.pk),
        Text("two", "message", "content", "NEWS", bob.pk),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sends", [1, 100])
def test_the_number_of_statements(alice: User, bob: User, talk: Conversation, sends: int, settings: Any) -> None:
    """One more to know where it is said, and one where something is held; none where nobody looks."""

    def counted(*contents: str) -> int:
        other = make_direct(alice, User.objects.create())
        batch = [
            make_send(alice, (talk, other)[number % 2], content, client_id=str(uuid7()))
            for number in range(sends)
            for content in contents
        ]
        with CaptureQueriesContext(connection) as captured:
            store(*batch)
        return len(captured)

    assert counted("eggs") == COUNT + 1
    assert counted("eggs", "a casino") == COUNT + 2
    assert counted("spam") == COUNT + 1 - 2, "neither insert nor heads"
    settings.CHAT_SCREEN = []
    assert counted("eggs") == COUNT


# Seeing


def test_one_sees_ones_own_and_moderators_those_of_lower_ranks(
    alice: User, bob: User, carol: User, mallory: User, tips: Conversation
) -> None:
    by = {who.public_id: wait(who, tips, f"{who.name} at a casino") for who in (alice, bob, carol)}

    def seen(person: User) -> list[str]:
        return contents(waiting_in(person, str(tips.pk), after=None, limit=50))

    assert seen(bob) == ["Bob at a casino"]
    assert seen(carol) == ["Bob at a casino", "Carol at a casino"]
    assert seen(alice) == ["Alice at a casino", "Bob at a casino", "Carol at a casino"]
    assert refusal(seen, mallory) == "not_found"
    assert contents(own_waiting(carol, after=None, limit=50)) == ["Carol at a casino"]
    assert contents(waiting_in(alice, str(tips.pk), after=by["alice"].pk, limit=1)) == [
        "Bob at a casino",
        "Carol at a casino",
    ], "one more than asked for: there is more"
    Participant.objects.filter(user=carol, conversation=tips).update(left_at=now())
    assert refusal(seen, carol) == "not_found"


@pytest.mark.django_db(transaction=True)
def test_the_lists_take_the_same_queries_for_any_number(alice: User, bob: User, tips: Conversation) -> None:
    counted = []
    for _ in range(2):
        for _ in range(5):
            wait(bob, tips)
        with CaptureQueriesContext(connection) as captured:
            [held.shape_of_held(row) for row in waiting_in(alice, str(tips.pk), after=None, limit=50)]
        counted.append(len(captured))
    assert counted == [3, 3]


# Deciding


@pytest.mark.django_db(transaction=True)
def test_what_is_approved_is_said_next(
    alice: User, bob: User, carol: User, tips: Conversation, published: list[Item]
) -> None:
    (asked,) = say(carol, tips, "Where?")
    row = wait(bob, tips, client_id="x", reply_to=asked.pk)
    say(carol, tips, "Anybody?")
    published.clear()
    shape = held.approve(carol, str(row.pk))
    said = Message.objects.order_by("-seq")[0]
    assert (shape.state, shape.message_id) == ("APPROVED", str(said.pk))
    assert (said.content, said.sender, said.client_id, said.reply_to) == ("a casino", bob, "x", asked)
    assert said.created_at >= row.created_at
    durable, told = published
    assert isinstance(durable, Durable)
    assert (durable.topic, durable.changes[0][1]) == (str(tips.pk), said.version)
    assert states_told([told], bob) == ["APPROVED"]
    row.refresh_from_db()
    assert (row.outcome, row.decided_by, row.message) == ("APPROVED", carol, said)
    (again,) = store(make_send(bob, tips, "a casino", client_id="x", reply_to=asked.pk))
    assert isinstance(again, Stored)
    assert (message(again)["id"], again.duplicate) == (str(said.pk), True)
    assert refusal(held.approve, alice, str(row.pk)) == "not_found"
    assert refusal(held.refuse, alice, str(row.pk), "") == "not_found"


def uploaded(person: User, name: str) -> Attachment:
    told = {"id": name, "name": name, "type": "image/png", "size": 1, "hasSmaller": False}
    row = Attachment(
        uploader=person, kind="IMAGE", type="image/png", name=name, parts={"main": 1}, kept=1, key=name, stored_at=now()
    )
    row.told = told | {"id": str(row.pk)}
    row.save()
    return row


def test_files_wait_with_their_message(alice: User, bob: User, carol: User, mallory: User, tips: Conversation) -> None:
    picture, other = uploaded(bob, "one"), uploaded(bob, "two")
    row = wait(bob, tips, attachments=(picture.pk,))
    assert HeldMessage.objects.get(pk=row.pk).type == "IMAGE"
    (reused,) = store(make_send(bob, tips, "tomatoes", attachments=(picture.pk,)))
    assert code(reused) == "not_found", "it waits with another message"
    (listed,) = waiting_in(carol, str(tips.pk), after=None, limit=50)
    assert [one.name for one in held.shape_of_held(listed).attachments] == ["one"]
    batch = Batch([make_send(bob, tips, "a casino", attachments=(other.pk,))], wait_for_locks=False)
    assert [batch.store()[0], batch.store()[0]] == [[HeldAnswer()], [HeldAnswer()]], "as after a lost COMMIT"
    held.withdraw(bob, str(HeldMessage.objects.order_by("-pk")[0].pk))
    for person in (alice, carol, bob):
        assert find(person, str(picture.pk)).name == "one", "who decides sees it too"
    assert refusal(find, mallory, str(picture.pk)) == "not_found"
    held.approve(carol, str(row.pk))
    said = Message.objects.get(content="a casino")
    assert (said.type, [one["name"] for one in said.attachments]) == ("IMAGE", ["one"])
    picture.refresh_from_db()
    assert picture.message == said

    refused = wait(bob, tips, attachments=(other.pk,))
    assert list(purgeable(hours=0)) == []
    held.refuse(carol, str(refused.pk), "")
    assert list(purgeable(hours=24)) == [other]
    third = uploaded(bob, "three")
    held.withdraw(bob, str(wait(bob, tips, attachments=(third.pk,)).pk))
    assert code_or_seq(store(make_send(bob, tips, "again", attachments=(third.pk,)))[0]) != "not_found"


def code_or_seq(outcome: Outcome) -> object:
    return outcome.code if isinstance(outcome, ChatError) else message(outcome)["seq"]


@pytest.mark.django_db(transaction=True)
def test_what_is_refused_is_never_said(alice: User, bob: User, tips: Conversation, published: list[Item]) -> None:
    row = wait(bob, tips, client_id="x")
    shape = held.refuse(alice, str(row.pk), " Not here ")
    assert (shape.state, shape.answer, shape.message_id) == ("REFUSED", "Not here", None)
    assert states_told(published, bob)[-1] == "REFUSED"
    assert code(store(make_send(bob, tips, "a casino", client_id="x"))[0]) == "content_refused"
    assert own_waiting(bob, after=None, limit=50) == []
    assert refusal(held.approve, alice, str(row.pk)) == "not_found"
    assert not Message.objects.exclude(type="SYSTEM").exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_withdrawn_was_never_sent(alice: User, bob: User, tips: Conversation, published: list[Item]) -> None:
    row = wait(bob, tips)
    for other in (alice, User.objects.create(public_id="dan")):
        assert refusal(held.withdraw, other, str(row.pk)) == "not_found"
    held.withdraw(bob, str(row.pk))
    assert states_told(published, bob)[-1] == "WITHDRAWN"
    assert not HeldMessage.objects.exists()
    assert refusal(held.withdraw, bob, str(row.pk)) == "not_found"


def test_who_decides(alice: User, bob: User, carol: User, mallory: User, tips: Conversation) -> None:
    of_alice, of_bob, of_carol = (str(wait(who, tips).pk) for who in (alice, bob, carol))
    for decide in (held.approve, lambda who, key: held.refuse(who, key, "")):
        for who in (bob, mallory):
            for key in (of_alice, of_carol, str(uuid.uuid4())):
                assert refusal(decide, who, key) == "not_found"
        assert refusal(decide, mallory, of_bob) == "not_found"
        assert refusal(decide, carol, of_alice) == "not_found"
        for who, own in ((alice, of_alice), (bob, of_bob), (carol, of_carol)):
            assert refusal(decide, who, own) == "forbidden"
    assert refusal(held.approve_as_staff, alice, HeldMessage.objects.get(pk=of_alice)) == "forbidden", "staff neither"
    held.approve(carol, of_bob)
    held.approve(alice, of_carol)
    held.approve_as_staff(mallory, HeldMessage.objects.get(pk=of_alice))
    said = Message.objects.filter(content="a casino").order_by("seq").values_list("sender__public_id", flat=True)
    assert list(said) == ["bob", "carol", "alice"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not django_settings.POSTGRESQL, reason="SQLite has no two writers at once")
@pytest.mark.parametrize("loses", ["the role", "the seat"])
def test_a_moderator_who_loses_the_right_meanwhile_decides_nothing(
    alice: User, bob: User, carol: User, tips: Conversation, loses: str
) -> None:
    """The right is looked up under the lock: who waits for it has the rights of when they get it."""
    row = wait(bob, tips)
    group: Any = getattr(tips, "group")  # noqa: B009  (the relation of groups.models)
    waits, refused = threading.Event(), list[str]()

    def decide() -> None:
        waits.set()
        refused.append(refusal(held.approve, carol, str(row.pk)))
        connection.close()

    with transaction.atomic():
        if loses == "the role":
            members.set_role(alice, str(group.pk), "carol", "MEMBER")
        else:
            members.remove(alice, str(group.pk), "carol")
        thread = threading.Thread(target=decide)
        thread.start()
        waits.wait(10)
        until_somebody_waits_for_a_lock()
    thread.join(10)
    assert refused == ["not_found"]
    assert not Message.objects.filter(content="a casino").exists()


def until_somebody_waits_for_a_lock() -> None:
    for _ in range(10_000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return
    pytest.fail("nobody waits for a lock")


def test_nobody_but_staff_decides_in_a_direct_conversation(alice: User, bob: User, talk: Conversation) -> None:
    row = wait(alice, talk)
    assert refusal(held.approve, bob, str(row.pk)) == "not_found"
    assert waiting_in(bob, str(talk.pk), after=None, limit=50) == []
    held.refuse_as_staff(bob, row, "No")
    with pytest.raises(ChatError):
        held.approve_as_staff(bob, row)


def test_who_can_no_longer_write_is_not_let_in_by_that(alice: User, bob: User, talk: Conversation) -> None:
    row = wait(alice, talk)
    Block.objects.create(blocker=bob, blocked=alice)
    assert refusal(held.approve_as_staff, bob, row) == "forbidden"
    row.refresh_from_db()
    assert (row.outcome, Message.objects.count()) == ("", 0), "it waits as before"
    Block.objects.all().delete()
    Participant.objects.filter(user=alice).update(left_at=now())
    assert refusal(held.approve_as_staff, bob, row) == "forbidden"


def test_an_answer_is_a_short_text(alice: User, bob: User, tips: Conversation) -> None:
    row = wait(bob, tips)
    for answer in ("x" * 501, "\0"):
        assert refusal(held.refuse, alice, str(row.pk), answer) == "invalid_field"
    assert refusal(held.approve, alice, "nonsense") == "not_found"


# Changes and names


def test_a_change_cannot_wait(alice: User, bob: User, tips: Conversation) -> None:
    (said,) = say(bob, tips, "tomatoes")
    for content in ("a casino", "spam", "see evil.com"):
        assert refusal(edits.edit, editor=bob.pk, message=str(said.pk), content=content) == "content_refused"
    said.refresh_from_db()
    assert (said.content, said.edited_at) == ("tomatoes", None)
    edits.edit(editor=bob.pk, message=str(said.pk), content="eggs")
    assert refusal(edits.edit, editor=bob.pk, message=str(uuid.uuid4()), content="spam") == "not_found"


def test_what_it_says_already_is_no_change(alice: User, bob: User, tips: Conversation) -> None:
    held.approve(alice, str(wait(bob, tips).pk))
    said = Message.objects.get(content="a casino")
    assert edits.edit(editor=bob.pk, message=str(said.pk), content="a casino").edited_at is None
    assert refusal(edits.edit, editor=alice.pk, message=str(said.pk), content="spam") == "forbidden"


def test_an_approved_message_that_is_gone_may_be_sent_anew(alice: User, bob: User, tips: Conversation) -> None:
    held.approve(alice, str(wait(bob, tips, client_id="x").pk))
    Message.objects.filter(client_id="x").delete()
    wait(bob, tips, client_id="x")
    assert HeldMessage.objects.count() == 2


def test_links_are_held_where_the_rule_says(alice: User, bob: User, carol: User, tips: Conversation) -> None:
    assert store(make_send(bob, tips, "see evil.com")) == [HeldAnswer()]
    (news,) = store(make_send(bob, found(alice, bob, carol, category="NEWS"), "see evil.com"))
    assert message(news)["content"] == "see evil.com"


def test_names_of_groups(alice: User, tips: Conversation) -> None:
    def create(**more: Any) -> object:
        return lifecycle.create(alice, NewGroup(**{"name": "Eggs", "category": "TIPS", **more}), uuid7())

    before = Conversation.objects.count()
    assert refusal(create, name="Spam") == "content_refused"
    assert refusal(create, description="a casino") == "content_refused"
    assert refusal(create, description="see evil.com") == "content_refused"
    assert Conversation.objects.count() == before
    create(description="see evil.com", category="NEWS")

    group: Any = getattr(tips, "group")  # noqa: B009  (the relation of groups.models)

    def change(**fields: Any) -> object:
        return lifecycle.update(alice, str(group.pk), GroupChanges(**fields))

    for fields in ({"name": "Spam"}, {"description": "see evil.com"}, {"name": "Casino", "category": "NEWS"}):
        assert refusal(change, **fields) == "content_refused"
    change(description="see evil.com", category="NEWS")
    group.refresh_from_db()
    assert (group.name, group.description) == ("Eggs", "see evil.com")
    assert refusal(change, category="TIPS") == "content_refused", "in another category all of it is looked at"
    change(name="Egg news", description="see evil.com")


def test_a_purge_leaves_alone_what_is_sent_meanwhile(
    bob: User, tips: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = uploaded(bob, "one")
    listed = purgeable

    def sent_after_it_was_listed(hours: int) -> Any:
        found = listed(hours)
        rows = list(found[:10])
        if rows and not Message.objects.filter(content="a tomato").exists():
            store(make_send(bob, tips, "a tomato", attachments=(picture.pk,)))
            return rows
        return found

    monkeypatch.setattr("conversations.attachments.purgeable", sent_after_it_was_listed)
    purge(hours=0, most=10)
    picture.refresh_from_db()
    assert picture.message == Message.objects.get(content="a tomato")
    assert picture.stored_at is not None
    monkeypatch.undo()
    other = uploaded(bob, "two")
    purge(hours=0, most=10)
    assert not Attachment.objects.filter(pk=other.pk).exists()
