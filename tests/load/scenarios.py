"""What people do: six scenarios, each of which ends with one row of the report.

Who the people are and what they may use at most comes from the Stage. Who lost what is counted in crowd.py.
"""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

import msgspec

from tests.load.client import Client
from tests.load.crowd import SAMPLED, Bounds, Crowd, Pace, Row, Speaker, Stage, gathered, talk
from tests.load.figures import Percentiles
from tests.load.meter import Measured, measured
from tests.load.rest import Rest, RestError
from tests.load.target import SOCKETS_PER_PERSON, BadTargetError

IN_FLIGHT: Final = 4  # messages under way at any moment, in fanout
PACED_RATE: Final = 20.0  # messages a second, in paced, unless the user's bound is lower
BYSTANDERS: Final = 20  # people whose heartbeats are watched during a storm
HEARTBEAT_SECONDS: Final = 0.1  # between a bystander's heartbeats
BACK_OFF_FIRST: Final = 0.5  # seconds; the protocol's own back-off: random(0, min(30 s, 0.5 s · 2ⁿ))
BACK_OFF_MOST: Final = 30.0
STORM_SECONDS: Final = 90
SLOW: Final = 20  # sockets that never read
SLOW_READERS_MOST: Final = 50  # sockets beside them: few enough that much goes to each
LONG_TEXT: Final = "🍅" * 3900  # 15 kB: fills the buffers of those who do not read within seconds
STUCK_SECONDS: Final = 3  # until a socket that was given up notices
WRITING: Final = 0.01  # of all people, in the mixed day
ACTIVE: Final = 0.05  # people who open conversations, read and type
WRITER_PAUSE: Final = 3.0  # seconds between a person's messages, on average
ACTIVE_PAUSE: Final = 5.0
PAGE_PAUSE: Final = 0.5  # between pages of history, over REST
REFUSED_PAGE_PAUSE: Final = 5.0


class Named(msgspec.Struct):
    """A message, of which only the id matters here."""

    id: str


class Delivery(msgspec.Struct):
    """A `message:new`."""

    data: Named
    conversation: str = msgspec.field(name="conversationId")


