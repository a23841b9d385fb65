"""Group commit, as a class: what arrives while one piece of work is in flight shares the next one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from localroots_chat.errors import ChatError

Item = TypeVar("Item")
Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class Batcher(Generic[Item, Result]):
    """Runs `work` on everything that has been put since its last run, one run at a time, in the order of putting.

    With no load an item is worked on at once: nothing waits for a batch to fill. `work` returns one outcome per
    item: its result, an exception for whoever put it, or a future where the result comes from elsewhere.
    """

    def __init__(
        self,
        work: Callable[[list[Item]], Awaitable[Sequence[Result | Exception | asyncio.Future[Result]]]],
        *,
        most: int,
        waiting: int,
    ) -> None:
        self._work, self._most, self._waiting_most = work, most, waiting
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._runner: asyncio.Task[None] | None = None

    def put(self, item: Item) -> asyncio.Future[Result]:
        """Queues `item` now; the future ends with its result. Raises ChatError `overloaded` when too many wait."""
        if len(self._waiting) >= self._waiting_most:
            raise ChatError("overloaded", "The service is very busy. Please try again.", retry_after=1)
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._runner is None:
            self._runner = asyncio.get_running_loop().create_task(self._run())
        return future

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._run_batch(batch)
        finally:
            self._runner = None

    async def _run_batch(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        outcomes: Sequence[Result | Exception | asyncio.Future[Result]]
        try:
            outcomes = await self._work([item for item, _ in batch])
        except Exception as error:  # the work itself failed: everybody is told, nobody waits for ever
            if not isinstance(error, ChatError):
                _log.exception("A batch of %d failed", len(batch))
            outcomes = [error] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            settle(future, outcome)


def settle(future: asyncio.Future[Result], outcome: Result | BaseException | asyncio.Future[Result]) -> None:
    """Ends `future` with a result, an error, or what another future ends with."""
    if isinstance(outcome, asyncio.Future):
        outcome.add_done_callback(lambda done: settle(future, done.exception() or done.result()))
    elif not future.done():  # else its waiter has gone
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
            future.exception()  # nobody may be waiting: no warning then
        else:
            future.set_result(outcome)
