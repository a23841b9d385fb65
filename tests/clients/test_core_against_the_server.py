"""The web client's core against a real server, over lines that break: what two people hold is what the server has."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Self

import pytest

from tests.support.npm import CLIENTS, node_command
from tests.support.people import Person, sign_token
from tests.support.proxy import Proxy
from tests.support.servers import ChatServer

DEADLINE = 30.0  # seconds
BEAT_SECONDS, SILENCE_SECONDS = 0.3, 1.5
_HURRIED = {
    "CHAT_HEARTBEAT_SECONDS": f"{BEAT_SECONDS}",
    "CHAT_SILENCE_SECONDS": f"{SILENCE_SECONDS}",
    "CHAT_RATE_MESSAGE_SEND": "1000/10s",
    "CHAT_RATE_SYNC": "1000/10s",
    "CHAT_RATE_REST": "10000/60s",
}


class Browser:
    """Somebody's ChatClient, in a node of its own, which comes to the server by a line that may break."""

    def __init__(self, person: Person, line: Proxy, *, tokens: Sequence[str] = ()) -> None:
        self.person = person
        self.line = line
        self._tokens = tokens or [person.token]
        self._number = 0

    def __enter__(self) -> Self:
        me = {"id": self.person.id, "name": self.person.name, "image": None, "role": self.person.claims["role"]}
        base_url = self.line.url_of(self.person.server.base_url)
        self._process = subprocess.Popen(
            node_command("core_live.mjs", base_url, json.dumps(me), *self._tokens),
            cwd=CLIENTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.run("chat.start()")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, script: str, **names: Any) -> Any:
        """What this JavaScript returns. `names` are constants that it may use."""
        constants = "".join(f"const {name} = {json.dumps(value)}; " for name, value in names.items())
        return self._ask({"run": constants + script})

    def get(self, expression: str, **names: Any) -> Any:
        return self.run(f"return {expression}", **names)

    def until(self, condition: str, within: float = DEADLINE) -> None:
        self._ask({"until": condition, "within": within})

    def _ask(self, command: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._number += 1
        print(json.dumps({**command, "id": self._number}), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline() or '{"error": "node has ended"}')
        assert "error" not in answer, f"{self.person}: {answer['error']}"
        assert answer["id"] == self._number
        return answer["value"]

    # What a person does with it

    def opens(self, talk: str) -> None:
        self.run("await chat.open(talk)", talk=talk)
        self.until(f"chat.store.thread({json.dumps(talk)})")

    def says(self, talk: str, *contents: str) -> None:
        self.run("for (const content of contents) chat.send(talk, { content })", talk=talk, contents=contents)

    def reads(self, talk: str) -> None:
        self.run("chat.receipts.saw(chat.store.thread(talk).list.at(-1))", talk=talk)

    def goes_away(self) -> None:
        self.line.refuse()
        self.line.reset()
        self.until("chat.connectionState !== 'online'")

    def comes_back(self) -> None:
        self.line.accept()
        self.run("chat.wake()")
        self.until("chat.connectionState === 'online'")

    def holds_all(self, talk: str, count: int) -> None:
        self.until(
            f"chat.store.thread({json.dumps(talk)})?.list.length === {count} && chat.outbox.letters.length === 0"
        )

    def messages(self, talk: str) -> list[Any]:
        found: list[Any] = self.get("chat.store.thread(talk).list", talk=talk)
        return found


_LINE = ("id", "version", "lastSeq", "lastReadSeq", "unreadCount", "participantCount")
_MESSAGE = ("id", "seq", "version", "content", "reactions", "deletedAt")


def _part(whole: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: whole[name] for name in names}


def _last(line: dict[str, Any]) -> Any:
    last = line["lastMessage"]
    return last and (last["id"], last["version"], last["content"])


def ends_up_with_what_the_server_has(browser: Browser, talk: str) -> None:
    """Every line of the list, and the messages of this conversation."""
    person = browser.person
    truth = person.get("/api/conversations/")["results"]
    versions = {line["id"]: [line["version"], line["unreadCount"], line["lastReadSeq"]] for line in truth}
    browser.until(
        f"Object.entries({json.dumps(versions)}).every(([id, [version, unreadCount, lastReadSeq]]) => {{"
        " const held = chat.store.conversations.get(id);"
        " return held?.version === version && held.unreadCount === unreadCount && held.lastReadSeq === lastReadSeq; })"
    )
    browser.until(f"chat.store.thread({json.dumps(talk)})?.version === {versions[talk][0]}")
    held = {line["id"]: line for line in browser.get("[...chat.store.conversations.values()]")}
    for line in truth:
        assert _part(held[line["id"]], _LINE) == _part(line, _LINE)
        assert _last(held[line["id"]]) == _last(line)
    assert len(held) == len(truth)
    page = person.get(f"/api/conversations/{talk}/messages/", params={"limit": 100})
    assert [_part(one, _MESSAGE) for one in browser.messages(talk)] == [
        _part(one, _MESSAGE) for one in page["messages"]
    ]
    assert browser.get("chat.store.unreadTotal") == sum(line["unreadCount"] for line in truth)


def all_once_in_order(browser: Browser, talk: str, contents: Sequence[str]) -> None:
    browser.holds_all(talk, len(contents))
    held = browser.messages(talk)
    assert [message["seq"] for message in held] == list(range(1, len(contents) + 1))
    assert [message["content"] for message in held] == list(contents)


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with ChatServer(env=_HURRIED) as started:
        yield started


@pytest.fixture
def servers(server: ChatServer) -> Sequence[ChatServer]:
    return [server]


@pytest.fixture
def browser_of() -> Iterator[Callable[..., Browser]]:
    """Somebody's client, over a line of its own."""
    with ExitStack() as stack:

        def start(person: Person, **options: Any) -> Browser:
            person.arrives()
            line = stack.enter_context(Proxy(person.server.port))
            return stack.enter_context(Browser(person, line, **options))

        yield start


@pytest.fixture
def talk(conversation: Any) -> str:
    return str(conversation["id"])


def test_two_people_talk(alice: Person, bob: Person, talk: str, browser_of: Callable[..., Browser]) -> None:
    a, b = browser_of(alice), browser_of(bob)
    a.opens(talk)
    a.run("chat.presence.show('test', [bob])", bob=bob.id)
    b.until("chat.connectionState === 'online'")
    a.until(f"chat.presence.of({json.dumps(bob.id)})?.online")
    a.says(talk, "Eggs?", "A dozen?")
    b.until("chat.store.unreadTotal === 2")
    b.opens(talk)
    assert [message["content"] for message in b.messages(talk)] == ["Eggs?", "A dozen?"]
    b.run("chat.typingSignal.update(talk, true)", talk=talk)
    a.until(f"chat.typing.whoIn({json.dumps(talk)}).length === 1")
    assert a.get("chat.typing.line(chat.store.open)") == "Bob is typing…"
    b.reads(talk)
    a.until(f"chat.store.open.participants.find(({{user}}) => user.id === {json.dumps(bob.id)}).lastReadSeq === 2")
    b.says(talk, "Two dozen")
    a.holds_all(talk, 3)
    for browser in (a, b):
        ends_up_with_what_the_server_has(browser, talk)


def test_a_line_that_breaks_twenty_times_loses_and_doubles_nothing(
    alice: Person, bob: Person, talk: str, browser_of: Callable[..., Browser]
) -> None:
    a, b = browser_of(alice), browser_of(bob)
    for browser in (a, b):
        browser.opens(talk)
        browser.until("chat.connectionState === 'online'")
    contents = [f"Message {number}" for number in range(60)]
    for number in range(20):
        whose = b if number % 4 == 3 else a
        losses = whose.get("line.closed.length")
        # Somewhere in the command, or in its answer, or wherever they are just now
        if number % 4 == 0:
            a.line.cut_after(number * 37 % 300, direction="to_server")
        elif number % 4 == 1:
            a.line.cut_after(number * 37 % 300, direction="to_client")
        a.says(talk, *contents[number * 3 : number * 3 + 3])
        if number % 4 >= 2:
            whose.line.reset()
        whose.until(f"line.closed.length > {losses} || chat.outbox.letters.length === 0")
        whose.until("chat.connectionState === 'online'")
    a.line.heal()
    for browser in (a, b):
        browser.run("chat.wake()")
        all_once_in_order(browser, talk, contents)
        ends_up_with_what_the_server_has(browser, talk)
    assert sum(browser.get("line.closed.length") for browser in (a, b)) >= 15


def test_a_server_that_is_killed_loses_and_doubles_nothing(
    alice: Person, bob: Person, talk: str, server: ChatServer, browser_of: Callable[..., Browser]
) -> None:
    a, b = browser_of(alice), browser_of(bob)
    for browser in (a, b):
        browser.opens(talk)
        browser.until("chat.connectionState === 'online'")
    contents = [f"Message {number}" for number in range(30)]
    a.says(talk, *contents)
    b.until(f"chat.store.thread({json.dumps(talk)}).list.length >= 3")
    server.kill()
    a.until("chat.connectionState !== 'online'")
    assert a.get("chat.outbox.unsent") > 0
    server.start()
    for browser in (a, b):
        browser.run("chat.wake()")
        all_once_in_order(browser, talk, contents)
        ends_up_with_what_the_server_has(browser, talk)


def test_what_happens_while_one_is_away_is_there_after_it(
    alice: Person, bob: Person, talk: str, browser_of: Callable[..., Browser]
) -> None:
    b = browser_of(bob)
    said = [alice.post(f"/api/conversations/{talk}/messages/", {"content": f"{number}"}) for number in range(6)]
    edited, deleted, reacted, own, *_ = (each["message"]["id"] for each in said)
    b.opens(talk)
    b.run("await chat.react(own, '🥕')", own=own)
    b.goes_away()
    alice.patch(f"/api/messages/{edited}/", {"content": "edited"})
    alice.delete(f"/api/messages/{deleted}/")
    alice.put(f"/api/messages/{reacted}/reactions/❤️/")
    alice.put(f"/api/messages/{own}/reactions/🥕/")
    alice.post(f"/api/conversations/{talk}/messages/", {"content": "Are you there?"})
    group = alice.founds("Valley eggs", bob)
    alice.post(f"/api/conversations/{group['conversationId']}/messages/", {"content": "Welcome"})
    b.comes_back()
    ends_up_with_what_the_server_has(b, talk)
    assert group["conversationId"] in b.get("[...chat.store.conversations.keys()]")
    b.goes_away()
    alice.delete(f"/api/groups/{group['id']}/members/{bob.id}/")
    b.comes_back()
    b.until("chat.store.conversations.size === 1")
    ends_up_with_what_the_server_has(b, talk)


def test_what_is_written_and_read_while_one_is_away_arrives_after_it(
    alice: Person, bob: Person, talk: str, browser_of: Callable[..., Browser]
) -> None:
    a, b = browser_of(alice), browser_of(bob)
    for browser in (a, b):
        browser.opens(talk)
    a.says(talk, "One", "Two")
    b.holds_all(talk, 2)
    b.goes_away()
    b.reads(talk)
    b.says(talk, "Three", "Four")
    a.says(talk, "Meanwhile")
    a.holds_all(talk, 3)
    assert b.get("chat.store.unreadTotal") == 0
    b.comes_back()
    for browser in (a, b):
        browser.holds_all(talk, 5)
    b.until("chat.store.unreadTotal === 1")
    for browser in (a, b):
        ends_up_with_what_the_server_has(browser, talk)


def test_scrolling_up_and_jumping_back_hold_what_is_told_meanwhile(
    alice: Person, bob: Person, talk: str, browser_of: Callable[..., Browser]
) -> None:
    a = browser_of(alice)
    path = f"/api/conversations/{talk}/messages/"
    for number in range(1, 121):
        bob.post(path, {"content": f"{number}"})
    a.run("await chat.open(talk, 10)", talk=talk)
    a.until(f"chat.store.thread({json.dumps(talk)})?.holds(10)")
    assert a.get("chat.store.thread(talk).hasNewer", talk=talk)
    bob.post(path, {"content": "121"})
    a.until("chat.store.unreadTotal === 121")
    while a.get("chat.store.thread(talk).hasNewer", talk=talk):
        a.run("await chat.history.newer(talk)", talk=talk)
    while a.get("chat.store.thread(talk).hasOlder", talk=talk):
        a.run("await chat.history.older(talk)", talk=talk)
    assert [message["content"] for message in a.messages(talk)] == [f"{number}" for number in range(1, 122)]
    a.run("chat.receipts.saw(chat.store.thread(talk).list[99])", talk=talk)
    a.until("chat.store.unreadTotal === 21")


def test_whoever_is_signed_out_everywhere_is_told_so(alice: Person, browser_of: Callable[..., Browser]) -> None:
    a = browser_of(alice)
    a.until("chat.connectionState === 'online'")
    alice.post("/api/logout/", {"everywhere": True})
    a.until("chat.connectionState === 'ended'")
    a.run("chat.wake()")
    assert a.get("line.opened") == 1
    assert a.get("line.closed") == [4403]


def test_a_token_that_runs_out_is_followed_by_the_next(alice: Person, browser_of: Callable[..., Browser]) -> None:
    short = sign_token(alice.id, lifetime=20, **alice.claims)
    a = browser_of(alice, tokens=[short, alice.token])
    a.until("line.heard.some(({event}) => event === 'session:expiring')")
    a.until("line.heard.filter(({ref}) => ref === 'auth').length === 2")
    shown = [frame["data"]["token"] for frame in a.get("line.said.filter(({event}) => event === 'auth')")]
    assert shown == [short, alice.token]
    expires = [frame["data"]["expiresAt"] for frame in a.get("line.heard.filter(({ref}) => ref === 'auth')")]
    assert expires[0] < expires[1]
    assert a.get("line.opened") == 1


def test_heartbeats_are_answered(alice: Person, browser_of: Callable[..., Browser]) -> None:
    a = browser_of(alice)
    beats = int(2 * SILENCE_SECONDS / BEAT_SECONDS)
    a.until(f"line.heard.filter(({{event}}) => event === 'heartbeat').length >= {beats}")
    assert a.get("line.closed") == []
    assert a.get("line.said.filter(({event}) => event === 'heartbeat').length") >= beats - 1
