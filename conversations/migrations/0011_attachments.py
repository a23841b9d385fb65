import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import localroots_chat.database


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0010_held_messages"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="heldmessage",
            name="attachment_ids",
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name="message",
            name="attachments",
            field=models.JSONField(
                blank=True,
                db_default=models.Value([], models.JSONField()),
                default=list,
                help_text="What is told of each.",
            ),
        ),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(choices=[("IMAGE", "Image"), ("AUDIO", "Audio"), ("FILE", "File")], max_length=5),
                ),
                ("type", models.CharField(help_text="Media type, by its content.", max_length=100)),
                ("name", models.CharField(help_text="As its uploader called it, to be shown.", max_length=200)),
                ("parts", models.JSONField(help_text="The bytes of each of its files, by name.")),
                ("kept", models.PositiveBigIntegerField(help_text="Bytes of all of them, which count for the quota.")),
                ("told", models.JSONField(help_text="What clients are told of it; its message keeps that too.")),
                ("key", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(db_default=localroots_chat.database.DatabaseNow())),
                (
                    "stored_at",
                    models.DateTimeField(blank=True, help_text="When all its files were in the storage.", null=True),
                ),
                (
                    "held",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="attachment_rows",
                        to="conversations.heldmessage",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="attachment_rows",
                        to="conversations.message",
                    ),
                ),
                (
                    "uploader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attachments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("message__isnull", True)),
                        fields=["created_at"],
                        name="attachment_unclaimed",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["IMAGE", "AUDIO", "FILE"])), name="attachment_kind_known"
                    )
                ],
            },
        ),
    ]
