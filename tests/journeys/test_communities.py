"""A community from its first day to its last, its people at two servers: whoever comes hears everything from then on,
whoever goes hears nothing more."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient, assert_in_order

Group = dict[str, Any]


@pytest.fixture
def carol(two_servers: Sequence[ChatServer], new_person: Callable[..., Person]) -> Person:
    """She is at the second server, as Bob is."""
    person = new_person("carol", two_servers[1])
    person.arrives()
    return person


@pytest.fixture
def eggs(alice: Person, bob: Person, carol: Person) -> Group:
    """Alice's public group, which nobody else is in."""
    bob.arrives()
    group: Group = alice.founds("Valley eggs", description="Who has some?")
    return group


def a_day_from_now() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


async def heard_change(socket: SocketClient, event: str, kind: str, **fields: Any) -> None:
    """The event of a change, and the server's message about it, one after the other."""
    told = await socket.expect(event, **fields)
    said = await socket.expect("message:new", system={"kind": kind})
    assert said.prev == told.version


async def test_from_the_first_day_to_the_last(alice: Person, bob: Person, carol: Person) -> None:
    bob.arrives()
    async with alice.connect() as a, bob.connect() as b, carol.connect() as c:
        group = await a.ask(
            "group:create",
            {"name": "Valley eggs", "category": "FOOD_SHARE", "memberIds": [bob.id, bob.id, alice.id]},
        )
        talk, members = group["conversationId"], f"/api/groups/{group['id']}/members/"
        assert (group["myRole"], group["memberCount"], group["createdById"]) == ("OWNER", 2, alice.id)
        created = await b.expect("group:created", id=group["id"], myRole="MEMBER")
        assert {one["user"]["id"] for one in created.data["conversation"]["participants"]} == {alice.id, bob.id}
        await b.expect("conversation:new", id=talk, lastReadSeq=1, unreadCount=0)
        await b.say(talk, "A dozen, from Friday")
        await a.expect("message:new", content="A dozen, from Friday")
        await c.refute("message:new")

        added = await a.ask("group:add_member", {"groupId": group["id"], "userId": carol.id})
        assert (added["user"]["id"], added["role"]) == (carol.id, "MEMBER")
        await c.expect("conversation:new", id=talk, participantCount=3, unreadCount=0)
        await heard_change(c, "group:member_added", "member_added", userId=carol.id)
        await heard_change(b, "group:member_added", "member_added", userId=carol.id)
        await a.say(talk, "Welcome, Carol")
        await c.expect("message:new", content="Welcome, Carol")
        assert carol.get(f"/api/conversations/{talk}/messages/")["messages"][1]["content"] == "A dozen, from Friday"

        await a.ask("group:set_role", {"groupId": group["id"], "userId": bob.id, "role": "MODERATOR"})
        await heard_change(b, "group:member_updated", "moderator_made", userId=bob.id, role="MODERATOR")
        renamed = await b.ask("group:update", {"groupId": group["id"], "name": "Eggs"})
        assert (renamed["name"], renamed["myRole"]) == ("Eggs", "MODERATOR")
        await heard_change(c, "group:updated", "group_renamed", id=group["id"], name="Eggs")

        bob.post(f"/api/groups/{group['id']}/bans/", {"userId": carol.id, "reason": "sells cars"}, status=201)
        await c.expect("conversation:gone", conversationId=talk)
        await heard_change(a, "group:member_removed", "member_banned", userId=carol.id)
        await a.say(talk, "Where were we?")
        await b.expect("message:new", content="Where were we?")
        await c.refute("message:new", content="Where were we?", after=b.ask("heartbeat"))
        await c.ask_refused("message:send", {"conversationId": talk, "content": "hey"}, code="not_found")
        await c.ask_refused("group:join", {"groupId": group["id"]}, code="forbidden")
        await a.ask_refused(
            "group:add_member", {"groupId": group["id"], "userId": carol.id}, code="forbidden", field="userId"
        )

        await a.ask_refused("group:leave", {"groupId": group["id"]}, code="forbidden", field="ownerId")
        handed = alice.http.put(f"/api/groups/{group['id']}/owner/", json={"userId": bob.id})
        assert (handed.status_code, handed.json()["myRole"]) == (200, "MODERATOR")
        await heard_change(b, "group:member_updated", "owner_changed", userId=alice.id, role="MODERATOR")
        assert {one["user"]["id"]: one["role"] for one in bob.get(members)["results"]} == {
            alice.id: "MODERATOR",
            bob.id: "OWNER",
        }
        await a.ask("group:leave", {"groupId": group["id"]})
        await a.expect("conversation:gone", conversationId=talk)
        await b.ask("group:leave", {"groupId": group["id"]})
        await b.expect("conversation:gone", conversationId=talk)
        for person in (alice, bob, carol):
            person.refused("GET", f"/api/groups/{group['id']}/", code="not_found")
            person.refused("POST", f"/api/groups/{group['id']}/join/", code="not_found")


