"""Alice blocks Bob: nothing new is said between the two, and only Alice knows why."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import assert_in_order

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


# In groups


@pytest.fixture
def carol(two_servers: Sequence[ChatServer], new_person: Callable[..., Person]) -> Person:
    return new_person("carol", two_servers[0])


@pytest.fixture
def eggs(alice: Person, bob: Person, carol: Person) -> str:
    """The talk of Alice's group with Bob, who is at the other server, and Carol."""
    return str(alice.founds("Valley eggs", bob, carol)["conversationId"])


def messages(person: Person, talk: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get(f"/api/conversations/{talk}/messages/")["messages"]
    return found


def assert_hidden(message: dict[str, Any], of: dict[str, Any]) -> None:
    """Its place and its times, and nothing else."""
    kept = ("id", "conversationId", "seq", "version", "type", "createdAt", "updatedAt")
    assert {name: message[name] for name in kept} == {name: of[name] for name in kept}
    told = {name: value for name, value in message.items() if name not in kept and value not in (None, [], "")}
    assert told == {"hidden": True}


async def test_what_a_blocked_person_says_is_hidden_everywhere_and_back_when_unblocked(
    alice: Person, bob: Person, carol: Person, eggs: str
) -> None:
    async with alice.connect() as a, bob.connect() as b, carol.connect() as c:
        before = await b.say(eggs, "rude eggs")
        held = (await a.expect("message:new", id=before["id"])).version
        alice.post(BLOCKS, {"userId": bob.id}, status=201)
        await a.expect("conversation:reset", conversationId=eggs)

        # live, from the other server
        said = await b.say(eggs, "more rude eggs")
        await c.expect("message:new", id=said["id"], content="more rude eggs")
        live = await a.expect("message:new", id=said["id"])
        assert_hidden(live.data, said)
        # an edit, a reaction of somebody else, an answer of somebody else
        edited = (await b.ask("message:edit", {"messageId": said["id"], "content": "sorry"}))["message"]
        assert_hidden((await a.expect("message:updated", id=said["id"])).data, edited)
        await c.expect("message:updated", content="sorry")
        await c.ask("message:react", {"messageId": said["id"], "emoji": "🥚"})
        reacted = await a.expect("message:updated", id=said["id"])
        assert {"reaction", "actorId"}.isdisjoint(reacted.data)
        answer = await c.say(eggs, "let him be", replyTo=said["id"])
        quoting = await a.expect("message:new", id=answer["id"], content="let him be")
        place = {"id": said["id"], "seq": said["seq"], "senderId": None, "excerpt": ""}
        assert quoting.data["replyTo"] == place
        # a reaction of his own, on what Carol said
        await b.ask("message:react", {"messageId": answer["id"], "emoji": "👎"})
        by_him = await a.expect("message:updated", id=answer["id"], content="let him be")
        assert {"reaction", "actorId"}.isdisjoint(by_him.data)
        assert by_him.data["reactions"] == [{"emoji": "👎", "count": 1}]

        # whatever Alice asks
        theirs = {one["id"]: one for one in messages(carol, eggs)}
        for message in messages(alice, eggs):
            if message["id"] in (before["id"], said["id"]):
                assert_hidden(message, theirs[message["id"]])
        assert_hidden(alice.get(f"/api/messages/{said['id']}/"), theirs[said["id"]])
        assert [one["replyTo"] for one in messages(alice, eggs) if one["id"] == answer["id"]] == [place]
        joined = await a.ask("join:conversation", eggs)
        assert [one["seq"] for one in joined["messages"] if one.get("hidden")] == [before["seq"], said["seq"]]
        changes = (await a.ask("sync", {"cursors": {eggs: held}}))["changes"]
        assert changes == {}, "they load it anew"
        assert alice.get("/api/messages/search/?q=sorry")["results"] == []
        (found,) = alice.get("/api/messages/search/?q=let him be")["results"]
        assert found["context"]["before"] == place
        last = await b.say(eggs, "hm")
        (listed,) = alice.get("/api/conversations/")["results"]
        assert_hidden(listed["lastMessage"], last)
        assert listed["unreadCount"] == 1, "Carol's"
        # and her own answer to him quotes nothing either
        own = await a.say(eggs, "who is that?", replyTo=said["id"])
        assert own["replyTo"] == place
        assert (await a.expect("message:new", id=own["id"])).data["replyTo"] == place
        assert (await b.expect("message:new", id=own["id"])).data["replyTo"]["excerpt"] == "sorry"

        alice.delete(f"{BLOCKS}{bob.id}/", status=204)
        await a.expect("conversation:reset", conversationId=eggs)
        again = await b.say(eggs, "friends?")
        await a.expect("message:new", id=again["id"], content="friends?")
        assert eggs in (await a.ask("sync", {"cursors": {eggs: own["version"]}}))["reset"]
        assert [one["content"] for one in messages(alice, eggs)] == [one["content"] for one in messages(carol, eggs)]
        assert alice.get("/api/messages/search/?q=sorry")["results"] != []
        assert_in_order(a.frames)


async def test_sync_says_anew_to_whom_it_looks_different_since(
    alice: Person, bob: Person, carol: Person, eggs: str
) -> None:
    async with bob.connect() as b:
        await b.say(eggs, "hello")
    async with alice.connect() as a, carol.connect() as c:
        version = (await a.ask("join:conversation", eggs))["conversation"]["version"]
        alice.post(BLOCKS, {"userId": bob.id})
        answer = await a.ask("sync", {"cursors": {eggs: version}, "since": a.welcome["serverTime"]})
        assert answer["reset"] == [eggs]
        assert (await a.ask("sync", {"cursors": {eggs: version}}))["reset"] == [eggs]
        later = "2100-01-01T00:00:00.000Z"
        assert (await a.ask("sync", {"cursors": {eggs: version}, "since": later}))["reset"] == []
        assert (await c.ask("sync", {"cursors": {eggs: version}}))["reset"] == [], "to her it looks as before"


async def test_neither_learns_whether_the_other_writes_or_has_read(
    alice: Person, bob: Person, carol: Person, eggs: str
) -> None:
    async with alice.connect() as a, bob.connect() as b, carol.connect() as c:
        said = await c.say(eggs, "hello")
        alice.post(BLOCKS, {"userId": bob.id})
        await a.expect("conversation:reset")
        for who, other, person in ((a, b, alice), (b, a, bob)):
            await who.ask("typing:start", eggs)
            await c.expect("typing:user_start", userId=person.id)
            await who.ask("message:read", {"conversationId": eggs, "messageId": said["id"]})
            await c.expect("message:read", userId=person.id)
            marker = await c.say(eggs, "so?")
            await other.refute("typing:user_start", after=other.expect("message:new", id=marker["id"]))
            await other.refute("message:read", userId=person.id)
        for one, other_one in ((alice, bob), (bob, alice)):
            seen = one.get(f"/api/messages/{said['id']}/receipts/")["results"]
            assert [reader["user"]["id"] for reader in seen] == []
            shape = one.get(f"/api/conversations/{eggs}/")
            pointers = {each["user"]["id"]: each["lastReadSeq"] for each in shape["participants"]}
            assert pointers[other_one.id] == 0
            heads = (await (a if one is alice else b).ask("sync", {"cursors": {eggs: 0}}))["heads"]
            assert other_one.id not in heads.get(eggs, {"reads": {}})["reads"]
        pointers = {
            each["user"]["id"]: each["lastReadSeq"] for each in carol.get(f"/api/conversations/{eggs}/")["participants"]
        }
        assert pointers[alice.id] == pointers[bob.id] == said["seq"]


async def test_who_is_blocked_while_away_is_hidden_from_the_first_frame(
    alice: Person, bob: Person, carol: Person, eggs: str
) -> None:
    alice.post(BLOCKS, {"userId": bob.id})
    async with alice.connect() as a, bob.connect() as b:
        said = await b.say(eggs, "hello")
        assert_hidden((await a.expect("message:new", id=said["id"])).data, said)
        assert a.welcome["unreadTotal"] == 0


async def test_what_a_blocked_person_changes_in_the_group_is_told_as_of_anybody(
    alice: Person, bob: Person, carol: Person, eggs: str
) -> None:
    group = alice.get(f"/api/conversations/{eggs}/")["group"]["id"]
    alice.patch(f"/api/groups/{group}/members/{bob.id}/", {"role": "MODERATOR"})
    alice.post(BLOCKS, {"userId": bob.id})
    async with alice.connect() as a, bob.connect() as b, carol.connect() as c:
        await b.ask("group:update", {"groupId": group, "name": "Mine"})
        await b.ask("group:leave", {"groupId": group})
        bob.post(f"/api/groups/{group}/join/")
        for socket in (a, c):
            await socket.expect("group:updated", name="Mine")
            await socket.expect("group:member_removed", userId=bob.id)
            await socket.expect("group:member_added", userId=bob.id)
            for kind in ("group_renamed", "member_left", "member_joined"):
                said = await socket.expect("message:new", system={"kind": kind})
                assert said.data["sender"]["id"] == bob.id
            assert_in_order(socket.frames)


async def test_who_had_no_conversation_when_they_came_is_spared_as_well(
    alice: Person, bob: Person, new_person: Callable[..., Person], two_servers: Sequence[ChatServer]
) -> None:
    nora = new_person("nora", two_servers[0])
    for person in (nora, bob):
        person.arrives()
    nora.post(BLOCKS, {"userId": bob.id}, status=201)
    group = alice.founds("Valley eggs", bob)
    async with nora.connect() as n, bob.connect() as b:
        nora.post(f"/api/groups/{group['id']}/join/")
        await n.expect("conversation:new")
        said = await b.say(group["conversationId"], "hello")
        assert_hidden((await n.expect("message:new", id=said["id"])).data, said)


def test_members_lists_show_no_more_of_reading_than_others(
    alice: Person, bob: Person, carol: Person, eggs: str
) -> None:
    group = alice.get(f"/api/conversations/{eggs}/")["group"]["id"]
    said = carol.post(f"/api/conversations/{eggs}/messages/", {"content": "hello"}, status=201)["message"]
    for person in (alice, bob):
        person.post(f"/api/conversations/{eggs}/read/", {"messageId": said["id"]})

    def shown_to(asker: Person) -> dict[str, int]:
        results = asker.get(f"/api/groups/{group}/members/")["results"]
        return {one["user"]["id"]: one["lastReadSeq"] for one in results}

    assert [shown_to(carol)[one.id] for one in (alice, bob)] == [said["seq"]] * 2
    bob.patch("/api/me/", {"receipts": False})
    assert [shown_to(carol)[one.id] for one in (alice, bob)] == [said["seq"], 0]
    assert [shown_to(bob)[one.id] for one in (alice, bob)] == [0, said["seq"]]
    alice.post(BLOCKS, {"userId": carol.id})
    assert shown_to(carol)[alice.id] == 0
