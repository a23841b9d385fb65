"""The bus between servers: what one publishes the other hears, also after its subscription was lost without a word."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from channels.layers import channel_layers, get_channel_layer

from localroots_chat.gateway import layer
from localroots_chat.gateway.layer import Bus, Item, Unseated


@pytest.fixture
async def bus(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Bus, "asyncio.Queue[list[Item]]"]]:
    """A server's bus that asks often whether it hears, and what it has heard."""
    monkeypatch.setattr(layer, "_ECHO_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(layer, "_ECHO_SECONDS", 0.1)
    heard: asyncio.Queue[list[Item]] = asyncio.Queue()
    listening = Bus(heard.put_nowait)
    listening.start()
    yield listening, heard
    await listening.stop()
    await get_channel_layer().flush()
    channel_layers.backends.clear()


async def hear(heard: "asyncio.Queue[list[Item]]", item: Item) -> None:
    """Another server publishes this until it is heard."""
    async with asyncio.timeout(10):
        while True:
            for group, message in layer.pack([item], "another server"):
                await get_channel_layer().group_send(group, message)
            try:
                if await asyncio.wait_for(heard.get(), 0.1) == [item]:
                    return
            except TimeoutError:
                continue


async def test_a_lost_subscription_is_made_again(
    bus: tuple[Bus, "asyncio.Queue[list[Item]]"], caplog: pytest.LogCaptureFixture
) -> None:
    _, heard = bus
    await hear(heard, Unseated(1, "before", 1.0, b""))
    assert "deaf" not in caplog.text
    for shard in get_channel_layer()._shards:
        shard._receive_task.cancel()  # as an error does that the layer does not survive
    await hear(heard, Unseated(1, "after", 2.0, b""))
    assert "deaf" in caplog.text
