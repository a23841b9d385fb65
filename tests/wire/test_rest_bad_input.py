"""What REST bears: whatever a request brings, the answer is {"error": Error} with the status of its code."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.environment import KEYS
from tests.support.people import STATUS, Person
from tests.support.servers import ChatServer
from tests.wire.raw import connection_to
from tests.wire.table import nobodys_id, refusal_in

BODY_BYTES = 1_048_576
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SERVER_KEY = {"Authorization": f"Server {KEYS['SERVER_KEY']}"}

# Addresses that read a body, and a body they take. {talk} is Alice's and Bob's, {message} is what
# he has said there, {own} what she has, {bob} is Bob.
TAKES: dict[str, tuple[str, str, Any]] = {
    "signing in": ("POST", "/api/token/", {"username": "alice", "password": "carrots"}),
    "renewing": ("POST", "/api/token/refresh/", {"refresh": "a.b.c"}),
    "signing out": ("POST", "/api/logout/", {"everywhere": False}),
    "changing oneself": ("PATCH", "/api/me/", {"name": "Alice"}),
    "opening a conversation": ("POST", "/api/conversations/", {"userId": "{bob}"}),
    "muting": ("PATCH", "/api/conversations/{talk}/", {"muted": True}),
    "speaking": ("POST", "/api/conversations/{talk}/messages/", {"content": "eggs?"}),
    "reading": ("POST", "/api/conversations/{talk}/read/", {"messageId": "{message}"}),
    "changing a message": ("PATCH", "/api/messages/{own}/", {"content": "eggs!"}),
    "making people known": ("POST", "/api/users/sync/", [{"id": "carol"}]),
}

NOT_JSON: dict[str, bytes] = {
    "a word": b"hello",
    "half an object": b'{"content": "hello"',
    "half a text": b'{"content": "hel',
    "two objects": b'{"content": "a"}{"content": "b"}',
    "a comma too many": b'{"content": "a",}',
    "single quotes": b"{'content': 'a'}",
    "a comment": b'{"content": "a"} // hello',
    "NaN": b'{"content": NaN}',
    "infinity": b'{"content": "a", "clientId": -Infinity}',
    "100,000 lists deep": b'{"content": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 objects deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "lists without end": b"[" * 100_000,
    "bytes that are no UTF-8": b'{"content": "\xff\xfe"}',
    "half a character in UTF-8": b'{"content": "\xed\xa0\x80"}',
    "a raw NUL": b'{"content": "a\0b"}',
    "a raw line end in a text": b'{"content": "a\nb"}',
    "a form": b"content=hello",
    "white space": b"  \n ",
    "a gzipped body": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
}
NO_OBJECT: dict[str, bytes] = {
    "a list": b'[{"content": "hello"}]',
    "an empty list": b"[]",
    "a text": b'"hello"',
    "an empty text": b'""',
    "a number": b"5",
    "zero": b"0",
    "true": b"true",
    "false": b"false",
    "null": b"null",
}

# One field of a body that is right otherwise: row of TAKES, what is different, code, field. (tests/accounts has those
# of names and passwords, of oneself, and of people made known.)
WRONG_FIELDS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "no refresh token": ("renewing", {"refresh": None}, "token_invalid", ""),
    "a refresh token that is a number": ("renewing", {"refresh": 5}, "token_invalid", ""),
    "a refresh token that is an object": ("renewing", {"refresh": {"a": 1}}, "token_invalid", ""),
    "a refresh token of dots": ("renewing", {"refresh": "." * 100}, "token_invalid", ""),
    "a refresh token of carrots": ("renewing", {"refresh": "🥕.🥕.🥕"}, "token_invalid", ""),
    "a refresh token with a NUL": ("renewing", {"refresh": "a\0.b.c"}, "token_invalid", ""),
    "a refresh token that is half a character": ("renewing", {"refresh": "\ud83e.b.c"}, "token_invalid", ""),
    "a refresh token of 900,000 letters": ("renewing", {"refresh": "x" * 300_000 + ".x.x"}, "token_invalid", ""),
    "a refresh token that is 50,000 lists deep": (
        "renewing", {"refresh": base64.urlsafe_b64encode(b"[" * 50_000).decode() + ".e30.e30"}, "token_invalid", ""
    ),
    "everywhere as a word": ("signing out", {"everywhere": "yes"}, "invalid_field", "everywhere"),
    "everywhere as a number": ("signing out", {"everywhere": 1}, "invalid_field", "everywhere"),
    "nobody": ("opening a conversation", {"userId": None}, "invalid_field", "userId"),
    "a person who is a number": ("opening a conversation", {"userId": 5}, "invalid_field", "userId"),
    "a person who is a list": ("opening a conversation", {"userId": ["{bob}"]}, "invalid_field", "userId"),
    "a person with a NUL": ("opening a conversation", {"userId": "bob\0"}, "not_found", ""),
    "a person who is half a character": ("opening a conversation", {"userId": "\ud83e"}, "not_found", ""),
    "oneself": ("opening a conversation", {"userId": "{alice}"}, "invalid_field", "userId"),
    "an unknown person": ("opening a conversation", {"userId": nobodys_id()}, "not_found", ""),
    "a person without letters": ("opening a conversation", {"userId": ""}, "not_found", ""),
    "muted not at all": ("muting", {"muted": None}, "invalid_field", "muted"),
    "muted as a word": ("muting", {"muted": "on"}, "invalid_field", "muted"),
    "muted as a number": ("muting", {"muted": 1}, "invalid_field", "muted"),
    "no message": ("reading", {"messageId": None}, "invalid_field", "messageId"),
    "a message that is a number": ("reading", {"messageId": 5}, "invalid_field", "messageId"),
    "a message that is an object": ("reading", {"messageId": {"id": "{message}"}}, "invalid_field", "messageId"),
    "no new text": ("changing a message", {"content": None}, "invalid_field", "content"),
    "a new text that is a number": ("changing a message", {"content": 5}, "invalid_field", "content"),
    "a new text that is an object": ("changing a message", {"content": {"a": 1}}, "invalid_field", "content"),
    "a new text with a NUL": ("changing a message", {"content": "eg\0gs"}, "invalid_field", "content"),
    "a new text that is half a character": ("changing a message", {"content": "\ud83e"}, "invalid_field", "content"),
    "a new text of nothing": ("changing a message", {"content": "\u200b"}, "body_empty", "content"),
    "a new text of 4,001 letters": ("changing a message", {"content": "x" * 4_001}, "body_too_long", "content"),
}  # fmt: skip

# Parameters of pages. Each list has `limit`, messages also have places.
LISTS = ["/api/conversations/", "/api/users/", "/api/groups/", "/api/conversations/{talk}/messages/"]
NO_NUMBERS = {
    "a negative number": "-1",
    "a word": "ten",
    "nothing": "",
    "a space": " ",
    "a number with a plus": "+5",
    "a number with a space": " 5",
    "a fraction": "1.5",
    "a power": "1e2",
    "a hexadecimal number": "0x10",
    "an underscore": "1_0",
    "not a number": "NaN",
    "infinity": "Infinity",
    "Arabic digits": "١٠",
    "a number in a circle": "①",
    "a superscript": "²",
    "a NUL": "5\0",
    "20 digits": "9" * 20,
    "10,000 digits": "9" * 10_000,
    "a list": "[5]",
    "null": "null",
}
NO_LIMITS = NO_NUMBERS | {"zero": "0", "101": "101", "a thousand million": "1000000000", "2^31": "2147483648"}
NO_PLACES = NO_NUMBERS | {"2^53 + 1": str(2**53 + 1), "2^63": str(2**63)}


def _cursor(*parts: object) -> str:
    """A cursor as the service writes them, of anybody's making."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


