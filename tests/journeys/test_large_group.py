"""A group of 5,000: whoever comes, speaks or goes is heard at both servers, and one more finds it full."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.support.people import Person

FULL = 5000

# So many more members, %(count)s, of the group with this conversation, %(id)s.
CROWD_ROWS = """
WITH people AS (
  INSERT INTO accounts_user (public_id, name, password, email, image, role, language, is_superuser, is_staff, is_active,
    appear_offline, receipts, last_seen, profile_applied, tokens_valid_after)
  SELECT %(id)s::text || '-' || n, 'Person ' || n, '!', '', '', 'CUSTOMER', '',
    false, false, true, false, true, true, 0, 0
  FROM generate_series(1, %(count)s) n RETURNING id),
grown AS (UPDATE conversations_conversation SET member_count = member_count + %(count)s WHERE id = %(id)s::uuid)
INSERT INTO conversations_participant (conversation_id, user_id, role, muted, last_read_seq)
SELECT %(id)s::uuid, id, 'MEMBER', false, 0 FROM people"""


@pytest.fixture
def crowded(alice: Person, bob: Person) -> dict[str, Any]:
    """Alice's group with Bob, and room for one more."""
    group: dict[str, Any] = alice.founds("Everybody", bob)
    assert alice.server.database_url is not None
    with psycopg.connect(alice.server.database_url) as database:
        database.execute(CROWD_ROWS, {"id": group["conversationId"], "count": FULL - 3})
    return group


async def test_a_full_group_lives(
    alice: Person, bob: Person, crowded: dict[str, Any], new_person: Callable[..., Person]
) -> None:
    talk, path = crowded["conversationId"], f"/api/groups/{crowded['id']}/"
    carol, dora = new_person("carol", bob.server), new_person("dora", alice.server)
    for person in (carol, dora):
        person.arrives()
    async with alice.connect() as a, bob.connect() as b, carol.connect() as c:
        assert (await c.ask("group:join", {"groupId": crowded["id"]}))["memberCount"] == FULL
        gained = await c.expect("conversation:new", id=talk, participantCount=FULL)
        assert len(gained.data["participants"]) == 50
        for socket in (a, b):
            await socket.expect("group:member_added", userId=carol.id)
        dora.refused("POST", f"{path}join/", code="full")
        alice.refused("POST", f"{path}members/", {"userId": dora.id}, code="full")

        await c.say(talk, "Good morning, all of you")
        for socket in (a, b):
            await socket.expect("message:new", content="Good morning, all of you")
        await b.ask("typing:start", talk)
        await a.refute("typing:user_start", after=b.say(talk, "Good morning"))
        (first, *_) = (await b.ask("join:conversation", talk))["messages"]
        await b.ask("message:read", {"conversationId": talk, "messageId": first["id"]})
        await a.refute("message:read", after=b.say(talk, "I have read it"))

        assert len(members_of(bob, path)) == FULL
        await c.ask("group:leave", {"groupId": crowded["id"]})
        await c.expect("conversation:gone", conversationId=talk)
        for socket in (a, b):
            await socket.expect("group:member_removed", userId=carol.id)
    assert dora.post(f"{path}join/")["memberCount"] == FULL


def members_of(person: Person, path: str) -> set[str]:
    """All members, page by page, each once."""
    seen: list[str] = []
    after: dict[str, str] = {}
    while after or not seen:
        page = person.get(f"{path}members/", params={"limit": 100, **after})
        seen += [one["user"]["id"] for one in page["results"]]
        after = {"cursor": page["next"]} if page["next"] else {}
    assert len(set(seen)) == len(seen)
    return set(seen)
