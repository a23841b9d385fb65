"""Who on this server watches whom, and is told when they come or go.

What changes within half a second is told together, and not at all where it has changed back. A watch lasts as long as
the two share one of the conversations by which it was allowed, and neither blocks the other.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.hub import hub
from localroots_chat.gateway.protocol import Packet, event_frame
from presence.contacts import MEMBERS_MOST, Contact
from presence.leases import Seen

TOGETHER_SECONDS: Final = 0.5
_WRITES_BETWEEN_YIELDS: Final = 64
_CLOCK_SET_MICROSECONDS: Final = 60_000_000  # news older than this are not late: Redis' clock was set back


class Watch:
    """One connection's look at one person: by which conversations it is allowed (None: it is oneself), and what the
    client was told last. At first it waits for the answer to its question."""

    __slots__ = ("shared", "told", "waits")

    def __init__(self, shared: set[str] | None) -> None:
        self.shared = shared
        self.waits = True
        self.told: bool | None = None

    def is_allowed(self, connection: Connection) -> bool:
        """Whether the two still share one of these conversations, as far as this server knows."""
        return self.shared is None or any(
            topic in connection.topics and hub().members(topic) <= MEMBERS_MOST for topic in self.shared
        )


class Watched:
    """Somebody who is watched here. `online` is None where nobody knows, `at` is of the newest news."""

    __slots__ = ("at", "id", "online", "watches")

    def __init__(self, public_id: str) -> None:
        self.id = public_id
        self.online: bool | None = None
        self.at = 0
        self.watches: dict[Connection, Watch] = {}


class Roster:
    """All watches of one server."""

    def __init__(self) -> None:
        self._people: dict[int, Watched] = {}
        self._lists: dict[Connection, list[int]] = {}
        self._changed: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    def people(self) -> Collection[int]:
        """Whom somebody here watches (keys)."""
        return self._people.keys()

    def watch(self, connection: Connection, contacts: Iterable[Contact]) -> None:
        """From now on the connection watches these people, and nobody else."""
        self.forget(connection)
        keys = self._lists[connection] = []
        for one in contacts:
            person = self._people.setdefault(one.key, Watched(one.id))
            itself = one.key == connection.person.key
            person.watches[connection] = Watch(None if itself else one.shared)
            keys.append(one.key)

    def forget(self, connection: Connection) -> None:
        """The connection watches nobody."""
        for key in self._lists.pop(connection, ()):
            self._drop(connection, key)

    def told(self, connection: Connection, statuses: Mapping[int, bool | None]) -> None:
        """The connection has been told this of these people."""
        for key, online in statuses.items():
            person = self._people.get(key)
            if person is not None and connection in person.watches:
                watch = person.watches[connection]
                watch.waits, watch.told = False, online
                if person.online is not None and person.online != online:  # news that were quicker than the answer
                    self._tell_of(key)

    def saw(self, asked: Iterable[int], seen: Seen | None) -> None:
        """These people were asked about. Without an answer nobody knows: that is told to who asks, and nobody else."""
        online = set() if seen is None else set(seen.online)
        for key in asked:
            if seen is not None and (key in online or seen.sure):
                self.heard(key, key in online, seen.at)
            elif key in self._people:
                self._people[key].online = None

    def heard(self, key: int, online: bool, at: int) -> None:
        """This person has come or gone, or was found so, at this time of presence/leases.py."""
        person = self._people.get(key)
        if person is None or 0 < person.at - at < _CLOCK_SET_MICROSECONDS:
            return
        person.online, person.at = online, at
        self._tell_of(key)

    def _tell_of(self, key: int) -> None:
        self._changed.add(key)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._tell_soon())

    def part(self, key: int, topic: str) -> None:
        """This person has left this conversation: who watched them by it alone, does so no longer."""
        person = self._people.get(key)
        for connection, watch in [] if person is None else list(person.watches.items()):
            if watch.shared is not None and topic in watch.shared:
                watch.shared.discard(topic)
                if not watch.shared:
                    self.end(connection, key)

    def end(self, connection: Connection, key: int) -> None:
        """The connection is not to know of this person any more; to its client they go."""
        person = self._people.get(key)
        watch = None if person is None else person.watches.get(connection)
        if person is not None and watch is not None:
            self._drop(connection, key)
            if watch.told is not False:
                connection.write(Packet([_frame(person.id, online=False)]), sheddable=True)

    def _drop(self, connection: Connection, key: int) -> None:
        person = self._people.get(key)
        if person is not None:
            person.watches.pop(connection, None)
            if not person.watches:
                del self._people[key]

    def stop(self) -> None:
        """Nobody is told any more."""
        if self._task is not None:
            self._task.cancel()

    async def _tell_soon(self) -> None:
        try:
            await asyncio.sleep(TOGETHER_SECONDS)
            while self._changed:
                await self._tell()
        finally:
            self._task = None

    async def _tell(self) -> None:
        changed, self._changed = self._changed, set()
        frames: dict[Connection, list[bytes]] = {}
        for key in changed:
            person = self._people.get(key)
            if person is None or person.online is None:
                continue
            frame = _frame(person.id, online=person.online)
            for connection, watch in list(person.watches.items()):
                if watch.waits or watch.told == person.online:
                    continue
                if watch.is_allowed(connection):
                    watch.told = person.online
                    frames.setdefault(connection, []).append(frame)
                else:
                    self.end(connection, key)
        for number, (connection, some) in enumerate(frames.items(), 1):
            connection.write(Packet(some), sheddable=True)
            if number % _WRITES_BETWEEN_YIELDS == 0:
                await asyncio.sleep(0)


def _frame(user_id: str, *, online: bool) -> bytes:
    return event_frame("presence:user_online" if online else "presence:user_offline", {"userId": user_id})
