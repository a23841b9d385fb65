"""Finding groups: by words of their name or description, by category, or one's own. Outsiders see the card only."""

import uuid
from typing import Any, Final, NamedTuple

from django.db.models import Case, CharField, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When

from conversations.models import Participant
from conversations.shapes import GroupShape, group_shape
from groups.models import Group
from localroots_chat.accounts.models import User
from localroots_chat.errors import not_found
from localroots_chat.wire import key_of

PAGE: Final = 50


class Cursor(NamedTuple):
    """The last group of a page: how well it matched, its size, its id."""

    rank: int
    members: int
    id: uuid.UUID


def visible_to(user: User) -> QuerySet[Any]:
    """Public groups and one's own, with `my_role` (None: outsider) and `members`."""
    role = Participant.objects.filter(conversation_id=OuterRef("conversation_id"), user=user, left_at=None).values(
        "role"
    )
    return (
        Group.objects.filter(closed_at=None)
        .annotate(my_role=Subquery(role, output_field=CharField()), members=F("conversation__member_count"))
        .filter(Q(visibility=Group.Visibility.PUBLIC) | Q(my_role__isnull=False))
        .select_related("created_by")
    )


def found_by(groups: QuerySet[Any], search: str) -> QuerySet[Any]:
    """Those whose name or description has these words, names that equal or begin with them first (`rank`)."""
    rank = Case(
        When(name__iexact=search, then=Value(0)),
        When(name__istartswith=search, then=Value(1)),
        When(name__icontains=search, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    if search:
        groups = groups.filter(Q(name__icontains=search) | Q(description__icontains=search))
    found: QuerySet[Any] = groups.annotate(rank=rank if search else Value(0, IntegerField()))
    return found


def page_of(groups: QuerySet[Any], *, after: Cursor | None, limit: int) -> tuple[list[GroupShape], Cursor | None]:
    """A page, best match and largest first, and where the next one begins. One query."""
    if after is not None:
        smaller = Q(members__lt=after.members) | Q(members=after.members, id__gt=after.id)
        groups = groups.filter(Q(rank__gt=after.rank) | Q(rank=after.rank) & smaller)
    page = list(groups.order_by("rank", "-members", "id")[: limit + 1])
    last = page[limit - 1] if len(page) > limit else None
    more = None if last is None else Cursor(last.rank, last.members, last.id)
    return [_shape(group) for group in page[:limit]], more


def card_of(user: User, group: str) -> GroupShape:
    """One group as this person may see it. Raises ChatError `not_found`. One query."""
    found = visible_to(user).filter(pk=key_of(group, "group")).first()
    if found is None:
        raise not_found("group")
    return _shape(found)


def _shape(group: Any) -> GroupShape:
    # Any, because `members` and `my_role` are annotated by visible_to
    return group_shape(group, group.members, group.my_role)
