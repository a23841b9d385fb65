"""Bad networks, wrong clocks, two devices at two servers: everybody ends up with the same, in order, once.

A peer that has gone without a word is let go of; its person's other device hears everything meanwhile.
"""

import asyncio
import copy
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from itertools import product
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any

import pytest

from tests.faults.rig import FaultyServer, Rig, Town, town
from tests.faults.test_slow_readers import connections, restarted, until
from tests.support.people import Person
from tests.support.proxy import Direction, Proxy
from tests.support.sockets import SocketClient, assert_in_order

Json = dict[str, Any]


@pytest.fixture
def servers(rig: Rig) -> Sequence[FaultyServer]:
    return rig.servers


# Peers that have gone without a word

BEAT_SECONDS, SILENCE_SECONDS = 0.5, 2
# The silent have 10 seconds more to answer the close frame.
FREED_SECONDS = SILENCE_SECONDS + 10 + 5


@pytest.fixture
def strict_server(rig: Rig) -> Iterator[FaultyServer]:
    """The first server, which beats, and ends the silent, sooner than others."""
    beating = {"CHAT_HEARTBEAT_SECONDS": f"{BEAT_SECONDS}", "CHAT_SILENCE_SECONDS": f"{SILENCE_SECONDS}"}
    with restarted(rig.servers[0], **beating) as server:
        yield server


def socket_through(line: Proxy, person: Person) -> SocketClient:
    return SocketClient(line.url_of(person.server.ws_url), name=person.name, token=person.token)


# Prints what it hears, answers heartbeats, and prints how it ended.
_CLIENT = """
import asyncio, json, sys
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

async def live(url, token):
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(url, additional_headers=headers, proxy=None, ping_interval=None) as socket:
        try:
            while True:
                event = json.loads(await socket.recv())["event"]
                if event == "heartbeat":
                    await socket.send('{"event": "heartbeat"}')
                print(event, flush=True)
        except ConnectionClosed:
            print(socket.close_code)

asyncio.run(live(*sys.argv[1:]))
"""


