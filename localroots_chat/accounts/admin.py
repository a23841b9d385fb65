"""The admin of people and their sign-ins."""

import unicodedata
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.utils import unquote
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import forms as auth_forms
from django.contrib.auth import models as auth_models
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from localroots_chat.accounts import admin_history as admin_history  # registers its page with those of this module
from localroots_chat.accounts.admin_pages import (
    LargeTableAdmin,
    ReadOnlyAdmin,
    list_links,
    only,
    page_link,
    state_filter,
)
from localroots_chat.accounts.models import SignIn, User
from localroots_chat.accounts.revocation import set_active
from localroots_chat.accounts.sessions import sign_out_everywhere
from localroots_chat.accounts.throttling import count_guess
from localroots_chat.accounts.tokens import clean_image, clean_name, now
from localroots_chat.database import DatabaseNow
from localroots_chat.errors import ChatError

if TYPE_CHECKING:  # what is generic only in the stubs
    from django.contrib.admin import ModelAdmin as _ModelAdmin
    from django.core.paginator import Paginator

    _Paginator = Paginator[Any]
    _UserAdmin = auth_admin.UserAdmin[User]
    _NewUserForm = auth_forms.UserCreationForm[User]
    _UserForm = auth_forms.UserChangeForm[User]
    _PasswordForm = auth_forms.AdminPasswordChangeForm[User]
else:
    _UserAdmin = auth_admin.UserAdmin
    _NewUserForm = auth_forms.UserCreationForm
    _UserForm = auth_forms.UserChangeForm
    _PasswordForm = auth_forms.AdminPasswordChangeForm

    class _ModelAdmin(admin.ModelAdmin):
        def __class_getitem__(cls, _):
            return cls


admin.site.site_header = admin.site.site_title = "LocalRoots Chat"
admin.site.index_title = "Administration"


class SignInForm(AdminAuthenticationForm):
    """Who is signed in without rights of staff may try another account: counted with the guesses at other doors."""

    def clean(self) -> dict[str, Any]:
        try:
            if self.request is not None:
                count_guess(self.request, self.cleaned_data.get("username", ""))
        except ChatError as refusal:
            raise ValidationError(refusal.message) from None
        return super().clean()


admin.site.login_form = SignInForm


# People


class NewUserForm(_NewUserForm):
    """Somebody who signs in here. People of the marketplace come by token or sync."""

    username = auth_forms.UsernameField(max_length=150, help_text="For signing in here with the password.")

    class Meta(auth_forms.UserCreationForm.Meta):
        model = User
        fields = ("username", "name", "email", "role")


class UserForm(_UserForm):
    """A person's profile and access."""

    class Meta(auth_forms.UserChangeForm.Meta):
        model = User
        field_classes: ClassVar[dict[str, type[forms.Field]]] = {}  # UsernameField cannot be empty

    def clean_username(self) -> str | None:
        """As somebody types it when signing in; no name is None, of which there may be many."""
        given: str | None = self.cleaned_data["username"]
        return unicodedata.normalize("NFKC", given) if given else None

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"]) or ""

    def clean_image(self) -> str:
        image: str = self.cleaned_data["image"]
        if image and clean_image(image) is None:
            raise ValidationError("Expected an address that starts with http:// or https://.")
        return image


class PasswordForm(_PasswordForm):
    """Whoever knew the old password is signed out."""

    def save(self, commit: bool = True) -> User:
        user = super().save(commit)
        sign_out_everywhere(user)
        return user


