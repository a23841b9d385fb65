"""A message that is sent again, by a client in doubt or by many at once, is stored once, told once, and answered."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import cycle, product
from typing import Any

import httpx
import pytest

from tests.faults.rig import FaultyServer, Rig
from tests.faults.rows import lose_seat
from tests.support.people import Person
from tests.support.proxy import Proxy
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient
from tests.wire.table import nobodys_id

TIMES = 50

Json = dict[str, Any]


@pytest.fixture
def servers(rig: Rig) -> Sequence[FaultyServer]:
    return rig.servers


async def by_socket(socket: SocketClient, fields: Json, ref: str) -> Json:
    await socket.send("message:send", fields, ref)
    reply = await socket.reply(ref, within=20)
    answer: Json = reply.data if reply["ok"] else reply["error"]
    return answer


async def by_rest(http: httpx.AsyncClient, server: ChatServer, fields: Json, _: str) -> Json:
    url = f"{server.base_url}/api/conversations/{fields['conversationId']}/messages/"
    body: Json = (await http.post(url, json=fields)).json()
    answer: Json = body.get("error", body)
    return answer


async def at_once(person: Person, servers: Sequence[ChatServer], sends: Sequence[Json]) -> list[Json]:
    """The answers to these sends, made in the same moment: over two sockets and by REST, at every server."""
    headers = {"Authorization": f"Bearer {person.token}"}
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(headers=headers, trust_env=False, timeout=20))
        sockets = [await stack.enter_async_context(person.connect(server=server)) for server in [*servers, *servers]]
        doors = [*(partial(by_socket, one) for one in sockets), *(partial(by_rest, http, server) for server in servers)]
        asked = [door(fields, f"{number}") for number, (door, fields) in enumerate(zip(cycle(doors), sends))]
        return await asyncio.gather(*asked)


def heard(socket: SocketClient) -> list[str]:
    """The texts of all new messages, in the order in which they came."""
    return [frame.data["content"] for frame in socket.frames if frame.event == "message:new"]


def assert_is_one_message(answers: Sequence[Json], rig: Rig, talk: str) -> None:
    (row,) = rig.rows([talk])
    assert [answer["message"]["id"] for answer in answers] == [row.id] * len(answers)
    assert all(answer["message"] == answers[0]["message"] for answer in answers)
    assert [answer["duplicate"] for answer in answers].count(False) == 1


# Many at once


async def test_fifty_at_once_through_every_door_are_one_message(
    rig: Rig, alice: Person, bob: Person, conversation: Json
) -> None:
    talk = conversation["id"]
    async with bob.connect() as near, bob.connect(server=rig.servers[0]) as far:
        same = {"conversationId": talk, "content": "carrots?", "clientId": "same"}
        assert_is_one_message(await at_once(alice, rig.servers, [same] * TIMES), rig, talk)
        after = await near.say(talk, "yes")
        for socket in (near, far):
            await socket.expect("message:new", id=after["id"])
            assert heard(socket) == ["carrots?", "yes"]


async def test_of_fifty_at_once_the_one_that_says_something_else_is_refused(
    rig: Rig, alice: Person, conversation: Json
) -> None:
    talk = conversation["id"]
    sends = [{"conversationId": talk, "content": "carrots?", "clientId": "same"} for _ in range(TIMES)]
    sends[TIMES // 2]["content"] = "eggs?"  # each door has had the carrots before
    answers = await at_once(alice, rig.servers, sends)
    other = answers.pop(TIMES // 2)
    assert (other["code"], other["field"], other["retryable"]) == ("client_id_reused", "clientId", False)
    assert_is_one_message(answers, rig, talk)


# Later


@pytest.mark.parametrize("change", [{"content": "leeks?"}, None], ids=["edited", "deleted"])
async def test_a_retry_gets_the_message_as_it_is_by_now(
    change: Json | None, rig: Rig, alice: Person, conversation: Json
) -> None:
    send = {"conversationId": conversation["id"], "content": "carrots?", "clientId": "same"}
    async with alice.connect() as here, alice.connect(server=rig.servers[1]) as there:
        sent = (await here.ask("message:send", send))["message"]
        command = "message:edit" if change else "message:delete"
        changed = (await there.ask(command, {"messageId": sent["id"], **(change or {})}))["message"]
        for answer in await at_once(alice, rig.servers, [send] * 6):
            assert answer == {"message": changed, "duplicate": True}
        # What decides is what was first sent.
        await here.ask_refused("message:send", {**send, "content": "leeks?"}, code="client_id_reused")


async def test_somebody_outside_does_not_learn_which_client_ids_were_used(
    rig: Rig, alice: Person, bob: Person, mallory: Person, new_person: Callable[..., Person]
) -> None:
    talk = alice.talks_to(bob)["id"]
    for person in (alice, bob):
        person.post(f"/api/conversations/{talk}/messages/", {"content": "carrots?", "clientId": "used"})
    lose_seat(rig, bob, talk)
    for outsider in (mallory, bob):
        (refusal, *_) = await at_once(outsider, rig.servers, [{"conversationId": nobodys_id(), "content": "carrots?"}])
        assert refusal["code"] == "not_found"
        for content, client_id in product(("carrots?", "eggs?"), ("used", "unused")):
            send = {"conversationId": talk, "content": content, "clientId": client_id}
            assert await at_once(outsider, rig.servers, [send] * 6) == [refusal] * 6
    assert len(rig.rows([talk])) == 2


# The answer that never came


@pytest.mark.parametrize("told", [0, 1, 100], ids="{} bytes of it arrived".format)
async def test_a_reply_that_was_lost_on_its_way_comes_with_the_retry(
    told: int, rig: Rig, alice: Person, bob: Person, conversation: Json
) -> None:
    send = {"conversationId": conversation["id"], "content": "carrots?", "clientId": "same"}
    with Proxy(alice.server.port) as line:
        url = line.url_of(alice.server.ws_url)
        async with bob.connect() as b:
            async with SocketClient(url, name="alice", token=alice.token) as before:
                line.cut_after(told, direction="to_client")
                await before.send("message:send", send, "1")
                stored = await b.expect("message:new", content="carrots?")
                await before.expect_close(1006)
                assert "reply" not in {frame.event for frame in before.frames}
            async with SocketClient(url, name="alice", token=alice.token) as again:
                assert await again.ask("message:send", send) == {"message": stored.data, "duplicate": True}
                await again.say(conversation["id"], "hello?")
            await b.expect("message:new", content="hello?")
            assert heard(b) == ["carrots?", "hello?"]


async def test_an_answer_of_rest_that_was_lost_on_its_way_comes_with_the_retry(
    rig: Rig, alice: Person, conversation: Json
) -> None:
    path = f"/api/conversations/{conversation['id']}/messages/"
    send = {"content": "carrots?", "clientId": "same"}
    with Proxy(alice.server.port) as line:
        line.cut_after(0, direction="to_client")
        with pytest.raises(httpx.TransportError):
            httpx.post(f"http://127.0.0.1:{line.port}{path}", json=send, headers=alice.http.headers, trust_env=False)
    answer = alice.post(path, send, status=200)
    assert_is_one_message([{**answer, "duplicate": False}], rig, conversation["id"])


async def test_a_server_that_dies_right_after_commit_leaves_a_message_that_is_not_stored_again(
    rig: Rig, alice: Person, bob: Person, conversation: Json
) -> None:
    dying, other = rig.servers
    send = {"conversationId": conversation["id"], "content": "carrots?", "clientId": "same"}
    dying.restart("after_commit:1")
    async with bob.connect() as b:
        async with alice.connect() as before:
            await before.send("message:send", send, "1")
            await before.expect_close(1006)
        (row,) = rig.rows([conversation["id"]])
        async with alice.connect(server=other) as again:
            answer = await again.ask("message:send", send)
            assert (answer["message"]["id"], answer["duplicate"]) == (row.id, True)
            # Nobody has told anybody; this server finds it in the database.
            await b.expect("message:new", id=row.id, within=5)
            await again.say(conversation["id"], "hello?")
        await b.expect("message:new", content="hello?")
        assert heard(b) == ["carrots?", "hello?"]
