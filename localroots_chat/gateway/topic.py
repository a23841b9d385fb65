"""One conversation on one server: who listens, and the guard that keeps its changes in order.

Servers publish after COMMIT, so a change may come before its predecessor, or twice (3-6 % of them came early with
four writing processes). What `accept` returns goes strictly upwards, each change once.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.wiring import Change, Seat

_NOTHING_HELD: Final[dict[int, Change]] = {}


class Topic:
    """One conversation on this server: its listeners, and how far they have been told."""

    # Most conversations of somebody who connects stay quiet: one gets its own of these when something happens.
    held = _NOTHING_HELD
    outbox: Sequence[bytes] = ()
    running = repairing = False
    timer: asyncio.TimerHandle | None = None

    def __init__(self, seat: Seat) -> None:
        # From the query that lists a person's seats, never from the first frame that happens to arrive: what
        # changed between that query and now is then a visible gap.
        self.handed, self.seq, self.members = seat.version, seat.seq, seat.members
        self.listeners: dict[Connection, None] = {}

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
            self.held = self.held or {}
            self.held[change.version] = change
            return
        self.handed, self.seq = change.version, max(self.seq, change.seq)
        ready.append(change.frame)