async def test_an_owner_who_leaves_names_the_next_one(alice: Person, bob: Person, eggs: Group) -> None:
    bob.post(f"/api/groups/{eggs['id']}/join/")
    async with bob.connect() as b:
        alice.post(f"/api/groups/{eggs['id']}/leave/", {"ownerId": bob.id}, status=204)
        await heard_change(b, "group:member_updated", "owner_changed", userId=alice.id)
        await heard_change(b, "group:member_removed", "member_left", userId=alice.id)
        assert_in_order(b.frames)
    assert bob.get(f"/api/groups/{eggs['id']}/")["myRole"] == "OWNER"
    assert alice.get(f"/api/groups/{eggs['id']}/")["myRole"] is None


async def test_who_comes_again_has_read_what_was_said_meanwhile_and_is_silenced_still(
    alice: Person, bob: Person, eggs: Group
) -> None:
    talk, path = eggs["conversationId"], f"/api/groups/{eggs['id']}/"
    async with bob.connect() as b:
        await b.ask("group:join", {"groupId": eggs["id"]})
        silence = alice.post(f"{path}mutes/", {"userId": bob.id, "until": a_day_from_now()}, status=201)
        await b.expect("conversation:new", id=talk, silencedUntil=silence["until"])
        await b.ask_refused("message:send", {"conversationId": talk, "content": "hey"}, code="muted")
        await b.ask("group:leave", {"groupId": eggs["id"]})
        await b.expect("conversation:gone", conversationId=talk)
        alice.post(f"/api/conversations/{talk}/messages/", {"content": "quiet here"}, status=201)

        await b.ask("group:join", {"groupId": eggs["id"]})
        again = await b.expect("conversation:new", id=talk, silencedUntil=silence["until"], unreadCount=0)
        assert again.data["lastReadSeq"] == again.data["lastSeq"]
        await b.ask_refused("message:send", {"conversationId": talk, "content": "hey"}, code="muted")
        alice.delete(f"{path}mutes/{bob.id}/", status=204)
        await b.expect("conversation:new", id=talk, silencedUntil=None)
        await b.say(talk, "thank you")
    assert alice.get(f"{path}mutes/")["results"] == []


