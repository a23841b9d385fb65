"""The tables of the conversations, and the contract's rules as constraints of the database.

`seq` numbers the messages of a conversation, `version` its changes; both come from the conversation's row,
whose lock makes the order of commits the order of numbers.
"""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from uuid_utils.compat import uuid7

from localroots_chat.database import DatabaseNow


class Epoch(models.Model):
    """One row, made when it is first asked for. A new value, after a restored backup, tells clients to load again."""

    value = models.CharField(max_length=36)
    sweeps = models.PositiveBigIntegerField(default=0, db_default=0, help_text="Counted by all servers.")

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="epoch_single_row")]

    def __str__(self) -> str:
        return self.value


class Conversation(models.Model):
    """A direct conversation of two people, or the talk of a group."""

    class Type(models.TextChoices):
        DIRECT = "DIRECT"
        GROUP = "GROUP"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    type = models.CharField(max_length=6, choices=Type.choices)
    direct_key = models.CharField(
        max_length=41, null=True, blank=True, unique=True, help_text="Keys of the two people, lower one first."
    )
    first_seq = models.PositiveBigIntegerField(default=1)
    last_seq = models.PositiveBigIntegerField(default=0)
    version = models.PositiveBigIntegerField(default=0)
    meta_version = models.PositiveBigIntegerField(
        default=0, help_text="Version of the last change of members or settings."
    )
    member_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=DatabaseNow())
    updated_at = models.DateTimeField(db_default=DatabaseNow(), help_text="Last message, or last change of settings.")
    changed_at = models.DateTimeField(
        db_default=DatabaseNow(), db_index=True, help_text="Database time of the last version; what the sweep goes by."
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(type="DIRECT", direct_key__isnull=False) | Q(type="GROUP", direct_key__isnull=True),
                name="conversation_direct_has_key",
            ),
            models.CheckConstraint(
                condition=Q(last_seq__gte=F("first_seq") - 1) & Q(first_seq__gte=1), name="conversation_seq_range"
            ),
            models.CheckConstraint(
                condition=Q(version__gte=F("last_seq")) & Q(meta_version__lte=F("version")),
                name="conversation_version_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Participant(models.Model):
    """A person's seat in a conversation, and with it every right there. Rows are never deleted."""

    class Role(models.TextChoices):
        OWNER = "OWNER"
        MODERATOR = "MODERATOR"
        MEMBER = "MEMBER"

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="participants", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="seats")
    role = models.CharField(max_length=9, choices=Role.choices, default=Role.MEMBER)
    last_read_seq = models.PositiveBigIntegerField(default=0)
    muted = models.BooleanField(default=False, help_text="The person's own notifications are off.")
    silenced_until = models.DateTimeField(null=True, blank=True, help_text="Moderators let the person only read.")
    looks_new_from = models.PositiveBigIntegerField(
        default=0,
        db_default=0,
        help_text="What clients hold up to this version, the person is shown differently since.",
    )
    looks_new_since = models.DateTimeField(null=True, blank=True, help_text="Database time of that.")
    joined_at = models.DateTimeField(db_default=DatabaseNow())
    left_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(
        db_default=DatabaseNow(),
        db_index=True,
        help_text="Database time of the seat's gain, change or loss.",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conversation", "user"], name="participant_one_seat"),
            models.CheckConstraint(
                condition=Q(role__in=["OWNER", "MODERATOR", "MEMBER"]), name="participant_role_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user"], condition=Q(left_at__isnull=True), name="participant_present"),
            # the first members of a conversation, in the order of joining, however many there are
            models.Index(fields=["conversation", "id"], condition=Q(left_at__isnull=True), name="participant_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.conversation_id}"


class Message(models.Model):
    """One message. Its row holds its newest state; `version` is the change that made it so."""

    class Type(models.TextChoices):
        TEXT = "TEXT"
        IMAGE = "IMAGE"
        FILE = "FILE"
        SYSTEM = "SYSTEM"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages", db_index=False)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="messages")
    seq = models.PositiveBigIntegerField()
    version = models.PositiveBigIntegerField()
    client_id = models.CharField(  # noqa: DJ001 (null: the unique constraint counts only those that were given)
        max_length=64, null=True, blank=True
    )
    digest = models.CharField(max_length=32, blank=True, help_text="Of what was first sent under the client id.")
    type = models.CharField(max_length=6, choices=Type.choices, default=Type.TEXT)
    content = models.TextField(blank=True)
    system = models.JSONField(null=True, blank=True, help_text='{"kind", "userIds"} of a message of the server.')
    reply_to = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="replies", db_index=False)
    attachments = models.JSONField(
        default=list, db_default=Value([], models.JSONField()), blank=True, help_text="What is told of each."
    )
    reactions = models.JSONField(
        default=list, db_default=Value([], models.JSONField()), blank=True, help_text="[emoji, count] of each, counted."
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_seq_once"),
            models.UniqueConstraint(fields=["conversation", "version"], name="message_version_once"),
            models.UniqueConstraint(
                fields=["conversation", "sender", "client_id"],
                condition=Q(client_id__isnull=False),
                name="message_client_id_once",
            ),
            models.CheckConstraint(condition=Q(seq__gte=1, version__gte=F("seq")), name="message_numbers"),
            models.CheckConstraint(
                condition=Q(type__in=["TEXT", "IMAGE", "FILE", "SYSTEM"]), name="message_type_known"
            ),
            models.CheckConstraint(
                condition=Q(type="SYSTEM", system__isnull=False) | (~Q(type="SYSTEM") & Q(system__isnull=True)),
                name="message_system_from_server",
            ),
            models.CheckConstraint(condition=Q(deleted_at__isnull=True) | Q(content=""), name="message_deleted_empty"),
        ]
        indexes: ClassVar = [  # most messages answer none
            models.Index(fields=["reply_to"], condition=Q(reply_to__isnull=False), name="message_replies"),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id} #{self.seq}"


