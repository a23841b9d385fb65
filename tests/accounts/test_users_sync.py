"""POST /api/users/sync/: the marketplace's server makes people known, and says what has changed."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from localroots_chat.accounts.models import User
from localroots_chat.accounts.team import TEAM
from tests.accounts.doors import PASSWORD, Visitor, refused_by_socket, sync_users
from tests.support.environment import KEYS
from tests.support.people import Person, sign_token
from tests.support.servers import ChatServer

KEY = {"Authorization": f"Server {KEYS['SERVER_KEY']}"}
SYNC = "/api/users/sync/"

pytestmark = pytest.mark.django_db


def new_id() -> str:
    return f"person-{uuid.uuid4()}"


def syncs(*people: object) -> list[dict[str, Any]]:
    """What the marketplace's server is told about these people."""
    results: list[dict[str, Any]] = Visitor().post(SYNC, people, headers=KEY)["results"]
    return results


def refuses(people: object, *, code: str = "invalid_field") -> str:
    """The field for which the marketplace's server is refused."""
    return str(Visitor().refused("POST", SYNC, people, code=code, headers=KEY).get("field"))


# Who may


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Server",
        "Server wrong",
        f"Server {KEYS['SERVER_KEY']}x",
        f"Server {KEYS['SERVER_KEY'][:-1]}",
        f"Server {KEYS['SERVER_KEY'].upper()}",
        f"Server {KEYS['AUTH_SECRET']}",
        f"Bearer {KEYS['SERVER_KEY']}",
        KEYS["SERVER_KEY"],
        "Server ü",
        f"Bearer {sign_token('an-admin-of-the-marketplace', role='ADMIN')}",
    ],
)
def test_only_the_server_key_opens_this_door(authorization: str | None) -> None:
    person = new_id()
    headers = {} if authorization is None else {"Authorization": authorization}

    Visitor().refused("POST", SYNC, [{"id": person}], code="token_invalid", headers=headers)

    assert not User.objects.filter(public_id=person).exists()
    syncs({"id": person})
    assert User.objects.filter(public_id=person).exists()


def test_the_session_of_a_superuser_does_not_open_this_door() -> None:
    browser = Visitor()
    browser.client.force_login(User.objects.create_superuser(new_id(), PASSWORD))

    browser.refused("POST", SYNC, [{"id": new_id()}], code="token_invalid")


def test_the_server_key_opens_no_other_door() -> None:
    Visitor().refused("GET", "/api/me/", code="token_invalid", headers=KEY)
    Visitor().refused("GET", SYNC, code="method_not_allowed", headers=KEY)


# What it does


def test_people_are_made_known_before_they_first_come() -> None:
    maria, tom = new_id(), new_id()

    results = syncs(
        {"id": maria, "name": "Maria", "image": "https://pics.example/m.png", "role": "FARMER", "active": True},
        {"id": tom},
    )

    assert results == [
        {"id": maria, "name": "Maria", "image": "https://pics.example/m.png", "role": "FARMER"},
        {"id": tom, "name": "", "image": None, "role": "CUSTOMER"},
    ]
    alice = Visitor(sign_token(new_id()))
    assert alice.post("/api/conversations/", {"userId": maria})["type"] == "DIRECT"
    alice.refused("POST", "/api/conversations/", {"userId": new_id()}, code="not_found")


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, {}),
        ({"name": "Mary"}, {"name": "Mary"}),
        ({"image": "https://pics.example/2.png"}, {"image": "https://pics.example/2.png"}),
        ({"image": ""}, {"image": None}),
        ({"role": "ADMIN"}, {"role": "ADMIN"}),
        ({"name": None, "image": None, "role": None, "active": None}, {}),
        ({"name": " Mary \n Lindqvist\0"}, {"name": "Mary Lindqvist"}),
    ],
    ids=str,
)
def test_what_is_said_changes_and_what_is_not_stays(change: dict[str, Any], shown: dict[str, Any]) -> None:
    person = {"id": new_id(), "name": "Maria", "image": "https://pics.example/1.png", "role": "FARMER"}
    assert syncs(person) == [person]

    assert syncs({"id": person["id"], **change}) == [{**person, **shown}]


def test_saying_the_same_again_changes_nothing() -> None:
    people = [{"id": new_id(), "name": f"Person {number}", "role": "FARMER"} for number in range(3)]

    def stored() -> list[dict[str, Any]]:
        found = User.objects.filter(public_id__in=[one["id"] for one in people]).order_by("pk").values()
        return [{**one, "profile_applied": "whenever"} for one in found]

    results, before = syncs(*people), stored()

    assert syncs(*people) == results
    assert stored() == before


def test_somebody_named_twice_is_one_person_as_named_last() -> None:
    person = new_id()

    results = syncs({"id": person, "name": "Maria"}, {"id": person, "role": "FARMER"}, {"id": person, "name": "Mary"})

    assert results[-1] == {"id": person, "name": "Mary", "image": None, "role": "FARMER"}
    assert User.objects.filter(public_id=person).count() == 1


def test_somebody_deactivated_is_refused_and_not_to_be_found_until_active_again() -> None:
    person = new_id()
    token = sign_token(person, iat=int(time.time()) - 10)
    Visitor(token).get("/api/me/")
    syncs({"id": person, "name": person, "role": "FARMER"})
    asker = Visitor(sign_token(new_id()))
    assert len(asker.get("/api/users/", {"search": person})["results"]) == 1

    for _ in range(2):
        syncs({"id": person, "active": False})
        Visitor(token).refused("GET", "/api/me/", code="token_invalid")
        assert asker.get("/api/users/", {"search": person})["results"] == []
        asker.refused("POST", "/api/conversations/", {"userId": person}, code="forbidden")
    syncs({"id": person, "name": "Still away"})
    Visitor(token).refused("GET", "/api/me/", code="token_invalid")

    syncs({"id": person, "active": True})
    assert Visitor(token).get("/api/me/")["id"] == person


