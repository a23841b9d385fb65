"""Messages are edited, taken back and reacted to, on PostgreSQL and Redis: Alice at one server, Bob at the other."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

from tests.support.people import Person
from tests.support.servers import ROOT, ChatServer
from tests.support.sockets import Frame, SocketClient, assert_in_order

Json = dict[str, Any]
Servers = tuple[ChatServer, ChatServer]

COMMANDS_MOST = 30  # edits, deletions and reactions of a person in ten seconds, together

# Changes a message as a server that dies between COMMIT and publish does: nobody is told.
_CHANGE_SILENTLY = """
import sys, django
django.setup()
from conversations.edits import edit
from conversations.reactions import react
from localroots_chat.accounts.models import User
from localroots_chat.gateway import publish
publish._hand_over = lambda items: None
sender, message, content, emoji = sys.argv[1:]
person = User.objects.get(public_id=sender).pk
edit(editor=person, message=message, content=content)
react(person=person, message=message, emoji=emoji)
"""


def change_silently(person: Person, message: str, content: str, emoji: str) -> None:
    environment = {**person.server.environment(), "DJANGO_SETTINGS_MODULE": "localroots_chat.settings"}
    command = [sys.executable, "-c", _CHANGE_SILENTLY, person.id, message, content, emoji]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def as_told(message: Json) -> Json:
    """The message of an answer as events tell it: to many, so it marks nobody's own reactions."""
    reactions = [{name: value for name, value in one.items() if name != "mine"} for one in message["reactions"]]
    return {**message, "reactions": reactions}


def marked(message: Json) -> dict[str, bool]:
    return {one["emoji"]: one["mine"] for one in message["reactions"]}


def events_in(frames: Iterable[Frame]) -> str:
    return json.dumps([frame for frame in frames if frame.event != "reply"])


async def expect_update(reader: SocketClient, told: Json, prev: int) -> None:
    heard = await reader.expect("message:updated", id=told["id"], version=prev + 1)
    assert heard.data == told
    assert (heard["event"], heard.conversation_id, heard.prev) == ("message:updated", told["conversationId"], prev)


# Everybody hears it


async def test_an_edit_is_heard_on_all_sockets_of_all_members(
    alice: Person, bob: Person, mallory: Person, two_servers: Servers, conversation: Json
) -> None:
    where = conversation["id"]
    async with (
        alice.connect() as a,
        alice.connect(server=two_servers[1]) as a2,
        bob.connect() as b,
        bob.connect(server=two_servers[0]) as b2,
        mallory.connect() as m,
    ):
        said = await a.say(where, "Egs?")
        await a.say(where, "Milk?")
        edited = (await a.ask("message:edit", {"messageId": said["id"], "content": "Eggs?"}))["message"]
        assert edited["editedAt"] == edited["updatedAt"] >= said["createdAt"]
        assert edited == {
            **said,
            "content": "Eggs?",
            "version": 3,
            "editedAt": edited["editedAt"],
            "updatedAt": edited["updatedAt"],
        }
        for reader in (a, a2, b, b2):
            await expect_update(reader, edited, prev=2)
        same = await a2.ask("message:edit", {"messageId": said["id"], "content": "Eggs?"})
        assert same == {"message": edited}
        await a.say(where, "a marker")
        for reader in (a, a2, b, b2):
            await reader.refute("message:updated", after=reader.expect("message:new", content="a marker"))
            assert_in_order(reader.frames)
        await m.refute("message:updated")
    assert bob.get(f"/api/messages/{said['id']}/") == edited


async def test_what_is_taken_back_leaves_all_sockets(
    alice: Person, bob: Person, two_servers: Servers, conversation: Json
) -> None:
    where = conversation["id"]
    async with alice.connect() as a, alice.connect(server=two_servers[1]) as a2, bob.connect() as b:
        said = await a.say(where, "the secret recipe", clientId="c1")
        await b.ask("message:react", {"messageId": said["id"], "emoji": "🥕"})
        assert bob.get("/api/conversations/")["results"][0]["unreadCount"] == 1
        gone = (await a.ask("message:delete", {"messageId": said["id"]}))["message"]
        assert (gone["content"], gone["reactions"], gone["seq"], gone["version"]) == ("", [], 1, 3)
        assert gone["deletedAt"] == gone["updatedAt"]
        for reader in (a, a2, b):
            await expect_update(reader, gone, prev=2)
        assert await a2.ask("message:delete", {"messageId": said["id"]}) == {"message": gone}
        again = await a.ask("message:send", {"conversationId": where, "content": "the secret recipe", "clientId": "c1"})
        assert again == {"message": gone, "duplicate": True}
        await b.ask_refused("message:react", {"messageId": said["id"], "emoji": "🥕"}, code="forbidden")
    shown = bob.get("/api/conversations/")["results"][0]
    assert (shown["unreadCount"], shown["version"], shown["lastSeq"], shown["lastMessage"]) == (0, 3, 1, gone)
    assert "recipe" not in str(bob.get(f"/api/conversations/{where}/messages/"))


