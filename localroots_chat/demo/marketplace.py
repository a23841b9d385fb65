"""Puts the demo's people and talks into the database: all of them in one transaction, or nothing.

The rows are made straight, since the past cannot be sent through the doors; they are what the doors would have left.
"""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q
from uuid_utils.compat import uuid7

from conversations import reports
from conversations.direct import direct_key
from conversations.models import Conversation, Message, Participant, ReadReceipt
from groups.models import Group
from localroots_chat.accounts.models import User
from localroots_chat.demo.clock import machine_zone, moments
from localroots_chat.demo.communities import COMMUNITIES, OFF_TOPIC
from localroots_chat.demo.directs import DIRECTS
from localroots_chat.demo.people import BY_USERNAME, PASSWORD, PEOPLE, STAFF
from localroots_chat.demo.talks import Community, Direct

Talk = Direct | Community

_HERE_SINCE: Final = timedelta(days=60)
_OPENED_BEFORE: Final = timedelta(minutes=3)
# Less than lines are apart (clock.py), more than half a minute between two reads: a later one would be the same
# move of the pointer gone on (conversations/reads.py).
_READ_BEFORE_ANSWERING: Final = timedelta(seconds=20)
_READ_AFTER: Final = timedelta(seconds=30)


def names_taken() -> set[str]:
    """Which of the demo's user names somebody has here already."""
    ids = {one.public_id: one.username for one in PEOPLE}
    found = User.objects.filter(Q(username__in=BY_USERNAME) | Q(public_id__in=ids)).values_list("username", "public_id")
    return {username if username in BY_USERNAME else ids[public_id] for username, public_id in found}


@transaction.atomic
def fill() -> None:
    """Makes the people and everything they have said. None of their names may be taken."""
    now = datetime.now(machine_zone())
    people = _make_people(now)
    rows = _Rows(people, now)
    for direct in DIRECTS:
        rows.add_direct(direct)
    for community in COMMUNITIES:
        rows.add_community(community)
    rows.store()
    _report(people)


def _report(people: dict[str, User]) -> None:
    """Something for the admin's queue: two people find that one of them writes too much."""
    message = str(Message.objects.get(content=OFF_TOPIC).pk)
    said = {"ines": "The third group in which I read it.", "samir": ""}
    for reporter, note in said.items():
        reports.report(people[reporter], reports.NewReport("message", message, "SPAM", note))


def _make_people(now: datetime) -> dict[str, User]:
    password = make_password(PASSWORD)  # once: a good hash is slow on purpose
    made = User.objects.bulk_create(
        User(
            username=one.username,
            password=password,
            public_id=one.public_id,
            name=one.name,
            role=one.role,
            image=one.image,
            created_at=now - _HERE_SINCE + timedelta(hours=number),
        )
        for number, one in enumerate(PEOPLE)
    )
    if not User.objects.filter(username=STAFF).exists():
        User.objects.create(username=STAFF, password=password, name="Admin", is_staff=True, is_superuser=True)
    return {user.username or "": user for user in made}


class _Said(NamedTuple):
    """A line with its time; `sitting` tells which lines were said in one go."""

    who: str
    at: datetime
    seq: int
    sitting: int


