"""Python's garbage collector in a process that holds thousands of sockets.

By default it looks at the youngest objects after every 700 that were made, and at all of them again and again while
connections come. Most garbage here dies by its reference count; what is left can wait. With these numbers a
connection took 1.7 ms instead of 2.5, a delivery at ten messages a second 17.7 µs instead of 21.
"""

import gc
from typing import Final

_YOUNG: Final = 20_000  # objects; looking through them takes about a millisecond
_MIDDLE: Final = 20
_OLD: Final = 50


def collect_seldom() -> None:
    """To be called once when everything is loaded, which is then never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
