"""REST doors of conversations: thin — read the request, call what the socket calls, answer its shape."""

import uuid
from datetime import UTC, datetime, timedelta

import msgspec
from django.http import HttpRequest
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from conversations import direct, history, inbox, messages, reads
from conversations.models import Participant
from conversations.participants import message_of, seat_of
from conversations.shapes import message_shape
from conversations.writer import Stored
from localroots_chat.accounts.authentication import asker
from localroots_chat.errors import invalid
from localroots_chat.gateway.protocol import convert
from localroots_chat.gateway.threads import on_serving_loop
from localroots_chat.rest import (
    body_of,
    cursor_invalid,
    flag_field,
    id_field,
    number_parameter,
    read_cursor,
    write_cursor,
)

SEQ_MOST = 2**53
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NewMessage(msgspec.Struct, rename="camel"):
    """The body of a message; the conversation is in the address."""

    content: str
    type: str = "TEXT"
    client_id: str | None = None
    reply_to: str | None = None
    attachment_ids: list[str] | None = None


class ConversationViewSet(ViewSet):
    """The person's conversations."""

    lookup_field = "conversation"
    lookup_value_regex = "[^/]+"

    def list(self, request: Request) -> Response:
        """Newest activity first."""
        after = None
        if "cursor" in request.GET:
            after = _cursor(request.GET["cursor"])
        limit = number_parameter(request._request, "limit", inbox.PAGE, least=1, most=history.PAGE_MOST)
        results, more = inbox.conversations_of(asker(request), after=after, limit=limit)
        return Response({"results": results, "next": None if more is None else _write_cursor(more)})

    def create(self, request: Request) -> Response:
        """{userId}: opens the direct conversation with this person, or finds it."""
        shape, is_new = direct.open_direct(asker(request), id_field(body_of(request.data), "userId"))
        return Response(shape, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    def retrieve(self, request: Request, conversation: str) -> Response:
        return Response(inbox.conversation_of(asker(request), conversation))

    def partial_update(self, request: Request, conversation: str) -> Response:
        """{muted}: the person's own notifications."""
        seat = seat_of(asker(request).pk, conversation)
        muted = flag_field(body_of(request.data), "muted")
        if muted is None:
            raise invalid("muted", "Expected true or false.")
        Participant.objects.filter(pk=seat.pk).update(muted=muted)
        seat.muted = muted
        return Response(inbox.shape_of_seat(seat))

    @action(detail=True, methods=["get", "post"])
    def messages(self, request: Request, conversation: str) -> Response:
        """GET ?limit=&before=|after=|around=: a page of history. POST: a message, as by message:send."""
        if request.method == "POST":
            return self._post_message(request, conversation)
        place = _place(request._request)
        limit = number_parameter(request._request, "limit", history.PAGE, least=1, most=history.PAGE_MOST)
        page = history.page_of(seat_of(asker(request).pk, conversation), place, limit)
        return Response(page)

    def _post_message(self, request: Request, conversation: str) -> Response:
        fields = convert(dict(body_of(request.data).items()), NewMessage)

        async def post() -> Stored:
            return await messages.post(
                sender=asker(request).pk,
                conversation=conversation,
                content=fields.content,
                type_=fields.type,
                client_id=fields.client_id,
                reply_to=fields.reply_to,
                attachment_ids=fields.attachment_ids,
            )

        stored = on_serving_loop(post)
        return Response(stored, status=status.HTTP_200_OK if stored.duplicate else status.HTTP_201_CREATED)

    @action(detail=True, methods=["post"])
    def read(self, request: Request, conversation: str) -> Response:
        """{messageId}: moves the person's read pointer forward, as by message:read."""
        message = id_field(body_of(request.data), "messageId")
        return Response(reads.mark_read(reader=asker(request), conversation=conversation, message=message))


class MessageViewSet(ViewSet):
    """Single messages."""

    lookup_field = "message"
    lookup_value_regex = "[^/]+"

    def retrieve(self, request: Request, message: str) -> Response:
        return Response(message_shape(message_of(asker(request).pk, message)))


def _cursor(text: str) -> inbox.Cursor:
    microseconds, key = read_cursor(text, int, str)
    try:
        return inbox.Cursor(_EPOCH + timedelta(microseconds=microseconds), uuid.UUID(key))
    except (ValueError, OverflowError):
        raise cursor_invalid() from None


def _write_cursor(cursor: inbox.Cursor) -> str:
    return write_cursor((cursor.updated_at - _EPOCH) // timedelta(microseconds=1), str(cursor.id))


def _place(request: HttpRequest) -> history.Place:
    asked = [kind for kind in ("before", "after", "around") if kind in request.GET]
    if len(asked) > 1:
        raise invalid(asked[1], "Only one of before, after and around.")
    if not asked:
        return history.Place("newest")
    seq = number_parameter(request, asked[0], 0, least=0, most=SEQ_MOST)
    return history.Place(asked[0], seq)  # type: ignore[arg-type]
