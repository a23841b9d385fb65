"""What servers know of the people who are connected, and go by: changed, it is told to all of them, and found by their
sweeps where they did not hear."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import F

from localroots_chat.accounts.models import Block, User
from localroots_chat.database import DatabaseNow
from localroots_chat.gateway import publish
from localroots_chat.gateway.layer import Settings


def tell(person: User) -> None:
    """This person's settings, or whom they have blocked, have changed in this transaction. Three queries."""
    User.objects.filter(pk=person.pk).update(settings_changed_at=DatabaseNow())
    publish.on_commit(*_settings([person.pk]))


def changed_since(moment: datetime) -> list[Settings]:
    """The settings that have changed since this database time; whose, does not matter: somebody far away may have
    blocked somebody here. Three queries, one where there are none."""
    changed = User.objects.filter(settings_changed_at__gt=moment).exclude(settings_changed_at=F("created_at"))
    people = list(changed.values_list("pk", flat=True))
    return _settings(people) if people else []


def _settings(people: Collection[int]) -> list[Settings]:
    blocked: dict[int, list[int]] = {}
    for blocker, other in Block.objects.filter(blocker__in=people).values_list("blocker_id", "blocked_id"):
        blocked.setdefault(blocker, []).append(other)
    rows = User.objects.filter(pk__in=people).values_list("pk", "settings_changed_at", "receipts", "appear_offline")
    return [
        Settings(pk, changed.timestamp(), receipts, offline, blocked.get(pk, []))
        for pk, changed, receipts, offline in rows
    ]
