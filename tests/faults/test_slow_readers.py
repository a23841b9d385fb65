"""Who does not read costs the server a mebibyte, delays nobody, and is closed; who reads on later hears why."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.rig import FaultyServer, Rig
from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient
from tests.wire import raw

TEXT = "🥕" * 4000  # the longest there is: 16 kB
# More than the kernel keeps for one socket (4 MB by default, of the sender's and the receiver's side) and the server.
FLOOD = 420
STUCK = 20
GONE_SECONDS = 30
HEARD_SECONDS = 2
WAITING_BYTES = 1_048_576
ALLOWANCE_MIB = 10  # for what the allocator does not give back, and the 20 connections themselves

Json = dict[str, Any]

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks at the server's side by Linux' means")


@pytest.fixture
def servers(rig: Rig) -> Sequence[FaultyServer]:
    return rig.servers


@contextmanager
def restarted(server: FaultyServer, **changes: str) -> Iterator[FaultyServer]:
    """The server, started again with these changes of its environment, and in the end without them."""
    before, server.env = server.env, {**server.env, **changes}
    server.restart()
    try:
        yield server
    finally:
        server.env = before
        server.restart()


# The server as the kernel sees it


def connections(server: ChatServer) -> int:
    """How many connections to its port the server holds. Those of HTTP vanish after 5 idle seconds."""
    port, listens, nobodys = f":{server.port:04X}", "0A", "0"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(port) and row[3] != listens and row[9] != nobodys for row in rows)


async def until(true: Callable[[], bool], *, within: float) -> None:
    """Returns when this is true of what nobody tells us about. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not true():  # noqa: ASYNC110  # the kernel calls nobody back
            await asyncio.sleep(0.05)


def forget_peak(server: ChatServer) -> None:
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")


def peak_mib(server: ChatServer) -> float:
    """The most memory that the server has used since forget_peak."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    (peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) / 1024


# Clients


@asynccontextmanager
async def narrow_socket(person: Person) -> AsyncIterator[raw.RawSocket]:
    """A welcomed socket that is read by hand, or not at all, and whose own kernel takes next to nothing."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", person.server.port))
        opened = raw.RawSocket(connection)
        await opened.send(raw.handshake(person.server, f"Authorization: Bearer {person.token}"))
        assert await opened.status() == 101
        assert (await opened.receive_json())["event"] == "welcome"
        yield opened


async def write_much(writer: SocketClient, talk: str, messages: int) -> list[Json]:
    for number in range(messages):
        await writer.send("message:send", {"conversationId": talk, "content": TEXT}, f"{number}")
    return [(await writer.reply(f"{number}", within=20)).data["message"] for number in range(messages)]


# What they cost


async def test_who_asks_for_much_and_never_reads_costs_a_mebibyte(rig: Rig, alice: Person, bob: Person) -> None:
    """Each reply of these is 800 kB, and made for one socket alone."""
    talk, server = alice.talks_to(bob)["id"], alice.server
    async with alice.connect() as a:
        await write_much(a, talk, 50)
    asks = [
        raw.frame(json.dumps({"event": "join:conversation", "data": talk, "ref": f"{n}"}).encode()) for n in range(8)
    ]

    async def ask_and_read() -> None:
        async with raw.raw_socket(alice) as reader:
            await reader.send(*asks)
            for _ in range(2 * len(asks)):  # joined:conversation, and the reply
                await reader.receive()

    forget_peak(server)
    await asyncio.gather(*(ask_and_read() for _ in range(STUCK)))
    of_readers = peak_mib(server)

    forget_peak(server)
    async with AsyncExitStack() as stack:
        stuck = [await stack.enter_async_context(narrow_socket(alice)) for _ in range(STUCK)]
        for one in stuck:
            await one.send(*asks)
        await until(lambda: connections(server) == 0, within=GONE_SECONDS)
    assert peak_mib(server) - of_readers < STUCK + ALLOWANCE_MIB


async def test_stuck_readers_delay_nobody_and_are_gone_within_half_a_minute(
    rig: Rig, alice: Person, new_person: Callable[..., Person]
) -> None:
    server, bob = alice.server, new_person("bob", alice.server)
    talk = alice.talks_to(bob)["id"]
    async with alice.connect() as a, bob.connect() as near, bob.connect(server=rig.servers[1]) as far:
        async with AsyncExitStack() as stack:
            for number in range(STUCK):
                await stack.enter_async_context(narrow_socket((alice, bob)[number % 2]))
            slowest = 0.0
            for _ in range(FLOOD):
                begun = time.monotonic()
                sent = await a.say(talk, TEXT)
                for reader in (a, near, far):
                    await reader.expect("message:new", id=sent["id"])
                slowest = max(slowest, time.monotonic() - begun)
            assert slowest < HEARD_SECONDS
            await until(lambda: connections(server) == 2, within=GONE_SECONDS)
        await near.ask("heartbeat")


# What they are told


@pytest.fixture
def server_for_readers(rig: Rig) -> Iterator[ChatServer]:
    """The first server, where one may read as often as one likes."""
    with restarted(rig.servers[0], CHAT_RATE_READ="1000000/1s") as server:
        yield server


async def catch_up(socket: SocketClient, talk: str, version: int) -> list[Json]:
    """What has changed since this version, as `sync` tells it."""
    missed: list[Json] = []
    more = True
    while more:
        page = await socket.ask("sync", {"cursors": {talk: missed[-1]["version"] if missed else version}})
        assert not page["reset"]
        missed += page["changes"].get(talk, [])
        more = bool(page["more"])
    return missed


async def test_who_reads_on_too_late_hears_why_and_has_lost_nothing_but_read_marks(
    server_for_readers: ChatServer, alice: Person, new_person: Callable[..., Person]
) -> None:
    bob = new_person("bob", server_for_readers)
    talk = alice.talks_to(bob)["id"]
    async with alice.connect() as a, bob.connect() as b:
        b.stall()
        for number in range(FLOOD):
            said = await a.say(talk, TEXT)
            if number % 4 == 0:
                await a.send("message:read", {"conversationId": talk, "messageId": said["id"]})
        b.resume()
        await b.expect_close(4413, within=20)
    heard = [frame.event for frame in b.frames]
    seqs = [frame.data["seq"] for frame in b.frames if frame.event == "message:new"]

    # Read marks are told as long as there is room; the second half of what may wait is for messages alone.
    at_the_end = heard[::-1].index("message:read")
    assert heard.count("message:read") > at_the_end / 8
    assert set(heard[-at_the_end:]) == {"message:new"}
    assert at_the_end * len(TEXT.encode()) > WAITING_BYTES * 0.4

    async with bob.connect() as again:
        missed = await catch_up(again, talk, version=seqs[-1])
    assert seqs + [message["seq"] for message in missed] == list(range(1, FLOOD + 1))
