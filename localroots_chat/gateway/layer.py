"""The bus: how servers tell each other what has been committed, on Channels' layer (channels-redis).

Every server joins the same few groups when it starts and none after that, so that a connecting person costs
Redis nothing. What is published is a hint: the layer may lose it, the hub's sweep finds it in the database.
"""

import asyncio
import logging
import math
import secrets
import zlib
from collections.abc import Callable
from typing import Any, Final

import msgspec
from channels.layers import get_channel_layer
from django.conf import settings

from localroots_chat.gateway.redis_client import Breaker, RedisAway

_log = logging.getLogger(__name__)

PUBLISH_SECONDS: Final = 1.0
_JOIN_AGAIN_SECONDS: Final = 1.0
# A subscription may be lost without a word: by a network that forgets idle connections, by an error in the layer.
_ECHO_EVERY_SECONDS: Final = 2.0
_ECHO_SECONDS: Final = 1.0
_AFTER_FAILURE_SECONDS: Final = 0.01  # so that a layer that fails at once cannot keep the loop
_ECHOES: Final = 3  # a subscription that is being made again loses some
_MOST_WAITING: Final = 50_000  # items; beyond that Redis is no help and the sweep delivers


ChangeTuple = tuple[int, int, int, int, bytes, int, int]


class Durable(msgspec.Struct, tag="durable", array_like=True):
    """Changes of one conversation: [prev, version, seq, actor, frame, author, quoted] each (wiring.Change)."""

    topic: str
    changes: list[ChangeTuple]


class Fleeting(msgspec.Struct, tag="fleeting", array_like=True):
    """A frame that nobody misses: typing, read pointers. Not for `without`, whom it is about (a person's key), nor for
    those with whom that person has a block, nor for `except_connection`."""

    topic: str
    frame: bytes
    without: int = 0
    except_connection: str = ""
    receipt: bool = False  # only for those who show receipts themselves


class Personal(msgspec.Struct, tag="personal", array_like=True):
    """A frame for all connections of one person."""

    person: int
    frame: bytes
    except_connection: str = ""


class Seated(msgspec.Struct, tag="seated", array_like=True):
    """A person has gained a seat: their connections get the frame, and hear the conversation from `version` on.

    `at` is a time of the database after that was committed: late news must not undo what was learnt since.
    """

    person: int
    topic: str
    at: float
    version: int
    seq: int
    members: int
    frame: bytes


class Unseated(msgspec.Struct, tag="unseated", array_like=True):
    """A person has lost a seat, `at` a time of the database after that was committed. `members` are left, if that is
    known."""

    person: int
    topic: str
    at: float
    frame: bytes
    members: int | None = None


class Revoked(msgspec.Struct, tag="revoked", array_like=True):
    """A person must sign in again: the connections of one sign-in, or all that were opened `before` (as `read_at`)."""

    person: int
    session: str = ""
    before: float = math.inf


class Settings(msgspec.Struct, tag="settings", array_like=True):
    """What a person has set: whether they show what they read (who does not show does not see), or appear offline; and
    whom they have blocked (keys), from whom they hear nothing. `at` is the database's time of the last change."""

    person: int
    at: float
    receipts: bool
    appear_offline: bool
    blocked: list[int]


class Present(msgspec.Struct, tag="present", array_like=True):
    """A person has come, or gone, at whichever server. `at` orders such news (presence/leases.py)."""

    person: int
    online: bool
    at: int


class Hidden(msgspec.Struct, tag="hidden", array_like=True):
    """A person appears offline while they are here, or no longer does."""

    person: int
    hidden: bool


Item = Durable | Fleeting | Personal | Seated | Unseated | Revoked | Settings | Present | Hidden

_decoder = msgspec.msgpack.Decoder(list[Item])
_encoder = msgspec.msgpack.Encoder()


