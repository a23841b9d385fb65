"""PostgreSQL restarts, freezes, loses its lines, is locked, full or read only: everybody is told so in time, nothing is
acknowledged that is not stored, and a moment after its return all is well, on the same sockets and without a restart.
"""

import asyncio
import random
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

import httpx
import psycopg
import pytest
from psycopg import sql
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.faults.checker import Attempt, Log, violations
from tests.faults.rig import Rig, Town, town
from tests.support.people import Person
from tests.support.servers import ROOT, ChatServer
from tests.support.sockets import Frame, SocketClient

ANSWERED_SECONDS = 6  # a command, while the database is away or gives nothing
REST_SECONDS = 12  # a request, then
ALIVE_SECONDS = 1  # a heartbeat or /healthz, at any time
BACK_SECONDS = 2  # until everything works, after the return of the database
OTHERS_SECONDS = 2  # a send, while somebody else's conversation is held
FLOOD = 100  # refusals that are a client's own fault end its socket
THREADS = 18  # of a server: CHAT_DATABASE_THREADS + CHAT_HTTP_THREADS + CHAT_UPLOAD_THREADS

COME_BACK = {1011, 1012}  # close codes that say nothing against the client or its token

Json = dict[str, Any]
Command = tuple[str, Json]
Request = tuple[str, str, Json | None]
T = TypeVar("T")


