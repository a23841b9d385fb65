"""REST doors of accounts: tokens, tickets, me, people."""

import hmac
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from rest_framework import status
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from localroots_chat.accounts import people, sessions, tickets, tokens
from localroots_chat.accounts.authentication import asker
from localroots_chat.accounts.throttling import count_guess
from localroots_chat.errors import ChatError, invalid
from localroots_chat.gateway import publish
from localroots_chat.gateway.layer import ReceiptsShown
from localroots_chat.gateway.protocol import convert
from localroots_chat.rest import (
    body_of,
    flag_field,
    number_parameter,
    read_cursor,
    text_field,
    write_cursor,
)

MOST_PEOPLE_AT_ONCE = 500


class SignInView(APIView):
    """POST username and password: an access token for ten minutes and a refresh token for thirty days."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request: Request) -> Response:
        body = body_of(request.data)
        username, password = text_field(body, "username", most=150), text_field(body, "password", most=4096)
        count_guess(request, username)
        pair = sessions.sign_in(request._request, username, password)
        return Response({"access": pair.access, "refresh": pair.refresh})


class RefreshView(APIView):
    """POST refresh: the next pair of tokens. A refresh token is good once."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request: Request) -> Response:
        pair = sessions.refresh(body_of(request.data).get("refresh"))
        return Response({"access": pair.access, "refresh": pair.refresh})


class SignOutView(APIView):
    """POST: ends this sign-in, or with everywhere = true every token, socket and browser session of the person."""

    def post(self, request: Request) -> Response:
        everywhere = flag_field(body_of(request.data), "everywhere")
        if everywhere:
            sessions.sign_out_everywhere(asker(request))
        elif isinstance(request.auth, tokens.Holder):
            sessions.sign_out(asker(request), request.auth.sign_in)
        else:
            sessions.sign_out_of_browser(request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TicketView(APIView):
    """POST: a ticket for one socket, good once within 30 seconds (ws://…/ws/chat/?ticket=…)."""

    def post(self, request: Request) -> Response:
        if isinstance(request.auth, tokens.Holder):
            expires, sign_in = request.auth.expires, request.auth.sign_in
        else:
            expires, sign_in = None, sessions.browser_sign_in(request._request)
        ticket = tickets.issue(tickets.Ticket(asker(request).pk, expires, sign_in, tokens.now()))
        return Response({"ticket": ticket, "expiresIn": settings.CHAT_TICKET_SECONDS}, status=status.HTTP_201_CREATED)


class MeView(APIView):
    """GET: oneself. PATCH: name, image, language, appearOffline, receipts, lastSeen."""

    def get(self, request: Request) -> Response:
        return Response(people.own_shape_of(asker(request)))

    def patch(self, request: Request) -> Response:
        body, user = body_of(request.data), asker(request)
        if "name" in body:
            name = tokens.clean_name(text_field(body, "name", most=200))
            if name is None:
                raise invalid("name", "A name has at least one visible character.")
            user.name = name
        if "image" in body:
            user.image = self._image(body)
        if "language" in body:
            user.language = text_field(body, "language", most=16)
        for field, attribute in (
            ("appearOffline", "appear_offline"),
            ("receipts", "receipts"),
            ("lastSeen", "last_seen"),
        ):
            wanted = flag_field(body, field)
            if wanted is not None:
                setattr(user, attribute, wanted)
        with transaction.atomic():
            user.save(update_fields=["name", "image", "language", "appear_offline", "receipts", "last_seen"])
            publish.on_commit(ReceiptsShown(user.pk, user.receipts))
        return Response(people.own_shape_of(user))

    def _image(self, body: Mapping[str, Any]) -> str:
        if body["image"] in (None, ""):
            return ""
        image = tokens.clean_image(body["image"])
        if image is None:
            raise invalid("image", "Expected an address that starts with http:// or https://.")
        return image


class ServerKeyRequired(BasePermission):
    """Permission: `Authorization: Server KEY`, the marketplace's own server."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        expected = settings.SERVER_KEY.encode()
        if scheme.lower() != "server" or not hmac.compare_digest(key.strip().encode("utf-8", "replace"), expected):
            raise tokens.token_invalid("The server key is missing or wrong.")
        return True


class UserViewSet(ViewSet):
    """GET ?search=: people one shares a conversation with, and farmers. POST sync/: the marketplace's server."""

    def list(self, request: Request) -> Response:
        found = people.findable_by(asker(request))
        search = text_field(request.GET, "search", most=200, default="").strip()
        if search:
            found = found.filter(name__icontains=search)
        limit = number_parameter(request._request, "limit", 50, least=1, most=100)
        if "cursor" in request.GET:
            (after,) = read_cursor(request.GET["cursor"], int)
            found = found.filter(pk__gt=after)
        page = list(found.order_by("pk")[: limit + 1])
        more = write_cursor(page[limit - 1].pk) if len(page) > limit else None
        return Response({"results": [people.shape_of(user) for user in page[:limit]], "next": more})


class UserSyncView(APIView):
    """POST [{id, name, image, role, active}]: makes people known, or changes what is known of them."""

    authentication_classes = ()
    permission_classes = (ServerKeyRequired,)
    throttle_classes = ()

    def post(self, request: Request) -> Response:
        entries = request.data
        if not isinstance(entries, list):
            raise ChatError("bad_json", "The body must be a list of people.")
        if len(entries) > MOST_PEOPLE_AT_ONCE:
            raise invalid("data", f"At most {MOST_PEOPLE_AT_ONCE} people at once.")
        known = people.make_known(convert(entries, list[people.KnownPerson]))
        return Response({"results": [people.shape_of(user) for user in known]})
