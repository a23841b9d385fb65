"""The cast. Alice is a farmer and owns things; Bob is a customer who talks with Alice; Mallory is an outsider
with a valid token, who must never learn anything.

Each test gets its own Alice, Bob and Mallory, so that tests on one server don't disturb each other.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import Any

import httpx
import jwt
import pytest

from tests.support.environment import KEYS
from tests.support.servers import ChatServer
from tests.support.sockets import Auth, SocketClient

# The wire's vocabulary of refusals: each code has one status.
STATUS = {
    **dict.fromkeys(
        ("bad_json", "invalid_field", "body_empty", "body_too_long", "cursor_invalid", "unknown_event"), 400
    ),
    "token_invalid": 401,
    **dict.fromkeys(("forbidden", "blocked", "muted"), 403),
    "not_found": 404,
    "method_not_allowed": 405,
    **dict.fromkeys(("client_id_reused", "full"), 409),
    **dict.fromkeys(("file_too_large", "image_too_large", "quota_exceeded"), 413),
    "file_type": 415,
    "content_refused": 422,
    "rate_limited": 429,
    "internal": 500,
    **dict.fromkeys(("overloaded", "unavailable"), 503),
}
_OK = (200, 201, 204)


def sign_token(sub: str, *, secret: str = KEYS["AUTH_SECRET"], lifetime: float = 3600, **claims: Any) -> str:
    """A token as the marketplace signs it. A claim given as None is left out."""
    now = int(time.time())
    payload = {"sub": sub, "iat": now, "exp": now + int(lifetime), **claims}
    payload = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(payload, secret, algorithm="HS256")


class Person:
    """Somebody with a token, at one of the servers."""

    def __init__(
        self, name: str, server: ChatServer, *, sub: str | None = None, role: str = "CUSTOMER", **claims: Any
    ) -> None:
        self.name = name
        self.server = server
        self.id = sub or f"{name}-{uuid.uuid4()}"
        self.claims = {"name": name.capitalize(), "role": role, **claims}
        self.token = sign_token(self.id, **self.claims)

    def __repr__(self) -> str:
        return f"<{self.name}>"

    # REST

    @cached_property
    def http(self) -> httpx.Client:
        """Plain HTTP with the token. Blocks: an async test that needs calls at once wraps them in asyncio.to_thread."""
        return httpx.Client(
            base_url=self.server.base_url,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30,
            trust_env=False,
            verify=False,  # it is plain HTTP, and to load the certificates of the world takes longer than a request
        )

    def get(self, path: str, *, status: int | Sequence[int] = _OK, **options: Any) -> Any:
        return self._call("GET", path, status, options)

    def post(self, path: str, json: Any = None, *, status: int | Sequence[int] = _OK, **options: Any) -> Any:
        return self._call("POST", path, status, {"json": json, **options})

    def put(self, path: str, json: Any = None, *, status: int | Sequence[int] = _OK, **options: Any) -> Any:
        return self._call("PUT", path, status, {"json": json, **options})

    def patch(self, path: str, json: Any = None, *, status: int | Sequence[int] = _OK, **options: Any) -> Any:
        return self._call("PATCH", path, status, {"json": json, **options})

    def delete(self, path: str, *, status: int | Sequence[int] = _OK, **options: Any) -> Any:
        return self._call("DELETE", path, status, options)

    def refused(
        self, method: str, path: str, json: Any = None, *, code: str, field: str | None = None, **options: Any
    ) -> dict[str, Any]:
        """A request that must be refused with this code (and its status); returns the error."""
        body = {"json": json} if json is not None else {}
        error: dict[str, Any] = self._call(method, path, STATUS[code], {**body, **options})["error"]
        assert error["code"] == code, f"{self.name} expected the error {code} from {path}, got {error}"
        assert field is None or error.get("field") == field, f"{self.name} expected field {field!r}, got {error}"
        assert error["message"], f"{error} says nothing to a person"
        assert isinstance(error["retryable"], bool), f"{error} does not say whether to try again"
        return error

    def _call(self, method: str, path: str, status: int | Sequence[int], options: Mapping[str, Any]) -> Any:
        answer = self.http.request(method, path, **options)
        wanted = [status] if isinstance(status, int) else status
        assert answer.status_code in wanted, (
            f"{self.name}: {method} {path} answered {answer.status_code}, not {' or '.join(map(str, wanted))}: "
            f"{answer.text[:2000]}"
        )
        return answer.json() if answer.content else None

    # Sockets

    def connect(
        self,
        *,
        server: ChatServer | None = None,
        token: str | None = None,
        auth: Auth | None = "header",
        origin: str | None = None,
        welcome: bool = True,
        heartbeat: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> SocketClient:
        """A socket of this person: `async with bob.connect() as socket`."""
        at = server or self.server
        return SocketClient(
            at.ws_url,
            name=self.name,
            token=self.token if token is None else token,
            auth=auth,
            origin=origin,
            welcome=welcome,
            heartbeat=heartbeat,
            headers=headers,
            ticket_url=f"{at.base_url}/api/ws-ticket/",
        )

    # What people do first

    def arrives(self) -> Any:
        """Make oneself known: a token creates its user at first sight."""
        return self.get("/api/me/")

    def talks_to(self, other: "Person") -> Any:
        """The direct conversation with somebody, who is made known first."""
        other.arrives()
        return self.post("/api/conversations/", {"userId": other.id})

    def founds(self, name: str, *members: "Person", category: str = "FOOD_SHARE", **fields: Any) -> Any:
        """A group of one's own with these members, who are made known first."""
        for member in members:
            member.arrives()
        ids = [member.id for member in members]
        return self.post("/api/groups/", {"name": name, "category": category, "memberIds": ids, **fields})

    def close(self) -> None:
        if "http" in self.__dict__:
            self.http.close()


@pytest.fixture
def new_person() -> Iterator[Callable[..., Person]]:
    """Anybody else: `carol = new_person("carol", server, role="FARMER")`."""
    with ExitStack() as stack:

        def make(name: str, server: ChatServer, **options: Any) -> Person:
            person = Person(name, server, **options)
            stack.callback(person.close)
            return person

        yield make


@pytest.fixture
def alice(servers: Sequence[ChatServer], new_person: Callable[..., Person]) -> Person:
    """A farmer, owner of things, at the first server."""
    return new_person("alice", servers[0], role="FARMER")


@pytest.fixture
def bob(servers: Sequence[ChatServer], new_person: Callable[..., Person]) -> Person:
    """A customer, in the conversation with Alice; at the last server, so that what they say crosses over."""
    return new_person("bob", servers[-1])


@pytest.fixture
def mallory(servers: Sequence[ChatServer], new_person: Callable[..., Person]) -> Person:
    """An outsider with a valid token, at the first server: Alice's."""
    return new_person("mallory", servers[0])


@pytest.fixture
def conversation(alice: Person, bob: Person) -> Any:
    """The direct conversation of Alice and Bob."""
    return alice.talks_to(bob)
