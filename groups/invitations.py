"""Invitations: a code that lets people into one group, for a time and a number of uses.

A code gives no more than its maker could give now, and nothing once they have left.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from django.db import transaction
from django.db.models import F, Q

from conversations.participants import RANK
from conversations.shapes import GroupShape
from groups.discovery import card
from groups.members import enter
from groups.models import Invitation
from groups.permission import Open, Role, group_seen_as, hold, hold_as
from localroots_chat.accounts.models import User
from localroots_chat.accounts.people import UserShape, shape_of
from localroots_chat.database import DatabaseNow
from localroots_chat.errors import invalid, not_found
from localroots_chat.wire import Time, iso

DAYS_MOST: Final = 30
USES_MOST: Final = 10_000
_SECONDS_MOST: Final = DAYS_MOST * 86_400
_SECONDS: Final = 7 * 86_400
_CODE_BYTES: Final = 16


class NewInvitation(msgspec.Struct, rename="camel"):
    """{expiresIn? (seconds), maxUses?, role?}"""

    expires_in: int = _SECONDS
    max_uses: int | None = None
    role: str = Role.MEMBER


class InvitationShape(msgspec.Struct, rename="camel"):
    """A code, and what it is good for."""

    code: str
    role: str
    created_by: UserShape
    created_at: Time
    expires_at: Time
    uses: int
    max_uses: int | None


@transaction.atomic
def invite(inviter: User, group: str, asked: NewInvitation) -> InvitationShape:
    """Makes a code. Raises ChatError `not_found`, `forbidden`, `invalid_field`."""
    if not 1 <= asked.expires_in <= _SECONDS_MOST:
        raise invalid("expiresIn", f"An invitation is good for 1 second to {DAYS_MOST} days.")
    if asked.max_uses is not None and not 1 <= asked.max_uses <= USES_MOST:
        raise invalid("maxUses", f"Expected 1 to {USES_MOST:,}.")
    if asked.role not in {Role.MEMBER, Role.MODERATOR}:
        raise invalid("role", "Expected MEMBER or MODERATOR.")
    held = hold_as(inviter, group, _needed(asked.role))
    row = Invitation.objects.create(
        group=held.group,
        code=secrets.token_urlsafe(_CODE_BYTES),
        role=asked.role,
        created_by=inviter,
        created_at=held.talk.now,
        expires_at=held.talk.now + timedelta(seconds=asked.expires_in),
        uses_most=asked.max_uses,
    )
    return shape_of_invitation(row)


@transaction.atomic
def revoke(member: User, group: str, code: str, *, as_staff: bool = False) -> None:
    """Ends a code before its time. Raises ChatError `not_found`, `forbidden`."""
    held = hold_as(member, group, Role.MODERATOR, as_staff=as_staff)
    if not Invitation.objects.filter(group=held.group, code=code, revoked_at=None).update(revoked_at=DatabaseNow()):
        raise not_found("invitation")


def invitations(member: User, group: str, *, after: int, limit: int) -> Sequence[Invitation]:
    """The codes that may still be used, oldest first, one more than `limit` where there are more.

    Raises ChatError `not_found`, `forbidden`.
    """
    found = group_seen_as(member, group, Role.MODERATOR)
    rows = Invitation.objects.filter(_good(DatabaseNow()), group=found, pk__gt=after)
    return list(rows.select_related("created_by").order_by("pk")[: limit + 1])


def shape_of_invitation(row: Invitation) -> InvitationShape:
    """The invitation as moderators see it. Wants `created_by` loaded."""
    return InvitationShape(
        code=row.code,
        role=row.role,
        created_by=shape_of(row.created_by),
        created_at=iso(row.created_at),
        expires_at=iso(row.expires_at),
        uses=row.uses,
        max_uses=row.uses_most,
    )


@transaction.atomic
def accept(person: User, code: str) -> GroupShape:
    """Goes into the group with a code; whoever is in it already uses nothing up.

    Raises ChatError `not_found` for a code that lets nobody in any more, `forbidden` to whom is banned, `full`.
    """
    group = Invitation.objects.filter(code=code).values_list("group", flat=True).first()
    if group is None:
        raise not_found("invitation")
    found = hold(str(group))
    if found.seat_of(person) is not None:  # also who asks again, because the answer was lost
        return card(person.pk, str(group))
    row = Invitation.objects.filter(_good(found.talk.now), code=code).select_related("created_by").first()
    if row is None or not _may_still_invite(found, row):
        raise not_found("invitation")
    enter(found, person, role=row.role)
    Invitation.objects.filter(pk=row.pk).update(uses=F("uses") + 1)
    return card(person.pk, str(group))


def _needed(role: str) -> str:
    """Who may let somebody in with this role: moderators are made by the owner alone."""
    return Role.OWNER if role == Role.MODERATOR else Role.MODERATOR


def _good(now: datetime | DatabaseNow) -> Q:
    return Q(revoked_at=None, expires_at__gt=now) & (Q(uses_most=None) | Q(uses__lt=F("uses_most")))


def _may_still_invite(found: Open, row: Invitation) -> bool:
    seat = found.seat_of(row.created_by)
    return seat is not None and RANK[seat.role] >= RANK[_needed(row.role)]
