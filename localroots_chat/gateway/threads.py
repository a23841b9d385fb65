"""From a thread (REST, admin) to the serving loop and back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from asgiref.sync import async_to_sync

from localroots_chat.errors import unavailable
from localroots_chat.gateway.hub import serving

T = TypeVar("T")

_MOST_SECONDS: Final = 30.0


def on_serving_loop(work: Callable[[], Awaitable[T]]) -> T:
    """Runs `work()` on the loop that serves the sockets, so that all doors share its batches and limits.

    In a process that serves nobody (a command, a test) it runs on a loop of its own.
    """

    async def run() -> T:  # `work` itself is called on the loop: it may look for what belongs to that loop
        return await work()

    hub = serving()
    if hub is None or not hub.loop.is_running():
        return async_to_sync(run)()
    future = asyncio.run_coroutine_threadsafe(run(), hub.loop)
    try:
        return future.result(_MOST_SECONDS)
    except TimeoutError:
        future.cancel()
        raise unavailable() from None
