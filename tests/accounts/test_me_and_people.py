"""GET and PATCH /api/me/, and whom one may find by GET /api/users/."""

import base64
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.models import Participant
from localroots_chat.accounts.models import User
from tests.accounts.doors import Visitor
from tests.support.people import Person, sign_token

ME, PEOPLE = "/api/me/", "/api/users/"

pytestmark = pytest.mark.django_db


class Somebody(Visitor):
    """A person of the marketplace who has shown a token once."""

    def __init__(self, name: str = "Maria", *, role: str = "CUSTOMER", **said: Any) -> None:
        self.id = f"person-{uuid.uuid4()}"
        super().__init__(sign_token(self.id, name=name, role=role, **said))
        self.get(ME)

    def talks_to(self, other: "Somebody") -> str:
        conversation: str = self.post("/api/conversations/", {"userId": other.id})["id"]
        return conversation

    def finds(self, search: str | None = None, **query: Any) -> list[str]:
        """The ids of those on the first page."""
        asked = query if search is None else {"search": search, **query}
        return [one["id"] for one in self.get(PEOPLE, asked)["results"]]

    def is_deactivated(self) -> None:
        User.objects.filter(public_id=self.id).update(is_active=False)


_NO_FLAG: list[object] = [1, 0, "yes", "", [], {}]
WRONG: dict[str, list[object]] = {
    "name": [5, None, True, ["x"], {}, "", "  ", "\u200b", "\0", "a\0b", "x" * 201],
    "image": [
        *(5, True, ["x"], "x", "javascript:alert(1)", "data:,x", "ftp://a/b", "//a/b", "https://"),
        f"https://pics.example/{'x' * 2000}",
        "https://pics.example/\0",
    ],
    "language": [5, None, True, ["de"], "x" * 17, "d\0"],
    "appearOffline": _NO_FLAG,
    "receipts": _NO_FLAG,
    "lastSeen": _NO_FLAG,
}


# Oneself