async def test_a_reaction_is_told_to_all_and_marked_to_whose_it_is(
    alice: Person, bob: Person, two_servers: Servers, conversation: Json
) -> None:
    where = conversation["id"]
    async with alice.connect() as a, bob.connect() as b, bob.connect(server=two_servers[0]) as b2:
        said = await a.say(where, "Eggs?")
        asked = {"messageId": said["id"], "emoji": "🥕"}

        answer = (await b.ask("message:react", asked))["message"]
        assert answer["reactions"] == [{"emoji": "🥕", "count": 1, "mine": True}]
        told = {**as_told(answer), "actorId": bob.id, "reaction": {"emoji": "🥕", "removed": False}}
        for reader in (a, b, b2):
            await expect_update(reader, told, prev=1)
        assert await b2.ask("message:react", asked) == {"message": answer}

        answer = (await a.ask("message:react", asked))["message"]
        assert answer["reactions"] == [{"emoji": "🥕", "count": 2, "mine": True}]
        answer = (await b2.ask("message:react", {**asked, "remove": True}))["message"]
        assert answer["reactions"] == [{"emoji": "🥕", "count": 1, "mine": False}]
        told = {**as_told(answer), "actorId": bob.id, "reaction": {"emoji": "🥕", "removed": True}}
        for reader in (a, b, b2):
            await expect_update(reader, told, prev=3)
        assert await b.ask("message:react", {**asked, "remove": True}) == {"message": answer}
        await a.say(where, "a marker")
        for reader in (a, b, b2):
            await reader.expect("message:new", content="a marker")
            assert_in_order(reader.frames)
            assert "mine" not in events_in(reader.frames)


async def test_every_answer_marks_ones_own_reactions(alice: Person, bob: Person, conversation: Json) -> None:
    where = conversation["id"]
    async with alice.connect() as a, bob.connect() as b:
        said = await a.say(where, "Eggs?", clientId="c1")
        await a.ask("message:react", {"messageId": said["id"], "emoji": "🥕"})
        await b.ask("message:react", {"messageId": said["id"], "emoji": "🥚"})
        for person, socket, own in (
            (alice, a, {"🥕": True, "🥚": False}),
            (bob, b, {"🥕": False, "🥚": True}),
        ):
            joined = await socket.ask("join:conversation", where)
            assert marked(joined["messages"][0]) == own
            assert marked(joined["conversation"]["lastMessage"]) == own
            assert marked(person.get(f"/api/messages/{said['id']}/")) == own
            assert marked(person.get(f"/api/conversations/{where}/messages/")["messages"][0]) == own
            assert marked(person.get(f"/api/conversations/{where}/")["lastMessage"]) == own
            assert marked(person.get("/api/conversations/")["results"][0]["lastMessage"]) == own
        edited = (await a.ask("message:edit", {"messageId": said["id"], "content": "Eggs!"}))["message"]
        assert marked(edited) == {"🥕": True, "🥚": False}
        again = await a.ask("message:send", {"conversationId": where, "content": "Eggs?", "clientId": "c1"})
        assert again == {"message": edited, "duplicate": True}
        assert (await b.expect("message:updated", version=edited["version"])).data == as_told(edited)
        assert "mine" not in events_in(a.frames) + events_in(b.frames)


