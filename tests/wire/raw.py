"""A socket written byte by byte, for what no client library would send (RFC 6455)."""

import asyncio
import base64
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.people import Person
from tests.support.servers import ChatServer

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def frame(
    payload: bytes = b"", *, opcode: int = TEXT, fin: bool = True, rsv: int = 0, masked: bool = True,
    claims: int | None = None,
) -> bytes:  # fmt: skip
    """One frame; `claims` is a length that its header states instead of the true one."""
    size = len(payload) if claims is None else claims
    first, mask_bit = (0x80 if fin else 0) | rsv << 4 | opcode, 0x80 if masked else 0
    if size < 126:
        head = bytes((first, mask_bit | size))
    elif size < 65_536:
        head = bytes((first, mask_bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, mask_bit | 127)) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def handshake(server: ChatServer, *headers: str, target: bytes = b"/ws/chat/", version: str = "13") -> bytes:
    """The request that opens a socket."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"Host: 127.0.0.1:{server.port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Sec-WebSocket-Key: {key}",
        f"Sec-WebSocket-Version: {version}",
        *headers,
    ]
    return b"GET " + target + b" HTTP/1.1\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n"


class RawSocket:
    """An open socket. What the server sends is read as it says, not checked.

    On the bare socket: asyncio's streams throw away what came before a reset, and with it the close code.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket, self._buffer = connected, b""
        self._loop = asyncio.get_running_loop()

    async def send(self, *pieces: bytes) -> None:
        """These bytes, as they are."""
        with contextlib.suppress(ConnectionError):  # the server has heard enough
            await asyncio.wait_for(self._loop.sock_sendall(self._socket, b"".join(pieces)), 5)

    async def status(self) -> int:
        """The HTTP status that the server answers with."""
        while b"\r\n\r\n" not in self._buffer:
            await self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return int(head.split()[1])

    async def receive(self) -> tuple[int, bytes]:
        """The next frame: its opcode and its payload."""
        first, size = await self._read(2)
        if size >= 126:
            size = int.from_bytes(await self._read(2 if size == 126 else 8), "big")
        return first & 0x0F, await self._read(size)

    async def receive_json(self) -> Any:
        """What the next frame says."""
        opcode, payload = await self.receive()
        assert opcode == TEXT, f"expected a text frame, got the kind {opcode:#x}"
        return json.loads(payload)

    async def close_code(self) -> int | None:
        """Reads on until the connection ends; the code of the close frame, None where it ended without one."""
        try:
            while True:
                opcode, payload = await self.receive()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big")
        except ConnectionError:
            return None

    async def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._more()
        wanted, self._buffer = self._buffer[:size], self._buffer[size:]
        return wanted

    async def _more(self) -> None:
        more = await asyncio.wait_for(self._loop.sock_recv(self._socket, 65_536), 5)
        if not more:
            raise ConnectionResetError("the server has closed the connection")
        self._buffer += more


@asynccontextmanager
async def connection_to(server: ChatServer) -> AsyncIterator[RawSocket]:
    """A TCP connection on which nothing has been said."""
    with socket.socket() as connection:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", server.port))
        yield RawSocket(connection)


@asynccontextmanager
async def raw_socket(person: Person) -> AsyncIterator[RawSocket]:
    """A socket of this person, welcomed."""
    async with connection_to(person.server) as raw:
        await raw.send(handshake(person.server, f"Authorization: Bearer {person.token}"))
        assert await raw.status() == 101
        assert (await raw.receive_json())["event"] == "welcome"
        yield raw
