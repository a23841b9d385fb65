"""A message on its way in, and what its sender is answered."""

import hashlib
import uuid

import msgspec
from uuid_utils.compat import uuid7

from localroots_chat.gateway.protocol import encode


class Send(msgspec.Struct, frozen=True):
    """A message on its way in, its content already checked. `id` will be the message's."""

    sender: int
    conversation: uuid.UUID
    content: str
    type: str
    client_id: str | None
    reply_to: uuid.UUID | None
    digest: str
    id: uuid.UUID = msgspec.field(default_factory=uuid7)


class Stored(msgspec.Struct):
    """The answer to a send after COMMIT: the wire's Message as JSON, and whether it was there before."""

    message: msgspec.Raw
    duplicate: bool


class HeldAnswer(msgspec.Struct):
    """The answer to a send that waits for a moderator (held.py), after COMMIT."""

    held: bool = True


def digest_of(content: str, type_: str, reply_to: uuid.UUID | None) -> str:
    """What tells an honest retry from another text under the same clientId: 128 bits of what was first sent."""
    return hashlib.blake2b(encode([type_, content, reply_to]), digest_size=16).hexdigest()
