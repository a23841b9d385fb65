"""People come to this server and go: what the others are told of it, and when.

Whoever goes has ten seconds to come back before anybody hears of it: reloading a page is no leaving. All that gathers
while Redis is being asked goes with the next question. Every interval each server renews its lease and looks, in one
call, at everybody who is watched there: so what was missed, and the people of a server that died, are noticed.
"""

import asyncio
import logging
import random
import time
from collections.abc import Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from localroots_chat.database import in_thread
from localroots_chat.errors import ChatError
from localroots_chat.gateway.batcher import settle
from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.hub import hub
from localroots_chat.gateway.layer import Hidden, Item, Present, Settings, Unseated
from localroots_chat.gateway.per_loop import per_loop
from localroots_chat.gateway.redis_client import RedisAway
from presence import last_seen, typing
from presence.leases import Asked, Seen, leases
from presence.roster import Roster

_log = logging.getLogger(__name__)

AT_ONCE: Final = 1000  # people in one call: Redis does nothing else meanwhile
_AGAIN_SECONDS: Final = 2.0  # after a failure; Redis itself is asked once a second at most


@dataclass
class _Gathered:
    """What goes with the next question. `moved` and `hidden`: people, and whether they are here, or hide."""

    moved: dict[int, bool] = field(default_factory=dict)
    hidden: dict[int, bool] = field(default_factory=dict)
    look: set[int] = field(default_factory=set)
    tidy: bool = False
    waiting: list[asyncio.Future[Seen]] = field(default_factory=list)