NO_CURSORS = {
    "nothing": "",
    "a word": "next",
    "a carrot": "🥕",
    "a NUL": "\0",
    "one letter": "x",
    "no base64": "!!!!",
    "base64 of no JSON": base64.urlsafe_b64encode(b"hello").decode(),
    "base64 of bytes": base64.urlsafe_b64encode(b"\xff\xfe\x00").decode(),
    "base64 of lists without end": base64.urlsafe_b64encode(b"[" * 20_000).decode(),
    "null": base64.urlsafe_b64encode(b"null").decode(),
    "an object": base64.urlsafe_b64encode(b'{"0": 1}').decode(),
    "no parts": _cursor(),
    "nulls": _cursor(None, None),
    "numbers for texts": _cursor(1, 2),
    "texts for numbers": _cursor("1", "2", "3"),
    "fractions": _cursor(1.5),
    "not a number": _cursor(float("nan")),
    "true": _cursor(True),
    "too many parts": _cursor(1, 2, 3, 4, 5),
    "a time that is none": _cursor("yesterday", nobodys_id()),
    "an id that is none": _cursor("2026-01-01T00:00:00+00:00", "the last one"),
    "half a character": _cursor("\ud83e", "\ud83e"),
    "an id that is half a character": _cursor(0, 1, "\ud83e"),
}
# Well-formed cursors of anybody's making: a page, or cursor_invalid, but no failure.
STRANGE_CURSORS = {
    "a negative number": _cursor(-1),
    "a number beyond 64 bits": _cursor(10**30),
    "numbers beyond 64 bits": _cursor(10**30, 10**30, nobodys_id()),
    "negative numbers beyond 64 bits": _cursor(-(10**30), -(10**30), nobodys_id()),
    "a number of 5,000 digits": base64.urlsafe_b64encode(b"[" + b"9" * 5_000 + b"]").decode(),
    "the first moment, further east": _cursor("0001-01-01T00:00:00+14:00", nobodys_id()),
    "the last moment, further west": _cursor("9999-12-31T23:59:59.999999-12:00", nobodys_id()),
    "a time without a zone": _cursor("2026-01-01T00:00:00", nobodys_id()),
    "a day": _cursor("2026-01-01", nobodys_id()),
    "a zone of seconds": _cursor("2026-01-01T00:00:00+00:00:01.000001", nobodys_id()),
}

