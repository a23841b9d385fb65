"""Who on this server listens to what, and in which order they hear it.

The hub owns all group membership of its server: a connection takes no channel of the layer, a conversation is a
`Topic` here. Whatever brings a change (this server's own commits, the bus, a repair, the sweep) passes through
`Topic.accept`, which hands out strictly upwards by version and holds back what comes early. What is still missing
after a moment is read from the database. One hub per event loop.
"""

import asyncio
import logging
import random
import time
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings

from localroots_chat.database import in_thread
from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.layer import Bus, Durable, Fleeting, Item, Personal, Revoked, Seated, Unseated
from localroots_chat.gateway.protocol import Packet, event_frame
from localroots_chat.gateway.wiring import Change, Missed, Seat, SeatMove, wired
from localroots_chat.wire import iso_of_epoch

T = TypeVar("T")

_log = logging.getLogger(__name__)

HOLD_SECONDS: Final = 0.1  # nearly every early change is followed by its predecessor within this
_HELD_MOST: Final = 1000
_WRITES_BETWEEN_YIELDS: Final = 64  # about 1.5 ms, then heartbeats and other conversations have their turn
_OVERLAP_SECONDS: Final = 15.0  # at least twice what a transaction may take to commit
_REPAIRS_AT_ONCE: Final = 4
_BEAT_SHARES: Final = 25
_SEATS_AT_ONCE: Final = 50


class Topic:
    """One conversation on this server: its listeners, and how far they have been told."""

    __slots__ = ("handed", "held", "listeners", "members", "outbox", "repairing", "running", "seq", "timer")

    def __init__(self, seat: Seat) -> None:
        # From the query that lists a person's seats, never from the first frame that happens to arrive: what
        # changed between that query and now is then a visible gap.
        self.handed, self.seq, self.members = seat.version, seat.seq, seat.members
        self.listeners: dict[Connection, None] = {}
        self.held: dict[int, Change] = {}
        self.outbox: list[bytes] = []
        self.running = self.repairing = False
        self.timer: asyncio.TimerHandle | None = None

    def accept(self, changes: Iterable[Change]) -> list[bytes]:
        """The frames that are next in order, now counted as handed out; keeps what came early, drops what is old."""
        ready: list[bytes] = []
        for change in changes:
            self._take(change, ready)
        while self.held:
            earliest = self.held[min(self.held)]
            if earliest.prev > self.handed:
                break
            del self.held[earliest.version]
            self._take(earliest, ready)
        return ready

    def _take(self, change: Change, ready: list[bytes]) -> None:
        if change.version <= self.handed:
            return
        if change.prev > self.handed:
            self.held[change.version] = change
            return
        self.handed, self.seq = change.version, max(self.seq, change.seq)
        ready.append(change.frame)


