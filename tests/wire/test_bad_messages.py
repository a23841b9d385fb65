"""What a message may say, at both doors: the socket and REST refuse the same with the same words, and store nothing."""

import json
import unicodedata
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.people import Person
from tests.support.sockets import SocketClient
from tests.wire.table import nobodys_id, refusal_in

CHARACTERS_MOST, CLIENT_ID_MOST = 4_000, 64
COMBINING_ACUTE = "\u0301"
DEVANAGARI_QA = "\u0958"  # one character that NFC writes as two

MISSING = object()

# What is sent, what is said of it, and of which field. The rest of the message is right.
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no content": ({"content": MISSING}, "invalid_field", "content"),
    "content that is null": ({"content": None}, "invalid_field", "content"),
    "content that is a number": ({"content": 5}, "invalid_field", "content"),
    "content that is true": ({"content": True}, "invalid_field", "content"),
    "content that is a list": ({"content": ["hello"]}, "invalid_field", "content"),
    "content that is an object": ({"content": {"text": "hello"}}, "invalid_field", "content"),
    "a NUL": ({"content": "hel\0lo"}, "invalid_field", "content"),
    "a NUL among other letters": ({"content": "grüß\0dich"}, "invalid_field", "content"),
    "half a character": ({"content": "\ud83e"}, "invalid_field", "content"),
    "the other half": ({"content": "carrot \udd55"}, "invalid_field", "content"),
    "both halves the wrong way round": ({"content": "\udd55\ud83e"}, "invalid_field", "content"),
    "nothing": ({"content": ""}, "body_empty", "content"),
    "spaces": ({"content": "   "}, "body_empty", "content"),
    "tabs and lines": ({"content": "\t\r\n\v\f"}, "body_empty", "content"),
    "control characters": ({"content": "\x01\x1b\x7f\x9f"}, "body_empty", "content"),
    "spaces of other scripts": ({"content": "\u00a0\u1680\u2003\u202f\u205f\u3000"}, "body_empty", "content"),
    "separators": ({"content": "\u2028\u2029\u0085"}, "body_empty", "content"),
    "a zero-width space": ({"content": "\u200b"}, "body_empty", "content"),
    "zero-width joiners": ({"content": "\u200c\u200d\u2060\ufeff"}, "body_empty", "content"),
    "soft hyphens": ({"content": "\u00ad\u00ad"}, "body_empty", "content"),
    "marks of direction": ({"content": "\u200e\u200f\u202a\u202e\u202c\u2066\u2069\u061c"}, "body_empty", "content"),
    "invisible operators": ({"content": "\u2061\u2062\u2063\u2064"}, "body_empty", "content"),
    "fillers": ({"content": "\u115f\u1160\u3164\uffa0"}, "body_empty", "content"),
    "an empty Braille cell": ({"content": "\u2800"}, "body_empty", "content"),
    "a grapheme joiner": ({"content": "\u034f"}, "body_empty", "content"),
    "variation selectors": ({"content": "\ufe0e\ufe0f"}, "body_empty", "content"),
    "more variation selectors": ({"content": "\U000e0100\U000e01ef"}, "body_empty", "content"),
    "Mongolian variation selectors": ({"content": "\u180b\u180c\u180d\u180e\u180f"}, "body_empty", "content"),
    "tags": ({"content": "\U000e0001\U000e0061\U000e007f"}, "body_empty", "content"),
    "shorthand controls": ({"content": "\U0001bca0\U0001bca3"}, "body_empty", "content"),
    "4,001 letters": ({"content": "x" * 4_001}, "body_too_long", "content"),
    "4,001 carrots": ({"content": "🥕" * 4_001}, "body_too_long", "content"),
    "4,001 letters and their accents": ({"content": ("e" + COMBINING_ACUTE) * 4_001}, "body_too_long", "content"),
    "2,001 letters that become 4,002": ({"content": DEVANAGARI_QA * 2_001}, "body_too_long", "content"),
    "4,001 spaces": ({"content": " " * 4_001}, "body_too_long", "content"),
    "60,000 letters": ({"content": "x" * 60_000}, "body_too_long", "content"),
    "to speak as the system": ({"type": "SYSTEM"}, "invalid_field", "type"),
    "a type in small letters": ({"type": "text"}, "invalid_field", "type"),
    "a type nobody knows": ({"type": "POLL"}, "invalid_field", "type"),
    "an empty type": ({"type": ""}, "invalid_field", "type"),
    "a type that is a number": ({"type": 1}, "invalid_field", "type"),
    "a type with a NUL": ({"type": "TEXT\0"}, "invalid_field", "type"),
    "an empty clientId": ({"clientId": ""}, "invalid_field", "clientId"),
    "a clientId of 65 characters": ({"clientId": "c" * 65}, "invalid_field", "clientId"),
    "a clientId that is a number": ({"clientId": 7}, "invalid_field", "clientId"),
    "a clientId with a NUL": ({"clientId": "seven\0"}, "invalid_field", "clientId"),
    "a clientId that is half a character": ({"clientId": "\ud83e"}, "invalid_field", "clientId"),
    "replyTo that is a number": ({"replyTo": 1}, "invalid_field", "replyTo"),
    "replyTo that is an object": ({"replyTo": {"id": "x"}}, "invalid_field", "replyTo"),
    "an answer to nothing": ({"replyTo": ""}, "not_found", "replyTo"),
    "an answer to what is no id": ({"replyTo": "the first one"}, "not_found", "replyTo"),
    "an answer to an unknown message": ({"replyTo": nobodys_id()}, "not_found", "replyTo"),
    "an answer to half a character": ({"replyTo": "\ud83e"}, "not_found", "replyTo"),
}  # fmt: skip

