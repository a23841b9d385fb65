"""The main job, on PostgreSQL and Redis: Alice at one server, Bob at the other."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import SocketClient, assert_in_order

Conversation = dict[str, Any]


async def test_they_open_a_conversation_and_talk(alice: Person, bob: Person, mallory: Person) -> None:
    assert alice.get("/api/me/")["id"] == alice.id
    assert bob.get("/api/me/")["id"] == bob.id
    async with alice.connect() as a, bob.connect() as b, mallory.connect() as m:
        opened = alice.post("/api/conversations/", {"userId": bob.id}, status=201)
        again = bob.post("/api/conversations/", {"userId": alice.id}, status=200)
        assert opened["id"] == again["id"]
        await a.expect("conversation:new", id=opened["id"])
        await b.expect("conversation:new", id=opened["id"])

        joined = await b.ask("join:conversation", opened["id"])
        assert joined["conversation"]["id"] == opened["id"]
        assert joined["messages"] == []
        await b.expect("joined:conversation", conversationId=opened["id"])

        message = await a.say(opened["id"], "The tomatoes are ripe", clientId="first")
        assert (message["seq"], message["senderId"], message["clientId"]) == (1, alice.id, "first")
        heard = await b.expect("message:new", id=message["id"])
        assert heard.data == message
        assert (heard["event"], heard.conversation_id, heard.prev, heard.version) == ("message:new", opened["id"], 0, 1)
        assert (await a.expect("message:new", id=message["id"])).data == message

        await b.say(opened["id"], "I'll come by")
        await a.expect("message:new", content="I'll come by")
        await m.refute("message:new")
        await m.refute("conversation:new")
        for path in ("", "messages/"):
            mallory.refused("get", f"/api/conversations/{opened['id']}/{path}", code="not_found")
        await m.ask_refused("join:conversation", opened["id"], code="not_found")
        await m.ask_refused("message:send", {"conversationId": opened["id"], "content": "x"}, code="not_found")


async def test_what_rest_sends_sockets_hear_and_the_other_way(
    alice: Person, bob: Person, conversation: Conversation
) -> None:
    path = f"/api/conversations/{conversation['id']}/messages/"
    async with bob.connect() as b, alice.connect() as a:
        answer = alice.post(path, {"content": "by REST", "clientId": "r"}, status=201)
        assert answer["duplicate"] is False
        assert (await b.expect("message:new", content="by REST")).data == answer["message"]
        repeated = await a.ask(
            "message:send", {"conversationId": conversation["id"], "content": "by REST", "clientId": "r"}
        )
        assert repeated == {"message": answer["message"], "duplicate": True}
        assert alice.post(path, {"content": "by REST", "clientId": "r"}, status=200)["duplicate"] is True
        sent = await b.say(conversation["id"], "by socket")
        assert alice.get(path)["messages"] == [answer["message"], sent]
        assert alice.get(f"/api/messages/{sent['id']}/") == sent


async def test_reading_clears_the_count_on_all_devices_and_tells_the_writer(
    alice: Person, bob: Person, two_servers: tuple[ChatServer, ChatServer], conversation: Conversation
) -> None:
    where = conversation["id"]
    async with alice.connect() as a, bob.connect() as phone, bob.connect(server=two_servers[0]) as laptop:
        await a.say(where, "one")
        two = await a.say(where, "two")
        assert bob.get("/api/conversations/")["results"][0]["unreadCount"] == 2
        answer = await phone.ask("message:read", {"conversationId": where, "messageId": two["id"]})
        assert answer == {"conversationId": where, "lastReadSeq": 2, "unreadCount": 0}
        event = {"conversationId": where, "messageId": two["id"], "userId": bob.id, "lastReadSeq": 2}
        assert (await a.expect("message:read")).data == event
        assert (await laptop.expect("message:read")).data == {**event, "unreadCount": 0}
        await phone.refute("message:read")
        assert bob.get(f"/api/conversations/{where}/")["unreadCount"] == 0
    async with bob.connect() as later:
        assert later.welcome["unreadTotal"] == 0
    (reader,) = alice.get(f"/api/messages/{two['id']}/receipts/")["results"]
    assert reader["user"]["id"] == bob.id
    page = alice.get(f"/api/conversations/{where}/messages/?receipts=1")["messages"]
    assert [one["readReceipts"] for one in page] == [[{"userId": bob.id, "readAt": reader["readAt"]}]] * 2
    bob.patch("/api/me/", {"receipts": False})
    assert alice.get(f"/api/messages/{two['id']}/receipts/") == {"results": [], "next": None}


async def test_what_is_muted_counts_apart_and_all_devices_know(
    alice: Person, bob: Person, two_servers: tuple[ChatServer, ChatServer], conversation: Conversation
) -> None:
    where = conversation["id"]
    alice.post(f"/api/conversations/{where}/messages/", {"content": "one"}, status=201)
    async with bob.connect() as phone, bob.connect(server=two_servers[0]) as laptop:
        assert (phone.welcome["unreadTotal"], phone.welcome["unreadMuted"]) == (1, 0)
        assert bob.patch(f"/api/conversations/{where}/", {"muted": True})["muted"] is True
        for socket in (phone, laptop):
            await socket.expect("conversation:new", id=where, muted=True, unreadCount=1)
    async with bob.connect() as later, alice.connect() as a:
        assert (later.welcome["unreadTotal"], later.welcome["unreadMuted"]) == (0, 1)
        assert a.welcome["unreadTotal"] == 0, "what is muted is one's own business"


async def test_typing_is_told_once_in_three_seconds_and_taken_back(
    alice: Person, bob: Person, mallory: Person, conversation: Conversation
) -> None:
    where = conversation["id"]
    async with alice.connect() as a, bob.connect() as b, mallory.connect() as m:
        await a.ask("typing:start", where)
        await a.ask("typing:start", {"conversationId": where})
        assert (await b.expect("typing:user_start")).data == {"userId": alice.id, "conversationId": where}
        await a.ask("typing:stop", where)
        await b.refute("typing:user_start", after=b.expect("typing:user_stop", userId=alice.id))
        await a.refute("typing:user_start")
        await m.ask_refused("typing:start", where, code="not_found")
        await m.refute("typing:user_start")


async def test_typing_that_is_not_taken_back_expires(alice: Person, bob: Person, conversation: Conversation) -> None:
    async with alice.connect() as a, bob.connect() as b:
        await a.ask("typing:start", conversation["id"])
        await b.expect("typing:user_start")
        await b.expect("typing:user_stop", within=7.5)


async def test_the_message_takes_typing_back_by_whichever_door(
    alice: Person, bob: Person, conversation: Conversation
) -> None:
    where = conversation["id"]
    async with alice.connect() as a, bob.connect() as b:
        await a.ask("typing:start", where)
        await b.expect("typing:user_start")
        alice.post(f"/api/conversations/{where}/messages/", {"content": "by REST"}, status=201)
        await b.expect("message:new", content="by REST")
        await b.expect("typing:user_stop", userId=alice.id, within=2)
        await a.ask("typing:start", where)
        await b.expect("typing:user_start")  # three seconds after the first
        await a.say(where, "by socket")
        await b.expect("typing:user_stop", userId=alice.id, within=2)


async def test_who_opens_it_at_once_gets_the_same_conversation(alice: Person, bob: Person) -> None:
    alice.get("/api/me/"), bob.get("/api/me/")
    opening = [(alice, bob), (bob, alice)] * 5
    answers = await asyncio.gather(
        *(asyncio.to_thread(one.post, "/api/conversations/", {"userId": other.id}) for one, other in opening)
    )
    assert len({answer["id"] for answer in answers}) == 1
    assert len(alice.get("/api/conversations/")["results"]) == 1


@pytest.mark.parametrize("other", ["oneself", "nobody"])
def test_a_conversation_needs_another_person(alice: Person, other: str) -> None:
    if other == "oneself":
        alice.refused("post", "/api/conversations/", {"userId": alice.id}, code="invalid_field", field="userId")
    else:
        alice.refused("post", "/api/conversations/", {"userId": "nobody-at-all"}, code="not_found")


async def test_four_writers_at_two_servers_and_every_reader_hears_one_order(
    alice: Person, bob: Person, two_servers: tuple[ChatServer, ChatServer], conversation: Conversation
) -> None:
    where, each = conversation["id"], 5  # two writers a person, and ten messages in ten seconds are a person's limit
    async with (
        alice.connect() as a,
        alice.connect(server=two_servers[1]) as a2,
        bob.connect() as b,
        bob.connect(server=two_servers[0]) as b2,
    ):
        writers = {"a": a, "a2": a2, "b": b, "b2": b2}

        async def write(name: str, socket: SocketClient) -> list[int]:
            for number in range(each):
                await socket.send(
                    "message:send",
                    {"conversationId": where, "content": f"{name} {number}", "clientId": f"{name} {number}"},
                    ref=f"{name} {number}",
                )
            replies = [await socket.reply(f"{name} {number}") for number in range(each)]
            return [reply.data["message"]["seq"] for reply in replies]

        seqs = await asyncio.gather(*(write(name, socket) for name, socket in writers.items()))
        for reader in writers.values():
            for seq in range(1, 4 * each + 1):
                await reader.expect("message:new", seq=seq)
            assert_in_order(reader.frames)
    assert sorted(seq for own in seqs for seq in own) == list(range(1, 4 * each + 1)), "gapless"
    assert [sorted(own) for own in seqs] == seqs, "each writer's own order is kept"


async def test_an_eleventh_message_in_ten_seconds_is_refused_at_whichever_server(
    alice: Person, two_servers: tuple[ChatServer, ChatServer], conversation: Conversation
) -> None:
    where = conversation["id"]
    async with alice.connect() as here, alice.connect(server=two_servers[1]) as there:
        for number in range(10):
            await (here, there)[number % 2].say(where, f"{number}")
        error = await there.ask_refused(
            "message:send", {"conversationId": where, "content": "too much"}, code="rate_limited"
        )
        assert 0 < error["retryAfter"] <= 10
        path = f"/api/conversations/{where}/messages/"
        alice.refused("post", path, {"content": "too much"}, code="rate_limited")
    assert len(alice.get(path)["messages"]) == 10


async def test_a_twenty_first_socket_is_closed(new_person: Callable[..., Person], servers: list[ChatServer]) -> None:
    carol = new_person("carol", servers[0])
    sockets = [carol.connect() for _ in range(20)]
    try:
        for socket in sockets:
            await socket.open()
        async with carol.connect(welcome=False) as one_more:
            await one_more.expect_close(4409)
        await sockets[0].ask("heartbeat")
    finally:
        for socket in sockets:
            await socket.close()
