import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0009_more_outcomes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HeldMessage",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("client_id", models.CharField(blank=True, max_length=64, null=True)),
                (
                    "digest",
                    models.CharField(blank=True, help_text="Of what was sent under the client id.", max_length=32),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[("TEXT", "Text"), ("IMAGE", "Image"), ("FILE", "File"), ("SYSTEM", "System")],
                        default="TEXT",
                        max_length=6,
                    ),
                ),
                ("content", models.TextField(blank=True)),
                ("reason", models.TextField(blank=True, help_text="What the screen says.")),
                ("created_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("APPROVED", "Approved"), ("REFUSED", "Refused")],
                        db_default="",
                        max_length=8,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answer",
                    models.CharField(blank=True, db_default="", help_text="What the moderator says.", max_length=500),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="held",
                        to="conversations.conversation",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="held_decided",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "message",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="held_as",
                        to="conversations.message",
                    ),
                ),
                (
                    "reply_to",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="conversations.message",
                    ),
                ),
                (
                    "sender",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="held", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome", "")), fields=["conversation", "id"], name="held_waiting_there"
                    ),
                    models.Index(condition=models.Q(("outcome", "")), fields=["id"], name="held_waiting"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("client_id__isnull", False), models.Q(("outcome", "APPROVED"), _negated=True)
                        ),
                        fields=("conversation", "sender", "client_id"),
                        name="held_client_id_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("outcome", "")),
                            models.Q(("decided_at__isnull", False), ("outcome__in", ["APPROVED", "REFUSED"])),
                            _connector="OR",
                        ),
                        name="held_outcome_known",
                    ),
                ],
            },
        ),
    ]
