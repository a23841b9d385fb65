"""The server's heartbeats, and the end of connections that have fallen silent.

Each tick visits a share of the connections, instead of a timer for each: their first heartbeat comes one interval
after their welcome.
"""

import asyncio
import time
from typing import Final

from django.conf import settings

from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.protocol import Packet, event_frame
from localroots_chat.wire import iso_of_epoch

_SHARES: Final = 25


class Heartbeats:
    """All connections of one server, by the tick of their arrival."""

    def __init__(self) -> None:
        self._shares: list[dict[Connection, None]] = [{} for _ in range(_SHARES)]
        self._now = 0

    def add(self, connection: Connection) -> None:
        """`connection` is to be visited from now on."""
        connection.share = self._now
        self._shares[connection.share][connection] = None

    def remove(self, connection: Connection) -> None:
        """`connection` is gone."""
        self._shares[connection.share].pop(connection, None)

    async def run(self) -> None:
        """Beats for ever."""
        while True:
            await asyncio.sleep(settings.CHAT_HEARTBEAT_SECONDS / _SHARES)
            self._now = (self._now + 1) % _SHARES
            packet = Packet([event_frame("heartbeat", {"serverTime": iso_of_epoch(time.time())})])
            for connection in tuple(self._shares[self._now]):
                self._visit(connection, packet)

    def _visit(self, connection: Connection, packet: Packet) -> None:
        connection.write(packet)
        left = connection.heard + settings.CHAT_SILENCE_SECONDS - time.monotonic()
        if left < settings.CHAT_HEARTBEAT_SECONDS:  # its time may be up before the next visit
            asyncio.get_running_loop().call_later(max(0.0, left), self._end_if_silent, connection)

    def _end_if_silent(self, connection: Connection) -> None:
        is_here = connection in self._shares[connection.share]
        if is_here and time.monotonic() - connection.heard >= settings.CHAT_SILENCE_SECONDS:
            connection.close(4408, "nothing heard")