async def test_private_groups_are_entered_with_an_invitation(
    alice: Person, bob: Person, carol: Person, eggs: Group
) -> None:
    path = f"/api/groups/{eggs['id']}/"
    alice.patch(path, {"visibility": "PRIVATE"})
    bob.refused("GET", path, code="not_found")
    bob.refused("POST", f"{path}join/", code="not_found")
    assert eggs["id"] not in [one["id"] for one in bob.get("/api/groups/?search=Valley eggs")["results"]]

    once = alice.post(f"{path}invitations/", {"maxUses": 1}, status=201)["code"]
    assert bob.post(f"/api/groups/join/{once}/")["myRole"] == "MEMBER"
    assert bob.post(f"/api/groups/join/{once}/")["myRole"] == "MEMBER", "who is in already uses nothing up"
    carol.refused("POST", f"/api/groups/join/{once}/", code="not_found")
    bob.refused("POST", f"{path}invitations/", {}, code="forbidden")

    revoked = alice.post(f"{path}invitations/", {}, status=201)["code"]
    alice.delete(f"{path}invitations/{revoked}/", status=204)
    carol.refused("POST", f"/api/groups/join/{revoked}/", code="not_found")

    alice.patch(f"{path}members/{bob.id}/", {"role": "MODERATOR"})
    bob.refused("POST", f"{path}invitations/", {"role": "MODERATOR"}, code="forbidden")
    of_bob = bob.post(f"{path}invitations/", {}, status=201)["code"]
    bob.post(f"{path}leave/", {}, status=204)
    carol.refused("POST", f"/api/groups/join/{of_bob}/", code="not_found")
    of_alice = alice.post(f"{path}invitations/", {"role": "MODERATOR"}, status=201)["code"]
    assert carol.post(f"/api/groups/join/{of_alice}/")["myRole"] == "MODERATOR"


def test_nobody_is_brought_in_by_somebody_they_have_blocked(
    alice: Person, bob: Person, carol: Person, eggs: Group
) -> None:
    bob.post("/api/blocks/", {"userId": alice.id})
    fields = {"name": "With Bob", "category": "NEWS"}
    unknown = alice.refused("POST", "/api/groups/", {**fields, "memberIds": ["nobody"]}, code="not_found")
    blocked = alice.refused("POST", "/api/groups/", {**fields, "memberIds": [carol.id, bob.id]}, code="not_found")
    assert unknown == blocked
    assert blocked["field"] == "memberIds"
    alice.post("/api/blocks/", {"userId": carol.id})
    alice.refused("POST", "/api/groups/", {**fields, "memberIds": [carol.id]}, code="blocked", field="memberIds")
    path = f"/api/groups/{eggs['id']}/members/"
    alice.refused("POST", path, {"userId": bob.id}, code="not_found", field="userId")
    alice.refused("POST", path, {"userId": carol.id}, code="blocked", field="userId")
    assert alice.get("/api/groups/?mine=true&search=With")["results"] == [], "nothing was made"


async def test_sync_brings_what_was_missed_of_members_and_settings(alice: Person, bob: Person, eggs: Group) -> None:
    talk = eggs["conversationId"]
    async with alice.connect() as a:
        held = (await a.ask("join:conversation", talk))["conversation"]["version"]
    bob.post(f"/api/groups/{eggs['id']}/join/")
    alice.patch(f"/api/groups/{eggs['id']}/", {"name": "Eggs"})
    async with alice.connect() as a:
        answer = await a.ask("sync", {"cursors": {talk: held}})
    (conversation,) = answer["conversations"]
    assert conversation["group"]["name"] == "Eggs"
    assert [one["user"]["id"] for one in conversation["participants"]] == [alice.id, bob.id]
    kinds = [message["system"]["kind"] for message in answer["changes"][talk]]
    assert kinds == ["member_joined", "group_renamed"]
    assert answer["heads"][talk]["version"] == held + 4


async def test_closing_ends_it_for_everybody(alice: Person, bob: Person, eggs: Group) -> None:
    bob.post(f"/api/groups/{eggs['id']}/join/")
    async with alice.connect() as a, bob.connect() as b:
        bob.refused("DELETE", f"/api/groups/{eggs['id']}/", code="forbidden")
        alice.delete(f"/api/groups/{eggs['id']}/", status=204)
        for socket in (a, b):
            await socket.expect("conversation:gone", conversationId=eggs["conversationId"])
    assert bob.get("/api/conversations/")["results"] == []
