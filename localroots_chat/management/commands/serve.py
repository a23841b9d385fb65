"""manage.py serve: the production server."""

import argparse
import contextlib
import signal
import sys
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from uvicorn.supervisors import Multiprocess

from localroots_chat.gateway.server import configuration, listen


class Command(BaseCommand):
    """Serves REST, admin, sockets and static files through uvicorn until SIGTERM or SIGINT."""

    help = "Runs the production server."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=1, help="more than one needs REDIS_URL")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port, workers = options["host"], options["port"], options["workers"]
        if workers < 1:
            raise CommandError("--workers must be at least 1.")
        if workers > 1 and not settings.REDIS_URL:
            raise CommandError("More than one worker needs REDIS_URL: it is how they tell each other.")
        try:
            listening = listen(host, port)
        except OSError as error:
            raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
        with contextlib.suppress(OSError):  # without the folder every process says that it is missing
            settings.STATIC_ROOT.mkdir(exist_ok=True)
        config = configuration(host, port, workers)
        self.stdout.write(f"LocalRoots Chat on http://{host}:{port}/ (Ctrl+C ends it)")
        self.stdout.flush()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again when it has ended in order
        if workers == 1:
            uvicorn.Server(config).run(sockets=[listening])
        else:
            Multiprocess(config, sockets=[listening]).run()
