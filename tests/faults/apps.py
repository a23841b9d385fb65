"""The app that breaks the server it is installed in."""

import os

from django.apps import AppConfig


class Sabotage(AppConfig):
    """Puts in the faults that the environment's FAULTS names, separated by commas."""

    name = "tests.faults"
    label = "sabotage"

    def ready(self) -> None:
        from tests.faults.sabotage import put_in

        for fault in filter(None, os.environ.get("FAULTS", "").split(",")):
            put_in(fault)
