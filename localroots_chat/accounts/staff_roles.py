"""Ready-made roles for staff, each with the least rights that it needs; more than one adds up.

They are groups of rights in the admin. Each is made once, after a migration that finds it missing; what is changed
there stays. Whoever is to have one is given it on their page, with "staff".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.apps import AppConfig, apps
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.models import Q

_GROUP_PAGES: Final = ("groups.{}_group", "groups.{}_member", "groups.{}_sanction", "groups.{}_invitation")
_SEES_GROUPS: Final = [right.format("view") for right in _GROUP_PAGES]
_DECIDES: Final = ["conversations.view_case", "conversations.change_case"]

ROLES: Final[Mapping[str, Sequence[str]]] = {
    # Decides about reports and held messages: reads what is said, removes it, warns people.
    "Moderator": [
        *_DECIDES,
        "conversations.view_heldmessage",
        "conversations.change_heldmessage",
        "conversations.view_conversation",
        "conversations.view_message",
        "conversations.view_attachment",
        "conversations.delete_message",
        *_SEES_GROUPS,
    ],
    # Keeps order in groups: roles, silences, bans, closing. Reads no messages but those that were reported.
    "Community manager": [*_DECIDES, *_SEES_GROUPS, "groups.change_group"],
    # Opens and closes accounts, and sees where people are signed in. Reads no messages but those that were reported.
    "Account manager": [*_DECIDES, "accounts.view_user", "accounts.change_user", "accounts.view_signin"],
    # Sees what staff have done and why, and changes nothing.
    "Auditor": ["admin.view_logentry", "conversations.view_case", "conversations.view_heldmessage", *_SEES_GROUPS],
}


def make_roles(sender: AppConfig, **more: Any) -> None:
    """Makes those that are missing and whose rights are all there, after the last app with tables: where only a part
    was migrated, a later migration makes them."""
    last = [app for app in apps.get_app_configs() if app.models_module][-1]
    if sender != last or Group._meta.db_table not in connection.introspection.table_names():
        return
    there = set(Group.objects.filter(name__in=ROLES).values_list("name", flat=True))
    for name, rights in ROLES.items():
        found = _permissions(rights)
        if name not in there and len(found) == len(rights):
            Group.objects.create(name=name).permissions.set(found)


def _permissions(rights: Sequence[str]) -> Sequence[Permission]:
    wanted = Q()
    for right in rights:
        app, _, codename = right.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return list(Permission.objects.filter(wanted))