def test_a_token_made_before_the_sync_does_not_undo_what_was_said() -> None:
    known, unknown = new_id(), new_id()
    Visitor(sign_token(known, name="Maria", iat=int(time.time()) - 1000)).get("/api/me/")
    syncs({"id": known, "name": "Mary", "role": "FARMER"}, {"id": unknown, "name": "Mary", "role": "FARMER"})

    for person in (known, unknown):
        older = sign_token(person, name="Maria", role="CUSTOMER", iat=int(time.time()) - 500)
        me = Visitor(older).get("/api/me/")
        assert (me["name"], me["role"]) == ("Mary", "FARMER")

    newer = sign_token(known, name="Marie", iat=time.time() + 1)
    assert Visitor(newer).get("/api/me/")["name"] == "Marie"


@pytest.mark.parametrize("kind", ["password", "staff", "superuser"])
def test_accounts_of_the_service_itself_are_out_of_reach(kind: str) -> None:
    name, person = new_id(), new_id()
    User.objects.create_user(
        name,
        PASSWORD if kind == "password" else None,
        public_id=name,
        name="Own",
        is_staff=kind == "staff",
        is_superuser=kind == "superuser",
    )

    for change in ({"name": "Mallory"}, {"active": False}, {}):
        assert "id" in refuses([{"id": person}, {"id": name, **change}])

    own = User.objects.get(public_id=name)
    assert (own.name, own.is_active) == ("Own", True)
    assert not User.objects.filter(public_id=person).exists()


def test_nobody_gets_rights_a_password_or_a_user_name_this_way() -> None:
    person = new_id()
    more = {"isStaff": True, "is_staff": True, "is_superuser": True, "password": "x", "username": "x", "groups": [1]}

    Visitor().asks("POST", SYNC, [{"id": person, "role": "ADMIN", **more}], KEY)  # ignored or refused

    for user in User.objects.filter(public_id=person):
        assert (user.is_staff, user.is_superuser, user.username, user.password) == (False, False, None, "")


# What is wrong is refused as a whole


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (5, ""),
        (None, ""),
        ("person", ""),
        ([], ""),
        ({}, "id"),
        ({"name": "Maria"}, "id"),
        ({"id": None}, "id"),
        ({"id": 5}, "id"),
        ({"id": ""}, "id"),
        ({"id": "x" * 129}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": "a,b"}, "id"),
        ({"id": TEAM}, "id"),
        ({"id": "a/b"}, "id"),
        ({"id": "a\n"}, "id"),
        ({"id": "a\0"}, "id"),
        ({"id": "a\ud800"}, "id"),
        ({"id": "a", "name": 5}, "name"),
        ({"id": "a", "name": ["x"]}, "name"),
        ({"id": "a", "image": 5}, "image"),
        ({"id": "a", "image": "javascript:alert(1)"}, "image"),
        ({"id": "a", "image": "data:image/png;base64,AAAA"}, "image"),
        ({"id": "a", "image": f"https://pics.example/{'x' * 2000}"}, "image"),
        ({"id": "a", "role": "STAFF"}, "role"),
        ({"id": "a", "role": "farmer"}, "role"),
        ({"id": "a", "role": ""}, "role"),
        ({"id": "a", "role": 5}, "role"),
        ({"id": "a", "active": "yes"}, "active"),
        ({"id": "a", "active": 0}, "active"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_one_wrong_entry_is_named_and_nothing_is_stored(wrong: object, field: str) -> None:
    before, new = new_id(), new_id()
    syncs({"id": before, "name": "Maria"})

    named = refuses([{"id": before, "name": "Mary"}, {"id": new}, wrong])

    assert "2" in named
    assert named.endswith(field)
    assert User.objects.get(public_id=before).name == "Maria"
    assert not User.objects.filter(public_id=new).exists()


def test_an_entry_is_named_in_one_way_whatever_is_wrong_with_it() -> None:
    assert refuses([{"id": 5}]) == refuses([{"id": ""}]) == refuses([{}])


@pytest.mark.parametrize("body", [{}, {"id": "a"}, "a", 5, None, b"", b"[", b'[{"id": NaN}]'], ids=str)
def test_a_body_that_is_no_list_of_people_is_refused(body: object) -> None:
    answer = Visitor().asks("POST", SYNC, b"null" if body is None else body, KEY)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_json")


def test_nobody_at_all_is_a_list_too() -> None:
    assert syncs() == []


def test_five_hundred_people_at_once_and_no_more() -> None:
    run = new_id()
    people = [{"id": f"{run}-{number}", "name": "x"} for number in range(501)]

    refuses(people)
    assert not User.objects.filter(public_id__startswith=run).exists()

    assert len(syncs(*people[:500])) == 500


# Live


async def test_deactivating_somebody_closes_their_sockets_at_both_servers_and_nobody_elses(
    two_servers: tuple[ChatServer, ChatServer], alice: Person, bob: Person, new_person: Callable[..., Person]
) -> None:
    first, second = two_servers
    carol = new_person("carol", first)
    async with (
        alice.connect(server=first) as near,
        alice.connect(server=second) as far,
        bob.connect(server=first) as bobs,
        carol.connect() as carols,
    ):
        sync_users(first, {"id": bob.id, "name": "Bobby"}, {"id": alice.id, "active": False}, {"id": carol.id})

        await near.expect_close(4403, within=1)
        await far.expect_close(4403, within=1)
        await bobs.ask("heartbeat")
        await carols.ask("heartbeat")
    await refused_by_socket(second, alice.token, code=4403)
    assert bob.arrives()["name"] == "Bobby"
