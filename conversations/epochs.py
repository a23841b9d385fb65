"""The epoch: which database the clients' cursors are of. A restored backup is another one, and begins a new epoch.

Versions that were handed out after the backup was made are given again to other changes; who holds them would miss
these. Every server's sweep counts itself in the epoch's row: where that count has gone back, the row is of the past.
"""

import uuid
from typing import Final, NamedTuple

from conversations.models import Epoch
from localroots_chat.database import CLOCK, ask


class Counted(NamedTuple):
    """The epoch, and how many sweeps all servers have made in this database."""

    value: str
    sweeps: int


def epoch() -> str:
    """The current epoch. One query; the first time ever, it is begun."""
    row, _ = Epoch.objects.get_or_create(pk=1, defaults={"value": str(uuid.uuid4())})
    return row.value


class Moment(NamedTuple):
    """A time of the database, in seconds since 1970, and the epoch then."""

    time: float
    epoch: str


_MOMENT: Final = f"SELECT {CLOCK}, value FROM conversations_epoch WHERE id = 1"


def moment() -> Moment:
    """Now. One query."""
    rows = ask(_MOMENT).rows()
    if not rows:
        epoch()
        return moment()
    return Moment(*rows[0])


def begin_epoch(after: str) -> str:
    """Begins a new epoch if this is the current one: of many who notice that it must end, one does it.

    Returns the current epoch. Two queries.
    """
    Epoch.objects.filter(value=after).update(value=str(uuid.uuid4()))
    return epoch()


def count_sweep() -> Counted:
    """Counts one sweep. One query."""
    rows = ask("UPDATE conversations_epoch SET sweeps = sweeps + 1 WHERE id = 1 RETURNING value, sweeps").rows()
    return Counted(*rows[0]) if rows else Counted("", 0)
