"""Redis is away: whoever is brought into a group at another server hears it from then on, who is put out no longer."""

from collections.abc import Callable

from tests.faults.rig import Rig
from tests.support.people import Person

SWEPT_SECONDS = 8
GONE_SECONDS = 15  # what the contract allows with Redis down


async def test_members_come_and_go_without_redis(rig: Rig, new_person: Callable[..., Person]) -> None:
    alice, bob = new_person("alice", rig.servers[0]), new_person("bob", rig.servers[1])
    bob.arrives()
    group = alice.founds("Valley eggs")
    talk, between_them = group["conversationId"], alice.talks_to(bob)["id"]
    async with alice.connect() as a, bob.connect() as b:
        rig.redis.kill()
        await a.ask("group:add_member", {"groupId": group["id"], "userId": bob.id})
        come = await b.expect("conversation:new", id=talk, within=SWEPT_SECONDS)
        assert come.data["group"]["myRole"] == "MEMBER"
        await a.say(talk, "Welcome, Bob")
        await b.expect("message:new", content="Welcome, Bob", within=SWEPT_SECONDS)

        await a.ask("group:update", {"groupId": group["id"], "name": "Eggs"})
        told = await b.expect("group:updated", name="Eggs", within=SWEPT_SECONDS)
        said = await b.expect("message:new", system={"kind": "group_renamed"})
        assert said.prev == told.version, "the sweep gives the event again, from the message"

        await a.ask("group:remove_member", {"groupId": group["id"], "userId": bob.id})
        await b.expect("conversation:gone", conversationId=talk, within=GONE_SECONDS)
        await a.say(talk, "Now we are alone")
        later = await a.say(between_them, "Sorry")
        heard = b.expect("message:new", id=later["id"], within=SWEPT_SECONDS)
        await b.refute("message:new", content="Now we are alone", after=heard)
