"""Group commit: what arrives while one run is in flight shares the next one."""

import asyncio

import pytest

from localroots_chat.errors import ChatError
from localroots_chat.gateway.batcher import Batcher


class Desk:
    """Some work whose runs a test can hold up."""

    def __init__(self, **limits: int) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.batcher: Batcher[int, int] = Batcher(self.work, **{"most": 100, "waiting": 1000, **limits})

    async def work(self, items: list[int]) -> list[int | Exception]:
        self.batches.append(items)
        await self.gate.wait()
        return [ChatError("forbidden", "odd") if item < 0 else item * 10 for item in items]


async def test_the_first_does_not_wait_and_the_rest_go_together() -> None:
    desk = Desk()
    futures = [desk.batcher.put(1)]
    await asyncio.sleep(0)  # the runner has begun
    futures += [desk.batcher.put(2), desk.batcher.put(3)]
    desk.gate.set()
    assert await asyncio.gather(*futures) == [10, 20, 30]
    assert desk.batches == [[1], [2, 3]]


async def test_one_refusal_is_its_own() -> None:
    desk = Desk()
    desk.gate.set()
    good, bad = desk.batcher.put(1), desk.batcher.put(-1)
    assert await good == 10
    with pytest.raises(ChatError, match="odd"):
        await bad


async def test_a_failure_of_the_work_is_told_to_everybody_and_the_next_batch_works() -> None:
    async def fail(items: list[int]) -> list[int]:
        if 13 in items:
            raise RuntimeError("broken")
        return items

    batcher: Batcher[int, int] = Batcher(fail, most=10, waiting=10)
    unlucky = [batcher.put(1), batcher.put(13)]
    assert all(isinstance(one, RuntimeError) for one in await asyncio.gather(*unlucky, return_exceptions=True))
    assert await batcher.put(2) == 2


async def test_a_waiter_who_has_gone_disturbs_nobody() -> None:
    desk = Desk()
    gone, here = desk.batcher.put(1), desk.batcher.put(2)
    gone.cancel()
    desk.gate.set()
    assert await here == 20


async def test_too_many_waiting_are_refused_at_once() -> None:
    desk = Desk(waiting=2)
    waiting = [desk.batcher.put(1), desk.batcher.put(2)]
    with pytest.raises(ChatError) as refused:
        await desk.batcher.put(3)
    assert refused.value.code == "overloaded"
    desk.gate.set()
    assert await asyncio.gather(*waiting) == [10, 20]


async def test_an_outcome_may_come_from_elsewhere() -> None:
    elsewhere: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def work(items: list[int]) -> list[int | asyncio.Future[int]]:
        return [elsewhere if item == 1 else item for item in items]

    batcher: Batcher[int, int] = Batcher(work, most=10, waiting=10)
    one, two = batcher.put(1), batcher.put(2)
    assert await two == 2
    assert not one.done()
    elsewhere.set_result(7)
    assert await one == 7
