"""The checker goes red where a build is broken: without its clientIds, its sweep, its order, or its COMMIT."""

import asyncio

from tests.faults.rig import Rig, Town, town


async def verdict(place: Town) -> str:
    """What the checker says when everybody has had their time."""
    await place.converge()
    return "\n".join(place.violations())


async def say_much(place: Town) -> str:
    """Everybody talks quickly for a while; the verdict after that."""
    async with place.talking(every=0.01):
        await place.acknowledged(600)
    return await verdict(place)


async def die_and_come_back(place: Town, *faults: str) -> str:
    """The first server dies of its crash point while people talk, and starts again; the verdict after that."""
    dying = place.rig.servers[0]
    async with place.talking():
        await asyncio.to_thread(dying.wait_for_end)
        await asyncio.to_thread(dying.restart, *faults)
        await place.acknowledged(20)
    return await verdict(place)


async def test_without_dedup_a_retry_is_stored_twice(rig: Rig) -> None:
    first, second = rig.servers
    first.restart("without_dedup", "after_commit:5")
    second.restart("without_dedup")
    async with town(rig) as place:
        assert "stored twice" in await die_and_come_back(place, "without_dedup")


async def test_what_is_acknowledged_before_commit_is_lost(rig: Rig) -> None:
    rig.servers[0].restart("acknowledged_before_commit:5")
    async with town(rig) as place:
        assert "lost" in await die_and_come_back(place)


async def test_without_the_sweep_what_was_not_published_is_never_heard(rig: Rig) -> None:
    for server in rig.servers:
        server.restart("without_sweep", "without_bus")
    async with town(rig) as place:
        place.say(5)
        await place.acknowledged(40)
        assert "not shown as stored" in await verdict(place)


async def test_with_the_sweep_alone_all_is_heard(rig: Rig) -> None:
    for server in rig.servers:
        server.restart("without_bus")
    async with town(rig) as place:
        place.say(5)
        await place.acknowledged(40)
        assert await verdict(place) == ""


async def test_without_the_guard_changes_come_out_of_order(rig: Rig) -> None:
    for server in rig.servers:
        server.restart("with_a_jittery_bus", "without_guard")
    async with town(rig) as place:
        assert "heard out of order" in await say_much(place)


async def test_with_the_guard_they_come_in_order_however_late(rig: Rig) -> None:
    for server in rig.servers:
        server.restart("with_a_jittery_bus")
    async with town(rig) as place:
        assert await say_much(place) == ""


async def test_a_whole_build_passes(rig: Rig) -> None:
    async with town(rig) as place:
        assert await say_much(place) == ""
