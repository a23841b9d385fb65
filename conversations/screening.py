"""Asking the screen about what is about to be said in conversations."""

import uuid
from collections.abc import Mapping, Sequence

from django.db.models import Value
from django.db.models.functions import Coalesce

from conversations.models import Conversation
from conversations.participants import message_of
from conversations.sends import Send
from localroots_chat.screening.screen import DIRECT, Ruling, Text, Verdict, check, is_on, rulings_on


def rulings_on_sends(sends: Sequence[Send]) -> Mapping[uuid.UUID, Ruling]:
    """What is not simply allowed, by the send's id. One query; none where nobody looks."""
    if not is_on():
        return {}
    categories = _categories([send.conversation for send in sends])
    known = [send for send in sends if send.conversation in categories]
    texts = [Text(send.content, "message", "content", categories[send.conversation], send.sender) for send in known]
    rulings = rulings_on(texts)
    return {send.id: ruling for send, ruling in zip(known, rulings, strict=True) if ruling.verdict is not Verdict.ALLOW}


def check_change(editor: int, message: str, content: str) -> None:
    """Whether one's message may say this from now on, where that is something else. Raises ChatError `not_found`,
    `content_refused`, `unavailable`. Two queries; none where nobody looks."""
    if not is_on():
        return
    found = message_of(editor, message)
    if found.sender_id == editor and found.content != content:
        category = _categories([found.conversation_id])[found.conversation_id]
        check([Text(content, "edit", "content", category, editor)])


def _categories(conversations: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, str]:
    found = Conversation.objects.filter(pk__in=conversations)
    return dict(found.values_list("pk", Coalesce("group__category", Value(DIRECT))))
