"""Everybody comes back at once: a server that was killed is overrun when it returns; one that stood still is not."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import httpx
import psycopg
import pytest

from tests.accounts.doors import sync_users
from tests.faults.checker import Log
from tests.faults.device import Device
from tests.faults.rig import FaultyServer, Rig, Talk, Town
from tests.faults.test_slow_readers import restarted, until
from tests.support.people import Person, sign_token

# More of them, such as FAULT_SOCKETS=4000, need a longer --timeout of pytest's than a test has otherwise.
SOCKETS = int(os.environ.get("FAULT_SOCKETS", "1000"))
SOCKETS_EACH = 5
AT_ONCE = 50  # while the crowd gathers, before anything breaks
BACK_SECONDS = 1.0  # everybody who was thrown out tries again within this, until it works
WELCOME_SECONDS = 60
HEARD_SECONDS = 5
EVERY = SOCKETS / 500  # seconds: how often each writer says something; all together as much, however many they are
# Nobody costs more than one who comes back alone: a welcome, and a sync that finds nothing. Of those who come together
# the welcomes are shared, which makes it about half.
QUERIES_MOST = 4 + 3


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.faults.device._BACK_MOST", BACK_SECONDS)


# A crowd


async def opened(server: FaultyServer, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """The conversations of these pairs, in their order."""
    people = [{"id": person, "name": person} for pair in pairs for person in pair]
    for start in range(0, len(people), 500):
        sync_users(server, *people[start : start + 500])
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, timeout=60) as http:

        async def opens(one: str, other: str) -> str:
            headers = {"Authorization": f"Bearer {sign_token(one)}"}
            answer = await http.post("/api/conversations/", json={"userId": other}, headers=headers)
            return str(answer.json()["id"])

        return await asyncio.gather(*(opens(*pair) for pair in pairs))


@asynccontextmanager
async def crowd(rig: Rig, server: FaultyServer, sockets: int) -> AsyncIterator[Town]:
    """Pairs of people who talk, all their devices at one server."""
    log, news = Log(), asyncio.Event()
    pairs = [(f"a{number}-{server.port}", f"b{number}-{server.port}") for number in range(sockets // SOCKETS_EACH // 2)]
    talks = []
    for conversation, pair in zip(await opened(server, pairs), pairs, strict=True):
        talk = Talk(conversation, writers=[], readers=[])
        for person in pair:
            token = sign_token(person)
            names = [f"{person}'s {number}" for number in range(SOCKETS_EACH)]
            first, *others = [Device(name, token, [server.ws_url], [conversation], log, news) for name in names]
            talk.writers.append(first)
            talk.readers.extend(others)
        talks.append(talk)
    place = Town(rig, talks, log, news)
    async with AsyncExitStack() as stack:
        for number, device in enumerate(place.devices, 1):
            await stack.enter_async_context(device)
            if number % AT_ONCE == 0:
                await connected(place.devices[:number], place)
        yield place


async def connected(devices: Sequence[Device], place: Town) -> None:
    """Returns when they are all welcome and have caught up."""
    await place.until(lambda: all(device.connected for device in devices), within=WELCOME_SECONDS)


# What they cost


@contextmanager
def logged_queries(rig: Rig) -> Iterator[None]:
    """Meanwhile PostgreSQL logs every statement behind the name of who asks."""
    wanted = {"log_statement": "'all'", "log_line_prefix": "'[%a] '"}
    with psycopg.connect(rig.postgres.url, autocommit=True) as operator:
        for name, value in wanted.items():
            operator.execute(f"ALTER SYSTEM SET {name} = {value}")
        operator.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            operator.execute("ALTER SYSTEM RESET ALL")
            operator.execute("SELECT pg_reload_conf()")


def queries(rig: Rig, of: str) -> int:
    """How many statements have been logged of somebody with this name."""
    return len(re.findall(rf"^\[{of}\] LOG:  (?:statement|execute)", rig.postgres.log, re.MULTILINE))


# What happens


async def test_all_clients_of_a_killed_server_come_back_at_once(rig: Rig) -> None:
    spared = rig.servers[1]
    with restarted(rig.servers[0], PGAPPNAME="struck") as struck, logged_queries(rig):
        async with crowd(rig, struck, SOCKETS // 2) as there, crowd(rig, spared, SOCKETS // 2) as elsewhere:
            async with elsewhere.talking(EVERY):
                async with there.talking(EVERY):
                    await there.acknowledged(100)
                await there.converge()  # what is counted then is coming back alone
                await asyncio.to_thread(struck.kill)
                await until(lambda: not any(device.connected for device in there.devices), within=10)
                before = queries(rig, "struck")
                await asyncio.to_thread(struck.start)
                await connected(there.devices, there)
                cost = queries(rig, "struck") - before
                async with there.talking(EVERY):
                    await there.acknowledged(100)
            for place in (there, elsewhere):
                await place.converge()
                assert place.violations() == []
            assert {code for device in there.devices for code in device.closes} <= {None, 1006}, "nobody was refused"
            assert not any(device.closes for device in elsewhere.devices)
        assert max(shown - said for said, shown in elsewhere.log.shown_at) < HEARD_SECONDS
        assert cost <= QUERIES_MOST * len(there.devices)


STILL_SECONDS = 2  # as a query on the wrong thread would make it, or a machine that is moved
BEAT_SECONDS, SILENCE_SECONDS = 2, 5  # in the proportion of the contract's


async def test_a_server_that_stood_still_does_not_take_its_clients_for_silent(rig: Rig) -> None:
    beating = {"CHAT_HEARTBEAT_SECONDS": f"{BEAT_SECONDS}", "CHAT_SILENCE_SECONDS": f"{SILENCE_SECONDS}"}
    with restarted(rig.servers[0], **beating) as server:
        people = [Person(f"person{number}", server) for number in range(SOCKETS // 10 // SOCKETS_EACH)]
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(one.connect()) for one in people for _ in range(SOCKETS_EACH)]
            server.freeze()
            await asyncio.sleep(STILL_SECONDS)  # the fault itself
            server.thaw()
            for _ in range(SILENCE_SECONDS // BEAT_SECONDS + 1):  # longer than anybody may be silent
                await asyncio.gather(*(socket.expect("heartbeat", within=10) for socket in sockets))
            await asyncio.gather(*(socket.ask("heartbeat") for socket in sockets))
