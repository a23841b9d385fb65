"""A TCP proxy with faults, to stand between a client and its server: both meet a bad network.

Knows nothing of what passes through it, nor of who speaks.
"""

import asyncio
import contextlib
import errno
import fcntl
import math
import socket
import struct
import termios
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from tests.support.processes import free_port

Direction = Literal["to_client", "to_server"]
T = TypeVar("T")

_WAITING = 64 * 1024  # bytes of one direction that may wait here
_UNDERWAY = 4 * 1024 * 1024  # and those that a delay holds besides: with fewer it would limit the throughput
_TICK = 0.02  # seconds: how finely a throttle deals out


@dataclass(frozen=True)
class _Cut:
    direction: Direction
    count: int
    gone: "Counter[_Flow]" = field(default_factory=Counter)


@dataclass(frozen=True)
class _Faults:
    frozen: bool = False
    refusing: bool = False
    delay: float = 0
    rate: float = math.inf
    cut: _Cut | None = None


class Proxy:
    """`with Proxy(server.port) as proxy: …`, and clients use `proxy.port` of 127.0.0.1 instead of the server's.

    Every fault meets the connections that are open and those to come, and is in force when its method returns.
    Any thread may call, with or without a loop: the proxy has a thread and a loop of its own.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = ("127.0.0.1", target)
        self._faults = _Faults()
        self._open: set[_Connection] = set()
        self._passed: Counter[Direction] = Counter()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.setblocking(False)
        self._loop = asyncio.SelectorEventLoop()
        self._loop.add_reader(self._listener, self._admit)
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy {self.port}", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()  # whoever comes between the next two lines
        self.reset()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._listener.close()

    def url_of(self, url: str) -> str:
        """The same, by way of the proxy."""
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}").geturl()

    @property
    def connections(self) -> int:
        """How many are open."""
        return self._do(lambda: len(self._open))

    def passed(self, direction: Direction) -> int:
        """Bytes, over all connections."""
        return self._do(lambda: self._passed[direction])

    # Faults

    def freeze(self) -> None:
        """Pass nothing on, and lose nothing. Connections stay open; new ones are let in, but not led on."""
        self._set(frozen=True)

    def thaw(self) -> None:
        self._set(frozen=False)

    def delay(self, seconds: float) -> None:
        """Pass everything on that much later, in both directions, also what waits already."""
        self._set(delay=seconds)

    def throttle(self, bytes_per_second: float) -> None:
        """Pass no more on, per connection and direction. math.inf: whatever comes."""
        self._set(rate=bytes_per_second)

    def cut_after(self, count: int, *, direction: Direction) -> None:
        """Reset one connection: the first with `count` more bytes in that direction, right behind the last of them.

        Each counts for itself, from now or from its opening. With 0 it is reset in place of its next byte. The
        reset waits until the receiver's kernel has those bytes, which takes a receiver that reads.
        """
        self._set(cut=_Cut(direction, count))

    def reset(self) -> None:
        """Reset what is open now. Whoever connects later is served."""

        def reset() -> None:
            for connection in set(self._open):
                connection.close()

        self._do(reset)

    def refuse(self) -> None:
        """Reset new connections as they come. Those that are open go on."""
        self._set(refusing=True)

    def accept(self) -> None:
        self._set(refusing=False)

    def heal(self) -> None:
        """No fault any more."""
        self._set(**vars(_Faults()))

    # On the proxy's thread

    def _do(self, act: Callable[[], T]) -> T:
        async def do() -> T:
            self._admit()  # who has connected before the call is there before its fault
            return act()

        assert self._thread.is_alive(), "the proxy is closed"
        return asyncio.run_coroutine_threadsafe(do(), self._loop).result()

    def _set(self, **faults: Any) -> None:
        def change() -> None:
            self._faults = replace(self._faults, **faults)
            for connection in set(self._open):
                connection.go_on()

        self._do(change)

    def _admit(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            while True:
                connection = _Connection(self, self._listener.accept()[0])
                self._open.add(connection)
                if self._faults.refusing:
                    connection.close()
                connection.go_on()


class _Connection:
    """A client's connection to the proxy, and the proxy's to the target."""

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self.proxy = proxy
        self.timers: list[asyncio.TimerHandle] = []
        self.cut_behind: socket.socket | None = None
        self._target = target = socket.socket()
        self._connected = False
        for end in (client, target):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):  # by itself the kernel would take in megabytes
                end.setsockopt(socket.SOL_SOCKET, buffer, _WAITING)
        self._flows = (_Flow(self, "to_server", client, target), _Flow(self, "to_client", target, client))

    def go_on(self) -> None:
        """Do what can be done, and have the loop call again when more can be."""
        if self not in self.proxy._open:
            return
        self._rest()
        if self.proxy._faults.frozen:
            return
        try:
            for flow in self._flows:
                if self._connects() and self.cut_behind is None:
                    flow.move()
        except OSError:
            self.close()
        else:
            if all(flow.ended for flow in self._flows):
                self.close(reset=False)
            elif self.cut_behind is not None:
                self._cut(self.cut_behind)

    def _connects(self) -> bool:
        """Whether the target has let us in already."""
        if not self._connected:
            code = self._target.connect_ex(self.proxy._target)
            self._connected = code in (0, errno.EISCONN)
            if code in (errno.EINPROGRESS, errno.EALREADY):
                self.proxy._loop.add_writer(self._target, self.go_on)
            elif not self._connected:
                raise ConnectionRefusedError
        return self._connected

    def _cut(self, sink: socket.socket) -> None:
        """Reset it, but not before the peer's kernel has what it was sent: a reset drops what has not arrived."""
        self._rest()
        if _undelivered(sink):
            self.timers.append(self.proxy._loop.call_later(0.001, self.go_on))
        else:
            self.close()

    def _rest(self) -> None:
        for flow in self._flows:
            self.proxy._loop.remove_reader(flow.sink)
            self.proxy._loop.remove_writer(flow.sink)
        while self.timers:
            self.timers.pop().cancel()

    def close(self, *, reset: bool = True) -> None:
        self._rest()
        self.proxy._open.discard(self)
        for flow in self._flows:
            if reset:
                flow.sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            flow.sink.close()


