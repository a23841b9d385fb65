"""Somebody comes back after an absence, at another server than before, and has everything with one question."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient


class Notebook:
    """What a client holds, kept by the rules of PROTOCOL.md alone."""

    def __init__(self, epoch: str) -> None:
        self.epoch, self.since = epoch, ""
        self.versions: dict[str, int] = {}
        self.messages: dict[str, dict[str, Any]] = {}

    def put(self, message: dict[str, Any]) -> None:
        held = self.messages.get(message["id"])
        if held is None or held["version"] < message["version"]:
            self.messages[message["id"]] = message

    async def catch_up(self, socket: SocketClient) -> int:
        """Asks until nothing is missing; returns how often."""
        for number in range(1, 100):
            answer = await socket.ask("sync", {"cursors": self.versions, "epoch": self.epoch})
            assert not answer["gone"]
            assert not answer["reset"]
            for key, changes in answer["changes"].items():
                for message in changes:
                    self.put(message)
                    self.versions[key] = message["version"]
            for key, head in answer["heads"].items():
                if key not in answer["more"]:
                    self.versions[key] = head["version"]
            if not answer["more"]:
                return number
        raise AssertionError("there is always more")


async def test_what_happened_meanwhile_comes_whole(
    alice: Person, bob: Person, two_servers: Sequence[ChatServer]
) -> None:
    talk = alice.talks_to(bob)["id"]
    path = f"/api/conversations/{talk}/messages/"
    async with alice.connect() as a:
        notes = Notebook(a.welcome["epoch"])
        notes.versions[talk] = 0
        first = (await a.say(talk, "before"))["id"]
        await notes.catch_up(a)
    async with bob.connect() as b:
        second = await b.say(talk, "while she was away")
        await b.ask("message:edit", {"messageId": second["id"], "content": "while Alice was away"})
        await b.ask("message:react", {"messageId": first, "emoji": "🥕"})
        third = await b.say(talk, "never mind")
        await b.ask("message:delete", {"messageId": third["id"]})
    async with alice.connect(server=two_servers[1]) as a:
        assert await notes.catch_up(a) == 1
        assert await notes.catch_up(a) == 1
        assert notes.versions[talk] == 6
    assert sorted(notes.messages.values(), key=lambda message: message["seq"]) == alice.get(path)["messages"]


async def test_a_long_absence_comes_page_by_page_while_others_go_on(
    alice: Person, bob: Person, two_servers: Sequence[ChatServer], new_person: Callable[..., Person]
) -> None:
    carol = new_person("carol", two_servers[0])
    talks = [alice.talks_to(bob)["id"], alice.talks_to(carol)["id"]]
    notes = Notebook("")
    notes.versions = dict.fromkeys(talks, 0)
    for number in range(8):  # more than a page of 128 KiB in each
        bob.post(f"/api/conversations/{talks[0]}/messages/", {"content": f"{number}" + "🥕" * 3_999})
        carol.post(f"/api/conversations/{talks[1]}/messages/", {"content": f"{number}" + "🍐" * 3_999})
    async with alice.connect(server=two_servers[1]) as a:
        notes.epoch = a.welcome["epoch"]
        before = await a.ask("sync", {"cursors": notes.versions})
        assert before["more"]
        bob.post(f"/api/conversations/{talks[0]}/messages/", {"content": "and one more"})
        assert await notes.catch_up(a) > 1
    for talk in talks:
        kept = [message for message in notes.messages.values() if message["conversationId"] == talk]
        history = alice.get(f"/api/conversations/{talk}/messages/?limit=100")["messages"]
        assert sorted(kept, key=lambda message: message["seq"]) == history


def test_the_same_over_rest(alice: Person, bob: Person) -> None:
    talk = alice.talks_to(bob)["id"]
    bob.post(f"/api/conversations/{talk}/messages/", {"content": "hello"})
    answer = alice.post("/api/sync/", {"cursors": {talk: 0}})
    assert [message["content"] for message in answer["changes"][talk]] == ["hello"]
    alice.refused("POST", "/api/sync/", {"cursors": {talk: -1}}, code="cursor_invalid", field=f"cursors.{talk}")
    alice.refused("POST", "/api/sync/", {"cursors": []}, code="invalid_field", field="cursors")
    alice.refused("POST", "/api/sync/", {}, code="invalid_field", field="cursors")
    many = {f"{number:032x}": 0 for number in range(10_000)}
    alice.refused("POST", "/api/sync/", {"cursors": many}, code="invalid_field", field="cursors")
