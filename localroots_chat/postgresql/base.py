"""Django's PostgreSQL backend with an end to its patience: a server that does not answer makes nobody wait for long.

A frozen machine, or a network that swallows what it is given, leaves a statement waiting for hours, and with it its
thread. In processes that serve (`begin_to_serve`) each statement has a bound on PostgreSQL's side and one, a little
later, on this one. While there is no answer at all, further statements fail at once, and a thread of its own asks
until the database is back. Commands wait as long as it takes: a migration may.
"""

import logging
import threading
import time
from types import SimpleNamespace
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import Error, connection
from django.db.backends.postgresql import base
from psycopg import errors

_log = logging.getLogger(__name__)

_LONGER_SECONDS: Final = 1.0  # than PostgreSQL itself gives a statement: its refusal is the better answer
_LOCK_SECONDS: Final = 1.0  # who waits for a row holds a thread that others need
_QUIET_SECONDS: Final = 1.0
_ASK_SECONDS: Final = 2
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

    def wait(self, gen: Any, interval: float = _WAIT_INTERVAL, timeout: float | None = None) -> Any:
        silence.check()
        try:
            result = super().wait(gen, interval, timeout or settings.CHAT_STATEMENT_SECONDS + _LONGER_SECONDS)
        except errors._WaitTimeout:
            self.close()
            silence.waited()
            raise
        silence.heard()
        return result


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend, under the name that Django looks for."""

    # Django opens its connections by this module's `connect`.
    Database: Any = SimpleNamespace(
        **{**vars(psycopg), "connect": lambda **given: _connection_class().connect(**given)}
    )

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if not _serving:
            return super().get_new_connection(conn_params)
        silence.check()
        bounds = {"statement_timeout": settings.CHAT_STATEMENT_SECONDS, "lock_timeout": _LOCK_SECONDS}
        options = [f"-c {name}={int(seconds * 1000)}" for name, seconds in bounds.items()]
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

    def set_autocommit(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().set_autocommit(*args, **kwargs)
        except Error:
            # Else Django would take the next transaction for a part of this one, and never commit it.
            self.close()
            raise


def _connection_class() -> type[psycopg.Connection[Any]]:
    return PatientConnection if _serving else psycopg.Connection