class Attendance:
    """The people of one server (gateway/wiring.py says who calls this)."""

    def __init__(self) -> None:
        self.roster = Roster()
        self._leases = leases()
        self._here: set[int] = set()  # who is, or is about to be, under this server's lease
        self._going: dict[int, asyncio.TimerHandle] = {}
        self._hiding: set[int] = set()
        self._next = _Gathered()
        self._anew = True  # Redis has to be told everything
        self._told_anew = -_AGAIN_SECONDS
        self._failed = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # What the hub tells

    def came(self, connection: Connection) -> None:
        """A connection is here."""
        person = connection.person
        timer = self._going.pop(person.key, None)
        if timer is not None:
            timer.cancel()
        if person.key not in self._here and not person.appear_offline:
            self._here.add(person.key)
            if person.key in self._hiding:
                self._next.hidden[person.key] = True
            self._move(person.key, here=True)

    def went(self, connection: Connection) -> None:
        """A connection is gone. Whoever hides does so until then, and vanishes at once."""
        self.roster.forget(connection)
        key = connection.person.key
        if hub().connections_of(key) or key in self._going:
            return
        if key not in self._here:
            self._hiding.discard(key)
        elif key in self._hiding:
            self._go(key)
        else:
            later = asyncio.get_running_loop().call_later
            self._going[key] = later(settings.CHAT_PRESENCE_GRACE_SECONDS, self._go, key)

    def _go(self, key: int) -> None:
        self._going.pop(key, None)
        self._here.discard(key)
        if not hub().connections_of(key):  # else they appear offline for good, and may take that back
            self._hiding.discard(key)
        self._move(key, here=False)

    def heard(self, item: Settings | Present | Hidden | Unseated) -> None:
        """What a server has announced."""
        match item:
            case Present():
                self.roster.heard(item.person, item.online, item.at)
            case Hidden():
                self._remember_hidden(item)
            case Unseated():
                self.roster.part(item.person, item.topic)
            case Settings():
                self._settle(item)

    def _settle(self, item: Settings) -> None:
        for other in item.blocked:
            for watcher, watched in ((item.person, other), (other, item.person)):
                for connection in hub().connections_of(watcher):
                    self.roster.end(connection, watched)
        if item.appear_offline and item.person in self._here:
            timer = self._going.pop(item.person, None)
            if timer is not None:
                timer.cancel()
            self._go(item.person)
        elif not item.appear_offline:
            for connection in hub().connections_of(item.person)[:1]:
                self.came(connection)

    def spoke(self, person: int, topic: str) -> None:
        """What somebody was writing has been said."""
        typing.clear(person, topic)

    def watched(self) -> Collection[int]:
        """Of whom somebody here is told."""
        return self.roster.people()

    # What commands and REST ask

    async def look(self, people: Collection[int]) -> Seen | None:
        """Which of these people (keys) are online. None: nobody knows, Redis is away."""
        self._next.look.update(people)
        try:
            return await self._with_next()
        except RedisAway:
            return None

    async def hide(self, person: int, *, hidden: bool) -> None:
        """The person here (a key) appears offline until they take it back, or have gone.

        Raises ChatError `unavailable`.
        """
        self._next.hidden[person] = hidden
        try:
            await self._with_next()
        except RedisAway:
            raise ChatError("unavailable", "Nobody knows who is online right now. Please try again.") from None
        hub().announce([Hidden(person, hidden)])

    def _remember_hidden(self, item: Hidden) -> None:
        if item.hidden and hub().connections_of(item.person):
            self._hiding.add(item.person)
        else:
            self._hiding.discard(item.person)

    # Asking

    async def run(self) -> None:
        """Renews the lease and looks at everybody who is watched, at once and then in each interval."""
        while True:
            await self._beat()
            try:
                async with asyncio.timeout(settings.CHAT_PRESENCE_SECONDS * random.uniform(0.8, 1.0)):
                    await self._failed.wait()
                await asyncio.sleep(_AGAIN_SECONDS)
            except TimeoutError:
                pass
            self._failed.clear()

    async def _beat(self) -> None:
        self._next.tidy = True
        watched = list(self.roster.people())
        for start in range(0, max(1, len(watched)), AT_ONCE):
            some = watched[start : start + AT_ONCE]
            seen = await self.look(some)
            self.roster.saw(some, seen)
            if seen is not None:
                self._hiding.update(self._here.intersection(seen.hiding))

    async def stop(self) -> None:
        """The server ends. Its people, who are sent elsewhere, have as long to arrive there as if they had gone."""
        typing.forget_all()
        self.roster.stop()
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])
        for timer in self._going.values():
            timer.cancel()
        people = self._here - self._hiding
        self._here, self._going, self._hiding, self._anew = set(), {}, set(), True
        try:
            await self._leases.end(settings.CHAT_PRESENCE_GRACE_SECONDS)
            if people:
                await in_thread(last_seen.note, people)
        except Exception as error:  # the server ends all the same
            _log.warning("People could not be let go in order: %s", repr(error))

    def _move(self, key: int, *, here: bool) -> None:
        self._next.moved[key] = here
        self._start()

    def _with_next(self) -> asyncio.Future[Seen]:
        future: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()
        self._next.waiting.append(future)
        self._start()
        return future

    def _start(self) -> None:
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask_all())

    async def _ask_all(self) -> None:
        try:
            while await self._ask() or self._next.moved or self._next.waiting:
                pass
        finally:
            self._asking = None

    async def _ask(self) -> bool:
        """Asks once. True where it has to be done again at once: Redis does not know who is here."""
        gathered, self._next = self._next, _Gathered()
        asked = self._asked(gathered)
        people = len(asked.came) if asked.anew else len(self._here) - sum(self._next.moved.values())
        try:
            seen = await self._leases.ask(asked)
        except Exception as error:
            if not isinstance(error, RedisAway):
                _log.exception("Presence could not be asked for")
            self._anew = True
            self._failed.set()
            self._refuse(gathered)
            return False
        self._announce(seen)
        for future in gathered.waiting:
            settle(future, seen)
        return self._has_to_tell_anew(asked, seen, people)

    def _has_to_tell_anew(self, asked: Asked, seen: Seen, people: int) -> bool:
        """Whether Redis knows others than those who are here (so many of them by now)."""
        now = time.monotonic()
        if asked.anew:
            self._told_anew = now
        self._anew = not asked.anew and (not seen.known or seen.people != people)
        if self._anew and now - self._told_anew < _AGAIN_SECONDS:  # it did not help: not at once, then
            self._failed.set()
            return False
        return self._anew

    def _asked(self, gathered: _Gathered) -> Asked:
        moved, hidden, look, tidy = gathered.moved, gathered.hidden, gathered.look, gathered.tidy
        hide, show = [key for key in hidden if hidden[key]], [key for key in hidden if not hidden[key]]
        came = list(self._here) if self._anew else [key for key in moved if moved[key]]
        went = [] if self._anew else [key for key in moved if not moved[key]]
        self._next.moved = dict.fromkeys(came[AT_ONCE:], True)  # with the next calls
        came = came[:AT_ONCE]
        hide = [*{*hide, *self._hiding.intersection(came)}.difference(show)]
        return Asked(came=came, went=went, hide=hide, show=show, look=list(look), tidy=tidy, anew=self._anew)

    def _refuse(self, gathered: _Gathered) -> None:
        for future in gathered.waiting:
            settle(future, RedisAway("presence"))

    def _announce(self, seen: Seen) -> None:
        items: list[Item] = [Present(key, True, seen.at) for key in seen.appeared]
        items += [Present(key, False, seen.at) for key in seen.disappeared]
        if items:
            hub().announce(items)
        if seen.disappeared:
            self._spawn(in_thread(last_seen.note, seen.disappeared))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ChatError as error:
            _log.warning("When people were last here could not be noted: %s", error)
        except Exception:
            _log.exception("When people were last here could not be noted")


@per_loop
def attendance() -> Attendance:
    """The running loop's attendance."""
    return Attendance()
