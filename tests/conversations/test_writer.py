"""The write path: numbers, permission, idempotency, bad ones among good ones, and the number of statements."""

import threading
import uuid
from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from conversations.models import Attachment, Conversation, Message, Participant
from conversations.sends import Stored
from conversations.statements import STATEMENTS
from conversations.storing import Batch, Locked, Outcome
from localroots_chat.accounts.models import User
from localroots_chat.database import json_list, with_connection
from localroots_chat.errors import ChatError
from tests.conversations.conftest import make_direct, make_send, say, store

# BEGIN and COMMIT, lock, seats, known clientIds, insert, heads
COUNT = 7


def message(outcome: Outcome) -> dict[str, Any]:
    assert isinstance(outcome, Stored), outcome
    shape: dict[str, Any] = msgspec.json.decode(outcome.message)
    return shape


def code(outcome: Outcome) -> str:
    assert isinstance(outcome, ChatError), outcome
    return outcome.code


def test_messages_are_numbered_without_gaps(alice: User, bob: User, talk: Conversation) -> None:
    outcomes = store(make_send(alice, talk, "one"), make_send(bob, talk, "two"), make_send(alice, talk, "three"))
    assert [(message(one)["seq"], message(one)["version"]) for one in outcomes] == [(1, 1), (2, 2), (3, 3)]
    assert list(Message.objects.order_by("seq").values_list("content", flat=True)) == ["one", "two", "three"]
    talk.refresh_from_db()
    assert (talk.last_seq, talk.version) == (3, 3)


def test_the_answer_is_what_is_read_later(alice: User, talk: Conversation) -> None:
    from conversations.message_rows import own_messages

    (first,) = store(make_send(alice, talk, "first", client_id="a"))
    answered = uuid.UUID(message(first)["id"])
    (outcome,) = store(make_send(alice, talk, "second", client_id="b", reply_to=answered))
    read = own_messages([uuid.UUID(message(outcome)["id"])])
    assert msgspec.json.decode(msgspec.json.encode(next(iter(read.values())))) == message(outcome)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sends", [1, 100])
def test_the_number_of_statements_does_not_grow(alice: User, bob: User, talk: Conversation, sends: int) -> None:
    other = make_direct(alice, User.objects.create(public_id="carol"))
    batch = [make_send(alice, (talk, other)[i % 2], f"{i}", client_id=f"{i}") for i in range(sends)]
    with CaptureQueriesContext(connection) as captured:
        outcomes = store(*batch)
    assert all(isinstance(outcome, Stored) for outcome in outcomes)
    assert len(captured) == COUNT, [query["sql"][:80] for query in captured]


def test_an_outsider_is_told_what_a_stranger_to_nothing_is_told(alice: User, mallory: User, talk: Conversation) -> None:
    nowhere = Conversation(type="DIRECT")
    foreign, unknown, own = store(make_send(mallory, talk), make_send(mallory, nowhere), make_send(alice, talk))
    assert code(foreign) == code(unknown) == "not_found"
    assert str(foreign) == str(unknown)
    assert message(own)["seq"] == 1


def test_somebody_who_has_left_is_an_outsider(bob: User, talk: Conversation) -> None:
    from django.utils import timezone

    Participant.objects.filter(user=bob).update(left_at=timezone.now())
    assert code(store(make_send(bob, talk))[0]) == "not_found"


def test_somebody_silenced_may_only_read(bob: User, talk: Conversation) -> None:
    from datetime import timedelta

    from django.utils import timezone

    Participant.objects.filter(user=bob).update(silenced_until=timezone.now() + timedelta(hours=1))
    assert code(store(make_send(bob, talk))[0]) == "muted"
    Participant.objects.filter(user=bob).update(silenced_until=timezone.now() - timedelta(seconds=1))
    assert message(store(make_send(bob, talk))[0])["seq"] == 1


def test_nobody_writes_to_a_deactivated_person(alice: User, bob: User, talk: Conversation) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert code(store(make_send(alice, talk))[0]) == "forbidden"


# Idempotency


def test_the_same_client_id_is_stored_once(alice: User, talk: Conversation) -> None:
    first, same, later = store(
        make_send(alice, talk, client_id="x"), make_send(alice, talk, client_id="x"), make_send(alice, talk, "next")
    )
    (again,) = store(make_send(alice, talk, client_id="x"))
    assert message(first) == message(same) == message(again)
    assert [one.duplicate for one in (first, same, again) if isinstance(one, Stored)] == [False, True, True]
    assert message(later)["seq"] == 2
    assert Message.objects.count() == 2


def test_other_content_under_a_used_client_id_is_refused(alice: User, talk: Conversation) -> None:
    store(make_send(alice, talk, "one", client_id="x"))
    in_next, also = store(make_send(alice, talk, "two", client_id="x"), make_send(alice, talk, "one", client_id="x"))
    assert code(in_next) == "client_id_reused"
    assert message(also)["content"] == "one"


def test_other_content_within_the_same_batch_is_refused_as_well(alice: User, talk: Conversation) -> None:
    one, two = store(make_send(alice, talk, "one", client_id="x"), make_send(alice, talk, "two", client_id="x"))
    assert message(one)["content"] == "one"
    assert code(two) == "client_id_reused"
    assert Message.objects.count() == 1


def test_a_retry_is_compared_with_what_was_first_sent(alice: User, talk: Conversation) -> None:
    store(make_send(alice, talk, "first text", client_id="x"))
    Message.objects.update(content="edited since")
    (again,) = store(make_send(alice, talk, "first text", client_id="x"))
    assert message(again)["content"] == "edited since"


