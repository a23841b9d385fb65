"""One socket's life: origin, credential, welcome, commands in order, and an end with the right code.

It is a Channels consumer without a channel of the layer (the hub listens for it) and with its own loop:
Channels' dispatch would start a task and visit a thread for every frame.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs

import msgspec
from channels.consumer import AsyncConsumer
from django.conf import settings

from localroots_chat.database import in_thread
from localroots_chat.errors import ChatError
from localroots_chat.gateway import origin
from localroots_chat.gateway.batcher import Batcher
from localroots_chat.gateway.connection import Connection, Outlet, PreframedOutlet, QueueOutlet
from localroots_chat.gateway.hub import Hub, hub
from localroots_chat.gateway.limits import limits, question
from localroots_chat.gateway.per_loop import per_loop
from localroots_chat.gateway.protocol import (
    Command,
    Packet,
    event_frame,
    read_command,
    read_data,
    refusal_frame,
    reply_frame,
)
from localroots_chat.gateway.server import PREFRAMED
from localroots_chat.gateway.wiring import Arrival, CommandSpec, Credential, wired
from localroots_chat.wire import iso_of_epoch

_log = logging.getLogger(__name__)

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

MALFORMED_MOST, MALFORMED_SECONDS = 5, 60.0
REFUSALS_MOST, REFUSALS_SECONDS = 100, 10.0
EXPIRING_SECONDS: Final = 60.0
_IN_FLIGHT_MOST: Final = 256  # pipelined commands of one socket that have not been answered yet


class Closed(Exception):
    """The socket is to end with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Gone(Exception):
    """The client has left."""


async def _arrive(credentials: list[Credential]) -> list[Arrival | ChatError]:
    return list(await in_thread(wired().arrive, credentials))


@per_loop
def arrivals() -> Batcher[Credential, Arrival]:
    """People who connect at the same time share their look-ups."""
    return Batcher(_arrive, most=100, waiting=10_000)


class _Decoders:
    """A JSON decoder for each command's data, made once."""

    def __init__(self) -> None:
        self._found: dict[str, msgspec.json.Decoder[Any]] = {}

    def of(self, event: str, spec: CommandSpec) -> msgspec.json.Decoder[Any]:
        found = self._found.get(event)
        if found is None:
            found = self._found[event] = msgspec.json.Decoder(spec.takes)
        return found


_decoders = _Decoders()


