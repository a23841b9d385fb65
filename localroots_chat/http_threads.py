"""HTTP requests under ASGI: one visit to one thread each, and threads that are kept.

Every view here is synchronous. Django's ASGI handler would send each middleware's half to a thread of its own accord,
visit threads for the signals before and after each request, start two tasks to notice that a client has gone, which
stops no thread, and give each request a thread that it throws away with its database connection. Here everything from
the request to the finished response is one visit to one of a few kept threads, which keep exactly as many connections.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import FileResponse
from django.urls import set_script_prefix


class OneHopHandler(ASGIHandler):
    """Django's handler with a synchronous chain of middleware: each request runs on the least busy thread."""

    def __init__(self) -> None:
        super().__init__()
        self._executors: list[ThreadPoolExecutor] = []
        self._busy: list[int] = []

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if not self._executors:  # made by the first request, so that no thread is lost in a fork
            self._executors = [ThreadPoolExecutor(1, f"http-{n}") for n in range(settings.CHAT_HTTP_THREADS)]
            self._busy = [0] * settings.CHAT_HTTP_THREADS
        least = min(range(len(self._busy)), key=self._busy.__getitem__)
        self._busy[least] += 1
        try:
            await self._serve(self._executors[least], scope, receive, send)
        finally:
            self._busy[least] -= 1

    async def _serve(self, thread: ThreadPoolExecutor, scope: dict[str, Any], receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:  # the client went before it had sent everything
            return
        loop = asyncio.get_running_loop()
        with body:
            response = await loop.run_in_executor(thread, self._answer, scope, body)
            try:
                await self.send_response(response, send)
            finally:
                if response.streaming:
                    await loop.run_in_executor(thread, response.close)

    def _answer(self, scope: dict[str, Any], body: Any) -> Any:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        request, response = self.create_request(scope, body)
        if request is not None:
            response = self.get_response(request)
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            response.close()  # and with it the request: its content stays
        return response

    def create_request(self, scope: Any, body_file: Any) -> Any:
        request, refusal = super().create_request(scope, body_file)
        if request is not None and not request.META.get("CONTENT_LENGTH"):
            # A body that came in pieces: DRF takes a request without a length for one without a body.
            request.META["CONTENT_LENGTH"] = str(body_file.seek(0, os.SEEK_END))
            body_file.seek(0)
        return request, refusal
