"""Pages about the REST doors: the way in (/api/), the schema for programs, the documentation for people."""

import msgspec
from django.urls import reverse
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from localroots_chat.described import describe


class WayIn(msgspec.Struct, rename="camel"):
    """The addresses from which all others are reached."""

    conversations: str
    groups: str
    users: str
    me: str
    token: str
    token_refresh: str
    logout: str
    ws_ticket: str
    users_sync: str
    schema: str
    docs: str


class WayInView(APIView):
    """Where everything is. What an address takes and gives is told on its own page and in the documentation."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @describe(gives={200: WayIn})
    def get(self, request: Request) -> Response:
        """List the addresses."""

        def address(route: str) -> str:
            return request.build_absolute_uri(reverse(route))

        return Response(
            WayIn(
                conversations=address("conversation-list"),
                groups=address("group-list"),
                users=address("user-list"),
                me=address("me"),
                token=address("token"),
                token_refresh=address("token-refresh"),
                logout=address("logout"),
                ws_ticket=address("ws-ticket"),
                users_sync=address("users-sync"),
                schema=address("schema"),
                docs=address("docs"),
            )
        )


class SchemaView(SpectacularAPIView):
    """/api/schema/: OpenAPI 3.1, as YAML, or as JSON where that is accepted or asked for by ?format=json."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class DocsView(SpectacularSwaggerSplitView):
    """/api/docs/: Swagger UI, whose files come with a package: nothing is fetched from elsewhere."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    template_name = "localroots_chat/docs.html"  # spectacular's has an inline style, which the page's policy forbids