class _Flow:
    """One direction of a connection."""

    def __init__(self, connection: _Connection, direction: Direction, source: socket.socket, sink: socket.socket):
        self.sink = sink
        self.ended = False
        self._connection = connection
        self._proxy = connection.proxy
        self._direction = direction
        self._source = source
        self._line: deque[tuple[float, bytes | None]] = deque()  # when it came, and what: b"" is the end, None a reset
        self._waiting = 0  # bytes in the line
        self._all_read = False
        self._last = (0.0, 0, math.inf)  # when something was passed on, how much, at which rate

    def move(self) -> None:
        """Take in and pass on what may go, and watch for what lets more go."""
        loop, faults = self._proxy._loop, self._proxy._faults
        if self._room > 0:
            self._read()
        try:
            while self._line and self._connection.cut_behind is None:
                then, sent, rate = self._last  # a throttle counts from when it is set, and not when it is gone
                due = max(self._line[0][0] + faults.delay, then + sent / max(rate, faults.rate))
                if due > loop.time():
                    self._connection.timers.append(loop.call_at(due, self._connection.go_on))
                    break
                self._pass_on(*self._line[0])
        except BlockingIOError:
            loop.add_writer(self.sink, self._connection.go_on)
        if self._room > 0:
            loop.add_reader(self._source, self._connection.go_on)

    @property
    def _room(self) -> int:
        if self._all_read:
            return 0
        faults = self._proxy._faults
        underway = min(faults.delay * faults.rate, _UNDERWAY) if faults.delay else 0
        return _WAITING + int(underway) - self._waiting

    def _read(self) -> None:
        chunk: bytes | None
        try:
            chunk = self._source.recv(min(self._room, _WAITING))
        except BlockingIOError:
            return
        except OSError:
            chunk = None
        self._all_read = not chunk
        self._line.append((self._proxy._loop.time(), chunk))
        self._waiting += len(chunk or b"")

    def _pass_on(self, arrived: float, chunk: bytes | None) -> None:
        """As much of the line's first chunk as may go at once."""
        if chunk is None:
            raise ConnectionResetError
        if not chunk:
            self._line.popleft()
            self.sink.shutdown(socket.SHUT_WR)
            self.ended = True
            return
        faults, cut = self._proxy._faults, self._proxy._faults.cut
        left = cut.count - cut.gone[self] if cut and cut.direction == self._direction else math.inf
        sent = self.sink.send(chunk[: int(min(len(chunk), left, max(1, faults.rate * _TICK)))])
        self._line.popleft()
        if sent < len(chunk):
            self._line.appendleft((arrived, chunk[sent:]))
        self._waiting -= sent
        self._last = (self._proxy._loop.time(), sent, faults.rate)
        self._proxy._passed[self._direction] += sent
        if cut and cut.direction == self._direction:
            cut.gone[self] += sent
        if sent == left:
            self._proxy._faults = replace(faults, cut=None)
            self._connection.cut_behind = self.sink


def _undelivered(sink: socket.socket) -> bool:
    """Whether the peer is there and its kernel has yet to confirm something, where ours can tell."""
    with contextlib.suppress(OSError):
        return not sink.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) and any(
            fcntl.ioctl(sink, termios.TIOCOUTQ, bytes(4))
        )
    return False
