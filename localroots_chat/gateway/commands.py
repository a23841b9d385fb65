"""One connection's commands: read, counted, carried out in the order in which they came, and answered once each."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Final

import msgspec

from localroots_chat.errors import ChatError
from localroots_chat.gateway.arrivals import Auth, Visitor, arrivals
from localroots_chat.gateway.connection import Closed, Connection
from localroots_chat.gateway.limits import limits, question
from localroots_chat.gateway.protocol import (
    Command,
    Packet,
    read_command,
    read_data,
    ref_in,
    refusal_frame,
    reply_frame,
)
from localroots_chat.gateway.wiring import Credential, wired
from localroots_chat.wire import iso_of_epoch

_log = logging.getLogger(__name__)

MALFORMED_MOST, MALFORMED_SECONDS = 5, 60.0
REFUSALS_MOST, REFUSALS_SECONDS = 100, 10.0
_OUR_FAULT: Final = frozenset({"unavailable", "overloaded", "internal"})  # who asks again does as they were told
_IN_FLIGHT_MOST: Final = 256  # pipelined commands of one connection that have not been answered yet

auth_decoder: Final = msgspec.json.Decoder(Auth)


@cache
def _decoder_of(event: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(wired().commands[event].takes)


class Recently:
    """Whether something has happened `most` times within `seconds`."""

    __slots__ = ("_most", "_seconds", "_times")

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._times: deque[float] | None = None  # made when it first happens: most connections behave

    def once_more(self) -> bool:
        """Counts one; True where that makes `most`."""
        if self._times is None:
            self._times = deque(maxlen=self._most)
        now = time.monotonic()
        self._times.append(now)
        return len(self._times) == self._most and now - self._times[0] <= self._seconds


class Commands:
    """What a connection asks for. `renewed` is called when its token has been replaced by a newer one."""

    def __init__(self, connection: Connection, renewed: Callable[[], None]) -> None:
        self._connection, self._renewed = connection, renewed
        self._pending: set[asyncio.Future[object]] = set()
        self._malformed = Recently(MALFORMED_MOST, MALFORMED_SECONDS)
        self._refusals = Recently(REFUSALS_MOST, REFUSALS_SECONDS)

    async def obey(self, text: str) -> None:
        """Carries out the command in this frame. Raises Closed where the connection must end, nothing else."""
        command: Command | None = None
        try:
            command = read_command(text)
            await self._carry_out(command)
        except ChatError as error:
            self._refuse(ref_in(text) if command is None else command.ref, error)
            if command is None and self._malformed.once_more():
                raise Closed(4400, "malformed frames") from None
        except Closed:
            raise
        except Exception as error:
            self._refuse(None if command is None else command.ref, _internal(error))

    async def _carry_out(self, command: Command) -> None:
        if command.event == "heartbeat":
            await self._beat(command)
        elif command.event == "auth":
            await self._renew(command)
        elif command.event in wired().commands:
            await self._hand_on(command)
        else:
            raise ChatError("unknown_event", "There is no such command.", field="event")

    async def _hand_on(self, command: Command) -> None:
        spec = wired().commands[command.event]
        data = read_data(_decoder_of(command.event), command.data)
        if spec.pipelined:
            await self._make_room()
            self._answer_later(command.ref, spec.handle(self._connection, data))
            return
        await self.finish()
        counted = None if spec.rate is None else question(spec.rate, self._connection.person.key)
        if command.ref is None and spec.unanswered is not None:
            if counted is not None:
                limits().check_here(counted)
            await spec.unanswered(self._connection, data)
            return
        if counted is not None:
            await limits().check(counted)
        answer = await spec.handle(self._connection, data)
        if command.ref is not None:
            self._answer(command.ref, answer)

    async def _beat(self, command: Command) -> None:
        if command.ref is not None:
            await self.finish()
            self._answer(command.ref, {"serverTime": iso_of_epoch(time.time())})

    async def _renew(self, command: Command) -> None:
        """auth: a newer token of the same person."""
        token = read_data(auth_decoder, command.data).token
        await self.finish()
        connection = self._connection
        await limits().check(question("command", connection.person.key))
        try:
            arrival = await arrivals().put(Visitor(Credential(token=token)))
        except ChatError as error:
            if error.close == 4403:
                raise Closed(4403, error.message) from None
            raise
        if arrival.person.key != connection.person.key:
            raise Closed(4403, "another person's token")
        connection.person, connection.expires, connection.session = arrival.person, arrival.expires, arrival.session
        self._renewed()
        if command.ref is not None:
            self.answer_auth(command.ref)

    def answer_auth(self, ref: str) -> None:
        """The reply to `auth`: until when the token is good."""
        expires = self._connection.expires
        self._answer(ref, {"expiresAt": expires and iso_of_epoch(expires)})

    # Order

    async def finish(self) -> None:
        """Waits until everything that came is carried out and answered."""
        while self._pending:
            await asyncio.wait(self._pending)

    async def _make_room(self) -> None:
        if len(self._pending) >= _IN_FLIGHT_MOST:
            await asyncio.wait(self._pending, return_when=asyncio.FIRST_COMPLETED)

    def _answer_later(self, ref: str | None, work: Awaitable[object]) -> None:
        future = asyncio.ensure_future(work)
        self._pending.add(future)

        def answered(done: asyncio.Future[object]) -> None:
            self._pending.discard(done)
            if done.cancelled():
                return
            error = done.exception()
            if error is not None:
                self._refuse(ref, error if isinstance(error, ChatError) else _internal(error))
            elif ref is not None:
                self._answer(ref, done.result())

        future.add_done_callback(answered)

    # Answers

    def _answer(self, ref: str, data: object) -> None:
        self._connection.write(Packet([reply_frame(ref, data)]))

    def _refuse(self, ref: str | None, error: ChatError) -> None:
        self._connection.write(Packet([refusal_frame(ref, error.shape)]))
        if error.code not in _OUR_FAULT and self._refusals.once_more():
            self._connection.close(4429, "too many refusals")


def _internal(error: BaseException) -> ChatError:
    _log.error("A command failed", exc_info=error)
    return ChatError("internal", "Something went wrong here. Please try again.")
