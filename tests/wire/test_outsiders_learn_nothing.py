"""Mallory is in none of it. Whatever she asks about Alice's and Bob's conversation is answered, to the byte, as if
there were no such thing; nothing reaches her, and nothing of hers reaches them.

The two guards make sure that a new command or address does not come without its row.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from localroots_chat.sockets import COMMANDS
from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient
from tests.wire.table import nobodys_id, refusal_in

Make = Callable[[str, str], Any]  # from a conversation's id and a message's

# Command, and its data.
ASKED: dict[str, tuple[str, Make]] = {
    "joining": ("join:conversation", lambda talk, message: talk),
    "joining, with an object": ("join:conversation", lambda talk, message: {"conversationId": talk}),
    "speaking": ("message:send", lambda talk, message: {"conversationId": talk, "content": "hello"}),
    "speaking again": (
        "message:send", lambda talk, message: {"conversationId": talk, "content": "carrots?", "clientId": "first"}
    ),
    "speaking under a clientId that is taken": (
        "message:send", lambda talk, message: {"conversationId": talk, "content": "hello", "clientId": "second"}
    ),
    "answering": (
        "message:send", lambda talk, message: {"conversationId": talk, "content": "hello", "replyTo": message}
    ),
    "reading": ("message:read", lambda talk, message: {"conversationId": talk, "messageId": message}),
    "changing": ("message:edit", lambda talk, message: {"messageId": message, "content": "leeks?"}),
    "changing nothing": ("message:edit", lambda talk, message: {"messageId": message, "content": "carrots?"}),
    "taking back": ("message:delete", lambda talk, message: {"messageId": message}),
    "reacting": ("message:react", lambda talk, message: {"messageId": message, "emoji": "🥕"}),
    "reacting no longer": (
        "message:react", lambda talk, message: {"messageId": message, "emoji": "🥕", "remove": True}
    ),
    "typing": ("typing:start", lambda talk, message: talk),
    "typing, with an object": ("typing:start", lambda talk, message: {"conversationId": talk}),
    "no longer typing": ("typing:stop", lambda talk, message: talk),
}  # fmt: skip
# It answers many conversations at once, and has a test of its own; what is about groups is in test_authorisation.py,
# about people in tests/journeys/test_presence.py.
WITHOUT_ROW = {"sync", *(command for command in COMMANDS if command.startswith(("group:", "presence:")))}
# Rows that Bob may ask of what he has said himself, and of nothing else.
OF_ONES_OWN = {"changing", "changing nothing", "taking back"}

# Name of the address, method, what is in the address, query, body.
REQUESTED: dict[str, tuple[str, str, str, str, Make | None]] = {
    "the conversation": ("conversation-detail", "GET", "talk", "", None),
    "muting it": ("conversation-detail", "PATCH", "talk", "", lambda talk, message: {"muted": True}),
    "its messages": ("conversation-messages", "GET", "talk", "", None),
    "older messages": ("conversation-messages", "GET", "talk", "?before=2&limit=1", None),
    "newer messages": ("conversation-messages", "GET", "talk", "?after=0", None),
    "messages around one": ("conversation-messages", "GET", "talk", "?around=1&receipts=1", None),
    "speaking": ("conversation-messages", "POST", "talk", "", lambda talk, message: {"content": "hello"}),
    "speaking again": (
        "conversation-messages", "POST", "talk", "", lambda talk, message: {"content": "carrots?", "clientId": "first"}
    ),
    "answering": (
        "conversation-messages", "POST", "talk", "", lambda talk, message: {"content": "hello", "replyTo": message}
    ),
    "reading": ("conversation-read", "POST", "talk", "", lambda talk, message: {"messageId": message}),
    "one message": ("message-detail", "GET", "message", "", None),
    "who has read it": ("message-receipts", "GET", "message", "", None),
    "changing": ("message-detail", "PATCH", "message", "", lambda talk, message: {"content": "leeks?"}),
    "changing nothing": ("message-detail", "PATCH", "message", "", lambda talk, message: {"content": "carrots?"}),
    "taking back": ("message-detail", "DELETE", "message", "", None),
    "reacting": ("message-reaction", "PUT", "message and emoji", "", None),
    "reacting no longer": ("message-reaction", "DELETE", "message and emoji", "", None),
}  # fmt: skip
FOR_EVERYBODY = {("block-detail", "DELETE")}

GARBAGE_IDS = {
    "a number": "1",
    "zero": "0",
    "less than nothing": "-1",
    "a word": "null",
    "an id with a letter too few": nobodys_id()[:-1],
    "an id with a letter too many": f"{nobodys_id()}0",
    "an id with no letter of ours": f"{nobodys_id()[:-1]}g",
    "all zeros": "00000000-0000-0000-0000-000000000000",
    "a NUL": "\0",
    "an id and a NUL": f"{nobodys_id()}\0",
    "quotes": "' OR 1=1 --",
    "a star": "*",
    "a percent sign": "%",
    "a carrot": "🥕",
    "an object": '{"id": 1}',
    "5,000 letters": "x" * 5_000,
}


class Kitchen:
    """Where Alice and Bob talk, with what Mallory may not know."""

    def __init__(self, alice: Person, bob: Person, talk: str, message: str) -> None:
        self.alice, self.bob, self.talk, self.message = alice, bob, talk, message

    def history(self) -> Any:
        """All that is stored, as Alice and Bob see it."""
        path = f"/api/conversations/{self.talk}/"
        return [[person.get(path), person.get(f"{path}messages/?limit=100")] for person in (self.alice, self.bob)]

    def names(self) -> Iterator[tuple[str, str]]:
        """Ids as Mallory may have found them: real ones, and ones that name nothing."""
        for talk in (self.talk, nobodys_id()):
            for message in (self.message, nobodys_id()):
                yield talk, message


@pytest.fixture(scope="module")
def kitchen(alice: Person, bob: Person, conversation: Any) -> Kitchen:
    path = f"/api/conversations/{conversation['id']}/messages/"
    said = alice.post(path, {"content": "carrots?", "clientId": "first"})
    alice.post(path, {"content": "the secret recipe", "clientId": "second"})
    return Kitchen(alice, bob, conversation["id"], said["message"]["id"])


async def refusal_of(socket: SocketClient, event: str, data: Any, *, ref: str | None) -> str:
    """The words of the refusal, but for the ref."""
    await socket.send(event, data, ref)
    frame = await socket.expect("error") if ref is None else await socket.reply(ref)
    return json.dumps({name: value for name, value in frame.items() if name != "ref"})


# Sockets


@pytest.mark.parametrize("what", ASKED)
async def test_mallory_learns_nothing_by_a_command(what: str, kitchen: Kitchen, mallory: Person) -> None:
    event, data = ASKED[what]
    before = kitchen.history()
    async with kitchen.alice.connect() as hers, kitchen.bob.connect() as his, mallory.connect() as outside:
        for refs in (["1", "2", "3", "4"], [None] * 4):
            said = [
                await refusal_of(outside, event, data(talk, message), ref=ref)
                for ref, (talk, message) in zip(refs, kitchen.names(), strict=True)
            ]
            assert len(set(said)) == 1, said
            refusal = json.loads(said[0])
            assert (refusal["error"] if refs[0] else refusal["data"])["code"] == "not_found"

        spoken = await hers.say(kitchen.talk, "now we are alone")
        await his.expect("message:new", id=spoken["id"])
        await outside.ask("heartbeat")
        assert {frame.event for frame in outside.frames} == {"welcome", "reply", "error"}
        assert "alone" not in str(outside.frames)
        assert mallory.id not in str(hers.frames) + str(his.frames)
    assert kitchen.history()[0][1]["messages"][:-1] == before[0][1]["messages"]
    assert mallory.id not in str(kitchen.history())


@pytest.mark.parametrize("what", ASKED)
async def test_bob_may(what: str, kitchen: Kitchen) -> None:
    event, data = ASKED[what]
    async with kitchen.bob.connect() as his:
        message = (await his.say(kitchen.talk, "leeks!"))["id"] if what in OF_ONES_OWN else kitchen.message
        await his.ask(event, data(kitchen.talk, message))


async def test_what_is_wrong_with_a_change_tells_nothing_of_the_message(kitchen: Kitchen, mallory: Person) -> None:
    async with mallory.connect() as outside:
        for event, data, code in (
            ("message:edit", {"content": ""}, "body_empty"),
            ("message:edit", {"content": "x" * 5_000}, "body_too_long"),
            ("message:react", {"emoji": "carrot"}, "invalid_field"),
        ):
            said = [
                await refusal_of(outside, event, {"messageId": id, **data}, ref=f"{event} {code} {id}")
                for id in (kitchen.message, nobodys_id(), "garbage")
            ]
            assert len(set(said)) == 1, said
            assert json.loads(said[0])["error"]["code"] == code


async def test_mallory_learns_nothing_from_where_she_may_speak(
    kitchen: Kitchen, mallory: Person, new_person: Callable[..., Person]
) -> None:
    """Her own conversation, and a message of theirs."""
    own = mallory.talks_to(new_person("carol", mallory.server))["id"]
    async with mallory.connect() as outside:
        mine = (await outside.say(own, "hello?"))["id"]
        for event in ("message:read", "message:send"):
            said = [
                await refusal_of(
                    outside,
                    event,
                    {"conversationId": own, "content": "?", "messageId": id, "replyTo": id},
                    ref=event + id,
                )
                for id in (kitchen.message, nobodys_id(), "garbage")
            ]
            assert len(set(said)) == 1, said
            assert json.loads(said[0])["error"]["code"] == "not_found"
        assert (await outside.ask("message:read", {"conversationId": own, "messageId": mine}))["lastReadSeq"] == 1
        assert await outside.say(own, "!", replyTo=mine)
    answers = [
        mallory.http.post(f"/api/conversations/{own}/read/", json={"messageId": id})
        for id in (kitchen.message, nobodys_id(), "garbage")
    ]
    assert {answer.content for answer in answers} == {answers[0].content}
    refusal_in(answers[0], "not_found")


async def test_mallory_learns_nothing_by_resuming(kitchen: Kitchen, mallory: Person) -> None:
    """What one may not see is gone, whichever version one claims to hold, as what does not exist."""
    answers = []
    async with mallory.connect() as outside:
        for talk in (kitchen.talk, nobodys_id(), kitchen.message, "garbage", "\0"):
            for cursor in (0, 1, [0, 0], 2**53):
                asked = {"cursors": {talk: cursor}}
                for answer in (await outside.ask("sync", asked), mallory.post("/api/sync/", asked)):
                    assert answer.pop("gone") == [talk]
                    answers.append({**answer, "serverTime": "now"})
    assert answers == [answers[0]] * len(answers)
    assert (answers[0]["heads"], answers[0]["changes"], answers[0]["reset"]) == ({}, {}, [])
    async with kitchen.bob.connect() as his:
        answer = await his.ask("sync", {"cursors": {kitchen.talk: 0}})
        assert (answer["gone"], [*answer["heads"], *answer["changes"]]) == ([], [kitchen.talk] * 2)


def test_every_command_has_its_row() -> None:
    assert {event for event, _ in ASKED.values()} | WITHOUT_ROW == set(COMMANDS)


# REST


def ask(person: Person, what: str, talk: str, message: str) -> httpx.Response:
    """The request of this row, of these ids."""
    name, method, ids, query, body = REQUESTED[what]
    named = {"talk": [talk], "message": [message], "message and emoji": [message, "🥕"]}
    address = reverse(name, args=named[ids]) + query
    return person.http.request(method, address, json=body and body(talk, message))


def outline(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All of an answer but the time."""
    headers = [(name, value) for name, value in answer.headers.multi_items() if name != "date"]
    return answer.status_code, answer.content, headers


