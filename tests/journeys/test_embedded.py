"""The embedded default: one process, SQLite, no Redis. The same journey, from sign-in to reading."""

from tests.support.people import Person
from tests.support.servers import ChatServer
from tests.support.sockets import assert_in_order


async def test_two_people_talk_on_sqlite_without_redis(embedded_server: ChatServer) -> None:
    alice, bob, mallory = (Person(name, embedded_server) for name in ("alice", "bob", "mallory"))
    mallory.get("/api/me/")
    conversation = alice.talks_to(bob)
    where = conversation["id"]
    async with alice.connect(auth="ticket") as a, bob.connect(auth="frame") as b, mallory.connect() as m:
        sent = await a.say(where, "eggs?", clientId="e")
        await b.expect("message:new", id=sent["id"])
        by_rest = bob.post(f"/api/conversations/{where}/messages/", {"content": "a dozen", "replyTo": sent["id"]})
        answer = await a.expect("message:new", id=by_rest["message"]["id"])
        assert answer.data["replyTo"]["excerpt"] == "eggs?"
        await a.ask("typing:start", where)
        await b.expect("typing:user_start")
        await b.ask("message:read", {"conversationId": where, "messageId": sent["id"]})
        await a.expect("message:read", lastReadSeq=1)
        await m.refute("message:new")
        mallory.refused("get", f"/api/conversations/{where}/", code="not_found")
        assert_in_order(b.frames)
    assert bob.get("/api/conversations/")["results"][0]["lastMessage"]["content"] == "a dozen"


async def test_a_community_on_sqlite(embedded_server: ChatServer) -> None:
    alice, bob, mallory = (Person(name, embedded_server) for name in ("alice", "bob", "mallory"))
    group = alice.founds("Valley eggs", bob, visibility="PRIVATE")
    talk = group["conversationId"]
    async with alice.connect() as a, bob.connect() as b:
        await a.say(talk, "Who has tomatoes?")
        await b.say(talk, "今天有番茄")
        await a.ask("group:remove_member", {"groupId": group["id"], "userId": bob.id})
        await b.expect("conversation:gone", conversationId=talk)
    for words in ("tomat", "番茄"):
        (found,) = alice.get("/api/messages/search/", params={"q": words})["results"]
        assert found["conversationId"] == talk
        for outsider in (bob, mallory):
            assert outsider.get("/api/messages/search/", params={"q": words})["results"] == []
    assert [one["id"] for one in alice.get("/api/groups/?search=eggs&mine=true")["results"]] == [group["id"]]
    assert mallory.get("/api/groups/?search=Valley eggs&mine=true")["results"] == []


def test_the_demo_is_believable_and_made_once(embedded_server: ChatServer) -> None:
    first, second = embedded_server.manage("demo"), embedded_server.manage("demo")
    assert first == second
    assert "maria" in first
