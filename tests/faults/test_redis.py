"""Redis goes in every way in which it can: people go on talking, nobody is put out, and it is quick when it is back."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from typing import Any, Final

import httpx
import pytest
import redis

from tests.accounts.doors import sync_users, with_ticket
from tests.faults import rows
from tests.faults.rig import Rig, town
from tests.support.people import Person, sign_token
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient, assert_in_order

Conversation = dict[str, Any]
NewPerson = Callable[..., Person]

EVERY = 0.1  # seconds: how often everybody says something
SWEPT_SECONDS = 5
REVOKED_SECONDS = 15
BACK_SECONDS = 10
# In ten seconds, of all causes together: were each message a cause of its own, there would be hundreds.
LINES_MOST = 10


# How Redis goes, and comes back


@contextmanager
def killed(rig: Rig) -> Iterator[None]:
    """It comes back empty."""
    rig.redis.kill()
    yield
    rig.redis.start()


@contextmanager
def frozen(rig: Rig) -> Iterator[None]:
    """Connections stay open, and nothing is answered. What was sent meanwhile is done in the end."""
    rig.redis.freeze()
    yield
    rig.redis.thaw()


@contextmanager
def black_holed(rig: Rig) -> Iterator[None]:
    """The same of the way to it."""
    rig.redis_proxy.freeze()
    yield
    rig.redis_proxy.thaw()


@contextmanager
def cut_off(rig: Rig) -> Iterator[None]:
    """Connections are reset, and new ones as they come."""
    rig.redis_proxy.refuse()
    rig.redis_proxy.reset()
    yield
    rig.redis_proxy.accept()


@contextmanager
def full(rig: Rig) -> Iterator[None]:
    """It answers, and stores nothing."""
    with operator(rig) as asked:
        asked.set("ballast", bytes(2_000_000))
        asked.config_set("maxmemory", "1mb")
        try:
            yield
        finally:
            asked.config_set("maxmemory", "0")
            asked.delete("ballast")


@contextmanager
def replica(rig: Rig) -> Iterator[None]:
    """It answers, and changes nothing."""
    with operator(rig) as asked:
        asked.slaveof("127.0.0.1", 1)
        try:
            yield
        finally:
            asked.slaveof()


@contextmanager
def locked(rig: Rig) -> Iterator[None]:
    """It wants a password that nobody has."""
    with operator(rig) as asked:
        asked.config_set("requirepass", "a password")
        try:
            for kind in ("normal", "pubsub"):
                asked.client_kill_filter(_type=kind, skipme=True)
            yield
        finally:
            asked.config_set("requirepass", "")


@contextmanager
def operator(rig: Rig) -> Iterator["redis.Redis"]:
    """A connection of one's own past the proxy, always the same: what it may do, it may still when others may not."""
    with redis.Redis(port=rig.redis.port, single_connection_client=True) as client:
        yield client


WAYS: Final[dict[str, Callable[[Rig], AbstractContextManager[None]]]] = {
    way.__name__: way for way in (killed, frozen, black_holed, cut_off, full, replica, locked)
}


@pytest.fixture
def absence(rig: Rig) -> Iterator[ExitStack]:
    """What keeps Redis away until it is closed."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def servers(rig: Rig) -> Sequence[ChatServer]:
    return rig.servers


# What is promised meanwhile, and afterwards


@asynccontextmanager
async def answering(*people: Person) -> AsyncIterator[None]:
    """Meanwhile their servers answer them, again and again, each time within a second."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_ask_again_and_again(person)) for person in people]
        yield
        for task in tasks:
            task.cancel()


async def _ask_again_and_again(person: Person) -> None:
    async with person.connect() as socket, httpx.AsyncClient(timeout=1, trust_env=False) as http:
        while True:
            await socket.ask("heartbeat", within=1)
            assert (await http.get(f"{person.server.base_url}/healthz")).status_code == 200
            await asyncio.sleep(0.1)


@contextmanager
def few_words(rig: Rig) -> Iterator[None]:
    """Meanwhile the logs complain of each thing at most once in ten seconds, however many messages pass."""
    begun, seen = time.monotonic(), [len(server.log) for server in rig.servers]
    yield
    times = 1 + int((time.monotonic() - begun) / 10)
    for server, start in zip(rig.servers, seen, strict=True):
        lines = server.log[start:].splitlines()
        complaints = [line.split(maxsplit=2)[2] for line in lines if " WARNING " in line or " ERROR " in line]
        assert max(Counter(complaints).values(), default=0) <= times, Counter(complaints)
        assert len(complaints) <= LINES_MOST * times, "\n".join(complaints)