# What is sent, and what it is stored as where that differs.
ACCEPTED: dict[str, tuple[dict[str, Any], str | None]] = {
    "one letter": ({"content": "x"}, None),
    "4,000 letters": ({"content": "x" * 4_000}, None),
    "4,000 carrots": ({"content": "🥕" * 4_000}, None),
    "4,000 letters and their accents": ({"content": ("e" + COMBINING_ACUTE) * 4_000}, "é" * 4_000),
    "2,000 letters that become 4,000": (
        {"content": DEVANAGARI_QA * 2_000}, unicodedata.normalize("NFC", DEVANAGARI_QA) * 2_000
    ),
    "one carrot": ({"content": "🥕"}, None),
    "a family held together by joiners": ({"content": "👩‍🌾👨‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿"}, None),
    "a heart of 2022": ({"content": "🩷"}, None),
    "a face of 2024": ({"content": "\U0001fae9"}, None),
    "a lone accent": ({"content": COMBINING_ACUTE}, None),
    "a full stop": ({"content": "."}, None),
    "every script": ({"content": "Grüße, こんにちは, שלום, سلام, Ζεύς, नमस्ते"}, None),
    "words from the right": ({"content": "abc \u202edef"}, None),
    "lines and tabs": ({"content": "eggs\n\tsix\r\n"}, None),
    "spaces around": ({"content": "  eggs  "}, None),
    "markup": ({"content": "<script>alert(1)</script>{{7*7}}"}, None),
    "quotes and the ends of statements": ({"content": "'; DROP TABLE users; -- \\u0000 %s %(x)s"}, None),
    "an escape": ({"content": "\x1b[31mred"}, None),
    "a type": ({"content": "eggs", "type": "TEXT"}, None),
    "a clientId of 64 characters": ({"content": "eggs", "clientId": "c" * 64}, None),
    "a clientId of 64 carrots": ({"content": "eggs", "clientId": "🥕" * 64}, None),
    "nulls": ({"content": "eggs", "clientId": None, "replyTo": None, "attachmentIds": None}, None),
    "no attachments": ({"content": "eggs", "attachmentIds": []}, None),
}  # fmt: skip

# The conversation is a field at the socket, and part of the address at REST.
NO_CONVERSATION = {
    "none": (MISSING, "invalid_field"),
    "null": (None, "invalid_field"),
    "a number": (5, "invalid_field"),
    "a list": ([nobodys_id()], "invalid_field"),
    "nothing": ("", "not_found"),
    "what is no id": ("the kitchen", "not_found"),
    "a NUL": ("\0", "not_found"),
    "half a character": ("\ud83e", "not_found"),
    "an unknown one": (nobodys_id(), "not_found"),
}


# Of messages that are changed, too.
TEXTS_REFUSED = [what for what, (fields, _, _) in REFUSED.items() if "content" in fields]
TEXTS_ACCEPTED = [what for what, (fields, _) in ACCEPTED.items() if set(fields) == {"content"}]

