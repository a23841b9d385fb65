"""Servers and Redis go: nobody stays online as a ghost, nobody is said to be gone who is here, and all is right again
when they are back."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import psycopg
import pytest
from redis import Redis

from tests.faults.rig import Rig, installation
from tests.faults.test_redis import WAYS, operator
from tests.faults.test_storms import logged_queries, queries
from tests.journeys.test_large_group import CROWD_ROWS
from tests.journeys.test_presence import QUICK, by_rest, online
from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient

INTERVAL = 1.0
GHOST_SECONDS = 3.5 * INTERVAL + 1.5  # the contract's 60 s, where the interval is 15: a lease, a look, and the telling
BACK_SECONDS = 2 + 2 * INTERVAL + 3  # until Redis is asked again; and as long as nobody is said to be offline


@pytest.fixture(scope="module")
def quick_rig() -> Iterator[Rig]:
    with installation(env=QUICK) as rig:
        yield rig


@pytest.fixture
def rig(quick_rig: Rig) -> Iterator[Rig]:
    yield quick_rig
    quick_rig.redis_proxy.heal()
    quick_rig.postgres_proxy.heal()
    for service in (quick_rig.redis, *quick_rig.servers):
        if not service.running:
            service.start()
        service.thaw()


@pytest.fixture
def servers(rig: Rig) -> Sequence[ChatServer]:
    return rig.servers


async def becomes(socket: SocketClient, wanted: Sequence[bool | None], *people: Person, within: float) -> None:
    """The answers become these, and until then are never the wrong way round: unknown at most."""
    before = await online(socket, *people)
    async with asyncio.timeout(within):
        while (now := await online(socket, *people)) != wanted:
            for old, new, end in zip(before, now, wanted, strict=True):
                assert new in (old, None, end)


async def test_the_people_of_a_killed_server_are_gone_in_time(
    rig: Rig, alice: Person, bob: Person, conversation: Any
) -> None:
    async with alice.connect() as a, bob.connect():
        await becomes(a, [True], bob, within=5)
        rig.servers[1].kill()
        assert await online(a, bob) == [True], "nobody knows yet"
        await a.expect("presence:user_offline", userId=bob.id, within=GHOST_SECONDS)
        assert await online(a, bob) == by_rest(alice, bob) == [False]
        rig.servers[1].start()
        async with bob.connect():
            await a.expect("presence:user_online", userId=bob.id)


async def test_nobody_is_gone_who_is_still_at_another_server(
    rig: Rig, alice: Person, bob: Person, conversation: Any
) -> None:
    async with alice.connect() as a, bob.connect(), bob.connect(server=rig.servers[0]) as stays:
        await becomes(a, [True], bob, within=5)
        rig.servers[1].kill()
        for _ in range(3):
            await stays.expect("heartbeat", within=5)  # every 2 s
        assert await online(a, bob) == [True]
        await a.refute("presence:user_offline")


async def test_a_server_that_ends_in_order_makes_nobody_flicker(
    rig: Rig, alice: Person, bob: Person, conversation: Any
) -> None:
    async with alice.connect() as a, bob.connect() as b:
        await becomes(a, [True], bob, within=5)
        ending = asyncio.create_task(asyncio.to_thread(rig.servers[1].stop))
        await b.expect("bye", within=5)
        async with bob.connect(server=rig.servers[0]) as again:
            await ending
            for _ in range(2):
                await again.expect("heartbeat", within=5)
            await a.refute("presence:user_offline")
        rig.servers[1].start()


@pytest.mark.parametrize("way", ["killed", "frozen", "cut_off", "replica"])
async def test_without_redis_nobody_knows_and_then_it_is_right_again(
    way: str, rig: Rig, alice: Person, bob: Person, mallory: Person, conversation: Any
) -> None:
    mallory.arrives()
    async with alice.connect() as a, bob.connect() as b:
        await becomes(a, [True, False], bob, mallory, within=5)
        async with mallory.connect():
            with WAYS[way](rig):
                await becomes(a, [None, None], bob, mallory, within=5)
                assert by_rest(alice, bob, mallory) == [None, None], "strangers do not stand out"
                await b.ask_refused("presence:offline", code="unavailable")
                await a.ask("heartbeat", within=1)
            await becomes(a, [True, False], bob, mallory, within=BACK_SECONDS)
            await becomes(b, [True], alice, within=BACK_SECONDS)
        await a.refute("presence:user_offline")
    async with alice.connect() as a:
        await becomes(a, [False], bob, within=BACK_SECONDS)


async def test_who_hides_still_does_when_redis_has_lost_its_memory(
    rig: Rig, alice: Person, bob: Person, conversation: Any
) -> None:
    async with alice.connect() as a, bob.connect() as b:
        await becomes(a, [True], bob, within=5)
        await b.ask("presence:offline")
        await a.expect("presence:user_offline", userId=bob.id)
        rig.redis.kill()
        rig.redis.start()
        await becomes(a, [False], bob, within=BACK_SECONDS)
        await becomes(b, [True], alice, within=BACK_SECONDS)
        assert await online(a, bob) == [False]
        await a.refute("presence:user_online")


CROWD = 200  # as many as may know of each other in one group
SCRIPTS_MOST = CROWD // 4  # of presence and of the limit of connecting together; each person alone would make two
QUERIES_MOST = CROWD  # for all of them: who they are, where they sit; and what servers ask by themselves


async def test_a_whole_group_that_comes_at_once_is_asked_for_together(
    rig: Rig, alice: Person, conversation: Any
) -> None:
    group = alice.founds("Everybody")
    talk = group["conversationId"]
    with psycopg.connect(rig.postgres.url, autocommit=True) as database:
        database.execute(CROWD_ROWS, {"id": talk, "count": CROWD - 1})
    people = [Person(f"p{n}", rig.servers[n % 2], sub=f"{talk}-{n}") for n in range(1, CROWD)]
    async with AsyncExitStack() as stack:
        with operator(rig) as redis, logged_queries(rig):
            scripts, asked = scripts_run(redis), queries(rig, "")
            sockets = await asyncio.gather(*(stack.enter_async_context(one.connect()) for one in people))
            await sockets[0].expect("heartbeat", within=5)  # what goes on behind the welcomes is done
            assert scripts_run(redis) - scripts <= SCRIPTS_MOST
            assert queries(rig, "") - asked <= QUERIES_MOST
        ids = [one.id for one in people]
        for socket in sockets[:2]:
            answer = await socket.ask("presence:check", ids[:100])
            assert answer == [{"userId": one, "online": True} for one in ids[:100]]
            await socket.refute("presence:user_online")  # everybody was here: nothing is left to be told


def scripts_run(redis: Redis) -> int:
    """How many scripts Redis has been asked to run."""
    calls = redis.info("commandstats")
    return sum(calls.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))
