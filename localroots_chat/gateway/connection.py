"""One client's connection as the rest of the house sees it: who it is, and a way to hand it packets.

How a packet reaches the socket is the outlet's business: a preframed write where the server offers one
(gateway/server.py), the plain ASGI `send` elsewhere.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypedDict

from localroots_chat.gateway.protocol import Packet
from localroots_chat.gateway.wiring import Arrival, Person

WAITING_BYTES: Final = 1_048_576  # full: the client is too slow, and gets all it missed by sync
WAITING_FRAMES: Final = 256
PREFRAMED: Final = "localroots.preframed"

_numbers = itertools.count(1)
_process = os.urandom(6).hex()


class Closed(Exception):
    """The connection is to end with this close code of the contract."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Outlet(Protocol):
    """Where packets go. `full` is called once when the client does not keep up."""

    def write(self, packet: Packet, *, sheddable: bool) -> None: ...

    def close(self) -> None: ...


class Preframed(TypedDict):
    """The ASGI extension of gateway/server.py."""

    write: Callable[[bytes], int]
    waiting: Callable[[], int]
    close: Callable[[int, str], None]


class PreframedOutlet:
    """Writes the bytes of a packet as they are, through the ASGI extension of gateway/server.py."""

    __slots__ = ("_behind", "_full", "_waiting", "_write")

    def __init__(self, extension: Preframed, full: Callable[[], None]) -> None:
        self._write, self._waiting, self._full = extension["write"], extension["waiting"], full
        self._behind = 0

    def write(self, packet: Packet, *, sheddable: bool) -> None:
        if self._behind:  # some of it may have gone out since
            self._behind = self._waiting()
            if sheddable and self._behind > WAITING_BYTES // 2:
                return
            if self._behind + len(packet.wire) > WAITING_BYTES:
                self._full()
                return
        self._behind = self._write(packet.wire)

    def close(self) -> None:
        """Nothing waits here."""


class QueueOutlet:
    """Sends a packet's payloads one by one through ASGI's `send`, from a task of its own."""

    def __init__(self, send: Callable[[Any], Awaitable[None]], full: Callable[[], None]) -> None:
        self._send, self._full = send, full
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._bytes = 0
        self._task = asyncio.get_running_loop().create_task(self._run())

    def write(self, packet: Packet, *, sheddable: bool) -> None:
        if sheddable and (self._bytes > WAITING_BYTES // 2 or self._queue.qsize() > WAITING_FRAMES // 2):
            return
        for payload in packet.payloads:
            self._bytes += len(payload)
            self._queue.put_nowait(payload)
        if self._bytes > WAITING_BYTES or self._queue.qsize() > WAITING_FRAMES:
            self._full()

    def close(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            payload = await self._queue.get()
            try:
                await self._send({"type": "websocket.send", "text": payload.decode()})
            except Exception:  # the client has gone; its consumer hears of that by itself
                return
            self._bytes -= len(payload)


class Connection:
    """A client that has said who it is. The hub keeps it among the listeners of its person's conversations."""

    __slots__ = (
        "_close", "_outlet", "blocked", "blocked_by", "epoch", "expires", "heard", "id", "moves", "person", "read_at",
        "session", "share", "topics",
    )  # fmt: skip

    def __init__(self, arrival: Arrival, outlet: Outlet, close: Callable[[int, str], None]) -> None:
        self.id = f"{_process}-{next(_numbers)}"
        self.share = 0  # of the heartbeats; the hub's
        self.person: Person = arrival.person
        self.expires, self.session = arrival.expires, arrival.session
        self.topics: set[str] = set()
        self.blocked, self.blocked_by = set(arrival.blocked), set(arrival.blocked_by)  # people, by their keys
        self.moves: dict[str, float] = {}  # of seats gained or lost since `read_at`: when, by the database's clock
        self.heard = time.monotonic()
        self.read_at, self.epoch = arrival.read_at, arrival.epoch
        self._outlet, self._close = outlet, close

    def write(self, packet: Packet, *, sheddable: bool = False) -> None:
        """Hands the packet over in order; `sheddable` ones are dropped where the client is behind. Never raises."""
        self._outlet.write(packet, sheddable=sheddable)

    def close(self, code: int, reason: str) -> None:
        """Ends the connection with a close code of the contract."""
        self._close(code, reason)
