"""Who is in a group, and as what: being added, joining, leaving, being removed, roles."""

from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from conversations.models import Participant
from conversations.participants import RANK, with_reads_for
from conversations.shapes import GroupShape, ParticipantShape
from conversations.system_messages import Kind
from groups.discovery import card
from groups.models import Group
from groups.moderation import check_not_banned
from groups.ownership import give, take_seat, vacate
from groups.permission import Open, Role, group_seen_as, hold, hold_as, member_of
from localroots_chat.accounts.blocks import people_to_add
from localroots_chat.accounts.models import User
from localroots_chat.accounts.people import shape_of
from localroots_chat.errors import ChatError, invalid, not_found
from localroots_chat.wire import iso

PAGE: Final = 50


def _shapes(person: User, seats: QuerySet[Participant]) -> list[ParticipantShape]:
    """The people of these seats, as this person is shown them. One query."""
    rows: Any = with_reads_for(person, seats).select_related("user").order_by("pk")  # annotated
    return [ParticipantShape(shape_of(seat.user), seat.role, seat.shown_seq, iso(seat.joined_at)) for seat in rows]


def page_of(person: User, group: str, *, after: int, limit: int) -> tuple[list[ParticipantShape], int | None]:
    """A page of the members in the order in which they first came, and where the next one begins.

    Raises ChatError `not_found` to whoever is not a member. Three queries.
    """
    talk = group_seen_as(person, group, Role.MEMBER).conversation_id
    seats = Participant.objects.filter(conversation=talk, left_at=None, pk__gt=after)
    page = list(seats.order_by("pk").values_list("pk", flat=True)[: limit + 1])
    return _shapes(person, seats.filter(pk__in=page[:limit])), page[limit - 1] if len(page) > limit else None


@transaction.atomic
def add(adder: User, group: str, user_id: str) -> tuple[ParticipantShape, bool]:
    """Brings somebody into the group, and whether that is new.

    Raises ChatError `not_found`, `forbidden`, `blocked`, `full`.
    """
    held = hold_as(adder, group, Role.MODERATOR)
    (person,) = people_to_add(adder.pk, [user_id], field="userId")
    check_not_banned(held.group, person, held.talk.now, field="userId")
    gained = held.talk.seat([person])
    if gained:
        held.talk.record(Kind.ADDED, by=adder, about=gained)
    (shape,) = _shapes(adder, held.talk.seats().filter(user=person))
    return shape, bool(gained)


@transaction.atomic
def join(person: User, group: str) -> GroupShape:
    """Goes into a public group by oneself; whoever is in it already stays.

    Raises ChatError `not_found`, also of private groups, `forbidden` to whom is banned, `full`.
    """
    found = hold(group)
    if found.group.visibility == Group.Visibility.PRIVATE and found.seat_of(person) is None:
        raise not_found("group")
    enter(found, person)
    return card(person.pk, group)


def enter(found: Open, person: User, role: str = Role.MEMBER) -> None:
    """Gives the person a seat, if they have none. Raises ChatError `forbidden`, `full`."""
    check_not_banned(found.group, person, found.talk.now)
    gained = found.talk.seat([person], role)
    if gained:
        found.talk.record(Kind.JOINED, by=person, about=gained)


@transaction.atomic
def leave(person: User, group: str, heir: str | None = None) -> None:
    """Goes. The owner says to whom the group belongs then (`heir`, a member's id); the last one closes it.

    Raises ChatError `not_found`, `forbidden` to an owner who names nobody.
    """
    held = hold_as(person, group, Role.MEMBER)
    if held.rank == RANK[Role.OWNER] and held.talk.conversation.member_count > 1:
        if heir is None:
            raise ChatError("forbidden", "The group needs an owner: hand it over first.", field="ownerId")
        give(held, heir, field="ownerId")
    vacate(held, person)
    held.talk.record(Kind.LEFT, by=person, about=[person])


@transaction.atomic
def remove(remover: User, group: str, user_id: str, *, as_staff: bool = False) -> None:
    """Puts a member of a lower rank out of the group. They may come again.

    Raises ChatError `not_found`, `forbidden`.
    """
    if user_id == remover.public_id and not as_staff:
        leave(remover, group)
        return
    held = hold_as(remover, group, Role.MODERATOR, as_staff=as_staff)
    seat = member_of(held.talk, user_id)
    held.check_above(seat.role)
    take_seat(held, seat)
    held.talk.record(Kind.REMOVED, by=held.voice, about=[seat.user])


@transaction.atomic
def set_role(owner: User, group: str, user_id: str, role: str, *, as_staff: bool = False) -> ParticipantShape:
    """Makes a member a moderator, or a moderator a member.

    Raises ChatError `not_found`, `forbidden`, `invalid_field`.
    """
    if role not in {Role.MODERATOR, Role.MEMBER}:
        raise invalid("role", "Expected MODERATOR or MEMBER. A group is handed over to its next owner.")
    held = hold_as(owner, group, Role.OWNER, as_staff=as_staff)
    seat = member_of(held.talk, user_id)
    if seat.role == Role.OWNER:
        raise ChatError("forbidden", "The group is theirs: hand it over first.", field="userId")
    if seat.role != role:
        held.talk.set_role(seat, role)
        kind = Kind.MODERATOR_MADE if role == Role.MODERATOR else Kind.MODERATOR_ENDED
        held.talk.record(kind, by=held.voice, about=[seat.user])
    (shape,) = _shapes(owner, held.talk.seats().filter(pk=seat.pk))
    return shape
