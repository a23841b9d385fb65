"""Database work off the event loop: one bounded set of threads that keep and check their connections.

Nothing here knows a model. Consumers never call the ORM directly: Channels would run every query of the
process through one thread, and a connection killed by a restart of PostgreSQL would fail for ever.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, ClassVar, Final, ParamSpec, TypeVar

import msgspec
from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, connection
from django.db.models.functions import Now

from localroots_chat.errors import unavailable
from localroots_chat.postgresql.base import SilentError

_log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_IDLE_SECONDS = 5.0  # a connection unused for longer is asked before it is trusted
# It cannot be had, or not now. InternalError: it has become a standby, which takes no writes.
_AWAY = (OperationalError, InterfaceError, InternalError)
_RETRY_SECONDS = 0.2
_RETRIED_SECONDS = 1.0  # what has failed after a longer wait has waited long enough


class DatabaseNow(Now):
    """The database's time, for defaults and updates of columns that are compared with each other.

    SQLite compares times as texts. Django writes six digits after the second, or none where they are zero, and its
    own Now() three; with these six, never all zero, the texts sort as the times do.
    """

    SQLITE: ClassVar = "strftime('%%Y-%%m-%%d %%H:%%M:%%f001', 'now')"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=f"({self.SQLITE.replace('%', '%%')})", **context)


# Constant statements


class Answer:
    """What the database says to one statement."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def rows(self) -> list[Any]:
        """Waits for the answer. Raises what was wrong with the statement, as Django's errors."""
        rows: list[Any] = self._cursor.fetchall()
        return rows


def ask(statement: str, *parameters: Any) -> Answer:
    """Asks one of the constant statements of this service. PostgreSQL plans each once for a connection.

    The ORM writes and plans its statements anew each time, which costs more than most of them do; it is the way for
    all that is not asked with every message, page or connection. Lists go in as one parameter, else each length would
    be a statement of its own.
    """
    cursor = _prepared_cursor()
    cursor.execute(statement, parameters)
    return Answer(cursor)


def tell(statement: str, *parameters: Any) -> None:
    """Asks a constant statement that has no answer. Within `together`, an error comes at the end of it, or with the
    next answer."""
    _prepared_cursor().execute(statement, parameters)


def json_list(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as one parameter, for json_to_recordset or json_each."""
    return msgspec.json.encode(list(rows)).decode()


def _prepared_cursor() -> Any:
    return getattr(connection, "prepared_cursor" if settings.POSTGRESQL else "cursor")()


@contextmanager
def together() -> Iterator[None]:
    """What is asked inside goes to PostgreSQL without waiting for what was asked before: one round trip for all.

    Outside of a transaction it must be reading alone.
    """
    if settings.POSTGRESQL:
        with getattr(connection, "pipeline")():  # noqa: B009 (our backend's, unknown to Django's types)
            yield
    else:
        yield


# The database's time in a statement, in seconds since 1970
CLOCK: Final = (
    "extract(epoch FROM clock_timestamp())::float8"
    if settings.POSTGRESQL
    else "(julianday('now') - 2440587.5) * 86400.0"
)
_CLOCK: Final = f"SELECT {CLOCK}"


def database_clock() -> float:
    """The database's time, in seconds since 1970."""
    ((seconds,),) = ask(_CLOCK).rows()
    return float(seconds)


# Threads


class _Clock(threading.local):
    last_used = 0.0


_clock = _Clock()


@lru_cache(maxsize=1)
def threads() -> ThreadPoolExecutor:
    """The bounded executor of this process (made on first use, so that no thread is lost in a fork)."""
    return ThreadPoolExecutor(settings.CHAT_DATABASE_THREADS, thread_name_prefix="database")


def with_connection(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs `work` on this thread's kept connection; where that was lost, at once or after a moment, on a new one.

    `work` must be safe to repeat: reading, or writing in one transaction that finds out what it did before.
    Raises ChatError `unavailable` where the database cannot be had or lets `work` wait too long.
    """
    begun = time.monotonic()
    while True:
        if time.monotonic() - _clock.last_used > _IDLE_SECONDS:
            setattr(connection, "health_check_done", False)  # Django then asks before the next statement  # noqa: B010
        try:
            result = work(*args, **kwargs)
        except _AWAY as error:
            if _is_lost() or isinstance(error, InternalError):  # the primary may be elsewhere now
                connection.close()
            if not _may_pass(error) or time.monotonic() - begun > _RETRIED_SECONDS:
                _log.info("The database could not be had: %s", error)
                raise unavailable() from error
            time.sleep(_RETRY_SECONDS)
        else:
            _clock.last_used = time.monotonic()
            return result


def _is_lost() -> bool:
    raw = connection.connection
    return raw is None or bool(getattr(raw, "closed", False))


def _may_pass(error: Exception) -> bool:
    """Whether a second try may succeed: the connection was lost (no SQLSTATE, or class 08), PostgreSQL restarts (57P),
    has rolled back (40) or is a standby now (25). Not where somebody has waited already: for a lock, for room.
    """
    if isinstance(error.__cause__, SilentError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(("08", "57P", "40", "25"))


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Awaits `with_connection(work, …)` in one of the bounded threads."""
    call = partial(with_connection, work, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(threads(), call)
