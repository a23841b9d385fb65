"""Answering with a file of the storage, or a part of it, piece by piece: however large, it takes little memory."""

import asyncio
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

_PIECE: Final = 262_144  # bytes
_RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
# What a browser opens of it by itself has no rights at all.
_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class Stored(NamedTuple):
    """A file in the storage, which never changes. `shown`: a browser may show it; else it is only saved."""

    place: str
    size: int
    type: str
    name: str
    etag: str
    shown: bool


class _Part(NamedTuple):
    first: int
    last: int


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(4, thread_name_prefix="files")


def answer_with(request: HttpRequest, file: Stored) -> HttpResponseBase:
    """The file; the part of it that Range asks for (206, 416); or 304 to whoever has it."""
    answer: HttpResponseBase | None = get_conditional_response(request, etag=file.etag)
    if answer is None:
        answer = _part_or_all(request, file)
    answer.headers["ETag"] = file.etag
    answer.headers["Cache-Control"] = "private, no-cache"  # it may be kept, but who may have it is asked each time
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _part_or_all(request: HttpRequest, file: Stored) -> HttpResponseBase:
    size = file.size
    part = _asked_part(request, file, size)
    if part is not None and part.first > part.last:
        nothing = HttpResponse(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        nothing.headers["Content-Range"] = f"bytes */{size}"
        return nothing
    first, last = part or _Part(0, size - 1)
    # Asynchronous, which the stubs know nothing of
    content: Any = () if request.method == "HEAD" else _read(file.place, first, last - first + 1)
    answer = StreamingHttpResponse(content, content_type=file.type)
    answer.headers["Content-Length"] = str(last - first + 1)
    answer.headers["Accept-Ranges"] = "bytes"
    answer.headers["Content-Disposition"] = content_disposition_header(not file.shown, file.name) or ""
    if part is not None:
        answer.status_code = HTTPStatus.PARTIAL_CONTENT
        answer.headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return answer


def _asked_part(request: HttpRequest, file: Stored, size: int) -> _Part | None:
    """None: all of it. Several parts at once nobody needs; they are given all of it, as the standard allows."""
    found = _RANGE.fullmatch(request.headers.get("Range", ""))
    if found is None or request.method != "GET" or request.headers.get("If-Range", file.etag) != file.etag:
        return None
    if found[1] == found[2] == "" or (found[1] and found[2] and int(found[1]) > int(found[2])):
        return None
    if found[1] == "":  # the last so many bytes
        return _Part(max(0, size - int(found[2])), size - 1)
    return _Part(int(found[1]), min(int(found[2]), size - 1) if found[2] else size - 1)


async def _read(place: str, first: int, length: int) -> AsyncIterator[bytes]:
    loop, threads = asyncio.get_running_loop(), _threads()
    file = await loop.run_in_executor(threads, default_storage.open, place)
    try:
        await loop.run_in_executor(threads, file.seek, first)
        while length > 0:
            piece: bytes = await loop.run_in_executor(threads, file.read, min(_PIECE, length))
            if not piece:
                return
            length -= len(piece)
            yield piece
    finally:
        await loop.run_in_executor(threads, file.close)