# As the last part of an address, percent-encoded.
NO_EMOJI = {
    "a letter": "x",
    "a name": ":carrot:",
    "a digit": "1",
    "a hash": "%23",
    "two carrots": quote("🥕🥕"),
    "an emoji and a space": quote("🥕 "),
    "a space": "%20",
    "a NUL": "%00",
    "an emoji and a NUL": quote("🥕\0"),
    "bytes that are no UTF-8": "%ff%fe",
    "half an emoji": "%F0%9F%A5",
    "half a character in UTF-8": "%ed%a0%be",
    "half a flag": quote("🇩"),
    "a heart that asks to be text": quote("❤\ufe0e"),
    "5,000 letters": "x" * 5_000,
    "500 carrots": quote("🥕" * 500),
    "markup": quote("<b>🥕<b>"),
    "an emoji encoded twice": quote(quote("🥕")),
    "dots": "...",
}


class Desk:
    """Alice at her desk, with Bob to write to: requests as she may send them, answers as they come."""

    def __init__(self, alice: Person, bob: Person, talk: str, message: str, own: str) -> None:
        self.alice = alice
        self._names = {
            "{alice}": alice.id, "{bob}": bob.id, "{talk}": talk, "{message}": message, "{own}": own,
        }  # fmt: skip

    def filled(self, text: str) -> str:
        """With the ids that this text names."""
        for name, value in self._names.items():
            text = text.replace(name, value)
        return text

    def request(
        self, what: str, content: bytes | str, headers: dict[str, str] | None = None, query: str = ""
    ) -> httpx.Response:
        """The request of this row of TAKES, with this body."""
        method, path, _ = TAKES[what]
        key = SERVER_KEY if path == "/api/users/sync/" else {}
        body = self.filled(content) if isinstance(content, str) else content
        return self.alice.http.request(
            method, self.filled(path) + query, content=body, headers={**key, **(JSON if headers is None else headers)}
        )

    def get(self, path: str, **parameters: str) -> httpx.Response:
        return self.alice.http.get(self.filled(path), params=parameters)

    def state(self) -> Any:
        """All that Alice has."""
        paths = ["/api/me/", "/api/conversations/", "/api/conversations/{talk}/messages/"]
        return [self.get(path).json() for path in paths]


