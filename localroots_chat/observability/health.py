"""Is the process alive (/healthz)? Can it do its work (/readyz)? Asked by balancers and containers.

Answered on the event loop, before Django: the machine next door asks without TLS and by address, not by name, and no
thread that waits for the database may make it wait too.
"""

import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from django.conf import settings
from django.db import connection

from localroots_chat.database import in_thread
from localroots_chat.errors import ChatError

Answer = tuple[int, Mapping[str, str]]


class Health:
    """An ASGI application that answers the two addresses itself and hands all others to `application`."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        ask = _ADDRESSES.get(scope["path"])
        if ask is None:
            await self._application(scope, receive, send)
            return
        status, said = await ask()
        body = msgspec.json.encode(said)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def _is_alive() -> Answer:
    """200 while the process answers. Asks nobody else: a restart would not bring a database back."""
    return 200, {"status": "ok"}


_ending = threading.Event()


def begin_to_end() -> None:
    """From now on the process is not ready: nobody new should be sent here."""
    _ending.set()


async def _is_ready() -> Answer:
    """200 while messages can be stored, and the process is to stay, else 503."""
    if _ending.is_set():
        return 503, {"status": "ending"}
    try:
        takes_writes = await in_thread(_takes_writes)
    except ChatError:
        return 503, {"status": "unavailable", "database": "away"}
    if not takes_writes:
        return 503, {"status": "unavailable", "database": "read-only"}
    return 200, {"status": "ok", "redis": "configured" if settings.REDIS_URL else "not used"}


def _takes_writes() -> bool:
    """Not on a PostgreSQL that is a standby, or that has been set to read only."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only" if settings.POSTGRESQL else "SELECT 'off'")
        return bool(cursor.fetchone()[0] == "off")


_ADDRESSES: Final[Mapping[str, Callable[[], Awaitable[Answer]]]] = {"/healthz": _is_alive, "/readyz": _is_ready}