async def together(*work: Coroutine[Any, Any, object]) -> None:
    """All at once. The first failure ends the others."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def within(seconds: float, what: object, work: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise AssertionError(f"{what}: not within {seconds} s") from None


class Witness:
    """Somebody with more sockets than a server has threads for the database, and REST, to whom nothing is lost."""

    def __init__(self, person: Person, conversation: str, log: Log) -> None:
        self.person, self.conversation, self.log = person, conversation, log
        self._refused: list[Json] = []

    @asynccontextmanager
    async def watching(self) -> AsyncIterator["Witness"]:
        person = self.person
        async with AsyncExitStack() as stack:
            client = httpx.AsyncClient(
                base_url=person.server.base_url,
                headers={"Authorization": f"Bearer {person.token}"},
                limits=httpx.Limits(max_keepalive_connections=0),  # the server ends idle ones, perhaps just then
                timeout=30,
                trust_env=False,
            )
            self.rest = await stack.enter_async_context(client)
            self.sockets = [await stack.enter_async_context(person.connect()) for _ in range(11)]
            said = await self.sockets[0].ask("message:send", self._message())
            self.said: str = said["message"]["id"]
            yield self

    # What can be asked

    def _message(self) -> Json:
        return new_message(self.log, self.conversation)

    def writing(self) -> list[Command]:
        """Commands that store something."""
        return [
            ("message:send", self._message()),
            ("message:send", {**self._message(), "replyTo": self.said}),
            ("message:react", {"messageId": self.said, "emoji": "🍅"}),
        ]

    def reading(self) -> list[Command]:
        return [
            ("message:read", {"conversationId": self.conversation, "messageId": self.said}),
            ("join:conversation", {"conversationId": self.conversation}),
            ("sync", {"cursors": {self.conversation: 0}}),
            ("auth", {"token": self.person.token}),
        ]

    def putting(self) -> list[Request]:
        """Requests that store something."""
        conversation = f"/api/conversations/{self.conversation}"
        return [
            ("POST", f"{conversation}/messages/", self._message()),
            ("POST", f"{conversation}/read/", {"messageId": self.said}),
            ("PUT", f"/api/messages/{self.said}/reactions/🥕/", None),
            ("PATCH", f"{conversation}/", {"muted": True}),
        ]

    def getting(self) -> list[Request]:
        conversation = f"/api/conversations/{self.conversation}"
        paths = [f"{conversation}/", f"{conversation}/messages/", f"/api/messages/{self.said}/"]
        return [("GET", path, None) for path in (*paths, "/api/conversations/", "/api/me/")]

    # While it is away

    async def finds_it_away(self) -> None:
        """Whatever is asked is refused in time, and a good token is not called a bad one."""
        await together(
            self.is_refused([*self.writing(), *self.reading()], [*self.putting(), *self.getting()]),
            self.is_not_ready(),
            self._arrives_in_vain(),
        )

    async def is_refused(self, commands: Sequence[Command], requests: Sequence[Request]) -> None:
        """All of this is answered with `unavailable`, in time; and all the while the server is alive."""
        asked = map(self._asks_in_vain, self.sockets, commands)
        questions = asyncio.create_task(together(*asked, *map(self._requests_in_vain, requests)))
        try:
            while not questions.done():
                await self._finds_it_alive()
                await asyncio.wait([questions], timeout=0.2)
            await questions
        finally:
            questions.cancel()

    async def _asks_in_vain(self, socket: SocketClient, command: Command) -> None:
        error = await socket.ask_refused(*command, code="unavailable", within=ANSWERED_SECONDS)
        assert error["retryable"] is True
        self._remember(command[1])
        await socket.ask("heartbeat", within=ALIVE_SECONDS)

    async def _requests_in_vain(self, request: Request) -> None:
        answer = await within(REST_SECONDS, request, self._request(request))
        assert answer.status_code == 503, f"{request}: {answer.status_code} {answer.text}"
        error = answer.json()["error"]
        assert (error["code"], error["retryable"]) == ("unavailable", True), f"{request}: {error}"
        self._remember(request[2])

    def _remember(self, data: Json | None) -> None:
        """A message is to be sent again."""
        if data is not None and "clientId" in data:
            self._refused.append(data)

    async def _request(self, request: Request) -> httpx.Response:
        method, path, body = request
        return await self.rest.request(method, path, json=body)

    async def reads_or_not(self) -> None:
        """Over all connections; where only reading is possible, that may be allowed, or refused too."""
        await together(*map(self._request, self.getting() * 3))

    async def _finds_it_alive(self) -> None:
        await self.sockets[-1].ask("heartbeat", within=ALIVE_SECONDS)
        answer = await within(ALIVE_SECONDS, "/healthz", self.rest.get("/healthz"))
        assert answer.status_code == 200

    async def is_not_ready(self) -> None:
        answer = await within(REST_SECONDS, "/readyz", self.rest.get("/readyz"))
        assert answer.status_code == 503

    async def _arrives_in_vain(self) -> None:
        headers = {"Authorization": f"Bearer {self.person.token}"}
        async with connect(self.person.server.ws_url, additional_headers=headers, proxy=None) as newcomer:
            with pytest.raises(ConnectionClosed):
                await within(REST_SECONDS, "a word to who connects", newcomer.recv())
            assert newcomer.close_code in COME_BACK

    # When it is back

    async def finds_it_back(self) -> None:
        """Within a moment every socket can send, first what was refused, and REST can read. Then nothing fails."""
        messages, self._refused = self._refused, []
        messages += [self._message() for _ in self.sockets[len(messages) :]]
        work = together(*map(self._sends, self.sockets, messages), self._reads())
        await within(BACK_SECONDS, f"{self.person.name}'s messages", work)
        await self.finds_nothing_wrong()

    async def _sends(self, socket: SocketClient, message: Json) -> None:
        note(self.log, await acknowledgement(socket, message))

    async def _reads(self) -> None:
        while (answer := await self.rest.get("/api/conversations/")).status_code != 200:
            await endure(answer.json()["error"])

    async def finds_nothing_wrong(self) -> None:
        """28 different questions at once, more than there are threads: no connection to the database is left broken."""
        commands = [*self.writing(), *self.reading(), *self.writing()]
        requests = [*self.putting(), *self.getting(), *self.putting(), *self.getting()]
        await together(*map(self._asks_well, self.sockets, commands), *map(self.requests_well, requests))

    async def _asks_well(self, socket: SocketClient, command: Command) -> None:
        note(self.log, await socket.ask(*command))

    async def requests_well(self, request: Request) -> None:
        answer = await self._request(request)
        assert answer.is_success, f"{request}: {answer.status_code} {answer.text}"
        note(self.log, answer.json())

    async def loses_nothing(self, rig: Rig) -> None:
        heads = rig.heads([self.conversation])
        assert violations(self.log, rig.rows([self.conversation]), heads) == []
        await together(*(socket.ask("heartbeat") for socket in self.sockets))


def new_message(log: Log, conversation: str) -> Json:
    """A message like no other, as it is sent."""
    attempt = Attempt(f"{uuid.uuid4()}", conversation, f"{uuid.uuid4()}")
    log.attempts[attempt.client_id] = attempt
    return {"conversationId": conversation, "content": attempt.content, "clientId": attempt.client_id}


async def answer_to(socket: SocketClient, message: Json) -> Frame:
    ref = f"{uuid.uuid4()}"
    await socket.send("message:send", message, ref)
    return await socket.reply(ref, within=ANSWERED_SECONDS)


async def acknowledgement(socket: SocketClient, message: Json) -> Json:
    """For an honest client, who sends again and again."""
    while not (answer := await answer_to(socket, message))["ok"]:
        await endure(answer["error"])
    acknowledged: Json = answer.data
    return acknowledged


async def endure(error: Json) -> None:
    assert (error["code"], error["retryable"]) == ("unavailable", True), error
    await asyncio.sleep(error.get("retryAfter", 0.1))  # a client that waits for nothing is a flood


def note(log: Log, answer: Json) -> None:
    """What was acknowledged must be there in the end."""
    if "duplicate" in answer:
        log.attempts[answer["message"]["clientId"]].acknowledged = answer["message"]["id"]


@pytest.fixture
def servers(rig: Rig) -> Sequence[ChatServer]:
    return rig.servers


@pytest.fixture
async def witnesses(alice: Person, bob: Person, conversation: Json) -> AsyncIterator[list[Witness]]:
    """Alice and Bob, who talk with each other over two servers and notice whatever goes wrong."""
    log = Log()
    async with AsyncExitStack() as stack:
        both = [Witness(person, conversation["id"], log) for person in (alice, bob)]
        yield [await stack.enter_async_context(witness.watching()) for witness in both]


async def all_is_back(rig: Rig, witnesses: Sequence[Witness]) -> None:
    """From now on, or from a moment later, nothing fails; and nothing is lost."""
    await together(*(witness.finds_it_back() for witness in witnesses))
    await together(*(witness.loses_nothing(rig) for witness in witnesses))


async def is_whole(place: Town) -> None:
    """What was acknowledged is there, once, for everybody, and nobody lost a socket."""
    await place.converge()
    assert place.violations() == []
    assert [device.closes for device in place.devices] == [[] for _ in place.devices]


# It goes away as a whole


class Outage(NamedTuple):
    begin: Callable[[Rig], object]
    end: Callable[[Rig], object]


def cut_off(rig: Rig) -> None:
    rig.postgres_proxy.refuse()
    rig.postgres_proxy.reset()


OUTAGES = {
    "stopped": Outage(lambda rig: rig.postgres.stop(), lambda rig: rig.postgres.start()),
    "killed": Outage(lambda rig: rig.postgres.kill(), lambda rig: rig.postgres.start()),
    "frozen": Outage(lambda rig: rig.postgres.freeze(), lambda rig: rig.postgres.thaw()),
    "in a black hole": Outage(lambda rig: rig.postgres_proxy.freeze(), lambda rig: rig.postgres_proxy.thaw()),
    "refusing": Outage(cut_off, lambda rig: rig.postgres_proxy.accept()),
}


@pytest.mark.parametrize("name", OUTAGES)
async def test_everybody_waits_for_it_in_good_order(name: str, rig: Rig, witnesses: list[Witness]) -> None:
    outage, processes = OUTAGES[name], [server.pid for server in rig.servers]
    async with town(rig, talks=2) as place:
        async with place.talking(0.1):
            await together(*(witness.finds_nothing_wrong() for witness in witnesses))  # over every connection there is
            await asyncio.to_thread(outage.begin, rig)
            before = set(place.log.attempts)
            await together(*(witness.finds_it_away() for witness in witnesses))
            meanwhile = [attempt for key, attempt in place.log.attempts.items() if key not in before]
            assert {attempt.acknowledged for attempt in meanwhile} == {None}
            await asyncio.to_thread(outage.end, rig)
            await all_is_back(rig, witnesses)
        await is_whole(place)
    assert [server.pid for server in rig.servers] == processes
    assert all(server.running for server in rig.servers)


# What a server does when it finds that the database has fallen silent, at each moment at which it looks; and what it
# does afterwards, because the connection is kept. Prints what it would acknowledge.
_SILENT_FOR_A_MOMENT = """
import itertools, django
django.setup()
from django.db import connection, transaction
from localroots_chat.database import with_connection
from localroots_chat.errors import ChatError
from localroots_chat.postgresql import base

