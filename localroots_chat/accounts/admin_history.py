"""The admin's history: what staff have done, in one place. Nobody adds to it by hand, changes or deletes it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from localroots_chat.accounts.admin_pages import ReadOnlyAdmin, only, page_link
from localroots_chat.accounts.models import User


@admin.register(LogEntry)
class HistoryAdmin(ReadOnlyAdmin[LogEntry]):
    """Newest first; for actions that ask for a reason, with the reason."""

    list_display = ("action_time", "staff", "what", "about")
    list_display_links = ("action_time",)
    list_filter = (
        "action_flag",
        ("content_type", admin.RelatedOnlyFieldListFilter),
        only("staff", "user", User.objects.filter(is_staff=True)),
    )
    search_fields = ("change_message", "object_repr")
    search_help_text = "Words of a reason, or of what it was about."
    fields = ("action_time", "staff", "what", "about")
    ordering = ("-action_time",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogEntry]:
        return super().get_queryset(request).select_related("user", "content_type")

    @admin.display(description="who")
    def staff(self, entry: LogEntry) -> SafeString:
        return page_link("accounts_user", entry.user)

    @admin.display(description="what")
    def what(self, entry: LogEntry) -> str:
        told: Any = entry.get_change_message()
        return str(told or entry.get_action_flag_display())

    @admin.display(description="about")
    def about(self, entry: LogEntry) -> SafeString | str:
        address = entry.get_admin_url()
        return format_html('<a href="{}">{}</a>', address, entry.object_repr) if address else entry.object_repr
