"""What people have set reaches their connections and those whom they block, in order, from wherever it is told."""

import time
from datetime import UTC, datetime

import msgspec
import pytest

from conversations.blocking import block, unblock
from localroots_chat.accounts.live_settings import changed_since
from localroots_chat.accounts.models import User
from localroots_chat.database import database_clock
from localroots_chat.gateway.connection import Connection
from localroots_chat.gateway.hub import hub, stop_hub
from localroots_chat.gateway.layer import Settings
from localroots_chat.gateway.wiring import Arrival, Person, Unread
from tests.gateway.test_ending import Ear


def connected(key: int) -> Connection:
    person = Person(key, f"p{key}", msgspec.Raw(b"{}"), True, False)
    arrival = Arrival(person, None, None, [], "epoch", Unread(0, 0), time.time(), [], [])
    connection = Connection(arrival, Ear(), lambda code, reason: None)
    hub().attach(connection, [])
    return connection


def blocking(at: float, *blocked: int) -> Settings:
    return Settings(1, at, receipts=False, appear_offline=False, blocked=[*blocked])


async def test_settings_reach_both_sides_and_late_ones_undo_nothing() -> None:
    try:
        ann, ben, carl = connected(1), connected(2), connected(3)
        hub().deliver([blocking(2.0, 2)])
        assert (ann.blocked, ann.person.receipts) == ({2}, False)
        assert (ben.blocked_by, carl.blocked_by) == ({1}, set())
        for again in (blocking(1.0), blocking(2.0, 2)):  # late, and a second time
            hub().deliver([again])
            assert (ann.blocked, ben.blocked_by) == ({2}, {1})
        hub().deliver([blocking(3.0, 3)])
        assert (ann.blocked, ben.blocked_by, carl.blocked_by) == ({3}, set(), {1})
    finally:
        await stop_hub()


@pytest.mark.django_db
def test_a_sweep_hears_of_whoever_has_blocked_somebody_wherever_they_are() -> None:
    begin = datetime.fromtimestamp(database_clock() - 1, UTC)
    ann, ben = (User.objects.create(public_id=name) for name in ("ann", "ben"))
    assert changed_since(begin) == [], "to be new is no change"
    block(ann, "ben")
    (settings,) = changed_since(begin)
    assert (settings.person, settings.blocked) == (ann.pk, [ben.pk])
    ann.refresh_from_db()
    assert settings.at == ann.settings_changed_at.timestamp()
    unblock(ann, "ben")
    (later,) = changed_since(begin)
    assert (later.blocked, later.at >= settings.at) == ([], True)