def test_one_sees_oneself_as_others_do_and_ones_own_settings() -> None:
    maria = Somebody("Maria", role="FARMER", picture="https://pics.example/m.png")

    assert maria.get(ME) == {
        "id": maria.id,
        "name": "Maria",
        "image": "https://pics.example/m.png",
        "role": "FARMER",
        "language": "",
        "appearOffline": False,
        "receipts": True,
        "lastSeen": True,
    }


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"name": "Mary"}, {"name": "Mary"}),
        ({"name": "x" * 200}, {"name": "x" * 200}),
        ({"name": " Mary \n Ann "}, {"name": "Mary Ann"}),
        ({"image": "https://pics.example/2.png"}, {"image": "https://pics.example/2.png"}),
        ({"image": "http://pics.example/2.png"}, {"image": "http://pics.example/2.png"}),
        ({"image": ""}, {"image": None}),
        ({"image": None}, {"image": None}),
        ({"language": "de-CH"}, {"language": "de-CH"}),
        ({"language": ""}, {"language": ""}),
        ({"appearOffline": True}, {"appearOffline": True}),
        ({"receipts": False}, {"receipts": False}),
        ({"lastSeen": False}, {"lastSeen": False}),
        ({"name": "Mary", "receipts": False}, {"name": "Mary", "receipts": False}),
        ({}, {}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_one_changes_what_one_names_and_nothing_else(change: dict[str, Any], shown: dict[str, Any]) -> None:
    maria = Somebody("Maria", picture="https://pics.example/1.png")
    before = maria.get(ME)

    assert maria.patch(ME, change) == {**before, **shown}
    assert maria.get(ME) == {**before, **shown}


def test_a_change_can_be_taken_back() -> None:
    maria = Somebody()
    before = maria.get(ME)
    maria.patch(ME, {"appearOffline": True, "receipts": False, "lastSeen": False, "language": "de"})

    maria.patch(ME, {"appearOffline": False, "receipts": True, "lastSeen": True, "language": ""})

    assert maria.get(ME) == before


@pytest.mark.parametrize("field", WRONG)
def test_what_is_wrong_is_named_and_nothing_changes(field: str) -> None:
    maria = Somebody("Maria", picture="https://pics.example/1.png")
    before = maria.get(ME)
    good = {"name": "Mary", "image": "https://pics.example/2.png", "language": "de", "receipts": False}
    for wrong in WRONG[field]:
        maria.refused("PATCH", ME, {**good, field: wrong}, code="invalid_field", field=field)
        assert maria.get(ME) == before, wrong

    good.pop(field, None)
    assert maria.patch(ME, good) == {**before, **good}  # so it was this field alone


@pytest.mark.parametrize("body", [b"", [], ["name"], "name", 5, b"null", b"{", b'{"name": NaN}'], ids=str)
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    Somebody().refused("PATCH", ME, b" " if body == b"" else body, code="bad_json")


def test_nobody_makes_themselves_somebody_else() -> None:
    maria = Somebody()
    before = User.objects.filter(public_id=maria.id).values().get()
    more = {
        "id": "somebody-else",
        "publicId": "somebody-else",
        "public_id": "somebody-else",
        "role": "ADMIN",
        "isStaff": True,
        "is_staff": True,
        "is_superuser": True,
        "is_active": False,
        "username": "root",
        "password": "x",
        "email": "a@b.cd",
        "tokens_valid_after": 0,
        "profile_applied": 0,
    }

    maria.asks("PATCH", ME, more)  # ignored or refused

    assert User.objects.filter(pk=before["id"]).values().get() == before


def test_ones_own_name_stays_with_the_token_one_has() -> None:
    person = f"person-{uuid.uuid4()}"
    for made in (1_000, 500):  # the marketplace has renewed the token in the meantime
        maria = Visitor(sign_token(person, name="Maria", iat=_ago(made)))
        maria.get(ME)

    assert maria.patch(ME, {"name": "Mary"})["name"] == "Mary"

    assert maria.get(ME)["name"] == "Mary"


def _ago(seconds: int) -> int:
    return int(datetime.now(UTC).timestamp()) - seconds


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_oneself_is_not_to_be_replaced(method: str) -> None:
    Somebody().refused(method, ME, {}, code="method_not_allowed")


@pytest.mark.parametrize(("method", "path"), [("GET", ME), ("PATCH", ME), ("GET", PEOPLE)])
def test_nobody_is_told_anything_without_saying_who_they_are(method: str, path: str) -> None:
    Visitor().refused(method, path, code="token_invalid")


async def test_switching_receipts_off_counts_at_once_for_the_sockets_one_has(
    alice: Person, bob: Person, conversation: Any
) -> None:
    async with alice.connect() as alices, bob.connect() as bobs:
        first = await alices.say(conversation["id"], "Eggs?")
        await bobs.ask("message:read", {"conversationId": conversation["id"], "messageId": first["id"]})
        await alices.expect("message:read", userId=bob.id)

        alice.patch(ME, {"receipts": False})
        second = await alices.say(conversation["id"], "Milk?")
        await bobs.ask("message:read", {"conversationId": conversation["id"], "messageId": second["id"]})

        await bobs.say(conversation["id"], "Both!")
        heard = alices.expect("message:new", content="Both!")
        await alices.refute("message:read", after=heard, userId=bob.id)


# Others


@pytest.fixture
def tag() -> str:
    """Something in the names of this test's people and of no others."""
    return uuid.uuid4().hex[:10]


def test_one_finds_those_one_talks_with_and_farmers(tag: str) -> None:
    me = Somebody(f"Me {tag}")
    partner, host = Somebody(f"Partner {tag}"), Somebody(f"Host {tag}")
    farmer = Somebody(f"Farmer {tag}", role="FARMER")
    stranger = Somebody(f"Stranger {tag}")
    me.talks_to(partner)
    host.talks_to(me)
    stranger.talks_to(partner)

    assert set(me.finds(tag)) == {partner.id, host.id, farmer.id}
    assert set(stranger.finds(tag)) == {partner.id, farmer.id}


@pytest.mark.parametrize("role", ["CUSTOMER", "ADMIN"])
def test_a_stranger_is_not_found_unless_a_farmer(tag: str, role: str) -> None:
    stranger = Somebody(tag, role=role)

    assert Somebody().finds(tag) == []
    assert stranger.finds(tag) == []


def test_one_does_not_find_oneself(tag: str) -> None:
    farmer, partner = Somebody(tag, role="FARMER"), Somebody()
    farmer.talks_to(partner)

    assert farmer.finds(tag) == []
    assert partner.finds(tag) == [farmer.id]


def test_one_does_not_find_the_disabled(tag: str) -> None:
    me, partner, farmer = Somebody(), Somebody(tag), Somebody(tag, role="FARMER")
    me.talks_to(partner)
    assert set(me.finds(tag)) == {partner.id, farmer.id}

    partner.is_deactivated()
    farmer.is_deactivated()

    assert me.finds(tag) == []


@pytest.mark.parametrize("who_left", ["me", "partner"])
def test_one_does_not_find_those_with_whom_one_no_longer_shares_anything(tag: str, who_left: str) -> None:
    me, partner = Somebody(), Somebody(tag)
    conversation = me.talks_to(partner)
    assert me.finds(tag) == [partner.id]

    gone = {"me": me, "partner": partner}[who_left]
    seat = Participant.objects.filter(conversation_id=conversation, user__public_id=gone.id)
    assert seat.update(left_at=datetime.now(UTC)) == 1

    assert me.finds(tag) == []


def test_somebody_with_whom_one_shares_two_conversations_is_found_once(tag: str) -> None:
    me, farmer = Somebody(), Somebody(tag, role="FARMER")
    me.talks_to(farmer)

    assert me.finds(tag) == [farmer.id]


def test_people_are_shown_as_others_see_them(tag: str) -> None:
    farmer = Somebody(tag, role="FARMER", picture="https://pics.example/f.png", email="f@example.org")
    farmer.patch(ME, {"language": "de", "appearOffline": True})

    assert Somebody().get(PEOPLE, {"search": tag})["results"] == [
        {"id": farmer.id, "name": tag, "image": "https://pics.example/f.png", "role": "FARMER"}
    ]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (lambda tag: f"Orchard {tag}", True),
        (lambda tag: f"orchard {tag}".upper(), True),
        (lambda tag: f"chard {tag[:8]}", True),
        (lambda tag: f"  Orchard {tag}  ", True),
        (lambda tag: f"Orchard%{tag}", False),
        (lambda tag: f"Orchard_{tag}", False),
        (lambda tag: f"{tag}\\", False),
        (lambda tag: f"{tag}' OR '1'='1", False),
        (lambda tag: f"{tag} & tomato", False),
    ],
)
def test_a_search_is_for_a_part_of_the_name_in_any_case_and_for_nothing_else(
    tag: str, search: Callable[[str], str], found: bool
) -> None:
    farmer = Somebody(f"Orchard {tag}", role="FARMER")

    assert Somebody().finds(search(tag)) == ([farmer.id] if found else [])


