"""Keeps secrets out of the logs, and the noise of others.

Query strings of socket addresses may hold tickets, and clients err with tokens.
"""

import logging
import re

_QUERY = re.compile(r"\?[^\s\"']*")
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w.-]+")


class ShortOnClients(logging.Filter):
    """What a client has sent wrong is a line, not a traceback: nothing here is broken."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg == "Invalid UTF-8 sequence received from client.":
            record.levelno, record.levelname, record.exc_info = logging.INFO, "INFO", None
        return True


class ShortOnRedis(logging.Filter):
    """While Redis is away the layer logs a traceback each second: here a line in ten seconds."""

    _EVERY_SECONDS = 10.0
    _next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("channels_redis") or record.exc_info is None:
            return True
        if record.created < self._next:
            return False
        self._next = record.created + self._EVERY_SECONDS
        record.msg, record.args = "%s: %r", (record.getMessage(), record.exc_info[1])
        record.exc_info = None
        return True


class ScrubSecrets(logging.Filter):
    """Cuts the query string of every logged address and everything that looks like a signed token.

    uvicorn writes each WebSocket handshake with its whole query to the logger uvicorn.error, also when its
    access log is off.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "?" in message and record.name.startswith("uvicorn"):
            message = _QUERY.sub("", message)
        if "eyJ" in message:
            message = _JWT.sub("[token]", message)
        record.msg, record.args = message, None
        return True
