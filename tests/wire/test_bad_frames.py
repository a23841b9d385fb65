"""What a socket bears: whatever a client sends is answered by the code of the contract, and hurts nobody else."""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localroots_chat.sockets import COMMANDS
from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import Frame, SocketClient
from tests.wire import raw
from tests.wire.table import nobodys_id

MALFORMED_MOST, REFUSALS_MOST = 5, 100
FRAME_BYTES = 65_536

# Frames of which nobody can tell what they want. None has a ref, so the answer is the event `error`.
MALFORMED = {
    "nothing": ("", "bad_json", None),
    "white space": (" \n ", "bad_json", None),
    "a word": ("hello", "bad_json", None),
    "half a frame": ('{"event": "heartbeat"', "bad_json", None),
    "two frames in one": ('{"event": "heartbeat"}{"event": "heartbeat"}', "bad_json", None),
    "a comma too many": ('{"event": "heartbeat",}', "bad_json", None),
    "single quotes": ("{'event': 'heartbeat'}", "bad_json", None),
    "a comment": ('{"event": "heartbeat"} // hello', "bad_json", None),
    "a byte order mark": ('\ufeff{"event": "heartbeat"}', "bad_json", None),
    "a NUL": ('{"event": "heart\0beat"}', "bad_json", None),
    "no object but a list": ('["heartbeat"]', "bad_json", None),
    "no object but a text": ('"heartbeat"', "bad_json", None),
    "no object but a number": ("5", "bad_json", None),
    "no object but null": ("null", "bad_json", None),
    "data that is NaN": ('{"event": "heartbeat", "data": NaN}', "bad_json", None),
    "data that is infinite": ('{"event": "heartbeat", "data": -Infinity}', "bad_json", None),
    "lists in lists, never closed": ("[" * 60_000, "bad_json", None),
    "data that is 30,000 lists deep": (f'{{"event": "typing:start", "data": {"[" * 30_000 + "]" * 30_000}}}',
                                       "bad_json", None),
    "objects in objects": ('{"a":' * 8_000 + "1" + "}" * 8_000, "bad_json", None),
    "no event": ('{"data": {}}', "invalid_field", "event"),
    "an event that is null": ('{"event": null}', "invalid_field", "event"),
    "an event that is a number": ('{"event": 5}', "invalid_field", "event"),
    "an event that is a list": ('{"event": ["heartbeat"]}', "invalid_field", "event"),
    "a ref that is a number": ('{"event": "heartbeat", "ref": 5}', "invalid_field", "ref"),
    "a ref that is an object": ('{"event": "heartbeat", "ref": {}}', "invalid_field", "ref"),
    "an empty ref": ('{"event": "heartbeat", "ref": ""}', "invalid_field", "ref"),
    "a ref of 65 characters": (json.dumps({"event": "heartbeat", "ref": "r" * 65}), "invalid_field", "ref"),
    "a ref that is half a character": ('{"event": "heartbeat", "ref": "\\ud800"}', "invalid_field", "ref"),
}  # fmt: skip

# Frames that are well formed, and commands that are not. All have the ref "r", so the answer is a reply.
NOT_A_COMMAND: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "an unknown event": ({"event": "message:shout", "data": {}}, "unknown_event", None),
    "an event of the server": ({"event": "message:new", "data": {}}, "unknown_event", None),
    "a method of Channels": ({"event": "websocket.disconnect"}, "unknown_event", None),
    "an event with a NUL": ({"event": "heartbeat\0"}, "unknown_event", None),
    "an event that is half a character": ({"event": "\ud800"}, "unknown_event", None),
    "an empty event": ({"event": ""}, "unknown_event", None),
    "an event of 10,000 characters": ({"event": "x" * 10_000}, "unknown_event", None),
    "an event in capitals": ({"event": "HEARTBEAT"}, "unknown_event", None),
    "no data": ({"event": "join:conversation"}, "invalid_field", None),
    "data that is null": ({"event": "message:send", "data": None}, "invalid_field", None),
    "data that is a number": ({"event": "message:send", "data": 5}, "invalid_field", None),
    "data that is a list": ({"event": "message:send", "data": []}, "invalid_field", None),
    "data that is a text": ({"event": "message:send", "data": "hello"}, "invalid_field", None),
    "data without its field": ({"event": "join:conversation", "data": {}}, "invalid_field", "conversationId"),
    "a field that is a number": ({"event": "typing:start", "data": {"conversationId": 5}},
                                 "invalid_field", "conversationId"),
    "a field that is an object": ({"event": "typing:stop", "data": {"conversationId": {"id": "x"}}},
                                  "invalid_field", "conversationId"),
    "a field that is missing": ({"event": "message:read", "data": {"conversationId": nobodys_id()}},
                                "invalid_field", "messageId"),
    "a field that is null": ({"event": "message:read", "data": {"conversationId": nobodys_id(), "messageId": None}},
                             "invalid_field", "messageId"),
    "auth without data": ({"event": "auth"}, "invalid_field", None),
    "no token": ({"event": "auth", "data": {}}, "token_invalid", None),
    "a token that is a number": ({"event": "auth", "data": {"token": 5}}, "token_invalid", None),
    "a token that is garbage": ({"event": "auth", "data": {"token": "a.b.c"}}, "token_invalid", None),
}  # fmt: skip

