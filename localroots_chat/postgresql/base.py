"""Django's PostgreSQL backend with an end to its patience: a server that does not answer makes nobody wait for long.

A frozen machine, or a network that swallows what it is given, leaves a statement waiting for hours, and with it its
thread. In processes that serve (`begin_to_serve`) each statement has a bound on PostgreSQL's side and one, a little
later, on this one. While there is no answer at all, further statements fail at once, and a thread of its own asks
until the database is back. Commands wait as long as it takes: a migration may.

It also offers what Django's does not: statements that PostgreSQL plans once for each connection, and several of them
in one round trip (`prepared_cursor`, `pipeline`; localroots_chat/database.py is the way to use them).
"""

import logging
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import Error, connection
from django.db.backends.postgresql import base, operations
from django.db.backends.utils import CursorWrapper
from psycopg import errors

_log = logging.getLogger(__name__)

_LONGER_SECONDS: Final = 1.0  # than PostgreSQL itself gives a statement: its refusal is the better answer
_LOCK_SECONDS: Final = 1.0  # who waits for a row holds a thread that others need
_QUIET_SECONDS: Final = 1.0
_ASK_SECONDS: Final = 2
_TRUSTED_SECONDS: Final = 5.0
_WAIT_INTERVAL: Final = 0.1  # psycopg's own: how often it looks for Ctrl+C


class SilentError(psycopg.OperationalError):
    """The database has not answered anybody lately, and was not asked."""


class Silence:
    """Whether the database answers anybody in this process."""

    def __init__(self) -> None:
        self._answered = 0.0
        self._is_silent = False

    def check(self) -> None:
        """Raises SilentError while nobody gets an answer."""
        if self._is_silent:
            raise SilentError("The database does not answer.")

    def heard(self) -> None:
        """There was an answer just now."""
        self._answered = time.monotonic()

    def waited(self) -> None:
        """Somebody has waited in vain. Others may have had answers meanwhile."""
        if self._answered < time.monotonic() - _QUIET_SECONDS and not self._is_silent:
            self._is_silent = True
            _log.error("The database does not answer; nothing more is asked of it until it does")
            threading.Thread(target=self._ask, name="database-is-silent", daemon=True).start()

    def _ask(self) -> None:
        try:
            parameters = {**connection.get_connection_params(), "connect_timeout": _ASK_SECONDS}
            while not self._connects(parameters):
                continue
        finally:  # also where this itself went wrong: then everybody asks again, and waits
            self.heard()
            self._is_silent = False

    def _connects(self, parameters: dict[str, Any]) -> bool:
        try:
            psycopg.connect(**parameters).close()
        except errors.ConnectionTimeout:
            return False
        except psycopg.Error as error:
            _log.warning("The database answers that it cannot be had: %s", error)
        else:
            _log.warning("The database answers again")
        return True


silence: Final = Silence()
_serving = False


def begin_to_serve() -> None:
    """From now on this process gives up on statements that take too long."""
    global _serving
    _serving = True


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose waits come to an end, and the connection with them: nobody could tell its late answers."""

    _heard_at = 0.0

    def seems_alive(self) -> bool:
        """Whether it has answered lately and nothing has come since, as it does when PostgreSQL closes it."""
        if time.monotonic() - self._heard_at > _TRUSTED_SECONDS or self.closed:
            return False
        news = select.poll()
        news.register(self.fileno(), select.POLLIN)
        return not news.poll(0)

    def wait(self, gen: Any, interval: float = _WAIT_INTERVAL, timeout: float | None = None) -> Any:
        silence.check()
        try:
            result = super().wait(gen, interval, timeout or settings.CHAT_STATEMENT_SECONDS + _LONGER_SECONDS)
        except errors._WaitTimeout:
            self.close()
            silence.waited()
            raise
        silence.heard()
        self._heard_at = time.monotonic()
        return result


class DatabaseOperations(operations.DatabaseOperations):
    """Django's, for its log of queries and for tests that count them."""

    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        return super().last_executed_query(cursor, sql, params) or sql  # of a prepared one, the text without values


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend, under the name that Django looks for."""

    ops_class = DatabaseOperations

    # Django opens its connections by this module's `connect`.
    Database: Any = SimpleNamespace(
        **{**vars(psycopg), "connect": lambda **given: _connection_class().connect(**given)}
    )

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if not _serving:
            return super().get_new_connection(conn_params)
        silence.check()
        bounds = {"statement_timeout": settings.CHAT_STATEMENT_SECONDS, "lock_timeout": _LOCK_SECONDS}
        # Compiling a statement takes 0.2 s, which none here is worth.
        options = ["-c jit=off", *(f"-c {name}={int(seconds * 1000)}" for name, seconds in bounds.items())]
        try:
            new = super().get_new_connection(
                {**conn_params, "options": " ".join([conn_params.get("options", ""), *options]).strip()}
            )
        except errors.ConnectionTimeout:
            silence.waited()
            raise
        if new.info.parameter_status("default_transaction_read_only") == "on":  # from PostgreSQL 14 on
            self.close_at = time.monotonic()  # such a session stays so: for this request, and not kept
        return new

    def prepared_cursor(self) -> CursorWrapper:
        """A cursor that sends a statement and its parameters apart, so that PostgreSQL knows the statement again."""
        self._make_ready()
        with self.wrap_database_errors:
            backend: Any = self  # Django's types know neither of the two
            cursor: CursorWrapper = backend._prepare_cursor(_server_binding_cursor(self.connection))
            return cursor

    def is_usable(self) -> bool:
        """Asked at the beginning of each request; a question to the database costs as much as a small answer."""
        if isinstance(self.connection, PatientConnection) and self.connection.seems_alive():
            return True
        return bool(super().is_usable())

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        """Statements inside are sent at once; each one's answer is waited for where it is fetched, or at the end."""
        self._make_ready()
        with self.wrap_database_errors, self.connection.pipeline():
            yield

    def _make_ready(self) -> None:
        self.close_if_health_check_failed()
        self.ensure_connection()

    def set_autocommit(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().set_autocommit(*args, **kwargs)
        except Error:
            # Else Django would take the next transaction for a part of this one, and never commit it.
            self.close()
            raise


_server_binding_cursor: Any = base.ServerBindingCursor


def _connection_class() -> type[psycopg.Connection[Any]]:
    return PatientConnection if _serving else psycopg.Connection
