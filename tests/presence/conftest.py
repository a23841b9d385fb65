"""People with ears instead of sockets, at the hub of the test's own loop."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
import pytest

from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.hub import hub, stop_hub
from localroots_chat.gateway.protocol import Packet
from localroots_chat.gateway.wiring import Arrival, Person, Seat, Unread
from presence.attendance import Attendance


class Ear:
    """An outlet that remembers what it heard, and in how many pieces."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.writes = 0
        self._arrived = asyncio.Event()

    def write(self, packet: Packet, *, sheddable: bool) -> None:
        self.writes += 1
        self.frames += [json.loads(payload) for payload in packet.payloads]
        self._arrived.set()

    def close(self) -> None: ...

    def heard(self) -> list[tuple[str, str]]:
        """Since it was asked last: events, and whom they are about."""
        frames, self.frames = self.frames, []
        self._arrived.clear()
        return [(frame["event"], frame["data"]["userId"]) for frame in frames]

    async def hears(self) -> list[tuple[str, str]]:
        """The same, when there is something."""
        await asyncio.wait_for(self._arrived.wait(), 5)
        return self.heard()


Comes = Callable[..., tuple[Connection, Ear]]


@pytest.fixture
async def comes(settings: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Comes]:
    """`connection, ear = comes(1, "talk")`: person 1, "p1" on the wire, who is in this conversation. There are no
    beats but those that a test makes."""

    async def no_beats(self: Attendance) -> None: ...

    monkeypatch.setattr(Attendance, "run", no_beats)
    settings.REDIS_URL = ""
    settings.CHAT_SWEEP_SECONDS = 1000

    def come(key: int, *topics: str, members: int = 2, hidden: bool = False) -> tuple[Connection, Ear]:
        ear = Ear()
        person = Person(key, f"p{key}", msgspec.Raw(b"{}"), True, hidden)
        seats: Sequence[Seat] = [Seat(topic, 0, 0, members) for topic in topics]
        arrival = Arrival(person, None, None, seats, "epoch", Unread(0, 0), 0.0, [], [])
        connection = Connection(arrival, ear, lambda code, reason: None)
        hub().attach(connection, seats)
        return connection, ear

    yield come
    await stop_hub()