async def assert_serves(person: Person, server: ChatServer, where: str) -> None:
    """Who has a token gets in and catches up, though tickets are tried at the same time: these stay closed."""
    await asyncio.gather(
        catches_up(person, server, where),
        gets_no_ticket(person, server),
        gets_no_ticket(person, server),
        has_a_wrong_ticket(server),
    )


async def catches_up(person: Person, server: ChatServer, where: str) -> None:
    async with person.connect(server=server, welcome=False) as socket:
        await socket.expect("welcome", within=2)
        answer = await socket.ask("sync", {"cursors": {where: 0}}, within=2)
        assert answer["changes"][where]


async def gets_no_ticket(person: Person, server: ChatServer) -> None:
    headers = {"Authorization": f"Bearer {person.token}"}
    async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
        answer = await http.post(f"{server.base_url}/api/ws-ticket/", headers=headers)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"


async def has_a_wrong_ticket(server: ChatServer) -> None:
    async with with_ticket(server, "garbage", welcome=False) as socket:
        await socket.expect_close(4401, within=2)


async def assert_quick_again(a: SocketClient, b: SocketClient, where: str, *, after: float = BACK_SECONDS) -> None:
    """What is said at one server so many seconds from now, or earlier, is heard at the other within a second."""
    begun, in_a_row = time.monotonic(), 0
    while in_a_row < 3:  # one may be quick by chance: the sweep has just come by
        said_at = time.monotonic()
        if await is_quick(a, b, where) and await is_quick(b, a, where):
            in_a_row += 1
        else:
            in_a_row = 0
            assert said_at - begun < after, "it is still slow"


async def is_quick(speaker: SocketClient, listener: SocketClient, where: str) -> bool:
    text = uuid.uuid4().hex
    await speaker.ask("message:send", {"conversationId": where, "content": text}, within=2)
    try:
        await listener.expect("message:new", content=text, within=1)
    except AssertionError:
        await listener.ask("heartbeat")  # late, but not gone
        return False
    return True


@pytest.mark.parametrize("way", WAYS)
async def test_people_go_on_talking(
    way: str, rig: Rig, absence: ExitStack, alice: Person, bob: Person, conversation: Conversation
) -> None:
    where = conversation["id"]
    async with (
        alice.connect() as a,
        bob.connect() as b,
        bob.connect(server=alice.server) as near,
        town(rig, talks=2) as place,
    ):
        await a.say(where, "hello")
        with few_words(rig):
            async with answering(alice, bob):
                async with place.talking(EVERY):
                    await place.acknowledged(40)
                    absence.enter_context(WAYS[way](rig))
                    await place.acknowledged(40)
                    for server in rig.servers:
                        await assert_serves(alice, server, where)
                    assert await is_quick(a, near, where)
                    await place.acknowledged(40)
                assert await place.converge(within=SWEPT_SECONDS) < SWEPT_SECONDS
                absence.close()
                # What is only silent leaves the connections as they are, and they need not be made anew.
                await assert_quick_again(a, b, where, after=2 if way in ("frozen", "black_holed") else BACK_SECONDS)
        async with place.talking(EVERY):
            await place.acknowledged(40)
        await place.converge()
        assert place.violations() == []
        assert all(device.connects == 1 for device in place.devices), "somebody's socket was closed"
        for socket in (a, b, near):
            assert_in_order(socket.frames)


async def test_connections_that_are_cut_now_and_then_are_opened_anew(
    rig: Rig, alice: Person, bob: Person, conversation: Conversation
) -> None:
    async with alice.connect() as a, bob.connect() as b, town(rig, talks=2) as place:
        async with place.talking(EVERY):
            for _ in range(3):
                rig.redis_proxy.reset()
                await place.acknowledged(40)
        await place.converge()
        assert place.violations() == []
        await assert_quick_again(a, b, conversation["id"])


