"""How often somebody may do something: an exact sliding window, shared by all servers through Redis.

All questions that wait together go to Redis as one script call: on the loop by a batcher, in a thread all that the
caller has. Without Redis, or while it is away, each process counts for itself.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple

from django.conf import settings
from redis.commands.core import AsyncScript, Script

from localroots_chat.errors import ChatError
from localroots_chat.gateway import redis_client
from localroots_chat.gateway.batcher import Batcher
from localroots_chat.gateway.per_loop import per_loop
from localroots_chat.gateway.redis_client import RedisAway


class Question(NamedTuple):
    """May `who` (a key such as "send:42") do this once more, at most `most` times in `seconds`?"""

    who: str
    most: int
    seconds: float


def question(bucket: str, who: object) -> Question:
    """The question for one of settings.CHAT_RATES."""
    most, seconds = settings.CHAT_RATES[bucket]
    return Question(f"{bucket}:{who}", most, seconds)


# Of each key the times of its last `count` uses are kept, newest first: one more is allowed when the oldest of
# them has left the window. All steps look at the ends of the list only. Times are Redis' own, so that servers
# need not agree on theirs. Returns, per question, the milliseconds to wait; 0 is yes.
_SCRIPT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local answers = {}
for i, key in ipairs(KEYS) do
  local count, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local wait = 0
  if redis.call('LLEN', key) >= count then
    wait = math.max(0, redis.call('LINDEX', key, count - 1) + window - now)
  end
  if wait == 0 then
    redis.call('LPUSH', key, now)
    redis.call('LTRIM', key, 0, count - 1)
    redis.call('PEXPIRE', key, window)
  end
  answers[i] = wait
end
return answers
"""


class MemoryLimits:
    """The same count in this process alone, for its loop and its threads."""

    _MOST_KEYS: Final = 100_000

    def __init__(self) -> None:
        self._uses: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def ask(self, one: Question) -> float:
        """Seconds to wait; 0 is yes, and counts."""
        with self._lock:
            return self._ask(one)

    def _ask(self, one: Question) -> float:
        now = time.monotonic()
        if len(self._uses) > self._MOST_KEYS:  # those that began first are forgotten, not everybody at once
            for key in list(islice(self._uses, self._MOST_KEYS // 2)):
                del self._uses[key]
        uses = self._uses.setdefault(one.who, deque(maxlen=one.most))
        if len(uses) == one.most and (wait := uses[0] + one.seconds - now) > 0:
            return wait
        uses.append(now)
        return 0.0


_memory = MemoryLimits()


class Limits:
    """The limits as the process's loop asks for them."""

    def __init__(self) -> None:
        self._batcher: Batcher[Question, float] = Batcher(self.ask, most=500, waiting=100_000)

    async def ask(self, questions: Sequence[Question]) -> list[float]:
        """Seconds to wait for each question; 0 is yes, and counts."""
        if settings.REDIS_URL and not redis_client.breaker.is_open:
            try:
                return _in_seconds(await redis_client.breaker.call(_script()(**_for_script(questions))))
            except RedisAway:
                pass
        return [_memory.ask(one) for one in questions]

    async def check(self, one: Question) -> None:
        """Counts one. Raises ChatError `rate_limited` where that is too many."""
        wait = await self._batcher.put(one) if settings.REDIS_URL else _memory.ask(one)
        if wait:
            raise too_often(wait)

    def check_here(self, one: Question) -> None:
        """The same, counted by this process alone: for what costs less than asking Redis."""
        if wait := _memory.ask(one):
            raise too_often(wait)


def ask_in_thread(questions: Sequence[Question]) -> list[float]:
    """As `Limits.ask`, for threads: seconds to wait for each question; 0 is yes, and counts."""
    if settings.REDIS_URL and not redis_client.breaker.is_open:
        try:
            return _in_seconds(redis_client.breaker.call_in_thread(lambda: _thread_script()(**_for_script(questions))))
        except RedisAway:
            pass
    return [_memory.ask(one) for one in questions]


def check_in_thread(one: Question) -> None:
    """As `Limits.check`, for threads. Raises ChatError `rate_limited`."""
    (wait,) = ask_in_thread([one])
    if wait:
        raise too_often(wait)


def _for_script(questions: Sequence[Question]) -> dict[str, Any]:
    arguments = [part for one in questions for part in (one.most, int(one.seconds * 1000))]
    return {"keys": [f"limit:{one.who}" for one in questions], "args": arguments}


def _in_seconds(answers: Sequence[int]) -> list[float]:
    return [answer / 1000 for answer in answers]


def too_often(wait: float) -> ChatError:
    """`rate_limited`, with the seconds to wait."""
    return ChatError(
        "rate_limited", "That was too often. Please wait a moment.", retry_after=math.ceil(wait * 1000) / 1000
    )


@per_loop
def _script() -> AsyncScript:
    return redis_client.client().register_script(_SCRIPT)


@lru_cache(maxsize=1)
def _thread_script() -> Script:
    return redis_client.thread_client().register_script(_SCRIPT)


@per_loop
def limits() -> Limits:
    """The running loop's limits."""
    return Limits()