WELL_FORMED = {
    "a key nobody knows": '{"event": "heartbeat", "ref": "r", "colour": "green"}',
    "the event last": '{"ref": "r", "data": null, "event": "heartbeat"}',
    "a key twice": '{"event": "nothing", "ref": "q", "event": "heartbeat", "ref": "r"}',
    "white space around": '\r\n\t {"event" : "heartbeat" , "ref" : "r"} \n',
    "escapes": '{"\\u0065vent": "\\u0068eartbeat", "ref": "\\u0072"}',
    "data that heartbeat has no use for": '{"event": "heartbeat", "data": [{"a": "\\ud800"}, -0.0], "ref": "r"}',
    "a number beyond all numbers": '{"event": "heartbeat", "data": 1e999, "ref": "r"}',
    "64 KiB exactly": '{"event": "heartbeat", "ref": "r"}'.ljust(FRAME_BYTES),
}

PROTOCOL_GARBAGE = {
    "a frame without a mask": (raw.frame(b'{"event": "heartbeat"}', masked=False), 1002),
    "a reserved bit": (raw.frame(b"{}", rsv=0b100), 1002),
    "an unknown kind of frame": (raw.frame(b"{}", opcode=0x3), 1002),
    "an unknown kind of control frame": (raw.frame(b"", opcode=0xB), 1002),
    "a continuation of nothing": (raw.frame(b"{}", opcode=raw.CONTINUATION), 1002),
    "a text within a text": (raw.frame(b"{", fin=False) + raw.frame(b"}"), 1002),
    "a ping of 126 bytes": (raw.frame(b"x" * 126, opcode=raw.PING), 1002),
    "a ping in two pieces": (raw.frame(b"x", opcode=raw.PING, fin=False), 1002),
    "a close with half a code": (raw.frame(b"\x03", opcode=raw.CLOSE), 1002),
    "a close with the code 999": (raw.frame((999).to_bytes(2, "big"), opcode=raw.CLOSE), 1002),
    "a close whose reason is not UTF-8": (raw.frame((1000).to_bytes(2, "big") + b"\xff", opcode=raw.CLOSE), 1007),
    "the beginning of 5 MB": (raw.frame(b"x" * 100_000, claims=5_000_000), 1009),
    "a header that claims 8 GB": (raw.frame(claims=8 << 30), 1009),
    "a header that claims more than there is": (raw.frame(claims=(1 << 63) - 1), 1009),
    "pieces of over 64 KiB together": (
        raw.frame(b"x" * 40_000, fin=False) + raw.frame(b"x" * 40_000, opcode=raw.CONTINUATION), 1009
    ),
    "a binary frame in pieces": (
        raw.frame(b"{}", opcode=raw.BINARY, fin=False) + raw.frame(b"", opcode=raw.CONTINUATION), 1003
    ),
    "invalid UTF-8 across two pieces": (
        raw.frame(b'"\xc3', fin=False) + raw.frame(b'"', opcode=raw.CONTINUATION), 1007
    ),
    "another request": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 1002),
}  # fmt: skip

