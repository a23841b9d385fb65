"""Is the process alive (/healthz)? Can it do its work (/readyz)? Asked by balancers and containers.

Answered before all other middleware: the machine next door asks without TLS and by address, not by name.
"""

import threading
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import add_never_cache_headers

Answer = Callable[[HttpRequest], HttpResponse]


def answer_health(get_response: Answer) -> Answer:
    """Middleware: answers the two addresses itself."""

    def answer(request: HttpRequest) -> HttpResponse:
        ask = _ADDRESSES.get(request.path)
        if ask is None:
            return get_response(request)
        response = ask()
        add_never_cache_headers(response)
        return response

    return answer


def _is_alive() -> HttpResponse:
    """200 while the process answers. Asks nobody else: a restart would not bring a database back."""
    return JsonResponse({"status": "ok"})


_ending = threading.Event()


def begin_to_end() -> None:
    """From now on the process is not ready: nobody new should be sent here."""
    _ending.set()


def _is_ready() -> HttpResponse:
    """200 while messages can be stored, and the process is to stay, else 503."""
    if _ending.is_set():
        return JsonResponse({"status": "ending"}, status=503)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return JsonResponse({"status": "unavailable", "database": "away"}, status=503)
    return JsonResponse({"status": "ok", "redis": "configured" if settings.REDIS_URL else "not used"})


_ADDRESSES: Final[dict[str, Callable[[], HttpResponse]]] = {"/healthz": _is_alive, "/readyz": _is_ready}
