"""How costs grow: with sockets, with messages, with conversations, with workers. Each figure beside its wanted bound.

All on servers of the run's own: a figure needs the server's CPU time, or a database filled for it.
"""

import asyncio
import math
import statistics
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from tests.load import scratch
from tests.load.client import Client
from tests.load.crowd import Bounds, Stage, connect, gathered
from tests.load.figures import Line, fit, slopes
from tests.load.kernel import cost_of_sends
from tests.load.meter import Cores, Measured, Meter, measured
from tests.load.place import Place, Services, migrate, serving
from tests.load.progress import Reporter
from tests.load.rest import Rest
from tests.load.scenarios import crowd_of, direct, paced_rate, talk_paced
from tests.load.scratch import Owner
from tests.load.target import Fixture, Target
from tests.support.services import fresh_database

FLAT: Final = 0.15
KERNEL_MOST: Final = 2.0
CONNECT_MOST: Final = 1.3
WORKERS_MOST: Final = 1.15
LIST_PAGE: Final = 10
AT_ONCE: Final = 10  # connections at the same time, where connecting is measured
CLOSED_SECONDS: Final = 0.3  # until the server is done with those who have left
FRAME_HEAD: Final = 4  # bytes, of a frame of 126 to 65,535 bytes


@dataclass(frozen=True)
class Sizes:
    """Between what and what is compared, and how long is measured."""

    sockets: Sequence[int] = (50, 500, 1000, 2000)
    seconds: float = 4
    rounds: int = 3
    pairs: int = 100
    worker_rounds: int = 2
    histories: tuple[int, int] = (1_000, 1_000_000)
    lists: tuple[int, int] = (10, 1_000)
    conversations: tuple[int, int] = (2, 200)
    connects: int = 100
    requests: int = 60


@dataclass(frozen=True)
class Figure:
    """What was measured, and whether it is within what is wanted; `ok` is None where nothing is."""

    what: str
    measured: str
    wanted: str = ""
    ok: bool | None = None


class Cost(NamedTuple):
    """Seconds of CPU: of a message, and of handing its bytes to all sockets and nothing else."""

    message: float
    send: float


@dataclass
class Growth:
    """What came out."""

    figures: list[Figure] = field(default_factory=list)
    costs: dict[int, Cost] = field(default_factory=dict)  # by sockets
    line: Line | None = None
    lost: int = 0


# Sockets


async def with_sockets(stage: Stage, sizes: Sizes, cores: Cores, growth: Growth) -> None:
    """The cost of a message by the number of sockets that hear it, and of the bare send() of the same bytes.

    All numbers in turn, again and again, and of each the least: whatever else the machine does can only add to it.
    """
    rate = paced_rate(stage.bounds)
    least = dict.fromkeys(sizes.sockets, Cost(math.inf, math.inf))
    for number in range(1, sizes.rounds + 1):
        for sockets in sizes.sockets:
            what = f"growth: {sockets} sockets, {number} of {sizes.rounds}"
            message, size = await _cost_of_message(stage, sockets, sizes, growth, what)
            with stage.progress.stage(f"{what}, send() alone"):
                send = await cost_of_sends(cores, sockets=sockets, size=size, rate=rate, seconds=sizes.seconds)
            least[sockets] = Cost(min(message, least[sockets].message), min(send, least[sockets].send))
    growth.costs = least
    growth.line = line = fit([(sockets, cost.message) for sockets, cost in least.items()])
    bare = fit([(sockets, cost.send) for sockets, cost in least.items()])
    sections = slopes([(sockets, cost.message) for sockets, cost in least.items()])
    furthest = max((section / line.b - 1 for section in sections), key=abs)
    growth.figures += [
        Figure("a: a message by itself, stored and acknowledged", f"{line.a * 1e3:.2f} ms"),
        Figure("b: each socket that hears it", f"{line.b * 1e6:.1f} µs"),
        Figure(
            f"b from {sizes.sockets[0]:,} to {sizes.sockets[-1]:,} sockets: the section that is furthest from it",
            f"{furthest:+.0%}",
            f"± {FLAT:.0%}",
            abs(furthest) <= FLAT,
        ),
        _ratio("b against the kernel's send() of the same bytes", line.b, bare.b, 1e6, "µs", KERNEL_MOST),
    ]


async def _cost_of_message(stage: Stage, sockets: int, sizes: Sizes, growth: Growth, what: str) -> tuple[float, int]:
    """Seconds of CPU, and the bytes that each socket gets."""
    rate = paced_rate(stage.bounds)
    async with gathered(stage, crowd_of(stage, sockets, only=stage.fixture.group), what) as crowd:
        await talk_paced(stage, crowd, rate, sizes.seconds / 4, f"{what}, warming up")
        await crowd.settle()
        growth.lost += crowd.lost() + crowd.twice()
        crowd.forget()
        async with measured(stage.meter) as result:
            await talk_paced(stage, crowd, rate, sizes.seconds, what)
            await crowd.settle()
        growth.lost += crowd.lost() + crowd.twice()
        size = max(len(client.newest) for client in crowd.clients) + FRAME_HEAD
        return _each(result, crowd.messages), size


# Workers


