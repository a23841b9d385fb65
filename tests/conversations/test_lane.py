"""The writer's lane: who shares a transaction with whom, in which order. What a transaction does: test_writer.py."""

import asyncio
import threading
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from conversations import writer as lane
from conversations.sends import Send, Stored
from conversations.storing import LOCKED, Outcome
from conversations.writer import Writer
from localroots_chat.errors import ChatError
from localroots_chat.gateway.batcher import Batcher
from localroots_chat.gateway.layer import Item
from localroots_chat.gateway.protocol import raw

HERE, THERE = uuid.uuid4(), uuid.uuid4()


class Storage:
    """Stands where the database is: says what it stored, in which order, and holds what a test wants held."""

    def __init__(self) -> None:
        self.stored: list[list[str]] = []
        self.counted: list[int] = []
        self.gate = threading.Event()  # each transaction waits here
        self.gate.set()
        self.held: set[uuid.UUID] = set()  # by somebody else; who waits for the lock waits until this opens
        self.lock = threading.Event()
        self.began = threading.Semaphore(0)
        self.error: Exception | None = None

    def batch(self, sends: Sequence[Send], *, wait_for_locks: bool) -> Any:
        storage = self

        class Batch:
            def store(self) -> tuple[list[Outcome], list[Item]]:
                storage.began.release()
                assert (storage.lock if wait_for_locks else storage.gate).wait(10)
                if storage.error is not None:
                    error, storage.error = storage.error, None
                    raise error
                free = [send for send in sends if wait_for_locks or send.conversation not in storage.held]
                storage.stored.append([send.content for send in free])
                done: list[Outcome] = [Stored(raw(send.content), False) if send in free else LOCKED for send in sends]
                return done, []

        return Batch()

    def count(self, questions: Sequence[object]) -> list[float]:
        self.counted.append(len(questions))
        return [0.0] * len(questions)


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    made = Storage()
    monkeypatch.setattr(lane, "Batch", made.batch)
    monkeypatch.setattr(lane, "ask_in_thread", made.count)
    yield made
    made.gate.set()
    made.lock.set()


def say(content: str, conversation: uuid.UUID = HERE) -> Send:
    return Send(1, conversation, content, "TEXT", None, None, "")


async def begun(storage: Storage) -> None:
    """Until one more transaction is in flight."""
    assert await asyncio.to_thread(storage.began.acquire, timeout=10)


async def test_the_first_does_not_wait_and_the_rest_go_together(storage: Storage) -> None:
    writer = Writer()
    storage.gate.clear()
    futures = [writer.put(say("first"))]
    await begun(storage)
    futures += [writer.put(say(f"{number}")) for number in range(3)]
    storage.gate.set()
    assert await asyncio.gather(*futures) == [Stored(raw(text), False) for text in ("first", "0", "1", "2")]
    assert storage.stored == [["first"], ["0", "1", "2"]]
    assert storage.counted == [1, 3], "one question to the limits for each batch"


async def test_what_waits_for_a_lock_keeps_its_order_and_nobody_else_waiting(storage: Storage) -> None:
    writer = Writer()
    storage.held.add(HERE)
    first = writer.put(say("first"))
    await begun(storage)  # which finds it locked
    await begun(storage)  # the transaction of its own that waits
    storage.held.clear()  # the lane would find it free now
    second, elsewhere = writer.put(say("second")), writer.put(say("elsewhere", THERE))
    await elsewhere
    assert storage.stored[-1] == ["elsewhere"], "what came behind one that waits goes behind it"
    storage.lock.set()
    await asyncio.gather(first, second)
    assert [content for batch in storage.stored for content in batch if content != "elsewhere"] == ["first", "second"]
    await writer.put(say("third"))
    assert storage.stored[-1] == ["third"]
    assert not writer._held, "nobody waits any more"


@pytest.mark.parametrize("error", [RuntimeError("broken"), ChatError("unavailable", "gone")])
async def test_a_failure_is_told_to_everybody_and_the_next_batch_is_stored(storage: Storage, error: Exception) -> None:
    writer = Writer()
    storage.gate.clear()
    unlucky = [writer.put(say("a"))]
    await begun(storage)
    storage.error = error
    storage.gate.set()
    assert await asyncio.gather(*unlucky, return_exceptions=True) == [error]
    assert await writer.put(say("b")) == Stored(raw("b"), False)


async def test_too_many_who_wait_for_a_lock_are_refused_and_nobody_else(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer()
    storage.held.add(HERE)
    first = writer.put(say("first"))
    await begun(storage)
    await begun(storage)  # it waits in a transaction of its own
    monkeypatch.setattr(Batcher, "put", refuse)
    storage.gate.clear()
    refused = writer.put(say("too many"))
    elsewhere = writer.put(say("elsewhere", THERE))
    storage.gate.set()
    with pytest.raises(ChatError) as error:
        await refused
    assert error.value.code == "overloaded"
    await elsewhere
    storage.lock.set()
    await first
    assert not writer._held


def refuse(*_: object) -> None:
    raise ChatError("overloaded", "too many")


async def test_too_many_are_refused_at_once(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "WAITING_MOST", 2)
    writer = Writer()
    storage.gate.clear()
    futures = [writer.put(say("in flight"))]
    await begun(storage)
    futures += [writer.put(say("waits")), writer.put(say("waits too"))]
    with pytest.raises(ChatError) as refused:
        await writer.put(say("too many"))
    assert refused.value.code == "overloaded"
    storage.gate.set()
    await asyncio.gather(*futures)
