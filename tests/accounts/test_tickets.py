"""One-time tickets: what a web page shows its socket instead of a token."""

import asyncio
import time
import uuid
from collections.abc import Callable

import pytest
import redis
from django.conf import settings as django_settings
from pytest_django import Settings

from localroots_chat.accounts.credentials import holders_behind
from localroots_chat.accounts.models import User
from localroots_chat.errors import ChatError
from localroots_chat.gateway.wiring import Credential
from tests.accounts.doors import (
    PASSWORD,
    Account,
    Tab,
    Visitor,
    http,
    refused_by_socket,
    sync_users,
    ticket_of,
    ticket_refused,
    with_ticket,
)
from tests.support.people import Person, sign_token
from tests.support.servers import ChatServer

Servers = tuple[ChatServer, ChatServer]


# Getting one


@pytest.mark.django_db
def test_a_token_gets_a_ticket_for_thirty_seconds() -> None:
    answer = Visitor(sign_token(f"person-{uuid.uuid4()}")).post("/api/ws-ticket/")

    assert answer["expiresIn"] == 30
    assert len(answer["ticket"]) >= 32


@pytest.mark.django_db
def test_each_ticket_is_another() -> None:
    person = Visitor(sign_token(f"person-{uuid.uuid4()}"))

    assert len({person.post("/api/ws-ticket/")["ticket"] for _ in range(5)}) == 5


@pytest.mark.django_db
def test_nobody_gets_a_ticket_without_being_signed_in() -> None:
    Visitor().refused("POST", "/api/ws-ticket/", code="token_invalid")
    Visitor("wrong").refused("POST", "/api/ws-ticket/", code="token_invalid")


@pytest.mark.django_db
def test_a_ticket_is_not_to_be_had_by_get() -> None:
    Visitor(sign_token(f"person-{uuid.uuid4()}")).refused("GET", "/api/ws-ticket/", code="method_not_allowed")


def test_a_session_gets_a_ticket_with_the_csrf_token_only(db: None) -> None:
    browser = Visitor()
    browser.client.force_login(User.objects.create_user(f"grower-{uuid.uuid4().hex[:12]}", PASSWORD))
    browser.refused("POST", "/api/ws-ticket/", code="forbidden")

    browser.client.get("/")  # the page sets the cookie
    token = browser.client.cookies["csrftoken"].value
    assert browser.post("/api/ws-ticket/", headers={"X-CSRFToken": token})["ticket"]


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [30, 7])
def test_a_ticket_is_forgotten_in_time_and_never_stored_as_it_is(settings: Settings, seconds: int) -> None:
    settings.CHAT_TICKET_SECONDS = seconds
    with redis.Redis.from_url(django_settings.REDIS_URL) as store:
        before = set(store.scan_iter("*"))

        answer = Visitor(sign_token(f"person-{uuid.uuid4()}")).post("/api/ws-ticket/")

        new = {key for key in set(store.scan_iter("*")) - before if not key.startswith(b"limit:")}
        assert len(new) == 1
        (key,) = new
        assert (seconds - 5) * 1000 < store.pttl(key) <= seconds * 1000
        assert answer["ticket"].encode() not in key + store.get(key)
    assert answer["expiresIn"] == seconds


# Using it


async def test_a_ticket_opens_one_socket_and_no_second(alice: Person) -> None:
    ticket = ticket_of(alice)

    async with with_ticket(alice.server, ticket) as socket:
        assert socket.welcome["user"]["id"] == alice.id
        await ticket_refused(alice.server, ticket)
    await ticket_refused(alice.server, ticket)


async def test_a_ticket_of_one_server_is_good_at_the_other_and_once_altogether(
    two_servers: Servers, alice: Person
) -> None:
    ticket = ticket_of(alice)

    async with with_ticket(two_servers[1], ticket) as socket:
        assert socket.welcome["user"]["id"] == alice.id
    await ticket_refused(two_servers[0], ticket)


async def test_of_two_sockets_with_the_same_ticket_at_once_one_is_let_in(two_servers: Servers, alice: Person) -> None:
    ticket = ticket_of(alice)

    async def is_let_in(server: ChatServer) -> bool:
        async with with_ticket(server, ticket, welcome=False) as socket:
            try:
                await socket.expect("welcome")
            except AssertionError:
                await socket.expect_close(4401)
                return False
            return True

    tries = await asyncio.gather(*(is_let_in(server) for server in (*two_servers, *two_servers)))

    assert sorted(tries) == [False, False, False, True]