@pytest.mark.parametrize("what", REQUESTED)
def test_mallory_learns_nothing_by_rest(what: str, kitchen: Kitchen, mallory: Person) -> None:
    before = kitchen.history()
    answers = [ask(mallory, what, talk, message) for talk, message in kitchen.names()]
    refusal_in(answers[0], "not_found")
    for answer in answers[1:]:
        assert outline(answer) == outline(answers[0])
    assert kitchen.history() == before


@pytest.mark.parametrize("what", REQUESTED)
def test_bob_may_by_rest(what: str, kitchen: Kitchen) -> None:
    message = kitchen.message
    if what in OF_ONES_OWN:
        path = f"/api/conversations/{kitchen.talk}/messages/"
        message = kitchen.bob.post(path, {"content": "leeks!"})["message"]["id"]
    assert ask(kitchen.bob, what, kitchen.talk, message).is_success


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE"])
@pytest.mark.parametrize("name", ["conversation-detail", "conversation-messages", "message-detail"])
def test_no_method_tells_what_is_there(name: str, method: str, kitchen: Kitchen, mallory: Person) -> None:
    real = kitchen.message if name == "message-detail" else kitchen.talk
    answers = [mallory.http.request(method, reverse(name, args=[id])) for id in (real, nobodys_id())]
    assert outline(answers[0]) == outline(answers[1])


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PATCH"])
def test_no_method_tells_what_can_be_reacted_to(method: str, kitchen: Kitchen, mallory: Person) -> None:
    addresses = [reverse("message-reaction", args=[id, "🥕"]) for id in (kitchen.message, nobodys_id())]
    answers = [mallory.http.request(method, address) for address in addresses]
    assert outline(answers[0]) == outline(answers[1])


