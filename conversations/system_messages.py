"""What the server itself says in a conversation: the message about a change of members or settings, and its events.

A change takes one version for each event that it is told by, and the last one for the message. Whoever missed the
events is given them again from the message (catching_up.py): its kind and its people say all that they do.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from conversations.models import Participant
from conversations.shapes import GroupShape, MessageShape
from localroots_chat.gateway.protocol import event_frame
from localroots_chat.gateway.wiring import Change


class Kind(StrEnum):
    """What has happened; `system.kind` of the message, for clients that translate it."""

    CREATED = "group_created"
    RENAMED = "group_renamed"
    UPDATED = "group_updated"
    ADDED = "member_added"
    JOINED = "member_joined"
    LEFT = "member_left"
    REMOVED = "member_removed"
    BANNED = "member_banned"
    MODERATOR_MADE = "moderator_made"
    MODERATOR_ENDED = "moderator_ended"
    CLOSED = "group_closed"
    WARNED = "warned"  # a note from the team, in the person's conversation with it
    OWNER_CHANGED = "owner_changed"  # about the new owner and the one before, who is a moderator from then on


_TEXTS: Final[Mapping[Kind, str]] = {
    Kind.CREATED: "{by} created the group.",
    Kind.RENAMED: "{by} renamed the group.",
    Kind.UPDATED: "{by} changed the group's settings.",
    Kind.ADDED: "{by} added {about}.",
    Kind.JOINED: "{about} joined.",
    Kind.LEFT: "{about} left.",
    Kind.REMOVED: "{by} removed {about}.",
    Kind.BANNED: "{by} banned {about}.",
    Kind.MODERATOR_MADE: "{by} made {about} a moderator.",
    Kind.MODERATOR_ENDED: "{about} is no longer a moderator.",
    Kind.CLOSED: "{by} closed the group.",
    Kind.OWNER_CHANGED: "{by} handed the group over to {about}.",
    Kind.WARNED: "{said}",
}


def text_of(kind: Kind, by: str, about: str, said: str = "") -> str:
    """The message in English, with people's names as they are now, and with what was `said`."""
    return _TEXTS[kind].format(by=by or "Somebody", about=about or "somebody", said=said)


class MemberEvent(msgspec.Struct, rename="camel"):
    """`group:member_added`, `group:member_removed`: somebody is, or is no longer, in the group."""

    group_id: str
    conversation_id: str
    user_id: str


class RoleEvent(MemberEvent, rename="camel"):
    """`group:member_updated`: somebody has another role."""

    role: str


# No other event than the message: nobody is in it who was not given all of it, or nobody at all, or nothing changes.
_ALONE: Final = frozenset({Kind.CREATED, Kind.CLOSED, Kind.WARNED})
_SETTINGS: Final[frozenset[str]] = frozenset({Kind.RENAMED, Kind.UPDATED})
# One for each person it is about
_EVENTS: Final[Mapping[str, str]] = {
    **dict.fromkeys((Kind.ADDED, Kind.JOINED), "group:member_added"),
    **dict.fromkeys((Kind.LEFT, Kind.REMOVED, Kind.BANNED), "group:member_removed"),
}
# Of the people it is about, in their order
_ROLES: Final[Mapping[str, Sequence[str]]] = {
    Kind.MODERATOR_MADE: [Participant.Role.MODERATOR],
    Kind.MODERATOR_ENDED: [Participant.Role.MEMBER],
    Kind.OWNER_CHANGED: [Participant.Role.OWNER, Participant.Role.MODERATOR],
}


def versions_of(kind: Kind, people: int) -> int:
    """How many versions a change takes that is about so many people."""
    if kind in _ALONE:
        return 1
    return 2 if kind in _SETTINGS else 1 + people


def changes(message: MessageShape, group: GroupShape | None, *, prev: int) -> list[Change]:
    """The events of the change that this message is about and `message:new`, for those who have heard up to `prev`.

    `group` is its card as everybody may see it, where it is one. Nobody is named as their actor: the server speaks,
    also to those who have blocked who made the change.
    """
    found: list[Change] = []
    told = [] if group is None else list(_events(message, group))
    for version, (event, data) in enumerate(told, start=message.version - len(told)):
        if version > prev:
            found.append(Change(prev, version, message.seq - 1, 0, _frame(event, data, message, prev, version)))
            prev = version
    frame = _frame("message:new", message, message, prev, message.version)
    return [*found, Change(prev, message.version, message.seq, 0, frame)]


def _frame(event: str, data: object, message: MessageShape, prev: int, version: int) -> bytes:
    return event_frame(event, data, {"conversationId": message.conversation_id, "prev": prev, "version": version})


def _events(message: MessageShape, group: GroupShape) -> Iterator[tuple[str, object]]:
    said = message.system
    if said is None or message.updated_at != message.created_at:  # taken back since: then it says nothing any more
        return
    if said.kind in _SETTINGS:
        yield "group:updated", group
    for user_id, role in zip(said.user_ids, _ROLES.get(said.kind, ()), strict=False):
        yield "group:member_updated", RoleEvent(group.id, group.conversation_id, user_id, role)
    event = _EVENTS.get(said.kind)
    if event is not None:
        for user_id in said.user_ids:
            yield event, MemberEvent(group.id, group.conversation_id, user_id)