def test_signs_that_mean_something_to_databases_are_only_signs(tag: str) -> None:
    names = [f"100% {tag}", f"a_b {tag}", f"a\\b {tag}"]
    farmers = {name: Somebody(name, role="FARMER").id for name in names}
    me = Somebody()

    for name, farmer in farmers.items():
        assert me.finds(name) == [farmer]


def test_without_a_search_one_sees_everybody_one_may_find(tag: str) -> None:
    me, partner, stranger = Somebody(), Somebody(tag), Somebody(tag)
    me.talks_to(partner)

    for nothing in (None, "", "  "):
        found = me.finds(nothing, limit=100)
        assert partner.id in found
        assert stranger.id not in found


@pytest.mark.parametrize("limit", [1, 2, 5, 7])
def test_pages_show_everybody_once(tag: str, limit: int) -> None:
    farmers = [Somebody(f"{tag} {number}", role="FARMER").id for number in range(5)]
    me = Somebody()

    seen: list[str] = []
    query: dict[str, Any] = {"search": tag, "limit": limit}
    while True:
        page = me.get(PEOPLE, query)
        assert 1 <= len(page["results"]) <= limit
        seen += [one["id"] for one in page["results"]]
        if page["next"] is None:
            break
        assert len(page["results"]) == limit
        query["cursor"] = page["next"]

    assert sorted(seen) == sorted(farmers)


def test_somebody_new_does_not_disturb_the_pages(tag: str) -> None:
    farmers = [Somebody(tag, role="FARMER").id for _ in range(4)]
    me = Somebody()
    first = me.get(PEOPLE, {"search": tag, "limit": 2})

    Somebody(tag, role="FARMER")
    User.objects.filter(public_id=farmers[0]).update(is_active=False)

    second = me.get(PEOPLE, {"search": tag, "limit": 2, "cursor": first["next"]})
    assert [one["id"] for one in first["results"] + second["results"]] == farmers


@pytest.mark.parametrize("limit", ["0", "101", "-1", "a", "1.5", "", " 1", "1e2", "٣", "9" * 30])
def test_pages_have_one_to_a_hundred_people(limit: str) -> None:
    me = Somebody()

    me.refused("GET", PEOPLE, {"limit": limit}, code="invalid_field", field="limit")

    me.get(PEOPLE, {"limit": 1})
    me.get(PEOPLE, {"limit": 100})


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "\0",
        "[1]",
        "=" * 9,
        "A" * 5000,
        _cursor("1"),
        _cursor(1),
        _cursor({}),
        _cursor([]),
        _cursor(["1"]),
        _cursor([True]),
        _cursor([None]),
        _cursor([1.5]),
        _cursor([1, 2]),
        _cursor([[1]]),
        _cursor([-1]),
        _cursor([10**30]),
        _cursor(json.loads("[" * 500 + "]" * 500)),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_cursor_that_is_not_ours_is_refused_and_breaks_nothing(cursor: str) -> None:
    answer = Somebody().asks("GET", PEOPLE, {"cursor": cursor})

    if cursor in {_cursor([-1]), _cursor([10**30])}:  # of the right shape: it may as well be one of ours
        assert answer.status_code in {200, 400}
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize("search", ["a\0", "x" * 201], ids=["NUL", "too long"])
def test_a_search_that_cannot_be_is_refused(search: str) -> None:
    Somebody().refused("GET", PEOPLE, {"search": search}, code="invalid_field", field="search")
