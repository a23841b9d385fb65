"""Writing a message: what may be said, and the one way in (writer.py). Sockets and REST both come through `post`."""

import asyncio
import unicodedata
import uuid
from collections.abc import Sequence
from typing import Final

from django.conf import settings

from conversations.models import Message
from conversations.sends import HeldAnswer, Send, Stored, digest_of, no_such_attachment
from conversations.writer import writer
from localroots_chat.characters import has_visible
from localroots_chat.errors import ChatError, invalid
from localroots_chat.wire import is_text, key_of

CLIENT_ID_CHARACTERS: Final = 64


def post(
    *,
    sender: int,
    conversation: str,
    content: str,
    type_: str | None = None,
    client_id: str | None = None,
    reply_to: str | None = None,
    attachment_ids: list[str] | None = None,
) -> asyncio.Future[Stored | HeldAnswer]:
    """Puts a message of the person with key `sender` into the writer, now; the future ends after COMMIT.

    To be called on the serving loop. Raises ChatError for what can be seen at once: `invalid_field`, `body_empty`,
    `body_too_long`, `not_found`, `overloaded`; the future may end with `not_found`, `forbidden`, `muted`,
    `client_id_reused`, `content_refused`, `rate_limited`, `unavailable`.
    """
    key = key_of(conversation)
    attachments = _check_attachments(attachment_ids or ())
    kind = _check_type(type_, attachments)
    text = check_content(content, may_be_empty=bool(attachments))
    answered = _check_reply(reply_to)
    if client_id is not None and (not 1 <= len(client_id) <= CLIENT_ID_CHARACTERS or not is_text(client_id)):
        raise invalid("clientId", f"A clientId has 1 to {CLIENT_ID_CHARACTERS} characters.")
    send = Send(
        sender=sender,
        conversation=key,
        content=text,
        type=kind,
        client_id=client_id,
        reply_to=answered,
        digest="" if client_id is None else digest_of(text, kind, answered, attachments),  # only a retry is compared
        attachments=attachments,
    )
    return writer().put(send)


def check_content(content: str, *, may_be_empty: bool = False) -> str:
    """The text as it is stored: NFC, otherwise as it was written. It is escaped where it is shown, not here. Beside
    files it may be empty.

    Raises ChatError `invalid_field`, `body_empty`, `body_too_long`.
    """
    if not content.isascii():
        if not is_text(content):
            raise invalid("content", "The text has a character that cannot be stored.")
        content = unicodedata.normalize("NFC", content)
    elif "\0" in content:
        raise invalid("content", "The text has a character that cannot be stored.")
    if len(content) > settings.CHAT_MESSAGE_CHARACTERS:
        raise ChatError("body_too_long", f"At most {settings.CHAT_MESSAGE_CHARACTERS} characters.", field="content")
    if has_visible(content):
        return content
    if may_be_empty:
        return ""
    raise ChatError("body_empty", "A message needs some text.", field="content")


def _check_type(type_: str | None, attachments: Sequence[uuid.UUID]) -> str | None:
    """None: what the attachments are."""
    if type_ not in (None, Message.Type.TEXT, Message.Type.IMAGE, Message.Type.FILE):
        raise invalid("type", "Expected TEXT, IMAGE or FILE.")
    if attachments and type_ == Message.Type.TEXT:
        raise invalid("attachmentIds", "A message of type TEXT has no attachments.")
    if not attachments and type_ not in (None, Message.Type.TEXT):
        raise invalid("attachmentIds", "This type of message needs an attachment.")
    return type_ if attachments else Message.Type.TEXT


def _check_attachments(given: Sequence[str]) -> tuple[uuid.UUID, ...]:
    if len(given) > settings.CHAT_MESSAGE_ATTACHMENTS:
        raise invalid("attachmentIds", f"At most {settings.CHAT_MESSAGE_ATTACHMENTS} attachments.")
    try:
        return tuple(dict.fromkeys(map(key_of, given)))
    except ChatError:
        raise no_such_attachment() from None


def _check_reply(reply_to: str | None) -> uuid.UUID | None:
    if reply_to is None:
        return None
    try:
        return key_of(reply_to)
    except ChatError:
        raise ChatError("not_found", "There is no such message here.", field="replyTo") from None