@pytest.mark.parametrize("way", ["frozen", "cut_off"])
async def test_a_server_ends_in_order_and_another_starts_and_joins_the_bus_later(
    way: str, rig: Rig, absence: ExitStack, alice: Person, bob: Person, conversation: Conversation
) -> None:
    where = conversation["id"]
    alice.post(f"/api/conversations/{where}/messages/", {"content": "hello"})
    with few_words(rig):
        absence.enter_context(WAYS[way](rig))
        rig.servers[1].stop()
        assert rig.servers[1].exit_code == 0
        rig.servers[1].start()
        await assert_serves(bob, rig.servers[1], where)
        async with alice.connect() as a, bob.connect() as b:
            for speaker, listener in ((a, b), (b, a)):
                said = await speaker.say(where, "by the sweep")
                await listener.expect("message:new", id=said["id"], within=SWEPT_SECONDS)
            absence.close()
            await assert_quick_again(a, b, where)


async def test_what_cannot_be_read_on_the_bus_harms_nobody(
    rig: Rig, alice: Person, bob: Person, conversation: Conversation
) -> None:
    async with alice.connect() as a, bob.connect() as b:
        with operator(rig) as asked:
            (group,) = asked.pubsub_channels("*group*")
            for garbage in (b"", b"garbage", b"\xc1", b"\x80", b"\x81\xa6origin\x01", b"\x93\x01\x02\x03"):
                assert asked.publish(group, garbage) == len(rig.servers)
        await assert_quick_again(a, b, conversation["id"], after=0)


# What the bus says late, as a Redis that was frozen does when it is thawed


@contextmanager
def overhearing(rig: Rig) -> Iterator[Callable[[], None]]:
    """Listens to the bus. The function given ends that, and says everything once more."""
    with operator(rig) as asked, asked.pubsub() as ear:  # type: ignore[no-untyped-call]
        ear.psubscribe("*group*")
        assert ear.get_message(timeout=5)["type"] == "psubscribe"

        def repeat() -> None:
            heard = list(iter(lambda: ear.get_message(timeout=0.5), None))
            ear.close()
            for message in heard:
                asked.publish(message["channel"], message["data"])

        yield repeat


async def test_what_is_heard_late_changes_nothing(
    rig: Rig, alice: Person, bob: Person, mallory: Person, new_person: NewPerson
) -> None:
    elsewhere = mallory.talks_to(bob)["id"]
    async with mallory.connect() as m:
        with overhearing(rig) as repeat:
            async with bob.connect() as b:
                where = alice.talks_to(bob)["id"]
                await b.expect("conversation:new", id=where)
                new_person("bob", alice.server, sub=bob.id).post("/api/logout/", {"everywhere": True})
                await b.expect_close(4403)
            async with bob.connect(token=sign_token(bob.id, iat=time.time(), **bob.claims)) as b:
                rows.lose_seat(rig, bob, where)
                await b.expect("conversation:gone", conversationId=where, within=SWEPT_SECONDS)
                rows.say(rig, mallory, elsewhere, "by the next sweep")
                await b.expect("message:new", content="by the next sweep", within=SWEPT_SECONDS)
                repeat()
                assert await is_quick(m, b, elsewhere)

                alice.post(f"/api/conversations/{where}/messages/", {"content": "not for Bob"})
                assert await is_quick(m, b, elsewhere)  # by the way that it would have come
                await b.refute("conversation:new")
                await b.refute("message:new", content="not for Bob")


# Who loses access meanwhile


@pytest.mark.parametrize("way", ["killed", "frozen"])
async def test_who_loses_access_is_put_out_and_who_gets_it_again_stays(
    way: str, rig: Rig, absence: ExitStack, alice: Person, bob: Person, mallory: Person, new_person: NewPerson
) -> None:
    where = rows.found(rig, alice, bob, mallory)
    bob_there = new_person("bob", alice.server, sub=bob.id)
    async with alice.connect() as a:
        async with bob.connect() as b, mallory.connect(server=bob.server) as m:
            assert await is_quick(a, b, where)
            absence.enter_context(WAYS[way](rig))
            bob_there.post("/api/logout/", {"everywhere": True})
            sync_users(alice.server, {"id": mallory.id, "active": False})
            await a.say(where, "not for them")
            for socket in (b, m):
                await socket.expect_close(4403, within=REVOKED_SECONDS)
                assert not [one for one in socket.frames if one.matches("message:new", {"content": "not for them"})]
        async with bob.connect(token=sign_token(bob.id, iat=time.time(), **bob.claims)) as b:
            absence.close()
            await assert_quick_again(a, b, where)
