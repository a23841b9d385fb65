"""Limits at the socket's door: connections from one address, and commands that nobody waits for."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import Auth

MOST = 3


@pytest.fixture
def strict_server() -> Iterator[ChatServer]:
    limits = {"CHAT_RATE_CONNECT": f"{MOST}/60s", "CHAT_RATE_JOIN": f"{MOST}/60s"}
    with ChatServer(env=limits) as server:
        yield server


@pytest.mark.parametrize("auth", ["header", "frame"])
async def test_an_address_that_connects_too_often_is_told_when_to_come_back(
    auth: Auth, strict_server: ChatServer, new_person: Callable[..., Person]
) -> None:
    alice = new_person("alice", strict_server)
    for _ in range(MOST):
        async with alice.connect(auth=auth):
            pass
    # Without a header it is refused before it can say who it is.
    one_more = alice.connect(auth=None if auth == "frame" else auth, welcome=False)
    await one_more.open()
    try:
        error = await one_more.expect_error("rate_limited")
        assert error["retryable"] is True
        assert 0 < error["retryAfter"] <= 60
        await one_more.expect_close(4429)
    finally:
        await one_more.close()


async def test_who_does_not_say_who_they_are_is_counted_too(
    strict_server: ChatServer, new_person: Callable[..., Person]
) -> None:
    alice = new_person("alice", strict_server)
    nobodies = [alice.connect(auth=None, welcome=False) for _ in range(MOST + 1)]
    try:
        for nobody in nobodies:
            await nobody.open()
        await nobodies[-1].expect_close(4429)
    finally:
        for nobody in nobodies:
            await nobody.close()


async def test_joins_without_an_answer_are_counted(
    strict_server: ChatServer, new_person: Callable[..., Person]
) -> None:
    alice, bob = new_person("alice", strict_server), new_person("bob", strict_server)
    talk = alice.talks_to(bob)["id"]
    async with alice.connect() as socket:
        for _ in range(MOST):
            await socket.send("join:conversation", talk)
            await socket.expect("joined:conversation", conversationId=talk)
        await socket.send("join:conversation", talk)
        await socket.expect_error("rate_limited")