def store(name):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO stored VALUES (%s)", [name])

base.begin_to_serve()
for moment in range(10):
    looks = itertools.count()
    def check():
        if next(looks) == moment:
            raise base.SilentError("for a moment")
    base.silence.check = check
    for name in (f"{moment}, first", f"{moment}, then", f"{moment}, at last"):
        try:
            with_connection(store, name)
        except ChatError as error:
            assert error.code == "unavailable"
        else:
            print(name)
    connection.close()
"""


def test_silence_at_any_moment_keeps_no_transaction_from_its_commit(rig: Rig) -> None:
    server = rig.servers[0]
    environment = {**server.environment(), "DJANGO_SETTINGS_MODULE": "localroots_chat.settings"}
    command = [sys.executable, "-c", _SILENT_FOR_A_MOMENT]
    with psycopg.connect(rig.postgres.url, autocommit=True) as administrator:
        administrator.execute("CREATE TABLE stored (name text)")
        try:
            said = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
            stored = {name for (name,) in administrator.execute("SELECT name FROM stored")}
        finally:
            administrator.execute("DROP TABLE stored")
    acknowledged = said.splitlines()
    assert set(acknowledged) <= stored
    assert {f"{moment}, at last" for moment in range(10)} <= set(acknowledged)
    assert len(acknowledged) < 30, "it was silent, for some"


# It loses lines


async def test_lines_that_are_reset_are_replaced_unnoticed(rig: Rig, witnesses: list[Witness]) -> None:
    async with town(rig, talks=2) as place:
        async with place.talking(0.1):
            for _ in range(2):
                rig.postgres_proxy.reset()
                await together(*(witness.finds_nothing_wrong() for witness in witnesses))
                await place.acknowledged(20)
        await together(*(witness.loses_nothing(rig) for witness in witnesses))
        await is_whole(place)


async def test_a_line_cut_anywhere_in_an_answer(rig: Rig) -> None:
    async with town(rig, talks=2) as place:
        async with place.talking(0.02):
            for _ in range(20):
                rig.postgres_proxy.cut_after(random.randrange(3000), direction="to_client")
                await place.acknowledged(10)
        await is_whole(place)


async def test_a_line_cut_in_the_answer_to_a_commit(rig: Rig, alice: Person, bob: Person, conversation: Json) -> None:
    log, proxy = Log(), rig.postgres_proxy
    async with alice.connect() as a, bob.connect() as b:

        async def say() -> None:
            """The server finds out by itself whether it was stored: its sender notices nothing."""
            reply = await a.ask("message:send", new_message(log, conversation["id"]))
            note(log, reply)
            assert reply["duplicate"] is False
            await b.expect("message:new", id=reply["message"]["id"])

        costs = []
        for _ in range(THREADS):
            before = proxy.passed("to_client")
            await say()
            costs.append(proxy.passed("to_client") - before)
        for short in range(0, 24, 2):  # the last 18 bytes are COMMIT's
            proxy.cut_after(min(costs) - short, direction="to_client")
            await say()
    assert violations(log, rig.rows([conversation["id"]]), rig.heads([conversation["id"]])) == []


async def test_a_commit_whose_answer_does_not_come_in_time(rig: Rig, alice: Person, conversation: Json) -> None:
    log = Log()
    async with alice.connect() as a:
        with nobody_confirming_commits(rig):
            message = new_message(log, conversation["id"])
            while (answer := await answer_to(a, message))["ok"]:  # not every process has read the new setting yet
                message = new_message(log, conversation["id"])
        await endure(answer["error"])
        again = await within(BACK_SECONDS, "the message of before", acknowledgement(a, message))
        assert again["duplicate"] is True
    assert violations(log, rig.rows([conversation["id"]]), rig.heads([conversation["id"]])) == []


@contextmanager
def nobody_confirming_commits(rig: Rig) -> Iterator[None]:
    """Meanwhile PostgreSQL commits, and answers only when a standby has it too, which is not there."""
    with psycopg.connect(rig.postgres.url, autocommit=True) as administrator:
        administrator.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        administrator.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            administrator.execute("ALTER SYSTEM RESET synchronous_standby_names")
            administrator.execute("SELECT pg_reload_conf()")


# Somebody else holds what is wanted


@contextmanager
def held(rig: Rig, statement: str, *parameters: object) -> Iterator[None]:
    """Meanwhile somebody else's transaction, which has carried this out, goes on."""
    with psycopg.connect(rig.postgres.url) as other:
        other.execute(sql.SQL(statement), parameters)
        yield