@pytest.fixture(scope="module")
def desk(alice: Person, bob: Person, conversation: Any) -> Desk:
    path = f"/api/conversations/{conversation['id']}/messages/"
    message, own = (
        person.post(path, {"content": content})["message"]["id"]
        for person, content in ((bob, "carrots?"), (alice, "eggs"))
    )
    return Desk(alice, bob, conversation["id"], message, own)


# Bodies


@pytest.mark.parametrize("what", TAKES)
def test_a_right_body_is_taken(what: str, desk: Desk) -> None:
    """The premise of the tables below. Signing in fails by its password alone."""
    answer = desk.request(what, json.dumps(TAKES[what][2]))
    if what in ("signing in", "renewing"):
        refusal_in(answer, "token_invalid")
    else:
        assert answer.is_success, answer.text


@pytest.mark.parametrize("body", NOT_JSON)
def test_a_body_that_is_no_json_is_refused(body: str, desk: Desk) -> None:
    for what in TAKES:
        refusal_in(desk.request(what, NOT_JSON[body]), "bad_json")


@pytest.mark.parametrize("body", NO_OBJECT)
def test_a_body_that_is_no_object_is_refused(body: str, desk: Desk) -> None:
    for what in sorted(set(TAKES) - {"making people known"}):
        refusal_in(desk.request(what, NO_OBJECT[body]), "bad_json")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense", "/"])
def test_a_body_of_another_kind_is_refused(kind: str, desk: Desk) -> None:
    for what, (_, _, body) in TAKES.items():
        refusal_in(desk.request(what, json.dumps(body), {"Content-Type": kind}), "file_type")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;x=y"])
def test_json_may_be_called_by_its_full_name(kind: str, desk: Desk) -> None:
    assert desk.request("speaking", '{"content": "eggs?"}', {"Content-Type": kind}).status_code == 201


@pytest.mark.parametrize("charset", ["hex", "rot13", "idna", "undefined", "utf-16", "unknown", "", "utf-8;;", '"'])
def test_a_strange_character_set_breaks_nothing(charset: str, desk: Desk) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    answer = desk.request("speaking", '{"content": "grün"}', headers, query="?a=%C3%BC&b=+")
    assert answer.status_code < 500, answer.text
    for query in ("search=%C3%BC", "limit=%31"):
        answer = desk.alice.http.get(f"/api/users/?{query}", headers=headers)
        assert answer.status_code < 500, answer.text


def test_a_body_of_over_a_mebibyte_is_refused(desk: Desk) -> None:
    right = b'{"content": "eggs?"}'
    assert desk.request("speaking", right.ljust(BODY_BYTES)).status_code == 201
    for what in TAKES:
        refusal_in(desk.request(what, right.ljust(BODY_BYTES + 1)), "file_too_large")
        refusal_in(desk.request(what, b'{"content": "' + b"x" * 2 * BODY_BYTES + b'"}'), "file_too_large")


@pytest.mark.parametrize("size", [2 * BODY_BYTES, 5 * BODY_BYTES], ids=["2 MiB", "5 MiB"])
def test_a_form_of_over_a_mebibyte_is_refused(size: int, desk: Desk) -> None:
    refusal_in(desk.request("speaking", b"content=" + b"x" * size, FORM), "file_too_large")