# What is asked of Alice's message, what is different, what is said of it, and of which field.
WRONG_CHANGES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "an edit of no message": ("message:edit", {"messageId": MISSING}, "invalid_field", "messageId"),
    "an edit of null": ("message:edit", {"messageId": None}, "invalid_field", "messageId"),
    "an edit of a number": ("message:edit", {"messageId": 5}, "invalid_field", "messageId"),
    "an edit of a list": ("message:edit", {"messageId": [nobodys_id()]}, "invalid_field", "messageId"),
    "taking back no message": ("message:delete", {"messageId": MISSING}, "invalid_field", "messageId"),
    "taking back null": ("message:delete", {"messageId": None}, "invalid_field", "messageId"),
    "taking back a number": ("message:delete", {"messageId": 5}, "invalid_field", "messageId"),
    "taking back an object": ("message:delete", {"messageId": {"id": nobodys_id()}}, "invalid_field", "messageId"),
    "a reaction to no message": ("message:react", {"messageId": MISSING}, "invalid_field", "messageId"),
    "a reaction to true": ("message:react", {"messageId": True}, "invalid_field", "messageId"),
    "a reaction with nothing": ("message:react", {"emoji": MISSING}, "invalid_field", "emoji"),
    "a reaction with null": ("message:react", {"emoji": None}, "invalid_field", "emoji"),
    "a reaction with a number": ("message:react", {"emoji": 1}, "invalid_field", "emoji"),
    "a reaction with a list": ("message:react", {"emoji": ["🥕"]}, "invalid_field", "emoji"),
    "a reaction with an object": ("message:react", {"emoji": {"emoji": "🥕"}}, "invalid_field", "emoji"),
    "a reaction with an empty text": ("message:react", {"emoji": ""}, "invalid_field", "emoji"),
    "a reaction with a letter": ("message:react", {"emoji": "x"}, "invalid_field", "emoji"),
    "a reaction with a digit": ("message:react", {"emoji": "1"}, "invalid_field", "emoji"),
    "a reaction with a name": ("message:react", {"emoji": ":carrot:"}, "invalid_field", "emoji"),
    "a reaction with two carrots": ("message:react", {"emoji": "🥕🥕"}, "invalid_field", "emoji"),
    "a reaction with a NUL": ("message:react", {"emoji": "\0"}, "invalid_field", "emoji"),
    "a reaction with an emoji and a NUL": ("message:react", {"emoji": "🥕\0"}, "invalid_field", "emoji"),
    "a reaction with half a character": ("message:react", {"emoji": "\ud83e"}, "invalid_field", "emoji"),
    "a reaction with 5,000 letters": ("message:react", {"emoji": "x" * 5_000}, "invalid_field", "emoji"),
    "a reaction with 5,000 carrots": ("message:react", {"emoji": "🥕" * 5_000}, "invalid_field", "emoji"),
    "removing null": ("message:react", {"remove": None}, "invalid_field", "remove"),
    "removing a word": ("message:react", {"remove": "yes"}, "invalid_field", "remove"),
    "removing a number": ("message:react", {"remove": 1}, "invalid_field", "remove"),
    "removing a wrong emoji": ("message:react", {"emoji": "x", "remove": True}, "invalid_field", "emoji"),
}  # fmt: skip


