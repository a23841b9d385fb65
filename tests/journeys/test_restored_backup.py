"""A backup is restored while people are connected: they are told to come back, and load everything anew.

What was said after the backup is given other versions now; without a new epoch, whoever heard it would take the new
messages for the ones they know.
"""

from collections.abc import Iterator

import pytest

from tests.support.people import Person
from tests.support.servers import ChatServer

_GO_BACK = """
from conversations.models import Epoch
Epoch.objects.update(sweeps=0)
"""
_FORGET_THE_LAST = """
from conversations.models import Conversation, Message
from localroots_chat.database import DatabaseNow
Message.objects.filter(seq=2).delete()
Conversation.objects.filter(pk={talk!r}).update(last_seq=1, version=1, changed_at=DatabaseNow())
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with ChatServer(env={"CHAT_SWEEP_SECONDS": "0.2"}) as server:
        yield server


@pytest.fixture
def servers(server: ChatServer) -> list[ChatServer]:
    return [server]


async def test_a_server_that_knows_more_than_the_database_begins_a_new_epoch(alice: Person, bob: Person) -> None:
    talk = alice.talks_to(bob)["id"]
    async with alice.connect() as a:
        await a.say(talk, "before the backup")
        before = a.welcome["epoch"]
        alice.server.manage("shell", "--no-imports", "-c", _GO_BACK)
        bye = await a.expect("bye")
        assert (bye.data["reason"], bye.data["reconnectAfter"] >= 0) == ("restored", True)
        await a.expect_close(1012)
    async with alice.connect() as a:
        assert a.welcome["epoch"] != before
        answer = await a.ask("sync", {"cursors": {talk: 1}, "epoch": before})
        assert (answer["reset"], answer["changes"]) == ([talk], {})
        await a.say(talk, "and after it")


async def test_versions_that_went_back_are_noticed(alice: Person, bob: Person) -> None:
    talk = alice.talks_to(bob)["id"]
    async with alice.connect() as a:
        await a.say(talk, "one")
        await a.say(talk, "two")
        alice.server.manage("shell", "--no-imports", "-c", _FORGET_THE_LAST.format(talk=talk))
        await a.expect("bye")
        await a.expect_close(1012)


async def test_the_operator_begins_a_new_epoch(alice: Person, bob: Person) -> None:
    async with alice.connect() as a:
        before = a.welcome["epoch"]
        await a.ask("heartbeat")
        assert "new epoch" in alice.server.manage("new_epoch")
        await a.expect("bye")
        await a.expect_close(1012)
    async with alice.connect() as a:
        assert a.welcome["epoch"] != before
