"""One person's socket to a running server, as any client has it: answered commands, heartbeats, coming back."""

import asyncio
import contextlib
import itertools
import json
import random
from collections.abc import Callable
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

Json = dict[str, Any]

_OPEN_SECONDS: Final = 10
_REPLY_SECONDS: Final = 15
_ABSENCE_SECONDS: Final = 30
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_TOKEN_REFUSED: Final = frozenset({4401, 4403})


class NobodyThere(Exception):
    """No server of this chat answers at the address."""


class NotLetIn(Exception):
    """The server will not have the token, and says why."""


class Dropped(Exception):
    """The socket went before the answer came: whether the command was carried out is not known."""


class Refused(Exception):
    """The answer is no; `error` is the wire's Error, or one like it."""

    def __init__(self, error: Json) -> None:
        super().__init__(error["message"])
        self.error = error


class Phone:
    """`open` once, keep `stay` running, `ask` and `tell` whenever one likes, `close` at the end."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        hear: Callable[[Json], None],
        away: Callable[[], None],
        back: Callable[[], None],
    ) -> None:
        self._url, self._token = url, token
        self._hear, self._away, self._back = hear, away, back
        self._connection: ClientConnection | None = None
        self._online = asyncio.Event()
        self._replies: dict[str, asyncio.Future[Any]] = {}
        self._refs = itertools.count(1)

    async def open(self) -> None:
        """Connects. Raises NobodyThere, NotLetIn, Refused."""
        try:
            await self._connect()
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code in _TOKEN_REFUSED:
                raise NotLetIn(closed.rcvd.reason) from None
            raise NobodyThere from None
        except _FAILURES:
            raise NobodyThere from None

    async def stay(self) -> None:
        """Reads what comes, and connects again whenever the socket drops. Never ends by itself."""
        while True:
            await self._read()
            self._lose()
            self._away()
            await self._come_back()
            self._back()

    async def tell(self, event: str, data: object = None) -> None:
        """A command that wants no answer. Raises Dropped, Refused."""
        await self._connected()
        await self._send({"event": event, "data": data})

    async def ask(self, event: str, data: object) -> Any:
        """A command, once there is a connection, and the data of its answer. Raises Dropped, Refused."""
        await self._connected()
        ref = str(next(self._refs))
        reply = self._replies[ref] = asyncio.get_running_loop().create_future()
        try:
            await self._send({"event": event, "data": data, "ref": ref})
            async with asyncio.timeout(_REPLY_SECONDS):
                return await reply
        except TimeoutError:
            raise Dropped from None
        finally:
            del self._replies[ref]

    async def close(self) -> None:
        """Says goodbye."""
        if self._connection is not None:
            await self._connection.close()

    async def _connected(self) -> None:
        """Waits out a short absence. Raises Refused: somebody who was signed out must not keep the others waiting."""
        try:
            async with asyncio.timeout(_ABSENCE_SECONDS):
                await self._online.wait()
        except TimeoutError:
            raise Refused({"message": "There is no connection.", "retryable": False}) from None

    async def _connect(self) -> None:
        async with asyncio.timeout(_OPEN_SECONDS):
            connection = await connect(
                self._url, additional_headers={"Authorization": f"Bearer {self._token}"}, proxy=None
            )
            try:
                first = json.loads(await connection.recv())
                if first["event"] == "error":  # too many connections from this address
                    raise Refused(first["data"])
                if first["event"] != "welcome":
                    raise ValueError(first["event"])
            except BaseException:
                await connection.close()
                raise
        self._connection = connection
        self._online.set()

    async def _come_back(self) -> None:
        pause = _FIRST_PAUSE
        while not self._online.is_set():
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # a dozen phones not all at once
            pause = min(pause * 2, _LONGEST_PAUSE)
            with contextlib.suppress(*_FAILURES, Refused):
                await self._connect()

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed, Dropped):
            while True:
                await self._receive(json.loads(await self._live.recv()))

    async def _receive(self, frame: Json) -> None:
        match frame["event"]:
            case "reply":
                self._settle(frame)
            case "heartbeat":
                await self._send({"event": "heartbeat"})
            case _:
                self._hear(frame)

    def _settle(self, frame: Json) -> None:
        reply = self._replies.get(frame["ref"])
        if reply is None or reply.done():
            return
        if frame["ok"]:
            reply.set_result(frame["data"])
        else:
            reply.set_exception(Refused(frame["error"]))

    def _lose(self) -> None:
        self._online.clear()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(Dropped())

    async def _send(self, frame: Json) -> None:
        connection = self._live
        try:
            await connection.send(json.dumps(frame))
        except ConnectionClosed:
            if connection is self._connection:
                self._online.clear()  # at once: who tries again must wait for the next one
            raise Dropped from None

    @property
    def _live(self) -> ClientConnection:
        if self._connection is None:
            raise Dropped
        return self._connection


# What connecting can end with: nobody there, not a WebSocket, not this chat's frames, too slow.
_FAILURES: Final = (OSError, WebSocketException, TimeoutError, ValueError, KeyError, TypeError)