def test_a_body_in_pieces_is_read(desk: Desk) -> None:
    """Without a Content-Length, as streaming clients and some proxies send it."""

    def pieces(*texts: bytes) -> Iterator[bytes]:
        yield from texts

    method, path, _ = TAKES["speaking"]
    path = desk.filled(path)
    answer = desk.alice.http.request(method, path, content=pieces(b'{"content": ', b'"eggs?"}'), headers=JSON)
    assert answer.status_code == 201, answer.text
    answer = desk.alice.http.request(method, path, content=pieces(b'{"content": ', b'"eggs?"'), headers=JSON)
    refusal_in(answer, "bad_json")
    answer = desk.alice.http.request(method, path, content=pieces(*[b" " * 65_536] * 20), headers=JSON)
    refusal_in(answer, "file_too_large")


def test_a_form_is_taken_as_an_object(desk: Desk) -> None:
    answer = desk.request("speaking", b"content=gr%C3%BCn&clientId=a+form", FORM)
    assert answer.status_code == 201
    assert (answer.json()["message"]["content"], answer.json()["message"]["clientId"]) == ("grün", "a form")
    for body in (b"content=a%00b", b"content=a\0b", b"clientId=seven", b"=;&&"):
        refusal_in(desk.request("speaking", body, FORM), "invalid_field", "content")
    refusal_in(desk.request("speaking", b"content", FORM), "body_empty", "content")


def test_a_form_of_too_many_fields_is_refused(desk: Desk) -> None:
    answer = desk.request("speaking", b"&".join(b"f%d=1" % number for number in range(1_500)), FORM)
    assert answer.status_code == 400, answer.text


def test_a_body_of_many_keys_is_read(desk: Desk) -> None:
    """A key twice: the last one counts. Keys nobody knows do not."""
    many = {f"key {number}": number for number in range(10_000)}
    body = json.dumps({**many, "\ud83e": 1, "content": "eggs?"})
    assert desk.request("speaking", body).json()["message"]["content"] == "eggs?"
    answer = desk.request("speaking", b'{"content": 5, "content": "carrots", "\\u0000": 1}')
    assert answer.json()["message"]["content"] == "carrots"


@pytest.mark.parametrize("wrong", WRONG_FIELDS)
def test_a_wrong_field_is_named(wrong: str, desk: Desk) -> None:
    what, change, code, field = WRONG_FIELDS[wrong]
    before = desk.state()
    error = refusal_in(desk.request(what, json.dumps({**TAKES[what][2], **change})), code)
    assert error.get("field", "") == field
    assert desk.state() == before


# Emoji in an address


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_emoji_is_read_from_the_address(method: str, desk: Desk) -> None:
    """The premise of the table below. A body is not asked for, and not read."""
    path = desk.filled("/api/messages/{message}/reactions/")
    for emoji in ("🥕", "👩🏿‍🌾", "1️⃣", "#️⃣", "*️⃣", "❤", "🇩🇪"):
        for body in (b"", b"hello", b"{}"):
            answer = desk.alice.http.request(method, f"{path}{quote(emoji)}/", content=body, headers=JSON)
            assert answer.is_success, answer.text
    assert len(answer.json()["reactions"]) == (7 if method == "PUT" else 0)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("emoji", NO_EMOJI)
def test_an_address_without_an_emoji_is_refused(method: str, emoji: str, desk: Desk) -> None:
    before = desk.state()
    path = desk.filled("/api/messages/{message}/reactions/")
    answer = desk.alice.http.request(method, f"{path}{NO_EMOJI[emoji]}/")
    refusal_in(answer, "invalid_field", "emoji")
    assert desk.state() == before


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("emoji", ["", "%2F", "🥕/🥚", "🥕%2F🥚", "%2e%2e%2F"])
def test_an_address_of_another_form_is_not_found(method: str, emoji: str, desk: Desk) -> None:
    path = desk.filled("/api/messages/{message}/reactions/")
    refusal_in(desk.alice.http.request(method, f"{path}{emoji}/"), "not_found")


