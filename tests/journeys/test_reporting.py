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
case = Case.objects.get(message={message!r}, closed_at=None)
form = {{"action": {action!r}, "_selected_action": case.pk, "reason": "Rude"}}
answer = client.post("/admin/conversations/case/", form, follow=True)
assert "done." in answer.content.decode(), answer.content.decode()
"""


def decide(at: Person, message: str, action: str) -> None:
    at.server.manage("shell", "-c", DECIDE.format(message=message, action=action))


async def test_a_message_is_reported_removed_and_its_sender_suspended(
    alice: Person, bob: Person, conversation: Any
) -> None:
    talk = conversation["id"]
    async with alice.connect() as a, bob.connect() as b:
        rude, ruder = await b.say(talk, "rude"), await b.say(talk, "ruder")
        about = {"kind": "message", "id": rude["id"], "reason": "ABUSE", "note": "Third time"}
        made = alice.post(REPORTS, about, status=201)
        assert {name: made[name] for name in ("kind", "targetId", "reason", "note")} == {
            "kind": "message",
            "targetId": rude["id"],
            "reason": "ABUSE",
            "note": "Third time",
        }
        assert alice.post(REPORTS, {**about, "reason": "SPAM"}, status=200)["id"] == made["id"]
        await b.refute("error", after=a.ask("heartbeat"))  # he hears nothing of it
        decide(alice, rude["id"], "remove_these_messages")
        for socket in (a, b):
            gone = await socket.expect("message:updated", id=rude["id"])
            assert gone.data["deletedAt"] is not None

        alice.post(REPORTS, {**about, "id": ruder["id"]}, status=201)
        decide(alice, ruder["id"], "suspend_these_people")
        await b.expect_close(4403)
        await a.ask_refused("message:send", {"conversationId": talk, "content": "Bob?"}, code="forbidden")
    bob.refused("GET", "/api/me/", code="token_invalid")


def test_reports_are_counted(alice: Person, bob: Person, conversation: Any) -> None:
    alice.post(f"/api/conversations/{conversation['id']}/messages/", {"content": "hello"}, status=201)
    about = {"kind": "user", "id": alice.id, "reason": "SPAM"}
    for _ in range(20):
        bob.post(REPORTS, about, status=[200, 201])
    error = bob.refused("POST", REPORTS, about, code="rate_limited")
    assert 0 < error["retryAfter"] <= 3600
