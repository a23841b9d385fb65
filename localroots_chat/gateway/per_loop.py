"""Things of which each event loop has its own: batches, limits, clients. Tests run many loops, a server one."""

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


def per_loop(make: Callable[[], T]) -> Callable[[], T]:
    """Makes `make()` once for each running loop."""
    made: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()
    newest: tuple[asyncio.AbstractEventLoop, T] | None = None  # a server's only one, found without the dictionary

    @wraps(make)
    def of_running_loop() -> T:
        nonlocal newest
        loop = asyncio.get_running_loop()
        if newest is not None and newest[0] is loop:
            return newest[1]
        found = made.get(loop)
        if found is None:
            found = made[loop] = make()
        newest = loop, found
        return found

    return of_running_loop
