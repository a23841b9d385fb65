"""An installation of one's own to put load on: PostgreSQL, Redis and `manage.py serve`, filled for the purpose."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.load.meter import Cores, Meter
from tests.load.progress import Reporter
from tests.load.target import Fixture, Target
from tests.support.environment import KEYS
from tests.support.servers import ChatServer
from tests.support.services import PostgresServer, RedisServer

_LIMITED: Final = ("MESSAGE_SEND", "JOIN", "READ", "TYPING", "SYNC", "COMMAND", "REST", "CONNECT")
# The limiter counts as it does for everybody, but never refuses: all of the load comes from one address.
NO_REFUSALS: Final[Mapping[str, str]] = {f"CHAT_RATE_{name}": "1000000/1s" for name in _LIMITED}


@dataclass(frozen=True)
class Services:
    """PostgreSQL and Redis, running, with their versions."""

    postgres: PostgresServer
    redis: RedisServer


@contextmanager
def services(progress: Reporter) -> Iterator[Services]:
    """Not bound to a core: they take what the server and the load leave."""
    with progress.stage("PostgreSQL and Redis start"):
        postgres, redis = PostgresServer().start(), RedisServer().start()
    with postgres, redis:
        yield Services(postgres, redis)


@dataclass(frozen=True)
class Place:
    """A chat server of one's own."""

    server: ChatServer

    def target(self, prefix: str = "u") -> Target:
        return Target.at(self.server.base_url, KEYS["AUTH_SECRET"], prefix)

    def meter(self) -> Meter:
        return Meter(self.server.pid)


@contextmanager
def serving(database_url: str, redis_url: str, cores: Cores, *, workers: int = 1) -> Iterator[Place]:
    """A running server. Afterwards it has ended, and must not have logged a traceback."""
    server = ChatServer(database_url=database_url, redis_url=redis_url, workers=workers, env=NO_REFUSALS)
    with cores.for_servers():
        server.start()
    with server:
        yield Place(server)


def migrate(database_url: str, redis_url: str) -> None:
    ChatServer(database_url=database_url, redis_url=redis_url).manage("migrate", "--verbosity=0")


def fill(database_url: str, redis_url: str, progress: Reporter) -> Fixture:
    """What `manage.py loadtest_fixture` puts into a migrated, empty database."""
    with progress.stage("thousands of people and their conversations"):
        migrate(database_url, redis_url)
        return Fixture.read(ChatServer(database_url=database_url, redis_url=redis_url).manage("loadtest_fixture"))