def crowd_of(stage: Stage, count: int, *, only: str | None = None, reading: int = SAMPLED) -> list[Client]:
    """So many clients of different people of the group, `reading` of whom read what they get (the others count it).
    More than the group has members are second sockets of the same people."""
    fixture = stage.fixture
    if count > fixture.members * SOCKETS_PER_PERSON:
        raise BadTargetError(f"{fixture.members} people can have {SOCKETS_PER_PERSON} sockets each, not {count}.")
    every = max(1, count // reading)
    clients = []
    for number in range(count):
        person = number % fixture.members
        hears = (only,) if only else fixture.hears(person)
        clients.append(Client(stage.target, person, *hears, reads=number % every == 0))
    return clients


def readers_of(crowd: Crowd) -> list[Client]:
    return [client for client in crowd.clients if client.reads]


# One group


async def fanout(stage: Stage) -> Row:
    """One group: some messages are in flight at any moment, and everybody gets all of them."""
    group = stage.fixture.group
    async with gathered(stage, crowd_of(stage, stage.bounds.sockets, only=group), "fanout") as crowd:
        async with measured(stage.meter) as result:
            senders = readers_of(crowd)[:IN_FLIGHT]
            speakers = [Speaker(partial(crowd.say, sender, group)) for sender in senders]
            await talk(stage, "fanout: as fast as it goes", speakers, Pace(stage.bounds.rate))
            await crowd.settle()
        return crowd.row("fanout", result, f"{len(senders)} messages always in flight")


async def paced(stage: Stage) -> Row:
    """The same group at a steady pace."""
    rate = paced_rate(stage.bounds)
    async with gathered(stage, crowd_of(stage, stage.bounds.sockets, only=stage.fixture.group), "paced") as crowd:
        async with measured(stage.meter) as result:
            await talk_paced(stage, crowd, rate, stage.bounds.seconds, f"paced: {rate:g} messages a second")
            await crowd.settle()
        return crowd.row("paced", result, f"{rate:g} messages a second")


def paced_rate(bounds: Bounds) -> float:
    return min(PACED_RATE, bounds.rate or PACED_RATE)


async def talk_paced(stage: Stage, crowd: Crowd, rate: float, seconds: float, what: str) -> None:
    """So many messages a second into the group, by all in turn who read."""
    speakers = [Speaker(partial(crowd.say, sender, stage.fixture.group)) for sender in readers_of(crowd)]
    await talk(stage, what, speakers, Pace(rate), seconds=seconds)


# Pairs


async def direct(stage: Stage) -> Row:
    """Pairs: one writes as soon as the last message is stored, the other reads."""
    pairs = min(stage.bounds.sockets // 2, len(stage.fixture.pairs))
    every = max(1, pairs // SAMPLED)
    clients = []
    for pair, conversation in enumerate(stage.fixture.pairs[:pairs]):
        clients.append(Client(stage.target, 2 * pair, conversation, reads=True))
        clients.append(Client(stage.target, 2 * pair + 1, conversation, reads=pair % every == 0))
    async with gathered(stage, clients, "direct") as crowd:
        async with measured(stage.meter) as result:
            speakers = [Speaker(partial(crowd.say, writer, *writer.hears)) for writer in clients[::2]]
            await talk(stage, "direct: as fast as it goes", speakers, Pace(stage.bounds.rate))
            await crowd.settle()
        return crowd.row("direct", result, f"{pairs} pairs")


# Everybody at once


async def storm(stage: Stage) -> Row:
    """All come at once, all are cut off, and all come back, each after its own random pause."""
    watched = min(BYSTANDERS, stage.bounds.sockets // 2)
    count = stage.bounds.sockets - watched
    bystanders = [Client(stage.target, number % stage.fixture.people, reads=True) for number in range(watched)]
    others = range(watched, stage.bounds.sockets)
    clients = [Client(stage.target, number % stage.fixture.people, reads=True) for number in others]
    beats: list[float] = []
    async with gathered(stage, bystanders, "storm") as crowd:
        watching = asyncio.create_task(_beat(bystanders, beats))
        try:
            async with measured(stage.meter) as result:
                first = await _all_come(stage, clients, "storm: all come at once")
                for client in clients:
                    client.drop()
                again = await _all_come(stage, clients, "storm: all come back", late=True)
            cost = "" if result.cpu is None else f"; {result.cpu / (2 * count) * 1e3:.1f} ms of CPU for each connection"
            row = crowd.row("storm", result, f"all welcome after {first:.1f} s, again after {again:.1f} s{cost}")
        finally:
            watching.cancel()
            for client in clients:
                client.leave()
    row.sockets, row.latency = count, Percentiles.of(beats)
    row.lost = sum(not client.alive for client in (*clients, *bystanders))
    return row


async def _all_come(stage: Stage, clients: Sequence[Client], what: str, *, late: bool = False) -> float:
    """Returns after how many seconds the last of them was welcome, or that one gave up."""
    began = time.perf_counter()
    come = [0]

    async def count(client: Client) -> None:
        await _come(client, began + STORM_SECONDS, late=late)
        come[0] += 1
        done(come[0])

    with stage.progress.stage(what, len(clients)) as done:
        await asyncio.gather(*(count(client) for client in clients))
    return time.perf_counter() - began


async def _come(client: Client, deadline: float, *, late: bool) -> None:
    """Connects as PROTOCOL.md tells clients to: after each failure a pause that is random in full."""
    failures = 0
    while (now := time.perf_counter()) < deadline:
        if late or failures:
            await asyncio.sleep(random.uniform(0, min(BACK_OFF_MOST, BACK_OFF_FIRST * 2**failures)))
        try:
            await client.connect(within=deadline - now)
            return
        except OSError:  # TimeoutError is one
            failures += 1


async def _beat(clients: Sequence[Client], beats: list[float]) -> None:
    """Every bystander asks for a sign of life again and again. Whose socket ends is found missing afterwards."""

    async def beat(client: Client) -> None:
        with suppress(OSError):
            while True:
                answer = await client.ask("heartbeat", None)
                beats.append(answer.seconds)
                await asyncio.sleep(HEARTBEAT_SECONDS)

    await asyncio.gather(*(beat(client) for client in clients))


# A day


async def day(stage: Stage) -> Row:
    """Most people listen, one in a hundred writes, some open conversations, read and type, or look at old messages."""
    everybody = stage.bounds.sockets
    writing, active = max(1, round(everybody * WRITING)), max(1, round(everybody * ACTIVE))
    pages: list[float] = []
    rest = Rest(stage.target, 0)
    async with gathered(stage, crowd_of(stage, everybody, reading=max(SAMPLED, writing + active)), "day") as crowd:
        readers = readers_of(crowd)
        shuffled = random.sample(readers, len(readers))
        speakers = [
            *(Speaker(partial(_write, crowd, client), _about(stage, WRITER_PAUSE)) for client in shuffled[:writing]),
            *(
                Speaker(partial(_look_around, crowd, client), _about(stage, ACTIVE_PAUSE))
                for client in shuffled[-active:]
            ),
            Speaker(partial(_look_back, crowd, rest, stage.fixture.group, pages), _about(stage, PAGE_PAUSE)),
        ]
        async with measured(stage.meter) as result:
            await talk(stage, "day: people talk", speakers, Pace(stage.bounds.rate))
            await crowd.settle()
        rest.close()
        row = crowd.row("day", result, f"{writing} people write; {crowd.commands} other commands; {_seen(pages)}")
        row.mixed = True
        return row


def _about(stage: Stage, pause: float) -> Callable[[], float]:
    """Pauses as people make them: independent of each other. In a short run everything happens sooner."""
    mean = min(pause, stage.bounds.seconds / 4)
    return lambda: random.expovariate(1 / mean)


async def _write(crowd: Crowd, client: Client) -> None:
    """A person's next message: to the group, or to the neighbour."""
    conversation = random.choice(client.hears)
    await crowd.ask(client, "typing:start", conversation)
    await crowd.say(client, conversation)


async def _look_around(crowd: Crowd, client: Client) -> None:
    """Somebody opens a conversation, reads what has come last, and thinks about an answer."""
    conversation = random.choice(client.hears)
    await crowd.ask(client, "join:conversation", conversation)
    if client.newest:
        newest = msgspec.json.decode(client.newest, type=Delivery)
        await crowd.ask(client, "message:read", {"conversationId": newest.conversation, "messageId": newest.data.id})
    await crowd.ask(client, "typing:start", conversation)
    await crowd.ask(client, "typing:stop", conversation)


async def _look_back(crowd: Crowd, rest: Rest, conversation: str, pages: list[float]) -> None:
    """The newest page of the group's history, over REST."""
    try:
        pages.append(await asyncio.to_thread(rest.get, f"/api/conversations/{conversation}/messages/"))
    except RestError as error:
        if not error.retryable:
            raise BadTargetError(str(error)) from error
        await crowd.refuse(REFUSED_PAGE_PAUSE)


def _seen(pages: Sequence[float]) -> str:
    history = Percentiles.of(pages)
    if history is None:
        return "no page of history"
    return f"{len(pages)} pages of history, p50 {history.p50 * 1e3:.0f} ms, p99 {history.p99 * 1e3:.0f} ms"


# Those who do not read


async def slow(stage: Stage) -> Row:
    """Long messages to a group in which some sockets never read; before, for comparison, the same without them."""
    bounds, fixture = stage.bounds, stage.fixture
    stuck = [
        Client(stage.target, fixture.members - 1 - number % fixture.members, reads=True)
        for number in range(min(SLOW, bounds.sockets // 2))
    ]
    clients = crowd_of(stage, min(bounds.sockets - len(stuck), SLOW_READERS_MOST), only=fixture.group)
    async with gathered(stage, clients, "slow") as crowd:
        await _long_messages(stage, crowd, "slow: everybody reads")
        alone, lost, twice = crowd.row("slow", Measured()), crowd.lost(), crowd.twice()
        crowd.forget()
        async with gathered(stage, stuck, "slow") as _:
            for client in stuck:
                client.stop_reading()
            async with measured(stage.meter) as result:
                await _long_messages(stage, crowd, f"slow: {len(stuck)} sockets never read")
            ended = await _ended(stuck)
        before = f"{alone.latency.p50 * 1e3:.0f} and {alone.latency.p99 * 1e3:.0f} ms" if alone.latency else "unknown"
        note = f"{len(stuck)} never read, the server closed {ended} of them; p50 and p99 without them: {before}"
        row = crowd.row("slow", result, note)
        row.lost, row.twice, row.refused = row.lost + lost, row.twice + twice, row.refused + alone.refused
        return row


async def _long_messages(stage: Stage, crowd: Crowd, what: str) -> None:
    senders = readers_of(crowd)[:IN_FLIGHT]
    speakers = [Speaker(partial(crowd.say, sender, stage.fixture.group, LONG_TEXT)) for sender in senders]
    await talk(stage, what, speakers, Pace(stage.bounds.rate), seconds=stage.bounds.seconds / 2)
    await crowd.settle()


async def _ended(stuck: Sequence[Client]) -> int:
    """How many of them the server has given up: it shows when they begin to read."""
    for client in stuck:
        client.go_on_reading()
    ends = [asyncio.create_task(client.gone.wait()) for client in stuck]
    ended, waiting = await asyncio.wait(ends, timeout=STUCK_SECONDS)
    for end in waiting:
        end.cancel()
    return len(ended)


SCENARIOS: Final[dict[str, Callable[[Stage], Coroutine[Any, Any, Row]]]] = {
    "fanout": fanout,
    "paced": paced,
    "direct": direct,
    "storm": storm,
    "day": day,
    "slow": slow,
}