NOT_UTF8 = {
    "a byte that never occurs": b'{"event": "heartbeat\xff"}',
    "an overlong slash": b'"\xc0\xaf"',
    "half a character": b'"\xed\xa0\x80"',
    "the end of a character missing": b'"\xe2\x82',
}

BROKEN_HANDSHAKES = {
    "TLS where there is none": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "no HTTP": b"hello, is anybody there?\r\n\r\n",
    "bytes that are no address": b"GET /ws/chat/\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a NUL in a header": b"GET /ws/chat/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: a=\x00\r\n\r\n",
    "a length that is no number": b"POST /api/token/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: many\r\n\r\n",
}


async def assert_alive(socket: SocketClient) -> None:
    assert await socket.ask("heartbeat")


@pytest.mark.parametrize("what", MALFORMED)
async def test_a_malformed_frame_is_refused_and_the_socket_lives(what: str, alice: Person) -> None:
    text, code, field = MALFORMED[what]
    async with alice.connect() as socket:
        await socket.send_raw(text)
        error = await socket.expect_error(code, field)
        assert error["retryable"] is False
        await assert_alive(socket)


@pytest.mark.parametrize("event", ["", '"event": null,', '"event": 5,', '"event": ["heartbeat"],'])
async def test_a_malformed_frame_with_a_ref_is_answered_once_under_it(event: str, alice: Person) -> None:
    async with raw.raw_socket(alice) as socket:
        for ref in ("first", "second"):
            await socket.send(raw.frame(f'{{{event} "data": {{}}, "ref": "{ref}"}}'.encode()))
            reply = await socket.receive_json()
            assert (reply["event"], reply["ref"], reply["ok"]) == ("reply", ref, False)
            assert reply["error"]["field"] == "event"


@pytest.mark.parametrize("what", NOT_A_COMMAND)
async def test_a_frame_that_is_no_command_is_refused_under_its_ref(what: str, alice: Person) -> None:
    frame, code, field = NOT_A_COMMAND[what]
    async with alice.connect() as socket:
        await socket.send(frame["event"], frame.get("data"), ref="r")
        error = (await socket.reply("r"))["error"]
        assert (error["code"], error["retryable"]) == (code, False)
        assert field is None or error["field"] == field
        await assert_alive(socket)
        await socket.refute("error")  # once is enough


@pytest.mark.parametrize("what", WELL_FORMED)
async def test_a_frame_that_only_looks_strange_is_obeyed(what: str, alice: Person) -> None:
    async with raw.raw_socket(alice) as socket:
        await socket.send(raw.frame(WELL_FORMED[what].encode()))
        reply = await socket.receive_json()
        assert (reply["event"], reply["ref"], reply["ok"]) == ("reply", "r", True)


async def test_a_ref_of_64_characters_comes_back_as_it_was(alice: Person) -> None:
    async with alice.connect() as socket:
        for ref in ("r" * 64, "🥕" * 64, '"\\', " "):
            await socket.send("heartbeat", ref=ref)
            assert (await socket.reply(ref))["ok"] is True


async def test_a_text_in_many_pieces_is_one_frame(alice: Person) -> None:
    text = '{"event": "heartbeat", "ref": "Möhre 🥕"}'.encode()
    pieces = [raw.frame(text[:1], fin=False)]
    pieces += [raw.frame(bytes([byte]), opcode=raw.CONTINUATION, fin=False) for byte in text[1:]]
    async with raw.raw_socket(alice) as socket:
        await socket.send(*pieces, raw.frame(b"still here", opcode=raw.PING))
        assert await socket.receive() == (raw.PONG, b"still here")
        await socket.send(raw.frame(b"", opcode=raw.CONTINUATION))
        assert (await socket.receive_json())["ref"] == "Möhre 🥕"


# What ends a socket


async def test_five_malformed_frames_end_the_socket(alice: Person) -> None:
    async with alice.connect() as socket, alice.connect() as her_other:
        for _ in range(MALFORMED_MOST - 1):
            await socket.send_raw("carrots")
            await socket.expect_error("bad_json")
            await assert_alive(socket)  # and what is well formed in between makes nothing good
        await socket.send_raw('{"event": 5}')
        await socket.expect_error("invalid_field", "event")
        await socket.expect_close(4400)
        await assert_alive(her_other)


