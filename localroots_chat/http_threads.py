"""HTTP requests under ASGI: one visit to one thread each, and threads that are kept.

Every view here is synchronous. Django's ASGI handler would send each middleware's half to a thread of its own accord,
visit threads for the signals before and after each request, start two tasks to notice that a client has gone, which
stops no thread, and give each request a thread that it throws away with its database connection. Here everything from
the request to the finished response is one visit to one of a few kept threads, which keep exactly as many connections.

Uploads have threads of their own, because to read a file takes long; and a body is counted while it comes, whatever its
Content-Length says, and waits in a file without a name, so that it takes no memory and leaves nothing behind.
"""

import asyncio
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import FileResponse
from django.urls import set_script_prefix

from localroots_chat.errors import ChatError

UPLOADS: Final = "/api/attachments/"
BODY_BYTES: Final = 1_048_576
_IN_MEMORY: Final = 65_536
_FORM_BYTES: Final = 16_384  # around the file, in the form that carries it
_READ_ON: Final = 4  # times as much as may come is read, and thrown away, so that the client hears why


class BodyTooLarge(Exception):
    """More has come than may."""


class _Threads:
    """Some kept threads; each request goes to the least busy."""

    def __init__(self, name: str, count: int) -> None:
        self._executors = [ThreadPoolExecutor(1, f"{name}-{n}") for n in range(count)]
        self._busy = [0] * count

    def take(self) -> int:
        """The number of the least busy."""
        least = min(range(len(self._busy)), key=self._busy.__getitem__)
        self._busy[least] += 1
        return least

    def give_back(self, number: int) -> None:
        self._busy[number] -= 1

    def __getitem__(self, number: int) -> ThreadPoolExecutor:
        return self._executors[number]


class OneHopHandler(ASGIHandler):
    """Django's handler with a synchronous chain of middleware: each request runs on the least busy thread."""

    def __init__(self) -> None:
        super().__init__()
        self._threads: dict[bool, _Threads] = {}  # for uploads, and for all else

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        is_upload = scope["method"] == "POST" and scope["path"] == UPLOADS
        try:
            body = await _read_body(receive, _most(is_upload=is_upload))
        except RequestAborted:  # the client went before it had sent everything
            return
        except BodyTooLarge:
            await _refuse(send)
            return
        if not self._threads:  # made by the first request, so that no thread is lost in a fork
            self._threads = {
                True: _Threads("upload", settings.CHAT_UPLOAD_THREADS),
                False: _Threads("http", settings.CHAT_HTTP_THREADS),
            }
        threads = self._threads[is_upload]
        number = threads.take()
        try:
            await self._serve(threads[number], scope, body, send)
        finally:
            threads.give_back(number)

    async def _serve(self, thread: ThreadPoolExecutor, scope: dict[str, Any], body: Any, send: Any) -> None:
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


def _most(*, is_upload: bool) -> int:
    return settings.CHAT_UPLOAD_MB * 1_048_576 + _FORM_BYTES if is_upload else BODY_BYTES


async def _read_body(receive: Any, most: int) -> Any:
    """The whole body, in a file. Raises RequestAborted, BodyTooLarge."""
    body = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (closed by who serves the request)
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            body.close()
            raise RequestAborted
        piece, more = message.get("body", b""), message.get("more_body", False)
        size += len(piece)
        if size <= most:
            body.write(piece)
        elif size > most * _READ_ON:
            break
    if size > most:
        body.close()
        raise BodyTooLarge
    body.seek(0)
    return body


async def _refuse(send: Any) -> None:
    error = ChatError("file_too_large", "The body is too large.")
    answer = msgspec.json.encode({"error": error.shape})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
        (b"cache-control", b"private, no-store"),
        (b"connection", b"close"),  # there may be more on its way
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
