"""People at the door: who stands behind a credential, asked for all who come at the same time, and their welcome."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
from django.conf import settings

from localroots_chat.database import threads, with_connection
from localroots_chat.errors import ChatError
from localroots_chat.gateway.batcher import Batcher
from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.limits import Question, ask_in_thread, question, too_often
from localroots_chat.gateway.per_loop import per_loop
from localroots_chat.gateway.protocol import event_frame, raw
from localroots_chat.gateway.wiring import Arrival, Credential, wired
from localroots_chat.wire import iso_of_epoch


class Visitor(NamedTuple):
    """Somebody at the door: what they showed, and the address to count for it, unless it has been counted before."""

    credential: Credential
    address: str | None = None


@per_loop
def arrivals() -> Batcher[Visitor, Arrival]:
    """A thousand people who reconnect at once share their look-ups. Raises `rate_limited`, `token_invalid`."""
    return Batcher(_arrive, most=100, waiting=10_000)


async def _arrive(visitors: list[Visitor]) -> list[Arrival | ChatError]:
    return await asyncio.get_running_loop().run_in_executor(threads(), _let_in, visitors)


def _let_in(visitors: Sequence[Visitor]) -> list[Arrival | ChatError]:
    """Counts once, however often the database has to be asked."""
    waits = _waits(visitors)
    welcome = [visitor.credential for visitor, wait in zip(visitors, waits, strict=True) if not wait]
    arrivals = iter(with_connection(wired().arrive, welcome))
    return [too_often(wait) if wait else next(arrivals) for wait in waits]


def _waits(visitors: Sequence[Visitor]) -> list[float]:
    """The seconds that each has to wait, because too many come from the same address."""
    answers = iter(ask_in_thread([connecting(one.address) for one in visitors if one.address is not None]))
    return [0.0 if one.address is None else next(answers) for one in visitors]


def connecting(address: str) -> Question:
    """May one more connection be opened from this address?"""
    return question("connect", address)


class Auth(msgspec.Struct):
    """{token}: the data of the command `auth`."""

    token: object = None


class Welcome(msgspec.Struct, rename="camel"):
    """The first event of every connection."""

    connection_id: str
    user: msgspec.Raw
    epoch: str
    heartbeat_interval: float
    server_time: str
    unread_total: int
    unread_muted: int
    limits: msgspec.Raw


def welcome_frame(connection: Connection, arrival: Arrival) -> bytes:
    """What the client is told first: who it is, and what this server expects of it."""
    beat = settings.CHAT_HEARTBEAT_SECONDS
    welcome = Welcome(
        connection_id=connection.id,
        user=arrival.person.shape,
        epoch=arrival.epoch,
        heartbeat_interval=int(beat) if beat == int(beat) else beat,
        server_time=iso_of_epoch(arrival.read_at),  # the database's, as everybody's
        unread_total=arrival.unread.total - arrival.unread.muted,
        unread_muted=arrival.unread.muted,
        limits=_limits(
            settings.CHAT_MESSAGE_CHARACTERS,
            settings.CHAT_FRAME_BYTES,
            settings.CHAT_SOCKETS_PER_PERSON,
            settings.CHAT_GROUP_MEMBERS,
            tuple(settings.CHAT_RATES.items()),
        ),
    )
    return event_frame("welcome", welcome)


@lru_cache(maxsize=1)
def _limits(
    characters: int, frame_bytes: int, sockets: int, members: int, rates: tuple[tuple[str, tuple[int, float]], ...]
) -> msgspec.Raw:
    return raw(
        {
            "messageCharacters": characters,
            "frameBytes": frame_bytes,
            "socketsPerPerson": sockets,
            "groupMembers": members,
            "rates": {name: f"{most}/{seconds:g}s" for name, (most, seconds) in rates},
        }
    )
