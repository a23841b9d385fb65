"""manage.py demo --live, on real servers: others see people type, talk and read; it ends in time, and says what is
wrong where it cannot begin."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from django.core.management.base import CommandError

from conversations.models import Conversation, Message, Participant
from groups.models import Group
from localroots_chat.accounts.models import User
from localroots_chat.demo.live import SCENES_AT_ONCE
from localroots_chat.demo.people import PASSWORD, PEOPLE
from tests.demo.conftest import Told
from tests.support.processes import free_port
from tests.support.servers import ROOT, ChatServer
from tests.support.sockets import SocketClient

# The command as it is, but for the pauses that people make.
_RUN = """
import sys
import django
django.setup()
from django.core.management import execute_from_command_line
from localroots_chat.demo.live import Live
Live.pace = float(sys.argv[1])
execute_from_command_line(["manage.py", "demo", "--live", *sys.argv[2:]])
"""
_SAID = re.compile(r"^\w+ → .+: .+$", re.MULTILINE)
_COUNT = "from conversations.models import Message; print(Message.objects.count())"
# Without those by password, which the third clients made.
_SIGNED_IN = """
from localroots_chat.accounts.models import SignIn
print(SignIn.objects.filter(ended_at=None, refresh_id="").count())
"""
QUICK, SLOW = "0.1", "1000"


class LiveDemo:
    """The command as a process. What it prints is read as it comes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.printed = ""

    async def prints(self, pattern: str, within: float = 30) -> None:
        """Waits until something new of what it prints has this pattern."""
        assert self._process.stdout is not None
        seen = ""
        async with asyncio.timeout(within):
            while not re.search(pattern, seen, re.MULTILINE):
                line = (await self._process.stdout.readline()).decode()
                assert line, f"it ended before it printed {pattern!r}:\n{self.printed}"
                self.printed += line
                seen += line

    async def ends(self, within: float = 30) -> int:
        """Its exit code, once it has ended by itself or been asked to."""
        async with asyncio.timeout(within):
            rest, _ = await self._process.communicate()
        self.printed += rest.decode()
        assert self._process.returncode is not None
        return self._process.returncode

    def interrupt(self) -> None:
        """Ctrl+C."""
        self._process.send_signal(signal.SIGINT)


