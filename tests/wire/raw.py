"""A socket written byte by byte, for what no client library would send (RFC 6455)."""

import asyncio
import base64
import json
import os
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
    """An open socket. What the server sends is read as it says, not checked."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, *pieces: bytes) -> None:
        """These bytes, as they are."""
        self._writer.write(b"".join(pieces))
        await self._writer.drain()

    async def status(self) -> int:
        """The HTTP status that the server answers with."""
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 5)
        return int(head.split()[1])

    async def receive(self) -> tuple[int, bytes]:
        """The next frame: its opcode and its payload."""
        first, size = await asyncio.wait_for(self._reader.readexactly(2), 5)
        if size == 126:
            size = int.from_bytes(await self._reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self._reader.readexactly(8), "big")
        return first & 0x0F, await asyncio.wait_for(self._reader.readexactly(size), 5)

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
        except (asyncio.IncompleteReadError, ConnectionError):
            return None


@asynccontextmanager
async def connection_to(server: ChatServer) -> AsyncIterator[RawSocket]:
    """A TCP connection on which nothing has been said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield RawSocket(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def raw_socket(person: Person) -> AsyncIterator[RawSocket]:
    """A socket of this person, welcomed."""
    async with connection_to(person.server) as raw:
        await raw.send(handshake(person.server, f"Authorization: Bearer {person.token}"))
        assert await raw.status() == 101
        opcode, payload = await raw.receive()
        assert opcode == TEXT
        assert b'"welcome"' in payload
        yield raw
