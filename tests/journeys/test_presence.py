"""Who is here: known by those who share a conversation, over two servers, whatever becomes of sockets and servers."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support import services
from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient

INTERVAL, GRACE = 1.0, 1.0
GONE_SECONDS = 3.5 * INTERVAL + 1.5  # a lease, an interval until the others look, and what is told together
SOON_SECONDS = GRACE + 1.5


@pytest.fixture(scope="module")
def quick_pair() -> Iterator[Sequence[ChatServer]]:
    """Two servers whose people are missed after a second."""
    quick = {"CHAT_PRESENCE_SECONDS": f"{INTERVAL}", "CHAT_PRESENCE_GRACE_SECONDS": f"{GRACE}"}
    with ExitStack() as stack:
        database_url = stack.enter_context(services.fresh_database(services.postgres()))
        redis_url = stack.enter_context(services.RedisServer()).url
        pair = [ChatServer(database_url=database_url, redis_url=redis_url, env=quick) for _ in range(2)]
        pair[0].manage("migrate", "--verbosity=0")
        for server in pair:
            stack.enter_context(server)
        yield pair


@pytest.fixture
def servers(quick_pair: Sequence[ChatServer]) -> Iterator[Sequence[ChatServer]]:
    yield quick_pair
    for server in quick_pair:
        server.assert_no_traceback()


async def checked(socket: SocketClient, *people: Person) -> list[dict[str, Any]]:
    """The answer to presence:check, which is also told as an event."""
    answer: list[dict[str, Any]] = await socket.ask("presence:check", [one.id for one in people])
    told = await socket.expect("presence:status")
    assert told.data == answer
    assert [one["userId"] for one in answer] == [one.id for one in people]
    return answer


async def online(socket: SocketClient, *people: Person) -> list[bool | None]:
    return [one["online"] for one in await checked(socket, *people)]


async def test_who_comes_and_goes_is_told_to_who_watches(
    alice: Person, bob: Person, mallory: Person, conversation: Any
) -> None:
    mallory.arrives()
    async with alice.connect() as a, mallory.connect() as m:
        assert await online(a, bob, mallory) == [False, False]
        assert await online(m, alice, bob) == [False, False], "strangers are told nothing"
        async with bob.connect() as b:
            await a.expect("presence:user_online", userId=bob.id)
            assert await online(b, alice, bob) == [True, True]
            assert await online(a, bob) == [True]
        await a.expect("presence:user_offline", userId=bob.id, within=SOON_SECONDS)
        assert await online(a, bob) == [False]
        await m.refute("presence:user_online")
        await m.refute("presence:user_offline")
        await a.refute("presence:user_online", userId=alice.id)


async def test_a_reload_is_no_leaving(
    alice: Person, bob: Person, servers: Sequence[ChatServer], conversation: Any
) -> None:
    async with alice.connect() as a:
        async with bob.connect():
            assert await online(a, bob) == [True]
        async with bob.connect(server=servers[0]) as again:  # at the other server
            assert await online(a, bob) == [True]
            async with bob.connect():
                await asyncio.sleep(0)
            await a.refute("presence:user_offline", after=again.expect("heartbeat", within=30))
