"""Alice blocks Bob: nothing new is said between the two, and only Alice knows why."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.support.people import Person
from tests.support.servers import ChatServer

BLOCKS = "/api/blocks/"
CLOSED = {"code": "forbidden", "message": "You cannot write to this person.", "retryable": False}


def refusal_of(person: Person, method: str, path: str, body: Any = None, *, code: str) -> dict[str, Any]:
    return {**person.refused(method, path, body, code=code)}


async def test_nothing_new_is_said_between_the_two(alice: Person, bob: Person) -> None:
    talk = alice.talks_to(bob)["id"]
    messages = f"/api/conversations/{talk}/messages/"
    async with alice.connect() as a, bob.connect() as b:
        of_bob = await b.say(talk, "hello")
        of_alice = await a.say(talk, "please stop")
        alice.post(BLOCKS, {"userId": bob.id}, status=201)

        said = await b.ask_refused("message:send", {"conversationId": talk, "content": "why?"}, code="forbidden")
        assert said == CLOSED
        assert refusal_of(bob, "POST", messages, {"content": "why?"}, code="forbidden") == CLOSED
        await b.ask_refused("message:edit", {"messageId": of_bob["id"], "content": "rude"}, code="forbidden")
        await b.ask_refused("message:react", {"messageId": of_alice["id"], "emoji": "👎"}, code="forbidden")

        await a.ask_refused("message:send", {"conversationId": talk, "content": "and"}, code="blocked")
        await a.ask_refused("message:edit", {"messageId": of_alice["id"], "content": "go"}, code="blocked")
        alice.refused("POST", messages, {"content": "and"}, code="blocked")

        await b.ask("message:delete", {"messageId": of_bob["id"]})  # taking back is always right
        assert len(bob.get(messages)["messages"]) == 2, "what was said is still there"

        alice.delete(f"{BLOCKS}{bob.id}/", status=204)
        again = await b.say(talk, "friends?")
        await a.expect("message:new", id=again["id"])


def test_a_block_sounds_like_a_closed_account(
    alice: Person, bob: Person, two_servers: Sequence[ChatServer], new_person: Callable[..., Person]
) -> None:
    carol = new_person("carol", two_servers[0])
    for person in (alice, bob, carol):
        person.arrives()
    alice.post(BLOCKS, {"userId": bob.id})
    assert refusal_of(bob, "POST", "/api/conversations/", {"userId": alice.id}, code="forbidden") == CLOSED
    alice.refused("POST", "/api/conversations/", {"userId": bob.id}, code="blocked")
    assert alice.post("/api/conversations/", {"userId": carol.id}, status=201), "nobody else is blocked"
    assert bob.get(BLOCKS) == {"results": [], "next": None}


def test_the_list_is_ones_own_and_blocking_twice_changes_nothing(alice: Person, bob: Person) -> None:
    bob.arrives()
    first = alice.post(BLOCKS, {"userId": bob.id}, status=201)
    assert alice.post(BLOCKS, {"userId": bob.id}, status=200) == first
    assert alice.get(BLOCKS)["results"] == [first]
    assert first["user"]["id"] == bob.id
    for _ in range(2):
        alice.delete(f"{BLOCKS}{bob.id}/", status=204)
    assert alice.get(BLOCKS)["results"] == []


def test_the_list_comes_in_pages(
    alice: Person, two_servers: Sequence[ChatServer], new_person: Callable[..., Person]
) -> None:
    others = [new_person(f"other{number}", two_servers[0]) for number in range(3)]
    for other in others:
        other.arrives()
        alice.post(BLOCKS, {"userId": other.id})
    first = alice.get(BLOCKS, params={"limit": 2})
    second = alice.get(BLOCKS, params={"limit": 2, "cursor": first["next"]})
    assert [one["user"]["id"] for one in first["results"] + second["results"]] == [other.id for other in others]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("who", "code", "field"),
    [
        ("alice", "invalid_field", "userId"),
        ("nobody", "not_found", None),
        (5, "invalid_field", "userId"),
        (None, "invalid_field", "userId"),
        ("a b", "not_found", None),
        ("x" * 200, "not_found", None),
    ],
)
def test_who_cannot_be_blocked(who: Any, code: str, field: str | None, alice: Person) -> None:
    alice.refused("POST", BLOCKS, {"userId": alice.id if who == "alice" else who}, code=code, field=field)
    if code == "not_found":
        alice.refused("DELETE", f"{BLOCKS}{who}/", code="not_found")
