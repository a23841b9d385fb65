"""Keeping order in a group: who must stay out, who may only read, until when and why."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from django.db import transaction
from django.db.models import Q, QuerySet

from conversations.models import Case
from conversations.system_messages import Kind
from groups.models import Group, Sanction
from groups.ownership import take_seat
from groups.permission import Held, Role, group_seen_as, hold_as, member_of
from localroots_chat.accounts.models import User
from localroots_chat.accounts.people import UserShape, shape_of
from localroots_chat.accounts.tokens import is_person_id
from localroots_chat.database import DatabaseNow
from localroots_chat.errors import ChatError, invalid, not_found
from localroots_chat.wire import Id, PersonId, Time, is_text, iso, moment_of

REASON_MOST: Final = 500


class Sentence(msgspec.Struct, rename="camel"):
    """{userId, reason?, until?}: no end means until it is lifted."""

    user_id: PersonId
    reason: str = ""
    until: Time | None = None


class ReportedShape(msgspec.Struct, rename="camel"):
    """A message of the group that people have reported, as it was then: what moderators see of it. By whom is nobody's
    business but that of the staff."""

    message_id: Id | None
    user: UserShape
    content: str
    reasons: dict[str, int]
    reports: int
    reported_at: Time


class SanctionShape(msgspec.Struct, rename="camel"):
    """Somebody who must stay out, or may only read, as the moderators see it."""

    user: UserShape
    reason: str
    until: Time | None
    imposed_by: UserShape
    imposed_at: Time


@transaction.atomic
def ban(moderator: User, group: str, asked: Sentence, *, as_staff: bool = False) -> SanctionShape:
    """Puts somebody out of the group, who need not be in it, and keeps them out. A second time, it changes the end.

    Raises ChatError `not_found`, `forbidden`, `invalid_field`.
    """
    held = hold_as(moderator, group, Role.MODERATOR, as_staff=as_staff)
    person = _subject(held, asked.user_id)
    row = _impose(held, person, Sanction.Kind.BAN, asked)
    seat = held.talk.seats().filter(user=person).select_related("user").first()
    if seat is not None:
        take_seat(held, seat)
        held.talk.record(Kind.BANNED, by=held.voice, about=[person])
    return shape_of_sanction(row)


@transaction.atomic
def silence(moderator: User, group: str, asked: Sentence) -> SanctionShape:
    """Lets a member only read, until the time given. Leaving and coming back does not end it.

    Raises ChatError `not_found`, `forbidden`, `invalid_field`.
    """
    if asked.until is None:
        raise invalid("until", "A silence has an end.")
    held = hold_as(moderator, group, Role.MODERATOR)
    seat = member_of(held.talk, asked.user_id)
    held.check_above(seat.role)
    row = _impose(held, seat.user, Sanction.Kind.SILENCE, asked)
    held.talk.silence(seat, row.ends_at)
    return shape_of_sanction(row)


@transaction.atomic
def silence_as_staff(staff: User, group: str, user_id: str, reason: str, length: timedelta) -> None:
    """The same for staff, who may, from now on for this long; nothing changes where it lasts longer already.

    Raises ChatError `not_found`, `invalid_field`.
    """
    held = hold_as(staff, group, Role.MODERATOR, as_staff=True)
    seat = member_of(held.talk, user_id)
    ends = held.talk.now + length
    if seat.silenced_until is None or seat.silenced_until < ends:
        _impose(held, seat.user, Sanction.Kind.SILENCE, Sentence(user_id, reason, iso(ends)))
        held.talk.silence(seat, ends)


@transaction.atomic
def lift(moderator: User, group: str, user_id: str, kind: Sanction.Kind, *, as_staff: bool = False) -> None:
    """Ends a ban or a silence before its time. Raises ChatError `not_found`, `forbidden`."""
    held = hold_as(moderator, group, Role.MODERATOR, as_staff=as_staff)
    row = _in_force(held.group, held.talk.now).filter(user__public_id=user_id, kind=kind).first()
    if row is None:
        raise not_found("sanction")
    Sanction.objects.filter(pk=row.pk).update(lifted_at=DatabaseNow(), lifted_by=moderator)
    seat = held.talk.seats().filter(user=row.user_id).first()
    if kind == Sanction.Kind.SILENCE and seat is not None:
        held.talk.silence(seat, None)


def sanctions(moderator: User, group: str, kind: Sanction.Kind, *, after: int, limit: int) -> Sequence[Sanction]:
    """Those in force, oldest first, one more than `limit` where there are more.

    Raises ChatError `not_found`, `forbidden`.
    """
    rows = _in_force(group_seen_as(moderator, group, Role.MODERATOR), DatabaseNow()).filter(kind=kind, pk__gt=after)
    return list(rows.select_related("user", "imposed_by").order_by("pk")[: limit + 1])


def reported(moderator: User, group: str, *, after: int, limit: int) -> Sequence[Case]:
    """What has been reported of the group's messages and is not decided yet, oldest first, one more than `limit` where
    there is more. Not what is said to be wrong with the moderator's own.

    Raises ChatError `not_found`, `forbidden`. Three queries.
    """
    talk = group_seen_as(moderator, group, Role.MODERATOR).conversation_id
    cases = Case.objects.filter(kind=Case.Kind.MESSAGE, conversation=talk, closed_at=None, pk__gt=after)
    shown = cases.exclude(user=moderator).select_related("user").prefetch_related("rows")
    return list(shown.order_by("pk")[: limit + 1])


def shape_of_case(case: Case) -> ReportedShape:
    """The case as moderators see it. Wants its person and its reports loaded."""
    return ReportedShape(
        message_id=None if case.message_id is None else str(case.message_id),
        user=shape_of(case.user),
        content=case.snapshot["content"],
        reasons=dict(Counter(row.reason for row in case.rows.all())),
        reports=case.reports,
        reported_at=iso(case.reported_at),
    )


def shape_of_sanction(row: Sanction) -> SanctionShape:
    """The sanction as moderators see it. Wants its people loaded."""
    ends = None if row.ends_at is None else iso(row.ends_at)
    return SanctionShape(shape_of(row.user), row.reason, ends, shape_of(row.imposed_by), iso(row.imposed_at))


def check_not_banned(group: Group, person: User, now: datetime, *, field: str | None = None) -> None:
    """Raises ChatError `forbidden` where the person must stay out. One query."""
    if _in_force(group, now).filter(user=person, kind=Sanction.Kind.BAN).exists():
        raise ChatError("forbidden", "The moderators of this group have banned this account.", field=field)


def _in_force(group: Group, now: datetime | DatabaseNow) -> QuerySet[Sanction]:
    return Sanction.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), group=group, lifted_at=None)


def _subject(held: Held, user_id: str) -> User:
    """Whom it is about. Raises ChatError `not_found`, `forbidden` where they are not of a lower rank."""
    person = User.objects.filter(public_id=user_id).first() if is_person_id(user_id) else None
    if person is None:
        raise ChatError("not_found", "There is no such person.", field="userId")
    seat = held.talk.seats().filter(user=person).first()
    if seat is not None:
        held.check_above(seat.role)
    return person


def _impose(held: Held, person: User, kind: Sanction.Kind, asked: Sentence) -> Sanction:
    if not is_text(asked.reason) or len(asked.reason) > REASON_MOST:
        raise invalid("reason", f"A reason has at most {REASON_MOST} characters.")
    ends = None if asked.until is None else moment_of(asked.until, "until")
    if ends is not None and ends <= held.talk.now:
        raise invalid("until", "This is over already.")
    Sanction.objects.filter(group=held.group, user=person, kind=kind, lifted_at=None).update(
        lifted_at=DatabaseNow(), lifted_by=held.person
    )
    return Sanction.objects.create(
        group=held.group,
        user=person,
        kind=kind,
        reason=asked.reason.strip(),
        imposed_by=held.voice,
        imposed_at=held.talk.now,
        ends_at=ends,
    )
