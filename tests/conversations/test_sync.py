"""Resuming: what has changed since a client's versions, whole, bounded, and nothing about what one may not see."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations import sync as syncing
from conversations.edits import delete, edit
from conversations.epochs import begin_epoch, epoch
from conversations.models import Conversation, Participant
from conversations.reactions import react
from conversations.reads import mark_read
from conversations.sync import SyncRequest, sync
from localroots_chat.accounts.models import User
from localroots_chat.database import DatabaseNow
from localroots_chat.errors import ChatError
from tests.conversations.conftest import make_direct, say

QUERIES = 16


def resume(user: User, cursors: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = msgspec.to_builtins(sync(user.pk, SyncRequest(cursors, **fields)))
    return answer


def contents(answer: dict[str, Any], talk: Conversation) -> list[str]:
    return [message["content"] for message in answer["changes"].get(str(talk.id), [])]


def test_who_lacks_nothing_is_told_nothing(alice: User, bob: User, talk: Conversation) -> None:
    say(bob, talk, "one", "two")
    answer = resume(alice, {str(talk.id): 2})
    for name in ("heads", "changes", "conversations", "more", "gone", "reset", "new"):
        assert not answer[name], name
    assert answer["epoch"] == epoch()
    assert answer["listStale"] is False


def test_ten_quiet_conversations_resume_in_less_than_a_kilobyte(alice: User) -> None:
    quiet = [make_direct(alice, User.objects.create(public_id=f"quiet-{number}")) for number in range(10)]
    cursors = {str(talk.id): [0, 0] for talk in quiet}
    asked = json.dumps({"event": "sync", "data": {"cursors": cursors, "epoch": epoch()}}, separators=(",", ":"))
    answer = msgspec.json.encode(sync(alice.pk, SyncRequest(cursors, epoch=epoch())))
    assert len(asked) + len(answer) < 1024


def test_what_was_missed_comes_in_the_order_of_versions(alice: User, bob: User, talk: Conversation) -> None:
    one, two, _ = say(bob, talk, "one", "two", "three")
    edit(editor=bob.pk, message=str(one.id), content="one, better")
    react(person=alice.pk, message=str(two.id), emoji="👍")
    answer = resume(alice, {str(talk.id): 2})
    assert contents(answer, talk) == ["three", "one, better", "two"]
    assert [message["version"] for message in answer["changes"][str(talk.id)]] == [3, 4, 5]
    assert answer["changes"][str(talk.id)][2]["reactions"] == [{"emoji": "👍", "count": 1, "mine": True}]
    head = answer["heads"][str(talk.id)]
    assert (head["version"], head["firstSeq"], head["lastSeq"]) == (5, 1, 3)
    assert (head["lastReadSeq"], head["unreadCount"]) == (0, 3)


def test_a_long_absence_costs_one_row_a_message(alice: User, bob: User, talk: Conversation) -> None:
    (one,) = say(bob, talk, "one")
    for number in range(20):
        edit(editor=bob.pk, message=str(one.id), content=f"one, {number}")
    delete(person=bob.pk, message=str(one.id))
    (message,) = resume(alice, {str(talk.id): 0})["changes"][str(talk.id)]
    assert (message["version"], message["content"]) == (22, "")
    assert message["deletedAt"] is not None


def test_only_a_read_pointer_moved(alice: User, bob: User, talk: Conversation) -> None:
    (one,) = say(bob, talk, "one")
    mark_read(reader=alice, conversation=str(talk.id), message=str(one.id))
    assert not resume(alice, {str(talk.id): 1})["heads"], "who did not say what they hold is not told"
    assert not resume(alice, {str(talk.id): [1, 1]})["heads"]
    head = resume(alice, {str(talk.id): [1, 0]})["heads"][str(talk.id)]
    assert (head["lastReadSeq"], head["unreadCount"]) == (1, 0)


def test_heads_say_how_far_the_others_have_read(alice: User, bob: User, talk: Conversation) -> None:
    (one,) = say(alice, talk, "one")
    mark_read(reader=bob, conversation=str(talk.id), message=str(one.id))
    assert resume(alice, {str(talk.id): 0})["heads"][str(talk.id)]["reads"] == {"bob": 1}
    User.objects.filter(pk=bob.pk).update(receipts=False)
    assert resume(alice, {str(talk.id): 0})["heads"][str(talk.id)]["reads"] == {}
    User.objects.update(receipts=True)
    User.objects.filter(pk=alice.pk).update(receipts=False)
    assert "reads" not in resume(alice, {str(talk.id): 0})["heads"][str(talk.id)]
    User.objects.update(receipts=True)
    Conversation.objects.update(member_count=51)
    assert "reads" not in resume(alice, {str(talk.id): 0})["heads"][str(talk.id)]


@pytest.mark.parametrize("lost", ["foreign", "left", "unknown", "no id", "capitals"])
def test_what_one_may_not_see_is_gone(lost: str, alice: User, bob: User, mallory: User, talk: Conversation) -> None:
    say(bob, talk, "secret")
    asked = {
        "foreign": str(make_direct(bob, mallory).id),
        "left": str(talk.id),
        "unknown": str(uuid.uuid4()),
        "no id": "' OR 1=1 --",
        "capitals": str(talk.id).upper(),
    }[lost]
    if lost == "left":
        Participant.objects.filter(user=alice).update(left_at=DatabaseNow())
    answer = resume(alice, {asked: 0})
    assert answer["gone"] == [asked]
    assert not any(answer[name] for name in ("heads", "changes", "conversations", "more", "reset", "new"))


def test_a_cursor_that_cannot_be_brought_up_to_date_is_reset(alice: User, bob: User, talk: Conversation) -> None:
    say(bob, talk, "one", "two")
    assert resume(alice, {str(talk.id): 3})["reset"] == [str(talk.id)], "ahead of the head"
    Conversation.objects.update(version=503)
    assert resume(alice, {str(talk.id): 2})["reset"] == [str(talk.id)], "501 behind"
    assert resume(alice, {str(talk.id): 3})["reset"] == []


def test_another_epoch_resets_everything(alice: User, bob: User, mallory: User, talk: Conversation) -> None:
    say(bob, talk, "one")
    before = epoch()
    begin_epoch(before)
    foreign = str(make_direct(bob, mallory).id)
    answer = resume(alice, {str(talk.id): 1, foreign: 1}, epoch=before)
    assert (answer["reset"], answer["gone"], answer["listStale"]) == ([str(talk.id)], [foreign], True)
    assert answer["epoch"] == epoch() != before
    assert not resume(alice, {str(talk.id): 1}, epoch=epoch())["reset"]


def test_pages_end_after_a_hundred_messages(alice: User, bob: User, talk: Conversation) -> None:
    other = make_direct(alice, User.objects.create(public_id="carol"))
    say(bob, talk, *(f"{number}" for number in range(130)))
    say(alice, other, "elsewhere")
    held = {str(talk.id): 0, str(other.id): 0}
    seen: dict[str, list[int]] = {key: [] for key in held}
    pages = 0
    while True:
        answer = resume(alice, held)
        pages += 1
        assert sum(len(changes) for changes in answer["changes"].values()) <= 100
        for key, changes in answer["changes"].items():
            seen[key] += [message["seq"] for message in changes]
        for key, head in answer["heads"].items():
            if key not in answer["more"]:
                held[key] = head["version"]
            elif key in answer["changes"]:
                held[key] = answer["changes"][key][-1]["version"]
        if not answer["more"]:
            break
    assert pages == 2
    assert seen == {str(talk.id): list(range(1, 131)), str(other.id): [1]}


def test_pages_end_at_128_kilobytes(alice: User, bob: User, talk: Conversation) -> None:
    say(bob, talk, *("🥕" * 4000 for _ in range(12)))
    answer = resume(alice, {str(talk.id): 0})
    assert answer["more"] == [str(talk.id)]
    assert 1 <= len(answer["changes"][str(talk.id)]) < 12
    assert len(msgspec.json.encode(answer["changes"])) <= syncing.BYTES_MOST + 1000


def test_a_message_larger_than_a_page_still_comes(
    alice: User, bob: User, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(bob, talk, "one", "two")
    monkeypatch.setattr(syncing, "BYTES_MOST", 10)
    assert contents(resume(alice, {str(talk.id): 0}), talk) == ["one"]
    assert contents(resume(alice, {str(talk.id): 1}), talk) == ["two"]


def test_settings_that_changed_bring_the_whole_conversation(alice: User, bob: User, talk: Conversation) -> None:
    say(bob, talk, "one", "two")
    Conversation.objects.update(meta_version=2)
    assert [one["id"] for one in resume(alice, {str(talk.id): 1})["conversations"]] == [str(talk.id)]
    assert not resume(alice, {str(talk.id): 2})["conversations"]


def test_what_was_gained_since_comes_whole(alice: User, bob: User, talk: Conversation) -> None:
    since = resume(alice, {})["serverTime"]
    Participant.objects.filter(conversation=talk).update(changed_at=_moved(since, -3600))
    Conversation.objects.filter(pk=talk.pk).update(changed_at=_moved(since, -3600))
    carol = User.objects.create(public_id="carol")
    gained = make_direct(alice, carol)
    answer = resume(alice, {}, since=since)
    assert [one["id"] for one in answer["new"]] == [str(gained.id)]
    assert answer["listStale"] is False
    assert not resume(alice, {str(gained.id): 0}, since=since)["new"]
    say(bob, talk, "in a conversation that the client does not ask about")
    assert resume(alice, {str(gained.id): 0}, since=since)["listStale"] is True


def test_more_than_fifty_gained_make_the_list_stale(alice: User) -> None:
    since = resume(alice, {})["serverTime"]
    for number in range(51):
        make_direct(alice, User.objects.create(public_id=f"new-{number}"))
    answer = resume(alice, {}, since=since)
    assert (len(answer["new"]), answer["listStale"]) == (50, True)


def _moved(since: str, seconds: float) -> datetime:
    return datetime.fromisoformat(since) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "cursor", [-1, 1.5, 1.0, True, None, "1", [], [1, 2, 3], [1, -1], [1, None], {}, 2**53 + 1, 10**400]
)
def test_a_cursor_that_is_none_is_refused(cursor: Any, alice: User, talk: Conversation) -> None:
    with pytest.raises(ChatError) as refused:
        resume(alice, {str(talk.id): cursor})
    assert refused.value.code == "cursor_invalid"
    assert refused.value.field == f"cursors.{talk.id}"


@pytest.mark.parametrize(
    "since", ["yesterday", "", "9999999999", "2026-13-01T00:00:00Z", "2026-11-01T00:00:00", "0001-01-01T00:00:00+23:59"]
)
def test_a_since_that_is_none_is_refused(since: str, alice: User) -> None:
    with pytest.raises(ChatError) as refused:
        resume(alice, {}, since=since)
    assert (refused.value.code, refused.value.field) == ("invalid_field", "since")


def test_more_than_500_conversations_are_refused(alice: User) -> None:
    assert len(resume(alice, {str(uuid.uuid4()): 0 for _ in range(500)})["gone"]) == 500
    with pytest.raises(ChatError) as refused:
        resume(alice, {str(uuid.uuid4()): 0 for _ in range(501)})
    assert (refused.value.code, refused.value.field) == ("invalid_field", "cursors")


@pytest.mark.parametrize("talks", [1, 30])
def test_resuming_takes_a_stated_number_of_queries(talks: int, alice: User) -> None:
    cursors = {}
    since = resume(alice, {})["serverTime"]
    for number in range(talks):
        other = User.objects.create(public_id=f"other-{number}")
        talk = make_direct(alice, other)
        (one,) = say(other, talk, "hello")
        react(person=alice.pk, message=str(one.id), emoji="👍")
        cursors[str(talk.id)] = [0, 0]
        make_direct(alice, User.objects.create(public_id=f"new-{number}"))
    Conversation.objects.filter(version=2).update(meta_version=2)
    with CaptureQueriesContext(connection) as captured:
        answer = resume(alice, cursors, since=since)
    assert answer["new"]
    assert len(answer["conversations"]) == talks
    assert len(captured) <= QUERIES, [query["sql"][:80] for query in captured]