@pytest.mark.parametrize("garbage", GARBAGE_IDS)
def test_garbage_is_answered_as_an_unknown_id(garbage: str, kitchen: Kitchen) -> None:
    """To Bob, who may see what there is."""
    for what in REQUESTED:
        unknown = ask(kitchen.bob, what, nobodys_id(), nobodys_id())
        refusal_in(unknown, "not_found")
        answer = ask(kitchen.bob, what, GARBAGE_IDS[garbage], GARBAGE_IDS[garbage])
        assert outline(answer) == outline(unknown), what


@pytest.mark.parametrize("garbage", GARBAGE_IDS)
def test_a_garbage_group_is_answered_as_an_unknown_one(garbage: str, alice: Person) -> None:
    unknown = alice.http.get(reverse("group-detail", args=[nobodys_id()]))
    refusal_in(unknown, "not_found")
    assert outline(alice.http.get(reverse("group-detail", args=[GARBAGE_IDS[garbage]]))) == outline(unknown)


@pytest.mark.parametrize("garbage", GARBAGE_IDS)
async def test_a_socket_answers_garbage_as_an_unknown_id(garbage: str, kitchen: Kitchen) -> None:
    """To Bob, who may see what there is."""
    async with kitchen.bob.connect() as his:
        for what, (event, data) in ASKED.items():
            unknown = await refusal_of(his, event, data(nobodys_id(), nobodys_id()), ref=f"{what}, unknown")
            garbled = data(GARBAGE_IDS[garbage], GARBAGE_IDS[garbage])
            assert await refusal_of(his, event, garbled, ref=what) == unknown
            assert json.loads(unknown)["error"]["code"] == "not_found"


