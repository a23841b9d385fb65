"""A server is stopped while people talk: they are told, answered, and closed in order; nothing acknowledged is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import httpx
import psycopg
import pytest

from tests.support import services
from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient

SENDS = 200


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(env={"CHAT_RATE_MESSAGE_SEND": "100000/10s"}) as server:
        yield server


@asynccontextmanager
async def stopping(server: ChatServer) -> AsyncIterator[None]:
    """SIGTERM now; afterwards the process must have ended well."""
    stop = asyncio.create_task(asyncio.to_thread(server.stop))
    yield
    await stop
    assert server.exit_code == 0


async def assert_is_sent_away(socket: SocketClient) -> None:
    bye = await socket.expect("bye")
    assert bye.data["reason"] == "restart"
    assert 0 <= bye.data["reconnectAfter"] <= 5
    await socket.expect_close(1012)


async def test_what_was_sent_is_answered_or_can_be_sent_again(
    server: ChatServer, new_person: Callable[..., Person]
) -> None:
    alice, bob = new_person("alice", server), new_person("bob", server)
    talk = alice.talks_to(bob)["id"]
    path = f"/api/conversations/{talk}/messages/?limit=100&after="
    async with alice.connect() as a, bob.connect() as b:
        for number in range(SENDS):
            await a.send(
                "message:send", {"conversationId": talk, "content": f"{number}", "clientId": f"{number}"}, f"{number}"
            )
        answered = [(await a.reply("0")).data["message"]["id"]]  # the others are still on their way
        async with stopping(server):
            await assert_is_sent_away(b)
            await a.expect("bye")
            for number in range(1, SENDS):
                answered += await answer_of(a, str(number))
            await a.expect_close(1012)
    with server:
        stored = [*alice.get(f"{path}0")["messages"], *alice.get(f"{path}100")["messages"]]
        assert set(answered) == {message["id"] for message in stored}, "all that was stored was acknowledged"
        assert len(answered) > 1, "there was something to answer"


async def answer_of(socket: SocketClient, ref: str) -> list[str]:
    """The id of the message, if there was an answer: what came after SIGTERM is not carried out."""
    try:
        return [(await socket.reply(ref, within=2)).data["message"]["id"]]
    except AssertionError:
        return []


async def test_a_send_that_waits_is_answered_while_the_server_is_alive_but_not_ready(
    new_person: Callable[..., Person],
) -> None:
    with services.fresh_database(services.postgres()) as database, ChatServer(database_url=database) as server:
        server.manage("migrate", "--verbosity=0")
        alice, bob = new_person("alice", server), new_person("bob", server)
        talk = alice.talks_to(bob)["id"]
        async with alice.connect() as a, bob.connect() as b:
            with psycopg.connect(database) as other:
                other.execute("SELECT FROM conversations_conversation WHERE id = %s FOR UPDATE", [talk])
                await a.send("message:send", {"conversationId": talk, "content": "wait for me"}, "1")
                async with stopping(server):
                    await assert_is_sent_away(b)
                    assert httpx.get(f"{server.base_url}/readyz").status_code == 503
                    assert httpx.get(f"{server.base_url}/healthz").status_code == 200
                    other.rollback()
                    assert (await a.reply("1"))["ok"] is True
                    await assert_is_sent_away(a)


async def test_all_workers_end_in_order(server_pair: tuple[ChatServer, ChatServer]) -> None:
    first = server_pair[0]
    with ChatServer(database_url=first.database_url, redis_url=first.redis_url, workers=2) as server:
        alice = Person("alice", server)
        async with alice.connect() as a, alice.connect() as b, alice.connect() as c, stopping(server):
            for socket in (a, b, c):
                await assert_is_sent_away(socket)