class Hub:
    """The listeners of one server, by conversation and by person."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._topics: dict[str, Topic] = {}
        self._people: dict[int, dict[Connection, None]] = {}
        # By the moment of their arrival, so that the first heartbeat comes one interval after the welcome.
        self._shares: list[dict[Connection, None]] = [{} for _ in range(_BEAT_SHARES)]
        self._share = 0
        self._bus = Bus(self._deliver_from_bus) if settings.REDIS_URL else None
        self._tasks: set[asyncio.Task[None]] = set()
        self._repairs = asyncio.Semaphore(_REPAIRS_AT_ONCE)
        self._swept_until = 0.0
        self._sweep_now = asyncio.Event()

    def start(self) -> None:
        """Begins to listen to the other servers, to beat and to sweep."""
        if self._bus is not None:
            self._bus.start()
        self._spawn(self._beat())
        self._spawn(self._sweep_for_ever())

    async def stop(self) -> None:
        """Ends the hub's tasks; connections are their consumers' business."""
        if self._bus is not None:
            await self._bus.stop()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)

    # Connections come and go

    def attach(self, connection: Connection, seats: Iterable[Seat]) -> None:
        """From now on `connection` hears its person's frames and these conversations."""
        self._people.setdefault(connection.person.key, {})[connection] = None
        connection.share = self._share
        self._shares[connection.share][connection] = None
        for seat in seats:
            self._seat(connection, seat)

    def detach(self, connection: Connection) -> None:
        """`connection` is gone."""
        others = self._people.get(connection.person.key)
        if others is not None:
            others.pop(connection, None)
            if not others:
                del self._people[connection.person.key]
        self._shares[connection.share].pop(connection, None)
        for name in list(connection.topics):
            self._unseat(connection, name)

    def connections_of(self, person: int) -> Sequence[Connection]:
        """This server's connections of the person with this key."""
        return tuple(self._people.get(person, ()))

    def members(self, topic: str) -> int:
        """How many members the conversation has, as far as this server knows."""
        found = self._topics.get(topic)
        return found.members if found else 0

    def _seat(self, connection: Connection, seat: Seat) -> None:
        topic = self._topics.get(seat.topic)
        if topic is None:
            topic = self._topics[seat.topic] = Topic(seat)
        topic.members = seat.members
        topic.listeners[connection] = None
        connection.topics.add(seat.topic)

    def _unseat(self, connection: Connection, name: str) -> None:
        connection.topics.discard(name)
        topic = self._topics.get(name)
        if topic is None:
            return
        topic.listeners.pop(connection, None)
        if not topic.listeners:
            if topic.timer is not None:
                topic.timer.cancel()
            del self._topics[name]

    # What is committed goes out

    def announce(self, items: list[Item]) -> None:
        """Hands what was committed here to this server's listeners, then to the other servers. Never raises."""
        try:
            self._deliver(items)
        except Exception:  # the sweep will find what was not delivered
            _log.exception("Delivery failed")
        if self._bus is not None:
            self._bus.publish(items)

    def _deliver_from_bus(self, items: list[Item]) -> None:
        self._deliver(items)

    def _deliver(self, items: list[Item]) -> None:
        for item in items:
            match item:
                case Durable():
                    self._deliver_changes(item.topic, [Change(*change) for change in item.changes])
                case Fleeting():
                    self._deliver_fleeting(item)
                case Personal():
                    self._deliver_personal(item)
                case Seated():
                    seat = Seat(item.topic, item.version, item.seq, item.members)
                    for connection in self.connections_of(item.person):
                        self._seat(connection, seat)
                case Unseated():
                    for connection in self.connections_of(item.person):
                        self._unseat(connection, item.topic)
                case Revoked():
                    self._revoke(item)

    def _deliver_fleeting(self, item: Fleeting) -> None:
        topic = self._topics.get(item.topic)
        if topic is None:
            return
        packet = Packet([item.frame])
        for connection in tuple(topic.listeners):
            if connection.person.key == item.without or connection.id == item.except_connection:
                continue
            if not item.receipt or connection.person.receipts:
                connection.write(packet, sheddable=True)

    def _deliver_personal(self, item: Personal) -> None:
        packet = Packet([item.frame])
        for connection in self.connections_of(item.person):
            if connection.id != item.except_connection:
                connection.write(packet)

    def _revoke(self, item: Revoked) -> None:
        for connection in self.connections_of(item.person):
            if not item.session or connection.session == item.session:
                connection.close(4403, "signed out")

    # Changes of one conversation, in order

    def _deliver_changes(self, name: str, changes: Iterable[Change]) -> None:
        topic = self._topics.get(name)
        if topic is None:
            return
        frames = topic.accept(changes)
        if frames:
            self._hand_out(topic, frames)
        if topic.held:
            self._expect_predecessor(name, topic)

    def _hand_out(self, topic: Topic, frames: list[bytes]) -> None:
        topic.outbox += frames
        if topic.running:
            return
        if len(topic.listeners) <= _WRITES_BETWEEN_YIELDS:
            packet, topic.outbox = Packet(topic.outbox), []
            for connection in tuple(topic.listeners):
                connection.write(packet)
        else:
            topic.running = True
            self._spawn(self._hand_out_at_length(topic))

    async def _hand_out_at_length(self, topic: Topic) -> None:
        """Writes to many listeners with pauses. What arrives meanwhile goes out together, in one write each."""
        try:
            while topic.outbox:
                packet, topic.outbox = Packet(topic.outbox), []
                for number, connection in enumerate(tuple(topic.listeners), 1):
                    if connection in topic.listeners:  # it may have left, or been put out, during a pause
                        connection.write(packet)
                    if number % _WRITES_BETWEEN_YIELDS == 0:
                        await asyncio.sleep(0)
        finally:
            topic.running = False

    def _expect_predecessor(self, name: str, topic: Topic) -> None:
        if len(topic.held) > _HELD_MOST:
            topic.held.clear()
            self._repair(name, topic)
        elif topic.timer is None and not topic.repairing:
            topic.timer = self.loop.call_later(HOLD_SECONDS, self._repair, name, topic)

    def _repair(self, name: str, topic: Topic) -> None:
        """Reads what is missing from the database, one reader at a time for each conversation."""
        topic.timer = None
        if not topic.repairing and self._topics.get(name) is topic:
            topic.repairing = True
            self._spawn(self._repair_from_database(name, topic))

    async def _repair_from_database(self, name: str, topic: Topic) -> None:
        try:
            async with self._repairs:
                head = await in_thread(wired().read_after, name, topic.handed, topic.seq)
        finally:
            topic.repairing = False
        if frames := topic.accept(head.changes):
            self._hand_out(topic, frames)
        if head.version > topic.handed and not topic.held:
            topic.handed, topic.seq = head.version, max(topic.seq, head.seq)
        if topic.held:
            self._expect_predecessor(name, topic)

    # What nobody told us about

    def sweep_soon(self) -> None:
        """Asks the database now instead of at the next turn."""
        self._sweep_now.set()

    async def _sweep_for_ever(self) -> None:
        self._swept_until = await self._first_clock()
        while True:
            try:
                await asyncio.wait_for(self._sweep_now.wait(), settings.CHAT_SWEEP_SECONDS * random.uniform(0.8, 1.0))
            except TimeoutError:
                pass
            self._sweep_now.clear()
            try:
                await self._sweep()
            except Exception as error:
                _log.warning("The sweep failed and will be tried again: %s", repr(error))

    async def _first_clock(self) -> float:
        while True:
            try:
                return await in_thread(wired().clock)
            except Exception:
                await asyncio.sleep(1)

    async def _sweep(self) -> None:
        topics, people = list(self._topics), list(self._people)
        if not people:
            self._swept_until = await in_thread(wired().clock)
            return
        since = self._swept_until - _OVERLAP_SECONDS
        missed = await in_thread(wired().missed_since, since, topics, people)
        await self._mend(missed)
        self._swept_until = missed.now

    async def _mend(self, missed: Missed) -> None:
        for person, valid_after in missed.revoked:
            self._revoke_older(person, valid_after)
        # Only what this server does not know yet is worth reading: seats change by the thousand when a group opens.
        unknown = [(person, topic) for person, topic, present in missed.seats if self._differs(person, topic, present)]
        for some in batched(unknown, _SEATS_AT_ONCE):
            for move in await in_thread(wired().seat_moves, some):
                self._mend_seat(move)
        for name, version in missed.versions:
            topic = self._topics.get(name)
            if topic is not None and version > topic.handed and topic.timer is None:
                self._repair(name, topic)

    def _differs(self, person: int, topic: str, present: bool) -> bool:
        return any((topic in connection.topics) != present for connection in self.connections_of(person))

    def _mend_seat(self, move: SeatMove) -> None:
        for connection in self.connections_of(move.person):
            if move.seat is None and move.topic in connection.topics:
                self._unseat(connection, move.topic)
                connection.write(Packet([move.frame]))
            elif move.seat is not None and move.topic not in connection.topics:
                self._seat(connection, move.seat)
                connection.write(Packet([move.frame]))

    def _revoke_older(self, person: int, valid_after: float) -> None:
        for connection in self.connections_of(person):
            if connection.welcomed < valid_after:
                connection.close(4403, "signed out")

    # Heartbeats

    async def _beat(self) -> None:
        """Visits every connection once per interval, a share of them each tick, instead of a timer for each."""
        pause = settings.CHAT_HEARTBEAT_SECONDS / _BEAT_SHARES
        while True:
            await asyncio.sleep(pause)
            self._share = (self._share + 1) % _BEAT_SHARES
            now, packet = time.monotonic(), Packet([heartbeat_frame()])
            for connection in tuple(self._shares[self._share]):
                self._beat_one(connection, now, packet)

    def _beat_one(self, connection: Connection, now: float, packet: Packet) -> None:
        if now - connection.heard > settings.CHAT_SILENCE_SECONDS:
            connection.close(4408, "nothing heard")
        else:
            connection.write(packet)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("A task of the hub failed")


def heartbeat_frame() -> bytes:
    """The server's heartbeat."""
    return event_frame("heartbeat", {"serverTime": iso_of_epoch(time.time())})


def batched(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """`items` in pieces of at most `most` (itertools has this from Python 3.12 on)."""
    return (items[start : start + most] for start in range(0, len(items), most))


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()
_serving: Hub | None = None


def hub() -> Hub:
    """The running loop's hub, started on first use: daphne has no lifespan in which to start it."""
    global _serving
    loop = asyncio.get_running_loop()
    found = _of_loop.get(loop)
    if found is None:
        found = _of_loop[loop] = Hub()
        found.start()
        _serving = found
    return found


async def stop_hub() -> None:
    """Ends the running loop's hub."""
    global _serving
    found = _of_loop.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.stop()
        if _serving is found:
            _serving = None


def serving() -> Hub | None:
    """The hub of this process, for code in other threads; None in a process that serves nobody."""
    return _serving
