"""The admin of groups. Their settings are not changed here: that takes a version and a message to the members."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from conversations.admin import user_link
from conversations.models import Participant
from groups.models import Group
from localroots_chat.accounts.admin import ReadOnlyAdmin, list_links, page_link, state_filter


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin[Group]):
    """What a community is called and whose it is; what is said in it is on the page of its conversation."""

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
        lists = [("Messages", "conversations_message", narrowed), ("Members", "conversations_participant", narrowed)]
        thread = page_link("conversations_conversation", group.conversation, "Thread")
        return thread + SafeString(" · ") + list_links(lists)
