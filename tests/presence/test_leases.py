"""What servers tell each other of their people, in Redis and in one process's memory."""

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Any

import pytest

from localroots_chat.gateway import redis_client
from presence.leases import Asked, Leases, MemoryLeases, RedisLeases, Seen

ANN, BEN, CARL = 101, 102, 103


@pytest.fixture(autouse=True)
async def forgetful(settings: Any) -> AsyncIterator[None]:
    """Redis knows nobody, and leases are short."""
    settings.CHAT_PRESENCE_SECONDS = 0.2
    await forget()
    yield
    await forget()
    redis_client.breaker = redis_client.Breaker("questions")


async def forget() -> None:
    client = redis_client.client()
    for key in await client.keys("leases:*"):
        await client.delete(key)


async def told(
    server: Leases,
    *,
    came: Collection[int] = (),
    went: Collection[int] = (),
    hide: Collection[int] = (),
    show: Collection[int] = (),
    look: Collection[int] = (ANN, BEN, CARL),
    anew: bool = False,
    tidy: bool = False,
) -> Seen:
    return await server.ask(Asked(came=came, went=went, hide=hide, show=show, look=look, anew=anew, tidy=tidy))


@pytest.mark.parametrize("kind", [RedisLeases, MemoryLeases])
async def test_who_comes_appears_and_who_goes_disappears_once(kind: type[RedisLeases | MemoryLeases]) -> None:
    server = kind()
    seen = await told(server, came=[ANN, BEN])
    assert ({*seen.appeared}, {*seen.online}, seen.people) == ({ANN, BEN}, {ANN, BEN}, 2)
    assert not (await told(server, came=[ANN])).appeared, "she was there already"
    seen = await told(server, went=[ANN])
    assert ({*seen.disappeared}, {*seen.online}) == ({ANN}, {BEN})
    assert not (await told(server, went=[ANN])).disappeared


@pytest.mark.parametrize("kind", [RedisLeases, MemoryLeases])
async def test_who_hides_is_offline_until_they_show_themselves_or_go(kind: type[RedisLeases | MemoryLeases]) -> None:
    server = kind()
    await told(server, came=[ANN])
    seen = await told(server, hide=[ANN])
    assert ({*seen.disappeared}, {*seen.online}) == ({ANN}, set())
    assert not (await told(server, hide=[ANN])).disappeared
    assert {*(await told(server, tidy=True)).hiding} == {ANN}
    seen = await told(server, show=[ANN])
    assert ({*seen.appeared}, {*seen.online}) == ({ANN}, {ANN})
    await told(server, hide=[ANN])
    assert not (await told(server, went=[ANN])).disappeared, "nobody has seen her"
    assert {*(await told(server, came=[ANN])).appeared} == {ANN}, "it was until she went"


@pytest.mark.parametrize("kind", [RedisLeases, MemoryLeases])
async def test_who_is_not_here_neither_hides_nor_appears(kind: type[RedisLeases | MemoryLeases]) -> None:
    server = kind()
    assert not (await told(server, hide=[CARL])).disappeared
    assert not (await told(server, show=[CARL])).appeared


async def test_somebody_at_two_servers_goes_with_the_second() -> None:
    one, other = RedisLeases(), RedisLeases()
    await told(one, came=[ANN])
    assert not (await told(other, came=[ANN])).appeared
    await told(one, hide=[ANN])
    assert {*(await told(other, tidy=True)).hiding} == {ANN}, "the other one learns that she hides"
    assert not (await told(one, went=[ANN])).disappeared
    assert not (await told(other)).online, "she still hides"
    await told(other, show=[ANN])
    assert {*(await told(one)).online} == {ANN}
    assert {*(await told(other, went=[ANN])).disappeared} == {ANN}


async def test_a_dead_server_takes_its_people_with_it() -> None:
    dead, alive = RedisLeases(), RedisLeases()
    await told(dead, came=[ANN, BEN], hide=[BEN])
    async with asyncio.timeout(5):
        while (await told(alive, came=[CARL], tidy=True)).online != [CARL]:
            pass
        client = redis_client.client()
        while len(await client.keys("leases:at:*")) > 1:
            pass
    assert await client.smembers("leases:hiding") == set()
    seen = await told(dead)
    assert not seen.known, "were it alive after all, it would hear that nobody knows its people"


async def test_where_redis_has_lost_its_memory_nobody_is_said_to_be_offline_for_a_while() -> None:
    one, other = RedisLeases(), RedisLeases()
    await told(one, came=[ANN])
    await told(other, came=[BEN])
    assert (await told(one)).sure
    await forget()
    seen = await told(one)
    assert (seen.known, seen.sure, {*seen.online}) == (False, False, set())
    seen = await told(one, came=[ANN], anew=True)
    assert (seen.known, seen.sure, {*seen.online}) == (True, False, {ANN})
    seen = await told(other, came=[BEN], anew=True)
    assert (seen.sure, {*seen.online}) == (False, {ANN, BEN})
    async with asyncio.timeout(5):
        while not (await told(one)).sure:
            await told(other)
    assert {*(await told(other)).online} == {ANN, BEN}


async def test_a_redis_that_nobody_has_asked_before_is_sure_at_once() -> None:
    assert (await told(RedisLeases(), came=[ANN])).sure


async def test_telling_anew_drops_who_is_not_there_any_more() -> None:
    server, other = RedisLeases(), RedisLeases()
    await told(server, came=[ANN, BEN], hide=[BEN])
    seen = await told(server, came=[BEN, CARL], hide=[BEN], anew=True)
    assert seen.people == 2
    assert {*(await told(other)).online} == {CARL}


async def test_who_comes_hiding_is_seen_neither_coming_nor_going() -> None:
    server = RedisLeases()
    for anew in (False, True):
        seen = await told(server, came=[ANN, BEN], hide=[BEN], anew=anew)
        assert ({*seen.appeared}, {*seen.disappeared}, {*seen.online}) == ({ANN}, set(), {ANN})
        await forget()


async def test_a_server_that_ends_lets_its_people_go_after_a_while(settings: Any) -> None:
    settings.CHAT_PRESENCE_SECONDS = 60
    server, other = RedisLeases(), RedisLeases()
    await told(server, came=[ANN, BEN])
    await server.end(0.3)
    assert {*(await told(other, came=[BEN])).online} == {ANN, BEN}
    async with asyncio.timeout(5):
        while (await told(other)).online != [BEN]:
            pass
