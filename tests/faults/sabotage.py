"""Faults that are built in: crash points, and builds that are broken on purpose to see the checker go red.

Nothing of this is in the service itself: the functions below replace the service's own in the test server's process
(settings.py). A crash point is "name:number": the process is killed as by kill -9 the number-th time it passes there.
"""

import asyncio
import itertools
import os
import random
import signal
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.db import transaction

from conversations import storing, writer
from conversations.sends import Send
from localroots_chat import database
from localroots_chat.gateway import publish
from localroots_chat.gateway.hub import Hub
from localroots_chat.gateway.layer import Bus, Item
from localroots_chat.gateway.sweep import Sweep
from localroots_chat.gateway.topic import Topic
from localroots_chat.gateway.wiring import Change


def put_in(fault: str) -> None:
    """Breaks this process as `fault` says. Raises KeyError for a fault that there is not."""
    name, _, number = fault.partition(":")
    if number:
        CRASH_POINTS[name](_killer(int(number)))
    else:
        BROKEN_BUILDS[name]()


def _killer(number: int) -> Callable[[], None]:
    passed = itertools.count(1)

    def die_in_time() -> None:
        if next(passed) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return die_in_time


# Crash points: where a send is when its server dies


def _in_transaction(die_in_time: Callable[[], None]) -> None:
    """Everything is written, nothing is committed."""
    write = storing._Transaction._write

    def write_and_die(self: storing._Transaction) -> None:
        write(self)
        if self.rows:
            die_in_time()

    storing._Transaction._write = write_and_die  # type: ignore[method-assign]


def _after_commit(die_in_time: Callable[[], None]) -> None:
    """It is committed, and nobody has heard of it, not even its sender."""
    store = storing.Batch.store

    def store_and_die(self: storing.Batch) -> tuple[list[storing.Outcome], list[Item]]:
        outcomes, items = store(self)
        if items:  # not where another server holds the conversations at the moment
            die_in_time()
        return outcomes, items

    storing.Batch.store = store_and_die  # type: ignore[method-assign]


def _before_publishing(die_in_time: Callable[[], None]) -> None:
    """Its sender has the acknowledgement, and nobody else has the message."""
    announce = Hub.announce

    def die_or_announce(self: Hub, items: list[Item]) -> None:
        # The acknowledgements are on the wire at the end of the loop's turn; this is a later one.
        die_in_time()
        announce(self, items)

    Hub.announce = die_or_announce  # type: ignore[method-assign]


def _acknowledged_before_commit(die_in_time: Callable[[], None]) -> None:
    """A build that tells the sender a moment before the transaction ends, and dies in that moment."""

    class EarlyWriter(writer.Writer):
        def _write(self, batch: list[tuple[Send, asyncio.Future[writer.Answered]]]) -> None:
            def store() -> None:
                with transaction.atomic():
                    outcomes, items = storing.Batch([send for send, _ in batch], wait_for_locks=False).store()
                    self._loop.call_soon_threadsafe(self._finish, batch, outcomes, [])
                    time.sleep(0.05)
                    if items:
                        die_in_time()
                    publish.on_commit(*items)

            database.with_connection(store)

    writer.Writer = EarlyWriter  # type: ignore[misc]


CRASH_POINTS: Final[dict[str, Callable[[Callable[[], None]], None]]] = {
    "in_transaction": _in_transaction,
    "after_commit": _after_commit,
    "before_publishing": _before_publishing,
    "acknowledged_before_commit": _acknowledged_before_commit,
}


# Bad circumstances, and broken builds: what the checker must find


def _without_dedup() -> None:
    """A retry is a new message: the clientId is neither looked up nor stored."""
    row = storing._Transaction._row

    def row_without_client_id(self: storing._Transaction, send: Send, head: Any) -> dict[str, Any]:
        return {**row(self, send, head), "k": None}

    storing._Transaction._row = row_without_client_id  # type: ignore[method-assign]
    storing._Transaction._sent_before = lambda *_: None  # type: ignore[method-assign]


def _without_sweep() -> None:
    """Nobody asks the database for what was missed."""

    async def sleep_for_ever(self: Sweep) -> None:
        await asyncio.Event().wait()

    Sweep.run = sleep_for_ever  # type: ignore[method-assign]


def _without_bus() -> None:
    """What is published reaches no other server, as while Redis restarts."""
    Bus.publish = lambda *_: None  # type: ignore[method-assign]


def _with_a_jittery_bus() -> None:
    """What is published takes its time, and comes in another order."""
    publish_now = Bus.publish

    def publish_late(self: Bus, items: list[Item]) -> None:
        asyncio.get_running_loop().call_later(random.uniform(0, 0.05), publish_now, self, items)

    Bus.publish = publish_late  # type: ignore[method-assign]


def _without_guard() -> None:
    """Changes are handed out as they happen to come."""

    def accept(self: Topic, changes: Iterable[Change]) -> list[Change]:
        taken = list(changes)
        self.handed = max([self.handed, *(change.version for change in taken)])
        self.seq = max([self.seq, *(change.seq for change in taken)])
        return taken

    Topic.accept = accept  # type: ignore[method-assign]


BROKEN_BUILDS: Final[dict[str, Callable[[], None]]] = {
    "without_dedup": _without_dedup,
    "without_sweep": _without_sweep,
    "without_bus": _without_bus,
    "with_a_jittery_bus": _with_a_jittery_bus,
    "without_guard": _without_guard,
}
