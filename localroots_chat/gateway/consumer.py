"""One socket's life: origin, credential, welcome, commands, and an end with the right code.

It is a Channels consumer without a channel of the layer (the hub listens for it) and with its own loop:
Channels' dispatch would start a task and visit a thread for every frame.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer
from django.conf import settings

from localroots_chat.errors import ChatError
from localroots_chat.gateway import origin
from localroots_chat.gateway.arrivals import Visitor, arrivals, connecting, welcome_frame
from localroots_chat.gateway.commands import Commands, auth_decoder
from localroots_chat.gateway.connection import (
    PREFRAMED,
    Closed,
    Connection,
    Outlet,
    Preframed,
    PreframedOutlet,
    QueueOutlet,
)
from localroots_chat.gateway.hub import hub
from localroots_chat.gateway.limits import limits
from localroots_chat.gateway.protocol import Packet, event_frame, read_command, read_data
from localroots_chat.gateway.wiring import Credential
from localroots_chat.wire import iso_of_epoch

_log = logging.getLogger(__name__)

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

EXPIRING_SECONDS: Final = 60.0
_LONGEST_TIMER: Final = 86_400 * 40  # event loops refuse much longer ones, and no socket lives that long


class Gone(Exception):
    """The client has left."""


class ChatConsumer(AsyncConsumer):  # type: ignore[misc]  # channels is not typed
    """The WebSocket at /ws/chat/."""

    channel_layer_alias: ClassVar[Any] = None  # no channel: the hub hears for all sockets of this server

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self._preframed: Preframed | None = (scope.get("extensions") or {}).get(PREFRAMED)
        self._connection: Connection | None = None
        self._outlet: Outlet | None = None
        self._commands: Commands | None = None
        self._auth_ref: str | None = None
        self._expiry: asyncio.TimerHandle | None = None
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
        connection = await self._arrive(await self._visitor(headers))
        commands = self._commands = Commands(connection, self._watch_expiry)
        if self._auth_ref is not None:
            commands.answer_auth(self._auth_ref)
        while True:
            text = await self._next_text()
            connection.heard = time.monotonic()
            if self._ending is None:  # what had been sent before the end was told is not carried out any more
                await commands.obey(text)

    # Who is it?

    async def _visitor(self, headers: dict[bytes, bytes]) -> Visitor:
        """Who comes, as far as they say. Counted now are only those who have not said it yet; the others with all who
        come together."""
        address = (self.scope.get("client") or ("unknown", 0))[0]
        credential = self._shown(headers)
        if credential is not None:
            return Visitor(credential, address)
        try:
            await limits().check(connecting(address))
        except ChatError as error:
            raise await self._too_many(error) from None
        return Visitor(await self._first_frame())

    async def _too_many(self, error: ChatError) -> Closed:
        await self._send({"type": "websocket.send", "text": event_frame("error", error.shape).decode()})
        return Closed(4429, "too many connections from this address")

    def _shown(self, headers: dict[bytes, bytes]) -> Credential | None:
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        if "token" in query or "access_token" in query:
            raise Closed(4401, "a token does not belong in the address")
        if "ticket" in query:
            return Credential(ticket=query["ticket"][0])
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme:
            return Credential(token=token.strip() if scheme.lower() == "bearer" else None)
        return None

    async def _first_frame(self) -> Credential:
        try:
            text = await asyncio.wait_for(self._next_text(), settings.CHAT_AUTH_SECONDS)
        except TimeoutError:
            raise Closed(4401, "nobody signed in") from None
        try:
            command = read_command(text)
            if command.event == "auth":
                self._auth_ref = command.ref
                return Credential(token=read_data(auth_decoder, command.data).token)
        except ChatError:
            pass
        raise Closed(4401, "the first frame must be auth")

    async def _arrive(self, visitor: Visitor) -> Connection:
        try:
            arrival = await arrivals().put(visitor)
        except ChatError as error:
            if error.code == "rate_limited":
                raise await self._too_many(error) from None
            raise Closed(error.close or 1011, error.message) from None
        if len(hub().connections_of(arrival.person.key)) >= settings.CHAT_SOCKETS_PER_PERSON:
            raise Closed(4409, "too many sockets")
        self._outlet = self._make_outlet()
        connection = self._connection = Connection(arrival, self._outlet, self._close_soon)
        hub().attach(connection, arrival.seats)
        connection.write(Packet([welcome_frame(connection, arrival)]))
        self._watch_expiry()
        if hub().draining:
            hub().send_away([connection], "restart")
        return connection

    def _make_outlet(self) -> Outlet:
        def full() -> None:
            self._close_soon(4413, "too slow")

        return QueueOutlet(self._send, full) if self._preframed is None else PreframedOutlet(self._preframed, full)

    def _watch_expiry(self) -> None:
        """Warns a minute before the token runs out, and ends the socket then."""
        if self._expiry is not None:
            self._expiry.cancel()
        connection = self._connection
        if connection is None or connection.expires is None:
            return
        left = min(connection.expires - time.time(), _LONGEST_TIMER)
        later = asyncio.get_running_loop().call_later
        self._expiry = later(max(0.0, left - EXPIRING_SECONDS), self._warn, connection, connection.expires)

    def _warn(self, connection: Connection, expires: float) -> None:
        connection.write(Packet([event_frame("session:expiring", {"expiresAt": iso_of_epoch(expires)})]))
        left = max(0.0, min(expires - time.time(), EXPIRING_SECONDS))
        self._expiry = asyncio.get_running_loop().call_later(left, self._close_soon, 4401, "token expired")

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
        at_once = code != 1012  # then nothing is wrong with the client: it hears the answers to what it has sent
        if at_once:  # also who is being sent away, and has no right any more to hear what comes until then
            self._leave()
        if self._ending is None:
            end = self._end(code, reason) if at_once else self._end_when_answered(code, reason)
            self._ending = asyncio.get_running_loop().create_task(end)

    async def _end_when_answered(self, code: int, reason: str) -> None:
        try:
            if self._commands is not None:
                await self._commands.finish()
        finally:
            await self._end(code, reason)
            self._leave()

    async def _end(self, code: int, reason: str) -> None:
        if self._preframed is not None:
            self._preframed["close"](code, reason)
            return
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except Exception:  # it is gone already
            _log.debug("A socket could not be closed with %d", code)

    def _leave(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        if self._connection is not None:
            hub().detach(self._connection)
        if self._outlet is not None:
            self._outlet.close()
