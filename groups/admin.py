"""The admin of groups: what they are, who is in them and as what, who must stay out; and what staff may do about it."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from conversations.admin import user_link
from conversations.models import Conversation, Participant
from groups import invitations, lifecycle, members, moderation, ownership
from groups.admin_queue import READ  # which registers its page with those of this module
from groups.models import Group, Invitation, Member, Sanction
from groups.moderation import Sentence
from groups.permission import Role
from localroots_chat.accounts.admin_pages import (
    M,
    ReadOnlyAdmin,
    action_with_reason,
    list_links,
    only,
    page_link,
    state_filter,
)
from localroots_chat.accounts.models import User

# What staff may do, each with a reason


def _close(staff: User, group: Group, reason: str) -> None:
    lifecycle.close(staff, str(group.pk), as_staff=True)


def _ban(staff: User, member: Member, reason: str) -> None:
    moderation.ban(staff, _group_of(member), Sentence(member.user.public_id, reason), as_staff=True)


def _remove(staff: User, member: Member, reason: str) -> None:
    members.remove(staff, _group_of(member), member.user.public_id, as_staff=True)


def _hand_over(staff: User, member: Member, reason: str) -> None:
    ownership.hand_over(staff, _group_of(member), member.user.public_id, as_staff=True)


def _make(role: str, staff: User, member: Member, reason: str) -> None:
    members.set_role(staff, _group_of(member), member.user.public_id, role, as_staff=True)


def _silence(days: int, staff: User, member: Member, reason: str) -> None:
    moderation.silence_as_staff(staff, _group_of(member), member.user.public_id, reason, timedelta(days))


def _lift(staff: User, sanction: Sanction, reason: str) -> None:
    kind = Sanction.Kind(sanction.kind)
    moderation.lift(staff, str(sanction.group_id), sanction.user.public_id, kind, as_staff=True)


def _revoke(staff: User, invitation: Invitation, reason: str) -> None:
    invitations.revoke(staff, str(invitation.group_id), invitation.code, as_staff=True)


def _group_of(member: Member) -> str:
    return str(member.conversation.group.pk)


class ModeratedAdmin(ReadOnlyAdmin[M]):
    """What is changed here is changed as by members: told to everybody, and with a reason for the history."""

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("groups.change_group")


@admin.register(Group)
class GroupAdmin(ModeratedAdmin[Group]):
    """What a community is called and whose it is; what is said in it is on the page of its conversation."""

    actions = (action_with_reason("Close these groups", _close, right="moderate"),)
    list_display = ("name", "category", "visibility", "members", "owner", "created_at", "closed_at")
    list_filter = (
        "category",
        "visibility",
        state_filter({"open": Q(closed_at__isnull=True), "closed": Q(closed_at__isnull=False)}),
    )
    sortable_by = ("name",)
    search_fields = ("name", "description")
    fields = (
        "name",
        "description",
        "image_url",
        "category",
        "visibility",
        "members",
        "owner",
        "created_by",
        "conversation_links",
        "created_at",
        "updated_at",
        "closed_at",
        "id",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        owners = Participant.objects.filter(role=Participant.Role.OWNER, left_at=None).select_related("user")
        return (
            super()
            .get_queryset(request)
            .select_related("conversation", "created_by")
            .prefetch_related(Prefetch("conversation__participants", owners, "owners"))
        )

    @admin.display(description="members")
    def members(self, group: Group) -> int:
        return group.conversation.member_count

    @admin.display(description="owner")
    def owner(self, group: Group) -> str:
        owners: Any = group.conversation.owners  # type: ignore[attr-defined]  # prefetched above
        return user_link(owners[0].user) if owners else "–"

    @admin.display(description="conversation")
    def conversation_links(self, group: Group) -> SafeString:
        talk, group_alone = {"conversation": group.conversation_id}, {"group": group.pk}
        lists = [
            ("Messages", "conversations_message", talk),
            ("Members", "groups_member", talk),
            ("Bans and silences", "groups_sanction", group_alone),
            ("Invitations", "groups_invitation", group_alone),
        ]
        thread = page_link("conversations_conversation", group.conversation, "Thread")
        return thread + SafeString(" · ") + list_links(lists)


_of_group = only("group", "group", Group.objects.all())


@admin.register(Member)
class MemberAdmin(ModeratedAdmin[Member]):
    """Who is in a group now."""

    list_display = ("person", "group", "role", "joined_at", "silenced_until")
    list_display_links = ("role",)
    list_filter = (only("conversation", "conversation", Conversation.objects.filter(type="GROUP")), "role")
    search_fields = ("user__name",)
    search_help_text = "A person's name, user name or id."
    person_field = "user"
    fields = ("person", "group", "role", "last_read_seq", "silenced_until", "joined_at")
    actions = (
        action_with_reason("Silence these members for a day", partial(_silence, 1), right="moderate", hint=READ),
        action_with_reason("Silence these members for a week", partial(_silence, 7), right="moderate", hint=READ),
        action_with_reason("Remove these members", _remove, right="moderate"),
        action_with_reason("Ban these members", _ban, right="moderate", hint=READ),
        action_with_reason("Make these members moderators", partial(_make, Role.MODERATOR), right="moderate"),
        action_with_reason("Make these moderators members", partial(_make, Role.MEMBER), right="moderate"),
        action_with_reason("Hand the group over", _hand_over, right="moderate"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        present = super().get_queryset(request).filter(left_at=None, conversation__type=Conversation.Type.GROUP)
        return present.select_related("user", "conversation__group")

    @admin.display(description="person")
    def person(self, seat: Member) -> SafeString:
        return user_link(seat.user)

    @admin.display(description="group")
    def group(self, seat: Member) -> SafeString:
        return page_link("groups_group", seat.conversation.group)


@admin.register(Sanction)
class SanctionAdmin(ModeratedAdmin[Sanction]):
    """Who must stay out of a group, or may only read there; by whom, why and until when."""

    actions = (action_with_reason("Lift these", _lift, right="moderate"),)
    list_display = ("person", "group_page", "kind", "reason", "imposed_by", "imposed_at", "ends_at", "lifted_at")
    list_display_links = ("kind",)
    list_filter = (
        _of_group,
        "kind",
        state_filter({"in force": Q(lifted_at__isnull=True), "lifted": Q(lifted_at__isnull=False)}),
    )
    search_fields = ("user__name",)
    search_help_text = "A person's name, user name or id."
    person_field = "user"
    fields = ("person", "group_page", "kind", "reason", "imposed_by", "imposed_at", "ends_at", "lifted_at", "lifted_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Sanction]:
        return super().get_queryset(request).select_related("user", "group", "imposed_by", "lifted_by")

    @admin.display(description="person")
    def person(self, sanction: Sanction) -> SafeString:
        return user_link(sanction.user)

    @admin.display(description="group")
    def group_page(self, sanction: Sanction) -> SafeString:
        return page_link("groups_group", sanction.group)


@admin.register(Invitation)
class InvitationAdmin(ModeratedAdmin[Invitation]):
    """The codes that let people into groups."""

    actions = (action_with_reason("Revoke these", _revoke, right="moderate"),)
    list_display = ("group_page", "role", "maker", "created_at", "expires_at", "uses", "uses_most", "revoked_at")
    list_display_links = ("created_at",)
    list_filter = (_of_group, "role")
    search_fields = ("created_by__name",)
    search_help_text = "The name, user name or id of who made it."
    person_field = "created_by"
    fields = ("group_page", "role", "maker", "created_at", "expires_at", "uses", "uses_most", "revoked_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        return super().get_queryset(request).select_related("group", "created_by")

    @admin.display(description="made by")
    def maker(self, invitation: Invitation) -> SafeString:
        return user_link(invitation.created_by)

    @admin.display(description="group")
    def group_page(self, invitation: Invitation) -> SafeString:
        return page_link("groups_group", invitation.group)
