"""The load's own chat client: a bare asyncio protocol, because a client library costs more than the server does.

It connects, says and asks things, and keeps count. Whom it plays and when it speaks is decided in scenarios.py.
"""

import asyncio
import time
from typing import Any, Final, cast

import msgspec

from tests.load.target import Target
from tests.load.wire import CLOSE, NEW, PING, PONG, EventCounter, FrameReader, client_frame, handshake

_MARK: Final = b'"content":"T='
_WELCOME: Final = b'{"event":"welcome"'
_REPLY: Final = b'{"event":"reply"'
_HEAD_END: Final = b"\r\n\r\n"
WELCOME_SECONDS: Final = 60


class _Refusal(msgspec.Struct):
    code: str
    retry_after: float = msgspec.field(default=0, name="retryAfter")


class _Reply(msgspec.Struct):
    ok: bool
    ref: str
    error: _Refusal | None = None


class Answer(msgspec.Struct, frozen=True):
    """What became of a command, and after how many seconds one knew."""

    ok: bool
    seconds: float
    code: str = ""
    retry_after: float = 0


class Client(asyncio.Protocol):
    """One socket of the person with this number.

    A client that `reads` parses every frame: it may ask things, and samples how old messages are when they arrive.
    The others only count them. `hears` are the conversations whose messages are meant for it.
    """

    def __init__(self, target: Target, person: int, *hears: str, reads: bool = False) -> None:
        self.target, self.person, self.hears, self.reads = target, person, hears, reads
        self.received = 0
        self.newest = b""  # the last delivery
        self.latencies: list[float] = []
        self.alive = False
        self._handshake = handshake(target.netloc, f"{target.path}/ws/chat/", target.token(person))
        self._forget()

    def _forget(self) -> None:
        """Back to before the first byte: a client may connect again."""
        self._head = b""
        self._upgraded = False
        self._frames = FrameReader()
        self._counter: EventCounter | None = None
        self._asked: dict[str, tuple[float, asyncio.Future[Answer]]] = {}
        self._refs = 0
        self.gone = asyncio.Event()  # the connection has ended

    # What a scenario asks of it

    async def connect(self, within: float = WELCOME_SECONDS) -> None:
        """Returns when the server has said welcome. Raises OSError, or TimeoutError."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(within):
            if self.alive:
                await self.gone.wait()  # else the end of the last connection would be taken for that of the new one
            self._forget()
            self._welcome: asyncio.Future[None] = loop.create_future()
            try:
                await loop.create_connection(lambda: self, self.target.host, self.target.port, ssl=self.target.tls)
                await self._welcome
            except BaseException:
                self.drop()
                raise

    async def ask(self, event: str, data: Any) -> Answer:
        """Sends a command and waits for its reply. Raises ConnectionError where the socket ends before."""
        self._refs += 1
        ref = str(self._refs)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[ref] = time.perf_counter(), answered
        self.tell(event, data, ref)
        return await answered

    async def say(self, conversation: str, text: str) -> Answer:
        """Sends a message that carries the time, so that whoever reads it knows how old it is."""
        content = f"T={time.perf_counter():.9f} {text}"
        return await self.ask("message:send", {"conversationId": conversation, "content": content})

    def tell(self, event: str, data: Any = None, ref: str | None = None) -> None:
        """Sends a command; without a ref it is answered only where it is refused, and nobody waits for that."""
        if self.alive:
            self._transport.write(client_frame(msgspec.json.encode({"event": event, "data": data, "ref": ref})))
        else:
            self._fail(ConnectionError("the socket has ended"))

    def stop_reading(self) -> None:
        self._transport.pause_reading()

    def go_on_reading(self) -> None:
        if self.alive:
            self._transport.resume_reading()

    def drop(self) -> None:
        """As when a train enters a tunnel: without a word."""
        if self.alive:
            self._transport.abort()

    def leave(self) -> None:
        """A polite end."""
        if self.alive:
            self._transport.write(client_frame((1000).to_bytes(2, "big"), CLOSE))
            self._transport.close()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class, which has everything of it
        self.alive = True
        self._transport.write(self._handshake)

    def data_received(self, data: bytes) -> None:
        if self._counter is not None:
            self.received += self._counter.feed(data)
        elif self._upgraded:
            self._read(data)
        else:
            self._read_head(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.alive = False
        self.gone.set()
        self._fail(error if isinstance(error, OSError) else ConnectionError("the server has closed the socket"))

    # What arrives

    def _read_head(self, data: bytes) -> None:
        self._head += data
        head, end, rest = self._head.partition(_HEAD_END)
        if not end:
            return
        status = head.split(b"\r\n", 1)[0].decode(errors="replace")
        if " 101 " not in f"{status} ":
            self._fail(ConnectionError(f"the server answered {status!r}"))
            self.drop()
            return
        self._upgraded = True
        self._read(rest)

    def _read(self, data: bytes) -> None:
        for opcode, payload in self._frames.feed(data):
            if opcode == PING:
                self._transport.write(client_frame(payload, PONG))
            elif opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big")
                self._fail(ConnectionError(f"the server has closed the socket with {code}"))
                self._transport.close()
            else:
                self._understand(payload)
        if self._welcome.done() and not self.reads:
            # From here on counting is enough. What has begun to arrive is counted with its rest.
            self._counter = EventCounter()
            self.received += self._counter.feed(self._frames.rest)

    def _understand(self, payload: bytes) -> None:
        if payload.startswith(_REPLY):
            self._answered(msgspec.json.decode(payload, type=_Reply))
        elif NEW in payload[:32]:
            self._heard(payload)
        elif payload.startswith(_WELCOME) and not self._welcome.done():
            self._welcome.set_result(None)

    def _answered(self, reply: _Reply) -> None:
        asked_at, answered = self._asked.pop(reply.ref)
        seconds = time.perf_counter() - asked_at
        if answered.done():  # nobody waits any more
            return
        if reply.error is None:
            answered.set_result(Answer(reply.ok, seconds))
        else:
            answered.set_result(Answer(reply.ok, seconds, reply.error.code, reply.error.retry_after))

    def _heard(self, payload: bytes) -> None:
        now = time.perf_counter()
        self.received += 1
        self.newest = payload
        mark = payload.find(_MARK)
        if mark >= 0:
            start = mark + len(_MARK)
            self.latencies.append(now - float(payload[start : payload.index(b" ", start)]))

    def _fail(self, error: OSError) -> None:
        """Whoever waits for something from this socket waits in vain."""
        waiting: list[asyncio.Future[Any]] = [self._welcome, *(answered for _, answered in self._asked.values())]
        self._asked.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(error)
