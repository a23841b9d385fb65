"""The socket's door to conversations: each command's fields, typed, and the function that it calls."""

from collections.abc import Awaitable

import msgspec

from conversations import edits, history, inbox, messages, reactions, reads
from conversations.participants import seat_of
from conversations.sends import HeldAnswer, Stored
from conversations.shapes import ConversationShape, MessageShape
from conversations.sync import SyncRequest, SyncShape, sync
from localroots_chat.accounts.models import User
from localroots_chat.database import in_thread
from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.protocol import Packet, event_frame


class NamesConversation(msgspec.Struct, rename="camel"):
    """{conversationId}"""

    conversation_id: str


class MessageSend(msgspec.Struct, rename="camel"):
    """{conversationId, content, type?, clientId?, replyTo?, attachmentIds?}"""

    conversation_id: str
    content: str
    type: str | None = None
    client_id: str | None = None
    reply_to: str | None = None
    attachment_ids: list[str] | None = None


class MessageRead(msgspec.Struct, rename="camel"):
    """{conversationId, messageId}"""

    conversation_id: str
    message_id: str


class MessageEdit(msgspec.Struct, rename="camel"):
    """{messageId, content}"""

    message_id: str
    content: str


class MessageDelete(msgspec.Struct, rename="camel"):
    """{messageId}"""

    message_id: str


class MessageReact(msgspec.Struct, rename="camel"):
    """{messageId, emoji, remove?}"""

    message_id: str
    emoji: str
    remove: bool = False


class Changed(msgspec.Struct):
    """The reply to message:edit, message:delete and message:react: the message as it is now."""

    message: MessageShape


class Joined(msgspec.Struct):
    """The reply to join:conversation. `conversation` was read before `messages`."""

    conversation: ConversationShape
    messages: list[MessageShape]


def named(data: str | NamesConversation) -> str:
    """The plan's clients send the id alone."""
    return data if isinstance(data, str) else data.conversation_id


async def join(connection: Connection, data: str | NamesConversation) -> Joined:
    """join:conversation: what a person sees on opening a conversation. Hearing it needs no join."""
    joined = await in_thread(_load, connection.person.key, named(data))
    _tell_joined(connection, joined.conversation.id)
    return joined


async def enter(connection: Connection, data: str | NamesConversation) -> None:
    """join:conversation of a client that wants no reply: the event alone, and nothing is loaded."""
    asked = named(data)
    if asked not in connection.topics:  # the hub knows a person's conversations; the database knows for certain
        await in_thread(seat_of, connection.person.key, asked)
    _tell_joined(connection, asked)


def _tell_joined(connection: Connection, conversation: str) -> None:
    connection.write(Packet([event_frame("joined:conversation", {"conversationId": conversation})]))


def _load(user: int, conversation: str) -> Joined:
    shape = inbox.conversation_of(user, conversation)
    return Joined(shape, history.page_of(user, conversation, history.Place("newest")).messages)


def send(connection: Connection, data: MessageSend) -> Awaitable[Stored | HeldAnswer]:
    """message:send: put into the writer at once, so that a socket's messages keep their order."""
    return messages.post(
        sender=connection.person.key,
        conversation=data.conversation_id,
        content=data.content,
        type_=data.type,
        client_id=data.client_id,
        reply_to=data.reply_to,
        attachment_ids=data.attachment_ids,
    )


async def read(connection: Connection, data: MessageRead) -> reads.ReadAnswer:
    """message:read: moves the person's pointer forward."""
    return await in_thread(_read, connection.person.key, data, connection.id)


def _read(user: int, data: MessageRead, connection: str) -> reads.ReadAnswer:
    return reads.mark_read(
        reader=User.objects.get(pk=user),
        conversation=data.conversation_id,
        message=data.message_id,
        connection=connection,
    )


async def edit(connection: Connection, data: MessageEdit) -> Changed:
    """message:edit: another text for one's own message."""
    return Changed(
        await in_thread(edits.edit, editor=connection.person.key, message=data.message_id, content=data.content)
    )


async def delete(connection: Connection, data: MessageDelete) -> Changed:
    """message:delete: takes back one's own message; moderators of a group, those of members."""
    return Changed(await in_thread(edits.delete, person=connection.person.key, message=data.message_id))


async def react(connection: Connection, data: MessageReact) -> Changed:
    """message:react: puts an emoji on a message, or takes it away."""
    person = connection.person.key
    return Changed(
        await in_thread(reactions.react, person=person, message=data.message_id, emoji=data.emoji, remove=data.remove)
    )


async def resume(connection: Connection, data: SyncRequest) -> SyncShape:
    """sync: what has changed since the versions that the client holds."""
    return await in_thread(sync, connection.person.key, data)
