"""The epoch: which database the clients' cursors are of. A restored backup is another one, and begins a new epoch.

Versions that were handed out after the backup was made are given again to other changes; who holds them would miss
these. Every server's sweep counts itself in the epoch's row: where that count has gone back, the row is of the past.
"""

import uuid
from typing import NamedTuple

from django.db import connection

from conversations.models import Epoch
from localroots_chat.database import DatabaseNow


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


def moment() -> Moment:
    """Now. One query."""
    row = Epoch.objects.filter(pk=1).annotate(now=DatabaseNow()).values_list("now", "value").first()
    if row is None:
        epoch()
        return moment()
    return Moment(row[0].timestamp(), row[1])


def begin_epoch(after: str) -> str:
    """Begins a new epoch if this is the current one: of many who notice that it must end, one does it.

    Returns the current epoch. Two queries.
    """
    Epoch.objects.filter(value=after).update(value=str(uuid.uuid4()))
    return epoch()


def count_sweep() -> Counted:
    """Counts one sweep. One query."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE conversations_epoch SET sweeps = sweeps + 1 WHERE id = 1 RETURNING value, sweeps")
        row = cursor.fetchone()
    return Counted(*row) if row else Counted("", 0)
