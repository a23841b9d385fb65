"""The web page's way in: Django's session with its CSRF token, at REST and at the socket."""

import uuid
from collections.abc import Callable

import pytest

from localroots_chat.accounts.models import User
from tests.accounts.doors import PASSWORD, Account, Tab, Visitor
from tests.support.people import sign_token
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient

Servers = tuple[ChatServer, ChatServer]

WRITES = [
    ("POST", "/api/ws-ticket/", None, 201),
    ("POST", "/api/logout/", {"everywhere": False}, 204),
    ("POST", "/api/logout/", {"everywhere": True}, 204),
    ("PATCH", "/api/me/", {"name": "Mary"}, 200),
    ("POST", "/api/conversations/", {"userId": "partner"}, 201),
]
READS = ["/api/me/", "/api/users/", "/api/conversations/", "/api/groups/"]


@pytest.fixture
def grower(db: None) -> User:
    User.objects.create(public_id="partner", name="Partner")
    return User.objects.create_user(f"grower-{uuid.uuid4().hex[:12]}", PASSWORD, name="Gro")


@pytest.fixture
def page(grower: User) -> Visitor:
    """A browser that has signed in and has the page open."""
    browser = Visitor()
    browser.client.force_login(grower)
    assert browser.client.get("/").status_code == 200
    return browser


def csrf_of(page: Visitor) -> str:
    return page.client.cookies["csrftoken"].value


@pytest.mark.parametrize("path", READS)
def test_reading_needs_the_session_alone(page: Visitor, path: str) -> None:
    page.get(path)

    Visitor().refused("GET", path, code="token_invalid")


@pytest.mark.parametrize(("method", "path", "body", "status"), WRITES)
def test_writing_needs_the_csrf_token_too(
    page: Visitor, grower: User, method: str, path: str, body: object, status: int
) -> None:
    for headers in ({}, {"X-CSRFToken": "wrong"}, {"X-CSRFToken": csrf_of(page)[::-1]}):
        page.refused(method, path, body, code="forbidden", headers=headers)
    assert page.get("/api/me/")["name"] == "Gro"  # nothing has happened

    assert page.asks(method, path, body, {"X-CSRFToken": csrf_of(page)}).status_code == status


def test_another_sites_page_cannot_write_even_with_the_csrf_token(page: Visitor) -> None:
    headers = {"X-CSRFToken": csrf_of(page)}

    page.refused("POST", "/api/ws-ticket/", code="forbidden", headers={**headers, "Origin": "https://evil.example"})
    page.refused("POST", "/api/ws-ticket/", code="forbidden", headers={**headers, "Origin": "null"})

    page.post("/api/ws-ticket/", headers={**headers, "Origin": "http://testserver"})


def test_a_token_needs_no_csrf_token(db: None) -> None:
    person = Visitor(sign_token(f"person-{uuid.uuid4()}"))

    assert person.patch("/api/me/", {"name": "Mary"})["name"] == "Mary"


def test_a_session_of_somebody_disabled_since_is_refused(page: Visitor, grower: User) -> None:
    page.get("/api/me/")

    User.objects.filter(pk=grower.pk).update(is_active=False)

    page.refused("GET", "/api/me/", code="token_invalid")


def test_the_sign_in_form_needs_the_csrf_token(grower: User) -> None:
    browser = Visitor()
    fields = {"username": grower.username or "", "password": PASSWORD}
    assert browser.client.post("/sign-in/", fields).status_code == 403
    browser.refused("GET", "/api/me/", code="token_invalid")

    browser.client.get("/sign-in/")
    answer = browser.client.post("/sign-in/", {**fields, "csrfmiddlewaretoken": csrf_of(browser)})
    assert answer.status_code == 302
    assert browser.get("/api/me/")["id"] == grower.public_id


def test_scripts_cannot_read_the_session_cookie_nor_other_sites_send_it(grower: User) -> None:
    browser = Visitor()
    browser.client.get("/sign-in/")
    browser.client.post(
        "/sign-in/",
        {"username": grower.username or "", "password": PASSWORD, "csrfmiddlewaretoken": csrf_of(browser)},
    )

    cookie = browser.client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] in {"Lax", "Strict"}


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(grower: User, address: str) -> None:
    browser = Visitor()
    browser.client.get("/sign-in/")
    fields = {"username": grower.username or "", "password": PASSWORD, "csrfmiddlewaretoken": csrf_of(browser)}

    answer = browser.client.post("/sign-in/", {**fields, "next": address})

    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_signing_out_by_a_link_of_another_site_does_nothing(page: Visitor) -> None:
    assert page.client.get("/sign-out/").status_code == 405
    assert page.client.post("/sign-out/").status_code == 403

    page.get("/api/me/")


# With sockets


@pytest.mark.parametrize("way", ["the page's button", "REST"])
async def test_signing_out_closes_the_sockets_of_this_browser_and_of_no_other(
    way: str, two_servers: Servers, new_account: Callable[[], Account], new_tab: Callable[[ChatServer], Tab]
) -> None:
    first, second = two_servers
    account = new_account()
    tab, other_browser = new_tab(first).signs_in(account), new_tab(second).signs_in(account)
    telephone = account.signs_in(first)
    async with (
        tab.connect(at=first) as near,
        tab.connect(at=second) as far,
        other_browser.connect(at=first) as others,
        telephone.connect(server=first) as telephones,
    ):
        assert near.welcome["user"]["id"] == account.id

        if way == "REST":
            assert tab.posts("/api/logout/").status_code == 204
        else:
            assert tab.submits("/sign-out/").status_code == 302

        await near.expect_close(4403, within=1)
        await far.expect_close(4403, within=1)
        await others.ask("heartbeat")
        await telephones.ask("heartbeat")
    assert tab.http.get("/api/me/").status_code == 401
    assert other_browser.http.get("/api/me/").status_code == 200


async def test_a_cookie_alone_opens_no_socket(
    two_servers: Servers, new_account: Callable[[], Account], new_tab: Callable[[ChatServer], Tab]
) -> None:
    tab = new_tab(two_servers[0]).signs_in(new_account())
    cookies = "; ".join(f"{name}={value}" for name, value in tab.http.cookies.items())
    socket = SocketClient(two_servers[0].ws_url, auth=None, welcome=False, headers={"Cookie": cookies})
    async with socket:
        await socket.send("heartbeat", ref="1")
        await socket.expect_close(4401)
