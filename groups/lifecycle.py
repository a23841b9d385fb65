"""Groups come into being, change their settings and are closed."""

import unicodedata
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from django.db import transaction

from conversations import membership
from conversations.models import Conversation
from conversations.shapes import Category, GroupShape, Visibility
from conversations.system_messages import Kind
from groups.discovery import card
from groups.models import Group
from groups.permission import Role, group_seen_as, hold_as
from localroots_chat.accounts.blocks import people_to_add
from localroots_chat.accounts.models import User
from localroots_chat.accounts.tokens import clean_image, clean_name
from localroots_chat.database import DatabaseNow
from localroots_chat.errors import invalid
from localroots_chat.screening.screen import Text, check, is_on
from localroots_chat.wire import PersonId, is_text

NAME_MOST: Final = 100
DESCRIPTION_MOST: Final = 2000
ADDED_AT_ONCE: Final = 100


class NewGroup(msgspec.Struct, rename="camel"):
    """{name, category, description?, memberIds?, visibility?, imageUrl?}"""

    name: str
    category: Category
    description: str = ""
    member_ids: list[PersonId] = []
    visibility: Visibility = "PUBLIC"
    image_url: str | None = None


class GroupChanges(msgspec.Struct, rename="camel"):
    """{name?, description?, category?, visibility?, imageUrl?}"""

    name: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    category: Category | msgspec.UnsetType = msgspec.UNSET
    visibility: Visibility | msgspec.UnsetType = msgspec.UNSET
    image_url: str | msgspec.UnsetType | None = msgspec.UNSET


def create(creator: User, asked: NewGroup, key: uuid.UUID) -> GroupShape:
    """A new group with these members; its creator is the owner. The same number of queries for any number of them.

    Whoever has to ask again, because the answer of the database was lost, asks with the same `key`, made by `uuid7`.
    Raises ChatError `invalid_field`, `content_refused`, `full`; for somebody in memberIds `not_found`, `blocked`.
    """
    settings = _checked(asked)
    _screen(creator, settings, {})
    return _create(creator, asked.member_ids, settings, key)


@transaction.atomic
def _create(creator: User, member_ids: Sequence[str], settings: Mapping[str, Any], key: uuid.UUID) -> GroupShape:
    if Group.objects.filter(pk=key).exists():
        return card(creator.pk, str(key))
    others = [one for one in member_ids if one != creator.public_id]
    if len(others) > ADDED_AT_ONCE:
        raise invalid("memberIds", f"At most {ADDED_AT_ONCE} people at once.")
    members = people_to_add(creator.pk, others, field="memberIds") if others else []
    conversation = Conversation.objects.create(type=Conversation.Type.GROUP)
    Group.objects.create(pk=key, conversation=conversation, created_by=creator, **settings)
    talk = membership.hold(Conversation.objects.filter(pk=conversation.pk))
    talk.seat([creator], Role.OWNER)
    talk.seat(members)
    talk.record(Kind.CREATED, by=creator, about=members)
    return card(creator.pk, str(key))


def update(changer: User, group: str, asked: GroupChanges) -> GroupShape:
    """Changes what is given; where that changes nothing, nobody is told.

    Raises ChatError `not_found`, `forbidden`, `invalid_field`, `content_refused`.
    """
    settings = _checked(asked)
    if is_on():  # before anything is locked
        found = group_seen_as(changer, group, Role.MODERATOR)
        _screen(changer, settings, {name: getattr(found, name) for name in ("name", "description", "category")})
    return _update(changer, group, settings)


@transaction.atomic
def _update(changer: User, group: str, settings: Mapping[str, Any]) -> GroupShape:
    held = hold_as(changer, group, Role.MODERATOR)
    different = {name: value for name, value in settings.items() if getattr(held.group, name) != value}
    if different:
        Group.objects.filter(pk=held.group.pk).update(**different, updated_at=DatabaseNow())
        held.talk.record(Kind.RENAMED if "name" in different else Kind.UPDATED, by=changer)
    return card(changer.pk, group)


@transaction.atomic
def close(owner: User, group: str, *, as_staff: bool = False) -> None:
    """Ends the group: nobody is in it any more; what was said stays until it is due to go.

    Raises ChatError `not_found`, `forbidden`.
    """
    held = hold_as(owner, group, Role.OWNER, as_staff=as_staff)
    held.talk.unseat(held.talk.seats())
    Group.objects.filter(pk=held.group.pk).update(closed_at=DatabaseNow())
    held.talk.record(Kind.CLOSED, by=held.voice)


def _screen(author: User, settings: Mapping[str, Any], before: Mapping[str, str]) -> None:
    """What has changed is looked at, and all of it in another category. Raises ChatError `content_refused`."""
    after = {**before, **settings}
    moves = after["category"] != before.get("category")
    named = [one for one in ("name", "description") if after[one] and (moves or after[one] != before.get(one))]
    check([Text(after[field], "group", field, after["category"], author.pk) for field in named])


# Settings


def _checked(asked: NewGroup | GroupChanges) -> dict[str, Any]:
    """The columns that are asked for. Raises ChatError `invalid_field`."""
    given = msgspec.structs.asdict(asked)
    return {name: check(given[name]) for name, check in _CHECKS.items() if given[name] is not msgspec.UNSET}


def _name(text: str) -> str:
    name = clean_name(unicodedata.normalize("NFC", text)) if is_text(text) and len(text) <= NAME_MOST else None
    if name is None:
        raise invalid("name", f"A name has 1 to {NAME_MOST} characters.")
    return name


def _description(text: str) -> str:
    if not is_text(text) or len(text) > DESCRIPTION_MOST:
        raise invalid("description", f"A description has at most {DESCRIPTION_MOST:,} characters.")
    return unicodedata.normalize("NFC", text).strip()


def _image_url(text: str | None) -> str:
    if not text:
        return ""
    image = clean_image(text)
    if image is None:
        raise invalid("imageUrl", "Expected an address that starts with http:// or https://.")
    return image


def _one_of(field: str, values: Sequence[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in values:
            raise invalid(field, f"Expected one of {', '.join(values)}.")
        return text

    return check


_CHECKS: Final[Mapping[str, Callable[[Any], str]]] = {
    "name": _name,
    "description": _description,
    "category": _one_of("category", Group.Category.values),
    "visibility": _one_of("visibility", Group.Visibility.values),
    "image_url": _image_url,
}
