"""The load test itself: it counts rightly, draws the right line, and loses nothing on a small server. Not how fast."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import psycopg
import pytest

from localroots_chat.management.commands import loadtest_fixture
from tests.load import report
from tests.load.__main__ import main, parse
from tests.load.client import Client
from tests.load.crowd import Bounds, Crowd, Row, Stage
from tests.load.figures import Line, Percentiles, fit, slopes
from tests.load.growth import Growth, Sizes, with_rows, with_sockets, with_workers
from tests.load.meter import Cores, Measured, Meter
from tests.load.place import Place, Services, migrate, serving
from tests.load.progress import Lines
from tests.load.scenarios import SCENARIOS
from tests.load.target import GROUP_MEMBERS, BadTargetError, Fixture, Target
from tests.load.wire import NEW, PING, TEXT, EventCounter, FrameReader, client_frame
from tests.support.people import Person
from tests.support.services import PostgresServer, RedisServer, fresh_database

PEOPLE = 8
SECRET = "a secret for tests that is long enough"
DELIVERY = b'{"event":"message:new","data":{"content":"\\"event\\":\\"message:new\\""},"version":1}'
TINY = Sizes(
    sockets=(2, 6),
    seconds=0.3,
    rounds=1,
    pairs=2,
    worker_rounds=1,
    histories=(10, 200),
    lists=(1, 12),
    conversations=(1, 3),
    connects=3,
    requests=2,
)
A_GROUP_OF_ALL = """
WITH talk AS (INSERT INTO conversations_conversation
    (id, type, member_count, first_seq, last_seq, version, meta_version)
  SELECT gen_random_uuid(), 'GROUP', count(*), 1, 0, 0, 0 FROM accounts_user RETURNING id),
named AS (INSERT INTO groups_group
    (id, conversation_id, name, description, image_url, category, visibility, created_by_id)
  SELECT gen_random_uuid(), talk.id, 'Valley food share', '', '', 'FOOD_SHARE', 'PUBLIC', u.id
  FROM talk JOIN accounts_user u ON u.public_id = 'u0'),
seats AS (INSERT INTO conversations_participant (conversation_id, user_id, role, muted, last_read_seq)
  SELECT talk.id, u.id, 'MEMBER', false, 0 FROM talk CROSS JOIN accounts_user u)