@pytest.mark.django_db
def test_the_service_without_redis_has_tickets_too(settings: Settings) -> None:
    settings.REDIS_URL = ""
    person = f"person-{uuid.uuid4()}"
    visitor = Visitor(sign_token(person))
    ticket, other = (visitor.post("/api/ws-ticket/")["ticket"] for _ in range(2))
    settings.CHAT_TICKET_SECONDS = 0
    too_old = visitor.post("/api/ws-ticket/")["ticket"]

    shown = [ticket, ticket, other, too_old, "garbage"]
    behind = holders_behind([Credential(ticket=one) for one in shown])

    holders = [None if isinstance(one, ChatError) else one.user.public_id for one in behind]
    assert holders == [person, None, person, None, None]
    assert {(one.code, one.close) for one in behind if isinstance(one, ChatError)} == {("token_invalid", 4401)}


@pytest.mark.parametrize("kind", ["{}x", "x{}", "{:.42}", "garbage", "x" * 5000, "\0", "§", "*", "ticket:*", "{token}"])
async def test_what_is_not_exactly_the_ticket_opens_nothing_and_uses_nothing_up(alice: Person, kind: str) -> None:
    ticket = ticket_of(alice)
    assert len(ticket) == 43

    await ticket_refused(alice.server, kind.format(ticket, token=alice.token))

    async with with_ticket(alice.server, ticket):
        pass


async def test_a_ticket_is_no_token(alice: Person) -> None:
    ticket = ticket_of(alice)

    await refused_by_socket(alice.server, ticket)
    await refused_by_socket(alice.server, ticket, auth="frame")
    alice.refused("GET", "/api/me/", code="token_invalid", headers={"Authorization": f"Bearer {ticket}"})
    alice.refused("GET", "/api/me/", code="token_invalid", headers={"Authorization": f"Ticket {ticket}"})
    answer = http().get(f"{alice.server.base_url}/api/me/?ticket={ticket}")
    assert answer.status_code == 401


async def test_a_socket_by_ticket_ends_with_the_token_that_got_the_ticket(alice: Person) -> None:
    lasting, short = ticket_of(alice), sign_token(alice.id, lifetime=2)
    headers = {"Authorization": f"Bearer {short}"}
    ending = alice.post("/api/ws-ticket/", headers=headers)["ticket"]
    async with with_ticket(alice.server, lasting) as stays, with_ticket(alice.server, ending) as ends:
        await ends.expect("session:expiring", within=1)
        await ends.expect_close(4401)

        await stays.refute("session:expiring")


# What has happened since


async def test_a_ticket_of_somebody_disabled_since_is_refused(two_servers: Servers, alice: Person) -> None:
    ticket, other = ticket_of(alice), ticket_of(alice)
    async with with_ticket(two_servers[0], other):
        pass

    sync_users(two_servers[1], {"id": alice.id, "active": False})

    await ticket_refused(two_servers[0], ticket, code=4403)


async def test_a_ticket_of_a_sign_in_that_has_ended_since_is_refused(
    two_servers: Servers, new_account: Callable[[], Account]
) -> None:
    account = new_account()
    here, elsewhere = account.signs_in(two_servers[0]), account.signs_in(two_servers[1])
    ended, good = ticket_of(here), ticket_of(elsewhere)

    here.post("/api/logout/")

    await ticket_refused(two_servers[1], ended, code=4403)
    async with with_ticket(two_servers[1], good):
        pass


async def test_a_ticket_of_somebody_signed_out_everywhere_since_is_refused(
    two_servers: Servers, new_account: Callable[[], Account], new_tab: Callable[[ChatServer], Tab]
) -> None:
    account = new_account()
    person, tab = account.signs_in(two_servers[0]), new_tab(two_servers[0]).signs_in(account)
    tickets = [ticket_of(person), tab.ticket()]

    person.post("/api/logout/", {"everywhere": True})

    for ticket in tickets:
        await ticket_refused(two_servers[1], ticket, code=4403)
    again = account.signs_in(two_servers[1])
    async with with_ticket(two_servers[0], ticket_of(again)):
        pass


async def test_a_ticket_of_a_marketplace_token_made_before_signing_out_everywhere_is_refused(alice: Person) -> None:
    ticket = ticket_of(alice)

    alice.post("/api/logout/", {"everywhere": True})

    await ticket_refused(alice.server, ticket, code=4403)
    fresh = {"Authorization": f"Bearer {sign_token(alice.id, iat=time.time())}"}
    async with with_ticket(alice.server, alice.post("/api/ws-ticket/", headers=fresh)["ticket"]):
        pass


@pytest.mark.parametrize("way", ["the page's button", "REST"])
async def test_a_ticket_of_a_browser_that_has_signed_out_since_is_refused(
    way: str, two_servers: Servers, new_account: Callable[[], Account], new_tab: Callable[[ChatServer], Tab]
) -> None:
    account = new_account()
    tab, other_tab = (new_tab(two_servers[0]).signs_in(account) for _ in range(2))
    ended, good = tab.ticket(), other_tab.ticket()

    if way == "REST":
        assert tab.posts("/api/logout/").status_code == 204
    else:
        assert tab.submits("/sign-out/").status_code == 302

    async with with_ticket(two_servers[1], good):
        pass
    await ticket_refused(two_servers[1], ended, code=4403)
