"""The admin's queue of reports: what most people have reported first, with all that has to be known to decide, and the
decisions. Each asks for its reason, takes effect on all servers at once, and stays in the history.

It is here, and not with the reports, because some decisions are about groups.
"""

from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.contrib import admin
from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from conversations import edits, warning
from conversations.history import PAGE
from conversations.models import Case, Message, Report
from conversations.shapes import excerpt_of
from groups import lifecycle, moderation
from groups.models import Group
from localroots_chat.accounts.admin_pages import (
    ReadOnlyAdmin,
    action_with_reason,
    list_links,
    only,
    page_link,
    to_do_filter,
)
from localroots_chat.accounts.models import User
from localroots_chat.accounts.revocation import set_active
from localroots_chat.database import DatabaseNow
from localroots_chat.errors import ChatError

Outcome = Case.Outcome
EXCERPT: Final = 60
READ: Final = "The group's moderators read it."
SURROUNDINGS: Final = 4  # messages before and after


@transaction.atomic
def _close(staff: User, case: Case, outcome: str) -> None:
    closed = Case.objects.filter(pk=case.pk, closed_at=None).update(
        closed_at=DatabaseNow(), closed_by=staff, outcome=outcome
    )
    if not closed:
        raise ChatError("forbidden", "This has been decided already.")


def _dismiss(staff: User, case: Case, reason: str) -> None:
    _close(staff, case, Outcome.DISMISSED)


@transaction.atomic
def _remove_message(staff: User, case: Case, reason: str) -> None:
    if case.message is None:
        raise ChatError("forbidden", "This is not about a message.")
    _close(staff, case, Outcome.REMOVED)
    edits.remove(staff, case.message)


@transaction.atomic
def _warn(staff: User, case: Case, reason: str) -> None:
    _close(staff, case, Outcome.WARNED)
    warning.warn(case.user, f"About {_named(case)}: {reason}")


@transaction.atomic
def _silence(days: int, staff: User, case: Case, reason: str) -> None:
    if case.kind != Case.Kind.MESSAGE:
        raise ChatError("forbidden", "Somebody is silenced where they have said it: this is not about a message.")
    _close(staff, case, Outcome.SILENCED)
    moderation.silence_as_staff(staff, str(_group_of(case).pk), case.user.public_id, reason, timedelta(days))


@transaction.atomic
def _close_group(staff: User, case: Case, reason: str) -> None:
    if case.kind != Case.Kind.GROUP:
        raise ChatError("forbidden", "This is not about a group.")
    _close(staff, case, Outcome.CLOSED)
    lifecycle.close(staff, str(_group_of(case).pk), as_staff=True)


def _group_of(case: Case) -> Group:
    group: Group | None = getattr(case.conversation, "group", None)
    if group is None:
        raise ChatError("forbidden", "This was not said in a group.")
    return group


def _named(case: Case) -> str:
    """What it is about, to the person who is to answer for it."""
    match case.kind:
        case Case.Kind.MESSAGE:
            return f"your message “{excerpt_of(case.snapshot['content'])}”"
        case Case.Kind.GROUP:
            return f"your group {case.snapshot['name']}"
    return "your account"


