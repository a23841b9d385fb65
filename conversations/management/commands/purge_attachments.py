"""manage.py purge_attachments: deletes files that nobody has sent, and those of messages that are gone. For a timer."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand

from conversations.attachments import purge

_AT_ONCE = 500


class Command(BaseCommand):
    """A batch after the other, until there are none; may be stopped and started again."""

    help = "Deletes uploaded files that were not sent, and those of deleted or refused messages."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--hours", type=int, default=24, help="how long an upload may wait to be sent")

    def handle(self, *args: Any, **options: Any) -> None:
        purged = 0
        while found := purge(hours=options["hours"], most=_AT_ONCE):
            purged += found
            self.stdout.write(f"{purged} purged")
        self.stdout.write(f"{purged} files purged.")
