"""Who on this server listens to what, and in which order they hear it.

The hub owns all group membership of its server: a connection takes no channel of the layer, a conversation is a
`Topic` here. Whatever brings a change (this server's own commits, the bus, a repair, the sweep) passes through
`Topic.accept`, which hands out strictly upwards by version and holds back what comes early. What is still missing
after a moment is read from the database. One hub per event loop.
"""

import asyncio
import logging
import random
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.conf import settings

from localroots_chat.database import in_thread
from localroots_chat.errors import ChatError
from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.heartbeats import Heartbeats
from localroots_chat.gateway.layer import (
    Bus,
    Durable,
    Fleeting,
    Hidden,
    Item,
    Personal,
    Present,
    Revoked,
    Seated,
    Settings,
    Unseated,
)
from localroots_chat.gateway.parcel import Parcel
from localroots_chat.gateway.protocol import Packet, event_frame
from localroots_chat.gateway.sweep import Sweep
from localroots_chat.gateway.topic import Topic
from localroots_chat.gateway.wiring import Change, Seat, SeatMove, wired

_log = logging.getLogger(__name__)

HOLD_SECONDS: Final = 0.1  # nearly every early change is followed by its predecessor within this
AWAY_SECONDS: Final = 5.0
_AWAY_AT_ONCE: Final = 200
_AWAY_EVERY: Final = 0.05
_HELD_MOST: Final = 1000
_WRITES_BETWEEN_YIELDS: Final = 64  # about 1.5 ms, then heartbeats and other conversations have their turn
_REPAIRS_AT_ONCE: Final = 4
_REVOKED_MOST: Final = 10_000


