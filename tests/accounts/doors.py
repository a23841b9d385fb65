"""What the tests of accounts share: tokens of any make, the doors they are shown at, and accounts with a password."""

import base64
import functools
import hashlib
import hmac
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

import httpx
from django.test import Client

from tests.support.environment import KEYS
from tests.support.people import STATUS, Person
from tests.support.servers import ChatServer
from tests.support.sockets import Auth, SocketClient

PASSWORD: Final = "green-beans-and-rye"
ABSENT: Final = object()
_HASHES: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


# Tokens


def claims(sub: object, **changes: object) -> dict[str, object]:
    """What a good token of the marketplace says, changed. ABSENT takes a claim away."""
    now = int(time.time())
    said = {"sub": sub, "iat": now, "exp": now + 3600, **changes}
    return {name: value for name, value in said.items() if value is not ABSENT}


def compact(
    payload: object,
    *,
    key: str = KEYS["AUTH_SECRET"],
    signed: str | None = "HS256",
    header: Mapping[str, object] | None = None,
) -> str:
    """A JWS made by hand: libraries rightly refuse to make most of those that these tests need."""
    head = {"alg": signed or "none", "typ": "JWT", **(header or {})}
    head = {name: value for name, value in head.items() if value is not ABSENT}
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signing_input = f"{base64url(json.dumps(head).encode())}.{base64url(body)}"
    if signed is None:
        return f"{signing_input}."
    return f"{signing_input}.{base64url(hmac.digest(key.encode(), signing_input.encode(), _HASHES[signed]))}"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_unverified(token: str) -> dict[str, Any]:
    """The claims of a token."""
    payload = token.split(".")[1]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return said


# The doors


@functools.cache
def http() -> httpx.Client:
    """Plain HTTP as nobody in particular."""
    return httpx.Client(timeout=30, trust_env=False, verify=False)


class Visitor:
    """Somebody who asks REST without a server in between: Django's test client, from an address of their own."""

    def __init__(self, token: str | None = None, *, address: str | None = None) -> None:
        self.client = Client(enforce_csrf_checks=True, REMOTE_ADDR=address or somewhere())
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        return self._call("GET", path, query, (200,), {})

    def post(self, path: str, body: object = None, *, headers: Mapping[str, str] | None = None) -> Any:
        return self._call("POST", path, body, (200, 201, 204), headers or {})

    def patch(self, path: str, body: object) -> Any:
        return self._call("PATCH", path, body, (200,), {})

    def refused(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        code: str,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """A request that must be refused with this code, its status and what the status brings along."""
        answer = self.asks(method, path, body, headers)
        assert answer.status_code == STATUS[code], f"{method} {path}: {answer.status_code} {answer.content!r}"
        error: dict[str, Any] = answer.json()["error"]
        assert error["code"] == code, f"expected the error {code} from {path}, got {error}"
        assert field is None or error.get("field") == field, f"expected field {field!r}, got {error}"
        assert error["message"], f"{error} says nothing to a person"
        if code == "token_invalid":
            assert answer["WWW-Authenticate"] == "Bearer"
        if code == "rate_limited":
            assert 1 <= int(answer["Retry-After"]) <= 60
            assert error["retryable"] is True
            assert 0 < error["retryAfter"] <= 60
        return error

    def asks(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        """The answer, whatever it is."""
        every = {**self.headers, **(headers or {})}
        if method == "GET":
            return self.client.get(path, body, headers=every)  # type: ignore[arg-type]  # a query
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = "application/json" if content else "application/octet-stream"
        return self.client.generic(method, path, content, kind, headers=every)

    def _call(self, method: str, path: str, body: object, wanted: tuple[int, ...], headers: Mapping[str, str]) -> Any:
        answer = self.asks(method, path, body, headers)
        assert answer.status_code in wanted, f"{method} {path}: {answer.status_code} {answer.content!r}"
        return answer.json() if answer.content else None


def somewhere() -> str:
    """An address from which nobody has asked before."""
    return f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(1, 255)}"


async def refused_by_socket(server: ChatServer, token: str, *, auth: Auth = "header", code: int = 4401) -> None:
    """The socket is accepted and then closed with this code, and has said nothing."""
    async with SocketClient(server.ws_url, token=token, auth=auth, welcome=False) as socket:
        await socket.expect_close(code)
        assert socket.frames == []


def with_ticket(server: ChatServer, ticket: str, *, welcome: bool = True, origin: str | None = None) -> SocketClient:
    """A socket that shows this ticket."""
    return SocketClient(f"{server.ws_url}?ticket={quote(ticket)}", auth=None, welcome=welcome, origin=origin)


async def ticket_refused(server: ChatServer, ticket: str, *, code: int = 4401) -> None:
    """The socket with this ticket is accepted and then closed with this code, and has said nothing."""
    async with with_ticket(server, ticket, welcome=False) as socket:
        await socket.expect_close(code)
        assert socket.frames == []


def ticket_of(person: Person) -> str:
    ticket: str = person.post("/api/ws-ticket/", status=201)["ticket"]
    return ticket


def sync_users(server: ChatServer, *people: Mapping[str, object]) -> None:
    """What the marketplace's server says of these people."""
    headers = {"Authorization": f"Server {KEYS['SERVER_KEY']}"}
    answer = http().post(f"{server.base_url}/api/users/sync/", json=people, headers=headers)
    assert answer.status_code == 200, answer.text


# People with a password


class SignedIn(Person):
    """Somebody with the service's own tokens."""

    def __init__(self, account: "Account", server: ChatServer, access: str, refresh: str) -> None:
        super().__init__(account.username, server, sub=account.id)
        self.token, self.refresh = access, refresh


@dataclass
class Account:
    """An account of the service itself, in the database of the two servers."""

    username: str
    id: str

    def signs_in(self, server: ChatServer) -> SignedIn:
        who = {"username": self.username, "password": PASSWORD}
        answer = http().post(f"{server.base_url}/api/token/", json=who)
        assert answer.status_code == 200, answer.text
        return SignedIn(self, server, answer.json()["access"], answer.json()["refresh"])


class Tab:
    """A web browser without the pages: cookies, CSRF token and Origin as a page of the service has them."""

    def __init__(self, server: ChatServer) -> None:
        self.server = server

    @cached_property
    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.server.base_url, timeout=30, trust_env=False, verify=False)

    def signs_in(self, account: Account) -> "Tab":
        self.http.get("/sign-in/")
        answer = self.submits("/sign-in/", username=account.username, password=PASSWORD)
        assert answer.status_code == 302, answer.text
        return self

    def submits(self, path: str, **fields: str) -> httpx.Response:
        """A form of the page."""
        form = {"csrfmiddlewaretoken": self.http.cookies["csrftoken"], **fields}
        return self.http.post(path, data=form, headers={"Origin": self.server.base_url})

    def posts(self, path: str, json: object = None, *, at: ChatServer | None = None) -> httpx.Response:
        """A request of the page's script."""
        address = (at or self.server).base_url
        headers = {"Origin": address, "X-CSRFToken": self.http.cookies["csrftoken"]}
        return self.http.post(f"{address}{path}", json=json, headers=headers)

    def ticket(self, *, at: ChatServer | None = None) -> str:
        answer = self.posts("/api/ws-ticket/", at=at)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ticket"])

    def connect(self, *, at: ChatServer | None = None) -> SocketClient:
        server = at or self.server
        return with_ticket(server, self.ticket(at=server), origin=server.base_url)

    def close(self) -> None:
        if "http" in self.__dict__:
            self.http.close()
