"""Where texts are looked at first: a message waits, is let in or not, and everybody hears what concerns them, at
whichever of two servers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.people import Person
from tests.support.screen import screened
from tests.support.servers import ChatServer

HELD = "/api/held/"
# As the admin does it: an action of its list, with a reason.
DECIDE = """
from django.contrib.auth import get_user_model
from django.test import Client
chief, _ = get_user_model().objects.get_or_create(
    username="chief", defaults={{"public_id": "chief", "is_staff": True, "is_superuser": True}})
client = Client(SERVER_NAME="localhost")
client.force_login(chief)
form = {{"action": {action!r}, "_selected_action": {held!r}, "reason": "Looked at"}}
answer = client.post("/admin/conversations/heldmessage/", form, follow=True)
assert "done." in answer.content.decode(), answer.content.decode()
"""


@pytest.fixture(scope="module")
def screened_pair(server_pair: tuple[ChatServer, ChatServer]) -> Iterator[Sequence[ChatServer]]:
    """Two more servers beside the two, that look at texts."""
    beside = server_pair[0]
    with ExitStack() as stack:
        made = [
            ChatServer(database_url=beside.database_url, redis_url=beside.redis_url, env={**beside.env, **screened()})
            for _ in range(2)
        ]
        yield [stack.enter_context(server) for server in made]


@pytest.fixture
def servers(screened_pair: Sequence[ChatServer]) -> Iterator[Sequence[ChatServer]]:
    yield screened_pair
    for server in screened_pair:
        server.assert_no_traceback()


@pytest.fixture
def carol(screened_pair: Sequence[ChatServer], new_person: Callable[..., Person]) -> Person:
    return new_person("carol", screened_pair[0])


async def test_a_message_waits_and_is_let_in(alice: Person, bob: Person, carol: Person) -> None:
    group = alice.founds("Tips", bob, carol, category="TIPS")
    talk = group["conversationId"]
    async with alice.connect() as a, bob.connect() as b, bob.connect() as phone, carol.connect() as c:
        asked = {"conversationId": talk, "content": "see evil.com", "clientId": "c1"}
        assert await b.ask("message:send", asked) == {"held": True}
        assert await phone.ask("message:send", asked) == {"held": True}, "once, from whichever device"
        waiting = (await phone.expect("message:held", state="WAITING")).data
        assert (waiting["clientId"], waiting["reason"]) == ("c1", "Links are looked at first.")
        assert bob.post(f"/api/conversations/{talk}/messages/", {**asked, "clientId": "c2"}, status=202) == {
            "held": True
        }
        await b.say(talk, "tomatoes")
        await b.ask_refused("message:send", {**asked, "content": "tomatoes"}, code="client_id_reused")

        for person in (bob, alice):
            listed = person.get(HELD, params={"conversation": talk})["results"]
            assert [one["clientId"] for one in listed] == ["c1", "c2"]
        assert carol.get(HELD, params={"conversation": talk})["results"] == []
        for person in (alice, carol):
            history = person.get(f"/api/conversations/{talk}/messages/")["messages"]
            assert "see evil.com" not in [one["content"] for one in history]
            assert person.get("/api/messages/search/", params={"q": "evil"})["results"] == []
        carol.refused("POST", f"{HELD}{waiting['id']}/approve/", code="not_found")

        approved = alice.post(f"{HELD}{waiting['id']}/approve/", status=200)
        for socket in (a, b, phone, c):
            said = (await socket.expect("message:new", clientId="c1")).data
            assert (said["id"], said["content"], said["sender"]["id"]) == (
                approved["messageId"],
                "see evil.com",
                bob.id,
            )
        assert (await phone.expect("message:held", state="APPROVED")).data["messageId"] == said["id"]
        again = await b.ask("message:send", asked)
        assert (again["message"]["id"], again["duplicate"]) == (said["id"], True)

        second = bob.get(HELD)["results"][0]
        bob.delete(f"{HELD}{second['id']}/", status=204)
        await b.expect("message:held", id=second["id"], state="WITHDRAWN")
        assert alice.get(HELD, params={"conversation": talk})["results"] == []
        for socket in (a, c):
            await socket.refute("message:held", after=socket.ask("heartbeat"))


async def test_a_message_is_refused(alice: Person, bob: Person) -> None:
    talk = alice.founds("Tips", bob, category="TIPS")["conversationId"]
    async with alice.connect() as a, bob.connect() as b:
        asked = {"conversationId": talk, "content": "Casinos!", "clientId": "c1"}
        await b.ask("message:send", asked)
        held = (await b.expect("message:held")).data["id"]
        alice.post(f"{HELD}{held}/refuse/", {"answer": "Not here, Bob"}, status=200)
        told = (await b.expect("message:held", state="REFUSED")).data
        assert (told["answer"], told["messageId"]) == ("Not here, Bob", None)
        await b.ask_refused("message:send", asked, code="content_refused")
        error = await b.ask_refused("message:send", {"conversationId": talk, "content": "SPAM"}, code="content_refused")
        assert (error["field"], error["message"], error["retryable"]) == ("content", "No spam.", False)
        bob.refused("POST", f"/api/conversations/{talk}/messages/", {"content": "spam"}, code="content_refused")
        await a.refute("message:new", after=a.ask("heartbeat"), type="TEXT")


async def test_staff_decide_about_a_direct_message(alice: Person, bob: Person, conversation: Any) -> None:
    talk = conversation["id"]
    async with alice.connect() as a, bob.connect() as b:
        await b.ask("message:send", {"conversationId": talk, "content": "a casino"})
        held = (await b.expect("message:held")).data["id"]
        alice.refused("POST", f"{HELD}{held}/approve/", code="not_found")
        bob.refused("POST", f"{HELD}{held}/approve/", code="forbidden")
        bob.server.manage("shell", "-c", DECIDE.format(action="approve_these_messages", held=held))
        for socket in (a, b):
            await socket.expect("message:new", content="a casino")
        await b.ask("message:send", {"conversationId": talk, "content": "another casino"})
        second = (await b.expect("message:held", content="another casino")).data["id"]
        alice.server.manage("shell", "-c", DECIDE.format(action="refuse_these_messages", held=second))
        assert (await b.expect("message:held", id=second, state="REFUSED")).data["answer"] == "Looked at"


async def test_changes_and_names_are_looked_at(alice: Person, bob: Person) -> None:
    group = alice.founds("Tips", bob, category="TIPS")
    talk = group["conversationId"]
    async with alice.connect() as a, bob.connect() as b:
        said = await b.say(talk, "tomatoes")
        edit = {"messageId": said["id"], "content": "see evil.com"}
        assert (await b.ask_refused("message:edit", edit, code="content_refused"))["field"] == "content"
        bob.refused("PATCH", f"/api/messages/{said['id']}/", {"content": "spam"}, code="content_refused")
        await b.ask("message:edit", {**edit, "content": "see localroots.example"})
        await a.expect("message:updated", id=said["id"], content="see localroots.example")
        named = {"name": "Spam", "category": "TIPS"}
        assert (await a.ask_refused("group:create", named, code="content_refused"))["field"] == "name"
        alice.refused("POST", "/api/groups/", named, code="content_refused", field="name")
        changed = {"groupId": group["id"], "description": "a casino"}
        assert (await a.ask_refused("group:update", changed, code="content_refused"))["field"] == "description"
        alice.refused("PATCH", f"/api/groups/{group['id']}/", {"description": "a casino"}, code="content_refused")
    bob.refused("PATCH", "/api/me/", {"name": "Casino Bob"}, code="content_refused", field="name")
    assert bob.get("/api/me/")["name"] == "Bob"
    assert bob.patch("/api/me/", {"name": "Robert"})["name"] == "Robert"
