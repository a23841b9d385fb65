"""The socket's door to groups: each command's fields, typed, and the function that it calls."""

import msgspec
from uuid_utils.compat import uuid7

from conversations.shapes import GroupShape, ParticipantShape
from groups import lifecycle, members
from groups.lifecycle import GroupChanges, NewGroup
from localroots_chat.accounts.models import User
from localroots_chat.database import in_thread
from localroots_chat.gateway.connection import Connection


class NamesGroup(msgspec.Struct, rename="camel"):
    """{groupId}"""

    group_id: str


class Leaving(NamesGroup, rename="camel"):
    """{groupId, ownerId?}: who leads the group then, where it was its owner who leaves."""

    owner_id: str | None = None


class NamesMember(NamesGroup, rename="camel"):
    """{groupId, userId}"""

    user_id: str


class GivesRole(NamesMember, rename="camel"):
    """{groupId, userId, role}"""

    role: str


class Changing(GroupChanges, rename="camel", kw_only=True):
    """{groupId, name?, description?, category?, visibility?, imageUrl?}"""

    group_id: str


async def create(connection: Connection, data: NewGroup) -> GroupShape:
    """group:create: a group of one's own, with its first members."""
    key = uuid7()
    return await in_thread(lambda: lifecycle.create(_person(connection), data, key))


async def update(connection: Connection, data: Changing) -> GroupShape:
    """group:update: other settings."""
    return await in_thread(lambda: lifecycle.update(_person(connection), data.group_id, data))


async def add_member(connection: Connection, data: NamesMember) -> ParticipantShape:
    """group:add_member: brings somebody into the group."""
    member, _ = await in_thread(lambda: members.add(_person(connection), data.group_id, data.user_id))
    return member


async def remove_member(connection: Connection, data: NamesMember) -> None:
    """group:remove_member: puts somebody out of it."""
    await in_thread(lambda: members.remove(_person(connection), data.group_id, data.user_id))


async def join(connection: Connection, data: NamesGroup) -> GroupShape:
    """group:join: goes into a public group."""
    return await in_thread(lambda: members.join(_person(connection), data.group_id))


async def leave(connection: Connection, data: Leaving) -> None:
    """group:leave: goes out of it."""
    await in_thread(lambda: members.leave(_person(connection), data.group_id, data.owner_id))


async def set_role(connection: Connection, data: GivesRole) -> ParticipantShape:
    """group:set_role: makes a member a moderator, or a moderator a member."""
    return await in_thread(lambda: members.set_role(_person(connection), data.group_id, data.user_id, data.role))


def _person(connection: Connection) -> User:
    return User.objects.get(pk=connection.person.key)