SELECT id::text FROM talk"""


# Frames


def server_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """As a server sends it: not masked."""
    masked = client_frame(payload, opcode)
    head = len(masked) - len(payload) - 4
    return bytes([masked[0], masked[1] & 0x7F]) + masked[2:head] + payload


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_frames_of_every_size_are_read(size: int) -> None:
    payload = b"x" * size
    assert FrameReader().feed(server_frame(payload)) == [(TEXT, payload)]


def test_frames_are_read_wherever_the_network_cuts_them() -> None:
    stream = server_frame(b"one") + server_frame(b"", PING) + server_frame(b"y" * 300)
    for cut in range(len(stream)):
        reader = FrameReader()
        frames = reader.feed(stream[:cut]) + reader.feed(stream[cut:])
        assert frames == [(TEXT, b"one"), (PING, b""), (TEXT, b"y" * 300)]


def test_what_a_client_sends_is_masked_with_zeros() -> None:
    assert client_frame(b"hello") == bytes([0x81, 0x85, 0, 0, 0, 0]) + b"hello"


def test_deliveries_are_counted_once_wherever_the_network_cuts_them() -> None:
    other = b'{"event":"message:read","data":{}}'
    stream = b"".join(map(server_frame, (DELIVERY, other, DELIVERY, NEW)))
    for first in range(len(stream)):
        for second in (first, first + 1, first + len(NEW) - 1, first + len(NEW)):
            counter = EventCounter()
            assert sum(map(counter.feed, (stream[:first], stream[first:second], stream[second:]))) == 3


# Arithmetic


def test_the_fit_finds_the_line() -> None:
    assert fit([(x, 3 + 2 * x) for x in (1, 10, 100)]) == pytest.approx(Line(3, 2))
    assert Line(3, 2).at(10) == 23


def test_the_fit_believes_small_costs_as_much_as_large_ones() -> None:
    line = fit([(0, 1.0), (50, 51.0), (1000, 1101.0)])  # the dearest is a tenth too dear
    assert line.a == pytest.approx(1, rel=0.05)


def test_slopes_are_those_between_neighbours() -> None:
    assert slopes([(0, 0), (1, 1), (3, 7)]) == [1, 3]


def test_percentiles() -> None:
    assert Percentiles.of([]) is None
    assert Percentiles.of([3]) == Percentiles(3, 3, 3)
    assert Percentiles.of(list(range(100, 0, -1))) == Percentiles(51, 96, 100)


# The account


def crowd(received: int) -> Crowd:
    client = Client(Target.at("http://127.0.0.1", SECRET), 0, "talk")
    client.received = received
    return Crowd([client])


def test_what_was_stored_and_did_not_arrive_is_lost() -> None:
    account = crowd(received=1)
    account.stored["talk"] = 3
    account.stored["elsewhere"] = 5
    assert (account.lost(), account.twice()) == (2, 0)


def test_what_nobody_answered_is_lost() -> None:
    account = crowd(received=3)
    account.stored["talk"], account.unanswered["talk"] = 2, 1
    assert (account.lost(), account.twice()) == (1, 0)  # it may have been stored all the same, and arrived


def test_what_arrives_too_often_is_seen() -> None:
    account = crowd(received=3)
    account.stored["talk"] = 2
    assert (account.lost(), account.twice()) == (0, 1)


def test_a_run_that_loses_is_told_from_one_that_does_not() -> None:
    def outcome(lost: int, twice: int = 0, in_growth: int = 0) -> report.Outcome:
        row = Row("fanout", 1, Measured(1), 1, 1, None, lost, twice)
        return report.Outcome([], [], [row], Growth(lost=in_growth))

    assert not outcome(0).lost
    assert outcome(1).lost
    assert outcome(0, twice=1).lost
    assert outcome(0, in_growth=1).lost


# What the user gives


def test_all_is_run_where_nothing_is_chosen() -> None:
    assert parse([]).what == [*SCENARIOS, "growth"]
    assert parse(["day"]).what == ["day"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--url", "https://chat.example.org", "--seconds", "1"], "--secret-file, --fixture, --sockets, --rate"),
        (["marathon"], "marathon"),
        (["--sockets", "0"], "--sockets"),
        (["--sockets", "-5"], "--sockets"),
        (["--fixture", "there.json"], "--url"),
    ],
)
def test_nonsense_is_refused_at_once(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)
    assert complaint in capsys.readouterr().err


def test_growth_is_not_for_a_deployment(tmp_path: Path) -> None:
    bounds = ["--sockets", "2", "--seconds", "1", "--rate", "1"]
    with pytest.raises(SystemExit):
        parse(["growth", "--url", "http://x", "--secret-file", "s", "--fixture", "f", *bounds])


def test_addresses() -> None:
    assert Target.at("https://chat.example.org/", SECRET).url == "https://chat.example.org"
    assert Target.at("http://[::1]:8000/chat", SECRET).url == "http://[::1]:8000/chat"
    with pytest.raises(BadTargetError):
        Target.at("chat.example.org", SECRET)


def test_a_fixture_is_what_the_command_prints() -> None:
    assert loadtest_fixture.GROUP_MEMBERS == GROUP_MEMBERS
    assert Fixture.read('{"group": "g", "pairs": ["p"]}') == Fixture("g", ["p"])
    with pytest.raises(BadTargetError):
        Fixture.read("[]")


# A small server


@pytest.fixture(scope="module")
def running() -> Iterator[Services]:
    with PostgresServer() as postgres, RedisServer() as redis:
        yield Services(postgres, redis)


@pytest.fixture(scope="module")
def database(running: Services) -> Iterator[str]:
    with fresh_database(running.postgres.url) as database_url:
        yield database_url


@pytest.fixture(scope="module")
def fixture(running: Services, database: str) -> Fixture:
    """A few people in a group and in pairs, as loadtest_fixture makes thousands."""
    migrate(database, running.redis.url)
    with ExitStack() as stack, serving_small(running, database) as place:
        people = [Person(f"u{number}", place.server, sub=f"u{number}") for number in range(PEOPLE)]
        for person in people:
            stack.callback(person.close)
            person.arrives()
        pairs = [one.talks_to(other)["id"] for one, other in zip(people[::2], people[1::2], strict=True)]
    with psycopg.connect(database) as connection:
        found = connection.execute(A_GROUP_OF_ALL).fetchone()
        assert found is not None
        return Fixture(found[0], pairs, PEOPLE)


def serving_small(running: Services, database: str) -> AbstractContextManager[Place]:
    return serving(database, running.redis.url, Cores(pinned=False))


@pytest.fixture
def place(running: Services, database: str, fixture: Fixture) -> Iterator[Place]:
    with serving_small(running, database) as server:
        yield server


def test_every_scenario_loses_nothing_and_has_a_row(place: Place, fixture: Fixture, tmp_path: Path) -> None:
    target = place.target()
    secret, conversations = tmp_path / "secret", tmp_path / "fixture.json"
    secret.write_text(target.secret + "\n")
    given = {"group": fixture.group, "pairs": fixture.pairs, "members": fixture.members}
    conversations.write_text(json.dumps(given))
    here = ["--url", target.url, "--secret-file", str(secret), "--fixture", str(conversations)]
    bounds = ["--sockets", "12", "--seconds", "1", "--rate", "100", "--report", str(tmp_path)]
    assert main([*here, *bounds]) == 0
    written = (tmp_path / report.NAME).read_text()
    for scenario in SCENARIOS:
        assert f"| {scenario} " in written
    assert "<svg" in (tmp_path / report.PLOT).read_text()


def test_a_server_of_ones_own_is_measured(place: Place, fixture: Fixture) -> None:
    meter = place.meter()
    if not meter.pids:
        pytest.skip("there is no /proc")
    stage = Stage(place.target(), fixture, Bounds(4, 0.5), meter, Lines(1))
    row = asyncio.run(SCENARIOS["fanout"](stage))
    assert row.lost == row.twice == row.refused == 0
    assert row.deliveries == 4 * row.messages > 0
    assert row.measured.cpu
    assert row.measured.memory


def test_growth(running: Services, database: str, fixture: Fixture, tmp_path: Path) -> None:
    cores, progress, growth = Cores(pinned=False), Lines(1), Growth()
    with serving_small(running, database) as place:
        stage = Stage(place.target(), fixture, Bounds(8, 1), place.meter(), progress)
        if not stage.meter.pids:
            pytest.skip("there is no /proc")
        asyncio.run(with_sockets(stage, TINY, cores, growth))
    asyncio.run(with_workers(database, running.redis.url, fixture, TINY, cores, progress, growth))
    asyncio.run(with_rows(running, TINY, cores, progress, growth))
    assert growth.lost == 0
    written = report.write(report.Outcome(["growth"], ["Here."], [], growth), tmp_path)
    for what in (
        "a: ",
        "b: ",
        "send()",
        "two workers",
        "newest page",
        "middle of",
        "conversations of 12",
        "connecting",
    ):
        assert what in written


def test_a_deployment_that_is_not_there_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret, conversations = tmp_path / "secret", tmp_path / "fixture.json"
    secret.write_text(SECRET)
    conversations.write_text('{"group": "g", "pairs": ["p"]}')
    nowhere = ["--url", "http://127.0.0.1:1", "--secret-file", str(secret), "--fixture", str(conversations)]
    assert main([*nowhere, "--sockets", "2", "--seconds", "1", "--rate", "1", "--report", str(tmp_path)]) == 2
    assert "ended early" in capsys.readouterr().err
    assert not (tmp_path / report.NAME).exists()


def test_a_meter_of_nothing_measures_nothing() -> None:
    meter = Meter(None)
    assert meter.cpu() is None
    assert meter.memory() is None
