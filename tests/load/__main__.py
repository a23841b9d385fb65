"""`python -m tests.load`: puts load on servers of its own, or within your bounds on yours, and writes the report."""

import argparse
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from tests.load import report
from tests.load.crowd import Bounds, Row, Stage
from tests.load.growth import Growth, Sizes, with_rows, with_sockets, with_workers
from tests.load.meter import Cores, Meter
from tests.load.place import fill, services, serving
from tests.load.progress import reporter
from tests.load.scenarios import SCENARIOS
from tests.load.target import BadTargetError, Fixture, Target, read_file
from tests.support.services import ServiceMissingError, fresh_database

GROWTH: Final = "growth"
HERE: Final = Path(__file__).parent
SOCKETS: Final = 500
SECONDS: Final = 10.0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    names = [*SCENARIOS, GROWTH]
    options.add_argument("what", nargs="*", metavar="WHAT", help=f"of {', '.join(names)}; without any, all of them")
    options.add_argument("--sockets", type=int, help=f"at most, at a time ({SOCKETS})")
    options.add_argument("--seconds", type=float, help=f"of each scenario ({SECONDS:g})")
    options.add_argument("--rate", type=float, help="messages a second, at most (as fast as they are stored)")
    options.add_argument("--report", type=Path, help="directory for REPORT.md and report.svg")
    yours = options.add_argument_group("a deployment of yours (then --sockets, --seconds and --rate are required)")
    yours.add_argument("--url", help="https://chat.example.org")
    yours.add_argument("--secret-file", type=Path, help="holds the deployment's AUTH_SECRET")
    yours.add_argument("--fixture", type=Path, help="what `manage.py loadtest_fixture` has printed there")
    given = options.parse_args(arguments)
    if unknown := [name for name in given.what if name not in names]:
        options.error(f"no such scenario: {', '.join(unknown)}")
    _complete(options, given)
    return given


def _complete(options: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Defaults, which are others for somebody's deployment; and what may not be left to a default there."""
    if given.url is None:
        given.what = given.what or [*SCENARIOS, GROWTH]
        given.sockets = SOCKETS if given.sockets is None else given.sockets
        given.seconds = SECONDS if given.seconds is None else given.seconds
        given.report = given.report or HERE
        if given.secret_file or given.fixture:
            options.error("--secret-file and --fixture belong to --url")
    else:
        given.what = given.what or list(SCENARIOS)
        given.report = given.report or Path()
        if missing := [
            n for n in ("secret_file", "fixture", "sockets", "seconds", "rate") if getattr(given, n) is None
        ]:
            options.error(f"--url needs {', '.join('--' + name.replace('_', '-') for name in missing)}")
        if GROWTH in given.what:
            options.error("growth fills databases and measures CPU: it needs servers of its own, without --url")
    if given.sockets < 2 or given.seconds <= 0 or (given.rate is not None and given.rate <= 0):
        options.error("--sockets must be at least 2, --seconds and --rate more than 0")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the process's exit code: 1 where something was lost or came twice, 2 where it could not be tried."""
    given = parse(sys.argv[1:] if arguments is None else arguments)
    _allow_many_files()
    try:
        outcome = _elsewhere(given) if given.url else _here(given)
    except (BadTargetError, ServiceMissingError, OSError) as problem:
        print(f"The load test has ended early: {str(problem) or type(problem).__name__}", file=sys.stderr)
        return 2
    print(report.write(outcome, given.report))
    return 1 if outcome.lost else 0


def _command() -> list[str]:
    return ["python", "-m", "tests.load", *sys.argv[1:]]


def _allow_many_files() -> None:
    """As many sockets as the system lets us have; servers that we start inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def play(names: Sequence[str], stage: Stage) -> list[Row]:
    """These scenarios, one after the other."""
    rows = []
    for name in names:
        rows.append(await SCENARIOS[name](stage))
        stage.progress.part_done()
    return rows


# A deployment of the user's


def _elsewhere(given: argparse.Namespace) -> report.Outcome:
    target = Target.at(given.url, read_file(given.secret_file))
    fixture = Fixture.read(read_file(given.fixture))
    bounds = Bounds(given.sockets, given.seconds, given.rate)
    print(
        f"{', '.join(given.what)} at {target.url}: up to {bounds.sockets} sockets at a time, up to {bounds.rate:g} "
        f"messages a second, {bounds.seconds:g} s each. The messages stay in its database.",
        file=sys.stderr,
    )
    with reporter(len(given.what)) as progress:
        rows = uvloop.run(play(given.what, Stage(target, fixture, bounds, Meter(None), progress)))
    where = [f"The load ran on {report.machine()}.", "The server's CPU and memory were not measured."]
    return report.Outcome(_command(), where, rows)


# Servers of one's own


def _here(given: argparse.Namespace) -> report.Outcome:
    cores = Cores()
    names = [name for name in given.what if name != GROWTH]
    bounds = Bounds(given.sockets, given.seconds, given.rate)
    with reporter(len(given.what)) as progress, services(progress) as running:
        cores.take_load_core()
        with fresh_database(running.postgres.url) as database_url:
            redis_url = running.redis.url
            fixture = fill(database_url, redis_url, progress)
            growth = Growth() if GROWTH in given.what else None
            with serving(database_url, redis_url, cores) as place:
                stage = Stage(place.target(), fixture, bounds, place.meter(), progress)
                rows = uvloop.run(play(names, stage))
                if growth:
                    uvloop.run(with_sockets(stage, Sizes(), cores, growth))
            if growth:
                uvloop.run(with_workers(database_url, redis_url, fixture, Sizes(), cores, progress, growth))
                uvloop.run(with_rows(running, Sizes(), cores, progress, growth))
                progress.part_done()
        where = [
            f"{report.machine()}, PostgreSQL {running.postgres.program.version} (without fsync),",
            f"Redis {running.redis.program.version}.",
            "The server had the first core, the load the last." if cores.pinned else "Nothing was bound to a core.",
        ]
    return report.Outcome(_command(), where, rows, growth)


if __name__ == "__main__":
    sys.exit(main())
