"""The project as a Django app: its start connects the gateway with what sockets.py composes."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from localroots_chat.screening.screen import screens


class LocalRootsChatConfig(AppConfig):
    name = "localroots_chat"
    verbose_name = "LocalRoots Chat"

    def ready(self) -> None:
        from localroots_chat import sockets

        sockets.connect_gateway()
        checks.register(_check_screens)


def _check_screens(*, app_configs: Sequence[AppConfig] | None, **more: Any) -> list[checks.CheckMessage]:
    """What is wrong with the screens is said before a server starts, and by manage.py check."""
    try:
        screens()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="localroots_chat.E001")]
    return []
