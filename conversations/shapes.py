"""What goes over the wire of conversations and messages, for sockets and REST alike.

The structs are the contract's objects, field for field; the functions fill them from rows.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import msgspec
from django.conf import settings

from conversations.models import Conversation, Message, Participant
from localroots_chat.accounts.people import UserShape
from localroots_chat.wire import Id, PersonId, Time, one_of

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
    """The message that is answered. Of one that is hidden only its place is told."""

    id: Id
    seq: int
    sender_id: PersonId | None
    excerpt: str


class ReactionShape(msgspec.Struct):
    """An emoji on a message, from how many; in answers also whether one's own is among them."""

    emoji: str
    count: int
    mine: bool | msgspec.UnsetType = msgspec.UNSET


class ReceiptShape(msgspec.Struct, rename="camel"):
    """Who has read a message, and when."""

    user_id: PersonId
    read_at: Time


class AttachmentShape(msgspec.Struct, rename="camel", kw_only=True):
    """A file. `url` is for its members, with their token or session. Pictures have their size and a tiny picture to be
    shown until they are there, sounds how long they are and how loud in each of some equal parts (0 to 100)."""

    id: Id
    url: str
    name: str
    type: str
    size: int
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    thumbnail_url: str | None = None
    placeholder: str | None = None
    waveform: list[int] | None = None


class MessageShape(msgspec.Struct, rename="camel", kw_only=True):
    """A message as it is now. `seq` is its place in the conversation, `version` the change that made it so.

    It is `hidden`, and nothing of it told, where the reader has blocked its sender.
    """

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
    attachments: Sequence[AttachmentShape] = ()
    reply_to: ReplyShape | None = None
    reactions: Sequence[ReactionShape] = ()
    read_receipts: Sequence[ReceiptShape] | msgspec.UnsetType = msgspec.UNSET  # where they are asked for
    sender: UserShape | None
    sender_id: PersonId | None
    created_at: Time
    updated_at: Time
    edited_at: Time | None = None
    deleted_at: Time | None = None
    hidden: bool | msgspec.UnsetType = msgspec.UNSET


class SentShape(msgspec.Struct):
    """What a send is answered with, after COMMIT. (The writer has the message as JSON already: `Stored`.)"""

    message: MessageShape
    duplicate: bool


class HeldShape(msgspec.Struct, rename="camel", kw_only=True):
    """A message that the screen has held, as its sender and moderators see it. `reason` is the screen's, `answer` that
    of who refused it; `messageId` is what it became when it was approved."""

    id: Id
    conversation_id: Id
    client_id: str | None
    type: MessageType
    content: str
    attachments: Sequence[AttachmentShape] = ()
    reply_to: Id | None
    sender: UserShape
    reason: str
    state: Annotated[str, one_of(["WAITING", "APPROVED", "REFUSED", "WITHDRAWN"])]
    answer: str = ""
    message_id: Id | None = None
    created_at: Time


class ParticipantShape(msgspec.Struct, rename="camel"):
    """Somebody in a conversation."""

    user: UserShape
    role: Annotated[str, one_of(Participant.Role.values)]
    last_read_seq: int
    joined_at: Time


class GroupShape(msgspec.Struct, rename="camel", kw_only=True):
    """A community, as somebody with `myRole` there (null: an outsider) sees it. What goes to many says no role."""

    addresses: ClassVar = {"id": "group-detail", "conversation_id": "conversation-detail"}

    id: Id
    conversation_id: Id
    name: str
    description: str
    image_url: str | None
    category: Category
    visibility: Visibility
    member_count: int
    my_role: Annotated[str, one_of(Participant.Role.values)] | msgspec.UnsetType | None = msgspec.UNSET
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


def hidden(message: MessageShape) -> MessageShape:
    """What is told of a message to somebody who has blocked its sender."""
    return MessageShape(
        id=message.id,
        conversation_id=message.conversation_id,
        seq=message.seq,
        version=message.version,
        client_id=None,
        type=message.type,
        content="",
        sender=None,
        sender_id=None,
        created_at=message.created_at,
        updated_at=message.updated_at,
        hidden=True,
    )


def shape_of_attachment(told: Mapping[str, Any]) -> AttachmentShape:
    """What a message keeps of a file (Attachment.told), as it goes over the wire."""
    url = f"{settings.PUBLIC_URL}/api/attachments/{told['id']}/"
    said = {name: value for name, value in told.items() if name != "hasSmaller"}
    smaller = f"{url}?side=320" if told["hasSmaller"] else url
    return AttachmentShape(url=url, thumbnail_url=smaller if told["type"].startswith("image/") else None, **said)


def unquoted(reply: ReplyShape) -> ReplyShape:
    """What is told of the message that is answered to somebody who has blocked its sender."""
    return ReplyShape(reply.id, reply.seq, None, "")


def excerpt_of(content: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(content[: EXCERPT_CHARACTERS * 2].split())
    return line if len(line) <= EXCERPT_CHARACTERS else f"{line[: EXCERPT_CHARACTERS - 1]}…"


def for_everybody(shape: MessageShape) -> MessageShape:
    """A message as events tell it: whose reactions they are is nobody else's business."""
    if not shape.reactions:
        return shape
    return msgspec.structs.replace(
        shape, reactions=[ReactionShape(reaction.emoji, reaction.count) for reaction in shape.reactions]
    )