async def test_unknown_events_are_not_malformed(alice: Person) -> None:
    async with alice.connect() as socket:
        for _ in range(MALFORMED_MOST * 2):
            await socket.ask_refused("message:shout", {}, code="unknown_event")
        await assert_alive(socket)


async def test_a_hundred_refusals_in_ten_seconds_end_the_socket(alice: Person) -> None:
    async with alice.connect() as socket, alice.connect() as her_other:
        for number in range(REFUSALS_MOST - 1):
            await socket.send("message:shout", {}, ref=str(number))
        for number in range(REFUSALS_MOST - 1):
            assert (await socket.reply(str(number)))["error"]["code"] == "unknown_event"
        await assert_alive(socket)
        await socket.send("message:shout", {})
        await socket.expect_error("unknown_event")
        await socket.expect_close(4429)
        await assert_alive(her_other)


async def test_a_flood_ends_the_socket_and_the_others_go_on(
    embedded_server: ChatServer, new_person: Callable[..., Person]
) -> None:
    """With the default limits: who sends far too much is first told so, then closed."""
    alice, bob = new_person("alice", embedded_server), new_person("bob", embedded_server)
    talk = alice.talks_to(bob)
    async with alice.connect() as socket, bob.connect() as his:
        for number in range(10 + REFUSALS_MOST):
            await socket.send("message:send", {"conversationId": talk["id"], "content": f"carrot {number}"})
        error = await socket.expect_error("rate_limited")
        assert error["retryable"] is True
        assert 0 < error["retryAfter"] <= 10
        await socket.expect_close(4429)
        await his.expect("message:new", content="carrot 9")
        await his.ask("message:send", {"conversationId": talk["id"], "content": "stop it"})
    assert len(bob.get(f"/api/conversations/{talk['id']}/messages/")["messages"]) == 11


async def test_a_binary_frame_ends_the_socket(alice: Person) -> None:
    for payload in (b"", b'{"event": "heartbeat"}', bytes(range(256))):
        async with alice.connect() as socket:
            await socket.send_raw(payload)
            await socket.expect_close(1003)


@pytest.mark.parametrize("what", NOT_UTF8)
async def test_invalid_utf8_ends_the_socket(what: str, alice: Person) -> None:
    async with alice.connect() as socket:
        await socket.send_bytes_as_text(NOT_UTF8[what])
        await socket.expect_close(1007)
    alice.server.assert_no_traceback()


