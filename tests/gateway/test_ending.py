"""A socket that is being sent away hears on until it is answered, unless it loses the right to."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.consumer import ChatConsumer
from localroots_chat.gateway.hub import hub, stop_hub
from localroots_chat.gateway.layer import Durable, Personal, Revoked
from localroots_chat.gateway.protocol import Packet
from localroots_chat.gateway.wiring import Arrival, Person, Seat, Unread


class Ear:
    """An outlet that remembers."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def write(self, packet: Packet, *, sheddable: bool) -> None:
        self.heard += packet.payloads

    def close(self) -> None: ...


class Unanswered:
    """Commands whose answers come when `answered` is set."""

    def __init__(self) -> None:
        self.answered = asyncio.Event()

    async def finish(self) -> None:
        await self.answered.wait()


@pytest.mark.parametrize("revoked", [False, True])
async def test_who_is_revoked_while_being_sent_away_hears_nothing_more(revoked: bool) -> None:
    closed: list[int] = []

    async def send(message: dict[str, Any]) -> None:
        closed.append(message["code"])

    consumer: Any = ChatConsumer()  # its parts without a socket
    commands = Unanswered()
    consumer._send, consumer._expiry, consumer._ending, consumer._preframed = send, None, None, None
    consumer._outlet, consumer._commands = Ear(), commands
    person = Person(1, "alice", msgspec.Raw(b"{}"), True, False)
    arrival = Arrival(person, None, None, [Seat("talk", 0, 0, 2)], "epoch", Unread(0, 0), time.time(), [], [])
    connection = consumer._connection = Connection(arrival, consumer._outlet, consumer._close_soon)
    try:
        hub().attach(connection, arrival.seats)
        hub().send_away([connection], "restart")
        assert connection in hub().connections(), "it waits for its answers"
        if revoked:
            hub().revoke(Revoked(1))
        assert (connection in hub().connections()) is not revoked
        assert closed == []
        commands.answered.set()
        await consumer._ending
        assert closed == [1012]
        assert hub().connections() == []
    finally:
        await stop_hub()


async def test_an_item_that_cannot_be_delivered_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    ear = Ear()
    person = Person(1, "alice", msgspec.Raw(b"{}"), True, False)
    arrival = Arrival(person, None, None, [], "epoch", Unread(0, 0), time.time(), [], [])
    connection = Connection(arrival, ear, lambda code, reason: None)
    try:
        hub().attach(connection, [Seat("talk", 0, 0, 2)])
        connection.blocked = {7}
        unreadable = Durable("talk", [(0, 1, 1, 7, b'{"event":"no message"}', 7, 0)])
        hub().announce([unreadable, Personal(1, b'{"event":"hello","data":null}')])
        assert ear.heard == [b'{"event":"hello","data":null}']
        assert "A Durable could not be delivered" in caplog.text
    finally:
        await stop_hub()