class Recently:
    """Whether something has happened `most` times within `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self._times: deque[float] = deque(maxlen=most)
        self._most, self._seconds = most, seconds

    def once_more(self) -> bool:
        """Counts one; True where that makes `most`."""
        now = time.monotonic()
        self._times.append(now)
        return len(self._times) == self._most and now - self._times[0] <= self._seconds


class ChatConsumer(AsyncConsumer):  # type: ignore[misc]  # channels is not typed
    """The WebSocket at /ws/chat/."""

    channel_layer_alias: ClassVar[Any] = None  # no channel: the hub hears for all sockets of this server

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self._connection: Connection | None = None
        self._outlet: Outlet | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._pending: set[asyncio.Future[object]] = set()
        self._malformed = Recently(MALFORMED_MOST, MALFORMED_SECONDS)
        self._refusals = Recently(REFUSALS_MOST, REFUSALS_SECONDS)
        self._ending: asyncio.Task[None] | None = None
        try:
            await self._live()
        except Gone:
            pass
        except Closed as closed:
            await self._end(closed.code, closed.reason)
        except Exception:
            _log.exception("A socket failed")
            await self._end(1011, "internal")
        finally:
            self._leave()

    async def _live(self) -> None:
        await self._next()
        headers = dict(self.scope["headers"])
        secure = self.scope.get("scheme") == "wss"
        if not origin.may_connect(headers.get(b"origin"), headers.get(b"host", b""), secure=secure):
            await self._send({"type": "websocket.close", "code": 4403})  # before accepting: HTTP 403
            raise Gone
        await self._send({"type": "websocket.accept"})
        await self._limit_connecting()
        connection = await self._arrive(await self._credential(headers))
        while True:
            text = await self._next_text()
            connection.heard = time.monotonic()
            await self._obey(connection, text)

    async def _limit_connecting(self) -> None:
        address = (self.scope.get("client") or ("unknown", 0))[0]
        try:
            await limits().check(question("connect", address))
        except ChatError as error:
            await self._send({"type": "websocket.send", "text": event_frame("error", error.shape).decode()})
            raise Closed(4429, "too many connections from this address") from None

    # Who is it?

    async def _credential(self, headers: dict[bytes, bytes]) -> Credential:
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        if "token" in query or "access_token" in query:
            raise Closed(4401, "a token does not belong in the address")
        if "ticket" in query:
            return Credential(ticket=query["ticket"][0])
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme:
            return Credential(token=token.strip() if scheme.lower() == "bearer" else None)
        return await self._first_frame()

    async def _first_frame(self) -> Credential:
        try:
            text = await asyncio.wait_for(self._next_text(), settings.CHAT_AUTH_SECONDS)
        except TimeoutError:
            raise Closed(4401, "nobody signed in") from None
        try:
            command = read_command(text)
            if command.event == "auth":
                return Credential(token=read_data(_auth_decoder, command.data).token)
        except ChatError:
            pass
        raise Closed(4401, "the first frame must be auth")

    async def _arrive(self, credential: Credential) -> Connection:
        try:
            arrival = await arrivals().put(credential)
        except ChatError as error:
            raise Closed(error.close or 1011, error.message) from None
        here: Hub = hub()
        if len(here.connections_of(arrival.person.key)) >= settings.CHAT_SOCKETS_PER_PERSON:
            raise Closed(4409, "too many sockets")
        self._outlet = self._make_outlet()
        connection = self._connection = Connection(arrival, self._outlet, self._close_soon)
        here.attach(connection, arrival.seats)
        connection.write(Packet([event_frame("welcome", _welcome(connection, arrival))]))
        self._watch_expiry(connection)
        return connection

    def _make_outlet(self) -> Outlet:
        extension = (self.scope.get("extensions") or {}).get(PREFRAMED)
        if extension is not None:
            return PreframedOutlet(extension["write"], extension["abort"])
        return QueueOutlet(self._send, lambda: self._close_soon(4413, "too slow"))

    def _watch_expiry(self, connection: Connection) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers = []
        if connection.expires is None:
            return
        loop, left = asyncio.get_running_loop(), connection.expires - time.time()
        if left > 86_400 * 40:  # timers of more than a few weeks overflow; such a socket will not live that long
            return
        warning = event_frame("session:expiring", {"expiresAt": iso_of_epoch(connection.expires)})
        self._timers = [
            loop.call_later(max(0.0, left - EXPIRING_SECONDS), connection.write, Packet([warning])),
            loop.call_later(max(0.0, left), self._close_soon, 4401, "token expired"),
        ]

    # What does it want?

    async def _obey(self, connection: Connection, text: str) -> None:
        command: Command | None = None
        try:
            command = read_command(text)
            if command.event == "auth":
                await self._renew(connection, command)
            elif command.event != "heartbeat":
                await self._carry_out(connection, command)
            elif command.ref is not None:
                await self._finish_pending()
                self._answer(connection, command.ref, {"serverTime": iso_of_epoch(time.time())})
        except ChatError as error:
            self._refuse(connection, command.ref if command else None, error)
            if command is None and self._malformed.once_more():
                raise Closed(4400, "malformed frames") from None
        except (Closed, Gone):
            raise
        except Exception as error:
            self._refuse(connection, command.ref if command else None, _internal(error))

    async def _carry_out(self, connection: Connection, command: Command) -> None:
        spec = wired().commands.get(command.event)
        if spec is None:
            raise ChatError("unknown_event", "There is no such command.", field="event")
        data = read_data(_decoders.of(command.event, spec), command.data)
        if spec.pipelined:
            await self._make_room()
            self._answer_later(connection, command.ref, spec.handle(connection, data))
            return
        await self._finish_pending()
        if spec.rate is not None:
            await limits().check(question(spec.rate, connection.person.key))
        if command.ref is None:
            await (spec.unanswered or spec.handle)(connection, data)
        else:
            self._answer(connection, command.ref, await spec.handle(connection, data))

    async def _finish_pending(self) -> None:
        """What came before is carried out, and answered, before."""
        while self._pending:
            await asyncio.wait(self._pending)

    async def _make_room(self) -> None:
        if len(self._pending) >= _IN_FLIGHT_MOST:
            await asyncio.wait(self._pending, return_when=asyncio.FIRST_COMPLETED)

    def _answer_later(self, connection: Connection, ref: str | None, work: Awaitable[object]) -> None:
        future = asyncio.ensure_future(work)
        self._pending.add(future)

        def answered(done: asyncio.Future[object]) -> None:
            self._pending.discard(done)
            if done.cancelled():
                return
            error = done.exception()
            if error is not None:
                self._refuse(connection, ref, error if isinstance(error, ChatError) else _internal(error))
            elif ref is not None:
                self._answer(connection, ref, done.result())

        future.add_done_callback(answered)

    async def _renew(self, connection: Connection, command: Command) -> None:
        token = read_data(_auth_decoder, command.data).token
        await self._finish_pending()
        await limits().check(question("command", connection.person.key))
        try:
            arrival = await arrivals().put(Credential(token=token))
        except ChatError as error:
            if error.close == 4403:
                raise Closed(4403, error.message) from None
            raise
        if arrival.person.key != connection.person.key:
            raise Closed(4403, "another person's token")
        connection.person, connection.expires, connection.session = arrival.person, arrival.expires, arrival.session
        self._watch_expiry(connection)
        if command.ref is not None:
            expires = iso_of_epoch(connection.expires) if connection.expires is not None else None
            self._answer(connection, command.ref, {"expiresAt": expires})

    def _answer(self, connection: Connection, ref: str, data: object) -> None:
        connection.write(Packet([reply_frame(ref, data)]))

    def _refuse(self, connection: Connection, ref: str | None, error: ChatError) -> None:
        connection.write(Packet([refusal_frame(ref, error.shape)]))
        if self._refusals.once_more():
            self._close_soon(4429, "too many refusals")

    # The wire

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise Gone
        return message

    async def _next_text(self) -> str:
        message = await self._next()
        text = message.get("text")
        if text is None:
            raise Closed(1003, "text frames only")
        if len(text) > settings.CHAT_FRAME_BYTES:  # where the server does not refuse it itself
            raise Closed(1009, "frame too large")
        return str(text)

    def _close_soon(self, code: int, reason: str) -> None:
        """Ends the socket from outside its own loop, once."""
        if self._ending is None:
            self._leave()
            self._ending = asyncio.get_running_loop().create_task(self._end(code, reason))

    async def _end(self, code: int, reason: str) -> None:
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except Exception:  # it is gone already
            _log.debug("A socket could not be closed with %d", code)

    def _leave(self) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._connection is not None:
            hub().detach(self._connection)
        if self._outlet is not None:
            self._outlet.close()


class _Auth(msgspec.Struct):
    token: object = None


_auth_decoder = msgspec.json.Decoder(_Auth)


class _Welcome(msgspec.Struct, rename="camel"):
    connection_id: str
    user: msgspec.Raw
    epoch: str
    heartbeat_interval: float
    server_time: str
    unread_total: int
    limits: dict[str, Any]


def _welcome(connection: Connection, arrival: Arrival) -> _Welcome:
    beat = settings.CHAT_HEARTBEAT_SECONDS
    return _Welcome(
        connection_id=connection.id,
        user=arrival.person.shape,
        epoch=arrival.epoch,
        heartbeat_interval=int(beat) if beat == int(beat) else beat,
        server_time=iso_of_epoch(time.time()),
        unread_total=arrival.unread_total,
        limits={
            "messageCharacters": settings.CHAT_MESSAGE_CHARACTERS,
            "frameBytes": settings.CHAT_FRAME_BYTES,
            "socketsPerPerson": settings.CHAT_SOCKETS_PER_PERSON,
            "groupMembers": settings.CHAT_GROUP_MEMBERS,
            "rates": {name: f"{count}/{seconds:g}s" for name, (count, seconds) in settings.CHAT_RATES.items()},
        },
    )


def _internal(error: BaseException) -> ChatError:
    _log.error("A command failed", exc_info=error)
    return ChatError("internal", "Something went wrong here. Please try again.")