class HeldMessage(models.Model):
    """A message that waits for a moderator: seen by its sender, moderators and staff, without a place in the
    conversation.

    When it is approved, `message` is what became of it.
    """

    class Outcome(models.TextChoices):
        APPROVED = "APPROVED"
        REFUSED = "REFUSED"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="held", db_index=False)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="held")
    client_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 (as in Message)
    digest = models.CharField(max_length=32, blank=True, help_text="Of what was sent under the client id.")
    type = models.CharField(max_length=6, choices=Message.Type.choices, default=Message.Type.TEXT)
    content = models.TextField(blank=True)
    attachment_ids = models.JSONField(default=list, db_default=Value([], models.JSONField()), blank=True)
    reply_to = models.ForeignKey(Message, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    reason = models.TextField(blank=True, help_text="What the screen says.")
    created_at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True, db_default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="held_decided"
    )
    answer = models.CharField(max_length=500, blank=True, db_default="", help_text="What the moderator says.")
    message = models.OneToOneField(Message, models.SET_NULL, null=True, blank=True, related_name="held_as")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["conversation", "sender", "client_id"],
                condition=Q(client_id__isnull=False) & ~Q(outcome="APPROVED"),
                name="held_client_id_once",
            ),
            models.CheckConstraint(
                condition=Q(outcome="", decided_at__isnull=True)
                | Q(outcome__in=["APPROVED", "REFUSED"], decided_at__isnull=False),
                name="held_outcome_known",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["conversation", "id"], condition=Q(outcome=""), name="held_waiting_there"),
            models.Index(fields=["id"], condition=Q(outcome=""), name="held_waiting"),
        ]

    def __str__(self) -> str:
        return f"held message of {self.sender}"


class Attachment(models.Model):
    """A file that somebody has uploaded, and, once it is sent, the message that it belongs to.

    Its files lie in the storage under `key`, a name that nobody can guess.
    """

    class Kind(models.TextChoices):
        IMAGE = "IMAGE"
        AUDIO = "AUDIO"
        FILE = "FILE"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    uploader = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="attachments")
    message = models.ForeignKey(Message, models.SET_NULL, null=True, blank=True, related_name="attachment_rows")
    held = models.ForeignKey(HeldMessage, models.SET_NULL, null=True, blank=True, related_name="attachment_rows")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    type = models.CharField(max_length=100, help_text="Media type, by its content.")
    name = models.CharField(max_length=200, help_text="As its uploader called it, to be shown.")
    parts = models.JSONField(help_text="The bytes of each of its files, by name.")
    kept = models.PositiveBigIntegerField(help_text="Bytes of all of them, which count for the quota.")
    told = models.JSONField(help_text="What clients are told of it; its message keeps that too.")
    key = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=DatabaseNow())
    stored_at = models.DateTimeField(null=True, blank=True, help_text="When all its files were in the storage.")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=["IMAGE", "AUDIO", "FILE"]), name="attachment_kind_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["created_at"], condition=Q(message__isnull=True), name="attachment_unclaimed"),
        ]

    def __str__(self) -> str:
        return self.name


