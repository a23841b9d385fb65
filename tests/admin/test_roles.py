"""Ready-made roles: made once, with the rights that they need and no others."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from localroots_chat.accounts.models import User
from localroots_chat.accounts.staff_roles import ROLES

pytestmark = pytest.mark.django_db(transaction=True)
# What each may open: the pages of the admin, by name.
OPENS = {
    "Moderator": {
        "conversations_case", "conversations_heldmessage", "conversations_conversation", "conversations_message",
        "conversations_attachment", "groups_group", "groups_member", "groups_sanction", "groups_invitation",
    },
    "Community manager": {
        "conversations_case", "groups_group", "groups_member", "groups_sanction", "groups_invitation",
    },
    "Account manager": {"conversations_case", "accounts_user", "accounts_signin"},
    "Auditor": {
        "admin_logentry", "conversations_case", "conversations_heldmessage", "groups_group", "groups_member",
        "groups_sanction", "groups_invitation",
    },
}  # fmt: skip
PAGES = {
    "admin_logentry", "accounts_user", "accounts_signin", "auth_group", "conversations_case",
    "conversations_heldmessage", "conversations_conversation", "conversations_message", "conversations_participant",
    "conversations_readreceipt", "conversations_attachment", "groups_group", "groups_member", "groups_sanction",
    "groups_invitation",
}  # fmt: skip
# And what each may do to reports, beside dismissing them and warning people.
DOES = {
    "Moderator": {"remove_these_messages"},
    "Community manager": {
        "silence_these_people_for_a_day", "silence_these_people_for_a_week", "close_these_groups",
    },
    "Account manager": {"suspend_these_people"},
    "Auditor": set(),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _migrated() -> None:
    """Tests that came before have emptied the database."""
    call_command("migrate", verbosity=0)


def test_each_has_all_the_rights_that_it_names() -> None:
    assert set(OPENS) == set(DOES) == set(ROLES)
    for name, rights in ROLES.items():
        given = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
        assert {f"{app}.{codename}" for app, codename in given} == set(rights), name


@pytest.mark.parametrize("role", ROLES)
def test_what_each_may_open_and_do(role: str, clerk_at: Callable[..., Client], clerk: User) -> None:
    client = clerk_at()
    clerk.groups.add(Group.objects.get(name=role))
    answers = {name: client.get(reverse(f"admin:{name}_changelist")) for name in PAGES}
    assert {name for name, answer in answers.items() if answer.status_code == 200} == OPENS[role]
    assert {answer.status_code for answer in answers.values()} == {200, 403}
    queue = answers["conversations_case"].content.decode()
    every = set().union(*DOES.values())
    assert {action for action in every if action in queue} == DOES[role]
    assert ("warn_these_people" in queue) == (role != "Auditor")


def test_after_a_part_of_the_migrations_no_role_is_made_with_a_part_of_its_rights(tmp_path: Path) -> None:
    def migrate(*names: str) -> None:
        environment = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/chat.sqlite3"}
        command = [sys.executable, "manage.py", "migrate", "--verbosity=0", *names]
        subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True)

    def rights() -> dict[str, int]:
        with closing(sqlite3.connect(tmp_path / "chat.sqlite3")) as database:
            rows = database.execute(
                "SELECT name, count(*) FROM auth_group g JOIN auth_group_permissions p ON p.group_id = g.id GROUP BY 1"
            )
            return dict(rows.fetchall())

    whole = {name: len(wanted) for name, wanted in ROLES.items()}
    migrate("conversations", "0009")
    assert rights().items() < whole.items()
    migrate()
    assert rights() == whole


def test_what_staff_have_changed_stays() -> None:
    Group.objects.get(name="Moderator").permissions.clear()
    Group.objects.get(name="Auditor").delete()
    call_command("migrate", verbosity=0)
    assert not Group.objects.get(name="Moderator").permissions.exists()
    assert Group.objects.get(name="Auditor").permissions.exists()
