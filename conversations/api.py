"""REST doors of conversations: thin — read the request, call what the socket calls, answer its shape."""

import uuid
from datetime import UTC, datetime, timedelta

import msgspec
from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from conversations import (
    blocking,
    direct,
    edits,
    held,
    history,
    inbox,
    messages,
    muting,
    reactions,
    reads,
    receipts,
    reports,
    search,
)
from conversations.message_rows import message_seen_by
from conversations.receipts import ReaderShape
from conversations.search import FoundShape
from conversations.sends import HeldAnswer, Stored
from conversations.shapes import (
    ClientId,
    ConversationShape,
    HeldShape,
    MessageShape,
    SentShape,
    SentType,
)
from conversations.sync import SyncRequest, SyncShape, sync
from localroots_chat.accounts import blocks
from localroots_chat.accounts.authentication import asker
from localroots_chat.accounts.throttling import count_one
from localroots_chat.described import CURSOR, LIMIT, describe, number, words
from localroots_chat.errors import invalid
from localroots_chat.gateway.threads import on_serving_loop
from localroots_chat.rest import Listed, cursor_invalid, number_parameter, read_body, read_cursor, write_cursor
from localroots_chat.wire import Id, PersonId

SEQ_MOST = 2**53
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NewMessage(msgspec.Struct, rename="camel"):
    """The body of a message; the conversation is in the address."""

    content: str
    type: SentType | None = None
    client_id: ClientId | None = None
    reply_to: Id | None = None
    attachment_ids: list[Id] | None = None


class NewText(msgspec.Struct):
    """What a message says from now on."""

    content: str


class Opening(msgspec.Struct, rename="camel"):
    """With whom."""

    user_id: PersonId


class Mute(msgspec.Struct):
    """Whether one's own notifications are off."""

    muted: bool


class ReadUpTo(msgspec.Struct, rename="camel"):
    """The message up to which one has read."""

    message_id: Id


