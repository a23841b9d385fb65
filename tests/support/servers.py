"""Chat servers as people run them: real `manage.py serve` processes, alone or as a pair."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.support import environment, services
from tests.support.processes import Daemon, temporary_directory

ROOT = Path(__file__).resolve().parents[2]
_TRACEBACK = "Traceback (most recent call last)"
# Limits per address, out of the way: everybody in the tests comes from the same one.
_ONE_ADDRESS = {"CHAT_RATE_CONNECT": "100000/60s", "CHAT_RATE_TOKEN": "100000/60s"}


class ChatServer(Daemon):
    """One chat server: `with ChatServer(database_url=…, redis_url=…) as server: … server.base_url`.

    Without a database_url it is the embedded default: SQLite in the server's own directory, and no Redis.
    Leaving the `with` stops it and asks assert_no_traceback(); a test that provokes one sets
    `tracebacks_expected`.
    """

    kind = "server"

    def __init__(
        self,
        *,
        database_url: str | None = None,
        redis_url: str | None = None,
        workers: int = 1,
        env: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.database_url = database_url
        self.redis_url = redis_url
        self.workers = workers
        self.env = dict(env or {})
        self.tracebacks_expected = False
        self._log_seen = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/chat/"

    def __repr__(self) -> str:
        return f"<ChatServer {self.base_url}>"

    def environment(self) -> dict[str, str]:
        own = environment.settings(
            database_url=self.database_url or f"sqlite:///{self.home / 'chat.sqlite3'}",
            redis_url=self.redis_url,
            media_root=str(self.home / "media"),
        )
        return {**environment.clean(os.environ), **own, **_ONE_ADDRESS, "PYTHONUNBUFFERED": "1", **self.env}

    def directory(self) -> Path:
        return ROOT

    def command(self) -> list[str | Path]:
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", str(self.workers)]
        return [sys.executable, "manage.py", "serve", *where]

    def prepare(self) -> None:
        if self.database_url is None:
            self.manage("migrate", "--verbosity=0")

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/healthz", timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def manage(self, *arguments: str) -> str:
        """What another command of manage.py prints, run in this server's environment."""
        ran = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, f"manage.py {' '.join(arguments)} failed:\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def assert_no_traceback(self) -> None:
        """Nothing went wrong unnoticed since the last time this was asked."""
        new = self.log[self._log_seen :]
        self._log_seen += len(new)
        if _TRACEBACK in new and not self.tracebacks_expected:
            start = new.index(_TRACEBACK)
            raise AssertionError(
                f"a traceback in the log of {self.base_url}:\n{new[max(0, start - 500) : start + 4000]}"
            )

    def __exit__(self, *problem: object) -> None:
        super().__exit__(*problem)
        if problem[0] is None:  # else the test's own failure says more
            self.assert_no_traceback()


def _private_redis(stack: ExitStack) -> str:
    # Not the run's Redis: the in-process tests publish there, and servers address each other by database keys,
    # which are the same in every database.
    try:
        return stack.enter_context(services.RedisServer()).url
    except services.ServiceMissingError:
        return services.redis()


@pytest.fixture(scope="session")
def server_pair() -> Iterator[tuple[ChatServer, ChatServer]]:
    """Two servers over one fresh PostgreSQL database and one Redis, for the whole run."""
    with ExitStack() as stack:
        database_url = stack.enter_context(services.fresh_database(services.postgres()))
        redis_url = _private_redis(stack)
        shared = {"MEDIA_ROOT": str(temporary_directory("chat-media"))}
        first = ChatServer(database_url=database_url, redis_url=redis_url, env=shared)
        second = ChatServer(database_url=database_url, redis_url=redis_url, env=shared)
        first.manage("migrate", "--verbosity=0")
        yield stack.enter_context(first), stack.enter_context(second)


@pytest.fixture
def two_servers(server_pair: tuple[ChatServer, ChatServer]) -> Iterator[tuple[ChatServer, ChatServer]]:
    """The pair; afterwards neither may have logged a traceback during this test."""
    yield server_pair
    for server in server_pair:
        server.assert_no_traceback()


@pytest.fixture(scope="session")
def embedded_session_server() -> Iterator[ChatServer]:
    """One server as a newcomer starts it: SQLite, no Redis; for the whole run."""
    with ChatServer() as server:
        yield server


@pytest.fixture
def embedded_server(embedded_session_server: ChatServer) -> Iterator[ChatServer]:
    """The embedded server; afterwards it may not have logged a traceback during this test."""
    yield embedded_session_server
    embedded_session_server.assert_no_traceback()


@pytest.fixture
def servers(two_servers: tuple[ChatServer, ChatServer]) -> Sequence[ChatServer]:
    """Where the cast is: alice at the first, bob at the last. A module may override it, e.g. [embedded_server]."""
    return two_servers
