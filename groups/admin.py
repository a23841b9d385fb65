"""The admin of groups: what they are, who is in them and as what, who must stay out; and what staff may do about it."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from conversations.admin import user_link
from conversations.models import Conversation, Participant
from groups import lifecycle, members, moderation
from groups.models import Group, Invitation, Member, Sanction
from groups.moderation import Sentence
from localroots_chat.accounts.admin import (
    M,
    ReadOnlyAdmin,
    action_with_reason,
    list_links,
    only,
    page_link,
    state_filter,
)
from localroots_chat.accounts.models import User


def _close(staff: User, group: Group, reason: str) -> None:
    lifecycle.close(staff, str(group.pk), as_staff=True)


def _ban(staff: User, member: Member, reason: str) -> None:
    sentence = Sentence(user_id=member.user.public_id, reason=reason)
    moderation.ban(staff, str(member.conversation.group.pk), sentence, as_staff=True)


def _hand_over(staff: User, member: Member, reason: str) -> None:
    members.hand_over(staff, str(member.conversation.group.pk), member.user.public_id, as_staff=True)


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
        narrowed = {"conversation": group.conversation_id}
        lists = [("Messages", "conversations_message", narrowed), ("Members", "groups_member", narrowed)]
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
        action_with_reason("Ban these members", _ban, right="moderate"),
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
class SanctionAdmin(ReadOnlyAdmin[Sanction]):
    """Who must stay out of a group, or may only read there; by whom, why and until when."""

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
class InvitationAdmin(ReadOnlyAdmin[Invitation]):
    """The codes that let people into groups."""

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
