"""One-time tickets: what a web page shows its socket instead of a token. Good once, for 30 seconds.

Kept in Redis, or in this process where there is none. When Redis is away no ticket is made and none is honoured.
"""

import hashlib
import secrets
import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import redis
from django.conf import settings
from redis.exceptions import RedisError

from localroots_chat.errors import unavailable
from localroots_chat.gateway.redis_client import CALL_SECONDS


class Ticket(NamedTuple):
    """What a ticket stands for: a person's key, until when their credential is good, its sign-in, its own age."""

    user: int
    expires: float | None
    sign_in: str | None
    issued: float


_here: dict[str, tuple[float, Ticket]] = {}


def issue(ticket: Ticket) -> str:
    """A new ticket. Raises ChatError `unavailable` where it cannot be kept."""
    text = secrets.token_urlsafe(32)
    if settings.REDIS_URL:
        try:
            _redis().set(_key(text), msgspec.json.encode(ticket), ex=settings.CHAT_TICKET_SECONDS)
        except (RedisError, OSError):
            raise unavailable() from None
    else:
        _forget_old()
        _here[_key(text)] = (time.monotonic() + settings.CHAT_TICKET_SECONDS, ticket)
    return text


def redeem(texts: Sequence[str]) -> list[Ticket | None]:
    """What each ticket stood for; None for one that is wrong, used or old. All are worthless now. One call to Redis."""
    if not settings.REDIS_URL:
        return [_from_here(text) for text in texts]
    pipeline = _redis().pipeline(transaction=False)
    for text in texts:
        pipeline.getdel(_key(text))
    try:
        kept = pipeline.execute()
    except (RedisError, OSError):
        return [None for _ in texts]  # closed rather than open
    return [msgspec.json.decode(one, type=Ticket) if isinstance(one, bytes) else None for one in kept]


def _from_here(text: str) -> Ticket | None:
    until, ticket = _here.pop(_key(text), (0.0, None))
    return ticket if time.monotonic() < until else None


def _forget_old() -> None:
    now = time.monotonic()
    for key in [key for key, (until, _) in list(_here.items()) if until < now]:
        _here.pop(key, None)


def _key(text: str) -> str:
    # Redis never sees the ticket itself: whoever reads there cannot use what they find.
    return f"ticket:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"


_client: "redis.Redis | None" = None


def _redis() -> "redis.Redis":
    global _client
    if _client is None:
        _client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=CALL_SECONDS, socket_connect_timeout=CALL_SECONDS
        )
    return _client
