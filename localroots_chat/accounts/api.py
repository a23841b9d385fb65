"""REST doors of accounts: tokens, tickets, me, people."""

import hmac
from typing import Annotated, Any

import msgspec
from django.conf import settings
from msgspec import UNSET, UnsetType
from rest_framework import status
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from localroots_chat.accounts import people, sessions, tickets, tokens
from localroots_chat.accounts.authentication import asker
from localroots_chat.accounts.models import User
from localroots_chat.accounts.people import KnownPerson, MeShape, UserShape
from localroots_chat.accounts.throttling import count_guess
from localroots_chat.described import CURSOR, LIMIT, describe, words
from localroots_chat.errors import invalid
from localroots_chat.rest import Listed, Refused, check_text, number_parameter, read_body, read_cursor, write_cursor
from localroots_chat.screening.screen import Text, check

MOST_PEOPLE_AT_ONCE = 500


class Credentials(msgspec.Struct):
    """What somebody signs in with."""

    username: str
    password: str


class Refresh(msgspec.Struct):
    """A refresh token. Whatever is none is refused as a token, not as a field."""

    refresh: Annotated[Any, msgspec.Meta(extra_json_schema={"type": "string"})] = None


class Leaving(msgspec.Struct):
    """Whether to leave here, or everywhere."""

    everywhere: bool | None = None


class Ticket(msgspec.Struct, rename="camel"):
    """A ticket for one socket, and for how many seconds it is good."""

    ticket: str
    expires_in: int


class MeChange(msgspec.Struct, rename="camel"):
    """What people may change of themselves. What is not given stays as it is."""

    name: str | UnsetType = UNSET
    image: str | UnsetType | None = UNSET
    language: str | UnsetType = UNSET
    appear_offline: bool | UnsetType = UNSET
    receipts: bool | UnsetType = UNSET
    last_seen: bool | UnsetType = UNSET


class SignInView(APIView):
    """An access token for ten minutes and a refresh token for thirty days."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @describe(takes=Credentials, gives={200: sessions.Pair}, refuses=["token_invalid"])
    def post(self, request: Request) -> Response:
        """Sign in with user name and password."""
        body = read_body(request, Credentials)
        username = check_text(body.username, "username", most=150)
        password = check_text(body.password, "password", most=4096)
        count_guess(request, username)
        return Response(sessions.sign_in(request._request, username, password))


class RefreshView(APIView):
    """The next pair of tokens."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @describe(takes=Refresh, gives={200: sessions.Pair}, refuses=["token_invalid"])
    def post(self, request: Request) -> Response:
        """Get the next pair of tokens.

        A refresh token is good once. One that comes again ends its whole family: somebody has a copy.
        """
        return Response(sessions.refresh(read_body(request, Refresh).refresh))


class SignOutView(APIView):
    """Ends this sign-in, or every one."""

    @describe(takes=Leaving, gives={204: None})
    def post(self, request: Request) -> Response:
        """Sign out.

        Ends this sign-in, or with `everywhere` every token, socket and browser session of the person.
        """
        if read_body(request, Leaving).everywhere:
            sessions.sign_out_everywhere(asker(request))
        elif isinstance(request.auth, tokens.Holder):
            sessions.sign_out(asker(request), request.auth.sign_in)
        else:
            sessions.sign_out_of_browser(request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TicketView(APIView):
    """A ticket for one socket."""

    @describe(gives={201: Ticket})
    def post(self, request: Request) -> Response:
        """Get a ticket for one socket.

        Good once, for ws://…/ws/chat/?ticket=…
        """
        if isinstance(request.auth, tokens.Holder):
            expires, sign_in = request.auth.expires, request.auth.sign_in
        else:
            expires, sign_in = None, sessions.browser_sign_in(request._request)
        ticket = tickets.issue(tickets.Ticket(asker(request).pk, expires, sign_in, tokens.now()))
        return Response(Ticket(ticket, settings.CHAT_TICKET_SECONDS), status=status.HTTP_201_CREATED)


class MeView(APIView):
    """Oneself."""

    @describe(gives={200: MeShape})
    def get(self, request: Request) -> Response:
        """See oneself, with one's settings."""
        return Response(people.own_shape_of(asker(request)))

    @describe(takes=MeChange, gives={200: MeShape}, refuses=["content_refused"])
    def patch(self, request: Request) -> Response:
        """Change one's name, picture, language or settings."""
        body, user = read_body(request, MeChange), asker(request)
        if body.name is not UNSET:
            user.name = _name(body.name, user)
        if body.image is not UNSET:
            user.image = _image(body.image)
        if body.language is not UNSET:
            user.language = check_text(body.language, "language", most=16)
        if body.appear_offline is not UNSET:
            user.appear_offline = body.appear_offline
        if body.receipts is not UNSET:
            user.receipts = body.receipts
        if body.last_seen is not UNSET:
            user.last_seen = body.last_seen
        people.save_own(user)
        return Response(people.own_shape_of(user))


def _name(text: str, user: User) -> str:
    name = tokens.clean_name(check_text(text, "name", most=200))
    if name is None:
        raise invalid("name", "A name has at least one visible character.")
    if name != user.name:
        check([Text(name, "profile", "name", "", user.pk)])
    return name


def _image(text: str | None) -> str:
    if not text:
        return ""
    image = tokens.clean_image(text)
    if image is None:
        raise invalid("image", "Expected an address that starts with http:// or https://.")
    return image


class ServerKeyRequired(BasePermission):
    """Permission: `Authorization: Server KEY`, the marketplace's own server."""

    security_scheme = "serverKey"  # its name in /api/schema/

    def has_permission(self, request: Request, view: APIView) -> bool:
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        expected = settings.SERVER_KEY.encode()
        if scheme.lower() != "server" or not hmac.compare_digest(key.strip().encode("utf-8", "replace"), expected):
            raise Refused(tokens.token_invalid("The server key is missing or wrong."))
        return True


class UserViewSet(ViewSet):
    """People whom one may find."""

    @describe(gives={200: Listed[UserShape]}, query=[words("search", "Part of a name."), LIMIT, CURSOR])
    def list(self, request: Request) -> Response:
        """Find people: those one shares a conversation with, and farmers."""
        found = people.findable_by(asker(request))
        search = check_text(request.GET.get("search", ""), "search", most=200).strip()
        if search:
            found = found.filter(name__icontains=search)
        limit = number_parameter(request._request, "limit", 50, least=1, most=100)
        if "cursor" in request.GET:
            (after,) = read_cursor(request.GET["cursor"], int)
            found = found.filter(pk__gt=after)
        page = list(found.order_by("pk")[: limit + 1])
        more = write_cursor(page[limit - 1].pk) if len(page) > limit else None
        return Response(Listed([people.shape_of(user) for user in page[:limit]], more))


class UserSyncView(APIView):
    """The marketplace's server makes people known, or changes what is known of them."""

    authentication_classes = ()
    permission_classes = (ServerKeyRequired,)
    throttle_classes = ()

    @describe(takes=list[KnownPerson], gives={200: Listed[UserShape]})
    def post(self, request: Request) -> Response:
        """Make people known, or change what is known of them.

        For the marketplace's own server (`Authorization: Server KEY`). At most 500 at once, all or none.
        """
        entries = read_body(request, list[KnownPerson])
        if len(entries) > MOST_PEOPLE_AT_ONCE:
            raise invalid("data", f"At most {MOST_PEOPLE_AT_ONCE} people at once.")
        return Response(Listed([people.shape_of(user) for user in people.make_known(entries)], None))
