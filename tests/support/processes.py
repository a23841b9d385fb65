"""Server processes of the test run: each is a Daemon, and none outlives the run.

Knows nothing of what a server does. Only the standard library: the reaper runs this file as a program.
"""

import contextlib
import functools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

_ports_given: set[int] = set()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on.

    Taken from below the range that the kernel gives to outgoing connections: a client that keeps knocking at
    a stopped server's port inside that range can be given the very same port, and connect to itself.
    """
    while True:
        port = random.randint(20_000, 32_000)
        if port in _ports_given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _ports_given.add(port)
            return port


def temporary_directory(prefix: str) -> Path:
    """A new directory with a short path (a Unix socket's address ends at 107 bytes), removed with the run."""
    base = tempfile.gettempdir()
    path = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=base if len(base) < 60 else "/tmp"))
    reaper().watch(path)
    return path


def remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    reaper().forget(directory)


def _processes() -> dict[int, tuple[int, str]]:
    """Every process of the machine: its parent and its state."""
    if not Path("/proc/self/stat").exists():  # macOS
        listing = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
        rows = [line.split(maxsplit=2) for line in listing.stdout.splitlines()]
        return {int(pid): (int(parent), state[0]) for pid, parent, state in rows}
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):  # it may end while we look
                state, parent, *_ = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                found[int(entry.name)] = (int(parent), state)
    return found


def descendants(pid: int) -> list[int]:
    """The process's children, theirs, and so on. (They may sit in sessions of their own, as PostgreSQL's do.)"""
    children: dict[int, list[int]] = {}
    for child, (parent, _) in _processes().items():
        children.setdefault(parent, []).append(child)
    found, queue = [], [pid]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def signal_tree(pid: int, number: signal.Signals) -> list[int]:
    """Signal a process, then its descendants: the parent first, so that it cannot replace them meanwhile."""
    before = descendants(pid)
    _signal(pid, number)
    tree = [pid, *dict.fromkeys([*before, *descendants(pid)])]
    for child in tree[1:]:
        _signal(child, number)
    return tree


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def wait_until_gone(pids: Sequence[int], within: float) -> list[int]:
    """Those that are still alive after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        now = _processes()
        # A zombie is dead: where nobody collects orphans (a container without init) it would stay for ever.
        left = [pid for pid in pids if pid in now and now[pid][1] not in "ZX"]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


class Reaper:
    """A small process that ends and removes what the run leaves behind, even when the run itself is killed.

    It learns what to watch through a pipe, and that the run is over from the pipe's end.
    """

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for the run, not for its reaper
        )

    def watch(self, what: int | Path) -> None:
        self._tell(f"+{what}")

    def forget(self, what: int | Path) -> None:
        self._tell(f"-{what}")

    def _tell(self, line: str) -> None:
        assert self._program.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._program.stdin.write(f"{line}\n".encode())
            self._program.stdin.flush()


@functools.cache
def reaper() -> Reaper:
    return Reaper()


def _reap(lines: IO[str]) -> None:
    watched: dict[str, None] = {}
    for line in lines:
        if line.startswith("+"):
            watched[line[1:].rstrip("\n")] = None
        else:
            watched.pop(line[1:].rstrip("\n"), None)
    pids = [int(what) for what in watched if what.isdecimal()]
    for pid in pids:
        signal_tree(pid, signal.SIGCONT)
        _signal(pid, signal.SIGINT)  # quick but clean for all of them: shared memory goes too
    for pid in wait_until_gone(pids, within=5):
        signal_tree(pid, signal.SIGKILL)
    for what in watched:
        if not what.isdecimal():
            shutil.rmtree(what, ignore_errors=True)


@dataclass(frozen=True)
class Identity:
    """Who a server runs as; by default, who runs the tests."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        """For subprocess."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}


class StartError(AssertionError):
    """A server did not come up. The message holds the end of its log."""


class Daemon:
    """One server process with a port and a directory of its own; may be started again after stop() and kill()."""

    kind = "server"
    stop_signal = signal.SIGTERM
    identity = Identity()

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared = False
        self.exit_code: int | None = None  # of the last time it ended
        self._log_after_close = ""

    # What a subclass says

    def command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        return os.environ

    def directory(self) -> Path | None:
        """Where the process is started; None: where the tests are."""
        return None

    def prepare(self) -> None:
        """Before the first start."""

    def is_ready(self) -> bool:
        raise NotImplementedError

    # What everybody may ask of a server

    @functools.cached_property
    def home(self) -> Path:
        """The server's own directory. Made at first use: a server that is never started leaves no trace."""
        return temporary_directory(f"chat-{self.kind}")

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.kind} was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """Everything it has printed, over all its starts."""
        if "home" not in self.__dict__:
            return self._log_after_close
        try:
            return (self.home / "log").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def start(self, within: float = 60) -> Self:
        assert not self.running, f"{self.kind} is running already"
        if not self._prepared:
            self.prepare()
            self._prepared = True
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self.identity.prefix, *map(str, self.command())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment()),
                cwd=self.directory(),
                start_new_session=True,
                **self.identity.options,
            )
        reaper().watch(self.pid)
        deadline = time.monotonic() + within
        while not self.is_ready():
            code = self._process.poll()
            if code is not None:
                self._ended()
                raise StartError(f"{self.kind} ended with {code} before it answered:\n{self._tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise StartError(f"{self.kind} did not answer within {within:g} s:\n{self._tail()}")
            time.sleep(0.02)
        return self

    def stop(self, within: float = 30) -> None:
        """End it as an operator would. Does nothing to one that was never started, stopped or killed before."""
        if self._process is None:
            return
        code = self._process.poll()
        if code is not None:
            self._ended()
            raise AssertionError(f"{self.kind} had ended by itself with {code}:\n{self._tail()}")
        self.thaw()
        tree = [self.pid, *descendants(self.pid)]
        _signal(self.pid, self.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within)
        left = wait_until_gone(tree, 2)  # its workers must go with it, though not in the same millisecond
        for pid in left:
            _signal(pid, signal.SIGKILL)
        self._ended()
        assert not left, f"{self.kind} did not stop within {within:g} s (processes {left} were left):\n{self._tail()}"

    def wait_for_end(self, within: float = 30) -> None:
        """Returns when it has ended by itself."""
        assert self._process is not None, f"{self.kind} was not started"
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.kind} has not ended within {within:g} s:\n{self._tail()}") from None
        self._ended()

    def kill(self) -> None:
        """End it and everything it started at once, as a power cut would."""
        if self._process is None:
            return
        left = wait_until_gone(signal_tree(self.pid, signal.SIGKILL)[1:], 10)
        self._ended()
        assert not left, f"{self.kind}: processes {left} survived SIGKILL"

    def freeze(self) -> None:
        """Stop its clock: connections stay open, nothing is answered."""
        signal_tree(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        signal_tree(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Stop it and remove what it kept."""
        try:
            self.stop()
        finally:
            self._log_after_close = self.log
            if "home" in self.__dict__:
                remove(self.home)
                del self.__dict__["home"]
                self._prepared = False

    def __enter__(self) -> Self:
        return self if self.running else self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ended(self) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # workers that lost their parent
        self.exit_code = self._process.wait()
        reaper().forget(self._process.pid)
        self._process = None

    def _tail(self) -> str:
        return self.log[-4000:]


if __name__ == "__main__":
    _reap(sys.stdin)