ROW = "SELECT FROM conversations_conversation WHERE id = %s FOR UPDATE"


async def test_a_held_conversation_keeps_no_other_waiting(
    rig: Rig, witnesses: list[Witness], new_person: Callable[..., Person]
) -> None:
    carol, dave = (new_person(name, server) for name, server in zip(("carol", "dave"), rig.servers, strict=True))
    other = carol.talks_to(dave)["id"]
    async with carol.connect() as c, dave.connect() as d:
        with held(rig, ROW, witnesses[0].conversation):
            waiting = asyncio.create_task(are_kept_waiting(*witnesses))
            try:
                while not waiting.done():
                    await together(*(others_send(socket, other) for socket in (c, d)))
                await waiting
            finally:
                waiting.cancel()
    await all_is_back(rig, witnesses)


async def are_kept_waiting(sender: Witness, changer: Witness) -> None:
    """By sends at one server, and at the other by more changes at once than there are threads."""
    change, request = changer.writing()[-1], changer.putting()[2]
    await together(
        sender.is_refused(sender.writing()[:2], sender.putting()[:1]),
        changer.is_refused([change] * 10, [request] * 10),
    )


async def others_send(socket: SocketClient, conversation: str) -> None:
    await socket.ask("message:send", {"conversationId": conversation, "content": "?"}, within=OTHERS_SECONDS)


