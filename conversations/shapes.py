"""What goes over the wire of conversations and messages, for sockets and REST alike.

The structs are the contract's objects, field for field; the functions fill them from rows.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from conversations.models import Conversation, Message, Participant
from localroots_chat.accounts.people import UserShape, shape_of
from localroots_chat.wire import Id, PersonId, Time, iso, iso_or_none, one_of

if TYPE_CHECKING:
    from groups.models import Group

EXCERPT_CHARACTERS = 120

MessageType = Annotated[str, one_of(Message.Type.values)]
SentType = Annotated[str, one_of([Message.Type.TEXT, Message.Type.IMAGE, Message.Type.FILE])]
# The words of groups.models, which builds on this app; a test compares them.
Category = Annotated[str, one_of(["GENERAL", "FOOD_SHARE", "NEWS", "RECIPES", "TIPS", "LOCAL_EVENTS"])]
Visibility = Annotated[str, one_of(["PUBLIC", "PRIVATE"])]
ClientId = Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": 64})]


class SystemShape(msgspec.Struct, rename="camel"):
    """What the server itself says: `kind` for translation, and who it is about."""

    kind: str
    user_ids: list[PersonId]


class ReplyShape(msgspec.Struct, rename="camel"):
    """The message that is answered."""

    id: Id
    seq: int
    sender_id: PersonId
    excerpt: str


class ReactionShape(msgspec.Struct):
    """An emoji on a message, from how many; in answers also whether one's own is among them."""

    emoji: str
    count: int
    mine: bool | msgspec.UnsetType = msgspec.UNSET


class MessageShape(msgspec.Struct, rename="camel", kw_only=True):
    """A message as it is now. `seq` is its place in the conversation, `version` the change that made it so."""

    addresses: ClassVar = {"id": "message-detail", "conversation_id": "conversation-detail"}

    id: Id
    conversation_id: Id
    seq: int
    version: int
    client_id: str | None
    type: MessageType
    content: str
    system: SystemShape | None = None
    attachment_url: str | None = None
    attachments: Sequence[Any] = ()
    reply_to: ReplyShape | None = None
    reactions: Sequence[ReactionShape] = ()
    sender: UserShape
    sender_id: PersonId
    created_at: Time
    updated_at: Time
    edited_at: Time | None = None
    deleted_at: Time | None = None


class SentShape(msgspec.Struct):
    """What a send is answered with, after COMMIT. (The writer has the message as JSON already: `Stored`.)"""

    message: MessageShape
    duplicate: bool


class ParticipantShape(msgspec.Struct, rename="camel"):
    """Somebody in a conversation."""

    user: UserShape
    role: Annotated[str, one_of(Participant.Role.values)]
    last_read_seq: int
    joined_at: Time


class GroupShape(msgspec.Struct, rename="camel"):
    """A community, as somebody with `myRole` there (null: an outsider) sees it."""

    addresses: ClassVar = {"id": "group-detail", "conversation_id": "conversation-detail"}

    id: Id
    conversation_id: Id
    name: str
    description: str
    image_url: str | None
    category: Category
    visibility: Visibility
    member_count: int
    my_role: Annotated[str, one_of(Participant.Role.values)] | None
    created_by: UserShape
    created_by_id: PersonId
    created_at: Time
    updated_at: Time


class ConversationShape(msgspec.Struct, rename="camel"):
    """A conversation as one of its members sees it; of the participants at most 50."""

    addresses: ClassVar = {"id": "conversation-detail"}

    id: Id
    type: Annotated[str, one_of(Conversation.Type.values)]
    participants: list[ParticipantShape]
    participant_count: int
    group: GroupShape | None
    last_message: MessageShape | None
    first_seq: int
    last_seq: int
    version: int
    last_read_seq: int
    unread_count: int
    muted: bool
    silenced_until: Time | None
    created_at: Time
    updated_at: Time


def excerpt_of(content: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(content[: EXCERPT_CHARACTERS * 2].split())
    return line if len(line) <= EXCERPT_CHARACTERS else f"{line[: EXCERPT_CHARACTERS - 1]}…"


def message_shape(message: Message, mine: Collection[str] | None = None) -> MessageShape:
    """The message as it is now. Wants `sender` and `reply_to__sender` loaded.

    `mine` are the reader's own reactions, in an answer; events go to many readers and say nothing of them.
    """
    answered = message.reply_to
    return MessageShape(
        id=str(message.id),
        conversation_id=str(message.conversation_id),
        seq=message.seq,
        version=message.version,
        client_id=message.client_id,
        type=message.type,
        content=message.content,
        system=SystemShape(message.system["kind"], message.system["userIds"]) if message.system else None,
        reply_to=None
        if answered is None
        else ReplyShape(str(answered.id), answered.seq, answered.sender.public_id, excerpt_of(answered.content)),
        reactions=[
            ReactionShape(emoji, count, msgspec.UNSET if mine is None else emoji in mine)
            for emoji, count in message.reactions
        ],
        sender=shape_of(message.sender),
        sender_id=message.sender.public_id,
        created_at=iso(message.created_at),
        updated_at=iso(message.updated_at),
        edited_at=iso_or_none(message.edited_at),
        deleted_at=iso_or_none(message.deleted_at),
    )


def for_everybody(shape: MessageShape) -> MessageShape:
    """A message as events tell it: whose reactions they are is nobody else's business."""
    if not shape.reactions:
        return shape
    return msgspec.structs.replace(
        shape, reactions=[ReactionShape(reaction.emoji, reaction.count) for reaction in shape.reactions]
    )


def participant_shape(seat: Participant) -> ParticipantShape:
    """Somebody in a conversation. Wants `user` loaded."""
    return ParticipantShape(shape_of(seat.user), seat.role, seat.last_read_seq, iso(seat.joined_at))


def group_shape(group: "Group", members: int, role: str | None) -> GroupShape:
    """The group as somebody with this role (None: an outsider) sees it. Wants `created_by` loaded."""
    return GroupShape(
        id=str(group.id),
        conversation_id=str(group.conversation_id),
        name=group.name,
        description=group.description,
        image_url=group.image_url or None,
        category=group.category,
        visibility=group.visibility,
        member_count=members,
        my_role=role,
        created_by=shape_of(group.created_by),
        created_by_id=group.created_by.public_id,
        created_at=iso(group.created_at),
        updated_at=iso(group.updated_at),
    )


def conversation_shape(
    seat: Participant, others: Sequence[Participant], last: MessageShape | None, unread: int
) -> ConversationShape:
    """The conversation as the person of `seat` sees it. Wants `conversation__group__created_by` loaded."""
    conversation: Conversation = seat.conversation
    group: Group | None = getattr(conversation, "group", None)
    return ConversationShape(
        id=str(conversation.id),
        type=conversation.type,
        participants=[participant_shape(other) for other in others],
        participant_count=conversation.member_count,
        group=None if group is None else group_shape(group, conversation.member_count, seat.role),
        last_message=last,
        first_seq=conversation.first_seq,
        last_seq=conversation.last_seq,
        version=conversation.version,
        last_read_seq=seat.last_read_seq,
        unread_count=unread,
        muted=seat.muted,
        silenced_until=_still(seat.silenced_until),
        created_at=iso(conversation.created_at),
        updated_at=iso(conversation.updated_at),
    )


def _still(until: datetime | None) -> str | None:
    return iso_or_none(until if until is not None and until > datetime.now(until.tzinfo) else None)
