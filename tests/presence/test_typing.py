"""Who is writing: told once in a while, taken back in time, by the message at the latest."""

import asyncio

import pytest

from localroots_chat.errors import ChatError
from localroots_chat.gateway.hub import hub
from localroots_chat.gateway.layer import Durable
from presence import typing
from tests.presence.conftest import Comes, Ear

STARTS, STOPS = ("typing:user_start", "p1"), ("typing:user_stop", "p1")
AGAIN, EXPIRES = 0.3, 0.6


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typing, "AGAIN_SECONDS", AGAIN)
    monkeypatch.setattr(typing, "EXPIRES_SECONDS", EXPIRES)


async def hears(ear: Ear, wanted: tuple[str, str]) -> float:
    """When it came, by the loop's clock."""
    assert await ear.hears() == [wanted]
    return asyncio.get_running_loop().time()


async def forgets() -> None:
    async with asyncio.timeout(5):
        while typing._writing():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_it_is_told_at_once_and_again_only_after_a_while(comes: Comes) -> None:
    ann, own = comes(1, "talk")
    _, ear = comes(2, "talk")
    typing.start(ann, "talk")
    first = await hears(ear, STARTS)
    typing.start(ann, "talk")
    assert ear.heard() == []
    async with asyncio.timeout(5):
        while not (heard := ear.heard()):
            typing.start(ann, "talk")  # at every key
            await asyncio.sleep(0)
    assert heard == [STARTS]
    assert asyncio.get_running_loop().time() - first >= AGAIN - 0.02
    assert own.heard() == [], "nobody is told of themselves"


async def test_it_expires_and_is_forgotten(comes: Comes) -> None:
    ann, _ = comes(1, "talk")
    _, ear = comes(2, "talk")
    typing.start(ann, "talk")
    started = await hears(ear, STARTS)
    assert await hears(ear, STOPS) - started >= EXPIRES - 0.02
    await forgets()
    assert ear.heard() == []


async def test_whoever_stops_and_starts_is_shown_again_as_soon_as_that_may_be(comes: Comes) -> None:
    ann, _ = comes(1, "talk")
    _, ear = comes(2, "talk")
    typing.start(ann, "talk")
    first = await hears(ear, STARTS)
    for _ in range(3):
        typing.stop(ann, "talk")
        typing.start(ann, "talk")
    assert ear.heard() == [STOPS]
    assert await hears(ear, STARTS) - first >= AGAIN - 0.02
    typing.stop(ann, "talk")
    typing.start(ann, "talk")
    typing.stop(ann, "talk")
    assert ear.heard() == [STOPS], "what nobody was told is not taken back"
    await forgets()
    assert ear.heard() == []


async def test_the_message_takes_it_back(comes: Comes) -> None:
    ann, _ = comes(1, "talk")
    _, ear = comes(2, "talk")
    typing.start(ann, "talk")
    await hears(ear, STARTS)
    frame = b'{"event":"message:updated","data":{"userId":"p1"}}'
    hub().deliver([Durable("talk", [(0, 1, 0, 1, frame, 1, 0)])])
    assert ear.heard() == [("message:updated", "p1")], "an edit does not"
    frame = b'{"event":"message:new","data":{"userId":"p2"}}'
    hub().deliver([Durable("talk", [(1, 2, 1, 2, frame, 2, 0)])])
    assert ear.heard() == [("message:new", "p2")], "another's message does not"
    frame = b'{"event":"message:new","data":{"userId":"p1"}}'
    hub().deliver([Durable("talk", [(2, 3, 2, 1, frame, 1, 0)])])
    assert ear.heard() == [("message:new", "p1"), STOPS]


async def test_in_large_conversations_nobody_is_told(comes: Comes) -> None:
    ann, _ = comes(1, "talk", members=201)
    _, ear = comes(2, "talk", members=201)
    typing.start(ann, "talk")
    await forgets()
    assert ear.heard() == []


async def test_outsiders_find_nothing(comes: Comes) -> None:
    eve, _ = comes(3, "elsewhere")
    comes(1, "talk")
    for attempt in (typing.start, typing.stop):
        with pytest.raises(ChatError) as refused:
            attempt(eve, "talk")
        assert refused.value.code == "not_found"
