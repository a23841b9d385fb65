"""REST doors of files: thin, as those of api.py."""

from typing import Annotated

import msgspec
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import ViewSet

from conversations import attachments
from conversations.attachments import LinkShape
from conversations.shapes import AttachmentShape
from localroots_chat.accounts.authentication import asker
from localroots_chat.accounts.models import User
from localroots_chat.accounts.throttling import count_one
from localroots_chat.described import describe, number
from localroots_chat.downloads import answer_with
from localroots_chat.errors import ChatError, invalid
from localroots_chat.rest import Refused, number_parameter


class Upload(msgspec.Struct):
    """A form with one file."""

    file: Annotated[str, msgspec.Meta(extra_json_schema={"format": "binary"})]


class LinkAuthentication(BaseAuthentication):
    """`?link=` of an address that was made for one person."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        signed = request.GET.get("link")
        if signed is None:
            return None
        holder = attachments.holder_of(signed, request.parser_context["kwargs"]["attachment"])
        if holder is None:
            raise Refused(ChatError("token_invalid", "This link is for something else, or over."))
        return holder, None


class AttachmentViewSet(ViewSet):
    """Files of messages."""

    lookup_field = "attachment"
    lookup_value_regex = "[^/]+"
    parser_classes = (MultiPartParser,)

    def get_authenticators(self) -> list[BaseAuthentication]:
        fetches = "attachment" in self.kwargs and self.request.method in ("GET", "HEAD")
        return [LinkAuthentication(), *super().get_authenticators()] if fetches else super().get_authenticators()

    def get_throttles(self) -> list[BaseThrottle]:
        return [] if self.action == "retrieve" else super().get_throttles()  # counted apart: a page shows many

    @describe(
        takes=Upload,
        gives={201: AttachmentShape},
        refuses=["file_too_large", "image_too_large", "quota_exceeded", "file_type"],
    )
    def create(self, request: Request) -> Response:
        """Upload a file, to be sent with a message.

        Pictures (JPEG, PNG, WebP, GIF, HEIC) and sounds are made anew, without what they say of where and by what they
        were made; PDF and plain text are kept as they are. Told by the content, not by the name. A file that is not
        sent may be deleted after a day.
        """
        count_one("upload", asker(request).pk)
        given = [file for name in request.FILES for file in request.FILES.getlist(name)]
        if len(given) != 1 or "file" not in request.FILES:
            raise invalid("file", "Expected one file.")
        file = given[0]
        shape = attachments.keep(asker(request), file.file, file.name or "", file.size or 0)
        return Response(shape, status=status.HTTP_201_CREATED)

    @describe(
        gives={200: bytes},
        query=[
            number("side", "A smaller picture, of at least this side where there is one.", least=1, most=4096),
            OpenApiParameter("link", str, description="From an address that was made for one person."),
        ],
    )
    def retrieve(self, request: Request, attachment: str) -> HttpResponseBase:
        """Fetch a file: as a member of its conversation now, or as who has uploaded it and not yet sent it."""
        count_one("download", asker(request).pk)
        side = number_parameter(request._request, "side", 0, least=1, most=4096) or None
        return answer_with(request._request, attachments.find(asker(request), attachment, side))

    @describe(gives={201: LinkShape})
    @action(detail=True, methods=["post"])
    def link(self, request: Request, attachment: str) -> Response:
        """Get an address of a file that needs no token, for oneself and five minutes."""
        return Response(attachments.link(asker(request), attachment), status=status.HTTP_201_CREATED)
