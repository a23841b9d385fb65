"""What all REST doors share: the wire's JSON, one shape for errors, lists by cursor."""

import base64
import binascii
import hashlib
import io
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Generic, TypeVar, get_origin

import msgspec
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.cache import get_conditional_response
from rest_framework import exceptions
from rest_framework.parsers import BaseParser, FormParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from localroots_chat.errors import ChatError, invalid, not_found, unavailable
from localroots_chat.wire import BODY_BYTES, convert, is_text, mend

_log = logging.getLogger(__name__)

T = TypeVar("T")


class WireRenderer(JSONRenderer):
    """JSON as the sockets write it, so that a message has one shape."""

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        encoded = msgspec.json.encode(data, enc_hook=str)
        indent = self.get_indent(accepted_media_type or "", renderer_context or {})
        return msgspec.json.format(encoded, indent=indent) if indent else encoded


class WireParser(BaseParser):
    """A JSON body; numbers that are none (NaN) and bodies over 1 MiB are refused."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        body = _read(stream)
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            pass
        try:
            return msgspec.json.decode(mend(body.decode()))
        except (ValueError, RecursionError):
            raise ChatError("bad_json", "The body is not JSON.") from None


class WireFormParser(FormParser):
    """What a browser's form sends, of the same size at most."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return super().parse(io.BytesIO(_read(stream)), media_type, parser_context)


def _read(stream: Any) -> bytes:
    body: bytes = stream.read(BODY_BYTES + 1)
    if len(body) > BODY_BYTES:
        raise ChatError("file_too_large", "The body is too large.")
    return body


class Listed(msgspec.Struct, Generic[T]):
    """A page of a list, and the cursor of the next one (null: there is none)."""

    results: Sequence[T]
    next: str | None


def read_body(request: Request, kind: type[T]) -> T:
    """The request's body as `kind`. Raises ChatError `bad_json`, `invalid_field`."""
    data = request.data
    if isinstance(data, QueryDict):  # a form, or no body at all
        return convert(data.dict(), kind, strict=False)
    if get_origin(kind) is list:
        if not isinstance(data, list):
            raise ChatError("bad_json", "The body must be a JSON list.")
    elif not isinstance(data, Mapping):
        raise ChatError("bad_json", "The body must be a JSON object.")
    return convert(data, kind)


def check_text(value: str, name: str, *, most: int) -> str:
    """The text of the field `name`, of at most `most` characters. Raises ChatError `invalid_field`."""
    if len(value) > most:
        raise invalid(name, f"At most {most} characters.")
    if not is_text(value):
        raise invalid(name, "This text has a character that cannot be stored.")
    return value


def number_parameter(request: HttpRequest, name: str, default: int, *, least: int, most: int) -> int:
    """A whole number of the query. Raises ChatError `invalid_field`."""
    value = request.GET.get(name)
    if value is None:
        return default
    if not value.isascii() or not value.isdecimal() or len(value) > 16 or not least <= int(value) <= most:
        raise invalid(name, f"Expected a whole number from {least} to {most}.")
    return int(value)


def write_cursor(*parts: object) -> str:
    """An opaque cursor of these parts."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def read_cursor(text: str, *kinds: type) -> list[Any]:
    """The parts of a cursor, of these types. Raises ChatError `cursor_invalid`."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        parts = None
    if (
        not isinstance(parts, list)
        or len(parts) != len(kinds)
        or not all(type(part) is kind for part, kind in zip(parts, kinds, strict=True))
    ):
        raise cursor_invalid()
    return parts


def cursor_invalid() -> ChatError:
    """`cursor_invalid`."""
    return ChatError("cursor_invalid", "This cursor is not one of ours.", field="cursor")


# Errors


class Refused(exceptions.APIException):
    """A ChatError where DRF itself asks, for a person or a permission: it carries on from its own exceptions alone."""

    def __init__(self, refusal: ChatError) -> None:
        super().__init__(refusal.message, refusal.code)
        self.refusal = refusal


