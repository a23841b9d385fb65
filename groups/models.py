"""Groups: what a community is called and who may find it. Members are the seats of its conversation."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from conversations.models import Conversation
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
