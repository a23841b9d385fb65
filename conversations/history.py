"""Reading a conversation's messages by seq: pages before, after or around a place. Constant queries, one index."""

import uuid
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from conversations.models import Message, Participant
from conversations.reactions import answers_to, answers_to_senders
from conversations.shapes import MessageShape

PAGE: Final = 50
PAGE_MOST: Final = 100


class Place(NamedTuple):
    """Where in a conversation: before or after a seq (without it), around it (with it), or at the end."""

    kind: Literal["newest", "before", "after", "around"]
    seq: int = 0


class Page(msgspec.Struct, rename="camel"):
    """Messages from oldest to newest. `version` is the conversation's, read before the messages."""

    messages: list[MessageShape]
    version: int
    has_older: bool
    has_newer: bool


def page_of(seat: Participant, place: Place, limit: int = PAGE) -> Page:
    """A page of the conversation of this seat (with `conversation` loaded, which is what `version` is of). One query;
    around takes two, and reactions one more."""
    conversation = seat.conversation
    messages = _messages(conversation.id, place, limit)
    first, last = (messages[0].seq, messages[-1].seq) if messages else _nowhere(place, conversation.last_seq)
    return Page(
        messages=answers_to(seat.user_id, messages),
        version=conversation.version,
        has_older=first > conversation.first_seq,
        has_newer=last < conversation.last_seq,
    )


def _nowhere(place: Place, last_seq: int) -> tuple[int, int]:
    """The seqs between which an empty page lies."""
    if place.kind == "before":
        return place.seq, place.seq - 1
    if place.kind == "after":
        return place.seq + 1, place.seq
    return 0, last_seq


def _messages(conversation: uuid.UUID, place: Place, limit: int) -> list[Message]:
    rows = Message.objects.filter(conversation_id=conversation).select_related("sender", "reply_to__sender")
    match place.kind:
        case "after":
            return list(rows.filter(seq__gt=place.seq).order_by("seq")[:limit])
        case "before":
            rows = rows.filter(seq__lt=place.seq)
        case "around":
            newer = list(rows.filter(seq__gte=place.seq).order_by("seq")[: (limit + 1) // 2])
            older = rows.filter(seq__lt=place.seq).order_by("-seq")[: limit - len(newer)]
            return [*reversed(older), *newer]
    return list(reversed(rows.order_by("-seq")[:limit]))


def own_messages(keys: Sequence[uuid.UUID]) -> dict[uuid.UUID, MessageShape]:
    """Messages as they are now, by id, each as its own sender is answered. At most two queries."""
    rows = list(Message.objects.filter(pk__in=keys).select_related("sender", "reply_to__sender"))
    return dict(zip((message.id for message in rows), answers_to_senders(rows), strict=True))
