"""What others see of a person, finding people, and making them known before they first come."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from django.db import transaction
from django.db.models import Q, QuerySet

from localroots_chat.accounts import live_settings
from localroots_chat.accounts.models import Role, User
from localroots_chat.accounts.revocation import set_active
from localroots_chat.accounts.tokens import clean_image, clean_name, is_person_id, now
from localroots_chat.errors import invalid
from localroots_chat.wire import PersonId, one_of


class UserShape(msgspec.Struct, rename="camel"):
    """Somebody, as others see them."""

    id: PersonId
    name: str
    image: str | None
    role: Annotated[str, one_of(Role.values)]


class MeShape(UserShape, rename="camel"):
    """What people see of themselves."""

    language: str
    appear_offline: bool
    receipts: bool
    last_seen: bool


def shape_of(user: User) -> UserShape:
    """The person as others see them."""
    return UserShape(user.public_id, user.name, user.image or None, user.role)


def own_shape_of(user: User) -> MeShape:
    """The person as they see themselves."""
    return MeShape(
        id=user.public_id,
        name=user.name,
        image=user.image or None,
        role=user.role,
        language=user.language,
        appear_offline=user.appear_offline,
        receipts=user.receipts,
        last_seen=user.last_seen,
    )


@transaction.atomic
def save_own(user: User) -> None:
    """Stores what somebody has changed of themselves. Servers where they are hear of the settings that these go by.

    Two queries; three more for those settings.
    """
    settings = {"receipts": user.receipts, "appear_offline": user.appear_offline}
    if User.objects.filter(pk=user.pk).exclude(**settings).update(**settings):
        live_settings.tell(user)
    user.save(update_fields=["name", "image", "language", "last_seen"])


def findable_by(user: User) -> QuerySet[User]:
    """Active people with whom `user` shares a conversation, and all farmers."""
    shared = User.objects.filter(
        seats__left_at=None,
        seats__conversation__participants__user=user,
        seats__conversation__participants__left_at=None,
    )
    return User.objects.filter(Q(pk__in=shared.values("pk")) | Q(role=Role.FARMER), is_active=True).exclude(pk=user.pk)


class KnownPerson(msgspec.Struct):
    """What the marketplace says of a person. What is not given stays as it is."""

    id: PersonId
    name: str | None = None
    image: str | None = None
    role: str | None = None
    active: bool | None = None


@transaction.atomic
def make_known(people: Sequence[KnownPerson]) -> list[User]:
    """Creates or updates these people. Raises ChatError `invalid_field` naming the entry; then nothing is stored."""
    for number, one in enumerate(people):
        _check(number, one)
    known = User.objects.select_for_update(no_key=True).filter(public_id__in=[one.id for one in people])
    found = {user.public_id: user for user in known.order_by("public_id")}  # two syncs lock in the same order
    return [_make_one_known(number, one, found) for number, one in enumerate(people)]


def _check(number: int, one: KnownPerson) -> None:
    if not is_person_id(one.id):
        raise invalid(f"{number}.id", "An id has 1 to 128 printable characters without space, comma or slash.")
    if one.role is not None and one.role not in Role.values:
        raise invalid(f"{number}.role", f"Expected one of {', '.join(Role.values)}.")
    if one.image and clean_image(one.image) is None:
        raise invalid(f"{number}.image", "Expected an address that starts with http:// or https://.")


def _make_one_known(number: int, one: KnownPerson, found: dict[str, User]) -> User:
    user = found.setdefault(one.id, User(public_id=one.id))
    if user.is_of_this_service:
        raise invalid(f"{number}.id", "This account belongs to the chat service itself.")
    was_active = user.is_active
    user.name = (clean_name(one.name) or "") if one.name is not None else user.name
    user.image = one.image if one.image is not None else user.image
    user.role = one.role or user.role
    user.is_active = was_active if one.active is None else one.active
    if (one.name, one.image, one.role) != (None, None, None):
        user.profile_applied = now()  # tokens from before do not undo it
    said = ["name", "image", "role", "is_active", "profile_applied"]
    user.save(update_fields=said if user.pk else None)
    if was_active != user.is_active:
        set_active(user, user.is_active)
    return user