def answer_error(error: Exception, context: Any) -> Response:
    """DRF's exception handler: whatever went wrong becomes {"error": Error} with its status."""
    refusal = _as_refusal(error)
    # plain, because not every renderer is ours: /api/schema/ answers in YAML
    response = Response({"error": msgspec.to_builtins(refusal.shape)}, status=refusal.status)
    if refusal.code == "token_invalid":
        response["WWW-Authenticate"] = "Bearer"
    if refusal.retry_after is not None:
        response["Retry-After"] = str(math.ceil(refusal.retry_after))
    return response


def _as_refusal(error: Exception) -> ChatError:
    match error:
        case ChatError():
            return error
        case Refused():
            return error.refusal
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return ChatError("token_invalid", "The token is missing, wrong or expired.")
        case exceptions.ValidationError():
            return _first_validation_error(error.detail)
        case exceptions.ParseError():
            return ChatError("bad_json", "The body could not be read.")
        case exceptions.PermissionDenied() | PermissionDenied():
            return ChatError("forbidden", "You may not do that.")
        case exceptions.NotFound() | Http404():
            return not_found("thing")
        case exceptions.MethodNotAllowed():
            return ChatError("method_not_allowed", "This address does not take that method.")
        case exceptions.UnsupportedMediaType():
            return ChatError("file_type", "Send JSON (Content-Type: application/json).")
        case exceptions.NotAcceptable():
            return ChatError("invalid_field", "This address answers in none of these types.", field="Accept")
        case RequestDataTooBig():
            return ChatError("file_too_large", "The body is too large.")
        case SuspiciousOperation():
            return ChatError("invalid_field", "This request could not be read.", field="request")
        case OperationalError() | InterfaceError() | InternalError():
            _log.warning("The database is away: %s", error)
            connection.close()  # where it has become a standby, or was one, the next one may lead elsewhere
            return unavailable()
    _log.error("A request failed", exc_info=error)
    return ChatError("internal", "Something went wrong here. Please try again.")


def _first_validation_error(detail: Any) -> ChatError:
    path: list[str] = []
    while isinstance(detail, dict | list) and detail:
        if isinstance(detail, dict):
            name, detail = next(iter(detail.items()))
            path.append(str(name))
        else:
            index = next((i for i, part in enumerate(detail) if part), 0)
            if not isinstance(detail[index], str):
                path.append(str(index))
            detail = detail[index]
    return invalid(".".join(path) or "data", str(detail) if detail else "This is not valid.")


def answer_in_private(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: nobody on the way keeps what REST answers, and a client that has kept it need not be sent it again.

    A GET has an ETag, of the answer as it is; with `If-None-Match` it is answered with 304 while it is still that.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not request.path.startswith("/api/"):
            return response
        response.headers.setdefault("Cache-Control", "private, no-store")
        if request.method != "GET" or response.status_code != HTTPStatus.OK or response.streaming:
            return response
        etag = f'"{hashlib.blake2b(response.content, digest_size=16).hexdigest()}"'
        response.headers["ETag"] = etag
        return get_conditional_response(request, etag=etag, response=response) or response

    return answer


def ignore_nul_cookies(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a cookie with a NUL is nobody's session, and PostgreSQL refuses to look for it. It is left out."""

    def answer(request: HttpRequest) -> HttpResponse:
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        return get_response(request)

    return answer


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 404 page: JSON under /api/, a short text elsewhere."""
    return _page(request, ChatError("not_found", "There is nothing at this address."))


def page_bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 400 page: a Host or a body that Django itself refused."""
    return _page(request, ChatError("invalid_field", "This request could not be read.", field="request"))


def page_forbidden(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """Django's 403 page, also for a missing or wrong CSRF token."""
    return _page(request, ChatError("forbidden", "You may not do that."))


def page_server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500 page."""
    return _page(request, ChatError("internal", "Something went wrong here. Please try again."))


def _page(request: HttpRequest, error: ChatError) -> HttpResponse:
    if request.path.startswith("/api/"):
        body = msgspec.json.encode({"error": error.shape})
        return HttpResponse(body, status=error.status, content_type="application/json")
    return HttpResponse(f"{error.status} {error.message}\n", status=error.status, content_type="text/plain")