class EarlierText(models.Model):
    """What a message said before it was changed or deleted, for moderators."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="earlier_texts")
    content = models.TextField()
    replaced_at = models.DateTimeField()
    replaced_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", help_text="Who did it."
    )

    def __str__(self) -> str:
        return f"{self.message} until {self.replaced_at:%Y-%m-%d %H:%M}"


class Reaction(models.Model):
    """One emoji of one person on one message."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="reaction_rows", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reactions")
    emoji = models.CharField(max_length=40)
    created_at = models.DateTimeField(db_default=DatabaseNow())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "user", "emoji"], name="reaction_once"),
        ]

    def __str__(self) -> str:
        return f"{self.emoji} by {self.user}"


class ReadReceipt(models.Model):
    """A move of a reader's pointer: by `read_at` the reader had read everything up to `message`.

    Message m was read by somebody at their first receipt whose seq is m's or higher.
    """

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="receipts", db_index=False)
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="receipts_given", db_index=False)
    message = models.ForeignKey(Message, models.CASCADE, related_name="receipts")
    seq = models.PositiveBigIntegerField()
    read_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conversation", "reader", "seq"], name="receipt_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["reader", "read_at"], name="receipt_by_reader")]

    def __str__(self) -> str:
        return f"{self.reader} read #{self.seq}"


class Case(models.Model):
    """Something that people have reported: a message, a person or a group. What it was then, `snapshot` keeps."""

    class Kind(models.TextChoices):
        MESSAGE = "message"
        USER = "user"
        GROUP = "group"

    class Outcome(models.TextChoices):
        DISMISSED = "DISMISSED"
        REMOVED = "REMOVED", "Message removed"
        WARNED = "WARNED", "Person warned"
        SILENCED = "SILENCED", "Person silenced"
        SUSPENDED = "SUSPENDED", "Person suspended"
        CLOSED = "CLOSED", "Group closed"

    kind = models.CharField(max_length=7, choices=Kind.choices)
    message = models.ForeignKey(Message, models.SET_NULL, null=True, blank=True, related_name="cases")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="cases", help_text="Who is to answer for it."
    )
    conversation = models.ForeignKey(Conversation, models.CASCADE, null=True, blank=True, related_name="cases")
    snapshot = models.JSONField(help_text="As it was when it was first reported.")
    reports = models.PositiveIntegerField(default=0, help_text="From how many people.")
    opened_at = models.DateTimeField(db_default=DatabaseNow())
    reported_at = models.DateTimeField(db_default=DatabaseNow(), help_text="By the last of them.")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="cases_closed"
    )
    outcome = models.CharField(max_length=9, choices=Outcome.choices, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=["message", "user", "group"]), name="case_kind_known"),
            *(
                models.UniqueConstraint(
                    fields=[target], condition=Q(kind=kind, closed_at__isnull=True), name=f"case_open_once_{kind}"
                )
                for kind, target in (("message", "message"), ("user", "user"), ("group", "conversation"))
            ),
        ]
        indexes: ClassVar = [
            models.Index(F("reports").desc(), "opened_at", condition=Q(closed_at__isnull=True), name="case_queue"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user}"


class Report(models.Model):
    """What one person has said of a case. Nobody but staff learns who it was."""

    class Reason(models.TextChoices):
        SPAM = "SPAM"
        ABUSE = "ABUSE"
        FRAUD = "FRAUD"
        ILLEGAL = "ILLEGAL"
        OTHER = "OTHER"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, models.CASCADE, related_name="rows", db_index=False)
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="reports_made")
    reason = models.CharField(max_length=7, choices=Reason.choices)
    note = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(db_default=DatabaseNow())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "reporter"], name="report_once"),
            models.CheckConstraint(
                condition=Q(reason__in=["SPAM", "ABUSE", "FRAUD", "ILLEGAL", "OTHER"]), name="report_reason_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} by {self.reporter}"