SPELLINGS: dict[str, Callable[[str], str]] = {
    "in capitals": str.upper,
    "without dashes": lambda id: id.replace("-", ""),
    "in braces": lambda id: f"{{{id}}}",
    "as a URN": lambda id: f"urn:uuid:{id}",
    "in Arabic digits": lambda id: id.translate({ord("0") + digit: 0x660 + digit for digit in range(10)}),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_an_id_in_another_spelling_is_the_same_to_every_command(spelling: str, kitchen: Kitchen) -> None:
    """Either it names nothing, or it names what it names everywhere, and answers have it as it is."""
    talk, message = (SPELLINGS[spelling](id) for id in (kitchen.talk, kitchen.message))
    assert talk != kitchen.talk
    async with kitchen.bob.connect() as his:
        outcomes = {}
        for what, (event, data) in ASKED.items():
            await his.send(event, data(talk, message), ref=what)
            outcomes[what] = (await his.reply(what))["ok"]
        await his.send("join:conversation", talk)
        await his.ask("heartbeat")
        assert len(set(outcomes.values())) == 1, outcomes
        assert talk not in str(his.frames)


# Without a name


def _addresses(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns)
        else:
            yield pattern


def _methods(pattern: URLPattern) -> set[str]:
    actions = getattr(pattern.callback, "actions", None)  # of a viewset
    if actions is None:
        view = getattr(pattern.callback, "cls", None)
        actions = [name for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)]
    return {name.upper() for name in actions} - {"HEAD"}


def api() -> set[tuple[str, str, int]]:
    """Every address under /api/: name, method, how many ids are in it."""
    resolvers = [one for one in get_resolver().url_patterns if isinstance(one, URLResolver)]
    return {
        (str(pattern.name), method, pattern.pattern.regex.groups)
        for pattern in _addresses([one for one in resolvers if str(one.pattern) == "api/"])
        for method in _methods(pattern)
    }


# Where one comes without a token
SIGNING_IN = {("token", "POST"), ("token-refresh", "POST")}


def test_every_address_with_an_id_has_its_row() -> None:
    rows = {(name, method) for name, method, *_ in REQUESTED.values()}
    elsewhere = {(name, method) for name, method, _ in api() if name.startswith(("group-", "held-", "attachment-"))}
    assert {(name, method) for name, method, ids in api() if ids} - FOR_EVERYBODY - elsewhere == rows


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Basic YWxpY2U6YWxpY2U="},
        {"Authorization": "Server key"},
        {"Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345"},
    ],
    ids=str,
)
def test_without_a_token_nothing_is_told(headers: dict[str, str], kitchen: Kitchen, server: ChatServer) -> None:
    with httpx.Client(base_url=server.base_url, headers=headers, trust_env=False) as nobody:
        for name, method, ids in sorted(api()):
            if (name, method) in SIGNING_IN:
                continue
            addresses = [reverse(name, args=[id] * ids) for id in (kitchen.talk, kitchen.message, nobodys_id())]
            answers = [nobody.request(method, address) for address in addresses]
            refusal_in(answers[0], "token_invalid")
            assert answers[0].headers["WWW-Authenticate"] == "Bearer"
            assert {answer.content for answer in answers} == {answers[0].content}
