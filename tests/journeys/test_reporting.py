"""Somebody is reported, and what is decided takes effect at once, at whichever server."""

from typing import Any

from tests.support.people import Person

REPORTS = "/api/reports/"
# As the admin does it: an action of its queue, with a reason.
DECIDE = """
from django.contrib.auth import get_user_model
from django.test import Client
from conversations.models import Case
chief, _ = get_user_model().objects.get_or_create(
    username="chief", defaults={{"public_id": "chief", "is_staff": True, "is_superuser": True}})
client = Client(SERVER_NAME="localhost")
client.force_login(chief)
case = Case.objects.get({which}, closed_at=None)
form = {{"action": {action!r}, "_selected_action": case.pk, "reason": "Rude"}}
answer = client.post("/admin/conversations/case/", form, follow=True)
assert "done." in answer.content.decode(), answer.content.decode()
"""


def decide(at: Person, which: str, action: str) -> None:
    """What an action of the queue does about the case that is found by `which`."""
    at.server.manage("shell", "-c", DECIDE.format(which=which, action=action))


def about(message: dict[str, Any]) -> str:
    return f"message={message['id']!r}"


async def test_a_message_is_reported_removed_and_its_sender_suspended(
    alice: Person, bob: Person, conversation: Any
) -> None:
    talk = conversation["id"]
    async with alice.connect() as a, bob.connect() as b:
        rude, ruder = await b.say(talk, "rude"), await b.say(talk, "ruder")
        asked = {"kind": "message", "id": rude["id"], "reason": "ABUSE", "note": "Third time"}
        made = alice.post(REPORTS, asked, status=201)
        assert {name: made[name] for name in ("kind", "targetId", "reason", "note")} == {
            "kind": "message",
            "targetId": rude["id"],
            "reason": "ABUSE",
            "note": "Third time",
        }
        assert alice.post(REPORTS, {**asked, "reason": "SPAM"}, status=200)["id"] == made["id"]
        await b.refute("error", after=a.ask("heartbeat"))  # he hears nothing of it
        decide(alice, about(rude), "remove_these_messages")
        for socket in (a, b):
            gone = await socket.expect("message:updated", id=rude["id"])
            assert gone.data["deletedAt"] is not None

        alice.post(REPORTS, {**asked, "id": ruder["id"]}, status=201)
        decide(alice, about(ruder), "suspend_these_people")
        await b.expect_close(4403)
        await a.ask_refused("message:send", {"conversationId": talk, "content": "Bob?"}, code="forbidden")
    bob.refused("GET", "/api/me/", code="token_invalid")


async def test_whoever_is_warned_gets_a_note_from_the_team(alice: Person, bob: Person, conversation: Any) -> None:
    talk = conversation["id"]
    async with alice.connect() as a, bob.connect() as b:
        for said in ("rude", "ruder"):
            message = await b.say(talk, said)
            alice.post(REPORTS, {"kind": "message", "id": message["id"], "reason": "ABUSE"}, status=201)
            decide(alice, about(message), "warn_these_people")
            if said == "rude":
                notes = (await b.expect("conversation:new", type="DIRECT")).data
                assert {one["user"]["name"] for one in notes["participants"]} == {"Bob", "LocalRoots team"}
            note = (await b.expect("message:new", type="SYSTEM", content=f"About your message “{said}”: Rude")).data
            assert (note["system"], note["sender"]["name"]) == (
                {"kind": "warned", "userIds": [bob.id]},
                "LocalRoots team",
            )
            assert note["conversationId"] == notes["id"]
        await b.ask_refused("message:send", {"conversationId": notes["id"], "content": "But"}, code="forbidden")
        await a.refute("conversation:new", after=b.ask("heartbeat"))
    team = note["senderId"]
    bob.refused("POST", "/api/groups/", {"name": "Us", "category": "TIPS", "memberIds": [team]}, code="not_found")
    assert team not in [one["id"] for one in bob.get("/api/users/")["results"]]
    missed = bob.post("/api/sync/", {"cursors": {notes["id"]: 1}})
    assert [one["content"] for one in missed["changes"][notes["id"]]] == ["About your message “ruder”: Rude"]


async def test_silenced_and_closed_by_staff(alice: Person, bob: Person) -> None:
    group = alice.founds("Eggs", bob)
    talk = group["conversationId"]
    async with alice.connect() as a, bob.connect() as b:
        rude = await b.say(talk, "rude")
        alice.post(REPORTS, {"kind": "message", "id": rude["id"], "reason": "ABUSE"}, status=201)
        decide(alice, about(rude), "silence_these_people_for_a_day")
        told = (await b.expect("conversation:new", id=talk)).data
        assert told["silencedUntil"] is not None
        await b.ask_refused("message:send", {"conversationId": talk, "content": "but"}, code="muted")
        assert alice.get(f"/api/groups/{group['id']}/mutes/")["results"][0]["imposedBy"]["name"] == "LocalRoots team"

        bob.post(REPORTS, {"kind": "group", "id": group["id"], "reason": "FRAUD"}, status=201)
        decide(bob, f"conversation={talk!r}, kind='group'", "close_these_groups")
        for socket in (a, b):
            await socket.expect("conversation:gone", conversationId=talk)
        await a.ask_refused("message:send", {"conversationId": talk, "content": "hello?"}, code="not_found")


def test_reports_are_counted(alice: Person, bob: Person, conversation: Any) -> None:
    alice.post(f"/api/conversations/{conversation['id']}/messages/", {"content": "hello"}, status=201)
    asked = {"kind": "user", "id": alice.id, "reason": "SPAM"}
    for _ in range(20):
        bob.post(REPORTS, asked, status=[200, 201])
    error = bob.refused("POST", REPORTS, asked, code="rate_limited")
    assert 0 < error["retryAfter"] <= 3600
