"""PROTOCOL.md is true: every example is played against a real server, over real sockets."""

import secrets
import shlex
import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.protocol import notation, stage
from tests.protocol.document import DOCUMENT, Block
from tests.protocol.notation import Names
from tests.protocol.stage import Stage
from tests.support.people import Person
from tests.support.screen import screened
from tests.support.servers import ChatServer

_MAKE_ACCOUNT = """
from localroots_chat.accounts.models import User
User.objects.create_user(username={user_name!r}, password={password!r})
"""
_HURRIED = {"CHAT_HEARTBEAT_SECONDS": "0.5", "CHAT_SILENCE_SECONDS": "2"}


@pytest.fixture(scope="module")
def account(embedded_session_server: ChatServer) -> Names:
    """Somebody who signs in with a password: the others come from the marketplace."""
    user_name, password = f"maria-{uuid.uuid4()}", secrets.token_urlsafe()
    embedded_session_server.manage("shell", "-c", _MAKE_ACCOUNT.format(user_name=user_name, password=password))
    return {"user name": user_name, "password": password}


@pytest.fixture(scope="module")
def hurried_server() -> Iterator[ChatServer]:
    """Half a second for 25, and two for 60: what an example calls `hurried` would take minutes."""
    with ChatServer(env=_HURRIED) as hurried:
        yield hurried


@pytest.fixture(scope="module")
def screened_server() -> Iterator[ChatServer]:
    """One that looks at texts first: casinos are held, spam is refused."""
    with ChatServer(env=screened()) as server:
        yield server


def _named(info: str) -> list[object]:
    return [pytest.param(block, id=block.id) for block in DOCUMENT.blocks_of(info)]


@pytest.mark.parametrize("block", _named("chat"))
async def test_the_example_is_true(
    block: Block, embedded_server: ChatServer, account: Names, new_person: Callable[..., Person]
) -> None:
    await Stage(embedded_server, new_person, account).play(notation.steps_of(block.lines, block.line))


@pytest.mark.parametrize("block", _named("chat hurried"))
async def test_the_example_that_takes_minutes_is_true(
    block: Block, hurried_server: ChatServer, new_person: Callable[..., Person]
) -> None:
    hurried = Stage(hurried_server, new_person, answers_heartbeats=False)
    await hurried.play(notation.steps_of(block.lines, block.line))
    hurried_server.assert_no_traceback()


@pytest.mark.parametrize("block", _named("chat screened"))
async def test_the_example_of_a_screen_is_true(
    block: Block, screened_server: ChatServer, new_person: Callable[..., Person]
) -> None:
    await Stage(screened_server, new_person).play(notation.steps_of(block.lines, block.line))


@pytest.mark.parametrize("block", _named("sh"))
def test_the_command_prints_what_it_says(
    block: Block, embedded_server: ChatServer, new_person: Callable[..., Person]
) -> None:
    command, shown = block.lines
    program, silent, x, method, h, header, address = shlex.split(command)
    assert (program, silent, x, h) == ("curl", "-s", "-X", "-H"), "read here, because not every machine has curl"
    name, value = header.replace("$TOKEN", new_person("maria", embedded_server).token).split(": ")
    path = address.removeprefix("http://127.0.0.1:8000")
    answer = httpx.request(method, embedded_server.base_url + path, headers={name: value}, trust_env=False)
    assert not list(notation.differences(notation.read(shown.removeprefix("# "), block.line), answer.json(), {}))


_SENT = 'maria → {"event":"message:send","data":{"conversationId":"<talk>","content":"Eggs?"}}'
_CAME = '{"event":"message:new","data":{"content":"Eggs?",…},"conversationId":"<talk>","prev":0,"version":1}'
NOT_TRUE = {
    "an event that is not shown": (
        [_SENT, f"tom ← {_CAME}", "maria → []"],
        "maria also heard what the example does not",
    ),
    "an event that does not come": ([_SENT, f"eve ← {_CAME}"], ":2: eve did not get another event"),
    "another event first": ([_SENT, 'tom ← {"event":"message:read",…}'], '.event: shown is "message:read", came'),
    "another value": (
        [_SENT, f"tom ← {_CAME.replace('Eggs', 'Milk')}"],
        r':2: .*\n.data.content: shown is "Milk\?", came',
    ),
    "one field too few": ([_SENT, f"tom ← {_CAME.replace(',…', '')}"], ".data.sender: came, but is not shown"),
    "another status": (["maria GET /api/me/ → 201"], ":1: GET /api/me/ answered 200"),
    "another code": (["maria GET /ws/chat/?token=x → 101", "maria ⨯ 4403"], ":2: maria expected close 4403"),
}


@pytest.mark.parametrize("what", NOT_TRUE)
async def test_an_example_that_is_not_true_fails(
    what: str, embedded_server: ChatServer, new_person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "WITHIN", 0.5)
    lines, told = NOT_TRUE[what]
    with pytest.raises(AssertionError, match=told):
        await Stage(embedded_server, new_person).play(notation.steps_of(lines, 1))


def test_every_block_is_of_a_kind_that_somebody_reads() -> None:
    """A slip of the pen after a fence would leave an example out."""
    assert {block.info for block in DOCUMENT.blocks} <= {"chat", "chat hurried", "chat screened", "ts", "sh", "text"}
