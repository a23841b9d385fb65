"""One conversation on one server: who listens, and the guard that keeps its changes in order.

Servers publish after COMMIT, so a change may come before its predecessor, or twice (3-6 % of them came early with
four writing processes). What `accept` returns goes strictly upwards, each change once.
"""

import asyncio
from collections.abc import Iterable

import msgspec

from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.wiring import Change


class Topic(msgspec.Struct, eq=False):
    """One conversation on this server: its listeners, and how far they have been told.

    `handed`, `seq` and `members` come from the query that lists a person's seats, never from the first frame that
    happens to arrive: what changed between that query and now is then a visible gap. A struct, made in 0.2 µs, because
    somebody who connects may bring hundreds, most of which stay quiet.
    """

    handed: int
    seq: int
    members: int
    listeners: dict[Connection, None]
    held: dict[int, Change] | None = None
    outbox: list[Change] | None = None
    running: bool = False
    repairing: bool = False
    timer: asyncio.TimerHandle | None = None

    def accept(self, changes: Iterable[Change]) -> list[Change]:
        """Those that are next in order, now counted as handed out; keeps what came early, drops what is old."""
        ready: list[Change] = []
        for change in changes:
            self._take(change, ready)
        while self.held:
            earliest = self.held[min(self.held)]
            if earliest.prev > self.handed:
                break
            del self.held[earliest.version]
            self._take(earliest, ready)
        return ready

    def _take(self, change: Change, ready: list[Change]) -> None:
        if change.version <= self.handed:
            return
        if change.prev > self.handed:
            if self.held is None:
                self.held = {}
            self.held[change.version] = change
            return
        self.handed, self.seq = change.version, max(self.seq, change.seq)
        ready.append(change)
