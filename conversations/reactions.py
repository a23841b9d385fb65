"""Reactions: one emoji of one person on one message is one row; a message's own row keeps the counts.

The counts are made anew from the rows whenever one of them changes, under the conversation's lock.
"""

from collections.abc import Mapping
from typing import Final

import emoji as emojis
from django.db import transaction
from django.db.models import Count, Min

from conversations.changing import hold
from conversations.models import Message, Reaction
from conversations.shapes import MessageShape
from localroots_chat.errors import ChatError, invalid

KINDS_MOST: Final = 50  # different emoji on one message


@transaction.atomic
def react(*, person: int, message: str, emoji: str, remove: bool = False) -> MessageShape:
    """Puts the person's emoji on the message, or takes it away. A second time, nothing changes.

    Raises ChatError `not_found`, `invalid_field`, `forbidden`, `muted`, `full`. At most thirteen queries.
    """
    canonical = emoji_of(emoji)
    held = hold(person, message)
    row = held.message
    if row.deleted_at is not None or row.type == Message.Type.SYSTEM:
        raise ChatError("forbidden", "Nobody can react to this message.", field="messageId")
    mine = Reaction.objects.filter(message=row, user_id=person, emoji=canonical)
    if mine.exists() is remove:
        if remove:
            mine.delete()
        else:
            held.check_may_write()
            if len(row.reactions) >= KINDS_MOST and canonical not in dict(row.reactions):
                raise ChatError("full", f"A message has at most {KINDS_MOST} different reactions.", field="emoji")
            Reaction.objects.create(message=row, user_id=person, emoji=canonical)
        row.reactions = _counts(row)
        told = {"actorId": held.seat.user.public_id, "reaction": {"emoji": canonical, "removed": remove}}
        return held.store("reactions", told=told)
    return held.as_it_is()


def emoji_of(text: str) -> str:
    """The emoji in the one spelling that is stored. Raises ChatError `invalid_field` for what is not one emoji.

    Some have an older spelling without a variation selector (❤ for ❤️); Unicode calls the longer one fully qualified.
    """
    known = emojis.EMOJI_DATA.get(text)
    if known is None or known["status"] == emojis.STATUS["component"]:  # a skin tone alone
        raise invalid("emoji", "Expected one emoji.")
    return _QUALIFIED.get(text.replace("\ufe0f", ""), text)


_QUALIFIED: Final[Mapping[str, str]] = {
    text.replace("\ufe0f", ""): text
    for text, data in emojis.EMOJI_DATA.items()
    if data["status"] == emojis.STATUS["fully_qualified"]
}


def _counts(message: Message) -> list[list[str | int]]:
    """[emoji, count] in the order in which each came first."""
    rows = (
        Reaction.objects.filter(message=message)
        .values("emoji")
        .annotate(count=Count("id"), first=Min("id"))
        .order_by("first")
    )
    return [[row["emoji"], row["count"]] for row in rows]