def filled(fields: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A message that is right but for these fields."""
    message = {"content": "hello", **others, **fields}
    return {name: value for name, value in message.items() if value is not MISSING}


@dataclass
class Talk:
    """The conversation of Alice and Bob, which has begun: Alice's way in by both doors, and what is stored."""

    id: str
    alice: Person
    socket: SocketClient
    first: dict[str, Any]

    async def ask(self, **fields: Any) -> dict[str, Any]:
        """By the socket: the reply."""
        ref = str(uuid.uuid4())
        await self.socket.send("message:send", filled(fields, conversationId=self.id), ref=ref)
        return dict(await self.socket.reply(ref))

    def post(self, **fields: Any) -> httpx.Response:
        """By REST: the answer."""
        path, body = f"/api/conversations/{self.id}/messages/", json.dumps(filled(fields))  # escapes half characters
        return self.alice.http.post(path, content=body, headers={"Content-Type": "application/json"})

    def history(self) -> Any:
        """Where the conversation stands, and its newest messages."""
        return self.alice.get(f"/api/conversations/{self.id}/messages/?limit=3")


@pytest.fixture(scope="module")
def beginning(alice: Person, conversation: Any) -> Any:
    """How the conversation begins."""
    return alice.post(f"/api/conversations/{conversation['id']}/messages/", {"content": "carrots?"})["message"]


@pytest.fixture
async def talk(alice: Person, conversation: Any, beginning: Any) -> AsyncIterator[Talk]:
    async with alice.connect() as socket:
        yield Talk(conversation["id"], alice, socket, beginning)


@pytest.mark.parametrize("what", REFUSED)
async def test_both_doors_refuse(what: str, talk: Talk) -> None:
    fields, code, field = REFUSED[what]
    before = talk.history()
    reply = await talk.ask(**fields)
    assert reply["ok"] is False, reply
    assert (reply["error"]["code"], reply["error"]["field"]) == (code, field)
    assert refusal_in(talk.post(**fields), code, field) == reply["error"]
    await talk.socket.refute("message:new")
    assert talk.history() == before


@pytest.mark.parametrize("what", ACCEPTED)
async def test_both_doors_take(what: str, talk: Talk, bob: Person) -> None:
    fields, stored = ACCEPTED[what]
    async with bob.connect() as his:
        reply = await talk.ask(**fields)
        assert reply["ok"] is True, reply
        if fields.get("clientId"):
            fields = {**fields, "clientId": fields["clientId"][:-1]}  # another message
        answer = talk.post(**fields)
        assert answer.status_code == 201, answer.text
        said = stored or fields["content"]
        for message in (reply["data"]["message"], answer.json()["message"]):
            assert (message["content"], message["type"], message["replyTo"]) == (said, "TEXT", None)
            heard = await his.expect("message:new", id=message["id"])
            assert heard.data == message
    assert [message["content"] for message in talk.history()["messages"][-2:]] == [said, said]


# Changes


def patch(talk: Talk, message: str, fields: dict[str, Any]) -> httpx.Response:
    """By REST: the answer to an edit."""
    body = json.dumps(filled(fields))  # escapes half characters
    return talk.alice.http.patch(
        f"/api/messages/{message}/", content=body, headers={"Content-Type": "application/json"}
    )


@pytest.mark.parametrize("what", TEXTS_REFUSED)
async def test_both_doors_refuse_it_of_an_edit(what: str, talk: Talk) -> None:
    fields, code, field = REFUSED[what]
    before = talk.history()
    await talk.socket.send("message:edit", filled(fields, messageId=talk.first["id"]), ref="edit")
    reply = await talk.socket.reply("edit")
    assert reply["ok"] is False, reply
    assert (reply["error"]["code"], reply["error"]["field"]) == (code, field)
    assert refusal_in(patch(talk, talk.first["id"], fields), code, field) == reply["error"]
    await talk.socket.refute("message:updated")
    assert talk.history() == before


@pytest.mark.parametrize("what", TEXTS_ACCEPTED)
async def test_both_doors_take_it_of_an_edit(what: str, talk: Talk, bob: Person) -> None:
    fields, stored = ACCEPTED[what]
    async with bob.connect() as his:
        by_socket, by_rest = [await talk.socket.say(talk.id, "hello") for _ in range(2)]
        edited = (await talk.socket.ask("message:edit", {"messageId": by_socket["id"], **fields}))["message"]
        answer = patch(talk, by_rest["id"], fields)
        assert answer.status_code == 200, answer.text
        for said, message in ((by_socket, edited), (by_rest, answer.json())):
            assert (message["id"], message["seq"]) == (said["id"], said["seq"])
            assert message["content"] == (stored or fields["content"])
            assert (await his.expect("message:updated", id=message["id"])).data == message
    assert talk.history()["messages"][-2:] == [edited, answer.json()]


@pytest.mark.parametrize("what", WRONG_CHANGES)
async def test_a_wrong_change_names_its_field(what: str, talk: Talk) -> None:
    event, change, code, field = WRONG_CHANGES[what]
    right = {"message:edit": {"content": "eggs!"}, "message:delete": {}, "message:react": {"emoji": "🥕"}}[event]
    data = {"messageId": talk.first["id"], **right, **change}
    before = talk.history()
    sent = {name: value for name, value in data.items() if value is not MISSING}
    await talk.socket.ask_refused(event, sent, code=code, field=field)
    await talk.socket.refute("message:updated")
    assert talk.history() == before


@pytest.mark.parametrize("event", ["message:edit", "message:delete", "message:react"])
async def test_a_change_is_an_object(event: str, talk: Talk) -> None:
    wrong: list[Any] = [None, talk.first["id"], 5, True, [talk.first["id"]], {}]
    for data in wrong:
        error = await talk.socket.ask_refused(event, data, code="invalid_field")
        assert error["field"] in ("data", "messageId"), error


async def test_what_the_server_decides_of_a_change_nobody_else_does(talk: Talk, bob: Person) -> None:
    said = await talk.socket.say(talk.id, "hello")
    claims = {"seq": 999, "version": 999, "senderId": bob.id, "actorId": bob.id, "editedAt": None, "deletedAt": None}
    asked = {"messageId": said["id"], **claims}
    edited = (await talk.socket.ask("message:edit", {**asked, "content": "eggs!"}))["message"]
    assert (edited["seq"], edited["version"]) == (said["seq"], said["version"] + 1)
    assert (edited["senderId"], edited["deletedAt"]) == (talk.alice.id, None)
    assert edited["editedAt"] > "2020"
    await talk.socket.ask("message:react", {**asked, "emoji": "🥕", "reaction": {"emoji": "🥚"}, "count": 1000})
    heard = await talk.socket.expect("message:updated", id=said["id"], version=said["version"] + 2)
    assert (heard.data["actorId"], heard.data["reaction"]) == (talk.alice.id, {"emoji": "🥕", "removed": False})
    assert heard.data["reactions"] == [{"emoji": "🥕", "count": 1}]


@pytest.mark.parametrize("what", NO_CONVERSATION)
async def test_a_message_needs_a_conversation(what: str, talk: Talk) -> None:
    conversation, code = NO_CONVERSATION[what]
    before = talk.history()
    reply = await talk.ask(conversationId=conversation)
    assert reply["error"]["code"] == code
    assert code == "not_found" or reply["error"]["field"] == "conversationId"
    assert talk.history() == before


async def test_what_the_server_decides_nobody_else_does(talk: Talk, bob: Person) -> None:
    claims = {
        "id": nobodys_id(),
        "seq": 999,
        "version": 999,
        "sender": {"id": bob.id},
        "senderId": bob.id,
        "createdAt": "2001-01-01T00:00:00.000Z",
        "editedAt": "2001-01-01T00:00:00.000Z",
        "deletedAt": "2001-01-01T00:00:00.000Z",
        "system": {"kind": "left", "userIds": [bob.id]},
        "reactions": [{"emoji": "🥕", "count": 1000}],
        "duplicate": True,
    }
    before = talk.history()["version"]
    reply = await talk.ask(**claims)
    assert (reply["ok"], reply["data"]["duplicate"]) == (True, False)
    answer = talk.post(**claims, conversationId=nobodys_id())
    assert answer.status_code == 201
    newest = talk.history()["messages"][-1]["seq"]
    for number, message in enumerate([reply["data"]["message"], answer.json()["message"]]):
        assert message["id"] != claims["id"]
        assert (message["seq"], message["version"]) == (newest - 1 + number, before + 1 + number)
        assert message["senderId"] == talk.alice.id
        assert (message["sender"]["id"], message["conversationId"]) == (talk.alice.id, talk.id)
        assert message["createdAt"] > "2020"
        assert (message["editedAt"], message["deletedAt"], message["system"]) == (None, None, None)
        assert message["reactions"] == []


# One clientId, one message

Door = Callable[[Talk, dict[str, Any]], Awaitable[dict[str, Any]]]


async def by_socket(talk: Talk, fields: dict[str, Any]) -> dict[str, Any]:
    reply = await talk.ask(**fields)
    return {"status": 200, **(reply["data"] if reply["ok"] else reply["error"])}


async def by_rest(talk: Talk, fields: dict[str, Any]) -> dict[str, Any]:
    answer = talk.post(**fields)
    body = answer.json()
    return {"status": answer.status_code, **body.get("error", body)}


DOORS: dict[str, Door] = {"socket": by_socket, "REST": by_rest}
each_pair_of_doors = pytest.mark.parametrize(
    ("first", "second"), [(first, second) for first in DOORS for second in DOORS]
)


@each_pair_of_doors
async def test_the_same_again_is_the_same_message(first: str, second: str, talk: Talk) -> None:
    fields = {"clientId": str(uuid.uuid4()), "content": "Möhren?", "replyTo": talk.first["id"]}
    before = talk.history()["version"]
    sent = await DOORS[first](talk, fields)
    again = await DOORS[second](talk, fields)
    assert (sent["duplicate"], again["duplicate"]) == (False, True)
    assert again["message"] == sent["message"]
    assert again["status"] == 200
    apart = await DOORS[second](talk, {**fields, "content": unicodedata.normalize("NFD", fields["content"])})
    assert (apart["duplicate"], apart["message"]) == (True, sent["message"])
    assert talk.history()["version"] == before + 1


@each_pair_of_doors
@pytest.mark.parametrize(
    "change", [{"content": "eggs!"}, {"content": "eggs? "}, {"content": "EGGS?"}, {"replyTo": None}], ids=str
)
async def test_another_message_under_the_same_client_id_is_refused(
    first: str, second: str, change: dict[str, Any], talk: Talk
) -> None:
    fields = {"clientId": str(uuid.uuid4()), "content": "eggs?", "replyTo": talk.first["id"]}
    sent = await DOORS[first](talk, fields)
    before = talk.history()
    other = await DOORS[second](talk, {**fields, **change})
    assert (other["code"], other["retryable"]) == ("client_id_reused", False)
    assert other["status"] == (409 if second == "REST" else 200)
    assert talk.history() == before
    assert before["messages"][-1] == sent["message"]


async def test_a_client_id_is_its_senders_own_in_its_conversation(
    talk: Talk, bob: Person, new_person: Callable[..., Person]
) -> None:
    carol = new_person("carol", bob.server)
    elsewhere = talk.alice.talks_to(carol)["id"]
    sent = await by_socket(talk, {"clientId": "seven"})
    async with bob.connect() as his:
        answer = await his.say(talk.id, "something else", clientId="seven")
    other = await talk.socket.say(elsewhere, "something else", clientId="seven")
    assert len({sent["message"]["id"], answer["id"], other["id"]}) == 3


async def test_client_ids_that_differ_in_case_or_form_are_different(talk: Talk) -> None:
    ids = ["Möhre", unicodedata.normalize("NFD", "Möhre"), "möhre", "Möhre ", " "]  # nobody reads them but the client
    sent = [await by_socket(talk, {"clientId": client_id}) for client_id in ids]
    assert [one["duplicate"] for one in sent] == [False] * len(ids)
    assert [one["message"]["clientId"] for one in sent] == ids


# Answers


async def test_an_answer_stays_in_its_conversation(talk: Talk, new_person: Callable[..., Person]) -> None:
    carol = new_person("carol", talk.alice.server)
    elsewhere = talk.alice.talks_to(carol)["id"]
    foreign = await talk.socket.say(elsewhere, "not for Bob")
    for door in DOORS.values():
        refused = await door(talk, {"replyTo": foreign["id"]})
        assert (refused["code"], refused["field"]) == ("not_found", "replyTo")
        answer = await door(talk, {"replyTo": talk.first["id"]})
        assert answer["message"]["replyTo"] == {
            "id": talk.first["id"],
            "seq": talk.first["seq"],
            "senderId": talk.alice.id,
            "excerpt": "carrots?",
        }
        assert "not for Bob" not in str(talk.history())


async def test_what_one_may_not_see_is_answered_as_what_does_not_exist(
    talk: Talk, mallory: Person, new_person: Callable[..., Person]
) -> None:
    """Mallory answers, in a conversation of her own, a message that she may not see."""
    own = mallory.talks_to(new_person("carol", mallory.server))["id"]
    async with mallory.connect() as hers:
        said = [
            await hers.ask_refused(
                "message:send", {"conversationId": own, "content": "?", "replyTo": message}, code="not_found"
            )
            for message in (talk.first["id"], nobodys_id(), "garbage")
        ]
    assert said[0] == said[1] == said[2]
