"""manage.py loadtest_fixture: fills an empty database with what load tests talk about."""

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, TypeVar

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from conversations.direct import direct_key
from conversations.models import Conversation, Message, Participant
from groups.models import Group
from localroots_chat.accounts.models import User

M = TypeVar("M", bound=models.Model)

PEOPLE: Final = 5000
GROUP_MEMBERS: Final = 2000
GROUP_MESSAGES: Final = 100_000
NEWEST_READ_BY_FEW: Final = 500
FEW: Final = 20
MORE_OF_FIRST: Final = 200
MESSAGES_EACH: Final = 100
_BATCH: Final = 2000


class Command(BaseCommand):
    """Prints {"group": conversation id, "pairs": [conversation ids]} on standard output, progress on standard error."""

    help = "Fills an empty database with 5,000 people, a group of 2,000 with 100,000 messages, and 2,700 pairs."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.exists():
            raise CommandError("The database must be empty (migrated, but without people).")
        self.now = timezone.now()
        people = self._people()
        group = self._group(people)
        pairs = self._directs("pairs", [(people[i], people[i + 1]) for i in range(0, PEOPLE, 2)], messages=0)
        more = [(people[0], people[i + 10]) for i in range(MORE_OF_FIRST)]
        self._directs("conversations of u0", more, messages=MESSAGES_EACH)
        self.stdout.write(json.dumps({"group": str(group.id), "pairs": [str(pair.id) for pair in pairs]}))

    def _people(self) -> list[User]:
        rows = (User(public_id=f"u{i}", name=f"User {i}", password=UNUSABLE_PASSWORD_PREFIX) for i in range(PEOPLE))
        return self._create("people", User, rows, PEOPLE)

    def _group(self, people: list[User]) -> Conversation:
        last = GROUP_MESSAGES
        conversation = Conversation.objects.create(
            type=Conversation.Type.GROUP,
            member_count=GROUP_MEMBERS,
            last_seq=last,
            version=last,
            updated_at=self.now,
        )
        Group.objects.create(
            conversation=conversation,
            name="Valley food share",
            description="Share surplus",
            category=Group.Category.FOOD_SHARE,
            created_by=people[0],
        )
        seats = (
            Participant(
                conversation=conversation,
                user=people[i],
                role=Participant.Role.MEMBER if i else Participant.Role.OWNER,
                last_read_seq=last if i < FEW else last - NEWEST_READ_BY_FEW,
            )
            for i in range(GROUP_MEMBERS)
        )
        self._create("members", Participant, seats, GROUP_MEMBERS)
        messages = (
            self._message(
                conversation,
                people[seq % GROUP_MEMBERS],
                seq,
                f"message number {seq} about tomatoes and eggs",
                self.now - timedelta(seconds=last + 1 - seq),
            )
            for seq in range(1, last + 1)
        )
        self._create("messages of the group", Message, messages, last)
        return conversation

    def _directs(self, what: str, pairs: list[tuple[User, User]], *, messages: int) -> list[Conversation]:
        rows = [
            Conversation(
                type=Conversation.Type.DIRECT,
                direct_key=direct_key(one.pk, other.pk),
                member_count=2,
                last_seq=messages,
                version=messages,
                updated_at=self.now - timedelta(seconds=number),
            )
            for number, (one, other) in enumerate(pairs)
        ]
        conversations = self._create(what, Conversation, rows, len(rows))
        seats = (
            Participant(conversation=conversation, user=user, last_read_seq=messages)
            for conversation, pair in zip(conversations, pairs, strict=True)
            for user in pair
        )
        self._create(f"seats of {what}", Participant, seats, 2 * len(pairs))
        texts = (
            self._message(
                conversation, pair[0], seq, f"message number {seq}", self.now - timedelta(minutes=messages - seq)
            )
            for conversation, pair in zip(conversations, pairs, strict=True)
            for seq in range(1, messages + 1)
        )
        if messages:
            self._create(f"messages of {what}", Message, texts, messages * len(pairs))
        return conversations

    def _message(self, conversation: Conversation, sender: User, seq: int, content: str, at: datetime) -> Message:
        return Message(
            id=uuid7(),
            conversation=conversation,
            sender=sender,
            seq=seq,
            version=seq,
            content=content,
            created_at=at,
            updated_at=at,
        )

    def _create(self, what: str, model: type[M], rows: Iterable[M], total: int) -> list[M]:
        made: list[M] = []
        for batch in _batches(iter(rows)):
            made += model._default_manager.bulk_create(batch)
            self.stderr.write(f"\r{what}: {len(made):,} of {total:,}", ending="")
            sys.stderr.flush()
        self.stderr.write("")
        return made


def _batches(rows: Iterator[M]) -> Iterator[list[M]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
