"""The composition for ASGI servers: HTTP to Django, sockets to the gateway, lifespan to the hub."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "localroots_chat.settings")

import django

django.setup(set_prefix=False)  # before everything that imports models

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from localroots_chat.gateway.consumer import ChatConsumer  # noqa: E402
from localroots_chat.gateway.drain import drain_on_signals  # noqa: E402
from localroots_chat.gateway.garbage import collect_seldom  # noqa: E402
from localroots_chat.gateway.hub import hub, stop_hub  # noqa: E402
from localroots_chat.http_threads import OneHopHandler  # noqa: E402
from localroots_chat.observability.health import Health  # noqa: E402
from localroots_chat.postgresql.base import begin_to_serve  # noqa: E402
from localroots_chat.screening.screen import screens  # noqa: E402

begin_to_serve()
screens()  # not with the first message: a model takes a second to load


async def refuse(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A socket at an address where there is none: HTTP 403."""
    await receive()
    await send({"type": "websocket.close"})


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Starts and ends the hub with the server (daphne has no lifespan: its first connection starts the hub)."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            collect_seldom()
            hub()
            drain_on_signals()
            await send({"type": "lifespan.startup.complete"})
        else:
            await stop_hub()
            await send({"type": "lifespan.shutdown.complete"})
            return


# Channels routes sockets by Django's path(), whose types know HTTP views only.
_chat: Any = ChatConsumer.as_asgi()
_nowhere: Any = refuse

application = ProtocolTypeRouter(
    {
        "http": Health(OneHopHandler()),
        "websocket": URLRouter([path("ws/chat/", _chat), re_path("", _nowhere)]),
        "lifespan": lifespan,
    }
)
