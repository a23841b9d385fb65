"""A small installation to break: PostgreSQL and Redis of its own, two chat servers, and people who go on talking."""

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import psycopg

from tests.faults.checker import Attempt, Head, Log, Stored, violations
from tests.faults.device import Device
from tests.support.people import Person
from tests.support.proxy import Proxy
from tests.support.servers import ChatServer
from tests.support.services import PostgresServer, RedisServer

SENT_SECONDS = 60
CONVERGED_SECONDS = 10
# The people here are in a hurry, and all at one address.
_NO_LIMITS = {f"CHAT_RATE_{name}": "1000000/1s" for name in ("MESSAGE_SEND", "JOIN", "READ", "SYNC", "COMMAND", "REST")}


class FaultyServer(ChatServer):
    """A chat server that may be broken: `faults` names what of sabotage.py is put in at its next start."""

    def __init__(self, *, database_url: str, redis_url: str | None, env: Mapping[str, str] | None = None) -> None:
        super().__init__(database_url=database_url, redis_url=redis_url, env={**_NO_LIMITS, **(env or {})})
        self.faults: Sequence[str] = ()

    def environment(self) -> dict[str, str]:
        broken = {"DJANGO_SETTINGS_MODULE": "tests.faults.settings", "FAULTS": ",".join(self.faults)}
        return {**super().environment(), **(broken if self.faults else {})}

    def restart(self, *faults: str) -> None:
        """Starts it, or starts it again, with these faults alone."""
        self.stop()
        self.faults = faults
        self.start()


@dataclass
class Rig:
    """The installation. Both servers reach PostgreSQL and Redis through a proxy each; the tests go round them."""

    postgres: PostgresServer
    redis: RedisServer
    postgres_proxy: Proxy
    redis_proxy: Proxy
    servers: list[FaultyServer] = field(default_factory=list)

    def rows(self, conversations: Sequence[str]) -> list[Stored]:
        """The messages of these conversations, as PostgreSQL has them."""
        with psycopg.connect(self.postgres.url) as connection:
            found = connection.execute(
                "SELECT id::text, conversation_id::text, seq, version, client_id, content "
                "FROM conversations_message WHERE conversation_id = ANY(%s)",
                [[uuid.UUID(conversation) for conversation in conversations]],
            )
            return [Stored(*row) for row in found]

    def heads(self, conversations: Sequence[str]) -> dict[str, Head]:
        with psycopg.connect(self.postgres.url) as connection:
            found = connection.execute(
                "SELECT id::text, version, last_seq FROM conversations_conversation WHERE id = ANY(%s)",
                [[uuid.UUID(conversation) for conversation in conversations]],
            )
            return {key: Head(version, last_seq) for key, version, last_seq in found}


@contextmanager
def installation(*, env: Mapping[str, str] | None = None) -> Iterator[Rig]:
    """Everything started: PostgreSQL, Redis, two servers."""
    with ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer())
        redis = stack.enter_context(RedisServer())
        to_postgres, to_redis = (stack.enter_context(Proxy(service.port)) for service in (postgres, redis))
        database_url, redis_url = to_postgres.url_of(postgres.url), to_redis.url_of(redis.url)
        rig = Rig(postgres, redis, to_postgres, to_redis)
        rig.servers = [FaultyServer(database_url=database_url, redis_url=redis_url, env=env) for _ in range(2)]
        rig.servers[0].manage("migrate", "--verbosity=0")
        for server in rig.servers:
            stack.enter_context(server)
        yield rig


@dataclass
class Talk:
    """A conversation under way: two people, each with a device for writing and one for reading."""

    conversation: str
    writers: list[Device]
    readers: list[Device]


class Town:
    """People who talk while things break. What they did and heard is in `log`."""

    def __init__(self, rig: Rig, talks: Sequence[Talk], log: Log, news: asyncio.Event) -> None:
        self.rig, self.talks, self.log, self.news = rig, talks, log, news
        self.conversations = [talk.conversation for talk in talks]

    @property
    def devices(self) -> list[Device]:
        return [device for talk in self.talks for device in (*talk.writers, *talk.readers)]

    def say(self, times: int) -> list[Attempt]:
        """Everybody puts this many messages into the outbox; one in ten is edited later."""
        said = []
        for _ in range(times):
            for talk in self.talks:
                for writer in talk.writers:
                    attempt = writer.say(talk.conversation)
                    said.append(attempt)
                    if random.random() < 0.1:
                        writer.edit(attempt)
        return said

    @asynccontextmanager
    async def talking(self, every: float = 0.1) -> AsyncIterator[None]:
        """Meanwhile everybody says something every so many seconds."""
        talk = asyncio.create_task(self._talk(every))
        try:
            yield
        finally:
            talk.cancel()

    async def _talk(self, every: float) -> None:
        while True:
            self.say(1)
            await asyncio.sleep(every)

    async def until(self, true: Callable[[], bool], *, within: float = 30) -> None:
        """Returns when this is true. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while not true():
                self.news.clear()
                await self.news.wait()

    async def acknowledged(self, count: int, *, within: float = 30) -> None:
        """Returns when this many messages more have been acknowledged."""
        target = self.log.acknowledged + count
        await self.until(lambda: self.log.acknowledged >= target, within=within)

    async def converge(self, within: float = CONVERGED_SECONDS) -> float:
        """Waits until all is sent, and then until all devices show what is stored, or `within` is over: the checker
        says who lacks what. Returns how many seconds the showing took."""
        with suppress(TimeoutError):
            await self.until(lambda: not any(device.waiting for device in self.devices), within=SENT_SECONDS)
        begun = time.monotonic()
        heads = self.rig.heads(self.conversations)
        with suppress(TimeoutError):
            await self.until(lambda: all(device.shows(heads) for device in self.devices), within=within)
        return time.monotonic() - begun

    def violations(self) -> list[str]:
        """What was promised and does not hold now; see checker.py."""
        found = [f"{device.name} could not send {device.waiting}" for device in self.devices if device.waiting]
        found += violations(self.log, self.rig.rows(self.conversations), self.rig.heads(self.conversations))
        if found:
            found += [f"{device.name}: {device.state()}" for device in self.devices]
        return found


@asynccontextmanager
async def town(rig: Rig, *, talks: int = 4) -> AsyncIterator[Town]:
    """`talks` pairs of people: farmers write at the first server, customers at the second; readers are at either."""
    log = Log()
    urls = [server.ws_url for server in rig.servers]
    news = asyncio.Event()
    made = [_talk(number, rig, urls, log, news) for number in range(talks)]
    async with AsyncExitStack() as stack:
        place = Town(rig, made, log, news)
        for device in place.devices:
            await stack.enter_async_context(device)
        await place.until(lambda: all(device.connected for device in place.devices))
        yield place


def _talk(number: int, rig: Rig, urls: list[str], log: Log, news: asyncio.Event) -> Talk:
    farmer = Person(f"farmer{number}", rig.servers[0], role="FARMER")
    customer = Person(f"customer{number}", rig.servers[-1])
    conversation = farmer.talks_to(customer)["id"]

    def device(person: Person, what: str, at: Sequence[str]) -> Device:
        return Device(f"{person.name}'s {what}", person.token, at, [conversation], log, news)

    talk = Talk(
        conversation,
        # A writer goes elsewhere when its server is down, as behind a balancer.
        writers=[device(farmer, "phone", urls), device(customer, "phone", urls)],
        readers=[device(farmer, "laptop", urls[:1]), device(customer, "laptop", urls[-1:])],
    )
    farmer.close()
    customer.close()
    return talk
