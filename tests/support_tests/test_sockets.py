"""The socket test language says what it should: it hears everything, fails when it ought to, and tells why."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.sockets import Auth, Frame, SocketClient, assert_in_order
from tests.support_tests.fake_server import BAD_TOKEN, FOREIGN, FakeServer


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as started:
        yield started


def socket_to(server: FakeServer, *, name: str = "bob", token: str = "token", **options: Any) -> SocketClient:
    return SocketClient(server.url, name=name, token=token, **options)


# Saying and hearing


async def test_people_talk_and_expectations_find_what_came_in_any_order(server: FakeServer) -> None:
    async with socket_to(server) as bob, socket_to(server, name="alice") as alice:
        assert bob.welcome["connectionId"] == "c1"
        assert (await bob.say("beans", "hi"))["content"] == "hi"
        await bob.say("beans", "ho")
        second = await alice.expect("message:new", content="ho", sender={"id": "bob"})
        assert second.is_durable
        assert (second.conversation_id, second.prev, second.version) == ("beans", 1, 2)
        await alice.expect("message:new", conversationId="beans", version=1)
        await alice.refute("message:new")
        assert_in_order(alice.frames)


async def test_fifty_commands_under_way_each_get_their_own_reply(server: FakeServer) -> None:
    async with socket_to(server) as bob:
        for number in range(50):
            await bob.send("message:send", {"conversationId": "beans", "content": str(number)}, ref=f"r{number}")
        for number in reversed(range(50)):
            assert (await bob.reply(f"r{number}")).data["message"]["content"] == str(number)
        await asyncio.gather(
            bob.ask("heartbeat"),
            *(bob.expect("message:new", content=str(number)) for number in range(50)),
        )
        await bob.refute("message:new")


async def test_an_expectation_that_is_not_met_shows_what_did_arrive(server: FakeServer) -> None:
    async with socket_to(server) as bob:
        await server.tell_message("beans", "tomatoes")
        began = time.monotonic()
        with pytest.raises(AssertionError) as failure:
            await bob.expect("message:new", content="eggs", within=0.3)
        assert time.monotonic() - began >= 0.3
        assert "bob did not get message:new content='eggs' within 0.3 s" in str(failure.value)
        assert "tomatoes" in str(failure.value)
        with pytest.raises(AssertionError, match="did not get the reply"):
            await bob.ask("be silent", within=0.1)


async def test_refute_fails_for_what_came_and_for_nothing_else(server: FakeServer) -> None:
    async with socket_to(server) as bob:
        await server.tell_message("beans", "tomatoes")
        with pytest.raises(AssertionError, match="bob got message:new"):
            await bob.refute("message:new")
        await bob.refute("message:new", content="eggs")


async def test_refute_waits_for_what_must_come_later(server: FakeServer) -> None:
    async with socket_to(server) as bob, socket_to(server, name="alice") as alice:
        await alice.say("beans", "the last")
        last = bob.expect("message:new", content="the last")
        await bob.refute("message:new", content="secret", after=last)


async def test_heartbeats_are_answered_unless_the_client_is_to_be_mute(server: FakeServer) -> None:
    async with socket_to(server) as bob, socket_to(server, name="mute", heartbeat=False) as mute:
        await server.tell("heartbeat", {"serverTime": "noon"})
        await mute.expect("heartbeat")
        await bob.ask("heartbeat")
        assert [frame for frame in server.heard if "ref" not in frame] == [{"event": "heartbeat"}]


async def test_a_stalled_client_hears_nothing_until_it_resumes_and_a_dropped_one_is_gone(server: FakeServer) -> None:
    async with socket_to(server) as bob:
        bob.stall()
        await server.tell_message("beans", "the first")  # the one that was being read already
        await server.tell_message("beans", "the second")
        with pytest.raises(AssertionError, match="did not get"):
            await bob.expect("message:new", content="the second", within=0.1)
        bob.resume()
        await bob.expect("message:new", content="the second")
        await bob.drop()
        with pytest.raises(AssertionError, match=r"was closed with (no word|1006)"):
            await bob.expect("message:new", content="the third")
        await server.until_empty()


# Refusals and closes


async def test_refusals_are_held_against_what_was_expected(server: FakeServer) -> None:
    async with socket_to(server) as bob:
        empty = {"conversationId": "beans", "content": ""}
        error = await bob.ask_refused("message:send", empty, code="body_empty", field="content")
        assert error["retryable"] is False
        await bob.send("nonsense")
        await bob.expect_error("unknown_event")
        with pytest.raises(AssertionError, match="expected the error not_found"):
            await bob.ask_refused("nonsense", code="not_found")
        with pytest.raises(AssertionError, match="expected field 'clientId'"):
            await bob.ask_refused("message:send", empty, code="body_empty", field="clientId")
        with pytest.raises(AssertionError, match="was refused nonsense"):
            await bob.ask("nonsense")
        with pytest.raises(AssertionError, match="was not refused heartbeat"):
            await bob.ask_refused("heartbeat", code="not_found")


@pytest.mark.parametrize("auth", ["header", "frame"])
async def test_a_token_lets_in_and_a_bad_one_is_told_so(server: FakeServer, auth: Auth) -> None:
    async with socket_to(server, auth=auth) as bob:
        assert bob.welcome["user"]["id"] == "token"
    async with socket_to(server, auth=auth, token=BAD_TOKEN, welcome=False) as bob:
        assert await bob.expect_close(4401) == "token_invalid"
    with pytest.raises(AssertionError, match="bob was closed with 4401 token_invalid before welcome"):
        await socket_to(server, auth=auth, token=BAD_TOKEN).open()


async def test_who_says_nothing_is_put_out(server: FakeServer) -> None:
    async with socket_to(server, auth=None, welcome=False) as bob:
        assert await bob.expect_close(4401) == "token_missing"


async def test_a_refused_handshake_is_told_by_its_status(server: FakeServer) -> None:
    await socket_to(server, origin=FOREIGN).expect_refusal(403)
    with pytest.raises(AssertionError, match="let in instead of refused with HTTP 403"):
        await socket_to(server).expect_refusal(403)
    with pytest.raises(AssertionError, match="refused with HTTP 403, not 400"):
        await socket_to(server, origin=FOREIGN).expect_refusal(400)


async def test_a_close_is_told_by_its_code(server: FakeServer) -> None:
    async with socket_to(server) as bob:
        await bob.send("put me out")
        assert await bob.expect_close(4403) == "revoked"
        with pytest.raises(AssertionError, match="was closed with 4403 revoked before message:new"):
            await bob.expect("message:new")
        with pytest.raises(AssertionError, match="expected close 1000, was closed with 4403"):
            await bob.expect_close(1000)
    async with socket_to(server) as bob:
        with pytest.raises(AssertionError, match=r"was not closed with 1000 within 0\.1 s"):
            await bob.expect_close(1000, within=0.1)


async def test_bytes_and_broken_text_can_be_sent(server: FakeServer) -> None:
    async with socket_to(server) as bob:
        await bob.send_raw(b"123")
        await bob.expect_close(1003)
    async with socket_to(server) as bob:
        await bob.send_bytes_as_text(b"\xff\xfe")
        await bob.expect_close(1007)


# What the wire does not allow


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("send data before event", "event is not the first key"),
        ("send a message without version", "without conversationId, prev and version"),
        ("send binary", "a binary frame"),
        ("reply twice", "answers nothing, or answers twice"),
    ],
)
async def test_a_frame_that_breaks_a_promise_fails_what_comes_next(server: FakeServer, command: str, why: str) -> None:
    bob = socket_to(server)
    await bob.open()
    await bob.send(command, ref="r")
    with pytest.raises(AssertionError, match=why):
        await bob.ask("heartbeat")
    await bob.close()


async def test_a_broken_promise_that_a_test_gets_over_fails_it_in_the_end(server: FakeServer) -> None:
    async def gets_over_it() -> None:
        async with socket_to(server) as bob:
            await bob.send("send data before event")
            with contextlib.suppress(AssertionError):
                await bob.ask("heartbeat")

    with pytest.raises(AssertionError, match="event is not the first key"):
        await gets_over_it()


# Order


def durable(conversation: str, prev: int, version: int) -> Frame:
    return Frame(event="message:new", data={}, conversationId=conversation, prev=prev, version=version)


def test_order_is_kept_by_each_conversation_for_itself() -> None:
    beans = [durable("beans", 0, 1), durable("beans", 1, 2), durable("beans", 2, 5), durable("beans", 4, 6)]
    assert_in_order([beans[0], durable("rye", 0, 1), *beans[1:], Frame(event="typing:user_start", data={})])


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (durable("beans", 0, 1), "came late, or twice"),
        (durable("beans", 1, 2), "came late, or twice"),
        (durable("beans", 3, 4), "left a hole"),
    ],
)
def test_what_is_late_twice_or_missing_is_out_of_order(second: Frame, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        assert_in_order([durable("beans", 1, 2), second])


def test_holes_may_be_allowed() -> None:
    assert_in_order([durable("beans", 0, 1), durable("beans", 2, 3)], gapless=False)
