"""While Redis is away tickets stay closed, and who has lost access is still put out, a little later."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from tests.accounts.doors import Account, Tab, refused_by_socket, sync_users, ticket_of, ticket_refused, with_ticket
from tests.support import services
from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient


class Remote(NamedTuple):
    """A server over the same database as the pair, with a Redis of its own: the pair's cannot tell it anything."""

    server: ChatServer
    redis: services.RedisServer


@pytest.fixture(scope="module")
def _remote(server_pair: tuple[ChatServer, ChatServer]) -> Iterator[Remote]:
    with ExitStack() as stack:
        redis = stack.enter_context(services.RedisServer())
        # The sweep, which finds in the database what Redis did not tell, comes every 4 seconds: here sooner.
        env = {"CHAT_SWEEP_SECONDS": "0.3"}
        server = ChatServer(database_url=server_pair[0].database_url, redis_url=redis.url, env=env)
        server.tracebacks_expected = True  # channels-redis logs one whenever Redis goes
        yield Remote(stack.enter_context(server), redis)


@pytest.fixture
def remote(_remote: Remote) -> Iterator[Remote]:
    """With its Redis running, before and after."""
    yield _remote
    if not _remote.redis.running:
        _remote.redis.start()


async def test_no_ticket_is_made_or_honoured_and_tokens_still_open_sockets(
    remote: Remote, new_person: Callable[..., Person]
) -> None:
    carol = new_person("carol", remote.server)
    used, unused = ticket_of(carol), ticket_of(carol)
    async with with_ticket(remote.server, used):
        pass

    remote.redis.stop()

    for ticket in (used, unused, "garbage"):
        await ticket_refused(remote.server, ticket)
    error = carol.refused("POST", "/api/ws-ticket/", code="unavailable")
    assert error["retryable"] is True
    async with carol.connect(), carol.connect(auth="frame"):
        pass

    remote.redis.start()

    async with with_ticket(remote.server, ticket_of(carol)):
        pass
    await ticket_refused(remote.server, unused)  # Redis has forgotten it: closed, not open


async def assert_put_out(remote: Remote, near: SocketClient, far: SocketClient, leaves: Callable[[], object]) -> None:
    """Who leaves at one server loses the socket there at once, and the other's as soon as it looks."""
    async with near, far:
        remote.redis.stop()

        leaves()

        await near.expect_close(4403, within=1)
        await far.expect_close(4403, within=3)


@pytest.mark.parametrize("everywhere", [False, True], ids=["here", "everywhere"])
async def test_signing_out_closes_the_sockets_at_all_servers(
    everywhere: bool, remote: Remote, alice: Person, new_account: Callable[[], Account]
) -> None:
    person = new_account().signs_in(alice.server)
    sockets = person.connect(), person.connect(server=remote.server)

    await assert_put_out(remote, *sockets, lambda: person.post("/api/logout/", {"everywhere": everywhere}))

    await refused_by_socket(remote.server, person.token, code=4403)


async def test_a_stolen_refresh_token_closes_the_sockets_at_all_servers(
    remote: Remote, alice: Person, new_account: Callable[[], Account]
) -> None:
    person = new_account().signs_in(alice.server)
    used = {"refresh": person.refresh}
    person.post("/api/token/refresh/", used)
    sockets = person.connect(), person.connect(server=remote.server)

    await assert_put_out(
        remote, *sockets, lambda: person.refused("POST", "/api/token/refresh/", used, code="token_invalid")
    )


async def test_signing_out_of_the_browser_closes_its_sockets_at_all_servers(
    remote: Remote, alice: Person, new_account: Callable[[], Account], new_tab: Callable[[ChatServer], Tab]
) -> None:
    tab = new_tab(alice.server).signs_in(new_account())
    sockets = tab.connect(), tab.connect(at=remote.server)

    await assert_put_out(remote, *sockets, lambda: tab.posts("/api/logout/"))

    assert tab.http.get("/api/me/").status_code == 401


async def test_deactivation_closes_the_sockets_at_all_servers(remote: Remote, alice: Person) -> None:
    sockets = alice.connect(), alice.connect(server=remote.server)

    await assert_put_out(remote, *sockets, lambda: sync_users(alice.server, {"id": alice.id, "active": False}))
