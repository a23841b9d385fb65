"""The service's own tokens: signing in with a password, renewing, signing out here and everywhere."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from pytest_django import Settings

from conversations.models import Participant
from localroots_chat.accounts.models import User
from localroots_chat.gateway import limits
from tests.accounts.doors import (
    ABSENT,
    PASSWORD,
    Account,
    SignedIn,
    Tab,
    Visitor,
    compact,
    http,
    read_unverified,
    refused_by_socket,
    somewhere,
    sync_users,
)
from tests.support.environment import KEYS
from tests.support.people import Person, sign_token
from tests.support.servers import ChatServer

Servers = tuple[ChatServer, ChatServer]


@pytest.fixture
def grower(db: None) -> User:
    """Somebody with a password."""
    name = f"grower-{uuid.uuid4().hex[:12]}"
    return User.objects.create_user(name, PASSWORD, public_id=name, name="Gro", role="FARMER")


def signs_in(user: User, *, address: str | None = None) -> dict[str, str]:
    """A new pair of tokens."""
    body = {"username": user.username, "password": PASSWORD}
    pair: dict[str, str] = Visitor(address=address).post("/api/token/", body)
    return pair


def renewed(refresh: str) -> dict[str, str]:
    """The next pair of tokens."""
    pair: dict[str, str] = Visitor().post("/api/token/refresh/", {"refresh": refresh})
    return pair


def assert_good(access: str, whose: User) -> None:
    assert Visitor(access).get("/api/me/")["id"] == whose.public_id


def assert_ended(pair: Mapping[str, str]) -> None:
    """Neither token of the pair is good for anything."""
    Visitor(pair["access"]).refused("GET", "/api/me/", code="token_invalid")
    Visitor().refused("POST", "/api/token/refresh/", {"refresh": pair["refresh"]}, code="token_invalid")


# With a password


def test_the_right_password_gives_a_token_that_opens_every_rest_door(grower: User) -> None:
    pair = signs_in(grower)

    assert set(pair) == {"access", "refresh"}
    assert_good(pair["access"], grower)


def test_a_wrong_password_is_answered_word_for_word_like_a_wrong_name(grower: User) -> None:
    disabled = User.objects.create_user(f"{grower.username}-x", PASSWORD, is_active=False)
    User.objects.create(username=f"{grower.username}-y")  # has no password
    answers = [
        Visitor().asks("POST", "/api/token/", {"username": username, "password": password})
        for username, password in [
            (grower.username, "wrong"),
            (grower.username, ""),
            (grower.username, PASSWORD.upper()),
            ("nobody", PASSWORD),
            ("", PASSWORD),
            (disabled.username, PASSWORD),
            (f"{grower.username}-y", ""),
        ]
    ]

    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert answers[0].json()["error"]["code"] == "token_invalid"
    signs_in(grower)


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "invalid_field", "username"),
        ({"username": "a"}, "invalid_field", "password"),
        ({"password": "a"}, "invalid_field", "username"),
        ({"username": 5, "password": "a"}, "invalid_field", "username"),
        ({"username": "a", "password": ["a"]}, "invalid_field", "password"),
        ({"username": "a\0", "password": "a"}, "invalid_field", "username"),
        ({"username": "a", "password": None}, "invalid_field", "password"),
        ({"username": "a", "password": "x" * 100_000}, "invalid_field", "password"),
        (["a", "b"], "bad_json", None),
        ("a", "bad_json", None),
        (b"{", "bad_json", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_name_and_password_is_refused_by_field(db: None, body: object, code: str, field: str | None) -> None:
    Visitor().refused("POST", "/api/token/", body, code=code, field=field)


# Renewing


def test_each_refresh_token_gets_the_next_pair(grower: User) -> None:
    pair = signs_in(grower)
    for _ in range(3):
        following = renewed(pair["refresh"])

        assert following["refresh"] != pair["refresh"]
        assert_good(following["access"], grower)
        pair = following


def test_a_used_refresh_token_coming_again_ends_its_whole_family_and_no_other(grower: User) -> None:
    first, elsewhere = signs_in(grower), signs_in(grower)
    second = renewed(first["refresh"])
    third = renewed(second["refresh"])
    assert_good(third["access"], grower)

    Visitor().refused("POST", "/api/token/refresh/", {"refresh": first["refresh"]}, code="token_invalid")

    for pair in (first, second, third):
        assert_ended(pair)
    assert_good(elsewhere["access"], grower)
    assert_good(renewed(elsewhere["refresh"])["access"], grower)


async def test_of_two_refreshes_at_once_one_wins_and_the_family_has_ended_for_both(
    two_servers: Servers, new_account: Callable[[], Account]
) -> None:
    person = new_account().signs_in(two_servers[0])

    def renews(server: ChatServer) -> Any:
        return http().post(f"{server.base_url}/api/token/refresh/", json={"refresh": person.refresh})

    answers = await asyncio.gather(*(asyncio.to_thread(renews, server) for server in two_servers))

    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code) == (200, 401)
    assert lost.json()["error"]["code"] == "token_invalid"
    # Somebody holds a copy, and nobody knows who is who.
    await refused_by_socket(two_servers[0], won.json()["access"], code=4403)
    person.refused("POST", "/api/token/refresh/", {"refresh": won.json()["refresh"]}, code="token_invalid")


def _of_another_kind(pair: Mapping[str, str]) -> dict[str, object]:
    said = read_unverified(pair["refresh"])
    key = KEYS["JWT_SIGNING_KEY"]
    return {
        "an access token": pair["access"],
        "a token of the marketplace": sign_token(said["sub"]),
        "one that has expired": compact({**said, "exp": int(time.time()) - 60}, key=key),
        "one signed with another key": compact(said),
        "one without signature": compact(said, signed=None),
        "one signed with HS512": compact(said, key=key, signed="HS512"),
        "one of no family": compact({name: said[name] for name in said if name != "family"}, key=key),
        "one of an unknown family": compact({**said, "family": str(uuid.uuid4())}, key=key),
        "one whose family is a word": compact({**said, "family": "x"}, key=key),
        "one whose family is a number": compact({**said, "family": 5}, key=key),
        "one without jti": compact({name: said[name] for name in said if name != "jti"}, key=key),
        "a word": "refresh",
        "half a character": "\ud800",
        "NUL": "\0",
        "a very long text": "x" * 100_000,
        "nothing": "",
        "null": None,
        "a number": 5,
        "a list": [pair["refresh"]],
        "an object": {"refresh": pair["refresh"]},
    }


def test_nothing_else_is_taken_for_a_refresh_token(grower: User) -> None:
    pair = signs_in(grower)
    for kind, shown in _of_another_kind(pair).items():
        answer = Visitor().asks("POST", "/api/token/refresh/", {"refresh": shown})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_invalid"), kind
    Visitor().refused("POST", "/api/token/refresh/", {}, code="token_invalid")

    assert_good(renewed(pair["refresh"])["access"], grower)  # and none of it has ended the sign-in


@pytest.mark.parametrize("fate", ["disabled", "deleted"])
def test_somebody_who_has_been(fate: str, grower: User) -> None:
    pair = signs_in(grower)
    assert_good(pair["access"], grower)

    if fate == "disabled":
        User.objects.filter(pk=grower.pk).update(is_active=False)
    else:
        grower.delete()

    assert_ended(pair)


# Each token for its own purpose


async def test_a_refresh_token_opens_no_door_but_its_own(
    two_servers: Servers, new_account: Callable[[], Account]
) -> None:
    person = new_account().signs_in(two_servers[0])
    async with person.connect() as socket:
        assert socket.welcome["user"]["id"] == person.id
    async with person.connect(auth="frame"):
        pass

    await refused_by_socket(person.server, person.refresh)
    await refused_by_socket(person.server, person.refresh, auth="frame")
    person.refused("GET", "/api/me/", code="token_invalid", headers={"Authorization": f"Bearer {person.refresh}"})


def test_an_access_token_is_good_only_as_it_was_made(grower: User) -> None:
    access = signs_in(grower)["access"]
    said, key = read_unverified(access), KEYS["JWT_SIGNING_KEY"]
    assert_good(compact(said, key=key), grower)  # so that what follows depends on the change alone

    changed: dict[str, str] = {
        "expired": compact({**said, "exp": int(time.time()) - 60}, key=key),
        "without exp": compact({name: said[name] for name in said if name != "exp"}, key=key),
        "without token_type": compact({name: said[name] for name in said if name != "token_type"}, key=key),
        "with another token_type": compact({**said, "token_type": "sliding"}, key=key),
        "without jti": compact({name: said[name] for name in said if name != "jti"}, key=key),
        "without family": compact({name: said[name] for name in said if name != "family"}, key=key),
        "of an unknown family": compact({**said, "family": str(uuid.uuid4())}, key=key),
        "without sub": compact({name: said[name] for name in said if name != "sub"}, key=key),
        "of nobody": compact({**said, "sub": "nobody"}, key=key),
        "signed with AUTH_SECRET": compact(said),
        "signed with HS512": compact(said, key=key, signed="HS512"),
        "not signed": compact(said, signed=None),
        "saying RS256": compact(said, key=key, header={"alg": "RS256"}),
        "saying no alg": compact(said, key=key, header={"alg": ABSENT}),
    }
    for what, token in changed.items():
        answer = Visitor(token).asks("GET", "/api/me/")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_invalid"), what


# Signing out here


def test_signing_out_ends_this_sign_in_and_no_other(grower: User) -> None:
    here, elsewhere = signs_in(grower), signs_in(grower)

    Visitor(here["access"]).post("/api/logout/")

    assert_ended(here)
    assert_good(elsewhere["access"], grower)
    assert_good(renewed(elsewhere["refresh"])["access"], grower)
    assert_good(signs_in(grower)["access"], grower)


@pytest.mark.parametrize("body", [None, {}, {"everywhere": False}, {"everywhere": None}], ids=str)
def test_signing_out_is_not_everywhere_unless_asked(grower: User, body: object) -> None:
    here, elsewhere = signs_in(grower), signs_in(grower)

    Visitor(here["access"]).post("/api/logout/", body)

    assert_ended(here)
    assert_good(elsewhere["access"], grower)


@pytest.mark.parametrize("everywhere", ["yes", 1, [], {}], ids=str)
def test_signing_out_in_an_unclear_way_ends_nothing(grower: User, everywhere: object) -> None:
    pair = signs_in(grower)

    Visitor(pair["access"]).refused(
        "POST", "/api/logout/", {"everywhere": everywhere}, code="invalid_field", field="everywhere"
    )

    assert_good(pair["access"], grower)


def test_nobody_signs_out_without_being_signed_in(db: None) -> None:
    Visitor().refused("POST", "/api/logout/", code="token_invalid")
    Visitor().refused("POST", "/api/logout/", {"everywhere": True}, code="token_invalid")


async def test_signing_out_closes_the_sockets_of_this_sign_in_at_both_servers(
    two_servers: Servers, new_account: Callable[[], Account]
) -> None:
    first, second = two_servers
    account = new_account()
    here, elsewhere = account.signs_in(first), account.signs_in(second)
    async with (
        here.connect(server=first) as near,
        here.connect(server=second) as far,
        elsewhere.connect(server=first) as others,
    ):
        here.post("/api/logout/", status=204)

        await near.expect_close(4403, within=1)
        await far.expect_close(4403, within=1)
        await others.ask("heartbeat")
    await refused_by_socket(second, here.token, code=4403)


async def test_a_stolen_refresh_token_closes_the_sockets_of_its_family(
    two_servers: Servers, new_account: Callable[[], Account]
) -> None:
    person = new_account().signs_in(two_servers[0])
    used = person.refresh
    person.post("/api/token/refresh/", {"refresh": used})
    async with person.connect(server=two_servers[0]) as near, person.connect(server=two_servers[1]) as far:
        person.refused("POST", "/api/token/refresh/", {"refresh": used}, code="token_invalid")

        await near.expect_close(4403, within=1)
        await far.expect_close(4403, within=1)


# Signing out everywhere


def test_signing_out_everywhere_ends_every_sign_in_and_leaves_others_alone(grower: User) -> None:
    pairs = [signs_in(grower) for _ in range(3)]
    neighbour = User.objects.create_user(f"{grower.username}-n", PASSWORD)
    theirs = signs_in(neighbour)
    browser, of_the_neighbour = Visitor(), Visitor()
    browser.client.force_login(grower)
    of_the_neighbour.client.force_login(neighbour)
    assert browser.get("/api/me/")["id"] == grower.public_id

    Visitor(pairs[0]["access"]).post("/api/logout/", {"everywhere": True})

    for pair in pairs:
        assert_ended(pair)
    browser.refused("GET", "/api/me/", code="token_invalid")
    assert_good(theirs["access"], neighbour)
    assert of_the_neighbour.get("/api/me/")["id"] == neighbour.public_id


def test_after_signing_out_everywhere_one_can_sign_in_again(grower: User) -> None:
    Visitor(signs_in(grower)["access"]).post("/api/logout/", {"everywhere": True})

    fresh = signs_in(grower)
    assert_good(fresh["access"], grower)
    assert_good(renewed(fresh["refresh"])["access"], grower)
    browser = Visitor()
    browser.client.force_login(User.objects.get(pk=grower.pk))
    assert browser.get("/api/me/")["id"] == grower.public_id


@pytest.mark.django_db
def test_signing_out_everywhere_ends_the_marketplace_tokens_issued_until_then() -> None:
    person, now = f"person-{uuid.uuid4()}", int(time.time())
    until_then = {
        "the one used for it": sign_token(person, iat=now - 10),
        "an older one": sign_token(person, iat=now - 1000),
        "a younger one": sign_token(person, iat=now - 1),
        "one that does not say when": sign_token(person, iat=None),
    }
    other = sign_token(f"person-{uuid.uuid4()}", iat=now - 10)
    for token in [*until_then.values(), other]:
        Visitor(token).get("/api/me/")

    Visitor(until_then["the one used for it"]).post("/api/logout/", {"everywhere": True})

    for which, token in until_then.items():
        answer = Visitor(token).asks("GET", "/api/me/")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_invalid"), which
    Visitor(other).get("/api/me/")
    assert Visitor(sign_token(person, iat=time.time())).get("/api/me/")["id"] == person


async def test_signing_out_everywhere_closes_every_socket_at_both_servers(
    two_servers: Servers,
    new_account: Callable[[], Account],
    new_tab: Callable[[ChatServer], Tab],
    bob: Person,
) -> None:
    first, second = two_servers
    account = new_account()
    here, elsewhere = account.signs_in(first), account.signs_in(second)
    tab = new_tab(first).signs_in(account)
    async with (
        here.connect(server=first) as near,
        elsewhere.connect(server=second) as far,
        here.connect(server=second, auth="ticket") as by_ticket,
        tab.connect(at=second) as by_session,
        bob.connect(server=first) as bobs,
    ):
        here.post("/api/logout/", {"everywhere": True}, status=204)

        for socket in (near, far, by_ticket, by_session):
            await socket.expect_close(4403, within=1)
        await bobs.ask("heartbeat")
    assert tab.http.get("/api/me/").status_code == 401

    again = account.signs_in(second)
    async with again.connect(server=first):
        pass


async def test_somebody_of_the_marketplace_signs_out_everywhere(two_servers: Servers, alice: Person) -> None:
    async with alice.connect(server=two_servers[0]) as near, alice.connect(server=two_servers[1]) as far:
        alice.post("/api/logout/", {"everywhere": True}, status=204)

        await near.expect_close(4403, within=1)
        await far.expect_close(4403, within=1)
    await refused_by_socket(two_servers[1], alice.token, code=4403)

    async with alice.connect(server=two_servers[1], token=sign_token(alice.id, iat=time.time())) as socket:
        assert socket.welcome["user"]["id"] == alice.id


async def test_signing_out_from_the_web_page_everywhere(
    two_servers: Servers, new_account: Callable[[], Account], new_tab: Callable[[ChatServer], Tab]
) -> None:
    account = new_account()
    person: SignedIn = account.signs_in(two_servers[0])
    tab = new_tab(two_servers[0]).signs_in(account)
    async with person.connect(server=two_servers[1]) as socket, tab.connect() as of_the_page:
        assert tab.posts("/api/logout/", {"everywhere": True}).status_code == 204

        await socket.expect_close(4403, within=1)
        await of_the_page.expect_close(4403, within=1)
    assert tab.http.get("/api/me/").status_code == 401
    person.refused("GET", "/api/me/", code="token_invalid")


async def test_an_account_disabled_by_the_marketplace_loses_its_sockets_and_comes_back_with_the_same_token(
    two_servers: Servers, alice: Person
) -> None:
    async with alice.connect(server=two_servers[0]) as near, alice.connect(server=two_servers[1]) as far:
        sync_users(two_servers[1], {"id": alice.id, "active": False})

        await near.expect_close(4403, within=1)
        await far.expect_close(4403, within=1)
    await refused_by_socket(two_servers[0], alice.token, code=4403)

    sync_users(two_servers[1], {"id": alice.id, "active": True})
    async with alice.connect():
        pass


# While a socket is being opened


@contextmanager
def arrivals_held(server: ChatServer) -> Iterator[Callable[[], None]]:
    """Who arrives now is looked up and then kept waiting for the list of their conversations until the end of this.

    The function given waits until somebody waits.
    """
    table = sql.Identifier(Participant._meta.db_table)
    with psycopg.connect(server.database_url or "") as holder, psycopg.connect(server.database_url or "") as watcher:
        holder.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table))
        watcher.autocommit = True

        def until_somebody_waits() -> None:
            asked = "SELECT FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
            deadline = time.monotonic() + 5
            while watcher.execute(asked, [Participant._meta.db_table]).fetchone() is None:
                assert time.monotonic() < deadline, "nobody came"

        yield until_somebody_waits
        holder.rollback()


@pytest.mark.parametrize("way", ["signing out everywhere", "signing out", "deactivation"])
async def test_who_loses_access_while_their_socket_is_being_opened_does_not_keep_it(
    way: str, two_servers: Servers, new_account: Callable[[], Account], alice: Person
) -> None:
    person = alice if way == "deactivation" else new_account().signs_in(two_servers[0])
    person.arrives()
    opening = person.connect(server=two_servers[1], welcome=False)
    with arrivals_held(two_servers[1]) as until_somebody_waits:
        await opening.open()
        until_somebody_waits()
        if way == "deactivation":
            sync_users(two_servers[0], {"id": person.id, "active": False})
        else:
            person.post("/api/logout/", {"everywhere": way == "signing out everywhere"}, status=204)

    try:
        await opening.expect_close(4403, within=1)
    finally:
        await opening.close()


# Guessing passwords


@pytest.fixture
def three_guesses(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in memory, and from nothing: other tests have guessed too."""
    settings.CHAT_RATES = {**settings.CHAT_RATES, "token": (3, 60.0)}
    settings.REDIS_URL = ""
    monkeypatch.setattr(limits, "_memory", limits.MemoryLimits())


