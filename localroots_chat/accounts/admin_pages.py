"""What all our admin pages have in common.

These tables may hold millions of rows: no page counts or sorts them all or offers a choice of thousands. Rows hang
together, and clients follow them by version, so nothing is deleted here row by row.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from localroots_chat.accounts.models import User
from localroots_chat.errors import ChatError

if TYPE_CHECKING:  # what is generic only in the stubs
    from django.contrib.admin import ModelAdmin as _ModelAdmin
    from django.core.paginator import Paginator

    _Paginator = Paginator[Any]
else:
    from django.core.paginator import Paginator as _Paginator

    class _ModelAdmin(admin.ModelAdmin):
        def __class_getitem__(cls, _):
            return cls


M = TypeVar("M", bound=models.Model)

COUNTED_AT_MOST: Final = 10_000
_PEOPLE_FOUND_AT_MOST: Final = 500


class _AtLeast(int):
    """A count that was ended early, and says so."""

    def __str__(self) -> str:
        return f"{int(self)}+"


class BoundedPaginator(_Paginator):
    """Counts, and leafs through, the first 10,000 rows: further on one searches or filters."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        # Neither the order nor the annotations matter to a count, and both may cost much.
        found = rows.order_by().values("pk")[:COUNTED_AT_MOST].count()
        return found if found < COUNTED_AT_MOST else _AtLeast(found)


class LargeTableAdmin(_ModelAdmin[M]):
    """Lists that cost the same with a hundred rows and with a hundred million, newest first unless said otherwise."""

    paginator = BoundedPaginator
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()
    person_field: ClassVar[str] = ""  # a search is for this person's rows

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        if not self.person_field:
            return super().get_search_results(request, queryset, search_term)
        for word in search_term.split():
            queryset = queryset.filter(**{f"{self.person_field}__in": people_named(word)})
        return queryset, False


class ReadOnlyAdmin(LargeTableAdmin[M]):
    """For what only the service itself may write: each change takes a version and tells the clients."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False


def people_named(word: str) -> list[int]:
    """Keys of people whose name has this word, or who have this id. A list, so that their rows are found by index."""
    found = User.objects.filter(Q(name__icontains=word) | Q(username__icontains=word) | Q(public_id=word))
    return list(found.values_list("pk", flat=True)[:_PEOPLE_FOUND_AT_MOST])


def page_link(page: str, row: models.Model, text: object = None) -> SafeString:
    """A link to the page of this row: `page_link("accounts_user", user)`."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{page}_change", args=[row.pk]), text or row)


def list_links(links: Iterable[tuple[str, str, dict[str, Any]]]) -> SafeString:
    """Links to lists, from (text, list, what it is narrowed to)."""
    found = ((reverse(f"admin:{page}_changelist", query=query), text) for text, page, query in links)
    return format_html_join(" · ", '<a href="{}">{}</a>', found)


def only(parameter: str, lookup: str, rows: QuerySet[Any], label: Callable[[Any], str] = str) -> type[Any]:
    """A filter for the rows of one person or one conversation. Links set it; it is shown where it is set."""

    class Only(admin.SimpleListFilter):
        title = parameter
        parameter_name = parameter
        found: models.Model | None = None

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
            key = self.value()
            if key is None:
                return []
            try:
                self.found = rows.filter(pk=key).first()
            except (ValueError, ValidationError):
                self.found = None
            return [(key, label(self.found) if self.found is not None else "unknown")]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
            if self.value() is None:
                return None
            return queryset.none() if self.found is None else queryset.filter(**{lookup: self.found.pk})

    return Only


def state_filter(states: Mapping[str, Q]) -> type[admin.SimpleListFilter]:
    """A filter by what has become of a row."""

    class State(admin.SimpleListFilter):
        title = "state"
        parameter_name = "state"

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
            return [(name, name.capitalize()) for name in states]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
            state = states.get(self.value() or "")
            return None if state is None else queryset.filter(state)

    return State


def to_do_filter(to_do: Q) -> type[admin.SimpleListFilter]:
    """A filter by whether a row still waits for a decision: what does, is what one comes for."""

    class ToDo(admin.SimpleListFilter):
        title = "state"
        parameter_name = "state"

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
            return [("closed", "Decided"), ("any", "All")]

        def choices(self, changelist: ChangeList) -> Iterator[Any]:
            first, *others = super().choices(changelist)
            yield {**first, "display": "To do"}
            yield from others

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
            match self.value():
                case "any":
                    return None
                case "closed":
                    return queryset.exclude(to_do)
            return queryset.filter(to_do)

    return ToDo


class ReasonForm(forms.Form):
    """Why somebody of the staff does what cannot be taken back."""

    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


def action_with_reason(
    title: str, work: Callable[[User, Any, str], object], *, right: str, hint: str = ""
) -> Callable[..., Any]:
    """An action of a list that asks for a reason first, and writes it into the log with each row.

    `work` is called with who does it, a row, and the reason. `right` names has_<right>_permission of the page. `hint`
    says who else reads the reason.
    """

    @admin.action(description=title, permissions=[right])
    def act(page: Any, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        form = ReasonForm(request.POST if "reason" in request.POST else None)
        if not form.is_valid():
            asked = {**page.admin_site.each_context(request), "title": title, "form": form, "rows": rows}
            asked |= {"action": act.__name__, "opts": page.opts, "hint": hint}
            return TemplateResponse(request, "admin/reason.html", asked)
        for row in rows:
            try:
                work(request.user, row, form.cleaned_data["reason"])  # type: ignore[arg-type]  # staff is signed in
            except ChatError as refusal:
                page.message_user(request, f"{row}: {refusal.message}", messages.ERROR)
            else:
                page.log_change(request, row, f"{title}: {form.cleaned_data['reason']}")
                page.message_user(request, f"{row}: done.", messages.SUCCESS)
        return None

    act.__name__ = title.lower().replace(" ", "_")
    return act
