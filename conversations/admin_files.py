"""The admin's list of files: whose they are, where they were sent, and the files themselves."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from conversations.attachments import stored_of
from conversations.models import Attachment
from localroots_chat.accounts.admin_pages import ReadOnlyAdmin, only, page_link, state_filter
from localroots_chat.accounts.models import User
from localroots_chat.downloads import answer_with


def file_links(rows: Iterable[Attachment]) -> SafeString | str:
    """Links to the pages of these files."""
    links = [page_link("conversations_attachment", row) for row in rows]
    return format_html_join(", ", "{}", ((link,) for link in links)) or "–"


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin[Attachment]):
    """What people have uploaded, newest first; of deleted messages too, until it is purged."""

    list_display = ("name", "type", "bytes", "owner", "created_at", "place")
    list_filter = (
        "kind",
        state_filter({"sent": Q(message__isnull=False), "not sent": Q(message=None)}),
        only("uploader", "uploader", User.objects.all()),
    )
    search_fields = ("uploader__name",)
    search_help_text = "The name, user name or id of who has uploaded it."
    person_field = "uploader"
    fields = ("name", "kind", "type", "bytes", "owner", "place", "file", "created_at", "stored_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attachment]:
        return super().get_queryset(request).select_related("uploader", "message", "held")

    def get_urls(self) -> list[URLPattern]:
        fetch = self.admin_site.admin_view(self.fetch)
        return [path("<uuid:key>/file/", fetch, name="conversations_attachment_file"), *super().get_urls()]

    def fetch(self, request: HttpRequest, key: Any) -> HttpResponseBase:
        """The file itself, for whoever may see this page."""
        row = get_object_or_404(Attachment, pk=key)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return answer_with(request, stored_of(row))

    @admin.display(description="size")
    def bytes(self, row: Attachment) -> str:
        return filesizeformat(row.kept)

    @admin.display(description="uploaded by")
    def owner(self, row: Attachment) -> SafeString:
        return page_link("accounts_user", row.uploader)

    @admin.display(description="where")
    def place(self, row: Attachment) -> SafeString | str:
        if row.message is not None:
            return page_link("conversations_message", row.message, "message")
        return "–" if row.held is None else page_link("conversations_heldmessage", row.held, "held message")

    @admin.display(description="file")
    def file(self, row: Attachment) -> SafeString:
        address = reverse("admin:conversations_attachment_file", args=[row.pk])
        if row.kind == Attachment.Kind.IMAGE:
            return format_html('<a href="{0}"><img src="{0}" alt="" width="320"></a>', address)
        return format_html('<a href="{}">{}</a>', address, row.name)
