"""The events of conversations: what each carries and to whom it goes. gateway/publish.py takes them from here."""

from typing import Final

import msgspec

from conversations.shapes import ConversationShape, GroupShape, HeldShape, for_everybody
from localroots_chat.accounts.models import User
from localroots_chat.gateway.layer import Fleeting, Item, Personal, Seated
from localroots_chat.gateway.protocol import event_frame

RECEIPTS_MOST: Final = 50  # larger conversations don't tell who has read what


class ReadEvent(msgspec.Struct, rename="camel"):
    """`message:read`: somebody has read everything up to this message. Their own devices also hear what is left."""

    conversation_id: str
    message_id: str
    user_id: str
    last_read_seq: int
    unread_count: int | msgspec.UnsetType = msgspec.UNSET


class GoneEvent(msgspec.Struct, rename="camel"):
    """`conversation:gone`: the person is no longer in this conversation."""

    conversation_id: str


def conversation_new(shape: ConversationShape) -> bytes:
    """The frame for somebody who has gained a seat."""
    last = shape.last_message
    told = shape if last is None else msgspec.structs.replace(shape, last_message=for_everybody(last))
    return event_frame("conversation:new", told)


def conversation_gained(person: int, shape: ConversationShape, at: float) -> Seated:
    """The person with this key has gained the conversation; their connections hear it from now on. `at` is a time of
    the database after COMMIT."""
    frame = conversation_new(shape)
    return Seated(person, shape.id, at, shape.version, shape.last_seq, shape.participant_count, frame)


class GroupCreated(GroupShape, rename="camel", kw_only=True):
    """`group:created`: the group, and its conversation as the person sees it."""

    conversation: ConversationShape


def group_created(shape: ConversationShape, prev: int) -> bytes:
    """The frame for somebody who is in a new group from the beginning."""
    if shape.group is None:
        raise TypeError("A direct conversation has no group.")
    data = GroupCreated(**msgspec.structs.asdict(shape.group), conversation=shape)
    return event_frame("group:created", data, {"conversationId": shape.id, "prev": prev, "version": shape.version})


def message_held(sender: int, shape: HeldShape) -> Personal:
    """What has become of a message that waits, or waited, for a moderator: to its sender (a key)."""
    return Personal(sender, event_frame("message:held", shape))


def conversation_reset(conversation: str) -> bytes:
    """The frame for somebody to whom messages of this conversation look different from now on."""
    return event_frame("conversation:reset", GoneEvent(conversation))


def conversation_gone(conversation: str) -> bytes:
    """The frame for somebody who has lost a seat."""
    return event_frame("conversation:gone", GoneEvent(conversation))


def message_read(reader: User, event: ReadEvent, *, unread: int, members: int, connection: str) -> list[Item]:
    """To the reader's other connections always; to the others where receipts are shown and the group is small."""
    own = event_frame("message:read", msgspec.structs.replace(event, unread_count=unread))
    items: list[Item] = [Personal(reader.pk, own, except_connection=connection)]
    if reader.receipts and members <= RECEIPTS_MOST:
        frame = event_frame("message:read", event)
        items.append(Fleeting(event.conversation_id, frame, without=reader.pk, receipt=True))
    return items
