"""How far the run is, on standard error: bars in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

Advance = Callable[[float], None]


class Bars:
    """In a terminal. One bar for the whole run, and one for what is going on."""

    def __init__(self, parts: int) -> None:
        columns = (TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._all = self._progress.add_task("load test", total=parts)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def part_done(self) -> None:
        self._progress.advance(self._all)

    @contextmanager
    def stage(self, what: str, total: float | None = None) -> Iterator[Advance]:
        task = self._progress.add_task(what, total=total)
        try:
            yield lambda done: self._progress.update(task, completed=done)
        finally:
            self._progress.remove_task(task)


class Lines:
    """Without a terminal: a line when something is over."""

    def __init__(self, parts: int) -> None:
        self._parts, self._done = parts, 0
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._say("over")

    def part_done(self) -> None:
        self._done += 1

    @contextmanager
    def stage(self, what: str, total: float | None = None) -> Iterator[Advance]:
        yield lambda done: None
        self._say(what)

    def _say(self, what: str) -> None:
        seconds = time.monotonic() - self._began
        print(f"[{self._done}/{self._parts} {seconds:5.0f} s] {what}", file=sys.stderr, flush=True)


Reporter = Bars | Lines


def reporter(parts: int) -> Reporter:
    """For as many parts as the run has."""
    return Bars(parts) if sys.stderr.isatty() else Lines(parts)
