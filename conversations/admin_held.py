"""The admin's list of messages that wait: oldest first, with why, to be approved or refused."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from conversations import held
from conversations.admin_files import file_links
from conversations.models import HeldMessage
from conversations.shapes import excerpt_of
from localroots_chat.accounts.admin_pages import ReadOnlyAdmin, action_with_reason, only, page_link, to_do_filter
from localroots_chat.accounts.models import User


def _approve(staff: User, message: HeldMessage, reason: str) -> None:
    held.approve_as_staff(staff, message)


def _refuse(staff: User, message: HeldMessage, reason: str) -> None:
    held.refuse_as_staff(staff, message, reason)


@admin.register(HeldMessage)
class HeldMessageAdmin(ReadOnlyAdmin[HeldMessage]):
    """What the screen has held. What waits comes first to mind: the others are found by the filter."""

    list_display = ("excerpt", "author", "category", "reason", "created_at", "outcome")
    list_display_links = ("excerpt",)
    list_filter = (to_do_filter(Q(outcome="")), "outcome", only("sender", "sender", User.objects.all()))
    search_fields = ("sender__name",)
    search_help_text = "The name, user name or id of who has written it."
    person_field = "sender"
    ordering = ("pk",)
    fields = (
        "content", "files", "author", "place", "reason", "created_at",
        "outcome", "answer", "decided_by", "decided_at", "became",
    )  # fmt: skip
    actions = (
        action_with_reason("Approve these messages", _approve, right="decide"),
        action_with_reason("Refuse these messages", _refuse, right="decide", hint="The sender reads it."),
    )

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("conversations.change_heldmessage")

    def get_queryset(self, request: HttpRequest) -> QuerySet[HeldMessage]:
        wanted = ("sender", "decided_by", "message", "conversation__group")
        return super().get_queryset(request).select_related(*wanted)

    @admin.display(description="message")
    def excerpt(self, message: HeldMessage) -> str:
        return excerpt_of(message.content)

    @admin.display(description="sender")
    def author(self, message: HeldMessage) -> SafeString:
        return page_link("accounts_user", message.sender)

    @admin.display(description="where")
    def category(self, message: HeldMessage) -> str:
        group: Any = getattr(message.conversation, "group", None)
        return "Direct" if group is None else str(group)

    @admin.display(description="where")
    def place(self, message: HeldMessage) -> SafeString:
        return page_link("conversations_conversation", message.conversation, self.category(message))

    @admin.display(description="files")
    def files(self, message: HeldMessage) -> SafeString | str:
        return file_links(message.attachment_rows.all())

    @admin.display(description="became")
    def became(self, message: HeldMessage) -> SafeString | str:
        if message.message is None:
            return "–"
        return page_link("conversations_message", message.message, format_html("#{}", message.message.seq))
