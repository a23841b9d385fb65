"""What nobody told a server about, it finds in the database: living sockets hear it within seconds, in order, once.

And who has lost access is put out within a second, with nothing heard of what was said since.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.accounts.doors import sync_users
from tests.faults import rows
from tests.faults.rig import FaultyServer, Rig
from tests.support.people import Person, sign_token
from tests.support.sockets import SocketClient, assert_in_order

SECONDS = 5
REVOKED_SECONDS = 15
NewPerson = Callable[..., Person]


def signed_out(person: Person) -> None:
    person.post("/api/logout/", {"everywhere": True})


def disabled(person: Person) -> None:
    sync_users(person.server, {"id": person.id, "active": False})


@pytest.fixture
def servers(rig: Rig) -> Sequence[FaultyServer]:
    """Alice and Mallory do things at the first, Bob listens at the second."""
    return rig.servers


@pytest.fixture
def bob_there(bob: Person, servers: Sequence[FaultyServer], new_person: NewPerson) -> Person:
    """Bob again, at the first server."""
    return new_person("bob", servers[0], sub=bob.id)


@pytest.fixture
def alice_here(alice: Person, servers: Sequence[FaultyServer], new_person: NewPerson) -> Person:
    """Alice again, at the second server: what she does there is told."""
    return new_person("alice", servers[1], sub=alice.id, role="FARMER")


def post(person: Person, conversation: str, content: str, **fields: str) -> Any:
    return person.post(f"/api/conversations/{conversation}/messages/", {"content": content, **fields})


def texts(socket: SocketClient) -> list[str]:
    """What all new messages said, as they came."""
    return [frame.data["content"] for frame in socket.frames if frame.event == "message:new"]


# A server that lives, and whose word reaches nobody


async def test_everything_is_told_in_order_and_once(
    servers: Sequence[FaultyServer], alice: Person, mallory: Person, bob: Person, alice_here: Person
) -> None:
    where = bob.talks_to(alice)["id"]
    eggs = post(alice_here, where, "Egs?")["message"]["id"]
    servers[0].restart("without_bus")
    async with bob.connect() as b:
        post(alice, where, "Milk?")
        post(alice, where, "Cheese?")
        alice.patch(f"/api/messages/{eggs}/", {"content": "Eggs?"})
        alice.put(f"/api/messages/{eggs}/reactions/🥚/")
        elsewhere = mallory.talks_to(bob)["id"]
        changed = {"id": eggs, "content": "Eggs?", "reactions": [{"emoji": "🥚", "count": 1}]}
        await asyncio.gather(
            b.expect("message:new", content="Cheese?", within=SECONDS),
            b.expect("message:updated", **changed, within=SECONDS),
            b.expect("conversation:new", id=elsewhere, within=SECONDS),
        )

        # What the next look finds comes after whatever that would find a second time.
        post(mallory, elsewhere, "Hello")
        post(alice, where, "Bread?")
        await asyncio.gather(
            b.expect("message:new", conversationId=elsewhere, content="Hello", within=SECONDS),
            b.expect("message:new", content="Bread?", within=SECONDS),
        )
        assert sorted(texts(b)) == ["Bread?", "Cheese?", "Hello", "Milk?"]
        await b.refute("conversation:new")
        assert_in_order(b.frames)


async def test_who_has_lost_access_is_put_out(servers: Sequence[FaultyServer], alice: Person, mallory: Person) -> None:
    servers[0].restart("without_bus")
    async with alice.connect(server=servers[1]) as a, mallory.connect(server=servers[1]) as m:
        signed_out(alice)
        disabled(mallory)
        await asyncio.gather(*(socket.expect_close(4403, within=REVOKED_SECONDS) for socket in (a, m)))


# A server that dies before it tells


def last_act(server: FaultyServer, act: Callable[[], object]) -> None:
    """The server dies of this, perhaps before it has answered."""
    with suppress(httpx.TransportError):
        act()
    server.wait_for_end()


async def test_a_server_dies_again_and_again_before_it_tells(
    servers: Sequence[FaultyServer], alice: Person, mallory: Person, bob: Person, bob_there: Person
) -> None:
    dying, where = servers[0], bob.talks_to(alice)["id"]
    async with bob.connect() as b:
        dying.restart("after_commit:1")
        last_act(dying, lambda: post(alice, where, "Egs?", clientId="1"))
        eggs = (await b.expect("message:new", content="Egs?", within=SECONDS)).data["id"]

        dying.restart("before_publishing:1")
        assert post(alice, where, "Egs?", clientId="1")["duplicate"]
        last_act(dying, lambda: post(alice, where, "Milk?"))
        await b.expect("message:new", content="Milk?", within=SECONDS)

        dying.restart("before_publishing:1")
        last_act(dying, lambda: alice.patch(f"/api/messages/{eggs}/", {"content": "Eggs?"}))
        await b.expect("message:updated", id=eggs, content="Eggs?", within=SECONDS)

        dying.restart("before_publishing:1")
        last_act(dying, lambda: mallory.talks_to(bob))
        await b.expect("conversation:new", type="DIRECT", within=SECONDS)
        await b.refute("message:new")
        assert_in_order(b.frames)

        dying.restart("before_publishing:1")
        last_act(dying, lambda: signed_out(bob_there))
        await b.expect_close(4403, within=REVOKED_SECONDS)
    dying.restart()


# Nobody has done it


async def test_what_is_in_the_database_is_told_by_all_servers(
    rig: Rig, alice: Person, bob: Person, mallory: Person
) -> None:
    where, elsewhere = rows.found(rig, alice, bob), rows.found(rig, alice, bob)
    mallory.arrives()
    async with alice.connect() as a, bob.connect() as b, mallory.connect() as m:
        for text in ("one", "two"):
            rows.say(rig, alice, where, text)
        rows.lose_seat(rig, bob, elsewhere)
        rows.gain_seat(rig, mallory, elsewhere)
        await asyncio.gather(
            a.expect("message:new", content="two", within=SECONDS),
            b.expect("message:new", content="two", within=SECONDS),
            b.expect("conversation:gone", conversationId=elsewhere, within=SECONDS),
            m.expect("conversation:new", id=elsewhere, within=SECONDS),
        )
        await a.say(elsewhere, "not for Bob")
        await a.say(where, "three")
        await m.expect("message:new", content="not for Bob")
        await b.expect("message:new", content="three")
        assert texts(b) == ["one", "two", "three"]
        assert texts(m) == ["not for Bob"]
        for socket in (a, b, m):
            assert_in_order(socket.frames)


async def test_a_gap_before_what_is_told_is_filled_at_once(rig: Rig, alice: Person, bob: Person) -> None:
    where = alice.talks_to(bob)["id"]
    async with alice.connect() as a, bob.connect() as b:
        rows.say(rig, alice, where, "missed")
        await a.say(where, "told")
        for socket in (a, b):
            await socket.expect("message:new", content="told", within=1)
            assert texts(socket) == ["missed", "told"]


# Nothing is missed


@pytest.mark.parametrize("lose_access", [signed_out, disabled])
async def test_who_loses_access_hears_nothing_that_is_said_afterwards(
    lose_access: Callable[[Person], None], rig: Rig, alice: Person, bob: Person, bob_there: Person
) -> None:
    where = rows.found(rig, alice, bob)
    async with alice.connect() as a, bob.connect() as b, bob_there.connect() as near:
        await a.say(where, "for Bob too")
        await b.expect("message:new", content="for Bob too")
        lose_access(bob_there)
        await a.say(where, "not for Bob")
        for socket in (near, b):
            await socket.expect_close(4403, within=1)
            assert texts(socket) == ["for Bob too"]


async def test_a_token_that_runs_out_ends_its_socket_after_a_warning(alice: Person, bob: Person) -> None:
    where = alice.talks_to(bob)["id"]
    async with alice.connect() as a, bob.connect(token=sign_token(bob.id, lifetime=2)) as b:
        await b.expect("session:expiring", within=1)
        await a.say(where, "for Bob too")
        await b.expect("message:new", content="for Bob too", within=1)
        await b.expect_close(4401, within=3)
