"""The project as a Django app: its start connects the gateway with what sockets.py composes."""

from django.apps import AppConfig


class LocalRootsChatConfig(AppConfig):
    name = "localroots_chat"
    verbose_name = "LocalRoots Chat"

    def ready(self) -> None:
        from localroots_chat import sockets

        sockets.connect_gateway()
