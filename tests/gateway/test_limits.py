"""The sliding window: exact in memory and through Redis, and each process for itself where Redis is away."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import asyncio as redis_asyncio

from localroots_chat.errors import ChatError
from localroots_chat.gateway import limits, redis_client
from localroots_chat.gateway.limits import Limits, MemoryLimits, Question, ask_in_thread, check_in_thread
from localroots_chat.wire import iso_of_epoch
from tests.support.services import RedisServer


def test_as_many_as_allowed_and_then_the_time_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    memory, one = MemoryLimits(), Question("send:1", 3, 10)
    assert [memory.ask(one) for _ in range(3)] == [0, 0, 0]
    now = 1004.0
    assert memory.ask(one) == pytest.approx(6)
    now = 1010.0
    assert memory.ask(one) == 0, "the first has left the window"


def test_people_and_buckets_are_counted_apart() -> None:
    memory = MemoryLimits()
    assert memory.ask(Question("send:1", 1, 10)) == 0
    assert memory.ask(Question("send:1", 1, 10)) > 0
    assert memory.ask(Question("send:2", 1, 10)) == 0
    assert memory.ask(Question("join:1", 1, 10)) == 0


async def test_redis_counts_a_batch_in_one_script_call(
    monkeypatch: pytest.MonkeyPatch, unique: Callable[[], str]
) -> None:
    calls = 0
    execute: Any = redis_asyncio.Redis.execute_command

    async def counting(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += arguments[0] == "EVALSHA"
        return await execute(self, *arguments, **options)

    asked = Limits()
    await asked.ask([Question(f"send:{unique()}", 1, 10)])  # Redis knows the script from now on
    monkeypatch.setattr(redis_asyncio.Redis, "execute_command", counting)
    one, other = Question(f"send:{unique()}", 2, 10), Question(f"send:{unique()}", 2, 10)
    waits = await asked.ask([one, other, one, one])
    assert [bool(wait) for wait in waits] == [False, False, False, True]
    assert 0 < waits[3] <= 10
    assert calls == 1


async def test_two_servers_share_one_count(unique: Callable[[], str]) -> None:
    here, there, one = Limits(), Limits(), Question(f"send:{unique()}", 2, 10)
    await here.check(one)
    await there.check(one)
    with pytest.raises(ChatError) as refused:
        await here.check(one)
    assert refused.value.code == "rate_limited"
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= 10


async def test_the_loop_and_the_threads_share_one_count(unique: Callable[[], str]) -> None:
    one = Question(f"send:{unique()}", 2, 10)
    await Limits().check(one)
    check_in_thread(one)
    with pytest.raises(ChatError) as refused:
        check_in_thread(one)
    assert refused.value.code == "rate_limited"
    with pytest.raises(ChatError):
        await Limits().check(one)


def test_a_thread_goes_on_where_redis_goes_away(
    settings: Any, monkeypatch: pytest.MonkeyPatch, unique: Callable[[], str]
) -> None:
    monkeypatch.setattr(redis_client, "breaker", redis_client.Breaker("test"))
    with RedisServer() as redis:
        settings.REDIS_URL = redis.url
        forget_clients()
        one = Question(f"send:{unique()}", 1, 10)
        assert ask_in_thread([one]) == [0]
        assert ask_in_thread([one])[0] > 0
        redis.kill()
        assert ask_in_thread([one]) == [0], "this process has not counted it yet"
        assert redis_client.breaker.is_open
        assert ask_in_thread([one])[0] > 0
    forget_clients()


def forget_clients() -> None:
    """The client of threads is the process's, for one address."""
    limits._thread_script.cache_clear()
    redis_client.thread_client.cache_clear()


async def test_without_redis_the_process_counts_for_itself(
    settings: Any, monkeypatch: pytest.MonkeyPatch, unique: Callable[[], str]
) -> None:
    monkeypatch.setattr(redis_client, "breaker", redis_client.Breaker("test"))
    with RedisServer() as redis:
        settings.REDIS_URL = redis.url
        asked, one = Limits(), Question(f"send:{unique()}", 2, 10)
        assert await asked.ask([one]) == [0]
        redis.kill()
        assert await asked.ask([one]) == [0]
        assert redis_client.breaker.is_open
        assert await asked.ask([one]) == [0]
        assert (await asked.ask([one]))[0] > 0


def test_a_time_of_the_wire_has_milliseconds() -> None:
    assert iso_of_epoch(1_700_000_000.0625) == "2023-11-14T22:13:20.062Z"