async def test_a_table_that_is_held_by_somebody_else(rig: Rig, witnesses: list[Witness]) -> None:
    with held(rig, "LOCK TABLE conversations_message IN ACCESS EXCLUSIVE MODE"):
        await together(*(witness.is_refused(witness.writing(), witness.putting()) for witness in witnesses))
    await all_is_back(rig, witnesses)


async def test_the_victim_of_a_deadlock_may_try_again(rig: Rig, alice: Person, conversation: Json) -> None:
    async with alice.connect() as a:
        said = await a.say(conversation["id"], "first")
        with psycopg.connect(rig.postgres.url) as other:
            other.execute("SELECT FROM conversations_message WHERE id = %s FOR UPDATE", [said["id"]])
            await a.send("message:edit", {"messageId": said["id"], "content": "second"}, "edit")
            await asyncio.to_thread(wait_until_somebody_waits, rig)
            await asyncio.to_thread(other.execute, ROW, [conversation["id"]])  # the circle is closed
        answer = await a.reply("edit")
        assert answer["ok"] or (answer["error"]["code"], answer["error"]["retryable"]) == ("unavailable", True)
        await a.ask("message:edit", {"messageId": said["id"], "content": "second"}, within=BACK_SECONDS)


def wait_until_somebody_waits(rig: Rig) -> None:
    with psycopg.connect(rig.postgres.url, autocommit=True) as observer:
        while observer.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is None:
            pass


# It has no room


async def test_connections_are_few_however_much_is_asked(rig: Rig, witnesses: list[Witness]) -> None:
    await together(*(witness.finds_nothing_wrong() for witness in witnesses))
    me: Request = ("GET", "/api/me/", None)
    await together(*(witness.requests_well(me) for witness in witnesses for _ in range(100)))
    with psycopg.connect(rig.postgres.url) as observer:
        found = observer.execute("SELECT count(*) FROM pg_stat_activity WHERE client_port IS NOT NULL").fetchone()
    assert found is not None
    assert found[0] - 1 <= THREADS * len(rig.servers)


