"""Changing and taking back what one has said.

Everybody sees the newest state; what a message said before is kept for moderators. A change without effect makes no
version, so whoever has not heard the answer may ask again.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from conversations.changing import Held, hold, hold_as_staff
from conversations.messages import check_content
from conversations.models import EarlierText, Message, Reaction
from conversations.participants import may_moderate
from conversations.screening import check_change
from conversations.shapes import MessageShape
from localroots_chat.accounts.models import User
from localroots_chat.errors import ChatError


def edit(*, editor: int, message: str, content: str) -> MessageShape:
    """Gives one's own message another text, for some minutes after it was sent.

    Raises ChatError `not_found`, `forbidden`, `muted`, `content_refused`, and what `check_content` raises. At most ten
    queries; two more where texts are looked at first.
    """
    text = check_content(content)
    check_change(editor, message, text)
    return _edit(editor, message, text)


@transaction.atomic
def _edit(editor: int, message: str, text: str) -> MessageShape:
    held = hold(editor, message)
    _check_own(held)
    row = held.message
    if row.deleted_at is not None:
        raise _forbidden("A deleted message cannot be changed.")
    if row.content != text:
        if held.now - row.created_at > timedelta(seconds=settings.CHAT_EDIT_SECONDS):
            raise _forbidden("It is too late to change this message.")
        held.check_may_write()
        _keep_text(held)
        row.content, row.edited_at = text, held.now
        return held.store("content", "edited_at")
    return held.as_it_is()


@transaction.atomic
def delete(*, person: int, message: str) -> MessageShape:
    """Takes back one's own message, or as a moderator of the group that of a member of a lower rank: its place stays,
    its text and its reactions go.

    Raises ChatError `not_found`, `forbidden`. At most eleven queries.
    """
    held = hold(person, message)
    if not may_moderate(held.seat, held.message.sender_id) or held.message.type == Message.Type.SYSTEM:
        _check_own(held)
    return _take_back(held)


@transaction.atomic
def remove(staff: User, message: Message) -> None:
    """The same of anybody's message, for staff who may. Told to everybody as any deletion."""
    _take_back(hold_as_staff(staff, message))


def _take_back(held: Held) -> MessageShape:
    row = held.message
    if row.deleted_at is None:
        _keep_text(held)
        if row.reactions:
            Reaction.objects.filter(message=row).delete()
        row.content, row.attachments, row.reactions, row.deleted_at = "", [], [], held.now
        return held.store("content", "attachments", "reactions", "deleted_at")
    return held.as_it_is()


def _check_own(held: Held) -> None:
    if held.message.sender_id != held.seat.user_id or held.message.type == Message.Type.SYSTEM:
        raise _forbidden("Only your own messages can be changed.")


def _keep_text(held: Held) -> None:
    row = held.message
    by = held.seat.user_id
    EarlierText.objects.create(message=row, content=row.content, replaced_at=held.now, replaced_by_id=by)


def _forbidden(why: str) -> ChatError:
    return ChatError("forbidden", why, field="messageId")
