"""What those hear who have blocked somebody: that there is a message, in its place, and nothing of it.

A message's version counts for them as for everybody, so that nothing is missing where they look for gaps. Answers are
veiled where they are read (message_rows.py); this is for frames that everybody else hears as they are.
"""

from typing import Any

import msgspec

from conversations.shapes import MessageShape, hidden, unquoted
from localroots_chat.gateway.protocol import event_frame
from localroots_chat.gateway.wiring import AUTHOR, QUOTED


class _Frame(msgspec.Struct):
    """`message:new` or `message:updated`; what else is in its data is about who has reacted."""

    event: str
    data: MessageShape
    conversation_id: str = msgspec.field(name="conversationId")
    prev: int
    version: int


_read = msgspec.json.Decoder(_Frame).decode


def veiled(frame: bytes, veils: int) -> bytes:
    """The frame for somebody who is not to hear of its author, its actor or the one it quotes (wiring.Change.veils)."""
    read = _read(frame)
    message = read.data
    if veils & AUTHOR:
        message = hidden(message)
    elif veils & QUOTED and message.reply_to is not None:
        message = msgspec.structs.replace(message, reply_to=unquoted(message.reply_to))
    envelope: dict[str, Any] = {"conversationId": read.conversation_id, "prev": read.prev, "version": read.version}
    return event_frame(read.event, message, envelope)