async def test_others_have_all_connections(rig: Rig, witnesses: list[Witness]) -> None:
    with ExitStack() as others:
        cut_off(rig)
        await asyncio.to_thread(take_all_connections, rig, others)
        rig.postgres_proxy.accept()
        await together(*(witness.finds_it_away() for witness in witnesses))
    await all_is_back(rig, witnesses)


def take_all_connections(rig: Rig, stack: ExitStack) -> None:
    with suppress(psycopg.OperationalError):
        while True:
            stack.enter_context(psycopg.connect(rig.postgres.url))


REFUSALS = {
    "disk full": "53100",
    "out of memory": "53200",
    "input/output error": "58030",
    "serialization failure": "40001",
    "statement cancelled": "57014",
    "lock not available": "55P03",
}


async def test_rows_that_cannot_be_stored_at_the_moment(rig: Rig, witnesses: list[Witness]) -> None:
    async with town(rig, talks=2) as place:
        async with place.talking():
            for state in REFUSALS.values():
                with refusing_rows(rig, state):
                    await together(*(one.is_refused(one.writing()[:1], one.putting()[:1]) for one in witnesses))
            await all_is_back(rig, witnesses)
        await is_whole(place)


async def test_whom_it_refuses_is_no_flood(rig: Rig, alice: Person, conversation: Json) -> None:
    refs = [f"{number}" for number in range(FLOOD + 1)]
    async with alice.connect() as a:
        with refusing_rows(rig, REFUSALS["disk full"]):
            for ref in refs:
                await a.send("message:send", {"conversationId": conversation["id"], "content": ref}, ref)
            assert {(await a.reply(ref))["error"]["code"] for ref in refs} == {"unavailable"}
        await a.say(conversation["id"], "and now?")


@contextmanager
def refusing_rows(rig: Rig, state: str) -> Iterator[None]:
    """Meanwhile PostgreSQL refuses every new message with this SQLSTATE."""
    with psycopg.connect(rig.postgres.url, autocommit=True) as administrator:
        administrator.execute(
            sql.SQL(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                " $$BEGIN RAISE EXCEPTION USING ERRCODE = {}, MESSAGE = 'not now'; END$$"
            ).format(state)
        )
        try:
            administrator.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON conversations_message FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
            yield
        finally:
            administrator.execute("DROP FUNCTION refuse CASCADE")


# It can only be read


def demote(rig: Rig) -> None:
    """As a primary that has been failed over, as far as others see it."""
    with psycopg.connect(rig.postgres.url, dbname="postgres", autocommit=True) as administrator:
        administrator.execute("ALTER DATABASE chat SET default_transaction_read_only = on")
        administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'chat'")


def be_primary_again(rig: Rig) -> None:
    """For who connects now: sessions that were begun before can only read for ever."""
    with psycopg.connect(rig.postgres.url, dbname="postgres", autocommit=True) as administrator:
        administrator.execute("ALTER DATABASE chat RESET default_transaction_read_only")


def become_standby(rig: Rig) -> None:
    rig.postgres.stop()
    (rig.postgres.home / "data" / "standby.signal").touch()
    rig.postgres.start()


def promote(rig: Rig) -> None:
    with psycopg.connect(rig.postgres.url, autocommit=True) as administrator:
        administrator.execute("SELECT pg_promote()")


READ_ONLY = {"standby": Outage(become_standby, promote), "demoted": Outage(demote, be_primary_again)}


@pytest.mark.parametrize("name", READ_ONLY)
async def test_it_can_only_be_read(name: str, rig: Rig, witnesses: list[Witness]) -> None:
    outage = READ_ONLY[name]
    await asyncio.to_thread(outage.begin, rig)
    try:
        await together(*(witness.is_refused(witness.writing(), witness.putting()) for witness in witnesses))
        await together(*(witness.reads_or_not() for witness in witnesses))
        await together(*(witness.is_not_ready() for witness in witnesses))
    finally:
        await asyncio.to_thread(outage.end, rig)
    await all_is_back(rig, witnesses)