async def test_rest_changes_what_sockets_change(alice: Person, bob: Person, conversation: Json) -> None:
    async with alice.connect() as a, bob.connect() as b:
        said = await a.say(conversation["id"], "Egs?")
        path = f"/api/messages/{said['id']}/"
        edited = alice.patch(path, {"content": "Eggs?"}, status=200)
        assert (edited["content"], edited["version"]) == ("Eggs?", 2)
        await expect_update(b, edited, prev=1)
        answer = bob.put(f"{path}reactions/%23%EF%B8%8F%E2%83%A3/", status=200)
        assert answer["reactions"] == [{"emoji": "#️⃣", "count": 1, "mine": True}]
        told = {**as_told(answer), "actorId": bob.id, "reaction": {"emoji": "#️⃣", "removed": False}}
        await expect_update(a, told, prev=2)
        assert bob.put(f"{path}reactions/#%E2%83%A3/".replace("#", "%23"), status=200) == answer
        assert alice.delete(f"{path}reactions/#️⃣/".replace("#", "%23"), status=200)["version"] == 3
        answer = bob.delete(f"{path}reactions/%23%EF%B8%8F%E2%83%A3/", status=200)
        assert (answer["reactions"], answer["version"]) == ([], 4)
        bob.refused("PATCH", path, {"content": "mine"}, code="forbidden", field="messageId")
        bob.refused("DELETE", path, code="forbidden", field="messageId")
        gone = alice.delete(path, status=200)
        assert (gone["content"], gone["version"]) == ("", 5)
        await expect_update(b, gone, prev=4)
        assert alice.get(path) == bob.get(path) == gone
        alice.refused("PATCH", path, {"content": "Eggs?"}, code="forbidden", field="messageId")
        alice.refused("PUT", f"{path}reactions/🥕/", code="forbidden", field="messageId")


async def test_a_change_that_nobody_was_told_of_is_found(alice: Person, bob: Person, conversation: Json) -> None:
    """By the sweep: as what the message is now, for nobody knows any more what was done to it."""
    where = conversation["id"]
    async with alice.connect() as a, bob.connect() as b:
        said = await a.say(where, "Egs?")
        change_silently(alice, said["id"], "Eggs?", "🥕")
        for reader in (a, b):
            heard = await reader.expect("message:updated", id=said["id"], within=5)
            assert (heard.data["content"], heard.prev, heard.version) == ("Eggs?", 1, 3)
            assert heard.data["reactions"] == [{"emoji": "🥕", "count": 1}]
            assert {"actorId", "reaction"}.isdisjoint(heard.data)
            assert_in_order(reader.frames)


async def test_what_follows_a_change_that_nobody_was_told_of_comes_after_it(
    alice: Person, bob: Person, conversation: Json
) -> None:
    where = conversation["id"]
    async with alice.connect() as a, bob.connect() as b:
        said = await a.say(where, "Egs?")
        change_silently(alice, said["id"], "Eggs?", "🥕")
        await b.ask("message:react", {"messageId": said["id"], "emoji": "🥚"})
        for reader in (a, b):
            await reader.expect("message:updated", id=said["id"], version=4, within=5)
            assert_in_order(reader.frames)


async def test_thirty_changes_in_ten_seconds_whatever_they_are(
    alice: Person, two_servers: Servers, conversation: Json
) -> None:
    async with alice.connect() as here, alice.connect(server=two_servers[1]) as there:
        said = await here.say(conversation["id"], "Eggs?")
        commands: list[tuple[str, Json]] = [
            ("message:edit", {"content": "Eggs?"}),
            ("message:react", {"emoji": "🥕"}),
            ("message:react", {"emoji": "🥕", "remove": True}),
        ]
        for number in range(COMMANDS_MOST):
            command, data = commands[number % 3]
            await (here, there)[number % 2].ask(command, {"messageId": said["id"], **data})
        for socket in (here, there):
            error = await socket.ask_refused("message:delete", {"messageId": said["id"]}, code="rate_limited")
            assert 0 < error["retryAfter"] <= 10


# At the same time


async def react_twenty_times_at_once(people: list[Person], message: str) -> list[Json]:
    path = f"/api/messages/{message}/reactions/🥕/"
    putting = (asyncio.to_thread(people[number % len(people)].put, path) for number in range(20))
    return list(await asyncio.gather(*putting))


async def test_the_same_reaction_twenty_times_at_once_is_one(
    alice: Person, bob: Person, two_servers: Servers, conversation: Json, new_person: Callable[..., Person]
) -> None:
    there = new_person("bob", two_servers[0], sub=bob.id)
    async with alice.connect() as a:
        said = await a.say(conversation["id"], "Eggs?")
        answers = await react_twenty_times_at_once([bob, there], said["id"])
        assert answers == [answers[0]] * 20
        assert (answers[0]["reactions"], answers[0]["version"]) == ([{"emoji": "🥕", "count": 1, "mine": True}], 2)
        await a.say(conversation["id"], "a marker")
        await a.expect("message:updated", version=2)
        await a.refute("message:updated", after=a.expect("message:new", content="a marker"))
    assert bob.get(f"/api/messages/{said['id']}/") == answers[0]


