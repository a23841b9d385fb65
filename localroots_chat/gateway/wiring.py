"""What the gateway is given and must not import: who people are, where they sit, what the commands do.

sockets.py fills this in once, when Django has loaded the apps.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import msgspec

from localroots_chat.errors import ChatError
from localroots_chat.gateway.layer import Hidden, Present, Settings, Unseated

if TYPE_CHECKING:
    from localroots_chat.gateway.connection import Connection


class Person(NamedTuple):
    """Somebody, as the gateway knows them. `key` is internal, `id` the wire's, `shape` the wire's User as JSON."""

    key: int
    id: str
    shape: msgspec.Raw
    receipts: bool
    appear_offline: bool


class Seat(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A conversation somebody is in (`topic` is its id), with the version and seq at the time of the query."""

    topic: str
    version: int
    seq: int
    members: int


class Credential(NamedTuple):
    """What a client showed: a token, or a one-time ticket."""

    token: object = None
    ticket: str | None = None


class Unread(NamedTuple):
    """How many messages somebody has not read, in all conversations, and in those whose notifications are off."""

    total: int
    muted: int


class Arrival(NamedTuple):
    """What is known of somebody whose credential was good. `read_at` is a time of the database, before all of it was
    read. Times are in seconds since 1970. `blocked` and `blocked_by` are keys of people.
    """

    person: Person
    expires: float | None
    session: str | None
    seats: Sequence[Seat]
    epoch: str
    unread: "Unread"
    read_at: float
    blocked: Sequence[int]
    blocked_by: Sequence[int]


class Change(NamedTuple):
    """A durable change on its way: it covers prev + 1 … version; `seq` is the conversation's last seq with it.

    Whoever has blocked one of these people (keys, 0: nobody) hears of it less: who made the change, whose words it
    carries, and whose words these answer.
    """

    prev: int
    version: int
    seq: int
    actor: int
    frame: bytes
    author: int = 0
    quoted: int = 0

    def veils(self, blocked: Set[int]) -> int:
        """How it is to be told to somebody who has blocked these people: a sum of AUTHOR, ACTOR and QUOTED; 0 as it
        is."""
        return AUTHOR * (self.author in blocked) + ACTOR * (self.actor in blocked) + QUOTED * (self.quoted in blocked)


# Of whom nothing is to be told
AUTHOR: Final = 1
ACTOR: Final = 2
QUOTED: Final = 4


class Head(NamedTuple):
    """Where a conversation stands in the database, and the changes that lead there."""

    version: int
    seq: int
    changes: Sequence[Change]


class SeatMove(NamedTuple):
    """A seat gained (`seat`) or lost (None) by the person with this key."""

    person: int
    topic: str
    seat: Seat | None
    frame: bytes


class Missed(NamedTuple):
    """What the database says: its epoch, how many sweeps it has seen, and what has changed.

    That is: conversations and their versions, who sits where (person, topic, still there), people who must go, with
    the time before which what is known of them was read, sign-ins (person, session) that ended, and people's settings.
    Times are the database's, in seconds since 1970: servers need not agree on theirs.
    """

    now: float
    epoch: str
    sweeps: int
    versions: Sequence[tuple[str, int]]
    seats: Sequence[tuple[int, str, bool]]
    revoked: Sequence[tuple[int, float]]
    ended: Sequence[tuple[int, str]]
    settings: Sequence[Settings]


class Attendance(Protocol):
    """Who is told that people come, go and write (presence/). Each hub has one and calls it on its loop; what it is
    told takes no time and raises nothing."""

    def came(self, connection: "Connection") -> None:
        """A connection is here."""

    def went(self, connection: "Connection") -> None:
        """A connection is gone."""

    def heard(self, item: Settings | Present | Hidden | Unseated) -> None:
        """What this server or another one has announced."""

    def spoke(self, person: int, topic: str) -> None:
        """The person's message is being handed out in this conversation."""

    def watched(self) -> Collection[int]:
        """The people (keys) of whose coming and going somebody here is told."""

    async def run(self) -> None:
        """What it does by itself, until it is cancelled."""

    async def stop(self) -> None:
        """The server ends."""


class CommandSpec(NamedTuple):
    """One command: how its data is read, what it does, which limit of settings.CHAT_RATES counts it.

    `handle` is called in the order of the frames and returns something to await: the reply's data. Where the client
    gave no ref, so that no reply goes out, `unanswered` is called instead, if there is one; it costs so little that
    each server counts it by itself. A command that is `pipelined` does not keep the next one waiting.
    """

    takes: Any
    handle: "Callable[[Connection, Any], Awaitable[object]]"
    rate: str | None
    pipelined: bool = False
    unanswered: "Callable[[Connection, Any], Awaitable[object]] | None" = None


class Wiring(NamedTuple):
    """Everything the gateway calls in the rest of the house. What is not a command runs in database threads; but
    `veiled`, which makes another frame of one (Change.veils), and what `attendance` gives."""

    arrive: Callable[[list[Credential]], Sequence[Arrival | ChatError]]
    commands: Mapping[str, CommandSpec]
    read_after: Callable[[str, int, int], Head]
    missed_since: Callable[[float, Sequence[str], Sequence[int]], Missed]
    seat_moves: Callable[[Sequence[tuple[int, str]]], Sequence[SeatMove]]
    clock: Callable[[], float]
    veiled: Callable[[bytes, int], bytes]
    attendance: Callable[[], Attendance]
    begin_epoch: Callable[[str], str]


_wiring: Wiring | None = None


def connect(wiring: Wiring) -> None:
    """Called once by sockets.py."""
    global _wiring
    _wiring = wiring


def wired() -> Wiring:
    """The wiring. Raises RuntimeError before Django is set up."""
    if _wiring is None:
        raise RuntimeError("sockets.connect_gateway() has not run: is Django set up?")
    return _wiring
