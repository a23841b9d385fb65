"""Who is here: known by those who share a conversation, over two servers, whatever becomes of sockets and servers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import services
from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient

GRACE = 1.0
SOON = GRACE + 2  # and half a second in which changes are told together
QUICK = {
    "CHAT_PRESENCE_SECONDS": "1",
    "CHAT_PRESENCE_GRACE_SECONDS": f"{GRACE}",
    "CHAT_HEARTBEAT_SECONDS": "2",
    "CHAT_RATE_COMMAND": "1000000/1s",  # some ask again as fast as they are answered
}


@pytest.fixture(scope="module")
def quick_pair() -> Iterator[Sequence[ChatServer]]:
    """Two servers whose people are missed after a second."""
    with ExitStack() as stack:
        database_url = stack.enter_context(services.fresh_database(services.postgres()))
        redis_url = stack.enter_context(services.RedisServer()).url
        pair = [ChatServer(database_url=database_url, redis_url=redis_url, env=QUICK) for _ in range(2)]
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


def by_rest(asker: Person, *people: Person) -> list[bool | None]:
    answer = asker.get("/api/presence/", params={"ids": ",".join(one.id for one in people)})
    assert answer["next"] is None
    return [one["online"] for one in answer["results"]]


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
            assert by_rest(bob, alice, mallory) == by_rest(alice, bob, mallory) == [True, False]
            assert by_rest(mallory, alice, bob, mallory) == [False, False, True]
        await a.expect("presence:user_offline", userId=bob.id, within=SOON)
        assert await online(a, bob) == by_rest(alice, bob) == [False]
        for event in ("presence:user_online", "presence:user_offline"):
            await m.refute(event)


async def test_a_reload_is_no_leaving(
    alice: Person, bob: Person, servers: Sequence[ChatServer], conversation: Any
) -> None:
    async with alice.connect() as a:
        async with bob.connect():
            assert await online(a, bob) == [True]
        async with bob.connect(server=servers[0]) as again:  # at the other server
            await again.expect("heartbeat", within=5)  # the first one comes later than the grace ends
            assert await online(a, bob) == [True]
            await a.refute("presence:user_offline")


async def test_two_tabs(alice: Person, bob: Person, servers: Sequence[ChatServer], conversation: Any) -> None:
    async with alice.connect() as a:
        async with bob.connect(server=servers[1]) as stays:
            async with bob.connect(server=servers[0]):
                assert await online(a, bob) == [True]
            await stays.expect("heartbeat", within=5)
            assert await online(a, bob) == [True]
            await a.refute("presence:user_offline")
        await a.expect("presence:user_offline", userId=bob.id, within=SOON)


async def test_appearing_offline_until_one_takes_it_back_or_the_last_socket_closes(
    alice: Person, bob: Person, servers: Sequence[ChatServer], conversation: Any
) -> None:
    talk = conversation["id"]
    async with alice.connect() as a:
        async with bob.connect(server=servers[0]) as b, bob.connect(server=servers[1]) as other:
            assert await online(a, bob) == [True]
            await b.ask("presence:offline")
            await a.expect("presence:user_offline", userId=bob.id)
            assert await online(a, bob) == by_rest(alice, bob) == [False]
            await a.say(talk, "Are you there?")
            await b.expect("message:new", content="Are you there?")
            async with bob.connect(server=servers[0]):
                assert await online(a, bob) == [False], "another socket changes nothing"
            await other.ask("presence:online")
            await a.expect("presence:user_online", userId=bob.id)
            await other.ask("presence:offline")
            await a.expect("presence:user_offline", userId=bob.id)
        async with bob.connect():
            await a.expect("presence:user_online", userId=bob.id)
            assert await online(a, bob) == [True]


async def test_appearing_offline_for_good_is_a_setting(alice: Person, bob: Person, conversation: Any) -> None:
    async with alice.connect() as a, bob.connect() as b:
        assert await online(a, bob) == [True]
        bob.patch("/api/me/", {"appearOffline": True})
        await a.expect("presence:user_offline", userId=bob.id)
        await b.ask("presence:online")
        assert await online(a, bob) == by_rest(alice, bob) == [False]
        async with bob.connect():
            assert await online(a, bob) == [False]
        bob.patch("/api/me/", {"appearOffline": False})
        await a.expect("presence:user_online", userId=bob.id)


async def test_when_somebody_was_here_is_told_to_the_hour_where_they_want_it(
    alice: Person, bob: Person, conversation: Any
) -> None:
    async with alice.connect() as a:
        async with bob.connect():
            assert "lastSeen" not in (await checked(a, bob))[0], "they are here"
        await a.expect("presence:user_offline", userId=bob.id, within=SOON)
        async with bob.connect():  # what is noted, is noted by now
            await a.expect("presence:user_online", userId=bob.id)
        await a.expect("presence:user_offline", userId=bob.id, within=SOON)
        (status,) = await checked(a, bob)
        hour = datetime.fromisoformat(status["lastSeen"])
        assert (hour.minute, hour.second) == (0, 0)
        assert 0 <= (datetime.now(UTC) - hour).total_seconds() < 2 * 3600
        bob.patch("/api/me/", {"lastSeen": False})
        assert "lastSeen" not in (await checked(a, bob))[0]


async def test_who_blocks_is_offline_to_the_other_and_the_other_way(
    alice: Person, bob: Person, conversation: Any
) -> None:
    async with alice.connect() as a, bob.connect() as b:
        assert await online(a, bob) == await online(b, alice) == [True]
        bob.post("/api/blocks/", {"userId": alice.id}, status=201)
        for socket, other in ((a, bob), (b, alice)):
            await socket.expect("presence:user_offline", userId=other.id)
            assert await online(socket, other) == [False]
        bob.delete(f"/api/blocks/{alice.id}/", status=204)
        assert await online(a, bob) == [True]


async def test_members_of_a_group_know_of_each_other_until_one_leaves(
    alice: Person, bob: Person, new_person: Callable[..., Person]
) -> None:
    carol = new_person("carol", bob.server)
    group = alice.founds("Valley eggs", bob, carol)
    async with alice.connect() as a, carol.connect() as c:
        assert await online(a, bob, carol) == [False, True]
        async with bob.connect() as b:
            await a.expect("presence:user_online", userId=bob.id)
            await c.ask("group:leave", {"groupId": group["id"]})
            await a.expect("presence:user_offline", userId=carol.id)
            assert await online(a, carol) == await online(c, alice) == [False]
            assert await online(b, alice) == [True]


async def test_asking_in_other_ways_is_refused(alice: Person, bob: Person, conversation: Any) -> None:
    async with alice.connect() as a, bob.connect() as b:
        assert await online(b, alice) == [True]
        assert await a.ask("presence:check", [bob.id, bob.id]) == [{"userId": bob.id, "online": True}]
        for data in (bob.id, {"ids": [bob.id]}, None, [5], [f"p{n}" for n in range(101)], ["a b"], ["x" * 129], ["\0"]):
            await a.ask_refused("presence:check", data, code="invalid_field")
        assert await a.ask("presence:check", []) == []
    for ids in ("", "a b", ",", "x" * 129, ",".join(f"p{n}" for n in range(101))):
        alice.refused("GET", f"/api/presence/?ids={ids}", code="invalid_field", field="ids")
    alice.refused("GET", "/api/presence/", code="invalid_field", field="ids")
