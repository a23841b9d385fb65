"""How often somebody may do something: an exact sliding window, shared by all servers through Redis.

All questions that wait together go to Redis as one script call. Without Redis, or while it is away, each
process counts for itself.
"""

import math
import time
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple

from django.conf import settings
from redis.commands.core import AsyncScript

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
    """The same count in this process alone."""

    _MOST_KEYS: Final = 100_000

    def __init__(self) -> None:
        self._uses: dict[str, deque[float]] = {}

    def ask(self, one: Question) -> float:
        """Seconds to wait; 0 is yes, and counts."""
        now = time.monotonic()
        if len(self._uses) > self._MOST_KEYS:  # those that began first are forgotten, not everybody at once
            for key in list(islice(self._uses, self._MOST_KEYS // 2)):
                del self._uses[key]
        uses = self._uses.setdefault(one.who, deque(maxlen=one.most))
        if len(uses) == one.most and (wait := uses[0] + one.seconds - now) > 0:
            return wait
        uses.append(now)
        return 0.0


class Limits:
    """The limits of this process's loop."""

    def __init__(self) -> None:
        self._memory = MemoryLimits()
        self._batcher: Batcher[Question, float] = Batcher(self.ask, most=500, waiting=100_000)

    async def ask(self, questions: Sequence[Question]) -> list[float]:
        """Seconds to wait for each question; 0 is yes, and counts."""
        if settings.REDIS_URL and not redis_client.breaker.is_open:
            try:
                return await self._ask_redis(questions)
            except RedisAway:
                pass
        return [self._memory.ask(one) for one in questions]

    async def check(self, one: Question) -> None:
        """Counts one. Raises ChatError `rate_limited` where that is too many."""
        wait = await self._batcher.put(one) if settings.REDIS_URL else self._memory.ask(one)
        if wait:
            raise too_often(wait)

    async def _ask_redis(self, questions: Sequence[Question]) -> list[float]:
        keys = [f"limit:{one.who}" for one in questions]
        arguments = [part for one in questions for part in (one.most, int(one.seconds * 1000))]
        answers = await redis_client.breaker.call(_script()(keys=keys, args=arguments))
        return [answer / 1000 for answer in answers]


def too_often(wait: float) -> ChatError:
    """`rate_limited`, with the seconds to wait."""
    return ChatError(
        "rate_limited", "That was too often. Please wait a moment.", retry_after=math.ceil(wait * 1000) / 1000
    )


@per_loop
def _script() -> AsyncScript:
    return redis_client.client().register_script(_SCRIPT)


@per_loop
def limits() -> Limits:
    """The running loop's limits."""
    return Limits()
