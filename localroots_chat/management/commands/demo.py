"""manage.py demo: a small marketplace to look at, and with --live one in which people go on talking."""

import argparse
import asyncio
import contextlib
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from localroots_chat.demo import marketplace
from localroots_chat.demo.live import CannotBegin, Live
from localroots_chat.demo.people import PASSWORD, PEOPLE, STAFF

_MINUTES_MOST: Final = 60


class Command(BaseCommand):
    """Makes the demo's people and what they have said. Run again, it changes nothing.

    Who there is goes to standard output, what was done about it to standard error.
    """

    help = "Fills the database with a small demo marketplace; --live lets its people go on talking (development only)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--live", action="store_true", help="then let the people go on talking, on a running server"
        )
        parser.add_argument("--minutes", type=float, default=5, help=f"how long (default 5, at most {_MINUTES_MOST})")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the server is (default %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo's people have a known password; it is not for production.")
        if not 0 < options["minutes"] <= _MINUTES_MOST:
            raise CommandError(f"--minutes must be more than 0 and at most {_MINUTES_MOST}.")
        self._note(self._fill())
        if options["live"]:
            self._live(options["url"], options["minutes"])
        else:
            self._introduce()

    def _fill(self) -> str:
        """What was done, in a sentence."""
        taken = marketplace.names_taken()
        if not taken:
            marketplace.fill()
            return "The demo marketplace has been made."
        if len(taken) == len(PEOPLE):
            return "The demo marketplace is here already; nothing was changed."
        names = ", ".join(one.username for one in PEOPLE if one.username in taken)
        return f"Nothing was changed, since these names are taken: {names}. An empty database gets the whole demo."

    def _introduce(self) -> None:
        width = max(len(one.username) for one in PEOPLE)
        self.stdout.write("Sign in as any of these people:")
        for one in PEOPLE:
            self.stdout.write(f"  {one.username:{width}}  {one.name}, {one.role.label.lower()}")
        self.stdout.write(f"  {STAFF:{width}}  staff, for /admin/")
        self.stdout.write(f"Everybody's password is: {PASSWORD}")

    def _live(self, url: str, minutes: float) -> None:
        try:
            stage = Live(url, seconds=minutes * 60, say=self._say)
            with stage.signed_in(), contextlib.suppress(KeyboardInterrupt):
                asyncio.run(stage.run())
        except CannotBegin as problem:
            raise CommandError(str(problem)) from None
        self._say(stage.farewell)

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _note(self, text: str) -> None:
        self.stderr.write(text, str)  # not in the red of errors
