"""The admin of conversations: to read what was said, to find it, and to follow it to the people it is of.

Nothing is changed here. What a client holds is a version of what the service wrote, and a change behind its back
would reach nobody.
"""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from conversations import admin_held as admin_held  # registers its page with those of this module
from conversations.admin_files import file_links
from conversations.history import PAGE
from conversations.models import Conversation, Message, Participant, ReadReceipt
from conversations.shapes import excerpt_of
from localroots_chat.accounts.admin_pages import ReadOnlyAdmin, list_links, only, page_link, people_named, state_filter
from localroots_chat.accounts.models import User

if TYPE_CHECKING:  # what is generic only in the stubs
    from django.db.models import Model

    _FormSet = forms.BaseInlineFormSet[Participant, Conversation, forms.ModelForm[Participant]]
    _Inline = admin.TabularInline[Participant, Conversation]
else:
    _FormSet = forms.BaseInlineFormSet
    _Inline = admin.TabularInline

NEWEST: Final = 100_000
SEATS_SHOWN: Final = 50


# Which conversation


def with_names(rows: QuerySet[Any], path: str = "") -> QuerySet[Any]:
    """Loads what `name_of` wants: the group, or the two people (never the thousands of a group). One query more."""
    two = Participant.objects.filter(conversation__type=Conversation.Type.DIRECT).select_related("user").order_by("pk")
    prefix = f"{path}__" if path else ""
    return rows.select_related(f"{prefix}group").prefetch_related(Prefetch(f"{prefix}participants", two, "two_people"))


def name_of(conversation: Conversation) -> str:
    """What people call it. Wants `with_names`."""
    if conversation.type == Conversation.Type.GROUP:
        return str(getattr(conversation, "group", conversation))
    people: list[Participant] = conversation.two_people  # type: ignore[attr-defined]
    return " & ".join(str(seat.user) for seat in people) or str(conversation)


def conversation_link(conversation: Conversation) -> SafeString:
    """A link to its thread. Wants `with_names`."""
    return page_link("conversations_conversation", conversation, name_of(conversation))


def user_link(user: User) -> SafeString:
    """A link to a person."""
    return page_link("accounts_user", user)


_of_conversation = only("conversation", "conversation", with_names(Conversation.objects.all()), name_of)


def _keys_in(word: str) -> list[uuid.UUID]:
    try:
        return [uuid.UUID(word)]
    except ValueError:
        return []


# Participants


class FirstSeats(_FormSet):
    """The first seats of a conversation: a group has up to thousands, and its page links to all of them."""

    _first: QuerySet[Participant] | None = None

    def get_queryset(self) -> QuerySet[Participant]:
        if self._first is None:
            self._first = super().get_queryset()[:SEATS_SHOWN]
        return self._first


class ParticipantInline(_Inline):
    """Owner and moderators first."""

    model = Participant
    formset = FirstSeats
    fields = readonly_fields = ("person", "role", "last_read_seq", "muted", "silenced_until", "joined_at", "left_at")
    ordering = ("-role", "pk")
    verbose_name_plural = f"participants (at most {SEATS_SHOWN} are shown here)"
    extra = max_num = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: "Model | None" = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: "Model | None" = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: "Model | None" = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Participant]:
        return super().get_queryset(request).select_related("user")

    @admin.display(description="person")
    def person(self, seat: Participant) -> SafeString:
        return user_link(seat.user)


