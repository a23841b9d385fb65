"""uvicorn as we run it: its WebSocket protocol with one more ASGI extension, and the settings of production.

The extension `localroots.preframed` in a socket's scope has three functions. `write(data)` puts WebSocket frames,
complete as bytes, on the wire and returns how many bytes wait to be sent (0 where the client keeps up), as `waiting()`
does; `close(code, reason)` ends the socket without waiting for what ASGI's `send` would wait for: that the client
reads. A delivery costs 12 to 14 µs this way, and 20 by `send`. Servers without it (daphne) are served by `send`.
"""

import logging
import os
import socket
from typing import Any, Final

# A browser sends all cookies of the site in one line, and a session of the marketplace next door may take 8 KiB of
# it alone. websockets reads its limit when it is imported.
os.environ.setdefault("WEBSOCKETS_MAX_LINE_LENGTH", "65536")

import uvicorn
from django.conf import settings
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from localroots_chat.gateway.connection import PREFRAMED, Preframed

_STUCK_READER_MS: Final = 20_000
_handshakes = logging.getLogger("uvicorn.websockets")


class ChatWebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, plus the extension."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn's own logger has a line for every handshake, at the level of its news about the server itself.
        self.logger = self.conn.logger = _handshakes

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # The request could not be read (a header too long, too many of them); uvicorn would leave it unanswered.
            self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n")
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # absent when the handshake was refused; the application has not run yet
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[PREFRAMED] = Preframed(write=self.write_preframed, waiting=self.waiting, close=self.end)

    def write_preframed(self, data: bytes) -> int:
        """Writes `data`; returns the bytes waiting, 0 unless the client is behind."""
        if self.close_sent or self.disconnected or not self.handshake_complete:
            return 0
        self.transport.write(data)
        return self.waiting()

    def waiting(self) -> int:
        """The bytes that wait to be sent, 0 unless the client is behind."""
        return 0 if self.writable.is_set() else self.transport.get_write_buffer_size()

    def end(self, code: int, reason: str) -> None:
        """Sends the close frame behind what waits, and gives the client `close_timeout` seconds to read it."""
        if self.close_sent or self.disconnected or not self.handshake_complete:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:  # for the client's own close frame
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket whose connections end when a reader has been stuck for 20 s.

    uvicorn's own ping time-out waits for a flush that such a reader never allows.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STUCK_READER_MS)
    listening.bind((host, port))
    listening.set_inheritable(True)
    return listening


def configuration(host: str, port: int, workers: int) -> uvicorn.Config:
    """uvicorn's settings for the production server."""
    return uvicorn.Config(
        "localroots_chat.asgi:application",
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http="httptools",
        ws=ChatWebSocketProtocol,
        ws_max_size=settings.CHAT_FRAME_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # heartbeats are the application's: a browser cannot answer for its page
        lifespan="on",
        log_config=None,
        server_header=False,
        backlog=4096,
        timeout_graceful_shutdown=15,  # after the drain (gateway/drain.py), which has ten seconds
    )
