"""Group commit: all sends that arrive while a transaction is in flight share the next one.

One transaction at a time keeps each sender's own order and makes the biggest batches (two and four at a time were
9 and 18 % slower). The database thread takes the next batch by itself: while the loop hands out the answers of one,
which takes it as long as PostgreSQL takes, the next is stored already. With no load nothing waits for a batch to
fill, and after COMMIT nothing can fail or delay an acknowledgement.
"""

import asyncio
import logging
import threading
import uuid
from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

from conversations.sends import HeldAnswer, Send, Stored
from conversations.storing import LOCKED, Batch, Locked, Outcome
from localroots_chat.database import in_thread, threads, with_connection
from localroots_chat.errors import ChatError
from localroots_chat.gateway import publish
from localroots_chat.gateway.batcher import Batcher, settle
from localroots_chat.gateway.layer import Item
from localroots_chat.gateway.limits import ask_in_thread, question, too_often
from localroots_chat.gateway.per_loop import per_loop

_log = logging.getLogger(__name__)

BATCH_MOST: Final = 200
WAITING_MOST: Final = 20_000

Answered = Stored | HeldAnswer
_Waiting = tuple[Send, asyncio.Future[Answered]]


class Writer:
    """The one way in for messages, whichever door they come through. It belongs to the loop on which it is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._is_running = False
        # Sends to conversations that somebody else holds. They wait in transactions of their own, one conversation
        # apart from the other; until the last of them is stored, what comes for it goes behind them.
        self._held: Counter[uuid.UUID] = Counter()
        self._held_batchers: dict[uuid.UUID, Batcher[Send, Answered]] = {}

    def put(self, send: Send) -> asyncio.Future[Answered]:
        """Queues a send at once; the future ends after COMMIT. Raises ChatError `overloaded`."""
        if len(self._waiting) >= WAITING_MOST:
            raise ChatError("overloaded", "The service is very busy. Please try again.", retry_after=1)
        future: asyncio.Future[Answered] = self._loop.create_future()
        with self._lock:
            self._waiting.append((send, future))
            starts, self._is_running = not self._is_running, True
        if starts:
            threads().submit(self._run)
        return future

    # In a database thread

    def _run(self) -> None:
        while batch := self._take():
            self._write(batch)

    def _take(self) -> list[_Waiting]:
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MOST))]
            self._is_running = bool(batch)
        return batch

    def _write(self, batch: list[_Waiting]) -> None:
        try:
            outcomes, items = self._store([send for send, _ in batch])
        except Exception as error:  # everybody is told, nobody waits for ever
            if not isinstance(error, ChatError):
                _log.exception("A batch of %d sends failed", len(batch))
            outcomes, items = [error] * len(batch), []
        self._loop.call_soon_threadsafe(self._finish, batch, outcomes, items)

    def _store(self, sends: list[Send]) -> tuple[list[Outcome], list[Item]]:
        waits = ask_in_thread([question("send", send.sender) for send in sends])
        outcomes: dict[uuid.UUID, Outcome] = {
            send.id: too_often(wait) for send, wait in zip(sends, waits, strict=True) if wait
        }
        now = [send for send in sends if send.id not in outcomes and send.conversation not in self._held]
        stored, items = with_connection(Batch(now, wait_for_locks=False).store) if now else ([], [])
        outcomes |= zip((send.id for send in now), stored, strict=True)
        with self._lock:
            self._held.update(send.conversation for send in sends if isinstance(outcomes.get(send.id, LOCKED), Locked))
        return [outcomes.get(send.id, LOCKED) for send in sends], items

    # On the loop

    def _finish(self, batch: list[_Waiting], outcomes: Sequence[Outcome], items: list[Item]) -> None:
        for (send, future), outcome in zip(batch, outcomes, strict=True):
            settle(future, self._wait_for_lock(send) if isinstance(outcome, Locked) else outcome)
        if items:
            publish.after_answers(items)

    def _wait_for_lock(self, send: Send) -> asyncio.Future[Answered] | ChatError:
        key = send.conversation
        batcher = self._held_batchers.get(key)
        if batcher is None:
            batcher = self._held_batchers[key] = Batcher(_write_held, most=BATCH_MOST, waiting=WAITING_MOST)
        try:
            future = batcher.put(send)
        except ChatError as overloaded:
            self._release(key)
            return overloaded
        future.add_done_callback(lambda _: self._release(key))
        return future

    def _release(self, conversation: uuid.UUID) -> None:
        with self._lock:
            self._held[conversation] -= 1
            if not self._held[conversation]:
                del self._held[conversation], self._held_batchers[conversation]


async def _write_held(sends: list[Send]) -> Sequence[Outcome]:
    outcomes, items = await in_thread(Batch(sends, wait_for_locks=True).store)
    if items:
        publish.after_answers(items)
    return outcomes


@per_loop
def writer() -> Writer:
    """The running loop's writer."""
    return Writer()
