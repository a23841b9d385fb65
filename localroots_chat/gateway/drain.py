"""Ending in order, from SIGTERM on: not ready any more, everybody is told when to come back, what was sent is
answered, and only then does the server close.

uvicorn alone would close every socket in the same moment, with sends still on their way to the database, and all
clients would be back at the next server at once.
"""

import asyncio
import logging
import signal
from types import FrameType
from typing import Any, Final

from localroots_chat.gateway.hub import hub
from localroots_chat.observability import health

_log = logging.getLogger(__name__)

_SECONDS_MOST: Final = 10.0  # then uvicorn closes what is left, and gives it 15 more (gateway/server.py)


def drain_on_signals() -> None:
    """To be called on the serving loop, when uvicorn has set its own handlers: they then come second.

    A second signal goes straight to uvicorn's.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        closing = signal.getsignal(number)
        if callable(closing):
            signal.signal(number, _Handler(loop, closing))


class _Handler:
    _begun = False  # of the process: SIGTERM after SIGINT is the second signal
    _tasks: set[asyncio.Task[None]] = set()

    def __init__(self, loop: asyncio.AbstractEventLoop, closing: Any) -> None:
        self._loop, self._closing = loop, closing

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if _Handler._begun:
            self._closing(number, frame)
        else:
            _Handler._begun = True
            self._loop.call_soon_threadsafe(self._begin, number)

    def _begin(self, number: int) -> None:
        self._tasks.add(self._loop.create_task(self._drain(number)))

    async def _drain(self, number: int) -> None:
        health.begin_to_end()
        try:
            await asyncio.wait_for(hub().drain(), _SECONDS_MOST)
        except TimeoutError:
            _log.warning("Some sockets were not answered within %d s and are closed as they are", _SECONDS_MOST)
        finally:
            self._closing(number, None)
