"""WebSocket frames as the load client needs them (RFC 6455, client's side): written, read, and merely counted.

Knows bytes only. What is in the frames is the business of client.py.
"""

import base64
import os
from typing import Final, NamedTuple

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
# In this place the quotes cannot be part of a text that somebody wrote: JSON would escape them.
NEW: Final = b'"event":"message:new"'
_NO_MASK: Final = b"\0\0\0\0"  # a client's frames must be masked; with zeros that costs nothing


class Frame(NamedTuple):
    """One complete frame from the server."""

    opcode: int
    payload: bytes


def handshake(host: str, path: str, token: str) -> bytes:
    """The request that opens a socket."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {token}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A frame as a client must send it."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 1 << 16:
        length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + _NO_MASK + payload


class FrameReader:
    """Cuts what arrives into frames. The server neither masks nor splits its frames."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete with this."""
        data = self.rest + data
        frames, at = [], 0
        while (bounds := _bounds(data, at)) is not None:
            start, end = bounds
            frames.append(Frame(data[at] & 0x0F, data[start:end]))
            at = end
        self.rest = data[at:]
        return frames


def _bounds(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame at `at` begins and ends; None while it is not there whole."""
    if len(data) < at + 2:
        return None
    size, start = data[at + 1], at + 2
    if size >= 126:
        wide = 2 if size == 126 else 8
        if len(data) < start + wide:
            return None
        size, start = int.from_bytes(data[start : start + wide], "big"), start + wide
    return (start, start + size) if len(data) >= start + size else None


class EventCounter:
    """Counts `message:new` in a stream without reading frames: a library that parses each would be slower than the
    server, and what it would measure is itself."""

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, data: bytes) -> int:
        """How many more there are with this."""
        data = self._tail + data
        # One byte less than what is looked for: so nothing is counted twice, and nothing is missed at a seam.
        self._tail = data[-(len(NEW) - 1) :]
        return data.count(NEW)
