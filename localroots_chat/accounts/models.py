"""Who uses the chat (User) and where they are signed in with the service's own tokens (SignIn)."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import DEFAULT_DB_ALIAS, models
from django.utils.crypto import salted_hmac
from uuid_utils.compat import uuid7

from localroots_chat.database import DatabaseNow, ask
from localroots_chat.sql import AMONG, keys


def new_public_id() -> str:
    """An id for somebody whom the marketplace has not named."""
    return str(uuid7())


class Role(models.TextChoices):
    """What somebody is in the marketplace. Rights of staff are Django's own and never come from here."""

    FARMER = "FARMER"
    CUSTOMER = "CUSTOMER"
    ADMIN = "ADMIN"


class UserManager(BaseUserManager["User"]):
    """Creates the people of this service's own; those of the marketplace come by token or sync."""

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> "User":
        fields.setdefault("name", username)
        return self.create_user(username, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. `id` stays inside; `public_id` is the marketplace's own id and the one on the wire."""

    public_id = models.CharField(max_length=128, unique=True, default=new_public_id)
    username = models.CharField(
        max_length=150, unique=True, null=True, blank=True, help_text="Only for signing in here with a password."
    )
    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    image = models.CharField(max_length=2000, blank=True, help_text="Address of a picture.")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.CUSTOMER)
    language = models.CharField(max_length=16, blank=True)

    appear_offline = models.BooleanField(default=False)
    receipts = models.BooleanField(default=True, help_text="Shows others what was read, and sees theirs.")
    last_seen = models.BooleanField(default=True, help_text="Lets others see when the person was last here.")

    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    profile_applied = models.FloatField(default=0, help_text="iat of the newest token whose profile was applied.")
    tokens_valid_after = models.FloatField(default=0, help_text="Older tokens are refused (seconds since 1970).")
    created_at = models.DateTimeField(db_default=DatabaseNow())
    seen_at = models.DateTimeField(null=True, blank=True, help_text="The hour in which the person was last here.")
    settings_changed_at = models.DateTimeField(
        db_default=DatabaseNow(), db_index=True, help_text="Database time of the last change of the person's settings."
    )
    access_changed_at = models.DateTimeField(
        db_default=DatabaseNow(), db_index=True, help_text="Database time of the last change of what the person may do."
    )

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_known"),
            models.CheckConstraint(condition=~models.Q(public_id=""), name="user_public_id_given"),
        ]

    def __str__(self) -> str:
        return self.name or self.username or self.public_id

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django's, and of the last "log out everywhere": browser sessions from before are then no longer good."""
        value = f"{self.password}:{float(self.tokens_valid_after)}"
        return salted_hmac("accounts.session", value, secret=secret, algorithm="sha256").hexdigest()

    @property
    def is_of_this_service(self) -> bool:
        """Has rights or a password here, so that no token of the marketplace may name this account."""
        return self.is_staff or self.is_superuser or (bool(self.password) and self.has_usable_password())


# Times are dear to read, and asked for by nobody who comes by this way; who does ask has them read then.
_COLUMNS: Final = [one.attname for one in User._meta.concrete_fields if not isinstance(one, models.DateTimeField)]
_NAMED: Final = f"SELECT {', '.join(_COLUMNS)} FROM accounts_user WHERE public_id {AMONG}"


def users_named(public_ids: Sequence[str]) -> dict[str, User]:
    """The people with these public ids, of those whom we know. One query, asked for every request and connection: the
    ORM takes twice as long for it."""
    rows = ask(_NAMED, keys(public_ids)).rows()
    return {user.public_id: user for user in (User.from_db(DEFAULT_DB_ALIAS, _COLUMNS, row) for row in rows)}


class Block(models.Model):
    """`blocker` wants to hear nothing of `blocked`."""

    blocker = models.ForeignKey(User, models.CASCADE, related_name="blocks", db_index=False)
    blocked = models.ForeignKey(User, models.CASCADE, related_name="blocked_by")
    created_at = models.DateTimeField(db_default=DatabaseNow(), db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["blocker", "blocked"], name="block_once"),
            models.CheckConstraint(condition=~models.Q(blocker=models.F("blocked")), name="block_not_oneself"),
        ]

    def __str__(self) -> str:
        return f"{self.blocker} blocks {self.blocked}"


class SignIn(models.Model):
    """One sign-in by password and the family of tokens that came of it.

    Each refresh token is good once. When a used one comes again somebody has a copy, and the whole family ends.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sign_ins")
    refresh_id = models.CharField(max_length=64, help_text="jti of the one refresh token that is good now.")
    created_at = models.DateTimeField(db_default=DatabaseNow())
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user} since {self.created_at:%Y-%m-%d %H:%M}"
