"""Changing who sits in a conversation and as what: one change, with the server's message about it.

Who may do what is the callers' business (the app groups). Whoever writes locks the conversation first, as the writer
does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from uuid_utils.compat import uuid7

from conversations import events, system_messages
from conversations.cards import card_for_all
from conversations.inbox import conversation_of
from conversations.message_rows import message_now
from conversations.models import Conversation, Message, Participant
from conversations.shapes import ConversationShape
from conversations.system_messages import Kind, text_of, versions_of
from localroots_chat.accounts.models import User
from localroots_chat.database import DatabaseNow, database_clock
from localroots_chat.errors import ChatError
from localroots_chat.gateway import publish
from localroots_chat.gateway.layer import Durable, Personal, Unseated
from localroots_chat.gateway.wiring import Change


class Talk:
    """A conversation that is locked until the transaction ends.

    Seats are given, taken and changed; `record` makes one change of it. `now` is the database's time in whole
    milliseconds.
    """

    def __init__(self, conversation: Conversation, now: datetime) -> None:
        self.conversation = conversation
        self.now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self._gained: dict[int, str] = {}  # the roles of those who have a seat since, by the person's key
        self._lost: list[int] = []

    def seats(self) -> QuerySet[Participant]:
        """The seats that people have now."""
        return Participant.objects.filter(conversation=self.conversation, left_at=None)

    def seat(self, people: Sequence[User], role: str = Participant.Role.MEMBER) -> list[User]:
        """Gives those of these people a seat who have none; returns them. Raises ChatError `full`.

        They have read everything that was said before. Three queries at most.
        """
        known = Participant.objects.filter(conversation=self.conversation, user__in=people)
        held = {seat.user_id: seat.left_at is None for seat in known}
        gained = [person for person in people if not held.get(person.pk, False)]
        if self.conversation.member_count + len(gained) > settings.CHAT_GROUP_MEMBERS:
            raise ChatError("full", f"A group has at most {settings.CHAT_GROUP_MEMBERS:,} members.")
        fresh = {"role": role, "last_read_seq": self.conversation.last_seq + 1}  # with the message about it
        new = [person for person in gained if person.pk not in held]
        Participant.objects.bulk_create(Participant(conversation=self.conversation, user=one, **fresh) for one in new)
        if len(new) < len(gained):
            back = [person.pk for person in gained if person.pk in held]
            Participant.objects.filter(conversation=self.conversation, user__in=back).update(
                **fresh, left_at=None, joined_at=DatabaseNow(), changed_at=DatabaseNow()
            )
        self.conversation.member_count += len(gained)
        self._gained |= {person.pk: role for person in gained}
        return gained

    def unseat(self, seats: QuerySet[Participant]) -> None:
        """Takes these seats, which their people have now. Two queries."""
        people = list(seats.values_list("user", flat=True))
        seats.update(role=Participant.Role.MEMBER, left_at=DatabaseNow(), changed_at=DatabaseNow())
        self.conversation.member_count -= len(people)
        self._lost += people

    def set_role(self, seat: Participant, role: str) -> None:
        """Gives this seat another role. One query."""
        seat.role, seat.changed_at = role, DatabaseNow()
        seat.save(update_fields=["role", "changed_at"])

    def silence(self, seat: Participant, until: datetime | None) -> None:
        """Lets this member only read until then; None: no longer. They are told when it is committed. One query, and
        the conversation as they see it."""
        self.seats().filter(pk=seat.pk).update(silenced_until=until, changed_at=DatabaseNow())
        shape = conversation_of(seat.user_id, self.conversation.pk)
        publish.on_commit(Personal(seat.user_id, events.conversation_new(shape)))

    def record(self, kind: Kind, *, by: User, about: Sequence[User] = (), said: str = "") -> None:
        """Makes the change: the message, the conversation's next version, and the news when it is committed.

        Four queries, and the conversation as new members see it.
        """
        conversation = self.conversation
        first = conversation.version
        conversation.version += versions_of(kind, len(about))
        conversation.last_seq += 1
        conversation.meta_version = conversation.version
        message = self._say(kind, by, about, said)
        conversation.updated_at, conversation.changed_at = self.now, DatabaseNow()
        conversation.save(
            update_fields=["version", "last_seq", "meta_version", "member_count", "updated_at", "changed_at"]
        )
        card = card_for_all(conversation.pk)
        changes = system_messages.changes(message_now(by.pk, message.pk), card, prev=first)
        if kind is Kind.CREATED:
            tell = partial(_tell_created, self._shapes(), changes)
        else:
            tell = partial(_tell, self._shapes(), self._lost, changes, conversation)
        transaction.on_commit(tell, robust=True)
        self._gained, self._lost = {}, []

    def _say(self, kind: Kind, by: User, about: Sequence[User], said: str) -> Message:
        shown = about[:1] if kind is Kind.OWNER_CHANGED else about
        return Message.objects.create(
            id=uuid7(),
            conversation=self.conversation,
            sender=by,
            seq=self.conversation.last_seq,
            version=self.conversation.version,
            type=Message.Type.SYSTEM,
            content=text_of(kind, by.name, ", ".join(person.name for person in shown), said),
            system={"kind": kind, "userIds": [person.public_id for person in about]},
            created_at=self.now,
            updated_at=self.now,
        )

    def _shapes(self) -> Mapping[int, ConversationShape]:
        """The conversation as each new member sees it: they differ in nothing but their role."""
        if not self._gained:
            return {}
        one = conversation_of(next(iter(self._gained)), self.conversation.pk)
        return {
            person: msgspec.structs.replace(one, group=one.group and msgspec.structs.replace(one.group, my_role=role))
            for person, role in self._gained.items()
        }


def _tell(
    gained: Mapping[int, ConversationShape], lost: Sequence[int], changes: Sequence[Change], left: Conversation
) -> None:
    """New members first, so that they hear the change that made them some; who has gone hears that and nothing else."""
    at, topic, prev = database_clock(), str(left.pk), changes[0].prev
    came = (events.conversation_gained(person, shape, at) for person, shape in gained.items())
    gone = events.conversation_gone(topic)
    publish.on_commit(
        *(msgspec.structs.replace(item, version=prev, seq=item.seq - 1) for item in came),
        *(Unseated(person, topic, at, gone, left.member_count) for person in lost),
        Durable(topic, [*changes]),
    )


def _tell_created(gained: Mapping[int, ConversationShape], changes: Sequence[Change]) -> None:
    """Everybody is given all of it by name; nobody else could hear it."""
    at, prev = database_clock(), changes[0].prev
    publish.on_commit(
        *(Personal(person, events.group_created(shape, prev)) for person, shape in gained.items()),
        *(events.conversation_gained(person, shape, at) for person, shape in gained.items()),
    )


def hold(conversation: Any) -> Talk:
    """Locks the one conversation of this query set. To be called in a transaction. Raises Conversation.DoesNotExist.

    One query.
    """
    found = conversation.select_for_update(no_key=True, of=("self",)).annotate(now=DatabaseNow()).get()
    return Talk(found, found.now)
