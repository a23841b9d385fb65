"""Who has blocked whom, and what that means for who may write. Blocking itself is a change of what one sees, and that
of conversations/blocking.py.

Who blocked learns why (`blocked`: unblock to write). Who was blocked hears what is said of a closed account, and
never that it was a block.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from django.db.models import Exists, OuterRef, QuerySet

from localroots_chat.accounts.models import Block, User
from localroots_chat.accounts.people import UserShape, shape_of
from localroots_chat.accounts.tokens import is_person_id
from localroots_chat.errors import ChatError, invalid, not_found
from localroots_chat.wire import Time, iso


class BlockShape(msgspec.Struct, rename="camel"):
    """Somebody whom one has blocked, and since when."""

    user: UserShape
    created_at: Time


def add(blocker: User, person_id: str) -> tuple[Block, bool]:
    """The block of this person, and whether it is new. Raises ChatError `not_found`, `invalid_field`."""
    blocked = _person(person_id)
    if blocked.pk == blocker.pk:
        raise invalid("userId", "One cannot block oneself.")
    row, is_new = Block.objects.get_or_create(blocker=blocker, blocked=blocked)
    if is_new:
        row.refresh_from_db(fields=["created_at"])
    return row, is_new


def shape_of_block(row: Block) -> BlockShape:
    """The block as its blocker sees it. Wants `blocked` loaded."""
    return BlockShape(shape_of(row.blocked), iso(row.created_at))


def remove(blocker: User, person_id: str) -> User | None:
    """Takes it back, and whom it was about; None where there was none. Raises ChatError `not_found`."""
    person = _person(person_id)
    deleted, _ = Block.objects.filter(blocker=blocker, blocked=person).delete()
    return person if deleted else None


def blocked_by(blocker: User, *, after: int, limit: int) -> Sequence[Block]:
    """Whom this person has blocked, oldest first, one more than `limit` where there are more. One query."""
    rows = Block.objects.filter(blocker=blocker, pk__gt=after).select_related("blocked").order_by("pk")
    return list(rows[: limit + 1])


def check_may_write(writer: int, reader: QuerySet[User]) -> None:
    """Raises ChatError `blocked` where the writer (a key) has blocked this one reader, `forbidden` where it is the
    other way round, or where the reader's account is closed. One query."""
    mine = Block.objects.filter(blocker=writer, blocked=OuterRef("pk"))
    theirs = Block.objects.filter(blocker=OuterRef("pk"), blocked=writer)
    found = reader.annotate(mine=Exists(mine), theirs=Exists(theirs)).values_list("mine", "theirs", "is_active")
    for blocked, blocks, is_active in found:
        if blocked:
            raise you_block()
        if blocks or not is_active:
            raise cannot_write()


def blocks(one: str, other: str) -> str:
    """A condition of a statement: of the people of these two columns, the first has blocked the other."""
    return f"EXISTS (SELECT 1 FROM accounts_block b WHERE b.blocker_id = {one} AND b.blocked_id = {other})"


def neither_blocks(one: str, other: str) -> str:
    """A condition of a statement: of the people of these two columns, neither has blocked the other."""
    return f"""NOT EXISTS (SELECT 1 FROM accounts_block b
  WHERE b.blocker_id = {one} AND b.blocked_id = {other} OR b.blocker_id = {other} AND b.blocked_id = {one})"""


def people_to_add(adder: int, public_ids: Sequence[str], *, field: str) -> list[User]:
    """These people, each once, where the adder (a key) may bring them into a group. One query.

    Raises ChatError `blocked` where the adder has blocked somebody, `not_found` where there is no such person, their
    account is closed, or they have blocked the adder, who does not learn which.
    """
    mine = Block.objects.filter(blocker=adder, blocked=OuterRef("pk"))
    theirs = Block.objects.filter(blocker=OuterRef("pk"), blocked=adder)
    wanted = [one for one in dict.fromkeys(public_ids) if is_person_id(one)]
    rows = User.objects.filter(public_id__in=wanted).annotate(mine=Exists(mine), theirs=Exists(theirs))
    found = {user.public_id: user for user in rows}
    people = []
    for public_id in dict.fromkeys(public_ids):
        user: Any = found.get(public_id)
        if user is not None and user.mine:
            raise you_block(field)
        if user is None or user.theirs or not user.is_active:
            raise ChatError("not_found", "There is no such person.", field=field)
        people.append(user)
    return people


def you_block(field: str | None = None) -> ChatError:
    """`blocked`, told to the blocker alone."""
    return ChatError("blocked", "You have blocked this person. Unblock them to write.", field=field)


def cannot_write() -> ChatError:
    """`forbidden`: word for word the same for a block as for a closed account."""
    return ChatError("forbidden", "You cannot write to this person.")


def _person(person_id: str) -> User:
    found = User.objects.filter(public_id=person_id).first() if is_person_id(person_id) else None
    if found is None:
        raise not_found("person")
    return found
