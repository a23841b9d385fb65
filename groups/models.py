"""Groups: what a community is called and who may find it. Members are the seats of its conversation."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7

from conversations.models import Conversation, Participant
from localroots_chat.database import DatabaseNow


class Group(models.Model):
    """A community around one of six subjects; it owns one conversation."""

    class Category(models.TextChoices):
        GENERAL = "GENERAL"
        FOOD_SHARE = "FOOD_SHARE"
        NEWS = "NEWS"
        RECIPES = "RECIPES"
        TIPS = "TIPS"
        LOCAL_EVENTS = "LOCAL_EVENTS"

    class Visibility(models.TextChoices):
        PUBLIC = "PUBLIC"
        PRIVATE = "PRIVATE"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.OneToOneField(Conversation, models.CASCADE, related_name="group")
    name = models.CharField(max_length=100)
    description = models.TextField(max_length=2000, blank=True)
    image_url = models.CharField(max_length=2000, blank=True)
    category = models.CharField(max_length=12, choices=Category.choices, default=Category.GENERAL)
    visibility = models.CharField(max_length=7, choices=Visibility.choices, default=Visibility.PUBLIC)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="groups_created")
    created_at = models.DateTimeField(db_default=DatabaseNow())
    updated_at = models.DateTimeField(db_default=DatabaseNow())
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(category__in=["GENERAL", "FOOD_SHARE", "NEWS", "RECIPES", "TIPS", "LOCAL_EVENTS"]),
                name="group_category_known",
            ),
            models.CheckConstraint(condition=Q(visibility__in=["PUBLIC", "PRIVATE"]), name="group_visibility_known"),
            models.CheckConstraint(condition=~Q(name=""), name="group_named"),
        ]
        indexes: ClassVar = [models.Index(fields=["category"], name="group_by_category")]

    def __str__(self) -> str:
        return self.name


class Member(Participant):
    """A seat in a group, for the admin."""

    class Meta:
        proxy = True

    def __str__(self) -> str:
        return f"{self.user} in {self.conversation.group}"


class Sanction(models.Model):
    """What moderators have imposed on somebody: to stay out of the group, or only to read in it.

    Rows are never deleted. A silence counts by `silenced_until` of the person's seat, where the writer looks; this says
    by whom and why.
    """

    class Kind(models.TextChoices):
        BAN = "BAN"
        SILENCE = "SILENCE"

    group = models.ForeignKey(Group, models.CASCADE, related_name="sanctions", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="group_sanctions")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    reason = models.CharField(max_length=500, blank=True)
    imposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    imposed_at = models.DateTimeField(db_default=DatabaseNow())
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is lifted.")
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=["BAN", "SILENCE"]), name="sanction_kind_known"),
            models.UniqueConstraint(
                fields=["group", "user", "kind"], condition=Q(lifted_at__isnull=True), name="sanction_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user} in {self.group}"


class Invitation(models.Model):
    """A code that lets people into one group, on behalf of whoever made it."""

    group = models.ForeignKey(Group, models.CASCADE, related_name="invitations")
    code = models.CharField(max_length=32, unique=True)
    role = models.CharField(max_length=9, choices=Participant.Role.choices, default=Participant.Role.MEMBER)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=DatabaseNow())
    expires_at = models.DateTimeField()
    uses = models.PositiveIntegerField(default=0)
    uses_most = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: any number.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(role__in=["MODERATOR", "MEMBER"]), name="invitation_role_known"),
            models.CheckConstraint(
                condition=Q(uses_most__isnull=True) | Q(uses__lte=F("uses_most")), name="invitation_uses_limited"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} to {self.group}"
