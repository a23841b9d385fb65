"""REST doors of groups: thin — read the request, call what the socket calls, answer its shape."""

import uuid

import msgspec
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet
from uuid_utils.compat import uuid7

from conversations.shapes import GroupShape, ParticipantShape
from groups import discovery, invitations, lifecycle, members, moderation, ownership
from groups.filters import GroupFilter
from groups.invitations import InvitationShape, NewInvitation
from groups.lifecycle import GroupChanges, NewGroup
from groups.models import Group, Sanction
from groups.moderation import ReportedShape, SanctionShape, Sentence
from localroots_chat.accounts.authentication import asker
from localroots_chat.described import CURSOR, LIMIT, choice, describe, words
from localroots_chat.errors import invalid
from localroots_chat.rest import Listed, cursor_invalid, number_parameter, read_body, read_cursor, write_cursor
from localroots_chat.wire import PersonId, is_text

_KEY_MOST = 2**63 - 1


class NewMember(msgspec.Struct, rename="camel"):
    """Whom to bring in."""

    user_id: PersonId


class NewOwner(msgspec.Struct, rename="camel"):
    """Whose the group is to be."""

    user_id: PersonId


class NewRole(msgspec.Struct):
    """MODERATOR or MEMBER."""

    role: str


class LeavingGroup(msgspec.Struct, rename="camel"):
    """Whose the group is to be, where it is its owner who leaves."""

    owner_id: PersonId | None = None