class Hub:
    """The listeners of one server, by conversation and by person."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._topics: dict[str, Topic] = {}
        self._people: dict[int, dict[Connection, None]] = {}
        # Who was put out lately: for those whose connection is just being opened.
        self._revoked: dict[int, list[Revoked]] = {}
        self._settled: dict[int, float] = {}  # of whom settings were heard: the time of the newest
        self.draining = False  # the process is about to end
        self._emptied = asyncio.Event()
        self._heartbeats = Heartbeats()
        self.attendance = wired().attendance()
        self._bus = Bus(self.deliver) if settings.REDIS_URL else None
        self._tasks: set[asyncio.Task[None]] = set()
        self._repairs = asyncio.Semaphore(_REPAIRS_AT_ONCE)

    def start(self) -> None:
        """Begins to listen to the other servers, to beat and to sweep."""
        if self._bus is not None:
            self._bus.start()
        self._spawn(self._heartbeats.run())
        self._spawn(self.attendance.run())
        self._spawn(Sweep(self).run())

    async def stop(self) -> None:
        """Ends the hub's tasks; connections are their consumers' business."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)
        await self.attendance.stop()
        if self._bus is not None:
            await self._bus.stop()

    # Connections come and go

    def attach(self, connection: Connection, seats: Sequence[Seat]) -> None:
        """From now on `connection` hears its person's frames and these conversations."""
        self._people.setdefault(connection.person.key, {})[connection] = None
        self._heartbeats.add(connection)
        self._sit(connection, seats)
        self.attendance.came(connection)
        for item in self._revoked.get(connection.person.key, ()):
            _close_if_revoked(connection, item)

    def detach(self, connection: Connection) -> None:
        """`connection` is gone."""
        others = self._people.get(connection.person.key, {})
        if connection not in others:
            return
        del others[connection]
        if not others:
            del self._people[connection.person.key]
            if not self._people:
                self._emptied.set()
        self._heartbeats.remove(connection)
        self._leave(connection, connection.topics)
        connection.topics.clear()
        self.attendance.went(connection)

    def connections_of(self, person: int) -> Sequence[Connection]:
        """This server's connections of the person with this key."""
        return tuple(self._people.get(person, ()))

    def listening(self) -> tuple[dict[str, int], list[int]]:
        """The conversations that this server has connections of, each with the version they were told, and the
        people (keys)."""
        return {name: topic.handed for name, topic in self._topics.items()}, list(self._people)

    def members(self, topic: str) -> int:
        """How many members the conversation has, as far as this server knows."""
        found = self._topics.get(topic)
        return found.members if found else 0

    def seat(self, connection: Connection, seat: Seat) -> None:
        """`connection` hears this conversation from now on."""
        self._sit(connection, [seat])

    def _sit(self, connection: Connection, seats: Sequence[Seat]) -> None:
        """One loop for all: somebody may have hundreds."""
        topics = self._topics
        for seat in seats:
            topic = topics.get(seat.topic)
            if topic is None:
                topics[seat.topic] = Topic(seat.version, seat.seq, seat.members, {connection: None})
            else:
                topic.members = seat.members
                topic.listeners[connection] = None
        connection.topics.update([seat.topic for seat in seats])

    def unseat(self, connection: Connection, name: str) -> None:
        """`connection` hears this conversation no longer."""
        connection.topics.discard(name)
        self._leave(connection, [name])

    def _leave(self, connection: Connection, names: Iterable[str]) -> None:
        topics = self._topics
        for name in names:
            topic = topics.get(name)
            if topic is None:
                continue
            topic.listeners.pop(connection, None)
            if not topic.listeners:
                if topic.timer is not None:
                    topic.timer.cancel()
                del topics[name]

    # What is committed goes out

    def announce(self, items: list[Item]) -> None:
        """Hands what was committed here to this server's listeners, then to the other servers. Never raises."""
        self.deliver(items)
        if self._bus is not None:
            self._bus.publish(items)

    def deliver(self, items: Iterable[Item]) -> None:
        """Hands these to this server's listeners. One that fails takes no other with it. Never raises."""
        for item in items:
            try:
                self._deliver(item)
            except Exception:
                _log.exception("A %s could not be delivered", type(item).__name__)

    def _deliver(self, item: Item) -> None:
        match item:
            case Durable():
                self._deliver_changes(item.topic, [Change(*change) for change in item.changes])
            case Fleeting():
                self._deliver_fleeting(item)
            case Personal():
                self._deliver_personal(item)
            case Seated():
                if item.topic in self._topics:
                    self._topics[item.topic].members = item.members
                seat = Seat(item.topic, item.version, item.seq, item.members)
                self.move(SeatMove(item.person, item.topic, seat, item.frame), item.at)
            case Unseated():
                if item.members is not None and item.topic in self._topics:
                    self._topics[item.topic].members = item.members
                self.move(SeatMove(item.person, item.topic, None, item.frame), item.at)
                self.attendance.heard(item)
            case Revoked():
                self.revoke(item)
            case Settings():
                self._settle(item)
            case Present() | Hidden():
                self.attendance.heard(item)

    def move(self, move: SeatMove, at: float) -> None:
        """A seat was gained or lost before this time of the database: those who do not know yet are told."""
        for connection in self.connections_of(move.person):
            if at <= connection.moves.get(move.topic, connection.read_at):
                continue
            connection.moves[move.topic] = at
            if (move.topic in connection.topics) == (move.seat is not None):
                continue
            if move.seat is None:
                self.unseat(connection, move.topic)
            else:
                self.seat(connection, move.seat)
            connection.write(Packet([move.frame]))

    def _settle(self, item: Settings) -> None:
        """Somebody's settings are these now, unless newer ones are known. All of them come each time, so that none can
        be missed."""
        if item.at < self._settled.get(item.person, 0.0):
            return
        self._settled[item.person] = item.at
        for connection in self.connections_of(item.person):
            person = connection.person
            connection.person = person._replace(receipts=item.receipts, appear_offline=item.appear_offline)
            connection.blocked = set(item.blocked)
        blocked = set(item.blocked)
        for key, connections in self._people.items():
            for connection in connections:
                if key in blocked:
                    connection.blocked_by.add(item.person)
                else:
                    connection.blocked_by.discard(item.person)
        self.attendance.heard(item)

    def _deliver_fleeting(self, item: Fleeting) -> None:
        topic = self._topics.get(item.topic)
        if topic is None:
            return
        packet = Packet([item.frame])
        for connection in tuple(topic.listeners):
            if connection.person.key == item.without or connection.id == item.except_connection:
                continue
            if item.without in connection.blocked or item.without in connection.blocked_by:
                continue
            if not item.receipt or connection.person.receipts:
                connection.write(packet, sheddable=True)

    def _deliver_personal(self, item: Personal) -> None:
        packet = Packet([item.frame])
        for connection in self.connections_of(item.person):
            if connection.id != item.except_connection:
                connection.write(packet)

    def revoke(self, item: Revoked) -> None:
        """Ends the connections that `item` is about, also those that are being opened."""
        if len(self._revoked) > _REVOKED_MOST:
            self._revoked.clear()  # whoever was arriving then has arrived
        self._revoked.setdefault(item.person, []).append(item)
        for connection in self.connections_of(item.person):
            _close_if_revoked(connection, item)

    def send_away(self, connections: Iterable[Connection], reason: str) -> None:
        """Asks these clients to come back in a moment, not all in the same one, and closes their connections."""
        for connection in connections:
            bye = {"reason": reason, "reconnectAfter": round(random.uniform(0, AWAY_SECONDS), 1)}
            connection.write(Packet([event_frame("bye", bye)]))
            connection.close(1012, reason)

    def connections(self) -> list[Connection]:
        """All of this server's connections."""
        return [connection for some in self._people.values() for connection in some]

    async def drain(self) -> None:
        """Sends everybody away, some at a time; ends when all are gone. What they had sent before is answered."""
        self.draining = True
        connections = self.connections()
        for start in range(0, len(connections), _AWAY_AT_ONCE):
            self.send_away(connections[start : start + _AWAY_AT_ONCE], "restart")
            await asyncio.sleep(_AWAY_EVERY)
        if self._people:
            self._emptied.clear()
            await self._emptied.wait()

    # Changes of one conversation, in order

    def _deliver_changes(self, name: str, changes: Sequence[Change]) -> None:
        topic = self._topics.get(name)
        if topic is None:
            return
        said = topic.seq
        if ready := topic.accept(changes):
            self._hand_out(topic, ready)
        if topic.seq > said:
            for change in changes:
                if change.seq > said:
                    self.attendance.spoke(change.actor, name)
        if topic.held:
            self._expect_predecessor(name, topic)

    def _hand_out(self, topic: Topic, changes: list[Change]) -> None:
        topic.outbox = changes if topic.outbox is None else topic.outbox + changes
        if topic.running:
            return
        if len(topic.listeners) <= _WRITES_BETWEEN_YIELDS:
            parcel, topic.outbox = Parcel(topic.outbox), None
            for connection in tuple(topic.listeners):
                connection.write(parcel.for_one_who_blocked(connection.blocked))
        else:
            topic.running = True
            self._spawn(self._hand_out_at_length(topic))

    async def _hand_out_at_length(self, topic: Topic) -> None:
        """Writes to many listeners with pauses. What arrives meanwhile goes out together, in one write each."""
        try:
            while topic.outbox:
                parcel, topic.outbox = Parcel(topic.outbox), None
                for number, connection in enumerate(tuple(topic.listeners), 1):
                    if connection in topic.listeners:  # it may have left, or been put out, during a pause
                        connection.write(parcel.for_one_who_blocked(connection.blocked))
                    if number % _WRITES_BETWEEN_YIELDS == 0:
                        await asyncio.sleep(0)
        finally:
            topic.running = False

    def _expect_predecessor(self, name: str, topic: Topic) -> None:
        if topic.held and len(topic.held) > _HELD_MOST:
            topic.held = None
            self._repair(name, topic)
        elif topic.timer is None and not topic.repairing:
            topic.timer = self.loop.call_later(HOLD_SECONDS, self._repair, name, topic)

    def catch_up(self, name: str, version: int) -> None:
        """The database has this version of the conversation: reads what its listeners lack, if anything."""
        topic = self._topics.get(name)
        if topic is not None and version > topic.handed and topic.timer is None:
            self._repair(name, topic)

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
        if ready := topic.accept(head.changes):
            self._hand_out(topic, ready)
        if head.version > topic.handed and not topic.held:
            topic.handed, topic.seq = head.version, max(topic.seq, head.seq)
        if topic.held:
            self._expect_predecessor(name, topic)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # cancelled before it began, it would not be over

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except ChatError as error:  # the database is away; the sweep comes back to it
            _log.warning("A task of the hub could not be done: %s", error)
        except Exception:
            _log.exception("A task of the hub failed")


def _close_if_revoked(connection: Connection, item: Revoked) -> None:
    if connection.session == item.session if item.session else connection.read_at < item.before:
        connection.close(4403, "signed out")


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
    found = _of_loop.get(asyncio.get_running_loop())
    if found is not None:
        await found.stop()  # what still asks for the running loop's hub meanwhile, finds this one
        del _of_loop[asyncio.get_running_loop()]
        if _serving is found:
            _serving = None


def serving() -> Hub | None:
    """The hub of this process, for code in other threads; None in a process that serves nobody."""
    return _serving
