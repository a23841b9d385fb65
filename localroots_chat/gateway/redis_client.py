"""Redis as this service asks it: every call ends in bounded time, and after a failure nobody asks for a second.

Only small questions go through here (limits, tickets). What servers tell each other goes through layer.py.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Final, TypeVar

from django.conf import settings
from redis import Redis
from redis import asyncio as redis_asyncio
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from localroots_chat.gateway.per_loop import per_loop

T = TypeVar("T")

_log = logging.getLogger(__name__)

CALL_SECONDS: Final = 0.25
OPEN_SECONDS: Final = 1.0
_AWAY: Final = (RedisError, OSError, TimeoutError, RuntimeError)  # RuntimeError: uvloop's closed transport


class RedisAway(Exception):
    """Redis cannot be asked now; the caller has a way to go on without it."""


class Breaker:
    """Remembers until when not to ask. Logs once when Redis goes and once when it is back."""

    def __init__(self, name: str) -> None:
        self._name, self._closed_at = name, 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._closed_at

    async def call(self, question: Awaitable[T], seconds: float = CALL_SECONDS) -> T:
        """Awaits `question` for at most `seconds`. Raises RedisAway instead of whatever went wrong."""
        if self.is_open:
            if asyncio.iscoroutine(question):
                question.close()
            raise RedisAway(self._name)
        try:
            async with asyncio.timeout(seconds):  # wait_for would make a task of each question
                answer = await question
        except _AWAY as error:
            self._open(error)
            raise RedisAway(self._name) from error
        self._close()
        return answer

    def call_in_thread(self, question: Callable[[], T]) -> T:
        """The same in a thread, for a question that ends by itself in CALL_SECONDS (`thread_client`)."""
        if self.is_open:
            raise RedisAway(self._name)
        try:
            answer = question()
        except _AWAY as error:
            self._open(error)
            raise RedisAway(self._name) from error
        self._close()
        return answer

    def _open(self, error: Exception) -> None:
        if not self._closed_at:
            _log.warning("Redis is away (%s: %s)", self._name, repr(error))
        self._closed_at = time.monotonic() + OPEN_SECONDS

    def _close(self) -> None:
        if self._closed_at:
            _log.warning("Redis is back (%s)", self._name)
            self._closed_at = 0.0


breaker = Breaker("questions")


@per_loop
def client() -> redis_asyncio.Redis:
    """The running loop's client. Only where REDIS_URL is set."""
    return redis_asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=CALL_SECONDS, socket_connect_timeout=CALL_SECONDS
    )


@lru_cache(maxsize=1)
def thread_client() -> Redis:
    """The client of this process's threads. Only where REDIS_URL is set."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=CALL_SECONDS,
        socket_connect_timeout=CALL_SECONDS,
        retry=Retry(NoBackoff(), 0),  # by default it would try for seconds
    )
