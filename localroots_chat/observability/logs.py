"""Keeps secrets out of the logs, and the noise of others.

Query strings of socket addresses may hold tickets, and clients err with tokens.
"""

import logging
import re
from asyncio import CancelledError

_QUERY = re.compile(r"\?[^\s\"']*")
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w.-]+")


class ShortOnClients(logging.Filter):
    """What a client has sent wrong is a line, not a traceback: nothing here is broken."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg == "Invalid UTF-8 sequence received from client.":
            record.levelno, record.levelname, record.exc_info = logging.INFO, "INFO", None
        return True


class ShortOnOutages(logging.Filter):
    """While Redis or the database is away, the same thing would be said for each message: here once in ten seconds.

    The layer's tracebacks are one line: they all end where the network does.
    """

    _EVERY_SECONDS = 10.0
    _LOGGERS = (
        "channels_redis.pubsub",
        "localroots_chat.database",
        "localroots_chat.gateway.hub",
        "localroots_chat.gateway.layer",
        "localroots_chat.gateway.redis_client",
        "localroots_chat.gateway.sweep",
        "localroots_chat.rest",
        "psycopg",  # of pipelines whose connection was lost
    )

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "django.request":
            return getattr(record, "status_code", 0) != 503  # rest.py has said why
        if record.name not in self._LOGGERS or record.levelno < logging.WARNING:
            return True
        if record.name == "channels_redis.pubsub" and record.exc_info is not None:
            if isinstance(record.exc_info[1], CancelledError):  # a server ends while Redis is away
                return False
            record.msg, record.args, record.exc_info = f"{record.msg}: %r", (record.exc_info[1],), None
        what = record.getMessage()
        if record.created < self._said.get(what, 0.0) + self._EVERY_SECONDS:
            return False
        if len(self._said) > 1000:
            self._said.clear()
        self._said[what] = record.created
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