def guesses(username: str | None, address: str, password: str = "wrong") -> int:
    answer = Visitor(address=address).asks("POST", "/api/token/", {"username": username, "password": password})
    return int(answer.status_code)


@pytest.mark.usefixtures("three_guesses")
def test_passwords_of_one_account_cannot_be_guessed_from_many_addresses(grower: User) -> None:
    for _ in range(3):
        assert guesses(grower.username, somewhere()) == 401

    right = {"username": grower.username, "password": PASSWORD}
    Visitor().refused("POST", "/api/token/", right, code="rate_limited")
    assert guesses((grower.username or "").upper(), somewhere()) == 429  # the same person to whoever guesses
    assert guesses("somebody-else", somewhere()) == 401


@pytest.mark.usefixtures("three_guesses")
def test_one_address_cannot_try_a_password_on_many_accounts(grower: User) -> None:
    address = somewhere()
    for number in range(3):
        assert guesses(f"{grower.username}-{number}", address) == 401

    right = {"username": grower.username, "password": PASSWORD}
    Visitor(address=address).refused("POST", "/api/token/", right, code="rate_limited")
    signs_in(grower, address=somewhere())


def page_guesses(path: str, username: str | None, address: str, password: str = "wrong") -> int:
    """The status of the sign-in form: 200 shows it again, 302 lets in, 429 refuses to look."""
    visitor = Visitor(address=address)
    page = visitor.client.get(path, follow=True)
    fields = {"username": username or "", "password": password, "csrfmiddlewaretoken": page.cookies["csrftoken"].value}
    return int(visitor.client.post(page.request["PATH_INFO"], fields).status_code)


