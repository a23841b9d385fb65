"""The marketplace's tokens (HS256 with AUTH_SECRET): what opens the door, what does not, and what they bring along."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from localroots_chat.accounts.models import User
from localroots_chat.accounts.team import TEAM
from tests.accounts.doors import (
    ABSENT,
    Account,
    Visitor,
    base64url,
    claims,
    compact,
    http,
    refused_by_socket,
    sync_users,
)
from tests.support.environment import KEYS
from tests.support.people import Person, sign_token
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient

AUDIENCE = "localroots-chat"
DAY = 86_400


def soon() -> int:
    return int(time.time()) + 3600


def _with_foreign_signature(me: str) -> str:
    return f"{compact(claims(me)).rpartition('.')[0]}.{compact(claims('somebody-else')).rpartition('.')[2]}"


def _with_other_claims(me: str) -> str:
    head, _, signature = compact(claims("somebody-else")).split(".")
    return f"{head}.{compact(claims(me)).split('.')[1]}.{signature}"


# Each makes a token for the person with the given id. The first is the measure for all that follow.
ACCEPTED: dict[str, Callable[[str], str]] = {
    "is as the marketplace makes it": lambda me: compact(claims(me)),
    "says aud, and means this service": lambda me: compact(claims(me, aud=AUDIENCE)),
    "says aud, and means this service among others": lambda me: compact(claims(me, aud=["shop", AUDIENCE])),
    "has no iat": lambda me: compact(claims(me, iat=ABSENT)),
    "has an exp with a fraction": lambda me: compact(claims(me, exp=soon() + 0.5)),
    "was made by a clock five seconds ahead": lambda me: compact(claims(me, iat=int(time.time()) + 5)),
    "has been valid since yesterday": lambda me: compact(claims(me, nbf=int(time.time()) - DAY)),
    "has a sub of 128 characters": lambda me: compact(claims(me.ljust(128, "x"))),
    "has a sub with letters and signs of any kind": lambda me: compact(claims(f"{me}|günther@höfe.example:7#é")),
    "has claims that nobody here knows": lambda me: compact(claims(me, iss="shop", jti="7", scope="chat")),
    "names a key file": lambda me: compact(claims(me), header={"kid": "../../../../dev/null"}),
    "names a key in SQL": lambda me: compact(claims(me), header={"kid": "x' UNION SELECT 'x"}),
    "names addresses of keys": lambda me: compact(
        claims(me), header={"jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/chain"}
    ),
}

REFUSED: dict[str, Callable[[str], str]] = {
    # the signature
    "says alg none and is not signed": lambda me: compact(claims(me), signed=None),
    "says alg nOnE and is not signed": lambda me: compact(claims(me), signed=None, header={"alg": "nOnE"}),
    "says alg none, signed all the same": lambda me: compact(claims(me), header={"alg": "none"}),
    "says no alg": lambda me: compact(claims(me), header={"alg": ABSENT}),
    "says alg null": lambda me: compact(claims(me), header={"alg": None}),
    "says alg as a list": lambda me: compact(claims(me), header={"alg": ["HS256"]}),
    "is signed with HS384": lambda me: compact(claims(me), signed="HS384"),
    "is signed with HS512": lambda me: compact(claims(me), signed="HS512"),
    "says RS256, signed with the secret as if it were a public key": lambda me: compact(
        claims(me), header={"alg": "RS256"}
    ),
    "says HS256, signed with HS512": lambda me: compact(claims(me), signed="HS512", header={"alg": "HS256"}),
    "is signed with another key": lambda me: compact(claims(me), key="another-key-of-the-same-length-0123456789"),
    "is signed with the empty file that it names as its key": lambda me: compact(
        claims(me), key="", header={"kid": "/dev/null"}
    ),
    "is signed with the key that it carries": lambda me: compact(
        claims(me), key="carried", header={"jwk": {"kty": "oct", "k": base64url(b"carried")}}
    ),
    "is signed with SECRET_KEY": lambda me: compact(claims(me), key=KEYS["SECRET_KEY"]),
    "is signed with SERVER_KEY": lambda me: compact(claims(me), key=KEYS["SERVER_KEY"]),
    "is signed with JWT_SIGNING_KEY but no token of the service's own": lambda me: compact(
        claims(me), key=KEYS["JWT_SIGNING_KEY"]
    ),
    "says to be an access token, signed with AUTH_SECRET": lambda me: compact(
        claims(me, token_type="access", jti="1", family=str(uuid.uuid4()))
    ),
    "has the signature of another token": _with_foreign_signature,
    "has the claims of another token": _with_other_claims,
    "has lost the end of its signature": lambda me: compact(claims(me))[:-4],
    "has no signature": lambda me: f"{compact(claims(me)).rpartition('.')[0]}.",
    "has critical headers that nobody here knows": lambda me: compact(claims(me), header={"crit": ["x"], "x": 1}),
    # the times
    "has no exp": lambda me: compact(claims(me, exp=ABSENT)),
    "has exp null": lambda me: compact(claims(me, exp=None)),
    "expired yesterday": lambda me: compact(claims(me, iat=int(time.time()) - 2 * DAY, exp=int(time.time()) - DAY)),
    "expired a minute ago": lambda me: compact(claims(me, exp=int(time.time()) - 60)),
    "has an exp in words": lambda me: compact(claims(me, exp="tomorrow")),
    "has an exp as a text of digits": lambda me: compact(claims(me, exp=str(soon()))),
    "has an exp beyond all calendars": lambda me: compact(claims(me, exp=1e18)),
    "has an infinite exp": lambda me: compact(claims(me, exp=float("inf"))),
    "has an exp that is no number": lambda me: compact(claims(me, exp=float("nan"))),
    "has an exp below zero": lambda me: compact(claims(me, exp=-1)),
    "has exp true": lambda me: compact(claims(me, exp=True)),
    "has a list as exp": lambda me: compact(claims(me, exp=[soon()])),
    "is not valid before tomorrow": lambda me: compact(claims(me, nbf=int(time.time()) + DAY)),
    "has an nbf that is no number": lambda me: compact(claims(me, nbf=float("nan"))),
    "will be made tomorrow": lambda me: compact(claims(me, iat=int(time.time()) + DAY, exp=soon() + 2 * DAY)),
    "has an iat in words": lambda me: compact(claims(me, iat="today")),
    # whom and what it is for
    "is for another audience": lambda me: compact(claims(me, aud="shop")),
    "is for other audiences": lambda me: compact(claims(me, aud=["shop", "forum"])),
    "is for nobody": lambda me: compact(claims(me, aud=[])),
    "has an aud that begins right": lambda me: compact(claims(me, aud=f"{AUDIENCE}-test")),
    "has a number as aud": lambda me: compact(claims(me, aud=5)),
    "has an object as aud": lambda me: compact(claims(me, aud={AUDIENCE: True})),
    "says token_type refresh": lambda me: compact(claims(me, token_type="refresh")),
    "says purpose": lambda me: compact(claims(me, purpose="password-reset")),
    "says token_use": lambda me: compact(claims(me, token_use="id")),
    # whose it is
    "has no sub": lambda me: compact(claims(ABSENT)),
    "has sub null": lambda me: compact(claims(None)),
    "has a number as sub": lambda me: compact(claims(42)),
    "has a list as sub": lambda me: compact(claims([me])),
    "has an object as sub": lambda me: compact(claims({"id": me})),
    "has an empty sub": lambda me: compact(claims("")),
    "has a sub of 129 characters": lambda me: compact(claims(me.ljust(129, "x"))),
    "has a space in sub": lambda me: compact(claims(f"{me} x")),
    "has a space after sub": lambda me: compact(claims(f"{me} ")),
    "has a comma in sub": lambda me: compact(claims(f"{me},x")),
    "has a slash in sub": lambda me: compact(claims(f"{me}/x")),
    "is the team's": lambda me: compact(claims(TEAM)),
    "has a line break in sub": lambda me: compact(claims(f"{me}\n")),
    "has NUL in sub": lambda me: compact(claims(f"{me}\0")),
    "has half a character in sub": lambda me: compact(claims(f"{me}\ud800")),
    "has an invisible mark of direction in sub": lambda me: compact(claims(f"{me}\u202e")),
    # the form
    "holds a list": lambda me: compact([claims(me)]),
    "holds a text": lambda me: compact(me),
    "holds no JSON": lambda me: compact(b"{"),
    "holds half characters as bytes": lambda me: compact(b'{"sub":"\xff"}'),
    "has a head of ten thousand brackets": lambda me: f"{base64url(b'[' * 6000)}.e30.{base64url(b'x' * 32)}",
    "has a number of five thousand digits for a head": lambda me: f"{base64url(b'1' * 5000)}.e30.e30",
    "has two parts": lambda me: compact(claims(me)).rpartition(".")[0],
    "has five parts, as an encrypted one": lambda me: ".".join(
        (base64url(b'{"alg":"dir","enc":"A256GCM"}'), "", base64url(b"x" * 12), base64url(b"x" * 200), "e30")
    ),
    "has a sixth part": lambda me: f"{compact(claims(me))}.e30.e30.e30",
    "is a word": lambda me: "token",
    "has nothing between its dots": lambda me: "." * 30,
}


@pytest.fixture
def newcomer(mallory: Person) -> Person:
    """Somebody whose token is about to be looked at, and who has not been here before."""
    return mallory


def shown_to_rest(person: Person, authorization: str | None) -> httpx.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    return http().get(f"{person.server.base_url}/api/me/", headers=headers)


def assert_unknown(person: Person) -> None:
    asker = {"Authorization": f"Bearer {sign_token('somebody-who-asks')}"}
    url = f"{person.server.base_url}/api/conversations/"
    assert http().post(url, json={"userId": person.id}, headers=asker).status_code == 404


def assert_refused_by_rest(answer: httpx.Response) -> None:
    assert answer.status_code == 401, answer.text
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    error = answer.json()["error"]
    assert error["code"] == "token_invalid"
    assert error["retryable"] is False


@pytest.mark.parametrize("make", ACCEPTED.values(), ids=ACCEPTED)
async def test_every_door_opens_for_a_token_that(make: Callable[[str], str], newcomer: Person) -> None:
    token = make(newcomer.id)

    answer = shown_to_rest(newcomer, f"Bearer {token}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"].startswith(newcomer.id)
    async with newcomer.connect(token=token) as socket:
        assert socket.welcome["user"]["id"] == answer.json()["id"]
    async with newcomer.connect(token=token, auth="frame") as socket:
        assert socket.welcome["user"]["id"] == answer.json()["id"]


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
async def test_no_door_opens_for_a_token_that(make: Callable[[str], str], newcomer: Person) -> None:
    token = make(newcomer.id)

    assert_refused_by_rest(shown_to_rest(newcomer, f"Bearer {token}"))
    await refused_by_socket(newcomer.server, token)
    await refused_by_socket(newcomer.server, token, auth="frame")

    assert_unknown(newcomer)


@pytest.mark.parametrize("characters", [9_000, 40_000])
async def test_a_huge_token_is_refused_though_its_signature_is_right(newcomer: Person, characters: int) -> None:
    token = compact(claims(newcomer.id, name="x" * characters))

    assert_refused_by_rest(shown_to_rest(newcomer, f"Bearer {token}"))
    await refused_by_socket(newcomer.server, token, auth="frame")


@pytest.mark.parametrize("lifetime", [-60, 60])
async def test_the_premise_that_only_what_is_changed_decides(newcomer: Person, lifetime: int) -> None:
    token = compact(claims(newcomer.id, exp=int(time.time()) + lifetime))

    assert shown_to_rest(newcomer, f"Bearer {token}").status_code == (200 if lifetime > 0 else 401)


# How a token is shown


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Basic YTpi", "Token {token}", "{token}", "Bearer {token} {token}", "Server {token}"],
)
def test_rest_wants_the_token_after_the_word_bearer(newcomer: Person, authorization: str | None) -> None:
    assert shown_to_rest(newcomer, f"bearer {newcomer.token}").status_code == 200

    shown = None if authorization is None else authorization.format(token=newcomer.token)

    assert_refused_by_rest(shown_to_rest(newcomer, shown))


@pytest.mark.parametrize("authorization", ["Bearer", "Basic YTpi", "Token {token}", "{token}"])
async def test_a_socket_wants_the_token_after_the_word_bearer(newcomer: Person, authorization: str) -> None:
    shown = {"Authorization": authorization.format(token=newcomer.token)}

    async with SocketClient(newcomer.server.ws_url, auth=None, headers=shown, welcome=False) as socket:
        await socket.expect_close(4401)
        assert socket.frames == []


@pytest.mark.parametrize("name", ["token", "access_token"])
async def test_a_token_in_the_address_is_refused(newcomer: Person, name: str) -> None:
    url = f"{newcomer.server.ws_url}?{name}={newcomer.token}"

    async with SocketClient(url, auth=None, welcome=False) as socket:
        await socket.expect_close(4401)
        assert socket.frames == []


@pytest.mark.parametrize(
    "data",
    [
        {"token": 5},
        {"token": True},
        {"token": None},
        {"token": ["{token}"]},
        {"token": {"token": "{token}"}},
        {"token": ""},
        {},
        {"ticket": "{token}"},
        "{token}",
        ["{token}"],
        5,
        None,
    ],
    ids=str,
)
async def test_a_first_frame_without_a_text_as_token_is_refused(newcomer: Person, data: object) -> None:
    def filled(value: object) -> object:
        match value:
            case str():
                return value.format(token=newcomer.token)
            case list():
                return [filled(one) for one in value]
            case dict():
                return {key: filled(one) for key, one in value.items()}
        return value

    async with SocketClient(newcomer.server.ws_url, auth=None, welcome=False) as socket:
        await socket.send("auth", filled(data))
        await socket.expect_close(4401)
        assert socket.frames == []


async def test_the_first_frame_must_be_auth(newcomer: Person) -> None:
    async with SocketClient(newcomer.server.ws_url, auth=None, welcome=False) as socket:
        await socket.send("heartbeat", ref="1")
        await socket.expect_close(4401)
        assert socket.frames == []


# Renewing


async def test_a_socket_takes_a_new_token_of_the_same_person_and_no_other(alice: Person, mallory: Person) -> None:
    mallory.arrives()
    async with alice.connect() as socket:
        later = int(time.time()) + 7200
        reply = await socket.ask("auth", {"token": compact(claims(alice.id, exp=later))})
        assert reply["expiresAt"] == time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(later))

        await socket.ask_refused("auth", {"token": compact(claims(alice.id), key="wrong")}, code="token_invalid")
        await socket.ask("heartbeat")  # a wrong token changes nothing: the old one is still good

        await socket.send("auth", {"token": mallory.token})
        await socket.expect_close(4403)


async def test_a_socket_ends_with_its_token_unless_that_is_renewed(alice: Person) -> None:
    short = sign_token(alice.id, lifetime=2)
    async with alice.connect(token=short) as forgetful, alice.connect(token=short) as careful:
        for socket in (forgetful, careful):
            await socket.expect("session:expiring", within=1)
        await careful.ask("auth", {"token": alice.token})

        await forgetful.expect_close(4401)

        await careful.ask("heartbeat")


# Whose account it is


@pytest.mark.parametrize("whose", ["an account with a password", "clerk", "chief"])
async def test_no_marketplace_token_opens_an_account_of_the_service_itself(
    whose: str, newcomer: Person, new_account: Callable[[], Account], staff_ids: dict[str, str]
) -> None:
    named = staff_ids.get(whose) or new_account().id
    newcomer.post("/api/conversations/", {"userId": named})  # there is such an account
    token = compact(claims(named))

    assert_refused_by_rest(shown_to_rest(newcomer, f"Bearer {token}"))
    await refused_by_socket(newcomer.server, token)
    await refused_by_socket(newcomer.server, token, auth="frame")


async def test_a_disabled_person_is_refused_with_a_good_token_until_let_in_again(
    two_servers: tuple[ChatServer, ChatServer], newcomer: Person
) -> None:
    newcomer.arrives()
    sync_users(two_servers[0], {"id": newcomer.id, "active": False})

    for server in two_servers:
        newcomer.server = server
        assert_refused_by_rest(shown_to_rest(newcomer, f"Bearer {newcomer.token}"))
        await refused_by_socket(server, newcomer.token, code=4403)
        await refused_by_socket(server, newcomer.token, auth="frame", code=4403)

    sync_users(two_servers[0], {"id": newcomer.id, "active": True})
    assert shown_to_rest(newcomer, f"Bearer {newcomer.token}").status_code == 200


async def test_somebody_signed_out_everywhere_is_refused_at_every_door(newcomer: Person) -> None:
    newcomer.post("/api/logout/", {"everywhere": True})

    for token in (newcomer.token, compact(claims(newcomer.id, iat=ABSENT))):
        assert_refused_by_rest(shown_to_rest(newcomer, f"Bearer {token}"))
        await refused_by_socket(newcomer.server, token, code=4403)
        await refused_by_socket(newcomer.server, token, auth="frame", code=4403)

    issued_afterwards = compact(claims(newcomer.id, iat=time.time()))
    assert shown_to_rest(newcomer, f"Bearer {issued_afterwards}").status_code == 200


# What a token brings along. From here on without a server.


NOW = int(time.time())  # one clock for all: a second may pass between two tokens


def new_id() -> str:
    return f"person-{uuid.uuid4()}"


def shows(person: str, *, ago: int = 0, **said: Any) -> dict[str, Any]:
    """The person as they see themselves, after showing a token made `ago` seconds ago that says this."""
    me: dict[str, Any] = Visitor(sign_token(person, iat=NOW - ago, **said)).get("/api/me/")
    return me


@pytest.mark.django_db
def test_a_person_comes_into_being_with_what_the_first_token_says() -> None:
    person = new_id()

    me = shows(person, name="Maria", picture="https://pics.example/m.png", email="maria@example.org", role="FARMER")

    assert (me["id"], me["name"], me["image"], me["role"]) == (person, "Maria", "https://pics.example/m.png", "FARMER")
    assert User.objects.get(public_id=person).email == "maria@example.org"


@pytest.mark.django_db
def test_a_token_need_not_say_more_than_whose_it_is() -> None:
    me = shows(new_id())

    assert (me["name"], me["image"], me["role"]) == ("", None, "CUSTOMER")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ago", "applied"), [(0, True), (499, True), (500, False), (501, False), (5000, False)], ids=str
)
def test_a_profile_changes_with_a_newer_token_only(ago: int, applied: bool) -> None:
    person = new_id()
    before = shows(person, ago=500, name="Maria", picture="https://pics.example/1.png", role="CUSTOMER", email="a@b.c")

    me = shows(person, ago=ago, name="Mary", picture="https://pics.example/2.png", role="FARMER", email="d@e.f")

    if applied:
        assert (me["name"], me["image"], me["role"]) == ("Mary", "https://pics.example/2.png", "FARMER")
        assert User.objects.get(public_id=person).email == "d@e.f"
    else:
        assert me == before
        assert User.objects.get(public_id=person).email == "a@b.c"


@pytest.mark.django_db
def test_an_older_token_does_not_undo_a_newer_one_that_changed_nothing() -> None:
    person = new_id()
    shows(person, ago=500, name="Maria")
    shows(person, ago=100, name="Maria")

    assert shows(person, ago=300, name="Mary")["name"] == "Maria"


@pytest.mark.django_db
def test_what_a_newer_token_does_not_say_stays() -> None:
    person = new_id()
    before = shows(person, ago=500, name="Maria", picture="https://pics.example/1.png", role="FARMER")

    assert shows(person, ago=400) == before


@pytest.mark.django_db
def test_without_an_iat_a_token_changes_no_profile() -> None:
    person = new_id()
    before = shows(person, ago=500, name="Maria")

    assert Visitor(sign_token(person, iat=None, name="Mary")).get("/api/me/") == before


async def test_a_newer_profile_is_applied_at_the_sockets_door_too(newcomer: Person) -> None:
    newcomer.token = sign_token(newcomer.id, iat=int(time.time()) - 100, name="Maria")
    newcomer.arrives()

    async with newcomer.connect(token=sign_token(newcomer.id, name="Mary")) as socket:
        assert socket.welcome["user"]["name"] == "Mary"
    async with newcomer.connect() as socket:
        assert socket.welcome["user"]["name"] == "Mary"


NO_PICTURES: list[object] = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:image/png;base64,AAAA",
    "vbscript:x",
    "file:///etc/passwd",
    "//pics.example/2.png",
    "pics.example/2.png",
    "https://",
    "http://[::1",
    f"https://pics.example/{'x' * 2000}",
    "https://pics.example/\0.png",
    5,
    ["https://pics.example/2.png"],
    {},
]


@pytest.mark.django_db
def test_a_picture_that_is_no_web_address_is_ignored() -> None:
    for picture in NO_PICTURES:
        assert shows(new_id(), picture=picture)["image"] is None, picture

    person = new_id()
    assert shows(person, ago=500, picture="https://pics.example/1.png")["image"] == "https://pics.example/1.png"
    for number, picture in enumerate(NO_PICTURES):
        newer = shows(person, ago=400 - number, picture=picture)
        assert newer["image"] == "https://pics.example/1.png", picture


@pytest.mark.django_db
@pytest.mark.parametrize(
    "role", ["STAFF", "admin", "farmer", "SUPERUSER", "", 5, True, ["ADMIN"], {"ADMIN": 1}], ids=str
)
def test_a_role_that_the_marketplace_does_not_have_is_ignored(role: object) -> None:
    person = new_id()
    assert shows(person, ago=100, role=role)["role"] == "CUSTOMER"
    assert shows(person, ago=50, role="FARMER")["role"] == "FARMER"

    assert shows(person, role=role)["role"] == "FARMER"


@pytest.mark.django_db
@pytest.mark.parametrize("first", [True, False], ids=["at first sight", "by a newer token"])
@pytest.mark.parametrize(
    "said",
    [
        {"role": "ADMIN"},
        {"role": "STAFF"},
        {"is_staff": True, "is_superuser": True},
        {"isStaff": True, "admin": True, "username": "root", "password": "x", "user_permissions": [1], "groups": [1]},
    ],
    ids=str,
)
def test_no_token_gives_rights_of_staff(said: dict[str, Any], first: bool) -> None:
    person = new_id()
    if not first:
        shows(person, ago=100, name="Maria")

    shows(person, **said)

    user = User.objects.get(public_id=person)
    assert not user.is_staff
    assert not user.is_superuser
    assert not user.has_usable_password() or not user.password
    assert user.username is None
    assert not user.user_permissions.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Maria", "Maria"),
        ("  Maria \n Lindqvist ", "Maria Lindqvist"),
        ("Maria\0", "Maria"),
        ("Maria\u202e", "Maria"),
        ("M\ud800", "M"),
        ("x" * 500, "x" * 200),
        ("<b>Maria</b>", "<b>Maria</b>"),
        ("", ""),
        (" \n ", ""),
        (5, ""),
        (["Maria"], ""),
        (None, ""),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_name_is_one_line_without_control_characters(name: object, shown: str) -> None:
    assert shows(new_id(), name=name)["name"] == shown


@pytest.mark.django_db
@pytest.mark.parametrize(
    "email", ["", "nobody", "a" * 250 + "@b.cd", "a\n@b.cd", 5, ["a@b.cd"]], ids=lambda v: str(v)[:20]
)
def test_an_address_that_is_none_is_not_kept(email: object) -> None:
    person = new_id()

    shows(person, email=email)

    assert User.objects.get(public_id=person).email == ""
