"""The composition for ASGI servers: HTTP to Django, sockets to the gateway, lifespan to the hub."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "localroots_chat.settings")

from django.core.asgi import get_asgi_application

_django = get_asgi_application()  # sets Django up, so it comes before everything that imports models

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from localroots_chat.gateway.consumer import ChatConsumer  # noqa: E402
from localroots_chat.gateway.hub import hub, stop_hub  # noqa: E402
from localroots_chat.http_threads import KeptThreads  # noqa: E402


async def refuse(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A socket at an address where there is none: HTTP 403."""
    await receive()
    await send({"type": "websocket.close"})


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Starts and ends the hub with the server (daphne has no lifespan: its first connection starts the hub)."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            hub()
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
        "http": KeptThreads(_django),
        "websocket": URLRouter([path("ws/chat/", _chat), re_path("", _nowhere)]),
        "lifespan": lifespan,
    }
)
