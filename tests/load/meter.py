"""What a server costs the machine: CPU time and memory of its process tree, from /proc; and who runs on which core.

Where there is no /proc, or the server is somebody else's, nothing is measured and everything else goes on.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.processes import descendants

SAMPLE_SECONDS: Final = 0.5
_PROC: Final = Path("/proc")


class Meter:
    """The process with this id and everything it has started; None: nothing can be measured."""

    def __init__(self, pid: int | None) -> None:
        readable = pid is not None and (_PROC / str(pid) / "schedstat").exists()
        self.pids: Sequence[int] = [pid, *descendants(pid)] if pid is not None and readable else []

    def cpu(self) -> float | None:
        """Seconds of CPU so far. To the nanosecond, where /proc/PID/stat counts hundredths of a second."""
        if not self.pids:
            return None
        return sum(self.cpu_of(pid) for pid in self.pids)

    def cpu_of(self, pid: int) -> float:
        """The part of one of the processes."""
        threads = _list(_PROC / str(pid) / "task")
        return sum(int(_text(thread / "schedstat").split()[0]) for thread in threads) / 1e9

    def memory(self) -> int | None:
        """Bytes that are resident."""
        if not self.pids:
            return None
        pages = sum(int(_text(_PROC / str(pid) / "statm").split()[1]) for pid in self.pids)
        return pages * os.sysconf("SC_PAGE_SIZE")


def _list(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has just ended
        return "0 0"


@dataclass
class Measured:
    """One stretch of time. Filled in when it is over; CPU and memory stay None where they could not be measured."""

    seconds: float = 0
    cpu: float | None = None
    memory: int | None = None
    load: float = 0  # the share of the time in which the load itself was busy


@asynccontextmanager
async def measured(meter: Meter) -> AsyncIterator[Measured]:
    """What the server uses meanwhile; memory is the most that was seen."""
    result = Measured(memory=meter.memory())
    sampling = asyncio.create_task(_sample_memory(meter, result))
    began, cpu, own = time.perf_counter(), meter.cpu(), time.process_time()
    try:
        yield result
    finally:
        after = meter.cpu()
        result.seconds = time.perf_counter() - began
        result.load = (time.process_time() - own) / result.seconds
        if cpu is not None and after is not None:
            result.cpu = after - cpu
        sampling.cancel()


async def _sample_memory(meter: Meter, result: Measured) -> None:
    while result.memory is not None:
        result.memory = max(result.memory, meter.memory() or 0)
        await asyncio.sleep(SAMPLE_SECONDS)


class Cores:
    """Servers on the first core, the load on the last, where the system lets us choose and there are two."""

    def __init__(self, pinned: bool = True) -> None:
        self._all = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self.pinned = pinned and len(self._all) > 1

    def take_load_core(self) -> None:
        if self.pinned:
            os.sched_setaffinity(0, self._all[-1:])

    @contextmanager
    def for_servers(self) -> Iterator[None]:
        """What is started meanwhile runs on the first core: a process starts where its parent is."""
        if not self.pinned:
            yield
            return
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self._all[:1])
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)