class GroupViewSet(ViewSet):
    """Public groups, and one's own."""

    lookup_field = "group"
    lookup_value_regex = "[^/]+"

    # Finding, and what a group is

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
        """Find groups, best match and liveliest first."""
        if not is_text(request.GET.get("search", "")):
            raise invalid("search", "This text has a character that cannot be searched for.")
        filtered = GroupFilter(request.GET, Group.objects.none())
        if not filtered.is_valid():
            field, problems = next(iter(filtered.errors.items()))
            raise invalid(field, str(problems[0]))
        limit = number_parameter(request._request, "limit", discovery.PAGE, least=1, most=100)
        after = _cursor(request.GET["cursor"]) if "cursor" in request.GET else None
        results, more = discovery.page_of(asker(request).pk, filtered.asked(), after=after, limit=limit)
        cursor = None if more is None else write_cursor(more.rank, more.active, str(more.id))
        return Response(Listed(results, cursor))

    @describe(takes=NewGroup, gives={201: GroupShape}, refuses=["not_found", "blocked", "content_refused", "full"])
    def create(self, request: Request) -> Response:
        """Found a group, as by group:create."""
        found = lifecycle.create(asker(request), read_body(request, NewGroup), uuid7())
        return Response(found, status=status.HTTP_201_CREATED)

    @describe(gives={200: GroupShape})
    def retrieve(self, request: Request, group: str) -> Response:
        """See a group's card."""
        return Response(discovery.card(asker(request).pk, group))

    @describe(takes=GroupChanges, gives={200: GroupShape}, refuses=["forbidden", "content_refused"])
    def partial_update(self, request: Request, group: str) -> Response:
        """Change a group's settings, as by group:update. For its owner and its moderators."""
        return Response(lifecycle.update(asker(request), group, read_body(request, GroupChanges)))

    @describe(gives={204: None}, refuses=["forbidden"])
    def destroy(self, request: Request, group: str) -> Response:
        """Close a group. For its owner."""
        lifecycle.close(asker(request), group)
        return Response(status=status.HTTP_204_NO_CONTENT)

    # Coming and going

    @describe(gives={200: Listed[ParticipantShape]}, query=[LIMIT, CURSOR], refuses=["cursor_invalid"])
    @action(detail=True, methods=["get"])
    def members(self, request: Request, group: str) -> Response:
        """List the members, in the order in which they first came. For members."""
        page, more = members.page_of(asker(request), group, after=_after(request), limit=_limit(request))
        return Response(Listed(page, None if more is None else write_cursor(more)))

    @describe(
        takes=NewMember,
        gives={200: ParticipantShape, 201: ParticipantShape},
        refuses=["forbidden", "blocked", "full"],
    )
    @members.mapping.post
    def add_member(self, request: Request, group: str) -> Response:
        """Bring somebody in, as by group:add_member (200: they are in already). For the owner and moderators."""
        member, is_new = members.add(asker(request), group, read_body(request, NewMember).user_id)
        return Response(member, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @describe(takes=NewRole, gives={200: ParticipantShape}, refuses=["forbidden"])
    @action(detail=True, methods=["patch"], url_path="members/(?P<user>[^/]+)")
    def member(self, request: Request, group: str, user: str) -> Response:
        """Give a member another role, as by group:set_role. For the owner."""
        return Response(members.set_role(asker(request), group, user, read_body(request, NewRole).role))

    @describe(gives={204: None}, refuses=["forbidden"])
    @member.mapping.delete
    def remove_member(self, request: Request, group: str, user: str) -> Response:
        """Put a member out, as by group:remove_member. For those of a higher role."""
        members.remove(asker(request), group, user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @describe(gives={200: GroupShape}, refuses=["forbidden", "full"])
    @action(detail=True, methods=["post"])
    def join(self, request: Request, group: str) -> Response:
        """Go into a public group, as by group:join."""
        return Response(members.join(asker(request), group))

    @describe(takes=LeavingGroup, gives={204: None}, refuses=["forbidden"])
    @action(detail=True, methods=["post"])
    def leave(self, request: Request, group: str) -> Response:
        """Leave, as by group:leave. The owner says to whom the group belongs then; the last one closes it."""
        members.leave(asker(request), group, read_body(request, LeavingGroup).owner_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @describe(takes=NewOwner, gives={200: GroupShape}, refuses=["forbidden"])
    @action(detail=True, methods=["put"])
    def owner(self, request: Request, group: str) -> Response:
        """Hand the group over to a member. For its owner, who is a moderator from then on."""
        ownership.hand_over(asker(request), group, read_body(request, NewOwner).user_id)
        return Response(discovery.card(asker(request).pk, group))

    # Order

    @describe(gives={200: Listed[SanctionShape]}, query=[LIMIT, CURSOR], refuses=["forbidden", "cursor_invalid"])
    @action(detail=True, methods=["get"])
    def bans(self, request: Request, group: str) -> Response:
        """List who must stay out. For the owner and moderators."""
        return _sanctions(request, group, Sanction.Kind.BAN)

    @describe(takes=Sentence, gives={201: SanctionShape}, refuses=["forbidden"])
    @bans.mapping.post
    def ban(self, request: Request, group: str) -> Response:
        """Put somebody out and keep them out, until a time or for good. For the owner and moderators."""
        imposed = moderation.ban(asker(request), group, read_body(request, Sentence))
        return Response(imposed, status=status.HTTP_201_CREATED)

    @describe(gives={204: None}, refuses=["forbidden"])
    @action(detail=True, methods=["delete"], url_path="bans/(?P<user>[^/]+)")
    def lift_ban(self, request: Request, group: str, user: str) -> Response:
        """Let somebody in again. For the owner and moderators."""
        return _lift(request, group, user, Sanction.Kind.BAN)

    @describe(gives={200: Listed[SanctionShape]}, query=[LIMIT, CURSOR], refuses=["forbidden", "cursor_invalid"])
    @action(detail=True, methods=["get"])
    def mutes(self, request: Request, group: str) -> Response:
        """List who may only read. For the owner and moderators."""
        return _sanctions(request, group, Sanction.Kind.SILENCE)

    @describe(takes=Sentence, gives={201: SanctionShape}, refuses=["forbidden"])
    @mutes.mapping.post
    def mute(self, request: Request, group: str) -> Response:
        """Let a member only read, until a time. For the owner and moderators."""
        imposed = moderation.silence(asker(request), group, read_body(request, Sentence))
        return Response(imposed, status=status.HTTP_201_CREATED)

    @describe(gives={204: None}, refuses=["forbidden"])
    @action(detail=True, methods=["delete"], url_path="mutes/(?P<user>[^/]+)")
    def lift_mute(self, request: Request, group: str, user: str) -> Response:
        """Let a member write again. For the owner and moderators."""
        return _lift(request, group, user, Sanction.Kind.SILENCE)

    @describe(gives={200: Listed[ReportedShape]}, query=[LIMIT, CURSOR], refuses=["forbidden", "cursor_invalid"])
    @action(detail=True, methods=["get"])
    def reports(self, request: Request, group: str) -> Response:
        """List what has been reported of its messages, by whom is not told. For the owner and moderators."""
        limit = _limit(request)
        cases = moderation.reported(asker(request), group, after=_after(request), limit=limit)
        cursor = write_cursor(cases[limit - 1].pk) if len(cases) > limit else None
        return Response(Listed([moderation.shape_of_case(case) for case in cases[:limit]], cursor))

    # Invitations

    @describe(gives={200: Listed[InvitationShape]}, query=[LIMIT, CURSOR], refuses=["forbidden", "cursor_invalid"])
    @action(detail=True, methods=["get"])
    def invitations(self, request: Request, group: str) -> Response:
        """List the codes that may still be used. For the owner and moderators."""
        limit = _limit(request)
        rows = invitations.invitations(asker(request), group, after=_after(request), limit=limit)
        cursor = write_cursor(rows[limit - 1].pk) if len(rows) > limit else None
        return Response(Listed([invitations.shape_of_invitation(row) for row in rows[:limit]], cursor))

    @describe(takes=NewInvitation, gives={201: InvitationShape}, refuses=["forbidden"])
    @invitations.mapping.post
    def invite(self, request: Request, group: str) -> Response:
        """Make a code that lets people in. For the owner and moderators."""
        made = invitations.invite(asker(request), group, read_body(request, NewInvitation))
        return Response(made, status=status.HTTP_201_CREATED)

    @describe(gives={204: None}, refuses=["forbidden"])
    @action(detail=True, methods=["delete"], url_path="invitations/(?P<code>[^/]+)")
    def revoke(self, request: Request, group: str, code: str) -> Response:
        """End a code. For the owner and moderators."""
        invitations.revoke(asker(request), group, code)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @describe(gives={200: GroupShape}, refuses=["forbidden", "full"])
    @action(detail=False, methods=["post"], url_path="join/(?P<code>[^/]+)")
    def accept(self, request: Request, code: str) -> Response:
        """Go into a group with a code."""
        return Response(invitations.accept(asker(request), code))


def _cursor(text: str) -> discovery.Cursor:
    rank, active, key = read_cursor(text, int, int, str)
    if not (0 <= rank <= discovery.RANK_MOST and 0 <= active <= discovery.ACTIVE_MOST):
        raise cursor_invalid()
    try:
        return discovery.Cursor(rank, active, uuid.UUID(key))
    except ValueError:
        raise cursor_invalid() from None


def _limit(request: Request) -> int:
    return number_parameter(request._request, "limit", members.PAGE, least=1, most=100)


def _after(request: Request) -> int:
    """The key after which the page begins."""
    if "cursor" not in request.GET:
        return 0
    after: int = read_cursor(request.GET["cursor"], int)[0]
    if not 0 <= after <= _KEY_MOST:
        raise cursor_invalid()
    return after


def _sanctions(request: Request, group: str, kind: Sanction.Kind) -> Response:
    limit = _limit(request)
    rows = moderation.sanctions(asker(request), group, kind, after=_after(request), limit=limit)
    cursor = write_cursor(rows[limit - 1].pk) if len(rows) > limit else None
    return Response(Listed([moderation.shape_of_sanction(row) for row in rows[:limit]], cursor))


def _lift(request: Request, group: str, user: str, kind: Sanction.Kind) -> Response:
    moderation.lift(asker(request), group, user, kind)
    return Response(status=status.HTTP_204_NO_CONTENT)
