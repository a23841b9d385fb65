"""Files in the admin: found from their message, seen by whoever has the right, and by nobody else."""

import tempfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from conversations import attachments, edits
from conversations.models import Attachment, Conversation, Message
from conversations.reports import NewReport, report
from localroots_chat.accounts.models import User
from tests.admin.conftest import text_of
from tests.conversations.conftest import make_send, store
from tests.support import files

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def picture(bob: User, talk: Conversation, settings: Settings, tmp_path: Any) -> Attachment:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}},
    }
    content = files.png(400, 300)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        shape = attachments.keep(bob, file, "field.png", len(content))
    row = Attachment.objects.get(pk=shape.id)
    store(make_send(bob, talk, "my field", attachments=(row.pk,)))
    row.refresh_from_db()
    return row


def test_a_file_is_found_from_its_message_and_looked_at(clerk_at: Callable[..., Client], picture: Attachment) -> None:
    client = clerk_at("conversations.view_message", "conversations.view_attachment")
    page = reverse("admin:conversations_attachment_change", args=[picture.pk])
    message = text_of(client, reverse("admin:conversations_message_change", args=[picture.message_id]))
    assert page in message
    shown = text_of(client, page)
    for wanted in ("field.png", "image/png", "Bob", "Image"):
        assert wanted in shown, wanted
    answer: Any = client.get(reverse("admin:conversations_attachment_file", args=[picture.pk]))
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert "field.png" in text_of(client, reverse("admin:conversations_attachment_changelist", query={"q": "bob"}))


def test_it_is_there_for_staff_after_the_message_is_gone(
    clerk_at: Callable[..., Client], alice: User, bob: User, picture: Attachment
) -> None:
    report(alice, NewReport("message", str(picture.message_id), "SPAM"))
    edits.delete(person=bob.pk, message=str(picture.message_id))
    client = clerk_at("conversations.view_attachment")
    assert client.get(reverse("admin:conversations_attachment_file", args=[picture.pk])).status_code == 200
    assert Message.objects.get(attachment_rows=picture).cases.get().snapshot["files"] == "field.png"


def test_nobody_else_sees_it(clerk_at: Callable[..., Client], picture: Attachment) -> None:
    client = clerk_at("conversations.view_message")
    for name in ("file", "change"):
        assert client.get(reverse(f"admin:conversations_attachment_{name}", args=[picture.pk])).status_code == 403
    assert Client().get(reverse("admin:conversations_attachment_file", args=[picture.pk])).status_code == 302
