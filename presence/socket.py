"""The socket's door to presence and typing."""

from conversations.socket import NamesConversation, named
from localroots_chat.gateway.connection import Connection
from presence import typing


async def typing_start(connection: Connection, data: str | NamesConversation) -> None:
    """typing:start: this person has begun, or goes on, to write."""
    typing.start(connection, named(data))


async def typing_stop(connection: Connection, data: str | NamesConversation) -> None:
    """typing:stop: no longer."""
    typing.stop(connection, named(data))