def pack(items: list[Item], origin: str) -> list[tuple[str, dict[str, Any]]]:
    """(group, message) pairs that carry `items`: one for each bus group that has any."""
    by_bus: dict[int, list[Item]] = {}
    for item in items:
        key = getattr(item, "topic", None) or str(getattr(item, "person", ""))
        by_bus.setdefault(zlib.crc32(key.encode()) % settings.CHAT_BUS_GROUPS, []).append(item)
    return [
        (_group(bus), {"type": "bus.items", "origin": origin, "items": _encoder.encode(some)})
        for bus, some in by_bus.items()
    ]


def _group(bus: int) -> str:
    return f"bus.{bus}"


class Bus:
    """This server's place on the bus. `deliver` is called on the loop with what other servers have published."""

    def __init__(self, deliver: Callable[[list[Item]], None]) -> None:
        self.origin = secrets.token_hex(8)
        self._echo = asyncio.Event()
        self._deliver = deliver
        self._layer = get_channel_layer()
        self._breaker = Breaker("bus")
        self._waiting: list[Item] = []
        self._sender: asyncio.Task[None] | None = None
        self._listener: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to listen; where Redis is away, as soon as it is back."""
        self._listener = asyncio.get_running_loop().create_task(self._listen())

    async def stop(self) -> None:
        """Leaves the bus."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener], timeout=1)

    def publish(self, items: list[Item]) -> None:
        """Queues `items`; all that waits when the last publish is done goes out as one. Never raises, never waits."""
        if len(self._waiting) < _MOST_WAITING:
            self._waiting += items
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._waiting:
                items, self._waiting = self._waiting, []
                for group, message in pack(items, self.origin):
                    await self._breaker.call(self._layer.group_send(group, message), PUBLISH_SECONDS)
        except RedisAway:
            self._waiting = []  # the sweeps of the other servers find it in the database
        except Exception:
            _log.exception("Publishing failed")
        finally:
            self._sender = None

    async def _listen(self) -> None:
        """Listens for ever; joins again where publishing works, and yet nothing is heard."""
        while True:
            channel = await self._join()
            receiver = asyncio.get_running_loop().create_task(self._receive(channel))
            try:
                while await self._hears(channel):  # noqa: ASYNC110  # nothing but time makes it necessary
                    await asyncio.sleep(_ECHO_EVERY_SECONDS)
            finally:
                receiver.cancel()
            _log.error("The bus is deaf: what is sent does not come. It is joined again")
            await self._leave()

    async def _leave(self) -> None:
        """Drops the layer's connections and channels: an abandoned one would fill for ever."""
        try:
            await asyncio.wait_for(self._layer.flush(), PUBLISH_SECONDS)
        except Exception as error:  # whatever it is, joining is tried again
            _log.warning("The bus could not be left in order (%s)", repr(error))

    async def _hears(self, channel: str) -> bool:
        """Whether what is sent to this server comes. True also where nothing can be sent: that is the breaker's."""
        self._echo.clear()
        for _ in range(_ECHOES):
            try:
                await self._breaker.call(self._layer.send(channel, {"type": "bus.echo"}), PUBLISH_SECONDS)
                await asyncio.wait_for(self._echo.wait(), _ECHO_SECONDS)
            except RedisAway:
                return True
            except TimeoutError:
                continue
            return True
        return False

    async def _receive(self, channel: str) -> None:
        while True:
            try:
                message = await self._layer.receive(channel)
                self._echo.set()
                if message.get("origin", self.origin) == self.origin:
                    continue
                items = _decoder.decode(message["items"])
            except Exception as error:  # no message of ours, or the layer is at its end: then `_hears` notices
                _log.error("What came on the bus could not be read: %s", repr(error))
                await asyncio.sleep(_AFTER_FAILURE_SECONDS)
                continue
            self._deliver(items)

    async def _join(self) -> str:
        while True:
            try:
                channel: str = await asyncio.wait_for(self._layer.new_channel(), PUBLISH_SECONDS)
                for bus in range(settings.CHAT_BUS_GROUPS):
                    await asyncio.wait_for(self._layer.group_add(_group(bus), channel), PUBLISH_SECONDS)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                _log.warning("The bus cannot be joined yet (%s)", repr(error))
                await self._leave()
                await asyncio.sleep(_JOIN_AGAIN_SECONDS)
            else:
                return channel
