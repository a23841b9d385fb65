"""manage.py new_epoch: to be run after a backup was restored."""

from typing import Any

from django.core.management.base import BaseCommand

from conversations.epochs import begin_epoch, epoch


class Command(BaseCommand):
    """Tells clients to load afresh what they hold: those that are here within seconds, the others when they come."""

    help = "Begins a new epoch, after a backup was restored."

    def handle(self, *args: Any, **options: Any) -> None:
        begin_epoch(epoch())
        self.stdout.write("A new epoch has begun; clients load their conversations again.")