async def test_the_same_reaction_twenty_times_at_once_is_one_to_a_newcomers_server(
    embedded_server: ChatServer, new_person: Callable[..., Person]
) -> None:
    alice, bob = new_person("alice", embedded_server), new_person("bob", embedded_server)
    where = alice.talks_to(bob)["id"]
    said = alice.post(f"/api/conversations/{where}/messages/", {"content": "Eggs?"})["message"]
    answers = await react_twenty_times_at_once([bob], said["id"])
    assert answers == [answers[0]] * 20
    assert (answers[0]["reactions"], answers[0]["version"]) == ([{"emoji": "🥕", "count": 1, "mine": True}], 2)


def put_together(frames: Iterable[Frame]) -> dict[str, Json]:
    """The messages as a client has them that puts each by its id."""
    held: dict[str, Json] = {}
    for frame in frames:
        if frame.event in ("message:new", "message:updated"):
            message = {name: value for name, value in frame.data.items() if name not in ("actorId", "reaction")}
            if message["version"] > held.get(message["id"], {"version": 0})["version"]:
                held[message["id"]] = message
    return held


async def test_changes_at_once_take_each_version_once_and_are_heard_in_order(
    alice: Person, bob: Person, two_servers: Servers, conversation: Json
) -> None:
    """Alice changes what Bob reacts to, both talk on, and everybody ends up with what is stored."""
    where, each = conversation["id"], 4
    async with (
        alice.connect() as a,
        alice.connect(server=two_servers[1]) as a2,
        bob.connect() as b,
        bob.connect(server=two_servers[0]) as b2,
    ):
        first = (await a.say(where, "Eggs?"))["id"]
        second = (await b.say(where, "Milk?"))["id"]

        async def carry_out(socket: SocketClient, name: str, commands: list[tuple[str, Json]]) -> list[int]:
            """All at once; the versions that came of them."""
            refs = [f"{name} {number}" for number in range(len(commands))]
            for ref, (command, data) in zip(refs, commands, strict=True):
                await socket.send(command, data, ref)
            replies = [await socket.reply(ref, within=20) for ref in refs]
            assert [reply["ok"] for reply in replies] == [True] * len(replies), replies
            return [reply.data["message"]["version"] for reply in replies]

        def talking(name: str) -> list[tuple[str, Json]]:
            return [("message:send", {"conversationId": where, "content": f"{name} {n}"}) for n in range(each)]

        def editing(message: str, name: str) -> list[tuple[str, Json]]:
            return [("message:edit", {"messageId": message, "content": f"{name} {n}"}) for n in range(each)]

        def reacting(message: str, faces: str) -> list[tuple[str, Json]]:
            return [("message:react", {"messageId": message, "emoji": face}) for face in faces]

        def mixed(*lists: list[tuple[str, Json]]) -> list[tuple[str, Json]]:
            return [command for group in zip(*lists, strict=True) for command in group]

        took = await asyncio.gather(
            carry_out(a, "a", mixed(editing(first, "a"), reacting(second, "🥕🥚🥬🍅"), talking("a"))),
            carry_out(a2, "a2", mixed(editing(first, "a2"), reacting(first, "🍅🥬🥚🥕"), talking("a2"))),
            carry_out(b, "b", mixed(editing(second, "b"), reacting(first, "🥕🥚🥬🍅"), talking("b"))),
            carry_out(b2, "b2", mixed(editing(second, "b2"), reacting(second, "🍅🥬🥚🥕"), talking("b2"))),
        )
        versions = sorted(version for own in took for version in own)
        newest = 2 + 4 * 3 * each
        assert versions == list(range(3, newest + 1)), "each version once, and none left out"
        marker = await a.say(where, "a marker")
        assert (marker["version"], marker["seq"]) == (newest + 1, 2 + 4 * each + 1)
        stored = [as_told(message) for message in bob.get(f"/api/conversations/{where}/messages/")["messages"]]
        assert [message["seq"] for message in stored] == list(range(1, marker["seq"] + 1))
        assert [[one["count"] for one in message["reactions"]] for message in stored[:2]] == [[2] * 4] * 2
        for reader in (a, a2, b, b2):
            await reader.expect("message:new", id=marker["id"])
            assert_in_order(reader.frames)
            assert put_together(reader.frames) == {message["id"]: message for message in stored}
