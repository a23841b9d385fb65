"""Who is writing: told at most once in three seconds, taken back after six, and not in large conversations."""

import asyncio
import time
from typing import Final

import msgspec

from localroots_chat.errors import not_found
from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.hub import hub
from localroots_chat.gateway.layer import Fleeting
from localroots_chat.gateway.per_loop import per_loop
from localroots_chat.gateway.protocol import event_frame

AGAIN_SECONDS: Final = 3.0
EXPIRES_SECONDS: Final = 6.0
MEMBERS_MOST: Final = 200


class TypingEvent(msgspec.Struct, rename="camel"):
    """`typing:user_start` and `typing:user_stop`."""

    user_id: str
    conversation_id: str


@per_loop
def _expiries() -> dict[tuple[int, str], asyncio.TimerHandle]:
    """When who stops writing where, unless they go on."""
    return {}


def start(connection: Connection, conversation: str) -> None:
    """Tells the others that this person writes. Raises ChatError `not_found` for a conversation that is not theirs."""
    _check(connection, conversation)
    key = (connection.person.key, conversation)
    timer = _expiries().pop(key, None)
    if timer is not None:
        timer.cancel()
    _expiries()[key] = asyncio.get_running_loop().call_later(EXPIRES_SECONDS, _stop, connection, conversation)
    told = connection.memory.get(f"typing:{conversation}", 0.0)
    if time.monotonic() - told >= AGAIN_SECONDS:
        connection.memory[f"typing:{conversation}"] = time.monotonic()
        _tell("typing:user_start", connection, conversation)


def stop(connection: Connection, conversation: str) -> None:
    """Takes it back, where it was told. Raises ChatError `not_found`."""
    _check(connection, conversation)
    _stop(connection, conversation)


def _stop(connection: Connection, conversation: str) -> None:
    timer = _expiries().pop((connection.person.key, conversation), None)
    if timer is not None:
        timer.cancel()
        connection.memory.pop(f"typing:{conversation}", None)
        _tell("typing:user_stop", connection, conversation)


def _check(connection: Connection, conversation: str) -> None:
    # The hub's own list of a person's conversations: gained and lost with the seat, within the second.
    if conversation not in connection.topics:
        raise not_found()


def _tell(event: str, connection: Connection, conversation: str) -> None:
    if hub().members(conversation) <= MEMBERS_MOST:
        frame = event_frame(event, TypingEvent(connection.person.id, conversation))
        hub().announce([Fleeting(conversation, frame, without=connection.person.key)])