async def with_workers(
    database_url: str, redis_url: str, fixture: Fixture, sizes: Sizes, cores: Cores, progress: Reporter, growth: Growth
) -> None:
    """CPU of a stored message of pairs who write to each other, with one worker and with two.

    As fast as they can, and at the same pace for both: in the first case two workers also have smaller batches.
    """
    fast, steady = ({1: math.inf, 2: math.inf} for _ in range(2))
    busiest, pace = 0.0, None
    for workers in (1, 2) * sizes.worker_rounds:
        with serving(database_url, redis_url, cores, workers=workers) as place:
            bounds = Bounds(2 * sizes.pairs, sizes.seconds)
            stage = Stage(place.target(), fixture, bounds, place.meter(), progress)
            await direct(replace(stage, bounds=replace(bounds, seconds=sizes.seconds / 4)))  # warms up
            before = _by_process(stage.meter)
            row = await direct(stage)
            used = [cpu - before[pid] for pid, cpu in _by_process(stage.meter).items()]
            busiest = max(busiest, max(used) / sum(used)) if workers == 2 else busiest
            pace = pace or row.messages / row.measured.seconds / 2
            calm = await direct(replace(stage, bounds=replace(bounds, rate=pace)))
        for least, seen in ((fast, row), (steady, calm)):
            growth.lost += seen.lost + seen.twice
            least[workers] = min(least[workers], _each(seen.measured, seen.messages))
    shown = "a message of pairs, two workers against one,"
    growth.figures += [
        _ratio(f"{shown} as fast as it goes", fast[2], fast[1], 1e3, "ms", WORKERS_MOST),
        _ratio(f"{shown} {pace:,.0f} a second", steady[2], steady[1], 1e3, "ms", WORKERS_MOST),
        # If one of two had done everything, the other would have cost nothing.
        Figure("the most that one of the two workers did of it", f"{busiest:.0%}"),
    ]


def _by_process(meter: Meter) -> dict[int, float]:
    return {pid: meter.cpu_of(pid) for pid in meter.pids}


def _each(result: Measured, count: int) -> float:
    """Seconds of CPU for each of so many."""
    assert result.cpu is not None, "growth needs /proc"
    return result.cpu / max(1, count)


# Rows


async def with_rows(services: Services, sizes: Sizes, cores: Cores, progress: Reporter, growth: Growth) -> None:
    """History, list and connecting, in a database with much and with little for each of them."""
    few, many = sizes.conversations
    owners = [
        *(Owner(1, messages) for messages in sizes.histories),
        *(Owner(conversations) for conversations in sizes.lists),
        *[Owner(few)] * sizes.connects,
        *[Owner(many)] * sizes.connects,
    ]
    with fresh_database(services.postgres.url) as database_url:
        with progress.stage(f"growth: {sizes.histories[-1]:,} messages in one conversation"):
            migrate(database_url, services.redis.url)
            await asyncio.to_thread(scratch.fill, database_url, owners)
        with serving(database_url, services.redis.url, cores) as place:
            target = place.target(scratch.PREFIX)
            with progress.stage("growth: pages of history and lists"):
                growth.figures += await asyncio.to_thread(_pages, target, database_url, sizes)
            with progress.stage("growth: people connect"):
                growth.figures.append(await _connecting(place, target, sizes))


def _pages(target: Target, database_url: str, sizes: Sizes) -> list[Figure]:
    """REST, over one connection for each owner."""
    short, long = sizes.histories
    messages = [f"/api/conversations/{scratch.conversations_of(database_url, owner)[0]}/messages/" for owner in (0, 1)]
    middles = [f"{path}?before={length // 2}" for path, length in zip(messages, sizes.histories, strict=True)]
    lists = [f"/api/conversations/?limit={LIST_PAGE}"] * 2
    grown = f"{long:,} messages against {short:,}"
    few, many = sizes.lists
    return [
        _page_figure(f"newest page of history, {grown}", target, (0, 1), messages, sizes),
        _page_figure(f"page in the middle of history, {grown}", target, (0, 1), middles, sizes),
        _page_figure(f"{LIST_PAGE} conversations of {many:,} against of {few}", target, (2, 3), lists, sizes),
    ]


def _page_figure(what: str, target: Target, people: Sequence[int], paths: Sequence[str], sizes: Sizes) -> Figure:
    """In turn, so that whatever else the machine does meets both alike."""
    with closing(Rest(target, people[0])) as small, closing(Rest(target, people[1])) as large:
        times = [(small.get(paths[0]), large.get(paths[1])) for _ in range(sizes.requests)]
    less, more = (statistics.median(column) for column in zip(*times, strict=True))
    return _ratio(what, more, less, 1e3, "ms", 1 + FLAT)


async def _connecting(place: Place, target: Target, sizes: Sizes) -> Figure:
    first = len(sizes.histories) + len(sizes.lists)
    groups = [range(start, start + sizes.connects) for start in (first, first + sizes.connects)]
    costs: list[list[float]] = [[], []]
    for number in range(sizes.rounds + 1):
        for people, cost in zip(groups, costs, strict=True):
            one = await _cost_of_connecting(place, target, people)
            if number:  # the round before the first warms up
                cost.append(one)
    less, more = (statistics.median(cost) for cost in costs)
    few, many = sizes.conversations
    return _ratio(f"connecting with {many} conversations against {few}", more, less, 1e3, "ms", CONNECT_MOST)


async def _cost_of_connecting(place: Place, target: Target, people: range) -> float:
    """Seconds of CPU for somebody's coming and going."""
    clients = [Client(target, person) for person in people]
    async with measured(place.meter()) as result:
        await connect(clients, at_once=AT_ONCE)
        for client in clients:
            client.leave()
        await asyncio.sleep(CLOSED_SECONDS)
    return _each(result, len(clients))


def _ratio(what: str, value: float, against: float, scale: float, unit: str, most: float) -> Figure:
    ratio = value / against
    shown = f"{value * scale:.2f} / {against * scale:.2f} {unit} = {ratio:.2f}"
    return Figure(what, shown, f"≤ {most:g}", ratio <= most)