@admin.register(Participant)
class ParticipantAdmin(ReadOnlyAdmin[Participant]):
    """All seats, those that were left too."""

    list_display = ("person", "conversation_name", "role", "last_read_seq", "joined_at", "left_at")
    list_display_links = ("role",)
    list_filter = (
        _of_conversation,
        only("person", "user", User.objects.all()),
        state_filter({"present": Q(left_at__isnull=True), "left": Q(left_at__isnull=False)}),
        "role",
    )
    search_fields = ("user__name",)
    search_help_text = "A person's name, user name or id."
    person_field = "user"
    fields = (
        "person",
        "conversation_name",
        "role",
        "last_read_seq",
        "muted",
        "silenced_until",
        "joined_at",
        "left_at",
        "changed_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Participant]:
        return with_names(super().get_queryset(request).select_related("user", "conversation"), "conversation")

    @admin.display(description="person")
    def person(self, seat: Participant) -> SafeString:
        return user_link(seat.user)

    @admin.display(description="conversation")
    def conversation_name(self, seat: Participant) -> SafeString:
        return conversation_link(seat.conversation)


# Conversations


class Thread(NamedTuple):
    """A page of what was said, oldest first. `before` is where the older and the newer page begin."""

    messages: list[Message]
    older_before: int | None
    newer_before: int | None
    right: int | None  # key of the person whose bubbles stand on the right: in a direct conversation one of the two


def thread_of(conversation: Conversation, before: int | None) -> Thread:
    """The newest messages, or those before this seq. One query."""
    rows = Message.objects.filter(conversation=conversation).select_related("sender", "reply_to__sender")
    if before is not None:
        rows = rows.filter(seq__lt=before)
    messages = list(reversed(rows.order_by("-seq")[:PAGE]))
    first, last = (messages[0].seq, messages[-1].seq) if messages else (1, (before or 1) - 1)
    return Thread(
        messages,
        older_before=first if first > conversation.first_seq and messages else None,
        newer_before=last + PAGE + 1 if last < conversation.last_seq else None,
        right=int(conversation.direct_key.partition(":")[2]) if conversation.direct_key else None,
    )


class LastActivity(admin.DateFieldListFilter):
    """The filter of the column with this name."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = "last activity"


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin[Conversation]):
    """A conversation's page shows what is said in it."""

    list_display = ("name", "type", "members", "last_seq", "last_activity")
    list_filter = (
        only("person", "participants__user", User.objects.all()),
        "type",
        ("changed_at", LastActivity),
    )
    ordering = ("-changed_at",)  # indexed, as updated_at is not
    search_fields = ("group__name",)
    search_help_text = "Names, user names or ids of people in it, the name of a group, or its own id."
    fieldsets = (
        (None, {"fields": ("type", "group_link", "to_lists")}),
        (
            "Numbers and times",
            {
                "classes": ("collapse",),
                "fields": (
                    "id",
                    "first_seq",
                    "last_seq",
                    "version",
                    "meta_version",
                    "created_at",
                    "updated_at",
                    "changed_at",
                ),
            },
        ),
    )
    inlines = (ParticipantInline,)

    class Media:
        css: ClassVar = {"all": ["conversations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        return with_names(super().get_queryset(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        for word in search_term.split():
            seats = Participant.objects.filter(user__in=people_named(word)).values("conversation")
            groups = Conversation.objects.filter(group__name__icontains=word).values("pk")
            itself = Conversation.objects.filter(pk__in=_keys_in(word)).values("pk")
            # UNION lets each part go by its own index; OR would read every conversation.
            queryset = queryset.filter(pk__in=seats.union(groups, itself))
        return queryset, False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> HttpResponse:
        conversation: Conversation = context["original"]
        context["subtitle"] = name_of(conversation)
        # Whoever may see that two people talk may not yet read what they say.
        if self.admin_site.get_model_admin(Message).has_view_permission(request):
            before = request.GET.get("before", "")
            context["thread"] = thread_of(conversation, int(before) if re.fullmatch("[0-9]{1,18}", before) else None)
        return super().render_change_form(request, context, *args, **more)

    @admin.display(description="name")
    def name(self, conversation: Conversation) -> str:
        return name_of(conversation)

    @admin.display(description="members")
    def members(self, conversation: Conversation) -> int:
        return conversation.member_count

    @admin.display(description="last activity")
    def last_activity(self, conversation: Conversation) -> datetime:
        return conversation.changed_at

    @admin.display(description="group")
    def group_link(self, conversation: Conversation) -> str:
        group = getattr(conversation, "group", None)
        return "–" if group is None else page_link("groups_group", group)

    @admin.display(description="lists")
    def to_lists(self, conversation: Conversation) -> SafeString:
        narrowed = {"conversation": conversation.pk}
        return list_links(
            [
                (f"Messages ({conversation.last_seq - conversation.first_seq + 1})", "conversations_message", narrowed),
                (f"Participants ({conversation.member_count})", "conversations_participant", narrowed),
                ("Read receipts", "conversations_readreceipt", narrowed),
            ]
        )


# Messages


class Sent(admin.SimpleListFilter):
    """When: by key, which is a UUIDv7 and so begins with the time. Without it or an owner only the newest are gone
    through, so that neither a rare word nor a rare type makes the database read everything ever said."""

    title = "time"
    parameter_name = "sent"
    _narrowed: bool
    _hours: ClassVar = {"day": 24, "week": 7 * 24, "month": 30 * 24}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        self._narrowed = bool({"conversation", "sender"} & request.GET.keys())
        ever = [] if self._narrowed else [("ever", "Any time (slow)")]
        return [("day", "Past 24 hours"), ("week", "Past 7 days"), ("month", "Past 30 days"), *ever]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for choice in super().choices(changelist):
            if choice["display"] == "All" and not self._narrowed:
                choice["display"] = f"Newest {NEWEST:,}"
            yield choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if (hours := self._hours.get(self.value() or "")) is not None:
            since = datetime.now(UTC) - timedelta(hours=hours)
            return queryset.filter(pk__gte=uuid.UUID(int=int(since.timestamp() * 1000) << 80))
        if self._narrowed or self.value() == "ever":
            return None
        oldest = Message.objects.order_by("-pk").values_list("pk", flat=True)[NEWEST - 1 : NEWEST]
        return queryset.filter(pk__gte=oldest[0]) if oldest else None


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin[Message]):
    """What was said, newest first."""

    list_display = ("conversation_name", "number", "sender_link", "type", "excerpt", "created_at", "marks")
    list_display_links = ("number", "excerpt")
    list_filter = (
        _of_conversation,
        only("sender", "sender", User.objects.all()),
        Sent,
        state_filter({"edited": Q(edited_at__isnull=False), "deleted": Q(deleted_at__isnull=False)}),
        "type",
    )
    search_fields = ("content",)
    search_help_text = "Words of the text, a sender's name or id, or the id of a message or of a conversation."
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "conversation_name",
                    "in_thread",
                    "sender_link",
                    "type",
                    "content",
                    "files",
                    "system",
                    "answers",
                )
            },
        ),
        ("Changes", {"fields": ("earlier_texts", "reacted")}),
        ("Times", {"fields": ("created_at", "edited_at", "deleted_at")}),
        ("For clients", {"fields": ("id", "version", "client_id")}),
    )

    class Media:
        css: ClassVar = {"all": ["conversations/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        rows = super().get_queryset(request).select_related("sender", "conversation", "reply_to__sender")
        return with_names(rows, "conversation")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # Each is the order of an index.
        return ("conversation_id", "-seq") if "conversation" in request.GET else ("-pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        for word in search_term.split():
            if keys := _keys_in(word):
                queryset = queryset.filter(Q(pk__in=keys) | Q(conversation__in=keys))
            else:
                queryset = queryset.filter(Q(content__icontains=word) | Q(sender__in=people_named(word)))
        return queryset, False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> HttpResponse:
        message: Message = context["original"]
        context["subtitle"] = f"#{message.seq} in {name_of(message.conversation)}"
        return super().render_change_form(request, context, *args, **more)

    @admin.display(description="seq")
    def number(self, message: Message) -> str:
        return f"#{message.seq}"

    @admin.display(description="text")
    def excerpt(self, message: Message) -> str:
        return _excerpt(message)

    @admin.display(description="sender")
    def sender_link(self, message: Message) -> SafeString:
        return user_link(message.sender)

    @admin.display(description="conversation")
    def conversation_name(self, message: Message) -> SafeString:
        return conversation_link(message.conversation)

    @admin.display(description="marks", empty_value="")
    def marks(self, message: Message) -> str | None:
        marks = {"edited": message.edited_at, "deleted": message.deleted_at, "answer": message.reply_to_id}
        return ", ".join(mark for mark, given in marks.items() if given) or None

    @admin.display(description="place")
    def in_thread(self, message: Message) -> SafeString:
        thread = reverse("admin:conversations_conversation_change", args=[message.conversation_id])
        # Some newer messages too: what was answered says what was meant.
        before = message.seq + PAGE // 2
        return format_html(
            '#{0} · <a href="{1}?before={2}#seq-{0}">show in the thread</a>', message.seq, thread, before
        )

    @admin.display(description="earlier texts")
    def earlier_texts(self, message: Message) -> str:
        texts = message.earlier_texts.order_by("pk").select_related("replaced_by")
        told = (
            (f"until {one.replaced_at:%c}", f", by {one.replaced_by or 'nobody known'}", one.content) for one in texts
        )
        lines = format_html_join("", "<li>{}{}: {}</li>", told)
        return format_html("<ol>{}</ol>", lines) if lines else "–"

    @admin.display(description="files")
    def files(self, message: Message) -> SafeString | str:
        return file_links(message.attachment_rows.all())

    @admin.display(description="reactions")
    def reacted(self, message: Message) -> str:
        return ", ".join(f"{emoji} {count}" for emoji, count in message.reactions) or "–"

    @admin.display(description="answers")
    def answers(self, message: Message) -> str:
        answered = message.reply_to
        if answered is None:
            return "–"
        text = f"#{answered.seq} {answered.sender}: {_excerpt(answered)}"
        return page_link("conversations_message", answered, text)


def _excerpt(message: Message) -> str:
    if message.deleted_at:
        return "(deleted)"
    return excerpt_of(message.content) or "(no text)"


# Read receipts


@admin.register(ReadReceipt)
class ReadReceiptAdmin(ReadOnlyAdmin[ReadReceipt]):
    """Who had read up to where, and when."""

    list_display = ("reader_link", "conversation_name", "up_to", "read_at")
    list_display_links = ("read_at",)
    list_filter = (_of_conversation, only("reader", "reader", User.objects.all()))
    search_fields = ("reader__name",)
    search_help_text = "A reader's name, user name or id."
    person_field = "reader"
    fields = ("reader_link", "conversation_name", "up_to", "read_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReadReceipt]:
        rows = super().get_queryset(request).select_related("reader", "conversation", "message__sender")
        return with_names(rows, "conversation")

    @admin.display(description="reader")
    def reader_link(self, receipt: ReadReceipt) -> SafeString:
        return user_link(receipt.reader)

    @admin.display(description="conversation")
    def conversation_name(self, receipt: ReadReceipt) -> SafeString:
        return conversation_link(receipt.conversation)

    @admin.display(description="read up to")
    def up_to(self, receipt: ReadReceipt) -> SafeString:
        return page_link("conversations_message", receipt.message, f"#{receipt.seq} of {receipt.message.sender}")