@transaction.atomic
def _suspend(staff: User, case: Case, reason: str) -> None:
    if case.user.is_staff or case.user.is_superuser:
        raise ChatError("forbidden", "Accounts of staff are closed on their own page.")
    _close(staff, case, Outcome.SUSPENDED)
    set_active(case.user, False)


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin[Case]):
    """What was reported. Open cases first, those of most people, and of these the oldest."""

    list_display = ("what", "about", "reports", "reasons", "opened_at", "outcome")
    list_display_links = ("what",)
    list_filter = (
        to_do_filter(Q(closed_at__isnull=True)),
        "kind",
        "rows__reason",
        "outcome",
        only("user", "user", User.objects.all()),
    )
    search_fields = ("user__name",)
    search_help_text = "The name, user name or id of whom it is about."
    person_field = "user"
    fields = (
        "kind", "about", "was", "surroundings", "now", "reports", "said", "opened_at", "reported_at",
        "outcome", "closed_by", "closed_at",
    )  # fmt: skip
    actions = (
        action_with_reason("Dismiss these reports", _dismiss, right="decide"),
        action_with_reason("Warn these people", _warn, right="decide", hint="The person reads it."),
        action_with_reason("Remove these messages", _remove_message, right="remove"),
        action_with_reason("Silence these people for a day", partial(_silence, 1), right="keep_order", hint=READ),
        action_with_reason("Silence these people for a week", partial(_silence, 7), right="keep_order", hint=READ),
        action_with_reason("Close these groups", _close_group, right="keep_order"),
        action_with_reason("Suspend these people", _suspend, right="suspend"),
    )

    def get_fields(self, request: HttpRequest, obj: Case | None = None) -> Any:
        # Whoever may see what was reported may not yet read what was said beside it.
        may_read = request.user.has_perm("conversations.view_message")
        return [field for field in self.fields if field != "surroundings" or may_read]

    # Whoever decides needs the right to what is changed by it.

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("conversations.change_case")

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["conversations.change_case", "conversations.delete_message"])

    def has_keep_order_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["conversations.change_case", "groups.change_group"])

    def has_suspend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["conversations.change_case", "accounts.change_user"])

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        return ("-reports", "opened_at", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        rows = Report.objects.select_related("reporter").order_by("created_at")
        found = super().get_queryset(request).select_related("user", "closed_by", "message", "conversation__group")
        return found.prefetch_related(Prefetch("rows", rows))

    @admin.display(description="what")
    def what(self, case: Case) -> str:
        text = case.snapshot.get("content") or case.snapshot.get("name") or "(nothing)"
        return f"{case.get_kind_display()}: {Truncator(excerpt_of(text)).chars(EXCERPT)}"

    @admin.display(description="about")
    def about(self, case: Case) -> SafeString:
        return page_link("accounts_user", case.user)

    @admin.display(description="reasons")
    def reasons(self, case: Case) -> str:
        return ", ".join(sorted({row.get_reason_display() for row in case.rows.all()}))

    @admin.display(description="when it was reported")
    def was(self, case: Case) -> SafeString:
        lines = ((name, value) for name, value in case.snapshot.items() if value not in (None, ""))
        return format_html("<dl>{}</dl>", format_html_join("", "<dt>{}</dt><dd>{}</dd>", lines))

    @admin.display(description="said beside it")
    def surroundings(self, case: Case) -> SafeString | str:
        if case.message is None:
            return "–"
        seq, talk = case.message.seq, case.message.conversation_id
        beside = Message.objects.filter(conversation=talk, seq__range=(seq - SURROUNDINGS, seq + SURROUNDINGS))
        lines = (
            (SafeString("<b>→</b> " if one.seq == seq else ""), one.sender, one.content or "(nothing any more)")
            for one in beside.select_related("sender").order_by("seq")
        )
        return format_html_join(SafeString("<br>"), "{}{}: {}", lines)

    @admin.display(description="now")
    def now(self, case: Case) -> SafeString | str:
        links: list[SafeString] = []
        if case.message is not None:
            thread = reverse("admin:conversations_conversation_change", args=[case.message.conversation_id])
            # Some newer messages too: what was answered says what was meant.
            before, seq = case.message.seq + PAGE // 2, case.message.seq
            links.append(format_html('<a href="{0}?before={1}#seq-{2}">In its thread</a>', thread, before, seq))
            links.append(page_link("conversations_message", case.message, "The message"))
        elif case.kind == Case.Kind.GROUP and case.conversation is not None:
            links.append(page_link("groups_group", case.conversation.group))
        of_person = {"user": case.user_id, "state": "closed"}
        links.append(list_links([("Earlier cases", "conversations_case", of_person)]))
        return format_html_join(" · ", "{}", ((link,) for link in links))

    @admin.display(description="what people say")
    def said(self, case: Case) -> SafeString:
        rows = (
            (page_link("accounts_user", row.reporter), row.get_reason_display(), row.note, f"{row.created_at:%c}")
            for row in case.rows.all()
        )
        return format_html_join(SafeString("<br>"), "{}: {} {} ({})", rows)