@asynccontextmanager
async def live(server: ChatServer, *, pace: str = QUICK, minutes: float = 5) -> AsyncIterator[LiveDemo]:
    """The demo's people at this server; whatever happens, they are gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-c", _RUN, pace, "--minutes", str(minutes), "--url", server.base_url],
        cwd=ROOT,
        env=environment_of(server),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    demo = LiveDemo(process)
    try:
        yield demo
    finally:
        if process.returncode is None:
            demo.interrupt()
            try:
                await demo.ends()
            finally:
                if process.returncode is None:
                    process.kill()


def environment_of(server: ChatServer) -> dict[str, str]:
    return {**server.environment(), "DJANGO_SETTINGS_MODULE": "localroots_chat.settings"}


def refusal(server: ChatServer, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What the command says on not being able to begin."""
    ran = subprocess.run(
        [sys.executable, "manage.py", "demo", "--live", *arguments],
        cwd=ROOT,
        env={**environment_of(server), **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    return ran.stderr


def connect_as(server: ChatServer, username: str) -> SocketClient:
    """A third client: this person's own browser, say."""
    keys = {"username": username, "password": PASSWORD}
    token = httpx.post(f"{server.base_url}/api/token/", json=keys, trust_env=False).json()["access"]
    return SocketClient(server.ws_url, name=username, token=token)


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    """A server of the demo's own, with its marketplace."""
    with ChatServer() as server:
        server.manage("demo")
        yield server


async def test_others_see_people_type_talk_and_read(server: ChatServer) -> None:
    async with connect_as(server, "maria") as maria, live(server) as demo:
        typing = await maria.expect("typing:user_start", within=30)
        assert typing.data["userId"] in {one.public_id for one in PEOPLE}
        said = await maria.expect("message:new", within=30, conversationId=typing.data["conversationId"])
        assert said.data["clientId"]
        assert said.data["sender"]["image"].startswith("data:image/svg+xml,")
        read = await maria.expect("message:read", within=30)
        assert read.data["lastReadSeq"] > 0
        await demo.prints(_SAID.pattern)
        demo.interrupt()
        assert await demo.ends() == 0
        assert "Good night!" in demo.printed
        assert "Traceback" not in demo.printed


async def test_both_groups_and_pairs_talk_and_answer(server: ChatServer) -> None:
    groups = {"Valley food share", "Saturday market", "Valley news", "What's in the pot", "Growers' corner"}
    groups |= {"Feasts and fairs"}
    names = {one.name.split()[0] for one in PEOPLE}
    async with connect_as(server, "maria") as maria, live(server, pace="0.02") as demo:
        await demo.prints(rf"→ ({'|'.join(groups)}): ")
        await demo.prints(rf"→ ({'|'.join(names)}): ")
        async with asyncio.timeout(60):
            while not (await maria.expect("message:new", within=60)).data["replyTo"]:
                pass


async def test_it_ends_in_time_and_what_it_says_is_stored(server: ChatServer) -> None:
    before = int(server.manage("shell", "-v0", "-c", _COUNT))
    async with live(server, minutes=0.1) as demo:
        assert await demo.ends(within=30) == 0
    stored = int(server.manage("shell", "-v0", "-c", _COUNT)) - before
    said = len(_SAID.findall(demo.printed))
    assert said > 0
    assert 0 <= stored - said <= SCENES_AT_ONCE, "the end may come between a message and its answer"
    assert f"Messages said: {said}. Good night!" in demo.printed
    assert "cannot say" not in demo.printed
    assert int(server.manage("shell", "-v0", "-c", _SIGNED_IN)) == 0


async def test_it_keeps_to_the_limits_and_says_everything_in_the_end() -> None:
    with ChatServer(env={"CHAT_RATE_MESSAGE_SEND": "1/1s"}) as strict:
        async with live(strict, pace="0.01", minutes=0.1) as demo:  # which also fills the empty database
            assert await demo.ends(within=40) == 0
        assert "The demo marketplace has been made." in demo.printed
        assert len(_SAID.findall(demo.printed)) > 3
        assert "cannot say" not in demo.printed
        assert "Traceback" not in demo.printed


async def test_after_a_restart_of_the_server_people_come_back(server: ChatServer) -> None:
    async with live(server) as demo:
        await demo.prints(_SAID.pattern)
        await asyncio.to_thread(server.stop)
        await demo.prints("The connection is lost")
        await asyncio.to_thread(server.start)
        await demo.prints("Everybody is back")
        async with connect_as(server, "maria") as maria:
            await maria.expect("message:new", within=30)
        demo.interrupt()
        assert await demo.ends() == 0


async def test_who_says_nothing_still_answers_heartbeats() -> None:
    with ChatServer(env={"CHAT_HEARTBEAT_SECONDS": "0.5", "CHAT_SILENCE_SECONDS": "1.5"}) as impatient:
        async with live(impatient, pace=SLOW) as demo:
            await demo.prints("begin to talk")
            async with connect_as(impatient, "maria") as maria:
                for _ in range(6):  # twice as long as silence is endured
                    await maria.expect("heartbeat")
            demo.interrupt()
            assert await demo.ends() == 0
    assert "connection is lost" not in demo.printed


def test_where_no_server_answers_it_says_so(server: ChatServer) -> None:
    for address in (f"http://127.0.0.1:{free_port()}", f"{server.base_url}/elsewhere"):
        said = refusal(server, "--url", address)
        assert f"No chat server answers at {address}." in said
        assert "manage.py serve" in said


def test_a_server_with_other_keys_is_told_apart_from_none(server: ChatServer) -> None:
    other = {"JWT_SIGNING_KEY": "another-key-altogether-0123456789-abcdef"}
    assert "does not let the demo's people in" in refusal(server, "--url", server.base_url, env=other)


def test_a_server_that_has_had_enough_of_this_address_is_quoted() -> None:
    with ChatServer(env={"CHAT_RATE_CONNECT": "3/60s"}) as strict:
        strict.manage("demo")
        assert "says: That was too often." in refusal(strict, "--url", strict.base_url)


@pytest.mark.parametrize("url", ["chat.example.org", "ftp://127.0.0.1", "http://", "http://127.0.0.1:port"])
def test_an_address_that_is_none_is_refused(marketplace: Told, url: str) -> None:
    with pytest.raises(CommandError, match="--url is an address such as"):
        Told("--live", "--url", url)


@pytest.mark.parametrize("minutes", ["0", "-1", "60.5", "nan"])
def test_it_never_goes_on_for_more_than_an_hour(db: None, minutes: str) -> None:
    with pytest.raises(CommandError, match="at most 60"):
        Told("--live", f"--minutes={minutes}")
    assert not User.objects.exists()


def test_where_people_are_missing_it_says_who(db: None) -> None:
    for one in PEOPLE[2:]:
        User.objects.create(username=one.username, public_id=one.public_id)
    with pytest.raises(CommandError, match="missing here: maria, tom\\."):
        Told("--live")


LOST: dict[str, Callable[[], Any]] = {
    "a seat": lambda: Participant.objects.filter(user__username="lena").update(left_at="2026-01-01T00:00Z"),
    "a name": lambda: Group.objects.filter(category="NEWS").update(name="Something else"),
    "a pair": lambda: (Message.objects.all().delete(), Conversation.objects.filter(type="DIRECT").delete()),
}


@pytest.mark.parametrize("what", LOST)
def test_where_a_conversation_is_not_what_it_was_it_says_which(marketplace: Told, what: str) -> None:
    LOST[what]()
    with pytest.raises(CommandError, match=r"The demo's conversation .+ is not what it was"):
        Told("--live")