@admin.register(User)
class UserAdmin(LargeTableAdmin[User], _UserAdmin):
    """Superusers alone give rights and credentials; other staff don't touch the accounts of staff."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = PasswordForm
    add_form_template = "admin/change_form.html"
    list_display = ("who", "public_id", "username", "role", "is_active", "is_staff", "seats")
    list_filter = ("role", "is_active", "is_staff", "is_superuser")
    sortable_by = ("public_id", "username")
    search_fields = ("name", "username", "email", "public_id")
    fieldsets = (
        (None, {"fields": ("public_id", "in_the_chat")}),
        (
            "Profile",
            {
                "fields": ("name", "image", "email", "role"),
                "description": "What a later token of the marketplace says goes before what is written here.",
            },
        ),
        ("Signing in here", {"fields": ("username", "password")}),
        (
            "Access",
            {
                "fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions"),
                "description": "Whoever is not active is disconnected at once. "
                "Whoever has rights or a password here can no longer come with a token of the marketplace.",
            },
        ),
        ("The person's own settings", {"fields": ("language", "appear_offline", "receipts", "last_seen")}),
        ("Times", {"fields": ("created_at", "last_login", "access_changed_at")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "name", "email", "role", "password1", "password2")}),)
    readonly_fields = (
        "public_id",
        "in_the_chat",
        "language",
        "appear_offline",
        "receipts",
        "last_seen",
        "created_at",
        "last_login",
        "access_changed_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        # By subquery: a join with GROUP BY would count everybody's seats before the page is cut out.
        seats = User.objects.filter(pk=OuterRef("pk")).annotate(
            count=Count("seats", filter=Q(seats__left_at__isnull=True))
        )
        return super().get_queryset(request).annotate(seats_taken=Subquery(seats.values("count")))

    @admin.display(description="name")
    def who(self, user: User) -> str:
        return str(user)

    @admin.display(description="conversations")
    def seats(self, user: User) -> int:
        return user.seats_taken  # type: ignore[attr-defined,no-any-return]  # annotated above

    @admin.display(description="in the chat")
    def in_the_chat(self, user: User) -> SafeString:
        return list_links(
            [
                (f"Conversations ({self.seats(user)})", "conversations_conversation", {"person": user.pk}),
                ("Seats", "conversations_participant", {"person": user.pk}),
                ("Messages", "conversations_message", {"sender": user.pk}),
                ("Read receipts", "conversations_readreceipt", {"reader": user.pk}),
                ("Sign-ins", "accounts_signin", {"person": user.pk}),
            ]
        )

    # Who may do what

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and (obj.is_staff or obj.is_superuser) and not _by_superuser(request):
            return False
        return super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fixed: tuple[str, ...] = self.readonly_fields
        if not _by_superuser(request):
            fixed += ("is_staff", "is_superuser", "groups", "user_permissions")
            return fixed if obj is None else (*fixed, "username")
        if obj is not None and obj.pk == request.user.pk:  # nobody locks themselves out
            return (*fixed, "is_active", "is_staff", "is_superuser")
        return fixed

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets: Any = super().get_fieldsets(request, obj)
        if obj is None or self._may_set_password(request, obj):
            return fieldsets
        return [
            (title, {**options, "fields": [field for field in options["fields"] if field != "password"]})
            for title, options in fieldsets
        ]

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        user = self.get_object(request, unquote(id))
        if user is not None and not self._may_set_password(request, user):
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def _may_set_password(self, request: HttpRequest, user: User) -> bool:
        # Whoever sets somebody's password can read their conversations. Without a user name it would sign nobody
        # in, and only shut out a person of the marketplace.
        return _by_superuser(request) and bool(user.username)

    # Saving

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        # Only what was edited: the whole row would undo what a sign-out elsewhere has just written.
        edited = {field.name for field in User._meta.concrete_fields}.intersection(form.changed_data)
        if edited & {"name", "image", "email", "role"}:
            obj.profile_applied = now()  # tokens from before do not undo it
            edited.add("profile_applied")
        obj.save(update_fields=edited - {"is_active"})
        if "is_active" in edited:
            set_active(obj, obj.is_active)


def _by_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


# Whoever can change a group of rights can give all rights to its members, and so to themselves.
admin.site.unregister(auth_models.Group)


@admin.register(auth_models.Group)
class RightsAdmin(auth_admin.GroupAdmin):
    """Groups of rights, changed by superusers only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _by_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: auth_models.Group | None = None) -> bool:
        return _by_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: auth_models.Group | None = None) -> bool:
        return _by_superuser(request)


# Sign-ins


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin[SignIn]):
    """Where people are signed in by password. Those in use expire last."""

    list_display = ("person", "created_at", "in_browser", "expires_at", "ended_at")
    list_display_links = ("created_at",)
    list_filter = (
        only("person", "user", User.objects.all()),
        state_filter(
            {
                "signed in": Q(ended_at__isnull=True, expires_at__gt=DatabaseNow()),
                "ended": Q(ended_at__isnull=False),
                "expired": Q(ended_at__isnull=True, expires_at__lte=DatabaseNow()),
            }
        ),
    )
    list_select_related = ("user",)
    ordering = ("-expires_at",)
    search_fields = ("user__name",)
    search_help_text = "A person's name, user name or id."
    person_field = "user"
    fields = ("id", "person", "in_browser", "created_at", "expires_at", "ended_at")

    @admin.display(description="in the browser", boolean=True)
    def in_browser(self, sign_in: SignIn) -> bool:
        return not sign_in.refresh_id  # a browser session has no tokens

    @admin.display(description="person")
    def person(self, sign_in: SignIn) -> SafeString:
        return page_link("accounts_user", sign_in.user)