@contextmanager
def client_process(person: Person) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _CLIENT, person.server.ws_url, person.token]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def lives_longer_than_the_silent(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for event in ["welcome", *["heartbeat"] * (int(SILENCE_SECONDS / BEAT_SECONDS) + 2)]:
        assert process.stdout.readline() == f"{event}\n"


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks at the server's side by Linux' means")
async def test_devices_that_have_gone_without_a_word_are_let_go_of_and_the_third_goes_on(
    strict_server: FaultyServer, alice: Person, bob: Person
) -> None:
    talk = alice.talks_to(bob)["id"]
    async with bob.connect() as b, alice.connect(server=bob.server) as laptop:
        with Proxy(strict_server.port) as line, client_process(alice) as tablet:
            async with socket_through(line, alice) as phone:
                await asyncio.to_thread(lives_longer_than_the_silent, tablet)
                line.freeze()
                tablet.send_signal(SIGSTOP)
                meanwhile = await b.say(talk, "are you in a tunnel?")
                await laptop.expect("message:new", id=meanwhile["id"])
                await until(lambda: connections(strict_server) == 0, within=FREED_SECONDS)
                later = await b.say(talk, "still?")
                await laptop.expect("message:new", id=later["id"])

                tablet.send_signal(SIGCONT)
                assert tablet.communicate(timeout=10)[0].split()[-1] == "4408"
                line.thaw()
                await phone.expect("message:new", id=meanwhile["id"])
                await phone.expect_close(4408)
            async with socket_through(line, alice) as phone:
                page = await phone.ask("sync", {"cursors": {talk: meanwhile["version"]}})
                assert [message["id"] for message in page["changes"][talk]] == [later["id"]]


# Bad lines

CUTS = (0, 1, 100, 1_000, 10_000)  # bytes: in place of a frame, in the midst of one, of a handshake, of what waits
DIRECTIONS: Sequence[Direction] = ("to_client", "to_server")


@contextmanager
def far_away(rig: Rig) -> Iterator[tuple[Rig, list[Proxy]]]:
    """The installation as it is for people who come to each server over a line of its own."""
    with ExitStack() as stack:
        lines = [stack.enter_context(Proxy(server.port)) for server in rig.servers]
        servers = [copy.copy(server) for server in rig.servers]
        for server, line in zip(servers, lines, strict=True):
            server.port = line.port
        yield replace(rig, servers=servers), lines


def breaks(place: Town) -> int:
    """How many connections have ended, some of them before they were welcome."""
    return sum(len(device.troubles) for device in place.devices)


async def test_two_people_talk_over_lines_of_32_kbit_with_a_delay_of_600_ms(rig: Rig) -> None:
    with far_away(rig) as (far, lines):
        for line in lines:
            line.throttle(32_000 / 8)
            line.delay(0.6)
        async with town(far, talks=1) as place:
            place.say(5)
            await place.converge(within=60)
            assert place.violations() == []
            assert breaks(place) == 0


async def break_one(place: Town, lines: Sequence[Proxy], count: int, direction: Direction) -> None:
    """Returns when somebody has lost the connection, after so many bytes more. There may be nobody at one server."""
    before = breaks(place)
    for line in lines:
        line.cut_after(count, direction=direction)
    await place.until(lambda: breaks(place) > before)


async def test_people_whose_connections_break_at_any_point_while_they_write(rig: Rig) -> None:
    with far_away(rig) as (far, lines):
        async with town(far, talks=2) as place:
            async with place.talking(0.02):
                for count, direction in product(CUTS, DIRECTIONS):
                    await break_one(place, lines, count, direction)
                await place.acknowledged(50)
            await place.converge()
            assert place.violations() == []


# Wrong clocks

_AHEAD_SECONDS = 300
# In place of site's own module of this name: shifts what Python takes for the time, before anything has looked at it.
_SITECUSTOMIZE = """
import datetime, os, time
import django.utils.timezone, jwt.api_jwt

_ahead = float(os.environ["CLOCK_AHEAD"])
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + _ahead
time.time_ns = lambda: _time_ns() + int(_ahead * 1e9)

class Datetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.now(tz) + datetime.timedelta(seconds=_ahead)

django.utils.timezone.datetime = jwt.api_jwt.datetime = Datetime
"""


@pytest.fixture
def server_ahead(rig: Rig, tmp_path: Path) -> Iterator[FaultyServer]:
    """The second server, five minutes ahead of the first and of all other clocks."""
    (tmp_path / "sitecustomize.py").write_text(_SITECUSTOMIZE)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    with restarted(rig.servers[1], PYTHONPATH=path, CLOCK_AHEAD=f"{_AHEAD_SECONDS}") as server:
        yield server


async def test_servers_whose_clocks_differ_tell_the_same_in_the_same_order(
    rig: Rig, server_ahead: FaultyServer, alice: Person, bob: Person
) -> None:
    async with alice.connect() as a, alice.connect(server=server_ahead) as b:
        own = [datetime.fromisoformat((await socket.ask("heartbeat"))["serverTime"]) for socket in (a, b)]
        assert (own[1] - own[0]).total_seconds() == pytest.approx(_AHEAD_SECONDS, abs=30)
        # What is said at one server counts at the other: by the database's clock.
        asked = await b.ask("sync", {"cursors": {}})
        talk = bob.talks_to(alice)
        for since in (asked["serverTime"], b.welcome["serverTime"]):
            page = await a.ask("sync", {"cursors": {}, "since": since})
            assert [conversation["id"] for conversation in page["new"]] == [talk["id"]]
    async with town(rig) as place:
        async with place.talking():
            await place.acknowledged(200)
        await place.converge()
        assert place.violations() == []


@asynccontextmanager
async def signed_out_everywhere(person: Person, at: FaultyServer, rig: Rig) -> AsyncIterator[list[SocketClient]]:
    """The person's sockets at both servers, after they have signed out everywhere at one of these."""
    async with person.connect(server=rig.servers[0]) as one, person.connect(server=rig.servers[1]) as other:
        response = person.http.post(f"{at.base_url}/api/logout/", json={"everywhere": True})
        assert response.status_code == 204
        yield [one, other]


async def test_signing_out_everywhere_ends_the_sockets_at_servers_whose_clocks_differ(
    rig: Rig, server_ahead: FaultyServer, new_person: Callable[..., Person]
) -> None:
    for server in rig.servers:
        async with signed_out_everywhere(new_person("alice", server), server, rig) as sockets:
            for socket in sockets:
                await socket.expect_close(4403, within=1)


@pytest.mark.parametrize("at", [0, 1], ids=["at the one behind", "at the one ahead"])
async def test_so_it_does_while_redis_is_away_within_fifteen_seconds(
    at: int, rig: Rig, server_ahead: FaultyServer, new_person: Callable[..., Person]
) -> None:
    here = rig.servers[at]
    rig.redis.kill()
    async with signed_out_everywhere(new_person("alice", here), here, rig) as sockets:
        await sockets[at].expect_close(4403, within=1)
        await sockets[1 - at].expect_close(4403, within=15)


# Two devices of one person


async def bus_carries(writer: SocketClient, reader: SocketClient, talk: str) -> None:
    """Returns when what nobody repeats comes from one server to the other: a test before this may have killed Redis."""
    for _ in range(10):
        await writer.ask("typing:start", talk)
        await writer.ask("typing:stop", talk)
        with suppress(AssertionError):
            await reader.expect("typing:user_stop", within=0.5)
            return
    raise AssertionError("the servers do not hear each other")


async def test_two_devices_at_two_servers_hear_the_same_once_and_their_own_words_too(
    rig: Rig, alice: Person, bob: Person, conversation: Json
) -> None:
    talk, turns = conversation["id"], 10
    async with alice.connect() as phone, alice.connect(server=rig.servers[1]) as laptop, bob.connect() as b:
        await bus_carries(b, phone, talk)
        await bus_carries(phone, b, talk)

        async def write(socket: SocketClient) -> list[Json]:
            return [await socket.say(talk, f"{number}") for number in range(turns)]

        said = await asyncio.gather(write(phone), write(laptop), write(b))
        await asyncio.gather(
            phone.ask("message:edit", {"messageId": said[1][0]["id"], "content": "edited"}),
            laptop.ask("message:delete", {"messageId": said[0][0]["id"]}),
            b.ask("message:react", {"messageId": said[1][1]["id"], "emoji": "🥕"}),
        )
        for device in (phone, laptop):
            await device.expect("message:updated", version=3 * turns + 3)
        heard, also = [[frame for frame in device.frames if frame.is_durable] for device in (phone, laptop)]
        assert [frame.version for frame in heard] == list(range(1, 3 * turns + 4))
        assert heard == also

        answer = await phone.ask("message:read", {"conversationId": talk, "messageId": said[2][-1]["id"]})
        await laptop.expect("message:read", userId=alice.id, lastReadSeq=answer["lastReadSeq"])


async def test_while_redis_is_away_two_devices_still_hear_everything_once(
    rig: Rig, alice: Person, conversation: Json
) -> None:
    talk = conversation["id"]
    async with alice.connect() as phone, alice.connect(server=rig.servers[1]) as laptop:
        rig.redis.kill()
        said = [await device.say(talk, f"{number}") for number in range(10) for device in (phone, laptop)]
        for device in (phone, laptop):
            for message in said:
                await device.expect("message:new", id=message["id"])
            assert_in_order(device.frames)
        # Nobody tells the laptop what was read; it learns so when it asks.
        answer = await phone.ask("message:read", {"conversationId": talk, "messageId": said[-1]["id"]})
        page = await laptop.ask("sync", {"cursors": {talk: [said[-1]["version"], 0]}})
        assert page["heads"][talk]["lastReadSeq"] == answer["lastReadSeq"]