@pytest.mark.usefixtures("three_guesses")
def test_the_page_and_the_token_door_count_guesses_together(grower: User) -> None:
    assert page_guesses("/sign-in/", grower.username, somewhere()) == 200
    assert page_guesses("/sign-in/", grower.username, somewhere()) == 200
    assert guesses(grower.username, somewhere()) == 401

    assert page_guesses("/sign-in/", grower.username, somewhere(), PASSWORD) == 429
    assert guesses(grower.username, somewhere(), PASSWORD) == 429


@pytest.mark.usefixtures("three_guesses")
@pytest.mark.parametrize("disguise", [" {}", "{} ", "{}\t", "\uff47{}"], ids=repr)
def test_a_name_written_differently_is_not_a_new_name_to_guess_for(grower: User, disguise: str) -> None:
    assert (grower.username or "").startswith("g")
    rest = (grower.username or "")[1:]
    disguised = disguise.format(rest if disguise.startswith("\uff47") else grower.username)
    for _ in range(3):
        assert page_guesses("/sign-in/", grower.username, somewhere()) == 200

    assert page_guesses("/sign-in/", disguised, somewhere(), PASSWORD) == 429


@pytest.mark.usefixtures("three_guesses")
def test_passwords_of_staff_cannot_be_guessed_at_the_admin_site_either(grower: User) -> None:
    User.objects.filter(pk=grower.pk).update(is_staff=True)
    for _ in range(3):
        assert page_guesses("/admin/", grower.username, somewhere()) == 200

    assert page_guesses("/admin/", grower.username, somewhere(), PASSWORD) == 429