# Queries


@pytest.mark.parametrize("path", LISTS)
def test_a_limit_is_a_number_from_1_to_100(path: str, desk: Desk) -> None:
    for limit in NO_LIMITS.values():
        refusal_in(desk.get(path, limit=limit), "invalid_field", "limit")
    for limit in ("1", "50", "100", "007"):
        assert desk.get(path, limit=limit).is_success


@pytest.mark.parametrize("place", ["before", "after", "around"])
def test_a_place_is_a_seq(place: str, desk: Desk) -> None:
    path = "/api/conversations/{talk}/messages/"
    for value in NO_PLACES.values():
        refusal_in(desk.get(path, **{place: value}), "invalid_field", place)
    for value in ("0", "1", "2", str(2**53)):
        assert desk.get(path, **{place: value}).is_success


@pytest.mark.parametrize("places", [("before", "after"), ("after", "around"), ("before", "around")], ids=" and ".join)
def test_a_page_is_at_one_place(places: tuple[str, str], desk: Desk) -> None:
    error = refusal_in(desk.get("/api/conversations/{talk}/messages/", **dict.fromkeys(places, "1")), "invalid_field")
    assert error["field"] in places


@pytest.fixture(params=["PostgreSQL", "SQLite"])
def reader(
    request: pytest.FixtureRequest, server: ChatServer, embedded_server: ChatServer, new_person: Callable[..., Person]
) -> Person:
    """Somebody on either database."""
    return new_person("alice", {"PostgreSQL": server, "SQLite": embedded_server}[request.param])


LISTS_BY_CURSOR = ["/api/conversations/", "/api/users/", "/api/groups/"]


@pytest.mark.parametrize("path", LISTS_BY_CURSOR)
def test_what_is_no_cursor_is_refused(path: str, reader: Person) -> None:
    for cursor in NO_CURSORS.values():
        refusal_in(reader.http.get(path, params={"cursor": cursor}), "cursor_invalid")


@pytest.mark.parametrize("path", LISTS_BY_CURSOR)
def test_a_cursor_of_anybodys_making_breaks_nothing(path: str, reader: Person) -> None:
    answers = {what: reader.http.get(path, params={"cursor": cursor}) for what, cursor in STRANGE_CURSORS.items()}
    assert {what: answer.text for what, answer in answers.items() if answer.status_code >= 500} == {}
    for answer in answers.values():
        assert answer.status_code == 200 or refusal_in(answer, "cursor_invalid")


def test_a_cursor_leads_on(reader: Person, new_person: Callable[..., Person]) -> None:
    """The premise. Farmers are found by everybody."""
    talks = [reader.talks_to(new_person(name, reader.server, role="FARMER"))["id"] for name in ("bob", "carol")]
    for path in ("/api/conversations/", "/api/users/"):
        first = reader.get(path, params={"limit": "1"})
        second = reader.get(path, params={"limit": "1", "cursor": first["next"]})
        assert len({one["results"][0]["id"] for one in (first, second)}) == 2
        other = "/api/users/" if path == "/api/conversations/" else "/api/conversations/"
        reader.refused("GET", other, params={"cursor": first["next"]}, code="cursor_invalid")
    assert {one["id"] for one in reader.get("/api/conversations/")["results"]} == set(talks)


