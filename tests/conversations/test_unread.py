"""Unread counts against counting by hand, whatever people do: the model keeps nothing but pointers and blocks.

`make test` takes some hundred steps; UNREAD_EXAMPLES=200 makes them 10,000 (fifty in each example).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from conversations import blocking, edits, inbox, muting, reactions, reads
from conversations.models import Conversation, Message
from conversations.participants import sitting
from conversations.sends import Stored
from conversations.sync import SyncRequest, sync
from groups import lifecycle, members
from groups.lifecycle import GroupChanges, NewGroup
from localroots_chat.accounts.models import User
from localroots_chat.errors import ChatError
from tests.conversations.conftest import make_direct, make_send, store

EXAMPLES = int(os.environ.get("UNREAD_EXAMPLES", "12"))
STEPS: Final = 50
PEOPLE: Final = ("ann", "ben", "carl")
Seat = tuple[str, str]


class Step(NamedTuple):
    """What somebody does; `back` is a message, from the newest one back. Each kind of step uses what it needs."""

    kind: str
    who: str
    whom: str
    where: str
    back: int


# Some happen more often than others.
KINDS: Final = ["send"] * 6 + ["read", "delete"] * 3 + ["edit", "react", "rename", "mute", "unmute"]
KINDS_OF_PEOPLE: Final = ["block", "unblock", "leave", "join", "join"]
steps = st.builds(
    Step,
    kind=st.sampled_from(KINDS + KINDS_OF_PEOPLE),
    who=st.sampled_from(PEOPLE),
    whom=st.sampled_from(PEOPLE),
    where=st.sampled_from(("group", "direct")),
    back=st.integers(min_value=0, max_value=12),
)


@contextmanager
def refusable() -> Iterator[None]:
    """What is refused changes nothing."""
    try:
        with transaction.atomic():
            yield
    except ChatError:
        pass


class Town:
    """Three people with a group, and two of them with a direct conversation."""

    def __init__(self) -> None:
        self.people = {name: User.objects.create(public_id=f"{name}-{uuid7()}", name=name) for name in PEOPLE}
        self.blocked: set[tuple[str, str]] = set()
        ann, ben, carl = self.people.values()
        asked = NewGroup(name="Eggs", category="TIPS", member_ids=[ben.public_id, carl.public_id])
        self.group = lifecycle.create(ann, asked, uuid7())
        self.talks = {
            "group": Conversation.objects.get(pk=self.group.conversation_id),
            "direct": make_direct(ann, ben),
        }
        self.pointers = {("group", name): 1 for name in PEOPLE} | {("direct", name): 0 for name in ("ann", "ben")}
        self.done = 0

    def take(self, step: Step) -> None:
        with refusable():
            getattr(self, step.kind)(step)
            self.done += 1

    def message(self, step: Step) -> Message:
        found = Message.objects.filter(conversation=self.talks[step.where]).order_by("-seq")[step.back :].first()
        if found is None:
            raise ChatError("not_found", "There are not as many.")
        return found

    # What people do

    def send(self, step: Step) -> None:
        (outcome,) = store(make_send(self.people[step.who], self.talks[step.where], "hello"))
        if not isinstance(outcome, Stored):
            assert isinstance(outcome, ChatError)
            raise outcome

    def read(self, step: Step) -> None:
        message, seat = self.message(step), (step.where, step.who)
        answer = reads.mark_read(
            reader=self.people[step.who], conversation=str(self.talks[step.where].pk), message=str(message.pk)
        )
        self.pointers[seat] = max(self.pointers[seat], message.seq)
        assert (answer.last_read_seq, answer.unread_count) == (self.pointers[seat], self.counted(*seat))

    def edit(self, step: Step) -> None:
        edits.edit(editor=self.people[step.who].pk, message=str(self.message(step).pk), content="hello again")

    def delete(self, step: Step) -> None:
        message = self.message(step)
        edits.delete(person=message.sender_id, message=str(message.pk))

    def react(self, step: Step) -> None:
        reactions.react(person=self.people[step.who].pk, message=str(self.message(step).pk), emoji="🥕")

    def block(self, step: Step) -> None:
        blocking.block(self.people[step.who], self.people[step.whom].public_id)
        self.blocked.add((step.who, step.whom))

    def unblock(self, step: Step) -> None:
        blocking.unblock(self.people[step.who], self.people[step.whom].public_id)
        self.blocked.discard((step.who, step.whom))

    def leave(self, step: Step) -> None:
        heir = self.people[step.whom].public_id
        members.leave(self.people[step.who], self.group.id, heir)
        del self.pointers["group", step.who]

    def join(self, step: Step) -> None:
        members.join(self.people[step.who], self.group.id)
        self.talks["group"].refresh_from_db()
        self.pointers.setdefault(("group", step.who), self.talks["group"].last_seq)

    def rename(self, step: Step) -> None:
        lifecycle.update(self.people[step.who], self.group.id, GroupChanges(name=f"Eggs {step.back}"))

    def mute(self, step: Step) -> None:
        muting.mute(self.people[step.who].pk, str(self.talks[step.where].pk), muted=True)

    def unmute(self, step: Step) -> None:
        muting.mute(self.people[step.who].pk, str(self.talks[step.where].pk), muted=False)

    # What is said to be unread

    def counted(self, where: str, who: str) -> int:
        return sum(
            message.seq > self.pointers[where, who]
            and message.sender_id != self.people[who].pk
            and message.type != "SYSTEM"
            and message.deleted_at is None
            and not any(self.people[whom].pk == message.sender_id for me, whom in self.blocked if me == who)
            for message in Message.objects.filter(conversation=self.talks[where])
        )

    def check(self) -> None:
        """The list, the heads of sync and the welcome's totals all say what is counted by hand."""
        sat = sitting([user.pk for user in self.people.values()])
        for name, user in self.people.items():
            wanted = {
                str(self.talks[where].pk): self.counted(where, name) for where, who in self.pointers if who == name
            }
            listed, _ = inbox.conversations_of(user.pk, after=None, limit=50)
            assert {shape.id: shape.unread_count for shape in listed} == wanted
            answer = sync(user.pk, SyncRequest({key: [0, 2**50] for key in wanted}))
            heads = {key: head.unread_count for key, head in answer.heads.items()}
            assert heads == {key: count for key, count in wanted.items() if key not in answer.reset}  # after a block
            muted = [shape.id for shape in listed if shape.muted]
            if wanted:
                told = sat[user.pk].unread
                assert (told.total, told.muted) == (sum(wanted.values()), sum(wanted[key] for key in muted))


@pytest.mark.django_db
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(steps, min_size=STEPS, max_size=STEPS))
def test_unread_is_what_one_counts_by_hand(taken: list[Step]) -> None:
    with transaction.atomic():
        town = Town()
        for step in taken:
            town.take(step)
            town.check()
        assert town.done > STEPS / 4
        transaction.set_rollback(True)
