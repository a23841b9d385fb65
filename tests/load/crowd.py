"""Many clients at once, and the account of what they said and heard: who should have heard what, and has not."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.load.client import Answer, Client
from tests.load.figures import Percentiles
from tests.load.meter import Measured, Meter
from tests.load.progress import Advance, Reporter
from tests.load.target import Fixture, Target

AT_ONCE: Final = 50  # sockets that connect at the same time, where connecting is not what is measured
QUIET_SECONDS: Final = 5  # so long after the last arrival, what has not come is lost
SETTLE_SECONDS: Final = 60
PROOF_OF_LIFE_SECONDS: Final = 20  # the server closes a socket that is silent for a minute
SAMPLED: Final = 20  # sockets that read what they get and look at its age
TEXT: Final = "Who has eggs, and who would like some of my tomatoes? Saturday from nine."


@dataclass(frozen=True)
class Bounds:
    """What a scenario may use at most. Without a rate, messages follow each other as fast as they are stored."""

    sockets: int
    seconds: float
    rate: float | None = None


@dataclass(frozen=True)
class Stage:
    """Where a scenario plays."""

    target: Target
    fixture: Fixture
    bounds: Bounds
    meter: Meter
    progress: Reporter


@dataclass
class Row:
    """A line of the report. What could not be measured, or does not apply, is None."""

    scenario: str
    sockets: int
    measured: Measured
    messages: int
    deliveries: int
    latency: Percentiles | None
    lost: int = 0
    twice: int = 0
    refused: int = 0
    note: str = ""
    mixed: bool = False  # the server did more than store and deliver: its CPU cannot be shared out over messages


class Pace:
    """Turns for speaking: no more than `rate` a second over all who ask; without a rate at once."""

    def __init__(self, rate: float | None) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._next = 0.0

    async def turn(self, until: float) -> bool:
        """Waits for the next turn. False, and at once, where that would come too late."""
        now = time.perf_counter()
        at = max(now, self._next)
        if at >= until:
            return False
        self._next = at + self._gap
        if at > now:
            await asyncio.sleep(at - now)
        return True


@dataclass(frozen=True)
class Speaker:
    """Somebody who does one thing again and again, each time after a pause."""

    act: Callable[[], Awaitable[None]]
    pause: Callable[[], float] = lambda: 0.0


class Crowd:
    """Connected clients. `async with gathered(stage, clients) as crowd: …`."""

    def __init__(self, clients: Sequence[Client]) -> None:
        self.clients = clients
        self.stored: Counter[str] = Counter()  # messages acknowledged, by conversation
        self.unanswered: Counter[str] = Counter()
        self.commands = 0  # other commands that were answered
        self.refused = 0

    # Speaking

    async def say(self, client: Client, conversation: str, text: str = TEXT) -> None:
        """One message, and its acknowledgement. After a refusal it waits as it is told to."""
        self.unanswered[conversation] += 1
        answer = await client.say(conversation, text)
        self.unanswered[conversation] -= 1
        self.stored[conversation] += answer.ok
        await self._heed(answer)

    async def ask(self, client: Client, event: str, data: Any) -> None:
        """Any other command."""
        answer = await client.ask(event, data)
        self.commands += 1
        await self._heed(answer)

    async def _heed(self, answer: Answer) -> None:
        if not answer.ok:
            await self.refuse(answer.retry_after)

    async def refuse(self, retry_after: float) -> None:
        """Something was refused; whoever asked waits as they were told to."""
        self.refused += 1
        await asyncio.sleep(retry_after)

    # The account

    @property
    def messages(self) -> int:
        return self.stored.total()

    @property
    def deliveries(self) -> int:
        return sum(client.received for client in self.clients)

    @property
    def latencies(self) -> list[float]:
        return [seconds for client in self.clients for seconds in client.latencies]

    def lost(self) -> int:
        """Messages nobody acknowledged, and deliveries of acknowledged ones that are missing."""
        missing = sum(max(0, self._stored_for(client) - client.received) for client in self.clients)
        return missing + self.unanswered.total()

    def twice(self) -> int:
        """Deliveries too many. A message without an acknowledgement may have been stored all the same."""
        return sum(
            max(0, client.received - self._stored_for(client) - sum(self.unanswered[what] for what in client.hears))
            for client in self.clients
        )

    def _stored_for(self, client: Client) -> int:
        return sum(self.stored[conversation] for conversation in client.hears)

    async def settle(self) -> None:
        """Returns when everything has arrived, or nothing does any more."""
        heard, heard_at = -1, time.perf_counter()
        give_up = heard_at + SETTLE_SECONDS
        while self.lost() and (now := time.perf_counter()) < give_up:
            if self.deliveries != heard:
                heard, heard_at = self.deliveries, now
            if now - heard_at > QUIET_SECONDS:
                return
            await asyncio.sleep(0.02)

    def forget(self) -> None:
        """Begin a new account with the same clients."""
        self.stored.clear()
        self.unanswered.clear()
        self.commands = self.refused = 0
        for client in self.clients:
            client.received = 0
            client.latencies.clear()

    def row(self, scenario: str, measured: Measured, note: str = "") -> Row:
        return Row(
            scenario,
            len(self.clients),
            measured,
            self.messages,
            self.deliveries,
            Percentiles.of(self.latencies),
            self.lost(),
            self.twice(),
            self.refused,
            note,
        )


@asynccontextmanager
async def gathered(stage: Stage, clients: Sequence[Client], what: str) -> AsyncIterator[Crowd]:
    """These clients, connected; afterwards they leave."""
    crowd = Crowd(clients)
    alive = asyncio.create_task(_prove_life(crowd))
    try:
        with stage.progress.stage(f"{what}: {len(clients)} sockets connect", len(clients)) as done:
            await connect(clients, done)
        yield crowd
    finally:
        alive.cancel()
        for client in clients:
            client.leave()


async def connect(clients: Sequence[Client], done: Advance = lambda _: None, at_once: int = AT_ONCE) -> None:
    """Connects them, some at a time. Raises OSError where the server does not want one of them."""
    for first in range(0, len(clients), at_once):
        await asyncio.gather(*(client.connect() for client in clients[first : first + at_once]))
        done(first + at_once)


async def _prove_life(crowd: Crowd) -> None:
    while True:
        await asyncio.sleep(PROOF_OF_LIFE_SECONDS)
        for client in crowd.clients:
            if client.alive:
                client.tell("heartbeat")


async def talk(
    stage: Stage, what: str, speakers: Sequence[Speaker], pace: Pace, *, seconds: float | None = None
) -> None:
    """Everybody does what they do until the time is over."""
    seconds = seconds or stage.bounds.seconds
    until = time.perf_counter() + seconds

    async def speak(speaker: Speaker) -> None:
        while True:
            await asyncio.sleep(min(speaker.pause(), until - time.perf_counter()))
            if not await pace.turn(until):
                return
            await speaker.act()

    with stage.progress.stage(what, seconds) as done:
        ticking = asyncio.create_task(_tick(done))
        tasks = [asyncio.create_task(speak(speaker)) for speaker in speakers]
        # What was said but not answered by then stays in the account.
        await asyncio.wait(tasks, timeout=seconds + SETTLE_SECONDS)
        ticking.cancel()
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            # A socket that ended is in the account too: what it should have heard is lost.
            if isinstance(ended, Exception) and not isinstance(ended, OSError):
                raise ended


async def _tick(done: Advance) -> None:
    began = time.perf_counter()
    while True:
        done(time.perf_counter() - began)
        await asyncio.sleep(0.25)