@pytest.mark.parametrize("path", ["/api/users/", "/api/groups/"])
def test_a_search_for_anything_finds_nothing_or_is_refused(path: str, reader: Person) -> None:
    for text in ("%", "_", "\\", "'; DROP TABLE users; --", "a:*&|!<>()", "x" * 200, "🥕", "\u200b", "{{7*7}}", "%00"):
        answer = reader.http.get(path, params={"search": nobodys_id() + text if len(text) < 100 else text})
        assert answer.status_code == 200, answer.text
        assert answer.json()["results"] == []
    for text in ("\0", "carrot\0", "x" * 201):
        refusal_in(reader.http.get(path, params={"search": text}), "invalid_field", "search")


def test_a_search_takes_no_wildcards(reader: Person, new_person: Callable[..., Person]) -> None:
    mark = nobodys_id()
    new_person(f"bob 100% {mark}", reader.server, sub=mark, role="FARMER").arrives()
    for text, found in ((f"100% {mark}", 1), (f"100%{mark}", 0), (f"100__{mark}", 0), (f"BOB 100% {mark}", 1)):
        assert len(reader.get("/api/users/", params={"search": text})["results"]) == found, text


@pytest.mark.parametrize(
    ("name", "value"),
    [("category", "CARS"), ("category", "\0"), ("category", "general"), ("category", "x" * 5_000), ("mine", "perhaps")],
)
def test_a_filter_that_is_none_is_refused(name: str, value: str, desk: Desk) -> None:
    refusal_in(desk.get("/api/groups/", **{name: value}), "invalid_field", name)


def test_a_query_of_too_many_parameters_is_refused(desk: Desk) -> None:
    query = "&".join(f"p{number}=1" for number in range(1_500))
    for path in LISTS:
        answer = desk.alice.http.get(f"{desk.filled(path)}?{query}")
        assert answer.status_code == 400, answer.text
        refusal_in(answer, "invalid_field")


@pytest.mark.parametrize("query", ["?", "?&&&", "?%", "?%zz=%gg", "?%ff=%fe", "?%00", "?=", "?a[]=1", "?;;", "?limit"])
def test_a_query_of_garbage_breaks_nothing(query: str, desk: Desk) -> None:
    for path in LISTS:
        answer = desk.alice.http.get(desk.filled(path) + query)
        assert answer.status_code == 200 or refusal_in(answer, "invalid_field", "limit")


# Addresses and methods