class ConversationViewSet(ViewSet):
    """The person's conversations."""

    lookup_field = "conversation"
    lookup_value_regex = "[^/]+"

    @describe(gives={200: Listed[ConversationShape]}, query=[LIMIT, CURSOR], refuses=["cursor_invalid"])
    def list(self, request: Request) -> Response:
        """List one's conversations, newest activity first."""
        after = None
        if "cursor" in request.GET:
            after = _cursor(request.GET["cursor"])
        limit = number_parameter(request._request, "limit", inbox.PAGE, least=1, most=history.PAGE_MOST)
        results, more = inbox.conversations_of(asker(request).pk, after=after, limit=limit)
        return Response(Listed(results, None if more is None else _write_cursor(more)))

    @describe(
        takes=Opening,
        gives={200: ConversationShape, 201: ConversationShape},
        refuses=["not_found", "forbidden"],
    )
    def create(self, request: Request) -> Response:
        """Open the direct conversation with somebody, or find it (200)."""
        shape, is_new = direct.open_direct(asker(request), read_body(request, Opening).user_id)
        return Response(shape, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @describe(gives={200: ConversationShape})
    def retrieve(self, request: Request, conversation: str) -> Response:
        """See one conversation."""
        return Response(inbox.conversation_of(asker(request).pk, conversation))

    @describe(takes=Mute, gives={200: ConversationShape})
    def partial_update(self, request: Request, conversation: str) -> Response:
        """Turn one's own notifications off or on."""
        return Response(muting.mute(asker(request).pk, conversation, muted=read_body(request, Mute).muted))

    @describe(
        gives={200: history.Page},
        query=[
            LIMIT,
            *(
                number(name, f"Messages {name} this seq.", least=0, most=SEQ_MOST)
                for name in ("before", "after", "around")
            ),
            number("receipts", "1: with who has read each message.", least=0, most=1),
        ],
    )
    @action(detail=True, methods=["get"])
    def messages(self, request: Request, conversation: str) -> Response:
        """Read a page of history.

        The newest messages, or those `before`, `after` or `around` a seq; only one of the three. Oldest first.
        """
        place = _place(request._request)
        limit = number_parameter(request._request, "limit", history.PAGE, least=1, most=history.PAGE_MOST)
        with_readers = bool(number_parameter(request._request, "receipts", 0, least=0, most=1))
        return Response(history.page_of(asker(request).pk, conversation, place, limit, receipts=with_readers))

    @describe(
        takes=NewMessage,
        gives={200: SentShape, 201: SentShape, 202: HeldAnswer},
        refuses=[
            "body_empty",
            "body_too_long",
            "forbidden",
            "muted",
            "client_id_reused",
            "content_refused",
            "overloaded",
        ],
    )
    @messages.mapping.post
    def post_message(self, request: Request, conversation: str) -> Response:
        """Send a message, as by message:send.

        Stored before it is answered. The same `clientId` with the same content again gives the same message (200,
        `duplicate`), so a client may repeat until it is answered. Where texts are looked at first, it may have to wait
        for a moderator (202).
        """
        fields = read_body(request, NewMessage)

        async def post() -> Stored | HeldAnswer:
            return await messages.post(
                sender=asker(request).pk,
                conversation=conversation,
                content=fields.content,
                type_=fields.type,
                client_id=fields.client_id,
                reply_to=fields.reply_to,
                attachment_ids=fields.attachment_ids,
            )

        answer = on_serving_loop(post)
        if isinstance(answer, HeldAnswer):
            return Response(answer, status=status.HTTP_202_ACCEPTED)
        return Response(answer, status=status.HTTP_200_OK if answer.duplicate else status.HTTP_201_CREATED)

    @describe(takes=ReadUpTo, gives={200: reads.ReadAnswer})
    @action(detail=True, methods=["post"])
    def read(self, request: Request, conversation: str) -> Response:
        """Move one's read pointer forward, as by message:read."""
        message = read_body(request, ReadUpTo).message_id
        return Response(reads.mark_read(reader=asker(request), conversation=conversation, message=message))


class MessageViewSet(ViewSet):
    """Single messages."""

    lookup_field = "message"
    lookup_value_regex = "[^/]+"

    @describe(
        gives={200: Listed[FoundShape]},
        query=[
            words("q", "Words, or parts of them; all must be in the message.", required=True),
            OpenApiParameter("conversation", str, description="In this conversation alone."),
            LIMIT,
            CURSOR,
        ],
        refuses=["not_found", "cursor_invalid"],
    )
    @action(detail=False, methods=["get"])
    def search(self, request: Request) -> Response:
        """Find messages in one's conversations, newest first, each with what is beside it."""
        results, more = search.search(
            asker(request).pk,
            request.GET.get("q", ""),
            conversation=request.GET.get("conversation") or None,
            after=_id_in(request.GET["cursor"]) if "cursor" in request.GET else None,
            limit=number_parameter(request._request, "limit", search.PAGE, least=1, most=history.PAGE_MOST),
        )
        return Response(Listed(results, None if more is None else write_cursor(str(more))))

    @describe(gives={200: MessageShape})
    def retrieve(self, request: Request, message: str) -> Response:
        """See one message as it is now."""
        return Response(message_seen_by(asker(request).pk, message))

    @describe(
        takes=NewText,
        gives={200: MessageShape},
        refuses=["body_empty", "body_too_long", "forbidden", "muted", "content_refused"],
    )
    def partial_update(self, request: Request, message: str) -> Response:
        """Change what one's own message says, as by message:edit."""
        content = read_body(request, NewText).content
        return Response(edits.edit(editor=asker(request).pk, message=message, content=content))

    @describe(gives={200: MessageShape}, refuses=["forbidden"])
    def destroy(self, request: Request, message: str) -> Response:
        """Take back one's own message, or as a moderator that of a member, as by message:delete. Its place stays."""
        return Response(edits.delete(person=asker(request).pk, message=message))

    @describe(gives={200: Listed[ReaderShape]})
    @action(detail=True, methods=["get"])
    def receipts(self, request: Request, message: str) -> Response:
        """See who has read a message, and when.

        Of those who show it, to those who show it, in conversations of at most 50.
        """
        return Response(Listed(receipts.readers_of(asker(request).pk, message), None))

    @describe(gives={200: MessageShape}, refuses=["invalid_field", "forbidden", "muted", "full"])
    @action(detail=True, methods=["put"], url_path="reactions/(?P<emoji>[^/]+)")
    def reaction(self, request: Request, message: str, emoji: str) -> Response:
        """Put an emoji on a message, as by message:react."""
        return Response(reactions.react(person=asker(request).pk, message=message, emoji=emoji))

    @describe(gives={200: MessageShape}, refuses=["invalid_field", "forbidden"])
    @reaction.mapping.delete
    def take_back_reaction(self, request: Request, message: str, emoji: str) -> Response:
        """Take one's emoji away again."""
        return Response(reactions.react(person=asker(request).pk, message=message, emoji=emoji, remove=True))


class Blocking(msgspec.Struct, rename="camel"):
    """Whom."""

    user_id: PersonId


class BlockViewSet(ViewSet):
    """People whom one has blocked."""

    lookup_field = "user"
    lookup_value_regex = "[^/]+"

    @describe(gives={200: Listed[blocks.BlockShape]}, query=[LIMIT, CURSOR], refuses=["cursor_invalid"])
    def list(self, request: Request) -> Response:
        """List whom one has blocked."""
        limit = number_parameter(request._request, "limit", 50, least=1, most=100)
        (after,) = read_cursor(request.GET["cursor"], int) if "cursor" in request.GET else (0,)
        rows = blocks.blocked_by(asker(request), after=after, limit=limit)
        more = write_cursor(rows[limit - 1].pk) if len(rows) > limit else None
        return Response(Listed([blocks.shape_of_block(row) for row in rows[:limit]], more))

    @describe(takes=Blocking, gives={200: blocks.BlockShape, 201: blocks.BlockShape}, refuses=["not_found"])
    def create(self, request: Request) -> Response:
        """Block somebody.

        Between the two nothing new can be said in their direct conversation, and neither learns whether the other one
        is here, writes or has read. What the other one says elsewhere is hidden from oneself. They are not told.
        """
        shape, is_new = blocking.block(asker(request), read_body(request, Blocking).user_id)
        return Response(shape, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @describe(gives={204: None})
    def destroy(self, request: Request, user: str) -> Response:
        """Unblock somebody.

        What they have said is there again.
        """
        blocking.unblock(asker(request), user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Answer(msgspec.Struct):
    """What the sender is told."""

    answer: str = ""


class HeldViewSet(ViewSet):
    """Messages that wait for a moderator."""

    lookup_field = "key"
    lookup_value_regex = "[^/]+"

    @describe(
        gives={200: Listed[HeldShape]},
        query=[
            OpenApiParameter(
                "conversation", str, description="What waits there, and one may decide about or has sent."
            ),
            LIMIT,
            CURSOR,
        ],
        refuses=["not_found", "cursor_invalid"],
    )
    def list(self, request: Request) -> Response:
        """List one's own messages that wait for a moderator; or as a moderator, those that wait in a conversation."""
        limit = number_parameter(request._request, "limit", 50, least=1, most=100)
        after = _id_in(request.GET["cursor"]) if "cursor" in request.GET else None
        conversation = request.GET.get("conversation")
        if conversation:
            rows = held.waiting_in(asker(request), conversation, after=after, limit=limit)
        else:
            rows = held.own_waiting(asker(request), after=after, limit=limit)
        more = write_cursor(str(rows[limit - 1].pk)) if len(rows) > limit else None
        return Response(Listed([held.shape_of_held(row) for row in rows[:limit]], more))

    @describe(gives={204: None})
    def destroy(self, request: Request, key: str) -> Response:
        """Withdraw one's own, as if it had never been sent."""
        held.withdraw(asker(request), key)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @describe(gives={200: HeldShape}, refuses=["forbidden"])
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, key: str) -> Response:
        """Let it be said. It gets the next place in its conversation, and is from now."""
        return Response(held.approve(asker(request), key))

    @describe(takes=Answer, gives={200: HeldShape}, refuses=["forbidden"])
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, key: str) -> Response:
        """Don't let it be said. Its sender reads the answer."""
        return Response(held.refuse(asker(request), key, read_body(request, Answer).answer))


class ReportView(APIView):
    """Telling the staff what is wrong."""

    @describe(
        takes=reports.NewReport, gives={200: reports.ReportShape, 201: reports.ReportShape}, refuses=["not_found"]
    )
    def post(self, request: Request) -> Response:
        """Report a message, a person or a group.

        What it is now is kept for the staff, whatever becomes of it. Who is reported does not learn of it. Reporting
        the same again changes the reason and the note (200).
        """
        body = read_body(request, reports.NewReport)
        count_one("report", asker(request).pk)
        shape, is_new = reports.report(asker(request), body)
        return Response(shape, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)


class SyncView(APIView):
    """What a client has missed."""

    @describe(takes=SyncRequest, gives={200: SyncShape}, refuses=["cursor_invalid"])
    def post(self, request: Request) -> Response:
        """Resume from the versions that one holds, as by sync.

        `cursors` has, for each conversation, its version or [version, lastReadSeq].
        """
        body = read_body(request, SyncRequest)
        count_one("sync", asker(request).pk)
        return Response(sync(asker(request).pk, body))


def _cursor(text: str) -> inbox.Cursor:
    microseconds, key = read_cursor(text, int, str)
    try:
        return inbox.Cursor(_EPOCH + timedelta(microseconds=microseconds), uuid.UUID(key))
    except (ValueError, OverflowError):
        raise cursor_invalid() from None


def _id_in(cursor: str) -> uuid.UUID:
    try:
        return uuid.UUID(read_cursor(cursor, str)[0])
    except ValueError:
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