class _Rows:
    """The rows of all talks, gathered to be stored at once."""

    def __init__(self, people: dict[str, User], now: datetime) -> None:
        self._people, self._now = people, now
        self._conversations: list[Conversation] = []
        self._groups: list[Group] = []
        self._seats: list[Participant] = []
        self._messages: list[Message] = []
        self._receipts: list[ReadReceipt] = []

    def add_direct(self, direct: Direct) -> None:
        one, other = (self._people[name].pk for name in direct.between)
        conversation = Conversation(type=Conversation.Type.DIRECT, direct_key=direct_key(one, other))
        self._add_talk(direct, conversation, {})

    def add_community(self, community: Community) -> None:
        conversation = Conversation(type=Conversation.Type.GROUP)
        roles = dict.fromkeys(community.moderators, Participant.Role.MODERATOR)
        self._add_talk(community, conversation, {**roles, community.owner: Participant.Role.OWNER})
        self._groups.append(
            Group(
                conversation=conversation,
                name=community.name,
                description=community.description,
                category=community.category,
                visibility=community.visibility,
                created_by=self._people[community.owner],
                created_at=conversation.created_at,
                updated_at=conversation.created_at,
            )
        )

    def store(self) -> None:
        """Writes them, in the order in which they refer to each other."""
        Conversation.objects.bulk_create(self._conversations)
        Group.objects.bulk_create(self._groups)
        Participant.objects.bulk_create(self._seats)
        Message.objects.bulk_create(self._messages)
        ReadReceipt.objects.bulk_create(self._receipts)

    def _add_talk(self, talk: Talk, conversation: Conversation, roles: dict[str, Participant.Role]) -> None:
        said = list(_said(talk, self._now))
        conversation.created_at = said[0].at - _OPENED_BEFORE
        conversation.updated_at = conversation.changed_at = said[-1].at
        conversation.last_seq = conversation.version = len(said)
        conversation.member_count = len(talk.members)
        self._conversations.append(conversation)
        messages = self._add_messages(talk, conversation, said)
        for member in talk.members:
            role = roles.get(member, Participant.Role.MEMBER)
            self._add_seat(talk, conversation, member, role, said, messages)

    def _add_messages(self, talk: Talk, conversation: Conversation, said: Sequence[_Said]) -> list[Message]:
        lines = [line for sitting in talk.sittings for line in sitting.lines]
        messages: list[Message] = []
        for line, one in zip(lines, said, strict=True):
            messages.append(
                Message(
                    id=_id_at(one.at),
                    conversation=conversation,
                    sender=self._people[one.who],
                    seq=one.seq,
                    version=one.seq,
                    content=line.text,
                    reply_to=messages[-line.answers] if line.answers else None,
                    created_at=one.at,
                    updated_at=one.at,
                )
            )
        self._messages += messages
        return messages

    def _add_seat(
        self,
        talk: Talk,
        conversation: Conversation,
        member: str,
        role: Participant.Role,
        said: Sequence[_Said],
        messages: Sequence[Message],
    ) -> None:
        reader = self._people[member]
        receipts = [
            ReadReceipt(conversation=conversation, reader=reader, message=messages[seq - 1], seq=seq, read_at=read_at)
            for seq, read_at in _reads(member, said, upto=len(said) - talk.behind.get(member, 0))
        ]
        self._receipts += receipts
        self._seats.append(
            Participant(
                conversation=conversation,
                user=reader,
                role=role,
                last_read_seq=receipts[-1].seq if receipts else 0,
                muted=member in talk.muted_by,
                joined_at=conversation.created_at,
            )
        )


def _id_at(moment: datetime) -> uuid.UUID:
    """An id as it would have been made then: ids grow with time, and search goes by them (RFC 9562 §5.7)."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80 | uuid7().int & (1 << 80) - 1)


def _said(talk: Talk, now: datetime) -> Iterator[_Said]:
    seq = 0
    for number, sitting in enumerate(talk.sittings):
        for line, at in zip(sitting.lines, moments(sitting, now), strict=True):
            seq += 1
            yield _Said(line.who, at, seq, number)


def _reads(reader: str, said: Sequence[_Said], *, upto: int) -> Iterator[tuple[int, datetime]]:
    """The moves of the reader's pointer: before an answer of their own, and when a sitting is over.

    The pointer stands at what others wrote: to write moves nothing, as in the product.
    """
    seen = said[:upto]
    unread: _Said | None = None
    for one, following in pairwise([*seen, None]):
        if one is None:
            return
        if one.who != reader:
            unread = one
        elif unread is not None:
            yield unread.seq, one.at - _READ_BEFORE_ANSWERING
            unread = None
        if unread is not None and (following is None or following.sitting != one.sitting):
            yield unread.seq, unread.at + _READ_AFTER
            unread = None