@pytest.mark.parametrize("payload", ["x" * (FRAME_BYTES + 1), "é" * (FRAME_BYTES // 2 + 1)], ids=["x", "é"])
async def test_a_frame_over_64_kib_ends_the_socket(payload: str, alice: Person) -> None:
    async with alice.connect() as socket:
        await socket.send_raw(payload)
        await socket.expect_close(1009)


# What hurts nobody else


@pytest.mark.parametrize("what", PROTOCOL_GARBAGE)
async def test_what_no_client_sends_ends_that_socket_alone(
    what: str, alice: Person, bob: Person, conversation: Any, mallory: Person
) -> None:
    garbage, code = PROTOCOL_GARBAGE[what]
    async with bob.connect() as his, alice.connect() as hers:
        async with raw.raw_socket(mallory) as socket:
            await socket.send(garbage)
            assert await socket.close_code() == code
        message = await hers.say(conversation["id"], "did you hear something?")
        await his.expect("message:new", id=message["id"])
    alice.server.assert_no_traceback()


@pytest.mark.parametrize("what", BROKEN_HANDSHAKES)
async def test_what_is_no_handshake_is_turned_away(what: str, alice: Person) -> None:
    async with alice.connect() as hers, raw.connection_to(alice.server) as connection:
        await connection.send(BROKEN_HANDSHAKES[what])
        assert await connection.status() == 400
        await assert_alive(hers)
    alice.server.assert_no_traceback()


@pytest.mark.parametrize(
    "headers",
    [["Sec-WebSocket-Key: short"], ["Sec-WebSocket-Version: 8"], ["Sec-WebSocket-Key: a", "Sec-WebSocket-Key: b"]],
    ids=["key", "version", "keys"],
)
async def test_a_handshake_that_is_wrong_is_turned_away(headers: list[str], alice: Person) -> None:
    async with raw.connection_to(alice.server) as connection:
        await connection.send(raw.handshake(alice.server, *headers))
        assert 400 <= await connection.status() < 500


@pytest.mark.parametrize(
    ("headers", "welcome"),
    [
        (["Cookie: shop=" + "c" * 4_000], True),
        (["Cookie: shop=" + "c" * 9_000], True),
        (["Cookie: shop=" + "c" * 100_000], False),
        ([f"X-{number}: x" for number in range(100)], True),
        ([f"X-{number}: x" for number in range(500)], False),
    ],
    ids=["4 KB", "9 KB", "100 KB", "100 headers", "500 headers"],
)
async def test_a_handshake_with_many_cookies_is_answered(headers: list[str], welcome: bool, alice: Person) -> None:
    """Browsers send the cookies of the whole site; a marketplace next door may have set many."""
    async with raw.connection_to(alice.server) as connection:
        await connection.send(raw.handshake(alice.server, *headers, f"Authorization: Bearer {alice.token}"))
        status = await connection.status()
        assert status == 101 if welcome else 400 <= status < 500
    alice.server.assert_no_traceback()


async def test_a_poisoned_token_ends_its_own_socket_alone(alice: Person, bob: Person) -> None:
    """People who connect at the same moment are looked up together."""
    poison = ".".join([base64.urlsafe_b64encode(b"[" * 6_000).decode(), "e30", "e30"])
    sockets = [alice.connect(token=poison, welcome=False), *(person.connect() for person in (bob, alice) * 5)]
    await asyncio.gather(*(socket.open() for socket in sockets))
    try:
        await sockets[0].expect_close(4401)
        for socket in sockets[1:]:
            await assert_alive(socket)
    finally:
        await asyncio.gather(*(socket.close() for socket in sockets))


# Whatever it is


def _field_names() -> set[str]:
    """The names of all fields of all commands, as they are on the wire."""

    def names(kind: msgspec.inspect.Type) -> set[str]:
        if isinstance(kind, msgspec.inspect.UnionType):
            return set().union(*map(names, kind.types))
        if isinstance(kind, msgspec.inspect.StructType):
            return {field.encode_name for field in kind.fields}
        return set()

    return set().union(*(names(msgspec.inspect.type_info(spec.takes)) for spec in COMMANDS.values()))


class Bench:
    """Alice's socket, kept for as many values as Hypothesis likes; a fresh one before refusals become a flood."""

    def __init__(self, alice: Person, conversation: str) -> None:
        self.alice, self.conversation = alice, conversation
        self.runner = asyncio.Runner()
        self.message = self.runner.run(self._speak())

    async def _speak(self) -> str:
        async with self.alice.connect() as socket:
            return str((await socket.say(self.conversation, "hello"))["id"])

    def give(self, data: object) -> list[Frame]:
        """The answers to every command with this data, of a socket that lived through them."""
        return self.runner.run(self._give(data))

    async def _give(self, data: object) -> list[Frame]:
        async with self.alice.connect() as socket:
            for event in COMMANDS:
                await socket.send_raw(json.dumps({"event": event, "data": data}))
                await socket.send(event, data, ref=event)
            replies = [await socket.reply(event) for event in COMMANDS]
            await assert_alive(socket)
            return [*replies, *(frame for frame in socket.frames if frame.event == "error")]


@pytest.fixture
def bench(alice: Person, conversation: Any) -> Iterator[Bench]:
    with ExitStack() as stack:
        made = Bench(alice, conversation["id"])
        stack.callback(made.runner.close)
        yield made


_TEXTS = st.text(st.characters())  # half characters too
_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=8,
)


def _commands_data(ids: Sequence[str]) -> st.SearchStrategy[Any]:
    """Anything, and objects with the right fields: real ids where others have garbage."""
    values = st.sampled_from(ids) | _TEXTS | _JSON
    return st.sampled_from(ids) | _JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(_field_names(), values))


@settings(
    max_examples=60, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(draw=st.data())
def test_no_data_whatever_breaks_a_command(draw: st.DataObject, bench: Bench) -> None:
    data = draw.draw(_commands_data([bench.conversation, bench.message]))
    refusals = [
        frame["error"] if frame.event == "reply" else frame.data for frame in bench.give(data) if not frame.get("ok")
    ]
    assert "internal" not in {error["code"] for error in refusals}
