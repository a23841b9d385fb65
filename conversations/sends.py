"""A message on its way in, and what its sender is answered."""

import hashlib
import uuid
from collections.abc import Sequence

import msgspec
from uuid_utils.compat import uuid7

from localroots_chat.errors import ChatError
from localroots_chat.gateway.protocol import encode


class Send(msgspec.Struct, frozen=True):
    """A message on its way in, its content already checked. `id` will be the message's. Without a type it is what its
    attachments say; `held` is the key under which it has waited for a moderator."""

    sender: int
    conversation: uuid.UUID
    content: str
    type: str | None
    client_id: str | None
    reply_to: uuid.UUID | None
    digest: str
    attachments: tuple[uuid.UUID, ...] = ()
    held: uuid.UUID | None = None
    id: uuid.UUID = msgspec.field(default_factory=uuid7)


class Stored(msgspec.Struct):
    """The answer to a send after COMMIT: the wire's Message as JSON, and whether it was there before."""

    message: msgspec.Raw
    duplicate: bool


class HeldAnswer(msgspec.Struct):
    """The answer to a send that waits for a moderator (held.py), after COMMIT."""

    held: bool = True


def digest_of(
    content: str, type_: str | None, reply_to: uuid.UUID | None, attachments: Sequence[uuid.UUID] = ()
) -> str:
    """What tells an honest retry from another text under the same clientId: 128 bits of what was first sent."""
    said = [type_, content, reply_to, *attachments]
    return hashlib.blake2b(encode(said), digest_size=16).hexdigest()


def no_such_attachment() -> ChatError:
    """`not_found`: said of what does not exist, of another's, and of what was sent already."""
    return ChatError("not_found", "There is no such attachment.", field="attachmentIds")
