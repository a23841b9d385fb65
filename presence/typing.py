"""Who is writing: told at most once in three seconds, taken back six seconds after the last sign of it or with the
message, and not in large conversations."""

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
from presence.contacts import MEMBERS_MOST

AGAIN_SECONDS: Final = 3.0
EXPIRES_SECONDS: Final = 6.0


class TypingEvent(msgspec.Struct, rename="camel"):
    """`typing:user_start` and `typing:user_stop`."""

    user_id: str
    conversation_id: str


class Writing:
    """Somebody's writing in one conversation, at this server. `told` is when the others heard of it last."""

    __slots__ = ("conversation", "ends", "key", "shown", "starts", "told", "user_id")

    def __init__(self, key: int, user_id: str, conversation: str) -> None:
        self.key, self.user_id, self.conversation = key, user_id, conversation
        self.shown = False
        self.told = -AGAIN_SECONDS
        self.starts: asyncio.TimerHandle | None = None  # they are to hear of it, when three seconds have passed
        self.ends: asyncio.TimerHandle | None = None

    def go_on(self) -> None:
        """There is a sign of it."""
        later = asyncio.get_running_loop().call_later
        if self.ends is not None:
            self.ends.cancel()
        self.ends = later(EXPIRES_SECONDS, self.end)
        wait = self.told + AGAIN_SECONDS - time.monotonic()
        if wait <= 0:
            self._show()
        elif not self.shown and self.starts is None:
            self.starts = later(wait, self._show)

    def end(self) -> None:
        """It is over. Remembered until it may be told of again."""
        for timer in (self.starts, self.ends):
            if timer is not None:
                timer.cancel()
        self.starts = None
        wait = max(0.0, self.told + AGAIN_SECONDS - time.monotonic())
        self.ends = asyncio.get_running_loop().call_later(wait, _forget, self)
        if self.shown:
            self.shown = False
            self._tell("typing:user_stop")

    def _show(self) -> None:
        self.starts = None
        if hub().members(self.conversation) <= MEMBERS_MOST:
            self.shown, self.told = True, time.monotonic()
            self._tell("typing:user_start")

    def _tell(self, event: str) -> None:
        frame = event_frame(event, TypingEvent(self.user_id, self.conversation))
        hub().announce([Fleeting(self.conversation, frame, without=self.key)])


@per_loop
def _writing() -> dict[tuple[int, str], Writing]:
    return {}


def _forget(writing: Writing) -> None:
    _writing().pop((writing.key, writing.conversation), None)


def start(connection: Connection, conversation: str) -> None:
    """Tells the others that this person writes. Raises ChatError `not_found` for a conversation that is not theirs."""
    person = connection.person
    _check(connection, conversation)
    key = (person.key, conversation)
    writing = _writing().get(key)
    if writing is None:
        writing = _writing()[key] = Writing(person.key, person.id, conversation)
    writing.go_on()


def stop(connection: Connection, conversation: str) -> None:
    """Takes it back, where it was told. Raises ChatError `not_found`."""
    _check(connection, conversation)
    clear(connection.person.key, conversation)


def clear(person: int, conversation: str) -> None:
    """The person (a key) no longer writes there, as when the message has come."""
    writing = _writing().get((person, conversation))
    if writing is not None:
        writing.end()


def forget_all() -> None:
    """The server ends: nobody is told any more."""
    for writing in _writing().values():
        for timer in (writing.starts, writing.ends):
            if timer is not None:
                timer.cancel()
    _writing().clear()


def _check(connection: Connection, conversation: str) -> None:
    # The hub's own list of a person's conversations: gained and lost with the seat, within the second.
    if conversation not in connection.topics:
        raise not_found()