def test_client_ids_belong_to_a_sender_and_a_conversation(alice: User, bob: User, talk: Conversation) -> None:
    other = make_direct(alice, User.objects.create(public_id="carol"))
    outcomes = store(
        *(make_send(who, where, client_id="x") for who, where in ((alice, talk), (bob, talk), (alice, other)))
    )
    assert len({message(one)["id"] for one in outcomes}) == 3


def test_an_outsider_learns_nothing_about_used_client_ids(alice: User, mallory: User, talk: Conversation) -> None:
    store(make_send(alice, talk, client_id="x"))
    assert code(store(make_send(mallory, talk, client_id="x"))[0]) == "not_found"


def test_a_commit_whose_answer_was_lost_is_found_again(alice: User, talk: Conversation) -> None:
    batch = Batch(
        [make_send(alice, talk, "once"), make_send(alice, talk, "twice", client_id="x")], wait_for_locks=False
    )
    first, _ = batch.store()
    again, items = batch.store()  # as after a connection that broke during COMMIT
    assert [message(one) for one in again] == [message(one) for one in first]
    assert [one.duplicate for one in again if isinstance(one, Stored)] == [False, False]
    assert items, "nobody may have been told yet"
    assert Message.objects.count() == 2


# Replies


def test_a_reply_shows_what_it_answers(alice: User, bob: User, talk: Conversation) -> None:
    (asked,) = say(bob, talk, "Do you have eggs?")
    (reply,) = store(make_send(alice, talk, "Yes", reply_to=asked.id))
    assert message(reply)["replyTo"] == {
        "id": str(asked.id),
        "seq": 1,
        "senderId": "bob",
        "excerpt": "Do you have eggs?",
    }


def test_only_messages_of_the_same_conversation_can_be_answered(alice: User, talk: Conversation) -> None:
    other = make_direct(alice, User.objects.create(public_id="carol"))
    (foreign,) = say(alice, other, "elsewhere")
    outcomes = store(make_send(alice, talk, reply_to=foreign.id), make_send(alice, talk, reply_to=uuid.uuid4()))
    assert [code(one) for one in outcomes] == ["not_found", "not_found"]


# One bad send, one stuck row


@pytest.mark.django_db(transaction=True)
def test_a_send_that_the_database_refuses_stands_alone(alice: User, talk: Conversation) -> None:
    too_long = "x" * 65  # no door lets such a clientId through; the column refuses it on PostgreSQL
    sends = [make_send(alice, talk, f"{i}", client_id=too_long if i == 5 else None) for i in range(12)]
    outcomes = store(*sends)
    assert code(outcomes[5]) == "invalid_field"
    good = [message(one) for one in outcomes[:5] + outcomes[6:]]
    assert [one["content"] for one in good] == [str(i) for i in range(12) if i != 5]
    assert [one["seq"] for one in good] == list(range(1, 12))


@pytest.mark.django_db(transaction=True)
def test_a_conversation_held_elsewhere_keeps_nobody_waiting(alice: User, talk: Conversation) -> None:
    other = make_direct(alice, User.objects.create(public_id="carol"))
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Conversation.objects.select_for_update().get(pk=talk.pk)
            held.set()
            release.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(10)
        stuck, free = store(make_send(alice, talk), make_send(alice, other))
        assert isinstance(stuck, Locked)
        assert message(free)["seq"] == 1
        with pytest.raises(ChatError) as refused:
            with_connection(Batch([make_send(alice, talk)], wait_for_locks=True).store)
        assert refused.value.code == "unavailable"
    finally:
        release.set()
        holder.join()
    assert message(store(make_send(alice, talk))[0])["seq"] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not settings.POSTGRESQL, reason="SQLite has no such plans")
def test_known_client_ids_are_found_by_index_however_big_the_table(alice: User, talk: Conversation) -> None:
    """Left the choice, PostgreSQL reads all messages ever sent for a batch of a hundred."""
    store(*(make_send(alice, talk, f"{number}", client_id=f"{number}") for number in range(2000)))
    wanted = json_list({"c": str(talk.pk), "u": alice.pk, "k": f"{number}"} for number in range(100))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE conversations_message, conversations_heldmessage")
        cursor.execute(f"EXPLAIN {STATEMENTS.known}", [wanted])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using message_client_id_once" in plan, plan
    assert "Seq Scan on conversations_message" not in plan, plan


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sends", [1, 100])
def test_files_take_two_statements_more_for_any_number(alice: User, talk: Conversation, sends: int) -> None:
    batch = []
    for number in range(sends):
        keys = []
        for name in ("a", "b"):
            told = {"id": "", "name": name, "type": "text/plain", "size": 1, "hasSmaller": False}
            row = Attachment(
                uploader=alice, kind="FILE", type="text/plain", name=name, parts={"main": 1}, kept=1, told=told
            )
            row.told["id"], row.key, row.stored_at = str(row.pk), str(row.pk), now()
            row.save()
            keys.append(row.pk)
        batch.append(make_send(alice, talk, "", client_id=f"{number}", attachments=tuple(keys)))
    with CaptureQueriesContext(connection) as captured:
        outcomes = store(*batch)
    assert [message(one)["attachments"][1]["name"] for one in outcomes] == ["b"] * sends
    assert len(captured) == COUNT + 2
    assert Attachment.objects.filter(message=None).count() == 0
