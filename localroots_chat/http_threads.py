"""HTTP requests under ASGI on threads that are kept.

Django gives each ASGI request a thread of its own and throws it away, and with it the database connection: kept
connections leak, others cost a handshake per request. asgiref lets an executor be named instead; a few of one thread
each doubled the requests per second and keep exactly as many connections as there are threads.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings


class KeptThreads:
    """Wraps an ASGI application: each request runs on the least busy of the kept threads."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._executors: list[ThreadPoolExecutor] = []
        self._busy: list[int] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if not self._executors:  # made by the first request, so that no thread is lost in a fork
            self._executors = [ThreadPoolExecutor(1, f"http-{n}") for n in range(settings.CHAT_HTTP_THREADS)]
            self._busy = [0] * settings.CHAT_HTTP_THREADS
        least = min(range(len(self._busy)), key=self._busy.__getitem__)
        self._busy[least] += 1
        try:
            async with ThreadSensitiveContext(executor=self._executors[least]):
                await self._application(scope, receive, send)
        finally:
            self._busy[least] -= 1
