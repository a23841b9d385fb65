"""The long run of `make faults`: servers and Redis die again and again while people talk; writes REPORT.md.

What is counted here was done by the code beside it: device.py says what a client does, checker.py what must hold.
"""

import argparse
import asyncio
import os
import platform
import random
import shlex
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.rig import Rig, Town, installation, town

REPORT = Path(__file__).with_name("REPORT.md")
INTRODUCTION = """# The promises under faults

Two servers (`manage.py serve`), PostgreSQL and Redis of their own, and twenty people with two devices each, who write
to each other all the time. Meanwhile servers and Redis are killed. Then the checker compares every attempt,
acknowledgement and delivery with what is stored: nothing lost, nothing twice, one order without holes, and all devices
show the newest state. That the checker sees broken builds is a test of its own (test_broken_builds.py).

Writing devices go to either server, reading ones know one of them, which may be killed several times in a row.
"""
TALKS = 10  # of two people, each of whom writes at one device and reads at another
EVERY = 0.2  # seconds, of each writer
CALM = 1000  # messages before the first fault and after the last


@dataclass
class Tally:
    """What was done, and how long things took."""

    kills: int = 0
    redis_restarts: int = 0
    rolling_restarts: int = 0
    outages: list[tuple[float, float]] = field(default_factory=list)  # monotonic: begin and end of each fault


async def kill_a_server(place: Town, tally: Tally) -> None:
    """kill -9 at a random moment, and a new start while the others go on."""
    victim = random.choice(place.rig.servers)
    await asyncio.sleep(random.uniform(0, 0.3))
    await asyncio.to_thread(victim.kill)
    await place.acknowledged(random.randint(1, 100), within=60)
    await asyncio.to_thread(victim.start)
    tally.kills += 1


async def kill_both_servers(place: Town, tally: Tally) -> None:
    """A power cut: nobody is served for a while."""
    for server in place.rig.servers:
        await asyncio.to_thread(server.kill)
    await asyncio.gather(*(asyncio.to_thread(server.start) for server in place.rig.servers))
    tally.kills += 2


async def restart_redis(place: Town, tally: Tally) -> None:
    """kill -9 of Redis, and a new, empty one after a while."""
    await asyncio.to_thread(place.rig.redis.kill)
    await place.acknowledged(random.randint(1, 300), within=60)
    await asyncio.to_thread(place.rig.redis.start)
    tally.redis_restarts += 1


async def restart_in_turn(place: Town, tally: Tally) -> None:
    """A new version goes out."""
    for server in place.rig.servers:
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
    tally.rolling_restarts += 1


Fault = Callable[[Town, Tally], Awaitable[None]]


def plan(kills: int, redis_restarts: int) -> list[Fault]:
    """As many faults, mixed: every fifth kill is one of both servers."""
    both = kills // 10
    faults: list[Fault] = [
        *[kill_both_servers] * both,
        *[kill_a_server] * (kills - 2 * both),
        *[restart_redis] * redis_restarts,
        *[restart_in_turn] * (redis_restarts // 5),
    ]
    random.shuffle(faults)
    return faults


async def run(rig: Rig, faults: Sequence[Fault], messages: int) -> tuple[Town, Tally, float, list[str]]:
    """Everything that is planned, then silence, then the checker. Returns the seconds until all had converged too."""
    tally = Tally()
    async with town(rig, talks=TALKS) as place:
        async with place.talking(EVERY):
            await place.acknowledged(CALM, within=120)
            for number, fault in enumerate(faults, 1):
                await place.acknowledged(100, within=60)
                begun = time.monotonic()
                await fault(place, tally)
                tally.outages.append((begun, time.monotonic()))
                print(f"{number}/{len(faults)} {fault.__name__}, {place.log.acknowledged} acknowledged", flush=True)
            left = max(CALM, messages - place.log.acknowledged)
            while left > 0:
                await place.acknowledged(min(CALM, left), within=120)
                left -= CALM
                print(f"{place.log.acknowledged} acknowledged", flush=True)
        converged = await place.converge()
        return place, tally, converged, place.violations()


def percentile(values: Sequence[float], share: float) -> str:
    """In milliseconds, with its unit."""
    ordered = sorted(values)
    return f"{ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000:,.0f} ms"


def report(place: Town, tally: Tally, converged: float, found: Sequence[str], seconds: float, seed: int) -> str:
    """REPORT.md."""
    log = place.log
    calm: list[float] = []
    hit: list[float] = []
    for said, shown in log.shown_at:
        during = any(begin - 1 < shown and said < end + 1 for begin, end in tally.outages)
        (hit if during else calm).append(shown - said)
    rows = [
        ("kill -9 of a server", tally.kills),
        ("kill -9 of Redis and a new start", tally.redis_restarts),
        ("rolling restarts of both servers", tally.rolling_restarts),
        ("messages that people wanted to send", len(log.attempts)),
        ("acknowledged", log.acknowledged),
        ("edits acknowledged", sum(attempt.edit_acknowledged for attempt in log.attempts.values())),
        ("durable events heard over sockets", log.deliveries),
        ("connections", len(log.sockets)),
        ("**promises broken**", len(found)),
        ("until all devices showed what is stored, after the last message", f"{converged:.1f} s"),
        ("from saying to showing, apart from faults: p50, p99", f"{percentile(calm, 0.5)}, {percentile(calm, 0.99)}"),
        ("the same during faults: p50, p99, most", ", ".join(percentile(hit, share) for share in (0.5, 0.99, 1))),
    ]
    where = (
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, "
        f"PostgreSQL {place.rig.postgres.program.version}, Redis {place.rig.redis.program.version}, "
        f"{os.cpu_count()} cores, {seconds / 60:.0f} min."
    )
    lines = [
        INTRODUCTION,
        f"    {shlex.join(['python', '-m', 'tests.faults.long', *sys.argv[1:]])}    # seed {seed}",
        "",
        where,
        "",
        "| | |",
        "|---|---|",
        *(f"| {what} | {value:,} |" if isinstance(value, int) else f"| {what} | {value} |" for what, value in rows),
        "",
        *(f"- {sentence}" for sentence in found),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Returns the process's exit code: 0 where every promise was kept."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=40)
    options.add_argument("--redis-restarts", type=int, default=12)
    options.add_argument("--messages", type=int, default=25_000, help="go on until as many are acknowledged")
    options.add_argument("--seed", type=int, default=random.randrange(10**6))
    options.add_argument("--report", type=Path, default=REPORT)
    given = options.parse_args()
    random.seed(given.seed)
    begun = time.monotonic()
    with installation() as rig:
        place, tally, converged, found = asyncio.run(run(rig, plan(given.kills, given.redis_restarts), given.messages))
        text = report(place, tally, converged, found, time.monotonic() - begun, given.seed)
    given.report.write_text(text)
    print(text)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
