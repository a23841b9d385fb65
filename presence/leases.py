"""Which people have a connection at which server, under a lease that their server renews for all of them at once.

In Redis each server has a set of the people whom it serves. The set ends with the server's lease: a server that is
killed takes its people with it, and nobody depends on its saying goodbye. Somebody is online who is in the set of any
server, and not among those who hide. Without REDIS_URL there is one process, and the same is kept in its memory.

Everything is one script, so that a server asks once for all that has gathered since it asked last. It returns a time in
microseconds of Redis' own clock, by which news from several servers is ordered.
"""

import asyncio
import secrets
from collections.abc import Collection
from typing import Final, NamedTuple, Protocol

import msgspec
from django.conf import settings
from redis.commands.core import AsyncScript

from localroots_chat.gateway import redis_client
from localroots_chat.gateway.per_loop import per_loop
from localroots_chat.gateway.redis_client import Breaker

LEASE_INTERVALS: Final = 2.5  # a lease stands for so many of the intervals in which it is renewed


class Asked(msgspec.Struct, kw_only=True):
    """What a server tells and asks. People are keys."""

    came: Collection[int] = ()
    went: Collection[int] = ()
    hide: Collection[int] = ()
    show: Collection[int] = ()
    look: Collection[int] = ()
    anew: bool = False  # `came` is everybody here: whatever was known before is dropped
    tidy: bool = False  # say who of one's own people hides, and forget who hides and is nowhere


class Seen(NamedTuple):
    """What the others see now: who appeared and disappeared with this call, and who of those asked about is online.

    Not `known` is a server whose lease had run out, or was lost: it has to tell anew who is there. Not `sure` is
    whether somebody is offline, because Redis has lost its memory and other servers may not have told anew yet.
    """

    at: int
    known: bool
    sure: bool
    people: int
    appeared: Collection[int]
    disappeared: Collection[int]
    online: Collection[int]
    hiding: Collection[int]


class Leases(Protocol):
    """Where it is kept."""

    async def ask(self, asked: Asked) -> Seen:
        """Tells and asks. Raises RedisAway."""

    async def end(self, seconds: float) -> None:
        """This server's people are let go, after so many seconds in which they may come elsewhere. Raises whatever is
        wrong with Redis: the server ends."""


class MemoryLeases:
    """Those of one process."""

    def __init__(self) -> None:
        self._people: set[int] = set()
        self._hiding: set[int] = set()
        self._at = 0

    async def ask(self, asked: Asked) -> Seen:
        self._at += 1
        if asked.anew:
            self._people.clear()
        before = self._people - self._hiding
        self._people |= {*asked.came}
        self._people -= {*asked.went}
        self._hiding |= {*asked.hide}
        self._hiding -= {*asked.show, *asked.went}
        now = self._people - self._hiding
        appeared, disappeared = now - before, before - now
        hiding = self._hiding & self._people if asked.tidy else set()
        return Seen(
            self._at, True, True, len(self._people), appeared, disappeared, now.intersection(asked.look), hiding
        )

    async def end(self, seconds: float) -> None:
        self._people.clear()


# KEYS: the servers with the ends of their leases; who hides; since when Redis remembers, and answers for it.
# ARGV: the server, its lease in ms, whether it has asked before, and Asked.
_SCRIPT: Final = """
local server, lease, before, asked = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', cjson.decode(ARGV[4])
local clock = redis.call('TIME')
local at = clock[1] * 1000000 + clock[2]
local now = math.floor(at / 1000)
local mine = 'leases:at:' .. server

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local known = redis.call('ZSCORE', KEYS[1], server) and 1 or 0
local begun = redis.call('GET', KEYS[3])
if not begun then
  begun = before and now or 0
  redis.call('SET', KEYS[3], begun)
end

local others = {}
for _, other in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if other ~= server then others[#others + 1] = 'leases:at:' .. other end
end
local function elsewhere(person)
  for _, other in ipairs(others) do
    if redis.call('SISMEMBER', other, person) == 1 then return true end
  end
  return false
end
local function anywhere(person)
  return redis.call('SISMEMBER', mine, person) == 1 or elsewhere(person)
end

local appeared, disappeared, online, hiding = {}, {}, {}, {}
local hides = {}
for _, person in ipairs(asked.hide) do hides[person] = true end
if asked.anew then redis.call('DEL', mine) end
for _, person in ipairs(asked.came) do
  if redis.call('SADD', mine, person) == 1 and not elsewhere(person) then
    if hides[person] then redis.call('SADD', KEYS[2], person)
    elseif not asked.anew then redis.call('SREM', KEYS[2], person) end
    if redis.call('SISMEMBER', KEYS[2], person) == 0 then appeared[#appeared + 1] = person end
  end
end
for _, person in ipairs(asked.went) do
  if redis.call('SREM', mine, person) == 1 and not elsewhere(person) then
    if redis.call('SREM', KEYS[2], person) == 0 then disappeared[#disappeared + 1] = person end
  end
end
for _, person in ipairs(asked.hide) do
  if redis.call('SADD', KEYS[2], person) == 1 and anywhere(person) then disappeared[#disappeared + 1] = person end
end
for _, person in ipairs(asked.show) do
  if redis.call('SREM', KEYS[2], person) == 1 and anywhere(person) then appeared[#appeared + 1] = person end
end
for _, person in ipairs(asked.look) do
  if redis.call('SISMEMBER', KEYS[2], person) == 0 and anywhere(person) then online[#online + 1] = person end
end
if asked.tidy then
  for _, person in ipairs(redis.call('SMEMBERS', KEYS[2])) do
    if redis.call('SISMEMBER', mine, person) == 1 then hiding[#hiding + 1] = tonumber(person)
    elseif not elsewhere(person) then redis.call('SREM', KEYS[2], person) end
  end
end

redis.call('ZADD', KEYS[1], now + lease, server)
redis.call('PEXPIRE', mine, lease)
return {at, known, now - begun, redis.call('SCARD', mine), appeared, disappeared, online, hiding}
"""
_encode: Final = msgspec.json.Encoder().encode


class RedisLeases:
    """Those of all servers. Each has a name of its own, and a new one after each start."""

    def __init__(self) -> None:
        self._server = secrets.token_hex(8)
        self._breaker = Breaker("presence")
        self._before = False

    async def ask(self, asked: Asked) -> Seen:
        interval = settings.CHAT_PRESENCE_SECONDS
        lease = int(interval * LEASE_INTERVALS * 1000)
        arguments: list[bytes | str | int | float] = [self._server, lease, int(self._before), _encode(asked)]
        answer = await self._breaker.call(_script()(keys=_KEYS, args=arguments))
        at, known, remembered, *lists = answer
        self._before = True
        return Seen(at, bool(known), remembered > 1.2 * interval * 1000, *lists)

    async def end(self, seconds: float) -> None:
        client, milliseconds = redis_client.client(), int(seconds * 1000)
        async with asyncio.timeout(redis_client.CALL_SECONDS):
            await client.pexpire(f"leases:at:{self._server}", milliseconds)


_KEYS: Final = ["leases:servers", "leases:hiding", "leases:begun"]


@per_loop
def _script() -> AsyncScript:
    return redis_client.client().register_script(_SCRIPT)


def leases() -> Leases:
    """Where this installation keeps them."""
    return RedisLeases() if settings.REDIS_URL else MemoryLeases()
