"""From COMMIT to everybody: the one way in which other code tells connections anything."""

import asyncio
import logging

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

from localroots_chat.gateway.hub import serving
from localroots_chat.gateway.layer import PUBLISH_SECONDS, Item, pack

_log = logging.getLogger(__name__)


def on_commit(*items: Item) -> None:
    """Publishes `items` when the transaction around this has committed. To be called in a database thread."""
    transaction.on_commit(lambda: _hand_over(list(items)))


def after_answers(items: list[Item]) -> None:
    """Publishes what has been committed, one turn of the loop after the acknowledgements that now become due."""
    loop = asyncio.get_running_loop()
    hub = serving()
    if hub is not None and hub.loop is loop:
        loop.call_soon(loop.call_soon, hub.announce, items)
    else:
        _hold(loop.run_in_executor(None, _hand_over, items))


_handing_over: set[asyncio.Future[None]] = set()


def _hold(future: asyncio.Future[None]) -> None:
    """The loop itself keeps only weak references to what runs on it."""
    _handing_over.add(future)
    future.add_done_callback(_handing_over.discard)


def _hand_over(items: list[Item]) -> None:
    """Nothing in here may fail: what it is about is committed."""
    hub = serving()
    if hub is not None:
        hub.loop.call_soon_threadsafe(hub.announce, items)
    elif settings.REDIS_URL:  # a command or a worker without sockets of its own
        try:
            async_to_sync(_send)(items)
        except Exception as error:
            _log.warning("Publishing failed, the servers' sweeps will find it: %s", repr(error))


async def _send(items: list[Item]) -> None:
    layer = get_channel_layer()
    for group, message in pack(items, "outside"):
        await asyncio.wait_for(layer.group_send(group, message), PUBLISH_SECONDS)
