"""Whose a group is: it is handed over, and one whose owner has to go is nobody's for no moment."""

from typing import Final

from django.db import transaction
from django.db.models import Case, IntegerField, Value, When

from conversations.models import Participant
from conversations.system_messages import Kind
from groups.models import Group
from groups.permission import Held, Role, hold_as, member_of
from localroots_chat.accounts.models import User
from localroots_chat.database import DatabaseNow
from localroots_chat.errors import ChatError, invalid

_MODERATORS_FIRST: Final = Case(When(role=Role.MODERATOR, then=Value(0)), default=Value(1), output_field=IntegerField())


@transaction.atomic
def hand_over(owner: User, group: str, user_id: str, *, as_staff: bool = False) -> None:
    """Makes a member the owner; who was it, is a moderator from then on.

    Raises ChatError `not_found`, `forbidden`.
    """
    give(hold_as(owner, group, Role.OWNER, as_staff=as_staff), user_id, field="userId")


def give(held: Held, user_id: str, *, field: str) -> None:
    """The same in a change that is under way. `field` is where the member was named."""
    heir = member_of(held.talk, user_id)
    if heir.role == Role.OWNER:
        raise invalid(field, "The group is theirs already.")
    if not heir.user.is_active:
        raise ChatError("forbidden", "This account is closed.", field=field)
    _make_owner(held, heir)


def take_seat(held: Held, seat: Participant) -> None:
    """Takes a member's seat. The owner's group passes to who has moderated it longest, else to who has been in it
    longest; closed accounts come last. The last one closes it."""
    if seat.role == Role.OWNER:
        others = held.talk.seats().exclude(pk=seat.pk).select_related("user")
        heir = others.order_by("-user__is_active", _MODERATORS_FIRST, "joined_at", "pk").first()
        if heir is not None:
            _make_owner(held, heir)
    vacate(held, seat.user)


def vacate(held: Held, person: User) -> None:
    """Takes the seat of a member who is not the owner, or is the last one: then the group is closed."""
    held.talk.unseat(held.talk.seats().filter(user=person))
    if held.talk.conversation.member_count == 0:
        Group.objects.filter(pk=held.group.pk).update(closed_at=DatabaseNow())


def _make_owner(held: Held, heir: Participant) -> None:
    owners = list(held.talk.seats().filter(role=Role.OWNER).select_related("user"))
    for owner in owners:
        held.talk.set_role(owner, Role.MODERATOR)
    held.talk.set_role(heir, Role.OWNER)
    held.talk.record(Kind.OWNER_CHANGED, by=held.voice, about=[heir.user, *(owner.user for owner in owners)])