NOWHERE = ["nothing/", "me", "conversations/x/y/z/", "%00", "conversations/%00/%ff/", "%2e%2e/", "/me/", "ME/"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_unknown_address_is_not_found(method: str, desk: Desk) -> None:
    for path in (*NOWHERE, "x" * 5_000):
        refusal_in(desk.alice.http.request(method, f"/api/{path}"), "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/token/"),
        ("DELETE", "/api/token/refresh/"),
        ("GET", "/api/logout/"),
        ("GET", "/api/ws-ticket/"),
        ("PUT", "/api/me/"),
        ("POST", "/api/users/"),
        ("DELETE", "/api/conversations/"),
        ("PUT", "/api/conversations/{talk}/"),
        ("DELETE", "/api/conversations/{talk}/"),
        ("PUT", "/api/conversations/{talk}/messages/"),
        ("GET", "/api/conversations/{talk}/read/"),
        ("POST", "/api/messages/{message}/"),
        ("PUT", "/api/messages/{message}/"),
        ("GET", "/api/messages/{message}/reactions/🥕/"),
        ("POST", "/api/messages/{message}/reactions/🥕/"),
        ("PATCH", "/api/messages/{message}/reactions/🥕/"),
        ("PROPFIND", "/api/me/"),
        ("TRACE", "/api/conversations/"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_refused(method: str, path: str, desk: Desk) -> None:
    answer = desk.alice.http.request(method, desk.filled(path))
    refusal_in(answer, "method_not_allowed")
    assert method not in answer.headers["Allow"].split(", ")


@pytest.mark.parametrize("path", [*LISTS, "/api/me/", "/api/conversations/{talk}/", "/api/messages/{message}/"])
def test_head_and_options_answer_without_a_body_and_with_the_methods(path: str, desk: Desk) -> None:
    path = desk.filled(path)
    head, get = desk.alice.http.head(path), desk.alice.http.get(path)
    assert (head.status_code, head.content, get.status_code) == (200, b"", 200)
    assert head.headers["Content-Type"] == get.headers["Content-Type"] == "application/json"
    options = desk.alice.http.options(path)
    assert options.status_code == 200
    assert "GET" in options.headers["Allow"].split(", ")


def test_head_of_what_is_not_there_is_not_found(desk: Desk) -> None:
    answer = desk.alice.http.head(f"/api/conversations/{nobodys_id()}/")
    assert (answer.status_code, answer.content) == (404, b"")


# Headers


@pytest.mark.parametrize(
    "cookie",
    [r'sessionid="\000\000\000\000\000\000\000\000"', 'sessionid="', "sessionid=" + "x" * 4_000, ";;;=;=", "é=ü"],
)
def test_cookies_of_garbage_break_nothing(cookie: str, server: ChatServer) -> None:
    """Of somebody without a token, who may send this to any address."""
    headers = [(b"Cookie", cookie.encode("latin-1"))]
    with httpx.Client(base_url=server.base_url, headers=headers, trust_env=False) as nobody:
        refusal_in(nobody.get("/api/me/"), "token_invalid")
        assert nobody.get("/").status_code == 302


@pytest.mark.parametrize("accept", ["text/plain", "image/png", "application/xml", ";;;", "/", "a/b/c", "x", "é/ü"])
def test_who_takes_nothing_that_is_offered_is_told_in_json(accept: str, desk: Desk) -> None:
    answer = desk.alice.http.get("/api/me/", headers=[(b"Accept", accept.encode("latin-1"))])
    refusal_in(answer, "invalid_field", "Accept")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/*;q=0.1", "application/json; indent=x"])
def test_who_takes_json_gets_it(accept: str, desk: Desk) -> None:
    answer = desk.alice.http.get("/api/me/", headers={"Accept": accept})
    assert answer.json()["id"] == desk.alice.id


@pytest.mark.parametrize("host", ["evil.example", "", "127.0.0.1:x", "[::1", "a b", "é", "127.0.0.1@evil.example"])
async def test_a_foreign_host_is_refused(host: str, server: ChatServer) -> None:
    async with connection_to(server) as connection:
        await connection.send(f"GET /api/me/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1"))
        assert await connection.status() == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/api/conversations/?limit=0", None, "invalid_field"),
        ("GET", f"/api/conversations/{nobodys_id()}/", None, "not_found"),
        ("PUT", "/api/me/", b"{}", "method_not_allowed"),
        ("PATCH", "/api/me/", b"hello", "bad_json"),
        ("POST", "/api/conversations/", b"[]", "bad_json"),
        ("POST", "/api/conversations/", b'{"userId": "<script>alert(1)</script>"}', "not_found"),
    ],
)
def test_a_browser_is_refused_with_the_same_status(
    method: str, path: str, body: bytes | None, code: str, desk: Desk
) -> None:
    headers = {**JSON, "Accept": "text/html"}
    answer = desk.alice.http.request(method, path, content=body, headers=headers)
    assert answer.status_code == STATUS[code]
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<script>alert" not in answer.text


# Whatever it is


_TEXTS = st.text(st.characters(), max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_FIELDS = sorted({name for _, _, body in TAKES.values() if isinstance(body, dict) for name in body})


@settings(
    max_examples=30, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(body=_JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(_FIELDS, _JSON)))
def test_no_body_whatever_breaks_an_address(body: Any, desk: Desk) -> None:
    for what in TAKES:
        if what == "signing out":  # ends nothing here: a marketplace token has no sign-in
            continue
        answer = desk.request(what, json.dumps(body).encode())
        assert answer.is_success or refusal_in(answer, answer.json()["error"]["code"])
        assert answer.status_code < 500, answer.text
