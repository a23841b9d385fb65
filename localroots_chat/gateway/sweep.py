"""What nobody told this server about, asked of the database every few seconds.

Publishing is a hint that may be lost: with a server killed between COMMIT and publish, with a Redis that restarts.
Each question reaches back to the database's time of the last answer, less what a transaction may take to commit, so
that a server which slept longer misses nothing either.
"""

import asyncio
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from django.conf import settings

from localroots_chat.database import in_thread
from localroots_chat.gateway.layer import Revoked, Unseated
from localroots_chat.gateway.wiring import Missed, wired

if TYPE_CHECKING:
    from localroots_chat.gateway.hub import Hub

T = TypeVar("T")

_log = logging.getLogger(__name__)

_OVERLAP_SECONDS: Final = 15.0
_SEATS_AT_ONCE: Final = 50


class Sweep:
    """Finds and mends what one hub has missed."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._until = 0.0
        self._epoch, self._sweeps = "", 0

    async def run(self) -> None:
        """Sweeps for ever, a little spread so that servers do not ask at the same time."""
        self._until = await _first_clock()
        while True:
            await asyncio.sleep(settings.CHAT_SWEEP_SECONDS * random.uniform(0.8, 1.0))
            try:
                await self._sweep()
            except Exception as error:
                _log.warning("The sweep failed and will be tried again: %r", error)

    async def _sweep(self) -> None:
        handed, people = self._hub.listening()
        if not people:
            self._until = await in_thread(wired().clock)
            return
        concerned = {*people, *self._hub.attendance.watched()}
        missed = await in_thread(wired().missed_since, self._until - _OVERLAP_SECONDS, list(handed), list(concerned))
        current = await self._epoch_after(missed, handed)
        self._hub.send_away([one for one in self._hub.connections() if one.epoch != current], "restored")
        await self._mend(missed)
        self._until, self._epoch, self._sweeps = missed.now, current, missed.sweeps

    async def _epoch_after(self, missed: Missed, handed: Mapping[str, int]) -> str:
        """The epoch. Where the database has gone back, as with a restored backup, a new one begins: what clients have
        been told may then be versions of changes that never were."""
        went_on = missed.sweeps > self._sweeps and all(version >= handed[topic] for topic, version in missed.versions)
        if went_on or missed.epoch != self._epoch:  # another epoch: another server, or the operator, has begun it
            return missed.epoch
        _log.error("The database is behind what was handed out here, as after a restored backup: a new epoch begins")
        return await in_thread(wired().begin_epoch, missed.epoch)

    async def _mend(self, missed: Missed) -> None:
        for person, before in missed.revoked:
            self._hub.revoke(Revoked(person, before=before))
        for person, session in missed.ended:
            self._hub.revoke(Revoked(person, session))
        # Only what this server does not know yet is worth reading: seats change by the thousand when a group opens.
        unknown = [(person, topic) for person, topic, present in missed.seats if self._differs(person, topic, present)]
        for some in _pieces(unknown, _SEATS_AT_ONCE):
            for move in await in_thread(wired().seat_moves, some):
                self._hub.move(move, missed.now)
        self._hub.deliver(missed.settings)
        for person, topic, present in missed.seats:
            if not present:
                self._hub.attendance.heard(Unseated(person, topic, missed.now, b""))
        for topic, version in missed.versions:
            self._hub.catch_up(topic, version)

    def _differs(self, person: int, topic: str, present: bool) -> bool:
        return any((topic in connection.topics) != present for connection in self._hub.connections_of(person))


async def _first_clock() -> float:
    while True:
        try:
            return await in_thread(wired().clock)
        except Exception as error:
            _log.warning("The database cannot be asked yet: %r", error)
            await asyncio.sleep(1)


def _pieces(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    return (items[start : start + most] for start in range(0, len(items), most))
