"""HTTP requests under ASGI: one visit to one thread each, and threads that are kept.

Every view here is synchronous. Django's ASGI handler would send each middleware's half to a thread of its own accord,
visit threads for the signals before and after each request, start two tasks to notice that a client has gone, which
stops no thread, and give each request a thread that it throws away with its database connection. Here everything from
the request to the finished response is one visit to one of a few kept threads, which keep exactly as many connections.

Uploads have threads of their own, because to read a file takes long, and only so many may be under way. A body is
counted while it comes, whatever its Content-Length says, has a time by which it must be here, and waits in a file
without a name, so that it leaves nothing behind.
"""

import asyncio
import math
import os
import tempfile
from collections import Counter
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
from localroots_chat.wire import BODY_BYTES

UPLOADS: Final = "/api/attachments/"
_IN_MEMORY: Final = 65_536
_FORM_BYTES: Final = 16_384  # around the file, in the form that carries it
_READ_ON: Final = 4  # times as much as may come is read, and thrown away, so that the client hears why
_SILENT_SECONDS: Final = 20.0  # of a client that has more to send
_BODY_SECONDS: Final = 60.0
_UPLOAD_SECONDS: Final = 600.0  # 10 MB at 17 kB a second
_UPLOADS_MOST: Final = 50  # of a process
_UPLOADS_OF_ONE: Final = 10  # those of a message, and of one that was thought better of
_CREDENTIALS: Final = (b"authorization", b"cookie")


class _Uploads:
    """How many are under way, in all and of each who brings them (a token or a session, which is looked at later)."""

    def __init__(self) -> None:
        self._of: Counter[bytes] = Counter()

    def begin(self, scope: dict[str, Any]) -> bytes:
        """Counts one. Raises ChatError `token_invalid` to whoever brings none, `rate_limited`, `overloaded`."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        bringer = next((headers[name] for name in _CREDENTIALS if name in headers), None)
        if bringer is None:
            raise ChatError("token_invalid", "The token is missing, wrong or expired.")
        if self._of.total() >= _UPLOADS_MOST:
            raise ChatError("overloaded", "Too many files are on their way. Please try again.", retry_after=5)
        if self._of[bringer] >= _UPLOADS_OF_ONE:
            raise ChatError("rate_limited", f"At most {_UPLOADS_OF_ONE} files at once.", retry_after=2)
        self._of[bringer] += 1
        return bringer

    def end(self, bringer: bytes) -> None:
        self._of[bringer] -= 1
        if not self._of[bringer]:
            del self._of[bringer]


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
        self._uploads = _Uploads()

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["method"] != "POST" or scope["path"] != UPLOADS:
            await self._take(scope, receive, send, is_upload=False)
            return
        try:
            bringer = self._uploads.begin(scope)
        except ChatError as refusal:
            await _refuse(send, refusal)
            return
        try:
            await self._take(scope, receive, send, is_upload=True)
        finally:
            self._uploads.end(bringer)

    async def _take(self, scope: dict[str, Any], receive: Any, send: Any, *, is_upload: bool) -> None:
        most = settings.CHAT_UPLOAD_BYTES + _FORM_BYTES if is_upload else BODY_BYTES
        try:
            async with asyncio.timeout(_UPLOAD_SECONDS if is_upload else _BODY_SECONDS):
                body = await _read_body(receive, most)
        except (RequestAborted, TimeoutError):  # the client went before it had sent everything, or does not go on
            return
        except ChatError as refusal:
            await _refuse(send, refusal)
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


async def _read_body(receive: Any, most: int) -> Any:
    """The whole body, in a file. Raises RequestAborted, TimeoutError, ChatError `file_too_large`."""
    body = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (closed by who serves the request)
    try:
        await _write_body(body, receive, most)
    except BaseException:
        body.close()
        raise
    body.seek(0)
    return body


async def _write_body(body: Any, receive: Any, most: int) -> None:
    size, more = 0, True
    while more:
        async with asyncio.timeout(_SILENT_SECONDS):
            message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestAborted
        piece, more = message.get("body", b""), message.get("more_body", False)
        size += len(piece)
        if size <= most:
            body.write(piece)
        elif size > most * _READ_ON:
            break
    if size > most:
        raise ChatError("file_too_large", "The body is too large.")


async def _refuse(send: Any, error: ChatError) -> None:
    answer = msgspec.json.encode({"error": error.shape})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
        (b"cache-control", b"private, no-store"),
        (b"connection", b"close"),  # there may be more on its way
    ]
    if error.code == "token_invalid":
        headers.append((b"www-authenticate", b"Bearer"))
    if error.retry_after is not None:
        headers.append((b"retry-after", str(math.ceil(error.retry_after)).encode()))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
