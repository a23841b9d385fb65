"""REST doors of groups."""

import uuid

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from conversations.shapes import GroupShape
from groups import discovery
from groups.filters import GroupFilter
from groups.models import Group
from localroots_chat.accounts.authentication import asker
from localroots_chat.described import CURSOR, LIMIT, choice, describe, words
from localroots_chat.errors import invalid
from localroots_chat.rest import Listed, cursor_invalid, number_parameter, read_cursor, write_cursor
from localroots_chat.wire import is_text


class GroupViewSet(ViewSet):
    """Public groups, and one's own."""

    lookup_field = "group"
    lookup_value_regex = "[^/]+"

    @describe(
        gives={200: Listed[GroupShape]},
        query=[
            words("search", "Words of the name or the description."),
            choice("category", "Groups about this alone.", Group.Category.values),
            choice("mine", "One's own groups alone, or all but those.", ["true", "false"]),
            LIMIT,
            CURSOR,
        ],
        refuses=["cursor_invalid"],
    )
    def list(self, request: Request) -> Response:
        """Find groups, best match and largest first."""
        if not is_text(request.GET.get("search", "")):
            raise invalid("search", "This text has a character that cannot be searched for.")
        filtered = GroupFilter(request.GET, Group.objects.none())
        if not filtered.is_valid():
            field, problems = next(iter(filtered.errors.items()))
            raise invalid(field, str(problems[0]))
        limit = number_parameter(request._request, "limit", discovery.PAGE, least=1, most=100)
        after = _cursor(request.GET["cursor"]) if "cursor" in request.GET else None
        results, more = discovery.page_of(asker(request).pk, filtered.asked(), after=after, limit=limit)
        cursor = None if more is None else write_cursor(more.rank, more.members, str(more.id))
        return Response(Listed(results, cursor))

    @describe(gives={200: GroupShape})
    def retrieve(self, request: Request, group: str) -> Response:
        """See a group's card."""
        return Response(discovery.card(asker(request).pk, group))


def _cursor(text: str) -> discovery.Cursor:
    rank, members, key = read_cursor(text, int, int, str)
    if not (0 <= rank <= discovery.RANK_MOST and 0 <= members <= discovery.MEMBERS_MOST):
        raise cursor_invalid()
    try:
        return discovery.Cursor(rank, members, uuid.UUID(key))
    except ValueError:
        raise cursor_invalid() from None
